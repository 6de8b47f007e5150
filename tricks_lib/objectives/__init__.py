"""Objectives: (model, images, targets) -> (loss, logits)."""

from .cross_entropy import cross_entropy as cross_entropy
from .distillation import Distillation as Distillation
from .distillation import distillation_loss as distillation_loss
from .l1_penalty import L1Penalty as L1Penalty
from .l1_penalty import l1_norm as l1_norm
from .l1_penalty import soft_threshold as soft_threshold
from .label_smoothing import LabelSmoothingLoss as LabelSmoothingLoss
from .label_smoothing import from_he as from_he
from .label_smoothing import smooth_targets as smooth_targets
from .label_smoothing import supervised as supervised
