"""The command line: measure tricks on your own images, or record the course's studies.

    python -m tricks_lib study --data PATH --tricks warmup,mixup --seeds 5
    python -m tricks_lib record warmup
    python -m tricks_lib chapters

A command is a module here: its `add` says what may be asked, its `run` does it.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

import torch

from ..lab.data import DataUnavailable
from . import chapters, compare, record, study

__all__ = ["main"]

COMMANDS = (study, compare, record, chapters)
"""In the order in which `--help` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the user's making become one line and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack "×", or a name be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    options = argparse.Namespace()
    try:
        parser().parse_args(arguments, options)
        options.command(options)
    except (ValueError, OSError, DataUnavailable, torch.OutOfMemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = getattr(options, "out", True)
        hint = "The same command goes on from here." if resumes else "With --out it could go on."
        print(f"\nStopped. {hint}", file=sys.stderr)
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that raises its complaints, so that they are printed like all others."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help shows the options)")


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    whole = _Parser(prog="python -m tricks_lib", description=__doc__)
    whole.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return whole
