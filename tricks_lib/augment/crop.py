"""Random cropping: pad, then cut out a window of the old size somewhere.

Chapter: notebooks/12_geometry.ipynb
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
    fill_color,
    in_parts,
    mean_fill,
    on_batches,
)

__all__ = ["RandomCrop", "crop"]


@on_batches
def crop(images: Tensor, top: Tensor, left: Tensor, padding: int, fill: Fill = 0.0) -> Tensor:
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

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1.
    """
    offset = top * (images.shape[-1] + 2 * padding) + left
    offset = offset.to(images.device, non_blocking=True)
    return _crop(images, offset, padding=padding, color=fill_color(fill, images))


@in_parts
def _crop(images: Tensor, offset: Tensor, *, padding: int, color: Tensor) -> Tensor:
    """Cut windows that begin `offset` pixels after the first of their padded images."""
    batch, channels, height, width = images.shape
    rows, columns = height + 2 * padding, width + 2 * padding
    padded = color.expand(batch, channels, rows, columns).contiguous()
    padded[:, :, padding : padding + height, padding : padding + width] = images
    # Every row of every window is `width` neighbours in memory. The view below has all such
    # stretches as its rows, overlapping; to pick whole rows of a matrix is a plain copy.
    stretches = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
    first = torch.arange(batch * channels, device=images.device).view(batch, channels, 1)
    line = torch.arange(height, device=images.device)
    starts = first * (rows * columns) + line * columns + offset[:, None, None]
    return stretches.index_select(0, starts.flatten()).view(images.shape)


@dataclass(frozen=True)
class RandomCrop:
    """Shift each image by up to `padding` pixels in each direction, all shifts equally likely.

    Args:
        padding: pixels added on every side, and so the largest shift; CIFAR's usual value is 4.
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

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("padding", self.padding, low=0)
        check_fill(self.fill)

    def __call__(self, images: Tensor) -> Tensor:
        """Return shifted images."""
        top, left = torch.randint(2 * self.padding + 1, (2, batch_size(images)))
        return crop(images, top, left, self.padding, self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
