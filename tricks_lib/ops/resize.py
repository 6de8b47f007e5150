"""Crops that are scaled one by one: on a CPU the fast version of `augment.resized_crop`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .fast import LARGE, wanted

__all__ = ["crops", "one_by_one"]


def one_by_one(images: Tensor) -> bool:
    """Whether to scale images one by one: on a CPU large ones, where no gradient is needed.

    A weighted mean has few pixels, a product of matrices takes them all; for small images the
    product costs less than a call for each.
    """
    return images.device.type == "cpu" and images[0].numel() >= LARGE and wanted(images)


def crops(
    images: Tensor,
    top: Tensor,
    left: Tensor,
    height: Tensor,
    width: Tensor,
    *,
    size: tuple[int, int],
) -> Tensor:
    """Scale one rectangle of each image, as `augment.resized_crop`; bytes within one level.

    Args:
        images: (B, C, H, W), on the CPU.
        top: first row of each rectangle, int (B,).
        left: first column, likewise.
        height: rows, int (B,).
        width: columns, likewise.
        size: height and width of the result.
    """
    half = images.dtype in (torch.float16, torch.bfloat16)
    scaled = images.new_empty((*images.shape[:2], *size))
    boxes = torch.stack((top, left, height, width), dim=1).tolist()
    for image, (y, x, rows, columns), target in zip(images, boxes, scaled, strict=True):
        crop = image[None, :, y : y + rows, x : x + columns]
        target[:] = F.interpolate(
            crop.float() if half else crop, size, mode="bilinear", antialias=True
        )[0]
    return scaled
