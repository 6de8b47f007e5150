"""Objectives: (model, images, targets) -> (loss, logits)."""

from ..ops.discovery import added
from .cross_entropy import cross_entropy
from .distillation import Distillation, distillation_loss
from .l1_penalty import L1Penalty, l1_norm, soft_threshold
from .label_smoothing import LabelSmoothingLoss, from_he, smooth_targets, supervised

__all__ = [
    "Distillation",
    "L1Penalty",
    "LabelSmoothingLoss",
    "cross_entropy",
    "distillation_loss",
    "from_he",
    "l1_norm",
    "smooth_targets",
    "soft_threshold",
    "supervised",
]
__all__ += added(__name__, __all__)
