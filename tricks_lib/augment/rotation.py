"""Rotation by a random angle.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self, get_args

import torch
from torch import Generator, Tensor

from ..ops.arguments import keep_number
from ..ops.color import amounts
from ..ops.pixels import Fill, batch_size, check_fill, mean_fill, on_batches
from ..ops.transform import RandomTransform
from ..ops.warp import warp

__all__ = ["Interpolation", "Rotation", "rotate"]

Interpolation = Literal["nearest", "bilinear"]


@on_batches
def rotate(
    images: Tensor,
    degrees: float | Tensor,
    *,
    fill: Fill = 0.0,
    interpolation: Interpolation = "nearest",
) -> Tensor:
    """Turn images counter-clockwise about their centres.

    What a pixel shows is read at the point where it came from, x' = R(x - c) + c. At the rim of the
    image, "bilinear" blends pixels and fill by their weights, which sum to 1; torchvision weighs
    the pixels there twice, so that its rim is darker (or brighter) than both.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        degrees: one angle for all images, or one for each, (B,).
        fill: colour of the corners that come into view, in the units of the images; None for
            their mean colour.
        interpolation: "nearest" pixel, or "bilinear" between the four around the point.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: if an argument is out of its range, or there is not one angle for
            each image.
    """
    _check_interpolation(interpolation)
    angle = torch.deg2rad(amounts("degrees", degrees, images).double())
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = torch.stack((cosine, -sine, zero, sine, cosine, zero), dim=1)
    return warp(images, rows.view(-1, 2, 3), fill, interpolation)


@dataclass(frozen=True)
class Rotation(RandomTransform):
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

    class Draw(NamedTuple):
        """What is random about some images: an argument of `rotate`."""

        degrees: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        keep_number(self, "degrees", 0, 180)
        check_fill(self.fill)
        _check_interpolation(self.interpolation)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw an angle for each image of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        draws = torch.rand(batch_size(shape), dtype=torch.float32, generator=generator)
        return self.Draw(self.degrees * (2 * draws - 1))

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return images turned by what was drawn."""
        return rotate(images, *draw, fill=self.fill, interpolation=self.interpolation)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self


def _check_interpolation(interpolation: str) -> None:
    if interpolation not in get_args(Interpolation):
        raise ValueError(f'interpolation must be "nearest" or "bilinear", got {interpolation!r}')
