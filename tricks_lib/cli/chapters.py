"""`chapters`: list the chapters and what they found.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
from typing import Any

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Say what may be asked."""
    listed = commands.add_parser("chapters", help="list the chapters and what they found")
    listed.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Print a line for each chapter."""
    from ..course.chapter import chapters  # loads torch

    for entry in chapters():
        print(f"{entry.number:02d} {entry.slug}: {entry.finding() or entry.claim}")
