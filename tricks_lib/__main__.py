"""Run `python -m tricks_lib --help`."""

import sys

if __name__ == "__main__":
    try:
        from .cli import main

        status = main()
    except KeyboardInterrupt:  # before there was a command that could say more
        print("\nStopped.", file=sys.stderr)
        status = 130
    sys.exit(status)
