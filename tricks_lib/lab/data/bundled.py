"""The data sets that come with the package, as image files: no network is needed.

Chapter: notebooks/00_baseline.ipynb
"""

from pathlib import Path

import torch
from PIL import Image
from torchvision.datasets import FashionMNIST
from torchvision.transforms.v2.functional import pil_to_tensor

from .splits import Data, Split, assemble

__all__ = ["BUNDLED", "load_bundled"]

BUNDLED = {
    "fashion-mini": tuple(FashionMNIST.classes),
    "digits": tuple("0123456789"),
}
"""The classes of each set. Its files are in the folder of the same name, licence included."""

PER_ROW = 100
"""Images in one row of a sheet."""


def load_bundled(name: str) -> Data:
    """Load one of the sets in `BUNDLED`."""
    folder = Path(__file__).with_name(name.replace("-", "_"))
    splits = {split: _read_split(folder, split) for split in ("train", "test")}
    return assemble(name, BUNDLED[name], splits)


def _read_split(folder: Path, split: str) -> Split:
    """Cut a sheet of images into the images, and read their labels."""
    text = (folder / f"{split}-labels.txt").read_text(encoding="ascii")
    labels = torch.tensor([int(digit) for digit in text if digit != "\n"])
    with Image.open(folder / f"{split}.png") as sheet:
        pixels = pil_to_tensor(sheet)
    side = pixels.shape[-1] // PER_ROW
    cells = pixels.view(-1, side, PER_ROW, side)  # row, y, column, x
    images = cells.permute(0, 2, 1, 3).reshape(-1, 1, side, side)
    return Split(images[: len(labels)], labels)  # the last row may not be full
