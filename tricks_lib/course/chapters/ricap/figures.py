"""The pictures of chapter 10, and the numbers of its derivation.

Chapter: notebooks/10_ricap.ipynb
"""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import special, stats
from torch import Tensor

from tricks_lib.course import wrong_labels
from tricks_lib.course.photographs import photographs
from tricks_lib.course.tables import folded, table
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, RED, panels
from tricks_lib.lab.train import Run
from tricks_lib.mix import RICAP, patch
from tricks_lib.mix.ricap import Point, patch_sizes

from .study import right_labels

__all__ = [
    "draw_as_the_article",
    "draw_boundary",
    "draw_four_crops",
    "draw_garments",
    "draw_largest",
    "draw_learning",
    "draw_shapes",
    "floor",
    "floor_of_labels",
    "folded",
    "largest",
    "mean_square",
    "only_one",
    "table",
]

COLOURS = BLUE, ORANGE, GREEN, RED
"""Of the four patches: top left, top right, bottom left, bottom right."""


NAMES = "astronaut", "cat", "coffee", "rocket"
"""What the four photographs show."""

SIDE = 96
"""Height and width of the photographs, in pixels."""

ORIGINS = ((20, 10), (15, 45), (10, 12), (20, 16))
"""Where the crops come from in the first figure, chosen so that one sees what they show."""


# --- The recipe ---


def boxes_of(boundary: Point, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Return top, left, height and width of the four places."""
    h, w = boundary
    corners = ((0, 0), (0, w), (h, 0), (h, w))
    sizes = patch_sizes(boundary, height, width)
    return [(*corner, *size) for corner, size in zip(corners, sizes, strict=True)]


def four_in_one(
    photos: Tensor, boundary: Point, origins: Sequence[Point] | None = None
) -> tuple[Tensor, Tensor]:
    """Patch one image from four, each with its own; return it and its four weights.

    Args:
        photos: uint8 (4, C, H, W).
        boundary: row and column at which the patches meet.
        origins: where the crops come from; by default from the middle of what is left.
    """
    height, width = photos.shape[-2:]
    if origins is None:
        sizes = patch_sizes(boundary, height, width)
        origins = [((height - rows) // 2, (width - columns) // 2) for rows, columns in sizes]
    partners = torch.arange(4)[:, None].expand(4, 4)
    images, weights = patch(photos, torch.eye(4), partners, boundary, list(origins))
    return images[0], weights[0]


def show(ax: Axes, image: Tensor) -> None:
    """Draw an image without axes."""
    pixels = image.permute(1, 2, 0).numpy()
    ax.imshow(pixels if len(image) == 3 else pixels[..., 0], vmin=0, vmax=255)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)


def frame(ax: Axes, top: int, left: int, height: int, width: int, colour: str) -> None:
    """Draw the border of a rectangle, a line's width inside of it."""
    if height and width:
        ax.add_patch(
            Rectangle((left, top), width - 1, height - 1, fill=False, edgecolor=colour, lw=3)
        )


def bars_of(ax: Axes, weights: Tensor, names: Sequence[str]) -> None:
    """Draw a target as bars, in the colours of its patches."""
    bars = ax.barh(range(len(names)), weights, color=COLOURS)
    ax.bar_label(bars, [f"{share:.2f}" for share in weights.tolist()], padding=3)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(0, 1.15), xticks=(0, 0.5, 1), xlabel="target")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)


def draw_four_crops() -> Figure:
    """Draw four photographs with a crop in each, the image patched from them, and its target."""
    photos = photographs(SIDE)
    boundary = SIDE // 4, 3 * SIDE // 4
    patched, weights = four_in_one(photos, boundary, ORIGINS)
    boxes = boxes_of(boundary, SIDE, SIDE)
    figure = plt.figure(figsize=(5, 4.2))
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1.7)))
    crops = above.subplots(1, 4)
    for k, (photo, origin, box) in enumerate(zip(photos, ORIGINS, boxes, strict=True)):
        ax = crops[k]
        show(ax, photo)
        frame(ax, *origin, *box[2:], COLOURS[k])
        ax.set_title(("top left", "top right", "bottom left", "bottom right")[k])
    left, right = below.subplots(1, 2)
    show(left, patched)
    for colour, box in zip(COLOURS, boxes, strict=True):
        frame(left, *box, colour)
    bars_of(right, weights, NAMES)
    return figure


def draw_garments(data: Data, seed: int = 0) -> Figure:
    """Draw four training images as they are, and four patched by the paper's setting.

    Args:
        data: whose training images.
        seed: of what is drawn at random.
    """
    images = data.train.images[:8]
    figure, axes = plt.subplots(2, 4, figsize=(5, 2.9))
    draws = torch.Generator().manual_seed(seed)
    for k, ax in enumerate(axes.flat):
        if k < 4:
            show(ax, images[k])
            ax.set_title("as it is" if k == 0 else "")
            continue
        drawn = RICAP(0.3).draw(images.shape, generator=draws)
        show(ax, RICAP(0.3).apply(images, torch.eye(8), drawn)[0][0])
        ax.set_title("patched" if k == 4 else "")
    return figure


# --- What is learnt of wrong labels ---


def draw_learning(runs: dict[str, Run], data: Data) -> Figure:
    """Draw what networks have learnt of labels of which some are wrong: see `wrong_labels`."""
    return wrong_labels.draw_learning(runs, data, right_labels(data))


# --- The derivation ---


def largest(beta: float) -> float:
    """Return the mean of the largest of the four weights."""
    return float((0.5 + 4**-beta / (beta * special.beta(beta, beta))) ** 2)


