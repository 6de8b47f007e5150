"""Early stopping: end the run when the validation loss no longer improves.

A rule looks at the validation losses so far and says whether to stop. The engine holds it to its
word: it scores the validation split after each epoch, and gives back the weights of the epoch with
the smallest loss.

Chapter: notebooks/16_early_stopping.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..ops.arguments import check_count, keep_number

__all__ = ["EarlyStopping", "GeneralizationLoss", "generalization_loss"]


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the loss has not fallen by more than `min_delta` for `patience` epochs in a row.

    A loss that is not a number is no improvement.

    Args:
        patience: epochs without improvement that are borne, at least 1.
        min_delta: how far below the smallest loss a loss must fall to count as an improvement, at
            least 0, in nats.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Prechelt 1998, the class of criteria UP, in its usual form.
    """

    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_count("patience", self.patience)
        keep_number(self, "patience")
        keep_number(self, "min_delta", 0)

    def __call__(self, losses: Sequence[float]) -> bool:
        """Say whether to stop after these losses, one for each epoch so far."""
        smallest, waited = float("inf"), 0
        for loss in losses:
            if loss < smallest - self.min_delta:
                smallest, waited = loss, 0
            else:
                waited += 1
        return waited >= self.patience


def generalization_loss(losses: Sequence[float]) -> float:
    """Return by how many per cent the last loss lies above the smallest:
    100·(E(t)/min E(t') - 1).

    It is 0 where the two are equal, also at 0, and infinite above a smallest loss of 0. A loss that
    is not a number counts as infinite.

    Args:
        losses: one for each epoch, at least one, none below 0.

    Raises:
        ValueError: if there is none, or one is below 0.

    Source: Prechelt 1998, section 2.
    """
    known = [math.inf if math.isnan(loss) else float(loss) for loss in losses]
    if not known or min(known) < 0:
        raise ValueError(f"losses must be numbers >= 0, at least one, got {losses!r}")
    last, smallest = known[-1], min(known)
    if last == smallest:
        return 0.0
    return 100 * (last / smallest - 1) if smallest else math.inf


@dataclass(frozen=True)
class GeneralizationLoss:
    """Stop when the loss lies more than `percent` per cent above the smallest so far.

    Args:
        percent: Prechelt's alpha, above 0.

    Raises:
        ValueError, TypeError: if `percent` is out of its range.

    Source: Prechelt 1998, the class of criteria GL.
    """

    percent: float = 5.0

    def __post_init__(self) -> None:
        """Check the parameter once."""
        keep_number(self, "percent", 0, above=True)

    def __call__(self, losses: Sequence[float]) -> bool:
        """Say whether to stop after these losses, one for each epoch so far."""
        return len(losses) > 0 and generalization_loss(losses) > self.percent
