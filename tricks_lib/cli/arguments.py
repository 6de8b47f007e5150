"""What arguments of the command line may be, and how they are read, without loading torch.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path

from ..practice.names import parse

__all__ = [
    "add_workers",
    "announce",
    "device",
    "in_points",
    "number",
    "out_folder",
    "pattern",
    "some_arms",
    "whole",
]

DEVICES = ("cuda", "mps", "xpu", "cpu")
"""Kinds of devices that a study is made on."""


def add_workers(command: argparse.ArgumentParser) -> None:
    """Let a command take `--workers`."""
    command.add_argument(
        "--workers",
        metavar="N",
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


def number(text: str) -> float:
    """Read a finite number above 0."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a finite number > 0, got {text!r}")


def in_points(text: str) -> float:
    """Read a difference in points, above 0 and below 100, as a share."""
    points = number(text)
    if points >= 100:
        raise argparse.ArgumentTypeError(f"expected points below 100, got {text!r}")
    return points / 100


def some_arms(text: str) -> list[str]:
    """Read tricks and combinations of tricks, separated by commas."""
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def device(text: str) -> str:
    """Read the name of a device. Whether this machine has it, torch says when it is loaded."""
    if not re.fullmatch(rf"({'|'.join(DEVICES)})(:\d+)?", text):
        hint = "; did you mean cuda?" if text.lower() in ("gpu", "nvidia") else ""
        raise argparse.ArgumentTypeError(
            f"expected {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, perhaps with a number as in "
            f"cuda:1, got {text!r}{hint}"
        )
    return text


def pattern(text: str) -> str:
    """Read a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            f"expected a regular expression, got {text!r}: {error}"
        ) from error
    return text


def out_folder(text: str) -> Path:
    """Read the folder that keeps what a study makes, there or not."""
    folder = Path(text).expanduser()
    if folder.is_file():
        raise argparse.ArgumentTypeError(
            f"{text} is a file, and a folder is expected now, for the runs, the report and the "
            "best network: name a folder; the file is left as it is"
        )
    return folder


def announce(what: str, seconds: float, workers: int) -> None:
    """Say how long it takes, one run after another."""
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    # How much of it is saved depends on the machine's cores, or on what its GPU has left.
    beside = f" one after another, less with {workers} side by side" if workers > 1 else ""
    print(f"{what}: about {length} on this machine{beside} (Ctrl-C stops).", flush=True)
