"""What shifts of colour share: amounts that are checked, and tables for what is done to bytes."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .arguments import check_number
from .pixels import look_up

__all__ = ["amounts", "check_finite", "number_type", "pointwise"]


def pointwise(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply a function that treats every pixel by itself, and all channels alike.

    It is `function(images)`. Of bytes it works out what becomes of each of the 256 values in each
    image and looks the pixels up there, which is faster and asks for less memory.

    Args:
        function: of images (B, C, H, W) of any height and width, in their own type.
        images: uint8 or float (B, C, H, W).
    """
    if images.dtype != torch.uint8:
        return function(images)
    every_value = torch.arange(256, dtype=torch.uint8, device=images.device).view(1, 1, 1, 256)
    tables = function(every_value.expand(len(images), 1, 1, 256))
    return look_up(images, tables[:, :, 0])


def number_type(images: Tensor) -> torch.dtype:
    """Return the type that pixels are computed with: float32 for bytes, else that of the images.

    Without it torch would take its default type for bytes, which is the user's to choose.
    """
    return images.dtype if images.is_floating_point() else torch.float32


def amounts(
    name: str,
    values: float | Tensor,
    images: Tensor,
    low: float = -math.inf,
    high: float = math.inf,
) -> Tensor:
    """Check amounts, and return one for each image, (B,), at least as precise as its pixels.

    Args:
        name: what to call one of them in a message.
        values: (B,), or one number for all images.
        images: (B, C, H, W).
        low: smallest allowed.
        high: largest allowed.

    Raises:
        TypeError: if `values` is neither a tensor nor a number.
        ValueError: if there is not one for each image, or one is out of its range or not finite.
            What is on a device is not read, since that would wait for it.
    """
    if not isinstance(values, Tensor):
        if not torch.compiler.is_compiling():
            check_number(name, values, low, high)
        return torch.full((len(images),), values, dtype=torch.float64)
    if values.shape != (len(images),):
        raise ValueError(
            f"expected {name} for each of {len(images)} images, a tensor ({len(images)},), or one "
            f"number for all, got {tuple(values.shape)}"
        )
    check_finite(name, values, low, high)
    return values.to(torch.promote_types(values.dtype, number_type(images)))


def check_finite(name: str, values: Tensor, low: float = -math.inf, high: float = math.inf) -> None:
    """Check that all numbers of a tensor are finite and in their range.

    What is on a device is not read, since that would wait for it.

    Raises:
        ValueError: if one is not; the message has the smallest or the largest of them.
    """
    if values.device.type == "cpu" and not torch.compiler.is_compiling():
        for end in values.detach().aminmax():  # NaN is both ends
            check_number(name, end.item(), low, high)
