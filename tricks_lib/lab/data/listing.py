"""Which images a folder of your own holds, in which classes.

Chapter: notebooks/00_baseline.ipynb
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .decoding import missing, suffixes

__all__ = [
    "Listing",
    "list_classes",
    "passed_over",
    "readable",
    "readable_path",
    "sample",
    "scan",
]

SAMPLE = 4096
"""Bytes that are read at the start, in the middle and at the end of a file to recognise it."""

# What programs leave behind: Synology, macOS, Windows, Linux. Names with a leading dot go as well:
# Jupyter leaves .ipynb_checkpoints, file managers .thumbnails and .Trash-1000, macOS ._ files.
LEFT_BEHIND = {
    "@eadir", "#recycle", "__macosx", "$recycle.bin", "system volume information", "lost+found",
    "thumbs.db", "desktop.ini",
}  # fmt: skip


@dataclass
class Listing:
    """The images of one split, in the order of their classes and names.

    Args:
        root: the folder of the split.
        classes: names of the class folders, sorted.
    """

    root: Path
    classes: list[str]
    paths: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Files in the class folders that are no images of a known type."""
    strays: list[str] = field(default_factory=list)
    """Images beside the class folders."""


def readable(name: str) -> str:
    r"""Return a name that can be printed and written: bytes that are not UTF-8 become \x.."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def readable_path(path: Path) -> str:
    """Return a path that can be printed, seen from the current folder if it lies below that."""
    with suppress(FileNotFoundError):  # the current folder may be gone
        here = Path.cwd()
        path = path.relative_to(here) if here in path.parents else path
    return readable(str(path))


def sample(file: BinaryIO, size: int) -> bytes:
    """Read a little of an open file: its end alone tells nearly all compressed images apart."""
    read = f"{size} ".encode()
    for place in (0, (size - SAMPLE) // 2, size - SAMPLE):
        file.seek(max(0, place))
        read += file.read(SAMPLE)
    return read


def list_classes(root: Path) -> Listing:
    """List the images of a folder with a folder for each class.

    Raises:
        ValueError: if there are fewer than two classes, a class has no image, or a folder inside
            cannot be opened.
    """
    classes, files = scan(str(root))
    if len(classes) < 2:
        raise ValueError(
            f"expected a folder for each of at least two classes in {readable_path(root)}, "
            f"got {classes or 'none'}"
        )
    split = Listing(root, classes)
    known = suffixes()

    def is_image(name: str) -> bool:
        return name.lower().endswith(known)

    split.strays = [str(root / name) for name in files if is_image(name)]
    above = {os.path.realpath(root.parent), os.path.realpath(root)}
    for label, name in enumerate(classes):
        walk = _walk(str(root / name), above.copy())
        found = sorted(walk, key=os.path.split)  # folder by folder
        images = [path for path in found if is_image(path)]
        split.others += [path for path in found if not is_image(path)]
        split.paths += images
        split.labels += [label] * len(images)
    there = set(split.labels)
    empty = [name for label, name in enumerate(classes) if label not in there]
    if empty:
        raise ValueError(
            f"expected images ({', '.join(known)}) in each class of "
            f"{readable_path(root)}, got none in {empty}{_commands(split.others)}"
        )
    return split


def _commands(others: list[str]) -> str:
    """Say how files that cannot be read here could be read."""
    kinds = sorted({os.path.splitext(path)[1].lower() for path in others})
    commands = [(kind, missing(kind)) for kind in kinds]
    return "".join(f"; {kind} can be read after: {way}" for kind, way in commands if way)


def passed_over(splits: dict[str, Listing], strays: list[str], unused: list[str]) -> Iterator[str]:
    """Say what is in the folder and will not be used, so that nobody misses it in silence."""
    others = [path for split in splits.values() for path in split.others]
    if others:
        types = Counter(os.path.splitext(path)[1].lower() or "no suffix" for path in others)
        counts = ", ".join(f"{count} × {readable(kind)}" for kind, count in types.most_common())
        yield (
            f"passed over files that are no images of a known type: {counts}, "
            f"such as {readable(others[0])}{_commands(others)}"
        )
    strays = strays + [path for split in splits.values() for path in split.strays]
    if strays:
        yield f"passed over images in no class: {len(strays)}, such as {readable(strays[0])}"
    if unused:
        yield f"passed over folders that are no split: {', '.join(map(readable, unused))}"


def _walk(folder: str, seen: set[str]) -> Iterator[str]:
    """Yield the files in a folder and the folders below it, each once.

    Links are followed, unless they lead to a folder or a file that was seen before: a link may lead
    back to the folder that it is in, and two folders may hold links to each other.

    Args:
        folder: where to begin.
        seen: real paths of what was seen, to which this adds.
    """
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    folders, files = scan(folder)
    for name in files:
        path = os.path.join(folder, name)
        target = os.path.realpath(path) if os.path.islink(path) else os.path.join(real, name)
        if target not in seen:
            seen.add(target)
            yield path
    for name in folders:
        yield from _walk(os.path.join(folder, name), seen)


def scan(folder: str) -> tuple[list[str], list[str]]:
    """Return the sorted names of the folders in a folder, and of the files.

    What is hidden and what programs leave behind is not among them.

    Raises:
        ValueError: if it cannot be opened.
    """
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[0] == "." or entry.name.lower() in LEFT_BEHIND:
                    continue
                # Asked of the entry first: in a folder that may be read but not entered, isdir
                # takes every folder for a file. Of a link that leads nowhere only isdir says no.
                is_folder = entry.is_dir(follow_symlinks=False) or os.path.isdir(entry.path)
                (folders if is_folder else files).append(entry.name)
    except OSError as error:
        raise ValueError(f"cannot open the folder {readable(folder)}: {error.strerror}") from error
    return sorted(folders), sorted(files)
