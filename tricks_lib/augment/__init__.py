"""Augmentations: uint8 images (B, C, H, W) -> the same, labels unchanged."""

from ..ops.discovery import added
from .autoaugment import AutoAugment, apply_operations
from .color import ColorShift, adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from .compose import Compose
from .crop import RandomCrop, crop
from .cutout import Cutout, cut_out
from .flip import HorizontalFlip, mirror
from .identity import identity
from .pca_color import PCAColor, principal_colors, shift_colors
from .rand_augment import RandAugment
from .random_erasing import RandomErasing, erase
from .random_resized_crop import RandomResizedCrop, resized_crop
from .rotation import Rotation, rotate
from .trivial_augment import TrivialAugment

__all__ = [
    "AutoAugment",
    "ColorShift",
    "Compose",
    "Cutout",
    "HorizontalFlip",
    "PCAColor",
    "RandAugment",
    "RandomCrop",
    "RandomErasing",
    "RandomResizedCrop",
    "Rotation",
    "TrivialAugment",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "apply_operations",
    "crop",
    "cut_out",
    "erase",
    "identity",
    "mirror",
    "principal_colors",
    "resized_crop",
    "rotate",
    "shift_colors",
]
__all__ += added(__name__, __all__)
