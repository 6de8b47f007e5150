"""Colour shifts: brightness, contrast, saturation and hue.

Each function changes a whole batch, every image by its own amount, and gives what torchvision's
function of the same name gives for that image, bit by bit.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.pixels import batch_size, check_channels, in_parts, look_up, on_batches, per_image

__all__ = [
    "SHADES",
    "ColorShift",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
]

SHADES = (0.2989, 0.587, 0.114)
"""Share of red, green and blue in the brightness of a pixel, ITU-R BT.601."""


@on_batches
def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply every pixel by its image's factor, and clip.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: float (B,), at least 0; 1 changes nothing, 0 gives black.

    Returns:
        As `images`.
    """
    check_channels(images)
    share, _ = _shares(factor, images)
    if images.dtype == torch.uint8:
        return look_up(images, _to_bytes(_every_value(images) * share[..., 0]))
    return (images * share).clamp_(0, 1)


@on_batches
def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Move every pixel away from its image's mean grey, or towards it.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: float (B,), at least 0; 1 changes nothing, 0 gives the mean grey.

    Returns:
        As `images`.
    """
    check_channels(images)
    share, rest = _shares(factor, images)
    mean = _mean_gray(images)
    if images.dtype == torch.uint8:
        blended = _blend(_every_value(images), mean[..., 0], share[..., 0], rest[..., 0])
        return look_up(images, _to_bytes(blended))
    return _blend(images, mean, share, rest).clamp_(0, 1)


@on_batches
def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Move every pixel away from its own grey, or towards it; grey images stay as they are.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: float (B,), at least 0; 1 changes nothing, 0 gives a grey image.

    Returns:
        As `images`.
    """
    check_channels(images)
    share, rest = _shares(factor, images)
    return images.clone() if images.shape[1] == 1 else _saturate(images, share, rest)


@in_parts
def _saturate(images: Tensor, share: Tensor, rest: Tensor) -> Tensor:
    blended = _blend(images, _gray(images), share, rest)
    return _to_bytes(blended) if images.dtype == torch.uint8 else blended.clamp_(0, 1)


@on_batches
def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the circle of colours; grey images stay as they are.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        shift: float (B,), in turns, in [-0.5, 0.5]: a third of a turn makes red into green.

    Returns:
        As `images`.
    """
    check_channels(images)
    shift = per_image(shift.float(), images)
    return images.clone() if images.shape[1] == 1 else _turn(images, shift)


@in_parts
def _turn(images: Tensor, shift: Tensor) -> Tensor:
    as_bytes = images.dtype == torch.uint8
    precise = torch.promote_types(images.dtype, torch.float32)
    colors = images / 255 if as_bytes else images.to(precise)
    red, green, _ = colors.unbind(1)
    low, high = colors.amin(1), colors.amax(1)
    spread = high - low
    # For each colour its distance from the brightest, in [0, 1]; a grey pixel has no hue.
    divisor = torch.where(spread == 0, 1.0, spread)
    from_red, from_green, from_blue = ((high[:, None] - colors) / divisor[:, None]).unbind(1)
    hue = torch.where(
        high == red,
        from_blue - from_green,
        torch.where(high == green, from_red + 2.0 - from_blue, from_green + 4.0 - from_red),
    )
    hue = (hue * (1.0 / 6.0) + 1.0).fmod_(1.0)
    saturation = spread / torch.where(spread == 0, 1.0, high)
    hue = (hue + shift[:, 0]).remainder_(1.0)

    # Back: on the way round the circle each colour is up for two sixths, down for two, and between
    # them rises or falls in a straight line.
    sixths = hue * 6
    sector = sixths.floor()
    part = sixths - sector
    falling = ((1.0 - saturation * part) * high).clamp_(0.0, 1.0)
    rising = ((saturation * part + (1.0 - saturation)) * high).clamp_(0.0, 1.0)
    least = ((1.0 - saturation) * high).clamp_(0.0, 1.0)
    levels = torch.stack((high, least, falling, rising), dim=1)
    which = torch.tensor([[0, 2, 1, 1, 3, 0], [3, 0, 0, 2, 1, 1], [1, 1, 3, 0, 0, 2]])
    which = which.to(images.device, non_blocking=True)
    sector = sector.to(torch.int64).remainder_(6)
    turned = levels.gather(1, which[:, sector].movedim(0, 1))
    # Whole numbers by truncation, with a hair less than 256 for white.
    return (turned * (256 - 1e-3) if as_bytes else turned).to(images.dtype)


def _gray(images: Tensor) -> Tensor:
    """Return the brightness of every pixel, float (B, 1, H, W); whole numbers for uint8 images."""
    if images.shape[1] == 1:
        return images if images.is_floating_point() else images.float()
    red, green, blue = images.unbind(1)
    shade = red.mul(SHADES[0]).add_(green, alpha=SHADES[1]).add_(blue, alpha=SHADES[2])
    return (shade if images.is_floating_point() else shade.floor_())[:, None]


def _mean_gray(images: Tensor) -> Tensor:
    """Return the mean brightness of every image, float (B, 1, 1, 1)."""
    return in_parts(lambda part: _gray(part).mean(dim=(1, 2, 3), keepdim=True))(images)


def _shares(factor: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return factor and 1 - factor for each image, both rounded only now, on its device."""
    dtype = images.dtype if images.is_floating_point() else torch.float32
    factor = factor.double()
    return per_image(factor.to(dtype), images), per_image((1 - factor).to(dtype), images)


