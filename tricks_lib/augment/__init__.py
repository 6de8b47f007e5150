"""Augmentations: uint8 images (B, C, H, W) -> the same, labels unchanged."""

from .identity import identity as identity
