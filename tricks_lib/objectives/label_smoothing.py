"""Label smoothing: trust no label entirely.

Chapter: notebooks/05_label_smoothing.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.arguments import check_count, check_logits, check_number, check_rows

__all__ = ["LabelSmoothingLoss", "from_he", "smooth_targets", "supervised"]


def smooth_targets(targets: Tensor, epsilon: float) -> Tensor:
    """Blend target rows with the uniform distribution: q' = (1 - epsilon) q + epsilon / K.

    The class of a hard label gets 1 - epsilon + epsilon/K, every other class epsilon/K. This is
    Szegedy's definition; see `from_he` for the other.

    Args:
        targets: rows of probabilities, float (B, K).
        epsilon: share of the uniform distribution, in [0, 1].

    Returns:
        Rows of probabilities, float (B, K).

    Raises:
        TypeError: if targets are labels, not rows.
        ValueError: if their rank is not 2, or `epsilon` is out of its range.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """
    check_rows(targets)
    check_number("epsilon", epsilon, 0, 1)
    return targets * (1 - epsilon) + epsilon / targets.shape[1]


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

    Args:
        epsilon: share of the uniform distribution, in [0, 1]; the usual value is 0.1.

    Shape: logits (B, K) and rows of probabilities (B, K) -> a scalar.

    Raises:
        ValueError, TypeError: if `epsilon` is out of its range, or targets are labels.

    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """

    def __init__(self, epsilon: float = 0.1):
        super().__init__()
        check_number("epsilon", epsilon, 0, 1)
        self.epsilon = epsilon

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        smoothed = smooth_targets(targets, self.epsilon)
        check_logits(logits, targets)
        return F.cross_entropy(logits, smoothed)

    def extra_repr(self) -> str:
        """Return what `repr` shows in the brackets."""
        return f"epsilon={self.epsilon!r}"


@dataclass(frozen=True)
class supervised:
    """Make an objective of a loss: run the model, compare its logits with the targets.

    Args:
        loss: (logits, target rows) -> scalar; `LabelSmoothingLoss(0.1)`, or one of torch's.

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
