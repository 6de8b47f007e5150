"""A small residual network that a laptop trains in seconds.

Chapter: notebooks/00_baseline.ipynb
"""

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut: relu(shortcut(x) +
    bn2(conv2(relu(bn1(conv1(x)))))).

    The shortcut is the identity where shapes allow, else a 1×1 convolution with batch
    normalisation.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        stride: step of the first convolution; 2 halves height and width.

    Shape: float (B, inputs, H, W) -> (B, outputs, ceil(H / stride), ceil(W / stride)).

    Source: He, Zhang, Ren, Sun 2016, arXiv:1512.03385, figure 2 and section 3.3.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(self.shortcut(x) + out)


class SmallResNet(nn.Module):
    """A convolution, then residual blocks in stages that double the width, then a linear
    classifier.

    See `small_resnet` for the arguments. Shape: float (B, channels, H, W) -> logits (B,
    classes).
    """

    def __init__(
        self, channels: int, classes: int, width: int, depths: tuple[int, ...], stem_stride: int
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, stem_stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        blocks, inputs = [], width
        for stage, depth in enumerate(depths):
            outputs = width * 2**stage
            for position in range(depth):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(ResidualBlock(inputs, outputs, stride))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        features = self.blocks(self.stem(images))
        return self.head(features.mean(dim=(2, 3)))  # average over all positions


def small_resnet(
    channels: int,
    classes: int,
    width: int = 16,
    depths: tuple[int, ...] = (1, 1, 1),
    stem_stride: int = 2,
) -> SmallResNet:
    """Build a residual network; the default has 8 layers and 78 thousand parameters.

    Args:
        channels: channels of the images, 1 for grey and 3 for colour.
        classes: number of classes, at least 2.
        width: channels of the first stage; every further stage has twice as many.
        depths: residual blocks in each stage.
        stem_stride: step of the first convolution. 2 makes the network four times cheaper;
            1 keeps the full resolution, as published CIFAR networks do.

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
    return SmallResNet(channels, classes, width, tuple(depths), stem_stride)
