"""PCA colour: shift the colours of an image along the directions in which colours vary.

Chapter: notebooks/13_color.ipynb
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_batch, check_number
from ..ops.color import check_finite, number_type
from ..ops.pixels import batch_size, check_channels, in_parts, on_batches
from ..ops.transform import RandomTransform

__all__ = [
    "IMAGENET_EIGENVALUES",
    "IMAGENET_EIGENVECTORS",
    "Colors",
    "PCAColor",
    "color_shifts",
    "principal_colors",
    "shift_colors",
]

Colors = tuple[float, float, float]

IMAGENET_EIGENVALUES: Colors = (0.2175, 0.0188, 0.0045)
"""Variances of ImageNet's colours along their principal directions, RGB in [0, 1]."""

IMAGENET_EIGENVECTORS: tuple[Colors, Colors, Colors] = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
"""The directions, one in each column."""


def principal_colors(images: Tensor) -> tuple[Tensor, Tensor]:
    """Find the principal directions of the colours of all pixels.

    Args:
        images: uint8, or float in [0, 1]; (N, 3, H, W).

    Returns:
        Eigenvalues of the covariance of RGB in [0, 1], largest first, float64 (3,), and the
        eigenvectors in the columns of a float64 (3, 3). An eigenvector has no sign of its own: on
        another device it may point the other way.

    Raises:
        ValueError, TypeError: if these are no batch of images with three channels.
    """
    check_batch(images)
    check_channels(images, (3,))
    pixels = images.movedim(1, 0).flatten(1).double()
    if images.dtype == torch.uint8:
        pixels /= 255
    values, vectors = torch.linalg.eigh(torch.cov(pixels))
    return values.flip(0), vectors.flip(1)


def color_shifts(alpha: Tensor, eigenvalues: Tensor, eigenvectors: Tensor) -> Tensor:
    """Compute [p1 p2 p3][a1 l1, a2 l2, a3 l3]^T for each row of draws.

    Args:
        alpha: (B, 3).
        eigenvalues: l, (3,).
        eigenvectors: p in the columns of (3, 3).

    Returns:
        What to add to red, green and blue, (B, 3).

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1.
    """
    return (alpha * eigenvalues) @ eigenvectors.T


@on_batches
def shift_colors(images: Tensor, shifts: Tensor) -> Tensor:
    """Add one colour to all pixels of an image, and clip uint8 images at 0 and 255.

    Args:
        images: uint8 or float, (B, 3, H, W) or (3, H, W).
        shifts: float (B, 3), where images span [0, 1]; uint8 images are shifted 255 times as far,
            rounded to whole levels.

    Returns:
        As `images`; float images may leave [0, 1], as in the paper.

    Raises:
        ValueError, TypeError: if images or shifts have another shape, or a shift is not finite.
            Shifts on a device are not read, since that would wait for it.
    """
    check_channels(images, (3,))
    if not isinstance(shifts, Tensor) or shifts.shape != (len(images), 3):
        got = tuple(shifts.shape) if isinstance(shifts, Tensor) else repr(shifts)
        raise ValueError(f"expected shifts ({len(images)}, 3), got {got}")
    check_finite("shifts", shifts)
    shifts = shifts.to(number_type(images)).to(images.device, non_blocking=True)[:, :, None, None]
    if images.dtype == torch.uint8:
        return _shift_bytes(images, (255 * shifts).round())
    return images + shifts


@in_parts
def _shift_bytes(images: Tensor, shifts: Tensor) -> Tensor:
    return (images + shifts.clamp(-255, 255).to(torch.int16)).clamp_(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class PCAColor(RandomTransform):
    """Add a random multiple of each principal colour to an image: alpha ~ N(0, std), one draw per
    image and direction.

    The shift of an image is normal with the covariance P diag((std·l)²) P^T, so along the first
    direction, which is about light and dark, it is the largest.

    Args:
        std: standard deviation of alpha, at least 0.
        eigenvalues: of the covariance of RGB in [0, 1]; ImageNet's by default.
        eigenvectors: rows of the matrix whose columns are the directions; ImageNet's by default.

    Shape: uint8, or float in [0, 1]; (B, 3, H, W) or (3, H, W), returned unchanged in shape and
        type. Grey images have no principal colours and are refused.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1; ImageNet's numbers as used since
        fb.resnet.torch.
    """

    std: float = 0.1
    eigenvalues: Colors = IMAGENET_EIGENVALUES
    eigenvectors: tuple[Colors, Colors, Colors] = IMAGENET_EIGENVECTORS

    class Draw(NamedTuple):
        """What is random about one batch: alpha of `color_shifts`, (B, 3)."""

        alpha: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("std", self.std, 0)
        if len(self.eigenvalues) != 3:
            raise ValueError(f"expected 3 eigenvalues, got {self.eigenvalues!r}")
        for value in self.eigenvalues:
            check_number("each of eigenvalues", value, 0)
        if [len(row) for row in self.eigenvectors] != [3, 3, 3]:
            raise ValueError(f"expected 3 rows of 3 eigenvectors, got {self.eigenvectors!r}")
        for row in self.eigenvectors:
            for value in row:
                check_number("each of eigenvectors", value, -1, 1)

    @classmethod
    def of(cls, images: Tensor, std: float = 0.1) -> Self:
        """Build one with the principal colours of these images; see `principal_colors`."""
        values, vectors = principal_colors(images)
        red, green, blue = (_as_colors(row) for row in vectors)
        # Rounding may leave a variance of nothing below zero.
        return cls(std, _as_colors(values.clamp(min=0)), (red, green, blue))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw for images of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        normal = torch.randn(batch_size(shape), 3, dtype=torch.float32, generator=generator)
        return self.Draw(self.std * normal)

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return images shifted by what was drawn."""
        values = torch.tensor(self.eigenvalues, dtype=draw.alpha.dtype)
        vectors = torch.tensor(self.eigenvectors, dtype=draw.alpha.dtype)
        return shift_colors(images, color_shifts(draw.alpha, values, vectors))


def _as_colors(values: Tensor) -> Colors:
    first, second, third = values.tolist()
    return first, second, third
