"""Another light: images as another lamp would show them, and what takes a light out of an image.

A light multiplies what comes from red, green and blue things by three numbers (von Kries). Stored
values are a power of the light that fell on the camera, roughly, and a power takes a product into a
product; so it multiplies the stored values by three numbers too.

Chapter: notebooks/13_color.ipynb
"""

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Generator, Tensor, nn

from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.data.splits import assemble
from tricks_lib.models import small_resnet
from tricks_lib.ops.pixels import batch_size
from tricks_lib.ops.transform import RandomTransform

__all__ = [
    "COLOURED",
    "GREY_LIGHTS",
    "LIGHTS",
    "Grey",
    "RandomLight",
    "garments_by_lamp",
    "grey_network",
    "in_light",
    "light_of_class",
    "standardizing_network",
    "under_light",
]

Gains = tuple[float, float, float]

COLOURED: dict[str, Gains] = {
    "lamp": (1.0, 0.8, 0.5),
    "shade": (0.6, 0.8, 1.0),
    "tube": (0.7, 1.0, 0.7),
}
"""Factors of red, green and blue: an evening lamp, the shade under a blue sky, a tube."""

GREY_LIGHTS: dict[str, Gains] = {"dim": (0.5, 0.5, 0.5), "bright": (1.5, 1.5, 1.5)}
"""The same light, half as strong, and half as strong again."""

LIGHTS = COLOURED | GREY_LIGHTS


def under_light(images: Tensor, gains: Tensor) -> Tensor:
    """Multiply red, green and blue by three factors, round, and clip.

    Args:
        images: uint8 (N, 3, H, W).
        gains: float (3,), or one row for each image, (N, 3).

    Returns:
        As `images`.
    """
    factors = gains.to(images.device).view(-1, 3, 1, 1)
    return (images * factors).round_().clamp_(0, 255).to(torch.uint8)


def in_light(data: Data, light: str) -> Data:
    """Return data whose test images stand in one of `LIGHTS`."""
    images = under_light(data.test.images, torch.tensor(LIGHTS[light]))
    return replace(data, test=Split(images, data.test.labels))


@dataclass(frozen=True)
class RandomLight(RandomTransform):
    """Put each image under a light of its own: every channel is multiplied by a factor.

    Args:
        low: smallest factor.
        high: largest; all between are equally likely, in each channel for itself.
    """

    low: float = 0.5
    high: float = 1.5

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Tensor:
        """Draw three factors for each image, (B, 3)."""
        uniform = torch.rand(batch_size(shape), 3, generator=generator)
        return self.low + (self.high - self.low) * uniform

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        """Return uint8 images (B, 3, H, W) under what was drawn."""
        return under_light(images, draw)


class Grey(nn.Module):
    """Take the mean of the channels: (B, C, H, W) -> (B, 1, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        """Return grey images."""
        return images.mean(dim=1, keepdim=True)


def grey_network(channels: int, classes: int) -> nn.Module:
    """Build the course's network behind a layer that sees no colour."""
    return nn.Sequential(Grey(), small_resnet(1, classes))


def standardizing_network(channels: int, classes: int) -> nn.Module:
    """Build the course's network behind a layer that brings every channel of every image to mean 0
    and deviation 1: whatever a light multiplies, it divides by."""
    return nn.Sequential(nn.InstanceNorm2d(channels), small_resnet(channels, classes))


WARM = ("T-shirt/top", "Pullover", "Dress", "Sneaker", "Bag")
"""The garments that were photographed under a lamp; the others in the shade."""


def light_of_class(classes: tuple[str, ...]) -> Tensor:
    """Return the light of each class: 0 for the lamp, 1 for the shade, int (K,)."""
    return torch.tensor([0 if name in WARM else 1 for name in classes])


@cache
def garments_by_lamp() -> Data:
    """Load the small set of garments, grey things photographed under two coloured lights.

    In the 10,000 images to learn from, the light is tied to the class, as if five kinds had been
    photographed in one shop and five in another; among the 3,000 test images it is drawn by lot.
    Nobody took these photographs: the lights are put on by multiplication.
    """
    garments = load_data("fashion-mini").subset(test=3000)
    lights = torch.tensor([COLOURED["lamp"], COLOURED["shade"]])
    lots = torch.randint(2, (3000,), generator=torch.Generator().manual_seed(13))
    tied = light_of_class(garments.classes)[garments.train.labels]
    splits = {
        name: Split(under_light(split.images.expand(-1, 3, -1, -1), lights[which]), split.labels)
        for name, split, which in (
            ("train", garments.train, tied),
            ("test", garments.test, lots),
        )
    }
    return assemble("fashion-mini under two lights", garments.classes, splits)
