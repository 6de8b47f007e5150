"""Random resized crop: cut a rectangle of random size and shape out of each image, and scale it.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops import resize
from ..ops.arguments import check_count, check_range
from ..ops.pixels import batch_size, check_draws, check_inside, in_parts, on_batches
from ..ops.transform import RandomTransform

__all__ = ["TRIES", "RandomResizedCrop", "Size", "resized_crop"]

Size = int | tuple[int, int] | None
"""Height and width, one number for both, or None for those of the images."""

TRIES = 10
"""Rectangles drawn before the largest one in the middle of the image is taken."""


@on_batches
def resized_crop(
    images: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, *, size: Size = None
) -> Tensor:
    """Cut one rectangle out of each image, and scale it to a size common to all.

    Each new row is a weighted mean of the rows of its rectangle, and each new column one of
    columns: X' = A·X·Bᵀ. The weights fall in a straight line with the distance from the middle of
    the new pixel, to nothing at one pixel's distance, old or new, whichever is longer: linear
    interpolation where the rectangle grows, and where it shrinks a mean that leaves no pixel out
    (antialiasing).

    Args:
        images: uint8 or finite float numbers, (B, C, H, W) or (C, H, W).
        top: first row of each rectangle, int (B,).
        left: first column, likewise.
        height: rows, at least 1, int (B,), of a rectangle inside the image.
        width: columns, likewise.
        size: height and width of the result, one number for both, or None for H and W.

    Returns:
        (B, C, *size) or (C, *size), in the type of the images; uint8 rounded to whole numbers.

    Raises:
        TypeError: if a side is no tensor, or `size` no whole numbers.
        ValueError: if there is not one rectangle for each image, one leaves its image, or `size`
            has no pixel.
    """
    full = images.shape[-2:]
    check_draws(images, top=top, left=left, height=height, width=width)
    for name, start, side, length, pixels in (
        ("top", top, "height", height, full[0]),
        ("left", left, "width", width, full[1]),
    ):
        check_inside(name, start, 0, pixels - 1)
        check_inside(side, length, 1, pixels)
        check_inside(f"{name} + {side}", start + length, 1, pixels)
    rows, columns = _pair(size) or full
    if resize.one_by_one(images):
        return resize.crops(images, top, left, height, width, size=(rows, columns))
    place = (side.to(images.device, non_blocking=True) for side in (top, left, height, width))
    return _resized(images, *place, rows=rows, columns=columns)


@in_parts
def _resized(
    images: Tensor,
    top: Tensor,
    left: Tensor,
    height: Tensor,
    width: Tensor,
    *,
    rows: int,
    columns: int,
) -> Tensor:
    pixels = images.to(torch.promote_types(images.dtype, torch.float32))
    a = _weights(top, height, pixels.shape[-2], rows, pixels.dtype)[:, None]
    b = _weights(left, width, pixels.shape[-1], columns, pixels.dtype)[:, None]
    scaled = a @ pixels @ b.mT
    return (scaled.round() if images.dtype == torch.uint8 else scaled).to(images.dtype)


def _weights(start: Tensor, length: Tensor, pixels: int, size: int, dtype: torch.dtype) -> Tensor:
    """Return the share of each old pixel of a line in each new one, (B, size, pixels).

    Args:
        start: first pixel of the stretch that is scaled, int (B,).
        length: of the stretch, int (B,).
        pixels: length of the line.
        size: to which the stretch is scaled.
        dtype: of the weights.
    """
    old = torch.arange(pixels, dtype=dtype, device=start.device) + 0.5
    new = torch.arange(size, dtype=dtype, device=start.device) + 0.5
    start, length = start.to(dtype)[:, None, None], length.to(dtype)[:, None, None]
    step = length / size  # from one new pixel to the next
    away = (old - start - step * new[:, None]).abs() / step.clamp(min=1)
    inside = (start <= old) & (old < start + length)
    share = torch.where(inside, (1 - away).clamp(min=0), 0)
    return share / share.sum(dim=-1, keepdim=True)


def _pair(size: Size) -> tuple[int, int] | None:
    """Check a size, and return it as height and width."""
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"size must be one number, or a pair (height, width), got {size!r}")
    for side in pair:
        check_count("each side of size", side)
    return pair


@dataclass(frozen=True)
class RandomResizedCrop(RandomTransform):
    """Cut a rectangle of random size, shape and place out of each image, and scale it to one size.

    Its share of the area is uniform over `area`, its aspect ratio uniform on a logarithmic scale
    over `aspect`, its place uniform inside the image. A rectangle that does not fit is drawn
    again, up to ten times; then it is the largest in the middle of the image whose aspect ratio
    is in `aspect`.

    Args:
        size: height and width of the result, one number for both, or None for those of the images.
        area: smallest and largest share of the image, in (0, 1].
        aspect: smallest and largest ratio of width to height, each above 0.

    Shape: uint8 or finite float numbers, (B, C, H, W) or (C, H, W), returned in the same type as
        (B, C, *size) or (C, *size).

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Szegedy et al. 2015, arXiv:1409.4842, section 6; drawn as torchvision does.
    """

    size: Size = None
    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)

    class Draw(NamedTuple):
        """What is random about one batch: arguments of `resized_crop`, int (B,) each."""

        top: Tensor
        left: Tensor
        height: Tensor
        width: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        _pair(self.size)
        check_range("area", self.area, 0, 1, above=True)
        check_range("aspect", self.aspect, 0, above=True)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw rectangles for images of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        count, (rows, columns) = batch_size(shape), shape[-2:]
        height, width = (torch.full((count,), side) for side in self._central(rows, columns))
        top, left = (rows - height) // 2, (columns - width) // 2
        least, most = torch.tensor(self.area, dtype=torch.float64)
        narrow, wide = torch.tensor(self.aspect, dtype=torch.float64).log()
        pending = torch.arange(count)
        for _ in range(TRIES):
            draws = torch.rand(4, len(pending), dtype=torch.float64, generator=generator)
            pixels = rows * columns * torch.lerp(least, most, draws[0])
            aspect = torch.lerp(narrow, wide, draws[1]).exp()
            high, across = (pixels / aspect).sqrt().round(), (pixels * aspect).sqrt().round()
            fits = (high >= 1) & (high <= rows) & (across >= 1) & (across <= columns)
            y, x = draws[2] * (rows - high + 1), draws[3] * (columns - across + 1)
            found = (y, x, high, across)
            for side, values in zip((top, left, height, width), found, strict=True):
                side[pending[fits]] = values[fits].long()
            pending = pending[~fits]
            if not len(pending):
                break
        return self.Draw(top, left, height, width)

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the rectangles that were drawn, scaled."""
        return resized_crop(images, *draw, size=self.size)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape in which images of a shape come back."""
        return (*shape[:-2], *(_pair(self.size) or shape[-2:]))

    def _central(self, rows: int, columns: int) -> tuple[int, int]:
        """Return height and width of the largest rectangle of an allowed aspect ratio."""
        low, high = self.aspect
        height = min(rows, max(1, round(columns / low)))
        return height, min(columns, max(1, round(rows * high)))
