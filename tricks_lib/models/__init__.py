"""Models: (channels, classes) -> a fresh network."""

from ..ops.discovery import added
from .initialization import he_, initialized, xavier_, zero_last_gamma_
from .mlp import mlp
from .resnet import ResidualBlock, SmallResNet, small_resnet

__all__ = [
    "ResidualBlock",
    "SmallResNet",
    "he_",
    "initialized",
    "mlp",
    "small_resnet",
    "xavier_",
    "zero_last_gamma_",
]
__all__ += added(__name__, __all__)
