"""The plain objective: cross-entropy between target rows and predictions.

Chapter: notebooks/00_baseline.ipynb
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.arguments import logits_and_rows

__all__ = ["cross_entropy"]


def cross_entropy(model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Run the model and compare: the mean over the batch of -sum_k q_k log p_k, in nats.

    Args:
        model: images -> logits.
        images: float (B, C, H, W).
        targets: rows of probabilities q, float (B, K), each summing to 1, or labels, whole numbers
            (B,).

    Returns:
        The loss, a scalar, and the logits (B, K).

    Raises:
        TypeError, ValueError: if targets are neither, or do not fit the logits.
    """
    logits = model(images)
    return F.cross_entropy(*logits_and_rows(logits, targets)), logits
