"""Optimizers: (model, learning rate) -> torch.optim.Optimizer."""

from .sgd import sgd as sgd
