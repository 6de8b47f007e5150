"""The pictures of chapter 12, and the numbers of its derivation.

Chapter: notebooks/12_geometry.ipynb
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from tricks_lib.augment import HorizontalFlip, RandomCrop, RandomResizedCrop
from tricks_lib.augment.crop import crop
from tricks_lib.augment.random_resized_crop import resized_crop
from tricks_lib.augment.rotation import rotate
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, COLUMN, GREEN, GREY, ORANGE, PURPLE, RED, panels
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import StudyResult

from . import study
from .views import Rim, in_place_of_test, moved, turned

__all__ = [
    "accuracies",
    "draw_answers",
    "draw_batch",
    "draw_by_digit",
    "draw_curves",
    "draw_digits",
    "draw_recorded",
    "draw_resized",
    "draw_turned",
    "draw_ways",
    "draw_window",
    "first_lost",
    "kept",
    "mirrored",
    "versions",
]

COLOURS = BLUE, ORANGE, GREEN, RED, PURPLE, GREY


def show(ax: Axes, image: Tensor, title: str = "") -> None:
    """Draw an image without axes: uint8 (C, H, W)."""
    pixels = image.permute(1, 2, 0).cpu().numpy()
    ax.imshow(pixels if len(image) == 3 else pixels[..., 0], vmin=0, vmax=255)
    ax.axis("off")
    ax.set_title(title)


# --- The derivation ---


def versions(padding: int) -> int:
    """Return how many images crop and mirror make of one."""
    return 2 * (2 * padding + 1) ** 2


def kept(side: int, padding: int) -> float:
    """Return which share of the window is the image's own, on average over all windows.

    Args:
        side: height and width of the image, in pixels.
        padding: largest shift, less than `side`.
    """
    away = padding * (padding + 1) / (2 * padding + 1)  # mean distance along one axis
    return (1 - away / side) ** 2


# --- What the tricks do ---


def draw_ways() -> Figure:
    """Draw a photograph as it is, and changed in four ways."""
    cat = photographs(96)[1:2]
    where = torch.tensor([24]), torch.tensor([4])
    part = (torch.tensor([side]) for side in (20, 30, 52, 60))
    ways = {
        "as it is": cat,
        "crop": crop(cat, *where, padding=12),
        "mirror": cat.flip(-1),
        "rotation": rotate(cat, 15, interpolation="bilinear"),
        "resized\ncrop": resized_crop(cat, *part),
    }
    figure, axes = plt.subplots(1, 5, figsize=(COLUMN, 1.5))
    for ax, (name, image) in zip(axes, ways.items(), strict=True):
        show(ax, image[0], name)
    return figure


def draw_batch(data: Data, seed: int = 0) -> Figure:
    """Draw five training images as they are, and each as it comes up in two epochs."""
    images = data.train.images[:5].cpu()
    torch.manual_seed(seed)
    rows = [images] + [HorizontalFlip()(RandomCrop()(images)) for _ in range(2)]
    figure, axes = plt.subplots(3, 5, figsize=(COLUMN, 3.2))
    for row, shown, name in zip(axes, rows, ("stored", "epoch 1", "epoch 2"), strict=True):
        for ax, image in zip(row, shown, strict=True):
            show(ax, image)
        place = {"rotation": 90, "ha": "right", "va": "center", "transform": row[0].transAxes}
        row[0].text(-0.1, 0.5, name, **place)
    return figure


def draw_window(right: int, padding: int) -> Figure:
    """Draw where a window lies in the padded photograph, and what it shows.

    Args:
        right: how far the window is moved to the right, in pixels of 32.
        padding: in pixels of 32.
    """
    side, unit = 96, 3
    right = max(-padding, min(padding, right))
    photo = photographs(side)[1:2]
    rim = padding * unit
    padded = torch.nn.functional.pad(photo, (rim,) * 4)
    top, left = torch.tensor([rim]), torch.tensor([rim + right * unit])
    figure, axes = plt.subplots(1, 2, figsize=(COLUMN, 2.6))
    show(axes[0], padded[0], f"padded by {padding}")
    corner = left.item() - 0.5, top.item() - 0.5
    axes[0].add_patch(Rectangle(corner, side, side, fill=False, edgecolor=ORANGE, lw=3))
    show(axes[1], crop(photo, top, left, padding=rim)[0], "what the network sees")
    return figure


def draw_turned(degrees: int, corners: str) -> Figure:
    """Draw four photographs turned by an angle.

    Args:
        degrees: the angle.
        corners: "black", "mean colour" or "own", the image mirrored at its rim.
    """
    photos = photographs(96)
    fill: Rim = {"black": 0.0, "mean colour": None, "own": "own"}[corners]
    figure, axes = plt.subplots(1, 4, figsize=(COLUMN, 1.5))
    for ax, image in zip(axes, photos, strict=True):
        show(ax, turned(image[None], degrees, fill=fill)[0])
    return figure


SIZES = (96, 64), (60, 120), (80, 80), (48, 72)
"""Height and width of the photographs of different sizes."""


def of_different_sizes() -> list[Tensor]:
    """Return the four photographs, each cut to another size: uint8 (3, H, W)."""
    return [
        photo[:, (120 - height) // 2 :, (120 - width) // 2 :][:, :height, :width]
        for photo, (height, width) in zip(photographs(120), SIZES, strict=True)
    ]


def draw_resized(smallest: float, seed: int = 0) -> Figure:
    """Draw photographs of different sizes, and random crops of them, all scaled to one size.

    Args:
        smallest: smallest share of the area.
        seed: of the rectangles.
    """
    photos = of_different_sizes()
    cut = RandomResizedCrop(size=64, area=(smallest, 1.0))
    torch.manual_seed(seed)
    figure, axes = plt.subplots(3, 4, figsize=(COLUMN, 3.9))
    for column, photo in zip(axes.T, photos, strict=True):
        show(column[0], photo, f"{photo.shape[1]}×{photo.shape[2]}")
        for ax, colour in zip(column[1:], (ORANGE, BLUE), strict=True):
            draw = cut.draw(photo.shape)
            top, left, height, width = (int(side) for side in draw)
            corner = left - 0.5, top - 0.5
            frame = Rectangle(corner, width, height, fill=False, edgecolor=colour, lw=2.5)
            column[0].add_patch(frame)
            show(ax, cut.apply(photo, draw))
            ax.set_title("64×64", color=colour)
    return figure


def draw_digits(data: Data) -> Figure:
    """Draw one digit of each class as it is, mirrored, and turned by half a turn."""
    first = [int((data.train.labels == digit).nonzero()[3]) for digit in range(10)]
    images = data.train.images[first].cpu()
    rows = {"as it is": images, "mirrored": images.flip(-1), "half turn": images.flip(-2, -1)}
    figure, axes = plt.subplots(3, 10, figsize=(COLUMN, 2.1))
    for row, (name, shown) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(row, shown, strict=True):
            show(ax, 255 - image)
        row[0].text(-0.2, 0.5, name, ha="right", va="center", transform=row[0].transAxes)
    return figure


# --- What networks answer ---


def accuracies(
    model: nn.Module, data: Data, shifts: Sequence[int] = (), angles: Sequence[int] = ()
) -> list[float]:
    """Return the accuracy on test images that are moved to the right, and on turned ones; what
    comes into view is black.

    Args:
        model: a trained network.
        data: whose test images.
        shifts: in pixels.
        angles: in degrees.
    """
    images, labels = data.test.images.cpu(), data.test.labels.cpu()
    views = [moved(images, pixels, fill=0.0) for pixels in shifts]
    views += [turned(images, degrees, fill=0.0) for degrees in angles]
    return [evaluate(model, in_place_of_test(data, view, labels)).accuracy for view in views]


def mirrored(data: Data) -> Data:
    """Return the same data with mirrored test images."""
    return in_place_of_test(data, data.test.images.flip(-1), data.test.labels)


def draw_curves(models: Mapping[str, nn.Module], data: Data) -> Figure:
    """Draw the accuracy of networks against shift and angle of the test images."""
    figure, axes = panels(2, sharey=True, height=2.8)
    for (name, model), colour in zip(models.items(), COLOURS, strict=False):
        for ax, found, at in (
            (axes[0], accuracies(model, data, shifts=study.SHIFTS), study.SHIFTS),
            (axes[1], accuracies(model, data, angles=study.ANGLES), study.ANGLES),
        ):
            ax.plot(at, [100 * one for one in found], marker="o", color=colour, label=name)
    _label(figure, axes)
    return figure


def _label(figure: Figure, axes: Sequence[Axes]) -> None:
    axes[0].set(xlabel="shift (pixels)", ylabel="accuracy (%)", xticks=study.SHIFTS[::2])
    axes[1].set(xlabel="angle (degrees)", xticks=study.ANGLES[::2])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)


def draw_recorded(result: StudyResult, arms: Mapping[str, str]) -> Figure:
    """Draw the recorded mean accuracy of arms against shift and angle, with the spread of the
    seeds.

    Args:
        result: a record with the metrics of `study.MOVED_METRICS`.
        arms: arms, with what they are called in the figure.
    """
    figure, axes = panels(2, sharey=True, height=3.2)
    for (arm, name), colour in zip(arms.items(), COLOURS, strict=False):
        for ax, at, metric in (
            (axes[0], study.SHIFTS, study.shifted),
            (axes[1], study.ANGLES, study.at_angle),
        ):
            means = [100 * result.mean(arm, metric(one)) for one in at]
            ax.plot(at, means, marker="o", ms=4, color=colour, label=name)
    _label(figure, axes)
    return figure


def first_lost(model: nn.Module, data: Data, pixels: int) -> int:
    """Return the number of the first test image that is answered right in the middle, and wrong
    when it is moved to the right by so many pixels."""
    images, labels = data.test.images.cpu(), data.test.labels.cpu()
    hits = [
        predict(model, in_place_of_test(data, moved(images, by, fill=0.0), labels))
        .argmax(1)
        .cpu()
        .eq(labels)
        for by in (0, pixels)
    ]
    return int((hits[0] & ~hits[1]).nonzero()[0])


def draw_answers(pixels: int, model: nn.Module, data: Data, number: int) -> Figure:
    """Draw a test image that is moved, and what a network answers.

    Args:
        pixels: to the right.
        model: a trained network.
        data: whose test images.
        number: of the test image.
    """
    image = moved(data.test.images[number : number + 1].cpu(), pixels, fill=0.0)
    labels = data.test.labels[number : number + 1].cpu()
    shares = predict(model, in_place_of_test(data, image, labels)).softmax(1)[0].cpu()
    figure, (left, right) = plt.subplots(1, 2, figsize=(COLUMN, 2.9), width_ratios=(1, 1.3))
    show(left, image[0], f"moved by {pixels} pixels")
    colours = [BLUE if k == int(labels) else GREY for k in range(len(shares))]
    right.barh(range(len(shares)), shares.tolist(), color=colours)
    right.set_yticks(range(len(shares)), data.classes)
    right.set(xlim=(0, 1), xlabel="probability")
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    return figure


def draw_by_digit(result: StudyResult, arms: Sequence[str]) -> Figure:
    """Draw the recorded share of each digit that is answered right, an arm a colour."""
    figure, ax = plt.subplots(figsize=(COLUMN, 3.0))
    width = 0.8 / len(arms)
    for place, (arm, colour) in enumerate(zip(arms, COLOURS, strict=False)):
        shares = [100 * result.mean(arm, study.recall(str(digit))) for digit in range(10)]
        at = [digit + (place - (len(arms) - 1) / 2) * width for digit in range(10)]
        ax.bar(at, shares, width, color=colour, label=arm)
    ax.set(xlabel="digit", ylabel="right (%)", xticks=range(10))
    ax.grid(axis="x", visible=False)
    figure.legend(loc="outside upper center", ncols=2)
    return figure
