"""Mixing tricks: (float images, target rows) -> the same shapes."""

from ..ops.discovery import added
from .cutmix import CutMix, paste_box
from .keep import keep
from .mixup import Mixup, mix_pairs
from .one_of import one_of
from .ricap import RICAP, patch

__all__ = ["RICAP", "CutMix", "Mixup", "keep", "mix_pairs", "one_of", "paste_box", "patch"]
__all__ += added(__name__, __all__)
