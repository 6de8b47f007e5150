"""Four colour photographs, to look at what a trick does where there is more to see.

Chapter: notebooks/07_cutout.ipynb
"""

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resized_crop

SQUARES = {
    "astronaut": (0, 100, 260),
    "chelsea": (10, 85, 280),
    "coffee": (40, 140, 350),
    "rocket": (0, 190, 400),
}
"""Top, left and side of the part that is shown of each, in pixels."""


def photographs(size: int = 96) -> Tensor:
    """Return an astronaut, a cat, a cup of coffee and a rocket.

    They come with scikit-image, so that no network is needed, and are no training data.

    Args:
        size: height and width, in pixels.

    Returns:
        uint8 (4, 3, size, size).
    """
    from skimage import data  # slow to import

    pictures = {name: torch.from_numpy(getattr(data, name)()).movedim(-1, 0) for name in SQUARES}
    return torch.stack(
        [
            resized_crop(pictures[name], top, left, side, side, [size, size])
            for name, (top, left, side) in SQUARES.items()
        ]
    )
