"""Initialisation: first weights with which signals neither grow nor fade.

Chapter: notebooks/17_initialization.ipynb
"""

import re
from collections.abc import Callable

from torch import Tensor, nn

from ..protocols import ModelFactory

__all__ = ["he_", "initialized", "xavier_", "zero_last_gamma_"]


def xavier_(module: nn.Module) -> nn.Module:
    """Draw the weights of all linear and convolutional layers from U(-b, b) with
    b = sqrt(6/(n_in + n_out)), and set their biases to zero.

    It keeps the variance of signals, forward and backward as well as one number can, where
    activations are nearly linear.

    Args:
        module: changed in place.

    Returns:
        The same module.

    Raises:
        ValueError: if it has no such layer.

    Source: Glorot & Bengio 2010, equation 16.
    """
    return _fill(module, nn.init.xavier_uniform_)


def he_(module: nn.Module) -> nn.Module:
    """Draw the weights of all linear and convolutional layers from N(0, 2/n_in), and set their
    biases to zero.

    It keeps the variance of signals going forward through layers of ReLU, each of which halves
    the mean square.

    Args:
        module: changed in place.

    Returns:
        The same module.

    Raises:
        ValueError: if it has no such layer.

    Source: He, Zhang, Ren, Sun 2015, arXiv:1502.01852, equation 10.
    """
    return _fill(module, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"))


def zero_last_gamma_(module: nn.Module) -> nn.Module:
    """Set the scale of the last normalisation in each residual block to zero, so that the block
    begins as its shortcut.

    A residual block is a part that has layers conv1, conv2, ... and bn1, bn2, ..., as this
    package's, torchvision's and timm's have. The scale must be a parameter: one that is not
    learnt, as that of torchvision's FrozenBatchNorm2d, would switch the block off for ever.

    Args:
        module: changed in place.

    Returns:
        The same module.

    Raises:
        ValueError: if it has no residual block whose normalisation has such a scale.

    Source: Goyal et al. 2017, arXiv:1706.02677, section 5.1.
    """
    found = False
    for block in module.modules():
        layers = dict(block.named_children())
        norms = sorted((name for name in layers if re.fullmatch(r"bn\d", name)), reverse=True)
        gain = getattr(layers[norms[0]], "weight", None) if norms else None
        if "conv2" in layers and isinstance(gain, nn.Parameter):
            nn.init.zeros_(gain)
            found = True
    if not found:
        raise ValueError(
            "expected residual blocks with layers conv1, bn1, conv2, bn2, the last of them with a "
            "weight to learn; found none"
        )
    return module


def initialized(
    channels: int,
    classes: int,
    build: ModelFactory,
    init: Callable[[nn.Module], nn.Module],
) -> nn.Module:
    """Build a network with other first weights, for the recipe:
    `model=partial(initialized, build=small_resnet, init=he_)`.

    Args:
        channels: channels of the images.
        classes: number of classes.
        build: (channels, classes) -> a fresh network.
        init: changes a network in place: `xavier_`, `he_` or `zero_last_gamma_`.

    Raises:
        TypeError: if `build` or `init` cannot be called.
    """
    for name, value, example in (("build", build, "small_resnet"), ("init", init, "he_")):
        if not callable(value):
            raise TypeError(f"{name} must be a function such as {example}, got {value!r}")
    return init(build(channels, classes))


def _fill(module: nn.Module, draw: Callable[[Tensor], Tensor]) -> nn.Module:
    kinds = nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)]
    if not layers:
        raise ValueError("expected a module with linear or convolutional layers, found none")
    drawn = set()
    for layer in layers:
        if layer.weight not in drawn:  # layers may share it
            draw(layer.weight)
            drawn.add(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return module
