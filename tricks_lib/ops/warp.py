"""Move the pixels of a batch by affine maps: what rotation, shear and translation share."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .pixels import Fill, fill_color, in_parts

__all__ = ["grid", "move", "sources", "take", "warp"]


def warp(images: Tensor, matrices: Tensor, fill: Fill, interpolation: str = "nearest") -> Tensor:
    """Show at each place what the image has at the point that the map sends it to.

    Args:
        images: uint8 or float (B, C, H, W).
        matrices: float (B, 2, 3): (x, y, 1) -> source point. Both are in pixels from the centre
            of the image, x to the right, y down.
        fill: colour where the source point lies outside, in the units of the images; None for
            their mean colour.
        interpolation: "nearest" or "bilinear".

    Returns:
        As `images`.
    """
    color = fill_color(fill, images)
    precise = _precise(images.dtype, *images.shape[-2:])
    matrices = matrices.to(images.device, precise, non_blocking=True)
    if interpolation == "bilinear":
        return _interpolate(images, matrices, color=color)
    return move(images, matrices, color=color)


@in_parts
def move(images: Tensor, matrices: Tensor, *, color: Tensor) -> Tensor:
    """Do what `warp` does with the nearest pixels.

    Args:
        images: uint8 or float (B, C, H, W).
        matrices: as in `warp`, float32 or float64, on the images' device.
        color: of `fill_color`.
    """
    return take(images, sources(matrices, *images.shape[-2:]), color)


def sources(matrices: Tensor, height: int, width: int) -> Tensor:
    """Compute which pixel is nearest to each source point.

    An image that holds the numbers of its own pixels is sampled, so that rounding is torch's own.

    Args:
        matrices: as in `warp`, float32 or float64 (n, 2, 3).
        height: of the image.
        width: of the image.

    Returns:
        int32 (n, H·W), or int64 if that is too small: number of the pixel, row by row, counted
        from 1; 0 for a point outside.
    """
    precise = _precise(matrices.dtype, height, width)
    numbers = torch.arange(1, height * width + 1, dtype=precise, device=matrices.device)
    numbers = numbers.view(1, 1, height, width).expand(len(matrices), -1, -1, -1)
    points = grid(matrices.to(precise), height, width)
    found = F.grid_sample(numbers, points, "nearest", "zeros", align_corners=False)
    return found.flatten(1).to(torch.int32 if height * width < 2**31 else torch.int64)


def take(images: Tensor, numbers: Tensor, color: Tensor) -> Tensor:
    """Gather pixels by number.

    Args:
        images: (B, C, H, W).
        numbers: of `sources`, int (B, H·W).
        color: what stands for the number 0, (1, C or 1, 1, 1).
    """
    batch, channels = images.shape[:2]
    values = torch.cat((color.flatten(2).expand(batch, channels, 1), images.flatten(2)), dim=2)
    numbers = numbers.long()[:, None].expand(-1, channels, -1)
    return values.gather(2, numbers).view(images.shape)


def grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Compute the source points of all pixels in the units of `grid_sample`.

    Returns:
        (n, H, W, 2), of the matrices' type: x and y, from -1 at one border of the image to 1 at
        the other.
    """
    dtype, device = matrices.dtype, matrices.device

    def places(count: int) -> Tensor:
        first, last = 0.5 * (1 - count), 0.5 * (count - 1)
        return torch.linspace(first, last, count, dtype=dtype, device=device)

    x, y = places(width), places(height)[:, None]
    half = torch.tensor([[0.5 * width], [0.5 * height]], dtype=dtype)
    half = half.to(device, non_blocking=True)
    by_x, by_y, shift = (matrices / half)[..., None, None].unbind(2)
    # In this order the rounding is that of the product of matrices that torchvision computes.
    return (by_x * x + by_y * y).add_(shift).movedim(1, -1)


def _precise(dtype: torch.dtype, height: int, width: int) -> torch.dtype:
    """Choose the type that source points are computed in: one that can count the pixels."""
    counts = torch.float32 if height * width <= 2**24 else torch.float64
    return torch.promote_types(dtype, counts)


@in_parts
def _interpolate(images: Tensor, matrices: Tensor, *, color: Tensor) -> Tensor:
    """Blend the four pixels p around each source point by their weights w, which sum to 1; those
    outside the image have the colour c.

    So a place shows Σ w p + (1 - Σ w) c, with sums over the pixels inside, and this is
    Σ w (p - c) + c: zeros outside are what `grid_sample` reads there.
    """
    points = grid(matrices, *images.shape[-2:])
    color = color.to(points.dtype)
    differences = images.to(points.dtype) - color
    blended = F.grid_sample(differences, points, "bilinear", "zeros", align_corners=False) + color
    if images.dtype == torch.uint8:
        blended = blended.round_().clamp_(0, 255)
    return blended.to(images.dtype)
