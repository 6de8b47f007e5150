"""Augmentations: uint8 images (B, C, H, W) -> the same, labels unchanged."""

from .autoaugment import AutoAugment as AutoAugment
from .color import ColorShift as ColorShift
from .color import adjust_brightness as adjust_brightness
from .color import adjust_contrast as adjust_contrast
from .color import adjust_hue as adjust_hue
from .color import adjust_saturation as adjust_saturation
from .compose import Compose as Compose
from .crop import RandomCrop as RandomCrop
from .crop import crop as crop
from .cutout import Cutout as Cutout
from .cutout import cut_out as cut_out
from .flip import HorizontalFlip as HorizontalFlip
from .flip import mirror as mirror
from .identity import identity as identity
from .pca_color import PCAColor as PCAColor
from .pca_color import principal_colors as principal_colors
from .pca_color import shift_colors as shift_colors
from .random_erasing import RandomErasing as RandomErasing
from .random_erasing import erase as erase
from .rotation import Rotation as Rotation
from .rotation import rotate as rotate
