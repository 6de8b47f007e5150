"""Mixup: train on blends of two images and of their labels.

Chapter: notebooks/09_mixup.ipynb
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_number
from ..ops.mixing import (
    beta,
    check_mixture,
    check_partner,
    check_weight,
    left_alone,
    rows_for,
    share,
    short_text,
    unmixed,
)
from ..ops.pixels import take_rows

__all__ = ["Mixup", "mix_pairs"]


def mix_pairs(
    images: Tensor,
    targets: Tensor,
    partner: Tensor,
    weight: float | Tensor,
    *,
    num_classes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Blend each sample with its partner: weight·(own) + (1 - weight)·(partner's).

    `weight` belongs to the sample's own image, as in timm and torchvision; composer's and kornia's
    weight is the partner's.

    Args:
        images: float (B, C, H, W).
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        partner: number of each sample's partner, 0 ... B - 1, int (B,).
        weight: share of the sample's own, in [0, 1]: a number, or one per sample, (B,).
        num_classes: K, which labels need.

    Returns:
        Blended images, and blended targets as rows (B, K).

    Raises:
        TypeError: if images are no floating-point numbers, or targets are labels without
            `num_classes`.
        ValueError: if a shape is wrong, a weight outside [0, 1] or a partner not in the batch;
            weights and partners on a device are not read, since that would wait for it.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz 2018, arXiv:1710.09412, section 2.
    """
    rows = rows_for(images, targets, num_classes)
    if not images.is_floating_point():
        raise TypeError(
            f"images must be floating-point numbers to be blended, got {images.dtype}; "
            "images.float() / 255 makes them of bytes"
        )
    check_weight(weight, images)
    partner = check_partner(partner, (len(images),), images)
    return (
        take_rows(images, partner).lerp_(images, share(weight, images)),
        take_rows(rows, partner).lerp_(rows, share(weight, rows)),
    )


@dataclass(frozen=True, repr=False)
class Mixup:
    """Blend each sample of a batch with a random other one.

    One weight is drawn for the whole batch, from Beta(alpha, alpha), and one permutation gives
    the partners, as in the authors' code. Accuracy on mixed samples means little: evaluate on
    unmixed ones.

    Args:
        alpha: shape of the Beta distribution, above 0. Weights are near 0 or 1 for a small one,
            uniform for 1, near 1/2 for a large one. The paper has 1 for CIFAR, 0.2 for ImageNet.
        num_classes: K, which is needed where targets come as labels.
        p: probability that a batch is mixed at all.

    Shape: float images (B, C, H, W), and target rows (B, K) or labels (B,); the images come back
        in the same shape, the targets as rows.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz 2018, arXiv:1710.09412.
    """

    alpha: float = 0.2
    num_classes: int | None = None
    p: float = 1.0

    class Draw(NamedTuple):
        """What is random about one batch: arguments of `mix_pairs`."""

        partner: Tensor
        weight: float

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("alpha", self.alpha, 0, above=True)
        check_mixture(self.num_classes, self.p)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return blended images and targets."""
        rows = rows_for(images, targets, self.num_classes)
        return self.apply(images, rows, self.draw(images.shape))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw | None:
        """Draw for images of a shape (B, C, H, W), on the CPU, from torch's generator or the given
        one; None says that the batch is left as it is."""
        if left_alone(self.p, generator):
            return None
        weight = beta(self.alpha, generator)
        return self.Draw(torch.randperm(shape[0], generator=generator), weight)

    def apply(self, images: Tensor, targets: Tensor, draw: Draw | None) -> tuple[Tensor, Tensor]:
        """Return images and targets blended by what was drawn."""
        if draw is None:
            return unmixed(images, rows_for(images, targets, self.num_classes))
        return mix_pairs(images, targets, *draw, num_classes=self.num_classes)

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        return short_text(self)
