"""Mirroring: left becomes right.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.pixels import batch_size, choose, in_parts, on_batches, per_image

__all__ = ["HorizontalFlip", "mirror"]


@on_batches
def mirror(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen images: column w becomes column W - 1 - w.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        chosen: which images, bool (B,).

    Returns:
        As `images`.
    """
    return _mirror(images, per_image(chosen, images))


@in_parts
def _mirror(images: Tensor, chosen: Tensor) -> Tensor:
    mirrored = images.flip(-1)
    return choose(chosen, mirrored, images, out=mirrored)


@dataclass(frozen=True)
class HorizontalFlip:
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

    def __post_init__(self) -> None:
        """Check the parameter once."""
        check_number("p", self.p, 0, 1)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images, some of them mirrored."""
        return mirror(images, torch.rand(batch_size(images)) < self.p)
