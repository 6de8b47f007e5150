"""Weight decay: where to apply it, and how.

Chapter: notebooks/14_weight_decay.ipynb
"""

from typing import Any

import torch
from torch import nn

from ..ops.arguments import as_number
from ..ops.weights import weights_of

__all__ = ["adam", "adamw", "sgd_no_bias_decay", "split_weight_decay"]


def split_weight_decay(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Sort parameters into two groups for an optimizer: with decay, and without.

    With decay are the weights of linear and convolutional layers, embeddings, and every other
    parameter that varies along two axes or more. Without decay are biases, gains and offsets, and
    all parameters of normalisation layers, whatever their dimensions. A shared parameter is taken
    once, a frozen one not at all.

    Args:
        model: network whose parameters are sorted.
        weight_decay: strength for the weights, at least 0.

    Returns:
        Two groups, {"params": [...], "weight_decay": ...}: weights first.

    Raises:
        ValueError, TypeError: if `weight_decay` is out of its range.

    Source: Jia et al. 2018, arXiv:1807.11205; He, T. et al. 2019, arXiv:1812.01187, section 3.1.
    """
    weight_decay = as_number("weight_decay", weight_decay, 0)
    weights = set(weights_of(model))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p in weights], "weight_decay": weight_decay},
        {"params": [p for p in trained if p not in weights], "weight_decay": 0.0},
    ]


def sgd_no_bias_decay(
    model: nn.Module, lr: float, momentum: float = 0.9, weight_decay: float = 5e-4
) -> torch.optim.SGD:
    """Build SGD with momentum that decays weights only; see `split_weight_decay`.

    Args:
        model: network whose parameters are updated.
        lr: learning rate, before the schedule's factor, at least 0.
        momentum: share of the velocity kept from step to step, in [0, 1).
        weight_decay: strength of the L2 penalty on the weights, at least 0.

    Raises:
        ValueError, TypeError: if a number is out of its range.
    """
    lr = as_number("lr", lr, 0)
    momentum = as_number("momentum", momentum, 0, 1, below=True)
    return torch.optim.SGD(split_weight_decay(model, weight_decay), lr, momentum=momentum)


def adam(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.Adam:
    """Build Adam with an L2 penalty in the gradient: the penalty is rescaled like any gradient, so
    that weights with large gradients hardly decay.

    Args:
        model: network whose parameters are updated.
        lr: learning rate, before the schedule's factor, at least 0.
        weight_decay: strength of the L2 penalty, at least 0.

    Raises:
        ValueError, TypeError: if a number is out of its range.

    Source: Kingma & Ba 2015, arXiv:1412.6980.
    """
    lr, weight_decay = as_number("lr", lr, 0), as_number("weight_decay", weight_decay, 0)
    return torch.optim.Adam(model.parameters(), lr, weight_decay=weight_decay)


def adamw(model: nn.Module, lr: float, weight_decay: float = 0.01) -> torch.optim.AdamW:
    """Build Adam with decoupled weight decay: each step takes away lr·weight_decay·w by itself.

    Args:
        model: network whose parameters are updated.
        lr: learning rate, before the schedule's factor, at least 0.
        weight_decay: share of the weight, times `lr`, that a step takes away; at least 0.

    Raises:
        ValueError, TypeError: if a number is out of its range.

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101.
    """
    lr, weight_decay = as_number("lr", lr, 0), as_number("weight_decay", weight_decay, 0)
    return torch.optim.AdamW(model.parameters(), lr, weight_decay=weight_decay)
