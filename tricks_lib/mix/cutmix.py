"""CutMix: paste a box of another image, and mix the labels by area.

Chapter: notebooks/09_mixup.ipynb
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_number
from ..ops.mixing import (
    Box,
    beta,
    check_box,
    check_mixture,
    check_partner,
    left_alone,
    paste,
    rows_for,
    share,
    short_text,
    unmixed,
)

__all__ = ["CutMix", "box_around", "paste_box"]


def paste_box(
    images: Tensor,
    targets: Tensor,
    partner: Tensor,
    box: Box,
    *,
    num_classes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Put the partner's pixels into one box of each image, and mix the targets by area.

    The weight 1 - (area of the box)/(HW) belongs to the sample's own target, as in timm and
    torchvision.

    Args:
        images: (B, C, H, W), uint8 or float.
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        partner: number of each sample's partner, 0 ... B - 1, int (B,).
        box: top, bottom, left, right: rows top <= y < bottom, columns left <= x < right; one box
            for the whole batch.
        num_classes: K, which labels need.

    Returns:
        Images, and mixed targets as rows (B, K).

    Raises:
        TypeError: if targets are labels without `num_classes`, or the box is not four whole
            numbers.
        ValueError: if a shape is wrong, the box reaches over the border or a partner is not in the
            batch; partners on a device are not read, since that would wait for it.

    Source: Yun et al. 2019, arXiv:1905.04899, equation 1.
    """
    rows = rows_for(images, targets, num_classes)
    height, width = images.shape[-2:]
    check_box(box, height, width)
    partner = check_partner(partner, (len(images),), images)
    top, bottom, left, right = box
    own = 1 - (bottom - top) * (right - left) / (height * width)
    mixed = rows.index_select(0, partner).lerp_(rows, share(own, rows))
    return paste(images, partner, box), mixed


def box_around(y: int, x: int, share: float, height: int, width: int) -> Box:
    """Cut a box of the image's proportions around a centre, clipped at the border.

    Args:
        y: row of the centre.
        x: column of the centre.
        share: of the area, before clipping, in [0, 1].
        height: of the image.
        width: of the image.

    Returns:
        top, bottom, left, right.

    Raises:
        ValueError, TypeError: if `share` is no number in [0, 1].

    Source: Yun et al. 2019, arXiv:1905.04899, equation 2, and the authors' code.
    """
    check_number("share", share, 0, 1)
    half_height = int(height * math.sqrt(share)) // 2
    half_width = int(width * math.sqrt(share)) // 2
    rows = max(y - half_height, 0), min(y + half_height, height)
    columns = max(x - half_width, 0), min(x + half_width, width)
    return *rows, *columns


@dataclass(frozen=True, repr=False)
class CutMix:
    """Paste a box of a random other image of the batch into each image.

    One box is drawn for the whole batch: its centre anywhere, its share of the area 1 - lambda
    with lambda from Beta(alpha, alpha), before it is clipped at the border. The targets have the
    weights of what is left after clipping, so that the own image weighs more than lambda on
    average: 0.70 and not 0.5 for alpha = 1 at 32×32.

    Args:
        alpha: shape of the Beta distribution, above 0; the paper has 1.
        num_classes: K, which is needed where targets come as labels.
        p: probability that a batch is mixed at all; the authors have 0.5 for CIFAR, 1 for ImageNet.

    Shape: images (B, C, H, W), uint8 or float, and target rows (B, K) or labels (B,); the images
        come back in the same shape, the targets as rows.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Yun, Han, Oh, Chun, Choe, Yoo 2019, arXiv:1905.04899.
    """

    alpha: float = 1.0
    num_classes: int | None = None
    p: float = 1.0

    class Draw(NamedTuple):
        """What is random about one batch: arguments of `paste_box`."""

        partner: Tensor
        box: Box

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("alpha", self.alpha, 0, above=True)
        check_mixture(self.num_classes, self.p)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images with a foreign box, and their targets."""
        rows = rows_for(images, targets, self.num_classes)
        return self.apply(images, rows, self.draw(images.shape))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw | None:
        """Draw for images of a shape (B, C, H, W), on the CPU, from torch's generator or the given
        one; None says that the batch is left as it is."""
        if left_alone(self.p, generator):
            return None
        count, _, height, width = shape
        y = int(torch.randint(height, (), generator=generator))
        x = int(torch.randint(width, (), generator=generator))
        box = box_around(y, x, 1 - beta(self.alpha, generator), height, width)
        return self.Draw(torch.randperm(count, generator=generator), box)

    def apply(self, images: Tensor, targets: Tensor, draw: Draw | None) -> tuple[Tensor, Tensor]:
        """Return images and targets mixed by what was drawn."""
        if draw is None:
            return unmixed(images, rows_for(images, targets, self.num_classes))
        return paste_box(images, targets, *draw, num_classes=self.num_classes)

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        return short_text(self)
