"""What arguments of the command line may be, and how they are read.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import math
from collections.abc import Callable

import torch

from ..course.chapter import Chapter, chapters
from ..lab.steps import pick_device

__all__ = ["add_jobs", "announce", "device", "rate", "some_tricks", "tricks", "whole"]


def tricks() -> dict[str, Chapter]:
    """Return the chapters whose trick can be switched on, by their slugs."""
    return {entry.slug: entry for entry in chapters() if entry.switch}


def add_jobs(command: argparse.ArgumentParser) -> None:
    """Let a command take `--jobs`."""
    command.add_argument(
        "--jobs",
        type=whole(1, 1024),
        default=1,
        help="runs made side by side, each in a process of its own (default: 1)",
    )


def whole(least: int, most: int = 1_000_000) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            if least <= int(text) <= most:
                return int(text)
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least} to {most}, got {text!r}"
        )

    return read


def rate(text: str) -> float:
    """Read a finite number above 0."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a finite number > 0, got {text!r}")


def some_tricks(text: str) -> list[str]:
    """Read names of tricks, separated by commas."""
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(chosen) - set(tricks()))
    if unknown or not chosen:
        raise argparse.ArgumentTypeError(
            f"expected tricks out of {list(tricks())}, got {unknown or text!r}"
        )
    return chosen


def device(text: str) -> torch.device:
    """Read a device, and try it."""
    try:
        found = pick_device(text)
        torch.zeros(1, device=found).item()  # torch knows names of devices that are not there
    except Exception as error:  # each kind of device refuses in its own way
        reason, _, _ = str(error).replace("\n", " ").partition(". ")
        raise argparse.ArgumentTypeError(f"cannot compute on {text!r}: {reason}") from error
    return found


def announce(what: str, seconds: float, jobs: int) -> None:
    """Say how long it takes."""
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    # How much of it is saved depends on the machine's cores, or on what its GPU has left.
    beside = f" one after another, less with {jobs} side by side" if jobs > 1 else ""
    print(f"{what}: about {length} on this machine{beside} (Ctrl-C stops).", flush=True)
