"""Random cropping: pad, then cut out a window of the old size somewhere.

Chapter: notebooks/12_geometry.ipynb
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
    check_inside,
    fill_color,
    mean_fill,
    on_batches,
)
from ..ops.transform import RandomTransform

__all__ = ["RandomCrop", "crop"]


@on_batches
def crop(images: Tensor, top: Tensor, left: Tensor, *, padding: int, fill: Fill = 0.0) -> Tensor:
    """Pad every side, then cut one window of the old size out of each image.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        top: first row of each window in the padded image, int (B,), 0 to 2·padding. `padding`
            leaves the image where it is.
        left: first column, likewise.
        padding: pixels added on every side.
        fill: colour of the padding, in the units of the images; None for their mean colour.

    Returns:
        As `images`.

    Raises:
        TypeError: if `top` or `left` is no tensor, or `padding` no whole number.
        ValueError: if there is not one window for each image, or one leaves the padded image.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1.
    """
    check_count("padding", padding, low=0)
    check_draws(images, top=top, left=left)
    check_inside("top", top, 0, 2 * padding)
    check_inside("left", left, 0, 2 * padding)
    color = fill_color(fill, images)
    if fast.wanted(images):
        return fast.crop(images, top, left, padding, color)
    # x'(row, column) = x(row + top - padding, column + left - padding), outside the image color.
    (batch, _, height, width), device = images.shape, images.device
    top, left = (side.to(device, non_blocking=True)[:, None] for side in (top, left))
    rows = torch.arange(height, device=device) + top - padding
    columns = torch.arange(width, device=device) + left - padding
    inside = ((rows >= 0) & (rows < height))[:, :, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, :]
    image = torch.arange(batch, device=device)[:, None, None]
    rows, columns = rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    return torch.where(inside[:, None], images[image, :, rows, columns].movedim(-1, 1), color)


@dataclass(frozen=True)
class RandomCrop(RandomTransform):
    """Shift each image by up to `padding` pixels in each direction, all shifts equally likely.

    Args:
        padding: pixels added on every side, and so the largest shift; CIFAR's usual value is 4.
            It is smaller than the image: torchvision's first argument, the size of the window, is
            here always the size of the image.
        fill: colour of what comes into view, in the units of the images; a number, one number
            per channel, or None for the data set's mean colour, which `fit` fills in (called by
            hand, None is the mean colour of the images at hand).

    Shape: uint8 or float (B, C, H, W) or (C, H, W), returned unchanged in shape and type.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1; with padding, He et al. 2016,
        arXiv:1512.03385, section 4.2.
    """

    padding: int = 4
    fill: Fill = 0.0

    class Draw(NamedTuple):
        """What is random about a batch: arguments of `crop`."""

        top: Tensor
        left: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("padding", self.padding, low=0)
        check_fill(self.fill)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw a window for each image of a shape (B, C, H, W) or (C, H, W).

        Raises:
            ValueError: if the padding is as large as the image.
        """
        height, width = shape[-2:]
        if self.padding and self.padding >= min(height, width):
            raise ValueError(
                f"padding must be smaller than the images of {height}×{width}, got {self.padding}; "
                "the window has always their size, which is not given"
            )
        count = 2, batch_size(shape)
        return self.Draw(*torch.randint(2 * self.padding + 1, count, generator=generator))

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the images, shifted by what was drawn."""
        return crop(images, *draw, padding=self.padding, fill=self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
