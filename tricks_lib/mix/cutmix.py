"""CutMix: paste a box of another image, and mix the labels by area.

Chapter: notebooks/09_mixup.ipynb
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.mixing import beta, check_mixable
from ..ops.pixels import take_rows

__all__ = ["Box", "CutMix", "box_around", "paste_box"]

Box = tuple[int, int, int, int]


def paste_box(images: Tensor, targets: Tensor, partner: Tensor, box: Box) -> tuple[Tensor, Tensor]:
    """Put the partner's pixels into one box of each image, and mix the targets by area.

    Args:
        images: (B, C, H, W), uint8 or float.
        targets: rows of probabilities, float (B, K).
        partner: number of each sample's partner, int (B,).
        box: top, bottom, left, right: rows top <= y < bottom, columns left <= x < right.

    Returns:
        Images, and targets with the weight 1 - (area of the box)/(HW) for the sample's own.

    Raises:
        TypeError: if targets are labels.
        ValueError: if a shape is wrong or the box reaches over the border.

    Source: Yun et al. 2019, arXiv:1905.04899, equation 1.
    """
    check_mixable(images, targets)
    top, bottom, left, right = box
    height, width = images.shape[-2:]
    if not (0 <= top <= bottom <= height and 0 <= left <= right <= width):
        raise ValueError(
            f"box (top, bottom, left, right) must lie in an image of {height}×{width}, got {box}"
        )
    partner = partner.to(images.device, non_blocking=True)
    mixed = images.clone()
    inside = slice(top, bottom), slice(left, right)
    mixed[:, :, *inside] = take_rows(images[:, :, *inside].contiguous(), partner)
    own = 1 - (bottom - top) * (right - left) / (height * width)
    return mixed, targets.index_select(0, partner).lerp_(targets, own)


def box_around(y: int, x: int, share: float, height: int, width: int) -> Box:
    """Cut a box of the image's proportions around a centre, clipped at the border.

    Args:
        y: row of the centre.
        x: column of the centre.
        share: of the area, before clipping.
        height: of the image.
        width: of the image.

    Returns:
        top, bottom, left, right.

    Source: Yun et al. 2019, arXiv:1905.04899, equation 2, and the authors' code.
    """
    half_height = int(height * math.sqrt(share)) // 2
    half_width = int(width * math.sqrt(share)) // 2
    rows = max(y - half_height, 0), min(y + half_height, height)
    columns = max(x - half_width, 0), min(x + half_width, width)
    return *rows, *columns


@dataclass(frozen=True)
class CutMix:
    """Paste a box of a random other image of the batch into each image.

    One box is drawn for the whole batch: its centre anywhere, its share of the area 1 - lambda
    with lambda from Beta(alpha, alpha), before it is clipped at the border. The targets have the
    weights of what is left after clipping, so that the own image weighs more than lambda on
    average: 0.70 and not 0.5 for alpha = 1 at 32×32.

    Args:
        alpha: shape of the Beta distribution, above 0; the paper has 1.

    Shape: images (B, C, H, W), uint8 or float, and target rows (B, K), returned in the same shapes.

    Raises:
        ValueError, TypeError: if `alpha` is out of its range.

    Source: Yun, Han, Oh, Chun, Choe, Yoo 2019, arXiv:1905.04899.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameter once."""
        check_number("alpha", self.alpha, 0, above=True)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images with a foreign box, and their targets."""
        check_mixable(images, targets)
        height, width = images.shape[-2:]
        y, x = int(torch.randint(height, ())), int(torch.randint(width, ()))
        box = box_around(y, x, 1 - beta(self.alpha), height, width)
        return paste_box(images, targets, torch.randperm(len(images)), box)
