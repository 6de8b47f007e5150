"""Test images that were moved, turned or enlarged, with their labels as they were.

What comes into view at the rim of a photograph is its own content, mirrored there: neither black
nor the mean colour, so that no network has seen such a rim in training. Behind garments all is
black anyway.

Chapter: notebooks/12_geometry.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tricks_lib.augment.crop import crop
from tricks_lib.augment.random_resized_crop import resized_crop
from tricks_lib.augment.rotation import rotate
from tricks_lib.lab.data import Data, Split
from tricks_lib.ops.pixels import Fill

__all__ = ["Rim", "enlarged", "in_place_of_test", "moved", "turned"]


Rim = Fill | Literal["own"]
"""What comes into view: a colour, as for `RandomCrop`, or the image's own content, mirrored."""


def with_rim(images: Tensor, width: int) -> Tensor:
    """Continue images on every side by their own mirror images: uint8 (N, C, H, W) in and out."""
    return F.pad(images.float(), (width,) * 4, mode="reflect").to(images.dtype)


def moved(images: Tensor, right: int, down: int = 0, fill: Rim = "own") -> Tensor:
    """Move images by whole pixels.

    Args:
        images: uint8 (N, C, H, W).
        right: pixels to the right, less than the width.
        down: pixels downwards, less than the height.
        fill: what comes into view.
    """
    reach, (height, width) = max(abs(right), abs(down)), images.shape[-2:]
    if fill == "own":
        top, left = reach - down, reach - right
        return with_rim(images, reach)[..., top : top + height, left : left + width]
    sides = (torch.full((len(images),), reach - way) for way in (down, right))
    return crop(images, *sides, padding=reach, fill=fill)


def turned(images: Tensor, degrees: float, fill: Rim = "own") -> Tensor:
    """Turn images counter-clockwise by one angle.

    Args:
        images: uint8 (N, C, H, W).
        degrees: the angle.
        fill: what comes into view in the corners.
    """
    if fill != "own":
        return rotate(images, degrees, fill=fill, interpolation="bilinear")
    height, width = images.shape[-2:]
    rim = min(height, width) // 2 - 1
    whole = rotate(with_rim(images, rim), degrees, interpolation="bilinear")
    return whole[..., rim : rim + height, rim : rim + width]


def enlarged(images: Tensor, factor: float) -> Tensor:
    """Show the middle of images `factor` times as large: uint8 (N, C, H, W) in and out."""
    height, width = images.shape[-2:]
    count = len(images)
    rows, columns = round(height / factor), round(width / factor)
    place = ((height - rows) // 2, (width - columns) // 2, rows, columns)
    return resized_crop(images, *(torch.full((count,), side) for side in place))


def in_place_of_test(data: Data, images: Tensor, labels: Tensor | Sequence[int]) -> Data:
    """Return the same data with other test images; the mean and the deviation stay."""
    return replace(data, test=Split(images, torch.as_tensor(labels)))
