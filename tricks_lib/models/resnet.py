"""A small residual network that a laptop trains in seconds.

Chapter: notebooks/00_baseline.ipynb
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.arguments import check_number

__all__ = ["ResidualBlock", "SmallResNet", "small_resnet"]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: relu(shortcut(x) +
    bn2(conv2(relu(bn1(conv1(x)))))).

    The shortcut is the identity where shapes allow, else a 1×1 convolution with batch
    normalisation.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        stride: step of the first convolution; 2 halves height and width.
        batch_norm: whether bn1 and bn2 are batch normalisations (Ioffe & Szegedy 2015,
            arXiv:1502.03167); without, they pass on what they get and the convolutions have biases.

    Shape: float (B, inputs, H, W) -> (B, outputs, ceil(H / stride), ceil(W / stride)).

    Source: He, Zhang, Ren, Sun 2016, arXiv:1512.03385, figure 2 and section 3.3.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, batch_norm: bool = True):
        super().__init__()
        bias, norm = not batch_norm, nn.BatchNorm2d if batch_norm else nn.Identity
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)
        self.bn1 = norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias)
        self.bn2 = norm(outputs)
        # A 1×1 convolution with a stride reads every stride-th pixel. For few channels it is not
        # left to pick them itself: oneDNN then writes beyond its memory (oneDNN issue 6035).
        self.pick, stride = (stride, 1) if inputs < 8 else (1, stride)
        self.shortcut: nn.Module = nn.Identity()
        if self.pick * stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=bias), norm(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(self.shortcut(x[..., :: self.pick, :: self.pick]) + out)


class SmallResNet(nn.Module):
    """A convolution, then residual blocks in stages that double the width, then a linear
    classifier.

    See `small_resnet` for the arguments. Shape: float (B, channels, H, W) -> logits (B,
    classes).
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        width: int,
        depths: tuple[int, ...],
        stem_stride: int,
        batch_norm: bool = True,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, stem_stride, padding=1, bias=not batch_norm),
            nn.BatchNorm2d(width) if batch_norm else nn.Identity(),
            nn.ReLU(),
        )
        blocks, inputs = [], width
        for stage, depth in enumerate(depths):
            outputs = width * 2**stage
            for position in range(depth):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(ResidualBlock(inputs, outputs, stride, batch_norm))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        features = self.blocks(self.stem(images))
        features = features.mean(dim=(2, 3))  # average over all positions
        logits: Tensor = self.head(self.dropout(features))
        return logits


def small_resnet(
    channels: int,
    classes: int,
    width: int = 16,
    depths: tuple[int, ...] = (1, 1, 1),
    stem_stride: int = 2,
    batch_norm: bool = True,
    dropout: float = 0.0,
) -> SmallResNet:
    """Build a residual network; the default has 8 layers and 78 thousand parameters.

    Args:
        channels: channels of the images, 1 for grey and 3 for colour.
        classes: number of classes, at least 2.
        width: channels of the first stage; every further stage has twice as many.
        depths: residual blocks in each stage.
        stem_stride: step of the first convolution. 2 makes the network four times cheaper;
            1 keeps the full resolution, as published CIFAR networks do.
        batch_norm: whether every convolution is followed by batch normalisation (Ioffe & Szegedy
            2015, arXiv:1502.03167).
        dropout: probability that a feature is switched off before the classifier during training,
            in [0, 1) (Srivastava et al. 2014).

    Returns:
        A network in training mode, with PyTorch's default initialisation.

    Raises:
        ValueError: if an argument is out of range.

    Source: after the CIFAR networks of He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2.
    """
    for name, value, least in (
        ("channels", channels, 1),
        ("classes", classes, 2),
        ("width", width, 1),
        ("stem_stride", stem_stride, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value!r}")
    if not depths or min(depths) < 1:
        raise ValueError(f"depths must be block counts of at least 1, got {depths!r}")
    check_number("dropout", dropout, 0, 1, below=True)
    return SmallResNet(channels, classes, width, tuple(depths), stem_stride, batch_norm, dropout)
