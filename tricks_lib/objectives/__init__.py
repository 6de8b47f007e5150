"""Objectives: (model, images, targets) -> (loss, logits)."""

from .cross_entropy import cross_entropy as cross_entropy
