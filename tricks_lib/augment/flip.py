"""Mirroring: left becomes right.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops import fast
from ..ops.arguments import check_number
from ..ops.pixels import batch_size, check_draws, on_batches, per_image
from ..ops.transform import RandomTransform

__all__ = ["HorizontalFlip", "mirror"]


@on_batches
def mirror(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen images: column w becomes column W - 1 - w.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        chosen: which images, bool (B,).

    Returns:
        As `images`.

    Raises:
        TypeError: if `chosen` is no boolean tensor.
        ValueError: if there is not one for each image.
    """
    check_draws(images, chosen=chosen)
    if chosen.dtype != torch.bool:
        raise TypeError(f"chosen must be a boolean tensor (B,), got {chosen.dtype}")
    if fast.wanted(images):
        return fast.mirror(images, chosen)
    return torch.where(per_image(chosen, images), images.flip(-1), images)


@dataclass(frozen=True)
class HorizontalFlip(RandomTransform):
    """Mirror each image with probability `p`.

    It changes the label of letters, digits and road signs; leave it out there.

    Args:
        p: probability, in [0, 1].

    Shape: uint8 or float (B, C, H, W) or (C, H, W), returned unchanged in shape and type.

    Raises:
        ValueError, TypeError: if `p` is out of its range.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 4.1.
    """

    p: float = 0.5

    class Draw(NamedTuple):
        """What is random about a batch: argument of `mirror`."""

        chosen: Tensor

    def __post_init__(self) -> None:
        """Check the parameter once."""
        check_number("p", self.p, 0, 1)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw which images of a shape (B, C, H, W) or (C, H, W) are mirrored."""
        chance = torch.rand(batch_size(shape), generator=generator, dtype=torch.float32)
        return self.Draw(chance < self.p)

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the images, those that were drawn mirrored."""
        return mirror(images, *draw)

    def write(self, images: Tensor, draw: Draw) -> None:
        """Do the same to contiguous images (B, C, H, W) in their place."""
        fast.mirror(images, *draw, into=images)
