"""The pictures and tables of chapter 08; what they show is computed in the notebook.

Chapter: notebooks/08_random_erasing.ipynb
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tricks_lib.augment import Cutout, RandomErasing
from tricks_lib.augment.random_erasing import erase, rectangles
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, COLUMN, GREY, ORANGE, panels, show_images
from tricks_lib.lab.study import StudyResult
from tricks_lib.ops.pixels import Fill

from .study import FILLS, hidden

__all__ = [
    "Shapes",
    "coverage",
    "draw_batch",
    "draw_coverage",
    "draw_first",
    "draw_settings",
    "draw_shapes",
    "draw_shapes_of",
    "draw_uses",
    "shapes",
    "table_of_fills",
]

COLOURS = {"random": "random pixels", "mean": "mean colour", "black": "black"}
"""What the fills are called in pictures."""


def _fill_of(fill: str) -> Fill | Literal["random"]:
    if fill == "random":
        return "random"
    return {"mean": None, "black": 0.0}[fill]


def _box(count: int, *sides: int) -> list[Tensor]:
    """Return top, left, height and width of the same rectangle for so many images."""
    return [torch.full((count,), side) for side in sides]


# --- The recipe ---


def draw_first(data: Data, number: int) -> Figure:
    """Draw a photograph and a training image: whole, and with one rectangle in each fill.

    Args:
        data: whose training images.
        number: of the training image.
    """
    rows = [photographs(112)[:1], data.train.images[number : number + 1]]
    figure, axes = plt.subplots(2, 4, figsize=(COLUMN, 2.9))
    for place, (images, row) in enumerate(zip(rows, axes, strict=True)):
        quarter = images.shape[-1] // 28
        box = _box(1, *(quarter * side for side in (7, 14, 14, 7)))
        shown = [images] + [erase(images, *box, fill=_fill_of(f), seed=0) for f in FILLS]
        for ax, image, title in zip(row, shown, ("whole", *COLOURS.values()), strict=True):
            _show(ax, image[0])
            if place == 0:
                ax.set_title(title.replace(" ", "\n"))
    return figure


def _show(ax: Axes, image: Tensor) -> None:
    pixels = image.permute(1, 2, 0).numpy()
    ax.imshow(pixels if pixels.shape[-1] == 3 else pixels[..., 0], vmin=0, vmax=255)
    ax.axis("off")


# --- Which rectangles are drawn ---


class Shapes(NamedTuple):
    """Rectangles as they are drawn, before any is drawn again.

    `high` and `wide` are shares of the sides of a square image, and `fits` says which are smaller
    than the image on both sides.
    """

    area: Tensor
    high: Tensor
    wide: Tensor
    fits: Tensor

    @property
    def standing(self) -> float:
        """Share of them that are higher than wide."""
        return (self.high > self.wide).double().mean().item()

    @property
    def rejected(self) -> float:
        """Share of them that do not fit."""
        return (~self.fits).double().mean().item()

    @property
    def mean_area(self) -> float:
        """Mean area of those that fit, as a share of the image."""
        return self.area[self.fits].mean().item()


def shapes(
    smallest: float, largest: float, *, logarithmic: bool, count: int = 100_000, side: int = 0
) -> Shapes:
    """Draw areas from 2 % to the largest one, and ratios from the smallest one to its inverse.

    Args:
        smallest: of the ratios of height to width, r_1.
        largest: of the areas, as a share of the image, s_h.
        logarithmic: whether the logarithm of the ratio is uniform, and not the ratio itself.
        count: how many.
        side: of the image in pixels, to which height and width are rounded; 0 rounds nothing.
    """
    draws = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, count, generator=draws, dtype=torch.float64)
    area = 0.02 + (largest - 0.02) * first
    if logarithmic:
        ratio = (math.log(smallest) * (1 - 2 * second)).exp()
    else:
        ratio = smallest + (1 / smallest - smallest) * second
    if side:
        rows, columns, fits = rectangles(area, ratio, side, side)
        high, wide = rows / side, columns / side
        return Shapes(high * wide, high, wide, fits)
    high, wide = (area * ratio).sqrt(), (area / ratio).sqrt()
    return Shapes(area, high, wide, (high < 1) & (wide < 1))


def draw_shapes(smallest: float, largest: float) -> Figure:
    """Draw heights and widths of rectangles, by both ways to draw the ratio.

    Args:
        smallest: of the ratios.
        largest: of the areas.
    """
    figure, axes = panels(2, sharey=True, height=2.9)
    for ax, logarithmic in zip(axes, (False, True), strict=True):
        draw_shapes_of(ax, shapes(smallest, largest, logarithmic=logarithmic))
        ax.set_xlabel("width / width of the image")
    axes[0].set_ylabel("height / height of the image")
    for ax, name in zip(axes, ("ratio uniform", "logarithm uniform"), strict=True):
        ax.set_title(f"{name}\n{ax.get_title()}")
    return figure


def draw_shapes_of(ax: Axes, drawn: Shapes) -> None:
    """Draw the first 500 rectangles as dots, and what share of all stands and is rejected."""
    for chosen, color in ((drawn.fits, BLUE), (~drawn.fits, ORANGE)):
        some = chosen.clone()
        some[500:] = False
        ax.plot(drawn.wide[some], drawn.high[some], ".", color=color, ms=4)
    ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1)
    ax.plot([0, 1, 1], [1, 1, 0], color="black", lw=1)
    ax.set(xlim=(0, 1.75), ylim=(0, 1.75), aspect="equal")
    ax.set_title(f"{drawn.standing:.0%} stand\n{drawn.rejected:.0%} do not fit")


# --- What is drawn ---


def draw_settings(area: float, aspect: float, fill: str) -> Figure:
    """Draw the photographs with a rectangle of one area and ratio, each at a place of its own.

    Args:
        area: share of the image.
        aspect: height over width.
        fill: one of the fills of the study.
    """
    photos = photographs(96)
    torch.manual_seed(1)
    trick = RandomErasing(1.0, (area, area), (aspect, aspect), _fill_of(fill))
    return show_images(trick(photos), columns=4, size=1.25)


def draw_batch(p: float, data: Data) -> Figure:
    """Draw ten training images as a network sees them.

    Args:
        p: probability.
        data: whose training images.
    """
    torch.manual_seed(2)
    return show_images(RandomErasing(p)(data.train.images[:10]), columns=5, size=1.0)


def coverage(trick: Callable[[Tensor], Tensor], side: int = 28, count: int = 20_000) -> Tensor:
    """Return in which share of so many white images each pixel is painted black, (side, side)."""
    torch.manual_seed(0)
    return (trick(torch.ones(count, 1, side, side)) == 0).float().mean(dim=0)[0]


def draw_coverage(size: int) -> Figure:
    """Draw how often each pixel is hidden, by Random Erasing and by Cutout.

    Args:
        size: side of the square of Cutout.
    """
    tricks: dict[str, Callable[[Tensor], Tensor]] = {
        "Random Erasing": RandomErasing(fill=0),
        f"Cutout, {size} × {size}": Cutout(size, fill=0),
    }
    figure, axes = panels(2, height=2.7)
    for ax, (name, trick) in zip(axes, tricks.items(), strict=True):
        chances = coverage(trick)
        picture = ax.imshow(100 * chances, vmin=0, vmax=25, cmap="viridis")
        ax.set_title(f"{name}\n{100 * chances.mean():.1f} % on average")
        ax.axis("off")
    bar = figure.colorbar(picture, ax=axes, shrink=0.8)
    bar.set_label("hidden in % of the images")
    return figure


def draw_uses(eraser: Callable[[Tensor], Tensor], uses: tuple[int, ...] = (0, 1, 10, 30)) -> Figure:
    """Draw the photographs as they are in memory after an eraser was given them so many times.

    Args:
        eraser: takes a float image (3, H, W) from 0 to 1.
        uses: how often, in rising order.
    """
    cached = [photo / 255 for photo in photographs(64)[:3]]
    shown, used = [], 0
    for until in uses:
        for _ in range(until - used):
            for image in cached:
                eraser(image)
        used = until
        shown += [(255 * image).round().to(torch.uint8) for image in cached]
    ordered = [shown[3 * use + photo] for photo in range(3) for use in range(len(uses))]
    titles = [f"{use} use{'s' * (use != 1)}" for use in uses] + [""] * (2 * len(uses))
    return show_images(torch.stack(ordered), titles, columns=len(uses), size=1.25)


# --- Tables ---


def table_of_fills(result: StudyResult, epochs: int) -> Markdown:
    """Lay out what each arm reaches on whole images and under squares of each fill.

    Args:
        result: of one of the studies.
        epochs: how long its runs are.
    """
    metrics = {"whole": "accuracy"} | {COLOURS[fill]: hidden(fill) for fill in FILLS}
    lines = [
        f"Test accuracy (%) after {epochs} epochs, on whole images and under squares of:\n",
        f"| trained with | {' | '.join(metrics)} |",
        "|---" * (1 + len(metrics)) + "|",
    ]
    for arm in result.runs:
        cells = [f"{100 * result.mean(arm, metric):.1f}" for metric in metrics.values()]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return Markdown("\n".join(lines))