def mean_square(beta: float) -> float:
    """Return the mean of the sum of the squared weights."""
    return float(4 * (0.25 + 1 / (4 * (2 * beta + 1))) ** 2)


def floor(beta: float) -> float:
    """Return the mean entropy of the four weights, in nats: the least loss where all four images
    have different classes."""
    return float(2 * (special.digamma(2 * beta + 1) - special.digamma(beta + 1)))


def only_one(beta: float, side: int) -> float:
    """Return how likely a single image fills all the pixels of a square."""
    return float((2 * stats.beta(beta, beta).cdf(0.5 / side)) ** 2)


def floor_of_labels(mix: Callable, labels: Tensor, classes: int, batches: int = 400) -> float:
    """Return the least mean loss that a network can have on mixed batches, in nats: the mean
    entropy of their targets.

    Args:
        mix: a mixture.
        labels: of the training images, int (N,).
        classes: K.
        batches: of 50 images, how many to draw.
    """
    draws = torch.Generator().manual_seed(0)
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(batches):
            picked = labels[torch.randperm(len(labels), generator=draws)[:50]]
            rows = torch.eye(classes, dtype=torch.float64)[picked]
            _, targets = mix(torch.zeros(len(picked), 1, 28, 28), rows)
            found.append(torch.special.entr(targets).sum(1).mean().item())
    return float(np.mean(found))


def draw_largest() -> Figure:
    """Draw the unit square of the two shares, and how much the largest patch has at each point."""
    at = np.linspace(0, 1, 201)
    side = np.maximum(at, 1 - at)
    figure, (left, right) = panels(2, height=2.7)
    shades = left.contourf(at, at, np.outer(side, side), levels=np.linspace(0.25, 1, 16))
    shades.set_cmap("viridis")
    left.set(title="largest weight", xlabel="share w'", ylabel="share h'")
    left.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), aspect="equal")
    figure.colorbar(shades, ax=left, ticks=(0.25, 0.5, 0.75, 1), shrink=0.7)
    shapes = np.geomspace(0.02, 50, 200)
    right.plot(shapes, [largest(b) for b in shapes], color=BLUE)
    right.axhline(0.25, ls="--", color=GREY, lw=1)
    for beta in (0.3, 1.0):
        right.plot(beta, largest(beta), "o", color=ORANGE)
        right.annotate(
            f"{largest(beta):.2f}", (beta, largest(beta)), (6, 4), textcoords="offset points"
        )
    right.set(xscale="log", ylim=(0, 1.05), title="its mean", xlabel="shape β")
    return figure


# --- Figures that move ---


def draw_boundary(row: float, column: float) -> Figure:
    """Draw four photographs in one, for a boundary, and the four weights.

    Args:
        row: the boundary's share of the height.
        column: its share of the width.
    """
    boundary = round(row * SIDE), round(column * SIDE)
    patched, weights = four_in_one(photographs(SIDE), boundary)
    figure, (left, right) = plt.subplots(1, 2, figsize=(5, 2.5), width_ratios=(1.1, 1))
    show(left, patched)
    for colour, box in zip(COLOURS, boxes_of(boundary, SIDE, SIDE), strict=True):
        frame(left, *box, colour)
    bars_of(right, weights, NAMES)
    return figure


def draw_shapes(beta: float) -> Figure:
    """Draw six images patched from photographs, with boundaries drawn from Beta(β, β).

    Args:
        beta: the shape.
    """
    photos, mix = photographs(SIDE), RICAP(beta)
    draws = torch.Generator().manual_seed(2)
    figure, axes = plt.subplots(2, 3, figsize=(5, 3.9))
    for ax in axes.flat:
        drawn = mix.draw(photos.shape, generator=draws)
        assert drawn is not None  # p is 1
        images, _ = mix.apply(photos, torch.eye(4), drawn)
        sizes = patch_sizes(drawn.boundary, SIDE, SIDE)
        most = max(rows * columns for rows, columns in sizes) / SIDE**2
        show(ax, images[0])
        ax.set_title(f"largest {most:.2f}")
    figure.suptitle(f"mean of the largest weight for β = {beta:g}: {largest(beta):.2f}")
    return figure


def draw_as_the_article(layout: str) -> Figure:
    """Draw an image that is not square, patched from crops that are numbered 1 to 4, in one of two
    layouts.

    Args:
        layout: "the paper" or "the article".
    """
    photos = photographs(SIDE)[:, :, 16:80]  # 64 rows, 96 columns
    height, width = photos.shape[-2:]
    boundary = 16, 72
    order = (0, 1, 2, 3) if layout == "the paper" else (0, 2, 1, 3)
    partners = torch.tensor(order)[:, None].expand(4, 4)
    sizes = patch_sizes(boundary, height, width)
    origins = [((height - rows) // 2, (width - columns) // 2) for rows, columns in sizes]
    images, _ = patch(photos, torch.eye(4), partners, boundary, origins)
    figure, ax = plt.subplots(figsize=(5, 3.0))
    show(ax, images[0])
    for k, (top, left, rows, columns) in zip(order, boxes_of(boundary, height, width), strict=True):
        frame(ax, top, left, rows, columns, COLOURS[k])
        ax.text(
            left + columns / 2,
            top + rows / 2,
            f"{k + 1}",
            color="white",
            ha="center",
            va="center",
            fontsize=20,
            bbox={"facecolor": "black", "alpha": 0.6, "pad": 2, "lw": 0},
        )
    ax.set_title(f"{layout}: patches {', '.join(str(k + 1) for k in order)}, row by row")
    return figure
