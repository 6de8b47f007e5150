"""Where downloads and decoded images are kept, and how nothing half-written gets there.

Chapter: notebooks/00_baseline.ipynb
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["aside", "cache_folder"]


def cache_folder(chosen: str | Path | None = None) -> Path:
    """Return the chosen folder, else `TRICKS_DATA`, else `~/.cache/tricks_lib`."""
    folder = chosen or os.environ.get("TRICKS_DATA") or Path.home() / ".cache" / "tricks_lib"
    return Path(folder).expanduser()


@contextmanager
def aside(cache: Path) -> Iterator[Path]:
    """Make a folder for unfinished work beside the finished, and remove it whatever happens."""
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob(".unfinished-*"):  # by a run that was killed
        with suppress(FileNotFoundError):  # or by one that finishes just now
            if time.time() - left_over.stat().st_mtime > 24 * 60 * 60:
                shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=cache) as unfinished:
        yield Path(unfinished)
