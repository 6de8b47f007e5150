"""Optimizers: (model, learning rate) -> torch.optim.Optimizer."""

from .adabound import AdaBound as AdaBound
from .adabound import adabound as adabound
from .sgd import sgd as sgd
from .weight_decay import adam as adam
from .weight_decay import adamw as adamw
from .weight_decay import sgd_no_bias_decay as sgd_no_bias_decay
from .weight_decay import split_weight_decay as split_weight_decay
