"""The operations of AutoAugment on the values of pixels, each on a whole batch of uint8 images.

Each gives for every single image what torchvision's function gives, within one level by rounding.
An operation that treats every pixel by itself becomes a table of 256 bytes for each image.
"""

import torch
from torch import Tensor

from .pixels import histogram, in_parts, look_up, per_image

__all__ = ["auto_contrast", "equalize", "invert", "posterize", "sharpen", "solarize"]


def invert(images: Tensor) -> Tensor:
    """Replace each value v by 255 - v. Shape: uint8 (B, C, H, W)."""
    return images.bitwise_not()


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest bits of each value.

    Args:
        images: uint8 (B, C, H, W).
        bits: how many, whole numbers 0 ... 8, (B,).
    """
    return images & per_image(256 - 2 ** (8 - bits.long()), images).to(torch.uint8)


def solarize(images: Tensor, threshold: Tensor) -> Tensor:
    """Invert the values that reach a threshold.

    Args:
        images: uint8 (B, C, H, W).
        threshold: between 0 and 255, (B,).
    """
    return _solarize(images, per_image(threshold.float().ceil(), images).to(torch.uint8))


@in_parts
def _solarize(images: Tensor, threshold: Tensor) -> Tensor:
    reached = (images >= threshold).view(torch.uint8)
    return reached.neg_().bitwise_xor_(images)  # all bits turned, or none


def auto_contrast(images: Tensor) -> Tensor:
    """Stretch the values of each channel from its darkest and brightest to 0 and 255.

    A channel with one value only stays as it is.

    Args:
        images: uint8 (B, C, H, W).
    """
    pixels = images.flatten(2)
    darkest, brightest = (
        end.float()[..., None] for end in (pixels.amin(dim=2), pixels.amax(dim=2))
    )
    flat = darkest == brightest
    scale = ((brightest - darkest) * (1.0 / 255)).masked_fill_(flat, 1.0)
    values = torch.arange(256, dtype=torch.float32, device=images.device)
    stretched = (values - darkest.masked_fill_(flat, 0.0)) / scale
    return look_up(images, stretched.clamp_(0, 255).to(torch.uint8))


def equalize(images: Tensor) -> Tensor:
    """Spread the values of each channel so that all are about equally frequent.

    A value becomes the number of darker pixels over a step, rounded, where the step is a 255th of
    all pixels but the brightest. A channel too uniform for a step of a pixel stays as it is.

    Args:
        images: uint8 (B, C, H, W).
    """
    counts = histogram(images)
    up_to = counts.cumsum(dim=2)
    brightest = up_to.argmax(dim=2, keepdim=True)  # where the total is first reached
    step = (up_to[..., -1:] - counts.gather(2, brightest)) // 255
    darker = up_to - counts
    tables = ((darker + step // 2) // step.clamp(min=1)).clamp_(0, 255)
    values = torch.arange(256, device=images.device)
    return look_up(images, torch.where(step > 0, tables, values).to(torch.uint8))


def sharpen(images: Tensor, factor: Tensor) -> Tensor:
    """Move every pixel away from the weighted mean of its 3×3 neighbourhood, or towards it.

    The weights are 5 in the middle and 1 around it, over 13. The border stays as it is.

    Args:
        images: uint8 (B, C, H, W).
        factor: 0 gives the mean, 1 changes nothing, more sharpens, (B,).
    """
    if min(images.shape[-2:]) <= 2:
        return images.clone()
    return _sharpen(images, per_image((1 - factor.double()).float(), images))


@in_parts
def _sharpen(images: Tensor, blur: Tensor) -> Tensor:
    small = images.to(torch.int16)
    inner = small[..., 1:-1, 1:-1]
    columns = small[..., :-2, :] + small[..., 1:-1, :] + small[..., 2:, :]
    total = columns[..., :-2] + columns[..., 1:-1] + columns[..., 2:] + 4 * inner
    # No sum of whole numbers is half-way between two multiples of 13: rounding is safe.
    blurred = (total.float() / 13).round_()
    blended = torch.addcmul(inner.float(), blurred - inner, blur)
    result = images.clone()
    result[..., 1:-1, 1:-1] = blended.clamp_(0, 255).to(torch.uint8)
    return result
