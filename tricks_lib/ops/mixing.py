"""What the mixing tricks share."""

import torch
from torch import Tensor

from .arguments import check_batch, check_rows

__all__ = ["beta", "check_mixable"]


def check_mixable(images: Tensor, targets: Tensor) -> None:
    """Check that images are a batch (B, C, H, W) and targets its rows of probabilities (B, K).

    Raises:
        TypeError: if one is no tensor, or targets are labels.
        ValueError: if a shape is wrong.
    """
    check_batch(images)
    check_rows(targets, len(images))


def beta(shape: float) -> float:
    """Draw one number from Beta(shape, shape), by torch's generator.

    It is drawn on the CPU, whatever the device of the images, so that nothing waits for it and a
    seed gives the same number everywhere. A Beta variable is X/(X + Y) with X and Y from
    Gamma(shape); for a small shape both underflow, and torch's own Beta then returns 1/2. So the
    ratio is taken of logarithms, with X = X'·U^(1/shape), X' from Gamma(shape + 1).
    """
    one_more = torch.tensor(shape + 1, dtype=torch.float64)
    larger = torch.distributions.Gamma(one_more, 1.0, validate_args=False).sample((2,)).log()
    uniform = torch.rand(2, dtype=torch.float64).log()
    odds = (uniform[0] - uniform[1]) / shape + larger[0] - larger[1]
    return odds.sigmoid().item()
