"""`helps`: what to try against a symptom, and what that did in the course.

    python -m tricks_lib helps
    python -m tricks_lib helps over-fitting
    python -m tricks_lib helps --sheet sheet.html

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

__all__ = ["add", "run"]

WIDEST = 100
"""Characters of a line that are still read with ease."""


def add(commands: Any) -> None:
    """Say what may be asked."""
    asked = commands.add_parser("helps", help="say what to try against a symptom")
    asked.add_argument(
        "symptom", nargs="?", default="", help="such as over-fitting; without one, a line on each"
    )
    asked.add_argument("--sheet", type=Path, metavar="FILE", help="write the sheet to print (HTML)")
    asked.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Print the advice, or write the sheet.

    Raises:
        ValueError: if there is no such symptom.
        OSError: if the file cannot be written.
    """
    from ..course.helps import plain, sheet  # so late that --help answers at once

    if options.sheet:
        options.sheet.write_text(sheet(), encoding="utf-8")
        print(f"{options.sheet} is written: print it from a browser.")
        return
    print(plain(options.symptom, min(shutil.get_terminal_size().columns, WIDEST)))
