"""L1 penalty: a price on the size of the weights that makes many of them vanish.

Chapter: notebooks/14_weight_decay.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..ops.arguments import as_number, keep_number
from ..ops.weights import weights_of
from ..protocols import Objective
from .cross_entropy import cross_entropy

__all__ = ["L1Penalty", "l1_norm", "soft_threshold"]


def l1_norm(model: nn.Module) -> Tensor:
    """Sum the absolute values of all weights.

    Left out are biases, gains and offsets, and all parameters of normalisation layers, as in
    `split_weight_decay`. A shared weight counts once.

    Returns:
        A scalar.

    Raises:
        ValueError: if the model has no weights.
    """
    weights = weights_of(model)
    if not weights:
        raise ValueError("the model has no weights: only biases, gains or no parameters at all")
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


def soft_threshold(weights: Tensor, amount: float) -> Tensor:
    """Move weights towards zero by `amount`, and set to zero those that were nearer:
    sign(w)·max(|w| - amount, 0).

    It is the proximal step of the L1 penalty, with `amount` = learning rate · strength. Gradient
    descent on the penalty instead steps over zero and back, and leaves no weight exactly at zero.

    Args:
        weights: any shape.
        amount: at least 0.

    Raises:
        ValueError, TypeError: if `amount` is out of its range.

    Source: Tibshirani 1996; as a step, Daubechies, Defrise, De Mol 2004.
    """
    amount = as_number("amount", amount, 0)
    return weights.sign() * (weights.abs() - amount).clamp_(min=0)


@dataclass(frozen=True)
class L1Penalty:
    """Add strength · sum |w| to another objective.

    Args:
        strength: at least 0.
        objective: what is penalised, (model, images, targets) -> (loss, logits).

    Shape: float images (B, C, H, W), and target rows (B, K) or labels (B,) if the other objective
        takes them -> loss, logits (B, K).

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Tibshirani 1996.
    """

    strength: float = 1e-5
    objective: Objective = cross_entropy

    def __post_init__(self) -> None:
        """Check the parameters once."""
        keep_number(self, "strength", 0)
        if isinstance(self.objective, type) or not callable(self.objective):
            raise TypeError(
                f"objective must be an objective, such as cross_entropy, got {self.objective!r}"
            )

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the penalised loss and the logits."""
        loss, logits = self.objective(model, images, targets)
        return loss + self.strength * l1_norm(model), logits

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        inner = getattr(self.objective, "__name__", None) or repr(self.objective)
        return f"L1Penalty(strength={self.strength!r}, objective={inner})"
