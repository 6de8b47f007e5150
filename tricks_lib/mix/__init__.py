"""Mixing tricks: (float images, target rows) -> the same shapes."""

from .cutmix import CutMix as CutMix
from .cutmix import paste_box as paste_box
from .keep import keep as keep
from .mixup import Mixup as Mixup
from .mixup import mix_pairs as mix_pairs
from .ricap import RICAP as RICAP
from .ricap import patch as patch
