"""Colour shifts: brightness, contrast, saturation and hue.

Each function changes a whole batch, and gives for each image what torchvision's function of the
same name gives, within one level of 255 by rounding.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_number
from ..ops.color import amounts, number_type, pointwise
from ..ops.pixels import batch_size, check_channels, in_parts, on_batches, per_image
from ..ops.transform import RandomTransform

__all__ = [
    "SHADES",
    "STEPS",
    "ColorShift",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
]

SHADES = (0.2989, 0.587, 0.114)
"""Share of red, green and blue in the brightness of a pixel, ITU-R BT.601."""


@on_batches
def adjust_brightness(images: Tensor, factor: float | Tensor) -> Tensor:
    """Multiply every pixel by its image's factor: x' = f·x, clipped.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: f, at least 0: one number, or one for each image, (B,); 1 changes nothing, 0 gives
            black.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: if images or factors are not as above. Factors on a device are not
            read, since that would wait for it.
    """
    check_channels(images)
    share, _ = _shares(factor, images)
    return pointwise(lambda pixels: _clipped(share * pixels, pixels), images)


@on_batches
def adjust_contrast(images: Tensor, factor: float | Tensor) -> Tensor:
    """Move every pixel away from its image's mean grey, or towards it: x' = f·x + (1 - f)·mean,
    clipped.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: f, at least 0: one number, or one for each image, (B,); 1 changes nothing, 0 gives
            the mean grey.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: as `adjust_brightness`.
    """
    check_channels(images)
    share, rest = _shares(factor, images)
    mean = _mean_gray(images)
    return pointwise(lambda pixels: _clipped(_blend(pixels, mean, share, rest), pixels), images)


@on_batches
def adjust_saturation(images: Tensor, factor: float | Tensor) -> Tensor:
    """Move every pixel away from its own grey, or towards it: x' = f·x + (1 - f)·grey(x), clipped.

    Images of one channel stay as they are.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        factor: f, at least 0: one number, or one for each image, (B,); 1 changes nothing, 0 gives
            a grey image.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: as `adjust_brightness`.
    """
    check_channels(images)
    shares = _shares(factor, images)
    return images.clone() if images.shape[1] == 1 else _saturate(images, *shares)


@in_parts
def _saturate(images: Tensor, share: Tensor, rest: Tensor) -> Tensor:
    return _clipped(_blend(images, _gray(images), share, rest), images)


@on_batches
def adjust_hue(images: Tensor, shift: float | Tensor) -> Tensor:
    """Turn the circle of colours; images of one channel stay as they are.

    Args:
        images: uint8, or float in [0, 1]; (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        shift: in turns, in [-0.5, 0.5]: one number, or one for each image, (B,). A third of a turn
            makes red into green.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: if images or shifts are not as above. Shifts on a device are not
            read, since that would wait for it.
    """
    check_channels(images)
    turns = amounts("shift", shift, images, -0.5, 0.5)
    precise = torch.promote_types(number_type(images), torch.float32)
    shifts = per_image(turns.to(precise), images)
    return images.clone() if images.shape[1] == 1 else _turn(images, shifts)


@in_parts
def _turn(images: Tensor, shift: Tensor) -> Tensor:
    as_bytes = images.dtype == torch.uint8
    colors = images.to(shift.dtype) / 255 if as_bytes else images.to(shift.dtype)
    red, green, blue = colors.unbind(1)
    high, low = colors.amax(1), colors.amin(1)
    spread = high - low
    # Where a colour is on the circle, in sixths of a turn: red at 0, green at 2, blue at 4.
    divisor = torch.where(spread == 0, 1, spread)  # a grey pixel has no hue, and needs none
    hue = torch.where(
        high == red,
        (green - blue) / divisor,
        torch.where(high == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    hue = hue + 6 * shift[:, 0]
    # On the way round, each channel is low for two sixths, rises for one, is high for two, and
    # falls for one. `place` counts the sixths since it began to fall.
    place = torch.stack((hue + 5, hue + 3, hue + 1), dim=1).remainder(6)
    depth = torch.minimum(place, 4 - place).clamp(0, 1)
    turned = high[:, None] - spread[:, None] * depth
    # Whole numbers by truncation, with a hair less than 256 for white.
    return (turned * (256 - 1e-3) if as_bytes else turned).to(images.dtype)


def _gray(images: Tensor) -> Tensor:
    """Return the brightness of every pixel, float (B, 1, H, W); whole numbers for uint8 images."""
    if images.shape[1] == 1:
        return images.to(number_type(images))
    red, green, blue = images.unbind(1)
    shade = red.to(number_type(images)).mul(SHADES[0])
    shade = shade.add_(green, alpha=SHADES[1]).add_(blue, alpha=SHADES[2])[:, None]
    return shade if images.is_floating_point() else shade.floor_()


def _mean_gray(images: Tensor) -> Tensor:
    """Return the mean brightness of every image, float (B, 1, 1, 1)."""
    return in_parts(lambda part: _gray(part).mean(dim=(1, 2, 3), keepdim=True))(images)


def _shares(factor: float | Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return f and 1 - f for each image, both rounded only now, (B, 1, 1, 1) on its device."""
    factor, kind = amounts("factor", factor, images, 0), number_type(images)
    return per_image(factor.to(kind), images), per_image((1 - factor).to(kind), images)


def _blend(images: Tensor, others: Tensor, share: Tensor, rest: Tensor) -> Tensor:
    """Return f·x + (1 - f)·x0. addcmul may round once for both, as torchvision's sum may."""
    return torch.addcmul(images * share, others, rest)


def _clipped(values: Tensor, images: Tensor) -> Tensor:
    """Clip to what pixels can be, and return them in the type of the images."""
    return values.clamp_(0, 1 if images.is_floating_point() else 255).to(images.dtype)


STEPS: dict[str, Callable[[Tensor, float | Tensor], Tensor]] = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "hue": adjust_hue,
}
"""What `ColorShift` does, in this order."""


