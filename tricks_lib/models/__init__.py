"""Models: (channels, classes) -> a fresh network."""

from .initialization import he_ as he_
from .initialization import initialized as initialized
from .initialization import xavier_ as xavier_
from .initialization import zero_last_gamma_ as zero_last_gamma_
from .mlp import mlp as mlp
from .resnet import ResidualBlock as ResidualBlock
from .resnet import SmallResNet as SmallResNet
from .resnet import small_resnet as small_resnet
