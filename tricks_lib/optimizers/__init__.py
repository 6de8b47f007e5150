"""Optimizers: (model, learning rate) -> torch.optim.Optimizer."""

from ..ops.discovery import added
from .adabound import AdaBound, adabound
from .sgd import sgd
from .weight_decay import adam, adamw, sgd_no_bias_decay, split_weight_decay

__all__ = [
    "AdaBound",
    "adabound",
    "adam",
    "adamw",
    "sgd",
    "sgd_no_bias_decay",
    "split_weight_decay",
]
__all__ += added(__name__, __all__)