@dataclass(frozen=True)
class ColorShift(RandomTransform):
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

    class Draw(NamedTuple):
        """What is random about one batch: three factors and a shift of the hue, each (B,) or a
        number, as `adjust_brightness` and its like take them; None leaves a step out."""

        brightness: float | Tensor | None
        contrast: float | Tensor | None
        saturation: float | Tensor | None
        hue: float | Tensor | None

    def __post_init__(self) -> None:
        """Check the parameters once."""
        for name in ("brightness", "contrast", "saturation"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("hue", self.hue, 0, 0.5)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw for images of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        uniform = torch.rand(4, batch_size(shape), dtype=torch.float32, generator=generator)
        largest = (self.brightness, self.contrast, self.saturation, self.hue)
        changes = torch.tensor(largest, dtype=torch.float32)[:, None] * (2 * uniform - 1)
        neutral = (1, 1, 1, 0)  # a factor, or a shift, that changes nothing
        steps = zip(largest, neutral, changes, strict=True)
        return self.Draw(*(middle + change if most else None for most, middle, change in steps))

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return images recoloured by what was drawn."""
        return _recolor(images, draw)


@on_batches
def _recolor(images: Tensor, draw: ColorShift.Draw) -> Tensor:
    check_channels(images)
    wanted = {name: value for name, value in draw._asdict().items() if value is not None}
    values = [amounts(name, value, images) for name, value in wanted.items()]
    return _in_order(images, *values, names=list(wanted))


@in_parts
def _in_order(images: Tensor, *values: Tensor, names: list[str]) -> Tensor:
    """Do all steps to a few images before the next, so that these stay in the cache."""
    for name, value in zip(names, values, strict=True):
        images = STEPS[name](images, value)
    return images if names else images.clone()
