"""Cutout: hide a square of every image.

Chapter: notebooks/07_cutout.ipynb
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from ..ops.arguments import check_count
from ..ops.pixels import (
    Fill,
    batch_size,
    check_fill,
    fill_boxes,
    fill_color,
    mean_fill,
    on_batches,
)

__all__ = ["Cutout", "cut_out"]


@on_batches
def cut_out(images: Tensor, y: Tensor, x: Tensor, size: int, fill: Fill = 0.0) -> Tensor:
    """Hide squares around given centres: rows y - a <= row < y + a with a = floor(size/2), columns
    likewise, clipped at the border.

    An odd size hides as much as the even size below it, as in the authors' code.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        y: row of each centre, int (B, holes).
        x: column of each centre, likewise.
        size: side of the square in pixels.
        fill: what to paint over it, in the units of the images; None for their mean colour.

    Returns:
        As `images`.

    Source: DeVries & Taylor 2017, arXiv:1708.04552, section 3.
    """
    half = size // 2
    color = None if fill == 0 else fill_color(fill, images)
    return fill_boxes(images, y - half, y + half, x - half, x + half, color=color)


@dataclass(frozen=True)
class Cutout:
    """Hide `holes` squares of each image, with centres anywhere in it.

    A square may reach over the border: the authors found it important that an image is sometimes
    hidden only in part. The part that is left of one is (2a - a²/H)(2a - a²/W) pixels on average,
    a = floor(size/2), where the image is at least 2a high and wide.

    Args:
        size: side of the squares in pixels; the paper has 16 for CIFAR-10, 8 for CIFAR-100 and 20
            for SVHN, all of 32 pixels.
        holes: squares per image.
        fill: what is painted over them, in the units of the images: a number, one number per
            channel, or None for the data set's mean colour, which `fit` fills in (called by hand,
            None is the mean colour of the images at hand). The authors paint zeros after
            normalisation, which is the mean.

    Shape: uint8 or float (B, C, H, W) or (C, H, W), returned unchanged in shape and type.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: DeVries & Taylor 2017, arXiv:1708.04552.
    """

    size: int
    holes: int = 1
    fill: Fill = None

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("size", self.size)
        check_count("holes", self.holes)
        check_fill(self.fill)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images with their holes."""
        count, (height, width) = (batch_size(images), self.holes), images.shape[-2:]
        y, x = torch.randint(height, count), torch.randint(width, count)
        return cut_out(images, y, x, self.size, self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
