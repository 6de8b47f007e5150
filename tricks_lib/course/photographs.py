"""Four colour photographs, to look at what a trick does where there is more to see.

Chapter: notebooks/07_cutout.ipynb
"""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor, resize

__all__ = ["NAMES", "photographs"]

NAMES = ("astronaut", "chelsea", "coffee", "rocket")
"""The photographs, in their order. Chelsea is a cat."""

PHOTOS = Path(__file__).with_name("photos")


def photographs(size: int = 96) -> Tensor:
    """Return an astronaut, a cat, a cup of coffee and a rocket.

    They come with the package, so that no network is needed, and are no training data. The stored
    squares have 260 to 400 pixels a side; they are resized with antialiasing.

    Args:
        size: height and width, in pixels.

    Returns:
        uint8 (4, 3, size, size).
    """
    squares = []
    for name in NAMES:
        with Image.open(PHOTOS / f"{name}.png") as photo:
            squares.append(resize(pil_to_tensor(photo), [size, size], antialias=True))
    return torch.stack(squares)
