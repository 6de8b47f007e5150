"""Models: (channels, classes) -> a fresh network."""

from .mlp import mlp as mlp
from .resnet import ResidualBlock as ResidualBlock
from .resnet import SmallResNet as SmallResNet
from .resnet import small_resnet as small_resnet
