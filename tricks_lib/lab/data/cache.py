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

__all__ = ["aside", "cache_folder", "cache_size", "clear_cache", "networks_folder"]

DECODED = "folders"
"""Where the decoded images of folders are, in the cache."""

NETWORKS = "networks"
"""Where trained networks are that a recipe names, in the cache."""

DOWNLOADS = ("FashionMNIST", "cifar-10-batches-py")
"""Where torchvision puts the published sets, in the cache."""


def cache_folder(chosen: str | Path | None = None) -> Path:
    """Return the chosen folder, else `TRICKS_DATA`, else `~/.cache/tricks_lib`."""
    folder = chosen or os.environ.get("TRICKS_DATA") or Path.home() / ".cache" / "tricks_lib"
    return Path(folder).expanduser()


def networks_folder(chosen: str | Path | None = None) -> Path:
    """Return where trained networks are kept that a recipe names, such as a teacher.

    Args:
        chosen: the folder of the cache, as in `cache_folder`.
    """
    return cache_folder(chosen) / NETWORKS


def cache_size(chosen: str | Path | None = None) -> dict[str, int]:
    """Return how many bytes the cache holds, of "decoded images", of "trained networks" and of
    "downloads".

    Other things in the folder are not counted: it may be one that was there before.

    Args:
        chosen: the folder, as in `cache_folder`.
    """
    cache = cache_folder(chosen)
    decoded = [cache / DECODED, *cache.glob(".unfinished-*")]
    return {
        "decoded images": sum(map(_bytes_in, decoded)),
        "trained networks": _bytes_in(cache / NETWORKS),
        "downloads": sum(_bytes_in(cache / name) for name in DOWNLOADS),
    }


def clear_cache(chosen: str | Path | None = None, *, downloads: bool = False) -> int:
    """Remove the decoded images of folders and trained networks, which are made again when they are
    needed.

    Nothing else in the folder is touched, and no image of your own.

    Args:
        chosen: the folder, as in `cache_folder`.
        downloads: remove the published data sets too; they must then be downloaded again.

    Returns:
        How many bytes were freed.

    Raises:
        OSError: if something cannot be removed.
    """
    cache = cache_folder(chosen)
    gone = [cache / DECODED, cache / NETWORKS, *cache.glob(".unfinished-*")]
    if downloads:
        gone += [cache / name for name in DOWNLOADS]
    freed = 0
    for folder in filter(Path.is_dir, gone):
        freed += _bytes_in(folder)
        shutil.rmtree(folder)
    return freed


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


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
