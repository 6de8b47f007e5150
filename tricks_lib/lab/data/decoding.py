"""One image file, whatever its type, as bytes of a fixed mode and size.

Chapter: notebooks/00_baseline.ipynb
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, features
from torchvision.datasets.folder import IMG_EXTENSIONS

__all__ = ["Form", "Look", "decode", "in_threads", "look", "missing", "pool", "shown_size",
           "suffixes", "usual_threads"]  # fmt: skip

PLAIN = (*IMG_EXTENSIONS, ".apng", ".gif", ".jfif", ".jp2", ".jpe")
"""File types that Pillow always reads: torchvision's, and some more that cameras and the web
leave."""

OPTIONAL = {
    ".avif": ("PIL", "pip install --upgrade pillow"),
    ".heic": ("pillow_heif", "pip install pillow-heif"),
    ".heif": ("pillow_heif", "pip install pillow-heif"),
}
"""File types that need something that may not be there: the module, the command that brings it."""


class Look(NamedTuple):
    """What can be seen of a file without its pixels: its mode, and whether it holds several."""

    mode: str
    several: bool


class Form(NamedTuple):
    """What every image of a set becomes: Pillow's mode, L or RGB, and its size in pixels."""

    mode: str
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return len(self.mode), self.height, self.width


def missing(suffix: str) -> str | None:
    """Return the command without which files of this type cannot be read; None if it is there."""
    module, command = OPTIONAL.get(suffix, (None, None))
    if module is None:
        return None
    there = features.check("avif") if module == "PIL" else find_spec(module)
    return None if there else command


def suffixes() -> tuple[str, ...]:
    """Return the types of files that can be read here, in small letters."""
    return (*PLAIN, *(suffix for suffix in OPTIONAL if not missing(suffix)))


@cache
def _with_heic() -> None:
    """Teach Pillow to read HEIC, if that is installed."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()


def look(path: str) -> Look:
    """Look at a file.

    Raises:
        Exception: whatever its decoder says of a file that it cannot read.
        ValueError: if its values have no known range: 32 bits, or floating point.
    """
    _with_heic()
    with Image.open(path) as image:  # reads what the image is, not its pixels
        _check_range(image)
        # A photograph of a phone (MPO) holds its preview as well.
        several = image.format != "MPO" and getattr(image, "is_animated", False)
        return Look(image.mode, several)


def _check_range(image: Image.Image) -> None:
    # Of 16 bits Pillow makes mode I;16, or I in some of its readers, which scale to 65535.
    if image.mode.startswith("F") or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        raise ValueError(
            f"expected 8 or 16 bits per channel, got Pillow's mode {image.mode}: "
            "scale it to 8 bits and save it as PNG"
        )


def shown_size(path: str) -> tuple[int, int]:
    """Return height and width after the turn that the camera asks for."""
    _with_heic()
    with Image.open(path) as image:
        _turn(image)
        return image.height, image.width


def decode(path: str, form: Form) -> np.ndarray:
    """Read an image: turned as its camera was held, its middle shrunk or enlarged to the size.

    Of a file that holds several images it is the first. Transparency is dropped. Values of 16 bits
    are scaled to 8.

    Returns:
        uint8 (C, H, W).

    Raises:
        Exception: whatever its decoder says of a file that it cannot read.
    """
    _with_heic()
    mode, height, width = form
    with Image.open(path) as file:
        _check_range(file)
        larger = 2 * max(height, width)  # whichever way it will be turned
        file.draft(None, (larger, larger))  # a large JPEG need not be decoded in full
        _turn(file)
        image: Image.Image = file
        if image.mode.startswith("I"):
            image = _in_8_bits(image)
        elif image.has_transparency_data:  # straight to RGB, Pillow warns
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    # Not by torch: in many threads each of its copies would start threads of its own.
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def _turn(image: Image.Image) -> None:
    """Turn an image in place, as its camera was held: phones store how."""
    try:
        image.getexif()
    except Exception:  # damaged beside an image that may be whole
        return
    ImageOps.exif_transpose(image, in_place=True)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Scale grey values from 0 ... 65535 to 0 ... 255; Pillow would cut all above 255 off."""
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray(((values + 128) // 257).clip(0, 255).astype(np.uint8))


# --- Many at a time ---


def usual_threads() -> int:
    """Return how many threads decode if nobody says: one for each processor, 8 at most."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(8, len(affinity(0)) if affinity else os.cpu_count() or 1)


def pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that all data sets of this process share.

    Threads, not the processes of a `DataLoader`: Pillow decodes and shrinks without Python's lock,
    so they are as fast, start at once, need no shared memory, and draw no random number.
    """
    return _pool_of_process(os.getpid(), threads)  # a forked process inherits none of them


@cache
def _pool_of_process(process: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix=f"decoding-{process}")


def in_threads(work: Callable[[Any], Any], items: Iterable[Any], threads: int) -> Iterator[Any]:
    """Yield what `work` makes of each item, in order; without threads, here and now."""
    if not threads:
        yield from map(work, items)
        return
    workers, waiting = pool(threads), deque[Future]()
    try:
        for item in items:
            waiting.append(workers.submit(work, item))
            if len(waiting) > 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
