"""A data set of your own: a folder of images, decoded once and kept as one file.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS, is_image_file
from torchvision.transforms.v2.functional import pil_to_tensor

from ..progress import progress
from .cache import aside
from .splits import Data, Split, assemble

__all__ = ["load_folder"]


def load_folder(folder: Path, cache: Path, image_size: int | None) -> Data:
    """Load `train/<class>/`, `test/<class>/` and, if there is one, a validation split.

    Args:
        folder: where they are.
        cache: where the decoded images are kept.
        image_size: height and width of the images, in pixels; None as `load_data` says.

    Raises:
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if it is a file.
        ValueError: if it is laid out in another way, or an image cannot be read.
    """
    parts = _list_images(folder)
    kept = cache / "folders" / _cache_name(folder, parts, image_size)
    if not kept.exists():
        tensors = _decode_all(parts, image_size)
        with aside(cache) as unfinished:
            torch.save(tensors, unfinished / kept.name)
            kept.parent.mkdir(exist_ok=True)
            (unfinished / kept.name).replace(kept)
        place, _, _ = kept.name.rpartition("-")
        for old in kept.parent.glob(f"{place}-*"):  # what the folder held before
            if old != kept:
                old.unlink(missing_ok=True)
    tensors = torch.load(kept, weights_only=True)
    splits = {name: Split(*pair) for name, pair in tensors.items()}
    return assemble(folder.resolve().name, parts["train"].classes, splits)


def _list_images(folder: Path) -> dict[str, "_Images"]:
    """Find the images of each split, and check the layout."""
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"expected a folder with train and test in it, got {folder}")
    there = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if not {"train", "test"} <= set(there):
        raise ValueError(f"expected the folders train and test in {folder}, got {there or 'none'}")
    parts = {"train": _Images(folder / "train"), "test": _Images(folder / "test")}
    for name in ("val", "validation"):
        if name in there:
            parts["validation"] = _Images(folder / name)
    expected = parts["train"].classes
    for part in parts.values():
        if part.classes != expected:
            missing, extra = (
                sorted(set(a) - set(b)) or "none"
                for a, b in ((expected, part.classes), (part.classes, expected))
            )
            raise ValueError(
                f"expected the same classes in {part.root} as in train: "
                f"missing {missing}, not in train {extra}"
            )
    return parts


class _Images(ImageFolder):
    """torchvision's ImageFolder, without hidden files, and with messages that say what to do."""

    def __init__(self, folder: Path):
        super().__init__(folder, is_valid_file=_is_image, allow_empty=True)
        empty = [self.classes[label] for label in set(range(len(self.classes))) - set(self.targets)]
        if empty:
            raise ValueError(
                f"expected images ({', '.join(IMG_EXTENSIONS)}) in each class of {folder}, "
                f"got none in {empty}"
            )

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Return the names of the class folders, and the label of each."""
        with os.scandir(directory) as entries:
            names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        if len(names) < 2:
            raise ValueError(
                f"expected a folder for each of at least two classes in {directory}, "
                f"got {names or 'none'}"
            )
        return names, {name: label for label, name in enumerate(names)}


def _is_image(path: str) -> bool:
    # Jupyter leaves .ipynb_checkpoints, macOS leaves ._ files.
    hidden = any(part.startswith(".") for part in Path(path).parts[-2:])
    return not hidden and is_image_file(path)


def _cache_name(folder: Path, parts: dict[str, _Images], image_size: int | None) -> str:
    """Return a name that says which folder it is, and changes when its images do."""
    place = hashlib.sha256(f"{folder.resolve()} {image_size}".encode()).hexdigest()
    content = hashlib.sha256(b"layout 1")
    for name, part in parts.items():
        for path, _ in part.samples:
            stat = os.stat(path)
            content.update(f"{name} {path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return f"{place[:16]}-{content.hexdigest()[:16]}.pt"


def _decode_all(
    parts: dict[str, _Images], image_size: int | None
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return images (N, C, H, W) and labels (N,) of each split."""
    paths = [path for part in parts.values() for path, _ in part.samples]
    mode = "L" if all(_peek(path).mode in ("1", "L") for path in paths) else "RGB"
    height, width = (image_size, image_size) if image_size else _usual_size(parts["train"])
    tensors = {}
    with progress(len(paths), "decoding images", "image") as bar:
        for name, part in parts.items():
            images = torch.empty(len(part), len(mode), height, width, dtype=torch.uint8)
            for position, (path, _) in enumerate(part.samples):
                images[position] = _decode(path, mode, height, width)
                bar.update()
            tensors[name] = images, torch.tensor(part.targets)
    return tensors


def _usual_size(train: _Images) -> tuple[int, int]:
    firsts = [train.targets.index(label) for label in range(len(train.classes))]
    sizes = {_peek(train.samples[position][0]).size for position in firsts}
    width, height = sizes.pop()
    return (height, width) if not sizes and max(height, width) <= 64 else (64, 64)


def _decode(path: str, mode: str, height: int, width: int) -> Tensor:
    with _opened(path) as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"expected 8 bits per channel, got Pillow's mode {image.mode}")
        image.draft(None, (2 * width, 2 * height))  # a large JPEG need not be decoded in full
        ImageOps.exif_transpose(image, in_place=True)  # phones store how they were held
        if image.has_transparency_data:  # straight to RGB, Pillow warns
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return pil_to_tensor(image)


def _peek(path: str) -> Image.Image:
    """Read what an image is, not its pixels."""
    with _opened(path) as image:
        return image


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except Exception as error:  # each decoder fails in its own way
        raise ValueError(f"cannot read the image {path}: {error}") from error
