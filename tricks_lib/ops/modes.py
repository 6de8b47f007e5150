"""Evaluation mode for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["evaluating"]


@contextmanager
def evaluating(network: Callable[..., Any]) -> Iterator[None]:
    """Put a network and all its parts into evaluation mode inside `with`, and each part back into
    its own mode after, also when something fails.

    `network.train()` would not do for the way back: it would wake a batch normalisation that was
    frozen in evaluation mode, and its statistics would move again.

    Args:
        network: what answers; a function that is no module has no mode.
    """
    modules = list(network.modules()) if isinstance(network, nn.Module) else []
    training = [module for module in modules if module.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True
