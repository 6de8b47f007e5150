"""How much memory there is, and how much a set of images would take.

Chapter: notebooks/00_baseline.ipynb
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from math import isqrt, prod
from pathlib import Path
from typing import NamedTuple

__all__ = ["Memory", "as_text", "fits", "largest_size", "memory"]

SHARE = 4
"""A set may take one part in so many of the memory: the network, copies of part of the images and
the processes that run side by side need the rest."""

CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where Linux says how much of the machine a container may use."""


class Memory(NamedTuple):
    """Bytes of memory that this process may use in all, and those that are free now."""

    total: int
    free: int


def memory() -> Memory | None:
    """Ask the operating system; None where it does not tell."""
    found = _of_machine()
    if found is None:
        return None
    with suppress(OSError, ValueError):  # "max" stands for no limit
        limit = int((CONTROL_GROUP / "memory.max").read_text())
        used = int((CONTROL_GROUP / "memory.current").read_text())
        found = Memory(min(found.total, limit), max(0, min(found.free, limit - used)))
    return found


def _of_machine() -> Memory | None:
    with suppress(ImportError):
        # It knows macOS and Windows too, and is used where it happens to be installed.
        status = import_module("psutil").virtual_memory()
        return Memory(status.total, status.available)
    with suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return Memory(sizes["MemTotal"], sizes["MemAvailable"])
    with suppress(AttributeError, OSError, ValueError):
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return Memory(total, total // 2)
    return None


def fits(needed: int, there: Memory | None) -> bool:
    """Say whether so many bytes of images leave enough for the work on them.

    What there is in all decides first, and only a machine full of other things overrules it: the
    same set should be held in the same way tomorrow.
    """
    return there is None or needed <= min(there.total / SHARE, 0.8 * there.free)


def largest_size(count: int, channels: int, there: Memory | None) -> int | None:
    """Return the largest height and width, a multiple of 16, with which so many images fit."""
    if there is None:
        return None
    pixels = int(min(there.total / SHARE, 0.8 * there.free)) // (count * channels)
    return isqrt(pixels) // 16 * 16 or None


def as_text(shape: Sequence[int]) -> str:
    """Return what uint8 images of this shape take, such as "1.5 GB"."""
    taken = prod(shape)
    unit, name = (1e9, "GB") if taken >= 1e9 else (1e6, "MB")
    return f"{taken / unit:,.1f} {name}"
