"""Figures and tables of notebooks/13_color.ipynb.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tricks_lib.augment.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from tricks_lib.augment.pca_color import (
    IMAGENET_EIGENVALUES,
    IMAGENET_EIGENVECTORS,
    color_shifts,
    principal_colors,
    shift_colors,
)
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import show_images

from .lights import COLOURED, under_light

__all__ = [
    "AMOUNTS",
    "ANGLES",
    "SETS",
    "STEPS",
    "draw_cloud",
    "draw_shifts",
    "draw_shops",
    "draw_step",
    "draw_views",
    "pca_shift",
    "shifted",
]


def pca_shift(images: Tensor, *alpha: float) -> Tensor:
    """Shift uint8 images along ImageNet's principal colours by three multiples."""
    values, vectors = torch.tensor(IMAGENET_EIGENVALUES), torch.tensor(IMAGENET_EIGENVECTORS)
    shifts = color_shifts(torch.tensor([alpha]), values, vectors)
    return shift_colors(images, shifts.expand(len(images), -1))


def draw_shifts() -> Figure:
    """Draw a photograph and what seven shifts make of it."""
    cup = photographs(96)[2:3]
    shown = {
        "as it is": cup,
        "brightness 0.6": adjust_brightness(cup, 0.6),
        "contrast 0.6": adjust_contrast(cup, 0.6),
        "saturation 0.4": adjust_saturation(cup, 0.4),
        "hue +0.1": adjust_hue(cup, 0.1),
        "PCA colour, one deviation": pca_shift(cup, -0.1, 0, 0),
        "PCA colour, ten": pca_shift(cup, -1, 0, 0),
        "under a lamp": under_light(cup, torch.tensor(COLOURED["lamp"])),
    }
    return show_images(torch.cat([*shown.values()]), [*shown], columns=4, size=1.6)


def draw_shops(data: Data, count: int = 5) -> Figure:
    """Draw a row of training images, and two rows of test images of the same classes.

    Args:
        data: the garments under two lights.
        count: how many classes.
    """
    images, titles = [], []
    for name, split, place in (
        ("train", data.train, 0),
        ("test", data.test, 0),
        ("test", data.test, 3),
    ):
        for label in range(count):
            images.append(split.images[split.labels == label][place : place + 1])
            titles.append(f"{data.classes[label].split('/')[0]}, {name}")
    return show_images(torch.cat(images), titles, columns=count, size=1.3)


def draw_cloud(images: Tensor, angle: float, points: int = 1000) -> Figure:
    """Draw pixels as points in space, each in its own colour, and the principal directions.

    Args:
        images: uint8 (N, 3, H, W).
        angle: from where to look, in degrees.
        points: how many pixels, drawn at random.
    """
    pixels = images.movedim(1, 0).flatten(1).double() / 255
    picked = torch.randint(pixels.shape[1], (points,), generator=torch.Generator().manual_seed(0))
    some, middle = pixels[:, picked], pixels.mean(1)
    values, vectors = principal_colors(images)
    figure = plt.figure(figsize=(5.2, 4.0), layout="none")
    ax: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0), projection="3d")  # Axes3D
    ax.scatter(*some.tolist(), c=some.T.tolist(), s=6, depthshade=False)
    for place in range(3):
        # Two standard deviations to each side hold about 95 % of what varies along a direction.
        reach = 2 * values[place].sqrt() * vectors[:, place]
        ends = torch.stack([middle - reach, middle + reach], dim=1)
        ax.plot(*ends.tolist(), color="black", lw=3)
        ax.plot(*ends.tolist(), color=("#d55e00", "#0072b2", "#009e73")[place], lw=2)
        ax.text(*ends[:, 1].tolist(), f"{place + 1}", fontsize=14, weight="bold")
    ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
    ax.set_xlabel("red", fontsize=13)
    ax.set_ylabel("green", fontsize=13)
    ax.set_zlabel("blue", fontsize=13)
    ax.tick_params(labelsize=12)
    ax.view_init(elev=22, azim=angle)
    return figure


SETS: dict[str, slice] = {"four photographs": slice(0, 4), "the coffee": slice(2, 3)}
"""What clouds there are: which of the photographs."""

ANGLES = (-30, 0, 30, 60, 90)
"""From where a cloud is seen, in degrees."""


def draw_views(pixels: str, angle: float) -> Figure:
    """Draw the cloud of one of `SETS`."""
    return draw_cloud(photographs(96)[SETS[pixels]], angle)


STEPS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "brightness": lambda images, amount: adjust_brightness(images, 1 + 0.6 * amount),
    "contrast": lambda images, amount: adjust_contrast(images, 1 + 0.6 * amount),
    "saturation": lambda images, amount: adjust_saturation(images, 1 + 0.8 * amount),
    "hue": lambda images, amount: adjust_hue(images, 0.25 * amount),
    "PCA colour": lambda images, amount: pca_shift(images, -1.5 * amount, 0, 0),
    "a light": lambda images, amount: under_light(
        images, 1 + 0.4 * amount * torch.tensor([1.0, 0.0, -1.0])
    ),
}
"""What the moving figure does to a photograph, by an amount from -1 to 1."""

AMOUNTS = (-1.0, 0.0, 1.0)
"""Where the slider stops."""


def shifted(step: str, amount: float) -> Tensor:
    """Return the astronaut after one of `STEPS`, uint8 (1, 3, 96, 96)."""
    return STEPS[step](_astronaut(), amount)


@cache
def _astronaut() -> Tensor:
    return photographs(96)[:1]


def draw_step(step: str, amount: float) -> Figure:
    """Draw a photograph after one of `STEPS`, and where its pixels went between red and blue."""
    before, after = _astronaut(), shifted(step, amount)
    figure = plt.figure(figsize=(5.5, 3.0), layout="none")
    left = figure.add_axes((0.0, 0.08, 0.44, 0.84))
    right = figure.add_axes((0.58, 0.17, 0.41, 0.78))
    left.imshow(after[0].permute(1, 2, 0).numpy())
    left.axis("off")
    _scatter(right, before, after)
    return figure


def _scatter(ax: Axes, before: Tensor, after: Tensor) -> None:
    """Draw every sixteenth pixel by red and blue: grey before, in its own colour after."""
    old, new = (image[0, :, ::4, ::4].flatten(1).float() / 255 for image in (before, after))
    ax.plot([0, 1], [0, 1], color="black", lw=1, ls=":", zorder=1)
    ax.scatter(old[0], old[2], color="0.8", s=9, zorder=0)
    ax.scatter(new[0], new[2], c=new.T.tolist(), s=12, edgecolors="0.35", linewidths=0.2, zorder=2)
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="red", ylabel="blue")
    ax.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
