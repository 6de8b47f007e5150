"""Mixup: train on blends of two images and of their labels.

Chapter: notebooks/09_mixup.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.mixing import beta, check_mixable
from ..ops.pixels import take_rows

__all__ = ["Mixup", "mix_pairs"]


def mix_pairs(
    images: Tensor, targets: Tensor, partner: Tensor, weight: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Blend each sample with its partner: weight·(own) + (1 - weight)·(partner's).

    `weight` belongs to the sample's own image, as in timm and torchvision; composer's and kornia's
    weight is the partner's.

    Args:
        images: float (B, C, H, W).
        targets: rows of probabilities, float (B, K).
        partner: number of each sample's partner, int (B,).
        weight: share of the sample's own, in [0, 1]: a number, or one per sample, (B,).

    Returns:
        Blended images and targets.

    Raises:
        TypeError: if images or targets are no floating-point numbers.
        ValueError: if a shape is wrong.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz 2018, arXiv:1710.09412, section 2.
    """
    check_mixable(images, targets)
    if not images.is_floating_point():
        raise TypeError(f"images must be floating-point numbers to be blended, got {images.dtype}")
    partner = partner.to(images.device, non_blocking=True)
    if partner.shape != (len(images),):
        raise ValueError(
            f"expected one partner for each of {len(images)} images, got {tuple(partner.shape)}"
        )
    of_images = of_targets = weight
    if isinstance(weight, Tensor) and weight.ndim:
        if weight.shape != (len(images),):
            raise ValueError(
                f"weight must be a number or one for each of {len(images)} images, "
                f"got {tuple(weight.shape)}"
            )
        of_images = weight.to(images, non_blocking=True)[:, None, None, None]
        of_targets = weight.to(targets, non_blocking=True)[:, None]
    return (
        take_rows(images, partner).lerp_(images, of_images),
        take_rows(targets, partner).lerp_(targets, of_targets),
    )


@dataclass(frozen=True)
class Mixup:
    """Blend each sample of a batch with a random other one.

    One weight is drawn for the whole batch, from Beta(alpha, alpha), and one permutation gives
    the partners, as in the authors' code. Accuracy on mixed samples means little: evaluate on
    unmixed ones.

    Args:
        alpha: shape of the Beta distribution, above 0. Weights are near 0 or 1 for a small one,
            uniform for 1, near 1/2 for a large one. The paper has 1 for CIFAR, 0.2 for ImageNet.

    Shape: float images (B, C, H, W) and target rows (B, K), returned in the same shapes.

    Raises:
        ValueError, TypeError: if `alpha` is out of its range.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz 2018, arXiv:1710.09412.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        """Check the parameter once."""
        check_number("alpha", self.alpha, 0, above=True)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return blended images and targets."""
        check_mixable(images, targets)
        weight = beta(self.alpha)
        return mix_pairs(images, targets, torch.randperm(len(images)), weight)
