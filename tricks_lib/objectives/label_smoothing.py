"""Label smoothing: trust no label entirely.

Chapter: notebooks/05_label_smoothing.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.arguments import as_number, as_rows, check_count, check_number, logits_and_rows

__all__ = ["LabelSmoothingLoss", "from_he", "smooth_targets", "supervised"]


def smooth_targets(targets: Tensor, epsilon: float, *, num_classes: int | None = None) -> Tensor:
    """Blend target rows with the uniform distribution: q' = (1 - epsilon) q + epsilon / K.

    The class of a hard label gets 1 - epsilon + epsilon/K, every other class epsilon/K. This is
    Szegedy's definition; see `from_he` for the other.

    Args:
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        epsilon: share of the uniform distribution, in [0, 1].
        num_classes: K, which labels need.

    Returns:
        Rows of probabilities, float (B, K).

    Raises:
        TypeError: if targets are neither rows nor labels, or labels without `num_classes`.
        ValueError: if a shape is wrong, a label is no class, or `epsilon` is out of its range.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    rows = as_rows(targets, num_classes)
    epsilon = as_number("epsilon", epsilon, 0, 1)
    return rows * (1 - epsilon) + epsilon / rows.shape[1]


def from_he(epsilon: float, classes: int) -> float:
    """Convert the epsilon of He et al. to the one of Szegedy et al.: epsilon·K/(K - 1).

    He et al. give 1 - epsilon to the class of the label and epsilon/(K - 1) to every other class;
    with the converted epsilon `smooth_targets` does the same.

    Args:
        epsilon: He's, in [0, (K - 1)/K]; at the end of the range all classes are equal.
        classes: their number K, at least 2.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: He, T. et al. 2019, arXiv:1812.01187, equation 4.
    """
    check_count("classes", classes, 2)
    check_number("epsilon", epsilon, 0, (classes - 1) / classes)
    return epsilon * classes / (classes - 1)


class LabelSmoothingLoss(nn.Module):
    """Cross-entropy against smoothed targets, the mean over the batch, in nats.

    Its smallest value is not 0 but the entropy of the smoothed target: 0.5003 for 10 classes and
    epsilon = 0.1. Losses with and without smoothing cannot be compared.

    With `weight`, class k of each smoothed target counts w_k times, and the mean over the images is
    a weighted one, in which an image counts as much as its target before smoothing:

        sum_i sum_k w_k q'_ik (-log p_ik) / sum_i sum_k w_k q_ik

    For labels, and for rows with a one, this is `F.cross_entropy(logits, labels, weight=weight,
    label_smoothing=epsilon)`. Given *rows*, torch divides by the number of images B instead of the
    sum of weights, so that its two forms differ by the factor (sum_i w_yi)/B for the same labels;
    here both are the same.

    Args:
        epsilon: share of the uniform distribution, in [0, 1]; the usual value is 0.1.
        weight: w_k of each class, K numbers of at least 0, not all 0; None for 1 everywhere.

    Shape: logits (B, K), and rows of probabilities (B, K) or labels (B,) -> a scalar.

    Raises:
        ValueError, TypeError: if a parameter is out of its range, or targets do not fit the logits.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """

    weight: Tensor | None

    def __init__(self, epsilon: float = 0.1, weight: Tensor | Sequence[float] | None = None):
        super().__init__()
        self.epsilon = as_number("epsilon", epsilon, 0, 1)
        self.register_buffer("weight", None if weight is None else _class_weights(weight))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        logits, rows = logits_and_rows(logits, targets)
        smoothed = smooth_targets(rows, self.epsilon)
        if self.weight is None:
            return F.cross_entropy(logits, smoothed)
        weight = _fitting(self.weight, logits)
        total = F.cross_entropy(logits, smoothed, weight, reduction="sum")
        return total / (rows @ weight).sum()

    def extra_repr(self) -> str:
        """Return what `repr` shows in the brackets."""
        weight = "" if self.weight is None else f", weight={tuple(self.weight.tolist())}"
        return f"epsilon={self.epsilon!r}{weight}"


def _class_weights(weight: Tensor | Sequence[float]) -> Tensor:
    try:
        values = torch.as_tensor(weight).detach().clone()
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"weight must be a number for each class, got {weight!r}") from None
    if values.ndim != 1 or values.dtype == torch.bool or values.is_complex():
        raise TypeError(f"weight must be a number for each class, (K,), got {weight!r}")
    if not values.is_floating_point():
        values = values.to(torch.get_default_dtype())
    if not (values.isfinite().all() and (values >= 0).all() and values.any()):
        raise ValueError(f"weight must be finite numbers >= 0, not all 0, got {weight!r}")
    return values


def _fitting(weight: Tensor, logits: Tensor) -> Tensor:
    """Return class weights in the type and on the device of the logits."""
    if weight.shape != logits.shape[1:]:
        raise ValueError(
            f"weight must be a number for each of {logits.shape[1]} classes, got {len(weight)}"
        )
    # A recipe does not know its device: the few numbers follow, and nothing waits for them.
    return weight.to(logits.device, logits.dtype, non_blocking=True)


@dataclass(frozen=True)
class supervised:
    """Turn a loss into an objective: run the model, compare its logits with the targets.

    Args:
        loss: (logits, targets) -> scalar; `LabelSmoothingLoss(0.1)`, or one of torch's.

    Raises:
        TypeError: if `loss` cannot be called.
    """

    loss: Callable[[Tensor, Tensor], Tensor]

    def __post_init__(self) -> None:
        """Check the parameter once."""
        if isinstance(self.loss, type) or not callable(self.loss):
            raise TypeError(
                f"loss must be a loss, such as LabelSmoothingLoss(epsilon=0.1), got {self.loss!r}"
            )

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the logits."""
        logits = model(images)
        return self.loss(logits, targets), logits
