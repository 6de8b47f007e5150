"""The empty value of the slot `augment`.

Chapter: notebooks/00_baseline.ipynb
"""

from torch import Tensor

__all__ = ["identity"]


def identity(images: Tensor) -> Tensor:
    """Return the images as they are. Shape: uint8 (B, C, H, W) or (C, H, W)."""
    return images
