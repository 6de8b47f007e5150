"""The pictures of the course: one style everywhere, colour-blind safe, on paper white.

Chapter: notebooks/00_baseline.ipynb
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats
from torch import Tensor

from .study.finding import Difference
from .train import History, Run

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "RED",
    "SKY",
    "LiveCurves",
    "difference_dots",
    "reliability_diagram",
    "seed_dots",
    "show_images",
    "smooth",
    "use_style",
]

# Okabe and Ito 2008, "Color Universal Design": told apart with any kind of colour blindness. Their
# yellow is left out, too pale for lines on white.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#666666"


def use_style() -> None:
    """Set matplotlib's defaults for the course; every chapter begins with it."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.titlesize": "medium",
            "figure.figsize": (7.0, 3.4),
            "figure.dpi": 110,
            # A page in dark mode must not show through.
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def show_images(
    images: Tensor, titles: Sequence[str] | None = None, columns: int = 10, size: float = 0.9
) -> Figure:
    """Lay images out in rows, each with its title.

    Args:
        images: uint8 (N, C, H, W), C = 1 (grey) or 3 (RGB).
        titles: one for each image, or None.
        columns: images in a row.
        size: side of an image, in inches.

    Raises:
        ValueError: if type or shape is another, or the titles are not as many as the images.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"images must be torch.uint8 (N, 1 or 3, H, W), got {images.dtype} "
            f"{tuple(images.shape)}"
        )
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected {len(images)} titles, got {len(titles)}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = size * (1.25 if titles is not None else 1.0)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * height), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for position, image in enumerate(images.cpu()):
        axis = axes.flat[position]
        pixels = image.permute(1, 2, 0).numpy()
        axis.imshow(pixels if image.shape[0] == 3 else pixels[..., 0], vmin=0, vmax=255)
        if titles is not None:
            axis.set_title(titles[position], fontsize="x-small", pad=2)
    return figure


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Return the mean of each value with up to `window` - 1 before it: no value looks ahead."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / (last - first)


def seed_dots(ax: Axes, arms: Mapping[str, Sequence[float]], confidence: float = 0.95) -> None:
    """Draw a dot for every run, and the mean of each arm with its confidence interval.

    Args:
        ax: where to draw; the figures lie along x, the arms from top to bottom.
        arms: the figure of each run, by arm.
        confidence: level of the interval (Student's t over the runs of one arm).
    """
    for row, values in enumerate(arms.values()):
        offsets = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [0.0]
        ax.plot(values, row + np.asarray(offsets), "o", color=BLUE, alpha=0.5, ms=4, mew=0)
        if len(values) > 1:
            margin = stats.sem(values) * stats.t.ppf((1 + confidence) / 2, len(values) - 1)
            ax.errorbar(
                np.mean(values), row + 0.34, xerr=margin, fmt="D", color=RED, ms=4, capsize=4
            )
    ax.set_yticks(range(len(arms)), list(arms))
    ax.set_ylim(len(arms) - 0.4, -0.5)
    ax.grid(axis="y", visible=False)


def difference_dots(ax: Axes, differences: Mapping[str, Difference]) -> None:
    """Draw paired differences: a dot for every seed, the mean, its interval, and zero.

    Args:
        ax: where to draw; shares are shown in points.
        differences: `Difference` of each arm, by what to call it.
    """
    for row, gap in enumerate(differences.values()):
        scale = gap.metric.scale
        values = scale * np.asarray(gap.values)
        offsets = np.linspace(-0.18, 0.18, len(values))
        ax.plot(values, row + offsets, "o", color=BLUE, alpha=0.5, ms=4, mew=0)
        ends = scale * np.asarray([[gap.mean - gap.low], [gap.high - gap.mean]])
        ax.errorbar(scale * gap.mean, row + 0.34, xerr=ends, fmt="D", color=RED, ms=4, capsize=4)
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(range(len(differences)), list(differences))
    ax.set_ylim(len(differences) - 0.4, -0.5)
    ax.grid(axis="y", visible=False)


def reliability_diagram(ax: Axes, bins: Mapping[str, Tensor | Sequence[float]]) -> None:
    """Draw how often the network is right against how sure it is.

    Bars on the diagonal are a calibrated network; bars below it are an over-confident one. The
    width of a bar is its bin, its shade how many images are in it.

    Args:
        ax: where to draw.
        bins: from `reliability`.

    Source: Guo et al. 2017, arXiv:1706.04599, section 2.
    """
    images, hits = (np.asarray(bins[name]) for name in ("images", "hits"))
    left = np.arange(len(images)) / len(images)
    share = hits / images.clip(min=1)
    bars = ax.bar(left, share, 1 / len(images), align="edge", color=BLUE, edgecolor="white", lw=0.5)
    for bar, weight in zip(bars, np.sqrt(images / images.max()), strict=True):
        bar.set_alpha(0.25 + 0.75 * weight)
    ax.plot([0, 1], [0, 1], "--", color="black", lw=1)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")


def display(figure: Figure, display_id: bool) -> Any:
    """Show a figure in a notebook; a script has no cell for it, and does not need IPython."""
    if "IPython" in sys.modules:
        return import_module("IPython.display").display(figure, display_id=display_id)
    return None


class LiveCurves:
    """Loss curves that grow while networks train.

    `fit(recipe, data, watch=curves.of("baseline"))` adds a point after every epoch. In a notebook
    one picture is drawn again and again; the page keeps the last.

    Args:
        title: what stands above the curves.
        show: "loss" for the mean training loss of each epoch, or a metric of the evaluations
            ("accuracy", "nll", "ece"), for runs with `evaluate="every epoch"`.
    """

    def __init__(self, title: str = "", show: str = "loss"):
        self.title, self.show = title, show
        self.curves: dict[str, list[float]] = {}
        self._display: Any = None

    def of(self, name: str) -> Callable[[History], None]:
        """Return what `fit` calls after every epoch of the run called `name`."""

        def watch(history: History) -> None:
            self.curves[name] = self._values(history)
            self._update()

        self.curves.pop(name, None)  # the same cell run again starts again
        return watch

    def add(self, name: str, run: Run) -> None:
        """Take in a run that is finished; it is drawn with the next epoch of another."""
        self.curves[name] = self._values(run.history)

    def _values(self, history: History) -> list[float]:
        if self.show == "loss":
            return history.epoch_losses()
        return [getattr(metrics, self.show) for metrics in history.epochs]

    def draw(self) -> Figure:
        """Draw the curves so far."""
        figure, ax = plt.subplots(figsize=(6.0, 3.0))
        for name, values in self.curves.items():
            ax.plot(range(1, len(values) + 1), values, "o-", label=name)
        ax.set(xlabel="epoch", title=self.title)
        ax.set_ylabel("training loss (nats)" if self.show == "loss" else self.show)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend()
        return figure

    def _update(self) -> None:
        figure = self.draw()
        plt.close(figure)  # else the cell would show it once more
        if self._display is None:
            self._display = display(figure, display_id=True)
        else:
            self._display.update(figure)
