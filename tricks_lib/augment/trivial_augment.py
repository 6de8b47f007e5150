"""TrivialAugment: one operation for each image, with any magnitude, and nothing to tune.

Chapter: notebooks/11_autoaugment.ipynb
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_count
from ..ops.pixels import Fill, batch_size, check_fill, mean_fill
from ..ops.transform import RandomTransform
from .autoaugment import apply_operations, largest, magnitudes
from .rand_augment import CHOICES

__all__ = ["TrivialAugment", "widest"]


def widest(height: int, width: int) -> dict[str, float]:
    """Return the largest magnitudes of the paper's wide space, as `autoaugment.largest` does.

    Translations are in pixels whatever the size of the images.
    """
    factors = dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), 0.99)
    moves = {"ShearX": 0.99, "ShearY": 0.99, "TranslateX": 32.0, "TranslateY": 32.0}
    return largest(height, width) | factors | moves | {"Rotate": 135.0, "Posterize": 6.0}


@dataclass(frozen=True)
class TrivialAugment(RandomTransform):
    """Apply one operation to each image, drawn from 14, with a magnitude that is drawn as well.

    All operations and all magnitudes are equally likely, and an operation goes either way if it
    can. The ranges are the paper's wide ones: this is torchvision's `TrivialAugmentWide`, with the
    same result, within one level by rounding; torchvision draws once for a whole batch.

    Args:
        num_magnitude_bins: number of magnitudes between none and the largest, both included, at
            least 2.
        fill: colour that geometric operations bring into view, in 0 ... 255: a number, one number
            per channel, or None for the data set's mean colour, which `fit` fills in (called by
            hand, None is the mean colour of the images at hand). torchvision's default is 0.

    Shape: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels, returned unchanged in shape and
        type. Floats are refused.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Müller & Hutter 2021, arXiv:2103.10158.
    """

    num_magnitude_bins: int = 31
    fill: Fill = None

    class Draw(NamedTuple):
        """What is random about some images: arguments of `apply_operations`."""

        operation: Tensor
        amount: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("num_magnitude_bins", self.num_magnitude_bins, 2)
        check_fill(self.fill)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw an operation for each image of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        size = batch_size(shape), 1
        operation = torch.randint(CHOICES, size, generator=generator)
        index = torch.randint(self.num_magnitude_bins, size, generator=generator)
        way = torch.randint(2, size, generator=generator)
        table = magnitudes(widest, self.num_magnitude_bins, *shape[-2:])
        return self.Draw(operation, table[way, operation, index])

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Apply the operations that were drawn, and return the images."""
        return apply_operations(images, *draw, fill=self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
