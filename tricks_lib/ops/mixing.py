"""What the mixing tricks share."""

import torch
from torch import Tensor

from .arguments import check_batch, check_rows


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
    seed gives the same number everywhere. In float64 a small shape does not underflow.
    """
    both = torch.tensor(float(shape), dtype=torch.float64)
    return torch.distributions.Beta(both, both, validate_args=False).sample().item()