def _blend(images: Tensor, others: Tensor, share: Tensor, rest: Tensor) -> Tensor:
    """Return share·images + rest·others. addcmul rounds once, as torchvision's sum does."""
    return torch.addcmul(images * share, others, rest)


def _every_value(images: Tensor) -> Tensor:
    """All values that a byte can have, the argument of a table: float (1, 1, 256)."""
    return torch.arange(256, dtype=torch.float32, device=images.device).view(1, 1, 256)


def _to_bytes(values: Tensor) -> Tensor:
    return values.clamp_(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class ColorShift:
    """Change brightness, contrast, saturation and hue of each image, in this order.

    The first three are multiplied by a factor uniform in [1 - amount, 1 + amount]; the hue is
    turned by a part of the circle uniform in [-hue, hue]. On grey images only brightness and
    contrast do anything.

    Args:
        brightness: largest change of the factor, in [0, 1]; 0 leaves this step out.
        contrast: likewise.
        saturation: likewise.
        hue: largest turn, in [0, 0.5]; 0 leaves it out.

    Shape: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels, returned
        unchanged in shape and type.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Krizhevsky, Sutskever, Hinton 2012 have the idea; the amounts of 0.4 are those of
        He, T. et al. 2019, arXiv:1812.01187, section 2.1.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        for name in ("brightness", "contrast", "saturation"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("hue", self.hue, 0, 0.5)

    def __call__(self, images: Tensor) -> Tensor:
        """Return recoloured images."""
        draws = 2 * torch.rand(4, batch_size(images)) - 1
        amounts = (self.brightness, self.contrast, self.saturation, self.hue)
        changed = [amount > 0 for amount in amounts]
        return _recolor(images, *(torch.tensor(amounts)[:, None] * draws), changed=changed)


@on_batches
@in_parts
def _recolor(images: Tensor, *changes: Tensor, changed: list[bool]) -> Tensor:
    check_channels(images)
    steps: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
        lambda images, change: adjust_brightness(images, 1 + change),
        lambda images, change: adjust_contrast(images, 1 + change),
        lambda images, change: adjust_saturation(images, 1 + change),
        adjust_hue,
    )
    for step, change, wanted in zip(steps, changes, changed, strict=True):
        if wanted:
            images = step(images, change)
    return images if any(changed) else images.clone()
