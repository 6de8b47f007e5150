"""The plain optimizer: stochastic gradient descent with momentum.

Chapter: notebooks/00_baseline.ipynb
"""

import torch
from torch import nn

from ..ops.arguments import as_number

__all__ = ["sgd"]


def sgd(
    model: nn.Module, lr: float, momentum: float = 0.9, weight_decay: float = 5e-4
) -> torch.optim.SGD:
    """Build SGD over all parameters of `model`.

    The update is v <- momentum·v + g + weight_decay·w, then w <- w - lr·v, as in PyTorch: the
    rate multiplies the whole velocity, so that a schedule needs no momentum correction (Goyal
    et al. 2017, arXiv:1706.02677, remark 2).

    Args:
        model: network whose parameters are updated.
        lr: learning rate, before the schedule's factor, at least 0.
        momentum: share of the velocity kept from step to step, in [0, 1).
        weight_decay: strength of the L2 penalty, at least 0.

    Raises:
        ValueError, TypeError: if a number is out of its range.
    """
    lr, weight_decay = as_number("lr", lr, 0), as_number("weight_decay", weight_decay, 0)
    momentum = as_number("momentum", momentum, 0, 1, below=True)
    return torch.optim.SGD(model.parameters(), lr, momentum=momentum, weight_decay=weight_decay)
