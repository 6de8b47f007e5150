"""Dropout: TODO what the network is, in a sentence.

Chapter: notebooks/15_dropout.ipynb
"""

from torch import nn

from ..ops.arguments import check_count

__all__ = ["dropout"]


def dropout(channels: int, classes: int, width: int = 16) -> nn.Module:
    """TODO build a fresh network: this is one convolution and a mean.

    Args:
        channels: of an image.
        classes: number of logits, at least 2.
        width: channels of the hidden layer.

    Shape: float images (B, channels, H, W) -> logits (B, classes).

    Source: TODO author year, arXiv, section.
    """
    check_count("channels", channels)
    check_count("classes", classes, 2)
    check_count("width", width)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )
