"""A fully connected network: no convolution, and easily over-confident.

Chapter: notebooks/00_baseline.ipynb
"""

from itertools import pairwise

from torch import nn

from ..ops.arguments import check_number

__all__ = ["mlp"]


def mlp(
    channels: int,
    classes: int,
    hidden: tuple[int, ...] = (512, 512),
    size: int = 28,
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Build a multi-layer perceptron with ReLU between its layers.

    Args:
        channels: channels of the images.
        classes: number of classes, at least 2.
        hidden: units of each hidden layer; `()` gives softmax regression.
        size: height and width of the first layer's input, in pixels. Images of another size are
            averaged to it, so that the network's shape does not depend on the data.
        batch_norm: whether each hidden layer's sums are normalised over the batch, before ReLU
            (Ioffe & Szegedy 2015, arXiv:1502.03167).
        dropout: probability that a hidden unit is switched off during training, in [0, 1); the
            others count 1/(1 - dropout) times as much (Srivastava et al. 2014).

    Returns:
        A network in training mode: float (B, channels, H, W) -> logits (B, classes).

    Raises:
        ValueError: if an argument is out of range.
    """
    if channels < 1 or classes < 2 or size < 1 or any(units < 1 for units in hidden):
        raise ValueError(
            "expected channels >= 1, classes >= 2, size >= 1 and hidden layers of >= 1 unit, "
            f"got channels={channels!r}, classes={classes!r}, size={size!r}, hidden={hidden!r}"
        )
    check_number("dropout", dropout, 0, 1, below=True)
    layers = [nn.AdaptiveAvgPool2d(size), nn.Flatten()]
    for inputs, units in pairwise([channels * size * size, *hidden]):
        layers.append(nn.Linear(inputs, units, bias=not batch_norm))  # the norm has one
        if batch_norm:
            layers.append(nn.BatchNorm1d(units))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
    inputs = hidden[-1] if hidden else channels * size * size
    return nn.Sequential(*layers, nn.Linear(inputs, classes))
