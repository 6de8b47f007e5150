"""The command line: measure tricks on your own images, or record the course's studies.

    python -m tricks_lib study --data PATH --tricks warmup,mixup+cutout --seeds 5 --out DIR
    python -m tricks_lib predict MODEL IMAGE…
    python -m tricks_lib compare --a 'CMD {seed}' --b 'CMD {seed}' --metric NAME
    python -m tricks_lib helps over-fitting
    python -m tricks_lib cache
    python -m tricks_lib record warmup
    python -m tricks_lib chapters

A command is a module here: its `add` says what may be asked, its `run` does it. No module loads
torch before its `run`, so that help and complaints come at once.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import cache, chapters, compare, helps, predict, record, study

__all__ = ["main"]

COMMANDS = (study, predict, compare, helps, cache, record, chapters)
"""In the order in which `--help` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the user's making become one line and exit status 2.

    Of the workers under `torchrun`, which all do the same, the first speaks.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0":
        return _run(arguments)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack "×", or a name be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    options = argparse.Namespace()
    try:
        parser().parse_args(arguments, options)
        options.command(options)
    except BrokenPipeError:  # whoever reads has seen enough, such as `| head`
        # What is left in the buffer would complain once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\nStopped.{_goes_on(options)}", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] == "tricks_lib":
            raise
        print(
            f"error: this command needs {missing}, which is not installed: "
            "run `pip install 'tricks-lib[course]'`",
            file=sys.stderr,
        )
        return 1
    except Exception as error:
        if not _is_of_the_users_making(error):
            raise
        print(f"error: {' '.join(str(error).split())}{_way_out(error)}", file=sys.stderr)
        return 2
    return 0


def _goes_on(options: argparse.Namespace) -> str:
    """Say whether the command can go on where it stopped; only those with runs to keep can."""
    if getattr(options, "out", None) or getattr(options, "keeps_runs", False):
        return " The same command goes on from here."
    return " With --out it could go on." if hasattr(options, "out") else ""


def _is_of_the_users_making(error: Exception) -> bool:
    """Tell what was asked amiss from a fault of the program."""
    if isinstance(error, ValueError | OSError):
        return True
    data = sys.modules.get("tricks_lib.lab.data")
    if data is not None and isinstance(error, data.DataUnavailable):
        return True
    return _ran_out_of_memory(error)


def _ran_out_of_memory(error: Exception) -> bool:
    # torch has an error of its own for a GPU's memory, a RuntimeError; for the CPU's only the text.
    named = isinstance(error, RuntimeError) and "memory" in str(error).lower()
    return named or isinstance(error, MemoryError)


def _way_out(error: Exception) -> str:
    if not _ran_out_of_memory(error):
        return ""
    return ": a smaller --batch-size or --image-size, or fewer --workers, needs less"


class _Parser(argparse.ArgumentParser):
    """A parser that raises its complaints, so that they are printed like all others."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help shows the options)")


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    told, _, _ = (__doc__ or "").partition("\nA command is")  # the rest is for readers of the code
    more = "COMMAND --help tells the options of each."
    whole = _Parser(prog="python -m tricks_lib", description=told, epilog=more)
    whole.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return whole
