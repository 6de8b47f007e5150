"""Run `python -m tricks_lib --help`."""

import sys

try:
    from .cli import main
except ModuleNotFoundError as error:
    sys.exit(
        f"error: the command line needs {error.name}, which is not installed: "
        "run `pip install 'tricks-lib[course]'`"
    )

if __name__ == "__main__":
    sys.exit(main())
