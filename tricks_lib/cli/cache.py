"""`cache`: where downloads, decoded images and trained networks are, how large, and how they go.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
from typing import Any

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Say what may be asked."""
    kept = commands.add_parser(
        "cache",
        help="say where decoded images and downloads are kept, or clear them",
        description="Images of a folder are decoded once and kept, and so is a teacher that a "
        "trick trains; this says where and how much. The environment variable TRICKS_DATA names "
        "another place.",
    )
    kept.add_argument(
        "--clear",
        action="store_true",
        help="remove the decoded images and the teachers; they are made again when needed, and no "
        "image of your own is touched",
    )
    kept.add_argument(
        "--downloads", action="store_true", help="with --clear: remove downloaded data sets too"
    )
    kept.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Say what is there, or remove it."""
    if options.downloads and not options.clear:
        raise ValueError("--downloads says what else --clear removes: give both")
    from ..lab.data import cache_folder, cache_size, clear_cache  # loads torch

    if options.clear:
        freed = clear_cache(downloads=options.downloads)
        print(f"Removed {freed / 1e6:,.1f} MB from {cache_folder()}.")
        return
    print(cache_folder())
    for what, size in cache_size().items():
        print(f"  {what}: {size / 1e6:,.1f} MB")
