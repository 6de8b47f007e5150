"""Schedules: time -> factor on the learning rate."""

from ..ops.discovery import added
from .decay import cosine_decay, cosine_restarts, linear_decay, step_decay
from .linear_scaling import linear_scaling, sqrt_scaling
from .warmup import constant, constant_warmup, gradual_warmup

__all__ = [
    "constant",
    "constant_warmup",
    "cosine_decay",
    "cosine_restarts",
    "gradual_warmup",
    "linear_decay",
    "linear_scaling",
    "sqrt_scaling",
    "step_decay",
]
__all__ += added(__name__, __all__)
