"""Learning rate for a batch size other than the one it was tuned for.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import math

from ..ops.arguments import as_number, check_count

__all__ = ["linear_scaling", "sqrt_scaling"]


def linear_scaling(lr: float, batch_size: int, reference: int = 256) -> float:
    """Scale the learning rate with the batch: k times the batch, k times the learning rate.

    Args:
        lr: learning rate that suits a batch of `reference` images, above 0.
        batch_size: images in a batch, over all workers, at least 1.
        reference: batch size that `lr` was tuned for, at least 1.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Goyal et al. 2017, arXiv:1706.02677, section 2.1.
    """
    lr, batch_size, reference = _checked(lr, batch_size, reference)
    return lr * batch_size / reference


def sqrt_scaling(lr: float, batch_size: int, reference: int = 256) -> float:
    """Scale the learning rate with the square root of the batch, which keeps the noise of one
    *step* as it was.

    Args:
        lr: learning rate that suits a batch of `reference` images, above 0.
        batch_size: images in a batch, over all workers, at least 1.
        reference: batch size that `lr` was tuned for, at least 1.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Krizhevsky 2014, arXiv:1404.5997.
    """
    lr, batch_size, reference = _checked(lr, batch_size, reference)
    return lr * math.sqrt(batch_size / reference)


def _checked(lr: float, batch_size: int, reference: int) -> tuple[float, int, int]:
    check_count("batch_size", batch_size)
    check_count("reference", reference)
    return as_number("lr", lr, 0, above=True), int(batch_size), int(reference)
