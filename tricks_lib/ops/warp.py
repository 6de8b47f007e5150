"""Move the pixels of a batch by affine maps: what rotation, shear and translation share."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .pixels import Fill, fill_color, in_parts

__all__ = ["grid", "sources", "take", "warp"]


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
    matrices = matrices.to(images.device, torch.float32, non_blocking=True)
    if interpolation == "bilinear":
        return _interpolate(images, matrices, color=color)
    return _move(images, matrices, color=color)


@in_parts
def _move(images: Tensor, matrices: Tensor, *, color: Tensor) -> Tensor:
    return take(images, sources(matrices, *images.shape[-2:]), color)


def sources(matrices: Tensor, height: int, width: int) -> Tensor:
    """Compute which pixel is nearest to each source point.

    An image that holds the numbers of its own pixels is sampled, so that rounding is torch's own.

    Args:
        matrices: as in `warp`, float32 (n, 2, 3).
        height: of the image.
        width: of the image, with fewer than 2²⁴ pixels altogether.

    Returns:
        int32 (n, H·W): number of the pixel, row by row, counted from 1; 0 for a point outside.
    """
    numbers = torch.arange(1, height * width + 1, dtype=torch.float32, device=matrices.device)
    numbers = numbers.view(1, 1, height, width).expand(len(matrices), -1, -1, -1)
    found = F.grid_sample(
        numbers, grid(matrices, height, width), "nearest", "zeros", align_corners=False
    )
    return found.flatten(1).to(torch.int32)


def take(images: Tensor, numbers: Tensor, color: Tensor) -> Tensor:
    """Gather pixels by number.

    Args:
        images: (B, C, H, W).
        numbers: of `sources`, int32 (B, H·W).
        color: what stands for the number 0, (1, C or 1, 1, 1).
    """
    batch, channels = images.shape[:2]
    values = torch.cat((color.flatten(2).expand(batch, channels, 1), images.flatten(2)), dim=2)
    numbers = numbers.long()[:, None].expand(-1, channels, -1)
    return values.gather(2, numbers).view(images.shape)


def grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Compute the source points of all pixels in the units of `grid_sample`.

    Returns:
        float (n, H, W, 2): x and y, from -1 at one border of the image to 1 at the other.
    """
    device = matrices.device
    x = torch.linspace(0.5 * (1 - width), 0.5 * (width - 1), width, device=device)
    y = torch.linspace(0.5 * (1 - height), 0.5 * (height - 1), height, device=device)[:, None]
    half = torch.tensor([[0.5 * width], [0.5 * height]]).to(device, non_blocking=True)
    by_x, by_y, shift = (matrices / half)[..., None, None].unbind(2)
    # In this order the rounding is that of the product of matrices that torchvision computes.
    return (by_x * x + by_y * y + shift).movedim(1, -1)


@in_parts
def _interpolate(images: Tensor, matrices: Tensor, *, color: Tensor) -> Tensor:
    """Blend the four pixels around each source point, and outside the image the colour."""
    precise = torch.promote_types(images.dtype, torch.float32)
    points = grid(matrices, *images.shape[-2:]).to(precise)
    layers = torch.cat((images, torch.ones_like(images[:, :1])), dim=1).to(precise)
    layers = F.grid_sample(layers, points, "bilinear", "zeros", align_corners=False)
    inside, color = layers[:, -1:], color.to(precise)
    blended = torch.addcmul(color, layers[:, :-1] - color, inside)
    if images.dtype == torch.uint8:
        blended = blended.round_().clamp_(0, 255)
    return blended.to(images.dtype)
