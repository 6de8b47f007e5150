"""Cutout: hide a square of every image.

Chapter: notebooks/07_cutout.ipynb
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops import fast
from ..ops.arguments import check_count
from ..ops.pixels import (
    Fill,
    batch_size,
    check_draws,
    check_fill,
    fill_color,
    mean_fill,
    on_batches,
)
from ..ops.transform import RandomTransform

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
        size: side of the square in pixels; 0 and 1 hide nothing.
        fill: what to paint over it, in the units of the images; None for their mean colour.

    Returns:
        As `images`.

    Raises:
        TypeError: if `y` or `x` is no tensor, or `size` no whole number.
        ValueError: if there are not as many centres for each image.

    Source: DeVries & Taylor 2017, arXiv:1708.04552, section 3.
    """
    check_count("size", size, low=0)
    check_draws(images, each="holes", y=y, x=x)
    half, color = size // 2, fill_color(fill, images)
    if fast.wanted(images):
        return fast.fill_boxes(images, y - half, y + half, x - half, x + half, color=color)
    y, x = (place.to(images.device, non_blocking=True)[:, :, None, None] for place in (y, x))
    rows = torch.arange(images.shape[-2], device=images.device)[:, None]
    columns = torch.arange(images.shape[-1], device=images.device)
    hidden = (y - half <= rows) & (rows < y + half) & (x - half <= columns) & (columns < x + half)
    return torch.where(hidden.any(dim=1, keepdim=True), color, images)


@dataclass(frozen=True)
class Cutout(RandomTransform):
    """Hide `holes` squares of each image, with centres anywhere in it.

    A square may reach over the border: the authors found it important that an image is sometimes
    hidden only in part. The part that is left of one is (2a - a²/H)(2a - a²/W) pixels on average,
    a = floor(size/2), where the image is at least 2a high and wide.

    Args:
        size: side of the squares in pixels, at least 2; the paper has 16 for CIFAR-10, 8 for
            CIFAR-100 and 20 for SVHN, all of 32 pixels.
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

    class Draw(NamedTuple):
        """What is random about a batch: arguments of `cut_out`."""

        y: Tensor
        x: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("size", self.size)
        if self.size == 1:
            raise ValueError(
                "size must be at least 2, got 1: floor(1/2) = 0 pixels on either side of the "
                "centre hide nothing. The authors' code has the number of holes first; here it is "
                "Cutout(size, holes)"
            )
        check_count("holes", self.holes)
        check_fill(self.fill)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw the centres of the holes for images of a shape (B, C, H, W) or (C, H, W)."""
        count = batch_size(shape), self.holes
        return self.Draw(*(torch.randint(side, count, generator=generator) for side in shape[-2:]))

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the images with the holes that were drawn."""
        return cut_out(images, *draw, self.size, self.fill)

    def write(self, images: Tensor, draw: Draw) -> None:
        """Do the same to contiguous images (B, C, H, W) in their place."""
        (y, x), half, color = draw, self.size // 2, fill_color(self.fill, images)
        fast.fill_boxes(images, y - half, y + half, x - half, x + half, color=color, into=images)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
