"""A data set of your own: a folder of images, decoded once and kept as one file.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
import os
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from ..progress import progress
from .cache import aside
from .listing import Listing, list_splits, readable
from .splits import Data, Split, assemble

__all__ = ["load_folder"]

NAMED = 10
"""How many images that cannot be read are named."""

SAMPLE = 4096
"""Bytes that are read at the start, in the middle and at the end of a file to recognise it."""


class Decoded(NamedTuple):
    """What is kept of a folder: images and labels of each split, and what is odd about them."""

    splits: dict[str, tuple[Tensor, Tensor]]
    notes: list[str]


def load_folder(folder: Path, cache: Path, image_size: int | None) -> Data:
    """Load `train/<class>/`, `test/<class>/` and, if there is one, a validation split.

    Args:
        folder: where they are.
        cache: where the decoded images are kept.
        image_size: height and width of the images, in pixels; None as `load_data` says.

    Raises:
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if it is a file.
        ValueError: if it is laid out in another way, or images cannot be read.

    Warns:
        UserWarning: if something in the folder is passed over, if an image is in two splits or
            two classes, or if the decoded images cannot be kept.
    """
    folder = Path(os.path.realpath(folder))  # one place has one name, whatever it is called by
    listings, passed_over = list_splits(folder)
    kept = cache / "folders" / _cache_name(folder, listings, image_size)
    notes = [f"{readable(str(folder))}: {note}" for note in passed_over]
    decoded = _read(kept)
    if decoded is None:
        decoded = _decode_all(listings, image_size)
        notes += _keep(decoded, kept, cache)
    for note in notes + decoded.notes:
        warnings.warn(note, stacklevel=3)  # the caller of load_data
    splits = {name: Split(*tensors) for name, tensors in decoded.splits.items()}
    classes = [readable(name) for name in listings["train"].classes]
    return assemble(readable(folder.name), classes, splits)


# --- What is kept ---


def _cache_name(folder: Path, listings: dict[str, Listing], image_size: int | None) -> str:
    """Return a name that says which folder it is, and changes when its images do."""
    place = hashlib.sha256(os.fsencode(folder) + f" {image_size}".encode())
    content = hashlib.sha256(b"layout 3")
    for name, listing in listings.items():
        for path in listing.paths:
            content.update(f"{name} ".encode() + os.fsencode(path))
            with suppress(OSError):  # what cannot be opened is named when it is decoded
                content.update(_state(path))
    return f"{place.hexdigest()[:16]}-{content.hexdigest()[:16]}.pt"


def _state(path: str) -> bytes:
    """Return bytes that change when a file does, without reading all of a large one.

    Size and time are not enough: programs can set the time, and do where they restore or unpack.
    Where the file system notes the last change (`st_ctime`), nobody can set that; but on Windows it
    is the time of creation, and other file systems have none. So a sample of the content counts as
    well, whose end alone tells nearly all compressed images apart. To hash all of it would mean to
    read every photograph at each load.
    """
    with open(path, "rb") as file:
        status = os.stat(file.fileno())
        size = status.st_size
        state = f" {size} {status.st_mtime_ns} {status.st_ctime_ns} ".encode()
        for place in (0, (size - SAMPLE) // 2, size - SAMPLE):
            file.seek(max(0, place))
            state += file.read(SAMPLE)
    return state


def _read(kept: Path) -> Decoded | None:
    """Return what was kept, or None if it is not there or damaged."""
    with suppress(Exception), open(kept, "rb") as file:  # a damaged file can fail anywhere
        found = torch.load(file, weights_only=True)
        decoded = Decoded(found["splits"], found["notes"])
        if found["checksum"] == _checksum(decoded):
            return decoded
    return None


def _keep(decoded: Decoded, kept: Path, cache: Path) -> list[str]:
    """Write the file, and remove what the folder held before; return what went wrong."""
    try:
        with aside(cache) as unfinished:
            with open(unfinished / kept.name, "wb") as file:
                torch.save(decoded._asdict() | {"checksum": _checksum(decoded)}, file)
            kept.parent.mkdir(exist_ok=True)
            (unfinished / kept.name).replace(kept)
        place, _, _ = kept.name.rpartition("-")
        for old in kept.parent.glob(f"{place}-*"):
            if old != kept:
                old.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch calls a full disk a RuntimeError
        return [f"the decoded images cannot be kept, and must be decoded again: {error}"]
    return []


def _checksum(decoded: Decoded) -> int:
    """Return a number that tells a damaged file: torch does not check what it reads."""
    shapes = {name: [tensor.shape for tensor in both] for name, both in decoded.splits.items()}
    checksum = zlib.crc32(repr((shapes, decoded.notes)).encode())
    for tensors in decoded.splits.values():
        for tensor in tensors:
            checksum = zlib.crc32(tensor.numpy().data, checksum)
    return checksum


# --- Decoding ---


def _decode_all(listings: dict[str, Listing], image_size: int | None) -> Decoded:
    """Decode every image to the same mode and size.

    Raises:
        ValueError: if some cannot be read. It names them all, up to a limit.
    """
    failures: dict[str, str] = {}
    paths = [path for listing in listings.values() for path in listing.paths]
    modes = {_attempt(failures, _mode, path) for path in paths}
    mode = "L" if modes <= {"1", "L", None} else "RGB"
    height, width = _usual_size(failures, listings["train"])
    if image_size is not None:
        height = width = image_size
    splits = {}
    with progress(len(paths), "decoding images", "image") as bar:
        for name, listing in listings.items():
            images = torch.zeros(len(listing.paths), len(mode), height, width, dtype=torch.uint8)
            for position, path in enumerate(listing.paths):
                image = _attempt(failures, _decode, path, mode, height, width)
                if image is not None:
                    images[position] = image
                bar.update()
            splits[name] = images, torch.tensor(listing.labels)
    if failures:
        lines = [f"{readable(path)}: {why}" for path, why in list(failures.items())[:NAMED]]
        if len(failures) > NAMED:
            lines.append(f"and {len(failures) - NAMED} more")
        raise ValueError(
            "\n  ".join([f"cannot read {len(failures)} of {len(paths)} images:", *lines])
        )
    return Decoded(splits, list(_found_twice(splits, listings)))


def _attempt(failures: dict[str, str], work: Callable, path: str, *rest: Any) -> Any:
    """Return what `work` makes of the file, or None and note why it fails."""
    if path in failures:
        return None
    try:
        return work(path, *rest)
    except Exception as error:  # each decoder fails in its own way
        failures[path] = readable(str(error))
        return None


def _mode(path: str) -> str:
    with Image.open(path) as image:  # reads what the image is, not its pixels
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"expected 8 bits per channel, got Pillow's mode {image.mode}")
        return image.mode


def _usual_size(failures: dict[str, str], train: Listing) -> tuple[int, int]:
    """Return the size of the first image of each class if they agree and are small, else 64×64."""
    firsts = [train.paths[train.labels.index(label)] for label in range(len(train.classes))]
    sizes = {_attempt(failures, _shown_size, path) for path in firsts}
    size = sizes.pop()
    return size if size and not sizes and max(size) <= 64 else (64, 64)


def _shown_size(path: str) -> tuple[int, int]:
    """Return height and width after the turn that the camera asks for."""
    with Image.open(path) as image:
        _turn(image)
        return image.height, image.width


def _turn(image: Image.Image) -> None:
    """Turn an image in place, as its camera was held: phones store how."""
    try:
        image.getexif()
    except Exception:  # damaged beside an image that may be whole
        return
    ImageOps.exif_transpose(image, in_place=True)


def _decode(path: str, mode: str, height: int, width: int) -> Tensor:
    with Image.open(path) as file:
        larger = 2 * max(height, width)  # whichever way it will be turned
        file.draft(None, (larger, larger))  # a large JPEG need not be decoded in full
        _turn(file)
        image: Image.Image = file
        if image.has_transparency_data:  # straight to RGB, Pillow warns
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return pil_to_tensor(image)


def _found_twice(
    splits: dict[str, tuple[Tensor, Tensor]], listings: dict[str, Listing]
) -> Iterator[str]:
    """Say which images are in two splits, or in two classes of one.

    What was learnt from an image cannot be judged by it, and of two labels one is wrong.
    """
    seen: dict[str, dict[bytes, str]] = {}
    for name, (images, labels) in splits.items():
        mine: dict[bytes, str] = {}
        classes: dict[bytes, int] = {}
        two_classes = []
        for image, label, path in zip(images, labels.tolist(), listings[name].paths, strict=True):
            pixels = hashlib.sha256(image.numpy().data).digest()
            if classes.setdefault(pixels, label) != label:
                two_classes.append((mine[pixels], path))
            mine.setdefault(pixels, path)
        if two_classes:
            yield _pairs(f"images of {name} are in two of its classes", two_classes)
        for other, theirs in seen.items():
            both = [(path, theirs[pixels]) for pixels, path in mine.items() if pixels in theirs]
            if both:
                yield _pairs(f"images of {other} are in {name} as well", both)
        seen[name] = mine


def _pairs(what: str, pairs: list[tuple[str, str]]) -> str:
    """Say how many pairs of files hold the same image, and name two."""
    examples = "; ".join(f"{readable(one)} and {readable(other)}" for one, other in pairs[:2])
    return f"{what}, pixel for pixel: {len(pairs)}, such as {examples}"
