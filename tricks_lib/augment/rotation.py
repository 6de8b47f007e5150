"""Rotation by a random angle.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.pixels import Fill, batch_size, check_fill, mean_fill, on_batches
from ..ops.warp import warp

__all__ = ["Interpolation", "Rotation", "rotate"]

Interpolation = Literal["nearest", "bilinear"]


@on_batches
def rotate(
    images: Tensor, degrees: Tensor, fill: Fill = 0.0, interpolation: Interpolation = "nearest"
) -> Tensor:
    """Turn images counter-clockwise about their centres.

    What a pixel shows is read at the point where it came from, x' = R(x - c) + c.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        degrees: angle of each image, float (B,).
        fill: colour of the corners that come into view, in the units of the images; None for
            their mean colour.
        interpolation: "nearest" pixel, or "bilinear" between the four around the point.

    Returns:
        As `images`.
    """
    angle = torch.deg2rad(degrees.double())
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = torch.stack((cosine, -sine, zero, sine, cosine, zero), dim=1)
    return warp(images, rows.view(-1, 2, 3), fill, interpolation)


@dataclass(frozen=True)
class Rotation:
    """Turn each image by an angle uniform in [-degrees, degrees].

    Args:
        degrees: largest angle, in [0, 180].
        fill: colour of the corners that come into view, in the units of the images: a number, one
            number per channel, or None for the data set's mean colour, which `fit` fills in
            (called by hand, None is the mean colour of the images at hand).
        interpolation: "nearest" pixel, or "bilinear" between the four around a point.

    Shape: uint8 or float (B, C, H, W) or (C, H, W), returned unchanged in shape and type.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Simard, Steinkraus, Platt 2003, section 2, among affine distortions.
    """

    degrees: float = 15.0
    fill: Fill = 0.0
    interpolation: Interpolation = "nearest"

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("degrees", self.degrees, 0, 180)
        check_fill(self.fill)
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                f'interpolation must be "nearest" or "bilinear", got {self.interpolation!r}'
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Return turned images."""
        draws = 2 * torch.rand(batch_size(images)) - 1
        return rotate(images, self.degrees * draws, self.fill, self.interpolation)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
