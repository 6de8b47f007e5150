"""RandAugment: any operations, all with one magnitude, in place of a policy that was searched for.

Chapter: notebooks/11_autoaugment.ipynb
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_count
from ..ops.pixels import Fill, batch_size, check_fill, mean_fill
from ..ops.transform import RandomTransform
from .autoaugment import NAMES, apply_operations, largest, magnitudes

__all__ = ["CHOICES", "RandAugment"]

CHOICES = NAMES.index("Invert")
"""How many operations are drawn from: all but Invert, the last. Identity is one of them."""


@dataclass(frozen=True)
class RandAugment(RandomTransform):
    """Apply `num_ops` operations to each image, drawn from 14, all equally likely.

    Each has the same magnitude, and goes either way if it can; an operation may come twice. The
    operations and their ranges are torchvision's, and so is the result, within one level by
    rounding; torchvision draws once for a whole batch.

    Args:
        num_ops: N of the paper, operations for each image.
        magnitude: M of the paper, an index 0 ... `num_magnitude_bins` - 1.
        num_magnitude_bins: number of magnitudes between none and the largest, both included, at
            least 2.
        fill: colour that geometric operations bring into view, in 0 ... 255: a number, one number
            per channel, or None for the data set's mean colour, which `fit` fills in (called by
            hand, None is the mean colour of the images at hand). torchvision's default is 0.

    Shape: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels, returned unchanged in shape and
        type. Floats are refused.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Cubuk, Zoph, Shlens, Le 2020, arXiv:1909.13719.
    """

    num_ops: int = 2
    magnitude: int = 9
    num_magnitude_bins: int = 31
    fill: Fill = None

    class Draw(NamedTuple):
        """What is random about some images: arguments of `apply_operations`."""

        operation: Tensor
        amount: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("num_ops", self.num_ops)
        check_count("num_magnitude_bins", self.num_magnitude_bins, 2)
        check_count("magnitude", self.magnitude, 0)
        if self.magnitude >= self.num_magnitude_bins:
            raise ValueError(
                f"magnitude must be an index 0 ... {self.num_magnitude_bins - 1} for "
                f"num_magnitude_bins={self.num_magnitude_bins}, got {self.magnitude}"
            )
        check_fill(self.fill)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw operations for each image of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        size = batch_size(shape), self.num_ops
        operation = torch.randint(CHOICES, size, generator=generator)
        way = torch.randint(2, size, generator=generator)
        table = magnitudes(largest, self.num_magnitude_bins, *shape[-2:])
        return self.Draw(operation, table[way, operation, self.magnitude])

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Apply the operations that were drawn, and return the images."""
        return apply_operations(images, *draw, fill=self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
