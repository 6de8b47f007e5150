"""The pictures of the course: one style everywhere, colour-blind safe, on paper white.

Chapter: notebooks/00_baseline.ipynb
"""

import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy import stats
from torch import Tensor

from .progress import running
from .study.finding import Difference, Finding, Word
from .study.metric import Metric
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
    "panels",
    "reliability_diagram",
    "seed_dots",
    "show_images",
    "smallest_letters",
    "smooth",
    "use_style",
]

# Okabe and Ito 2008, "Color Universal Design": told apart with any kind of colour blindness. Their
# yellow is left out, too pale for lines on white.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#666666"


COLUMN = 5.0
"""Greatest width of a figure, in inches.

A page shows a picture no wider than its text, on a telephone 350 pixels: whatever is wider has
smaller letters there.
"""

LETTERS = 11.0
"""Size of all text in a figure, in points: 17 pixels on a wide page, 10 on a telephone."""


def use_style() -> None:
    """Set matplotlib's defaults for the course; every chapter begins with it.

    A figure that `pyplot` opens from then on is never wider than `COLUMN`, so that its letters can
    be read on a telephone. (`figure.set_size_inches` still makes it as wide as you like.)
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "font.size": LETTERS,
            "axes.titlesize": "medium",
            "figure.titlesize": "medium",
            "figure.labelsize": "medium",
            "legend.fontsize": "medium",
            "figure.figsize": (COLUMN, 3.0),
            "figure.dpi": 110,
            "figure.hooks": [f"{__name__}:fit_column"],
            # A page in dark mode must not show through.
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def fit_column(figure: Figure) -> None:
    """Make a new figure as wide as the column, if it is wider, and leave its height alone."""
    if figure.get_figwidth() > COLUMN:
        figure.set_figwidth(COLUMN)


def smallest_letters(figure: Figure, width: float = 350) -> float:
    """Return the size of the smallest text of a figure where a page shows it, in pixels.

    This is the size of the font, as in a style sheet: the x of 10 pixels is about 5 high.
    Exponents and indices are smaller by their nature, and are not looked at.

    Args:
        figure: drawn once, on the way, to find what is seen of it.
        width: pixels that a page has for it, such as 350 on a telephone. A picture that is
            narrower is shown as it is.

    Raises:
        ValueError: if the figure has no text.
    """
    listener = _Listener(*figure.canvas.get_width_height(), figure.dpi)
    figure.draw(listener)
    if not listener.points:
        raise ValueError("expected a figure with some text, got one without")
    # Jupyter cuts the margins off, and leaves a tenth of an inch.
    inches = figure.get_tightbbox().width + 2 * plt.rcParams["savefig.pad_inches"]
    pixels_per_inch = min(width / inches, figure.dpi)
    return float(min(listener.points) / 72 * pixels_per_inch)


class _Listener(RendererAgg):
    """Notes the size of each text that is drawn, in points."""

    def __init__(self, width: float, height: float, dpi: float):
        super().__init__(width, height, dpi)
        self.points: list[float] = []

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        self.points.append(prop.get_size_in_points())
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)


def panels(
    count: int, *, columns: int = 2, height: float = 2.2, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Open a figure with several panels, in rows of two, so that it is no wider than a page.

    `figure, (left, right) = panels(2, sharey=True)` stand side by side; with `columns=1`, one
    above the other.

    Args:
        count: how many panels.
        columns: panels in a row.
        height: of each row, in inches.
        **options: what else `plt.subplots` takes, such as `sharey=True`.

    Returns:
        The figure and its `count` panels, row by row.

    Raises:
        ValueError: if `count` or `columns` is below 1.
    """
    if count < 1 or columns < 1:
        raise ValueError(f"count and columns must be at least 1, got {count} and {columns}")
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(COLUMN, rows * height), squeeze=False, **options
    )
    shown = list(axes.flat)
    for spare in shown[count:]:
        spare.remove()
    return figure, shown[:count]


def show_images(
    images: Tensor, titles: Sequence[str] | None = None, columns: int = 5, size: float = 1.0
) -> Figure:
    """Lay images out in rows, each with its title.

    Args:
        images: uint8 (N, C, H, W), C = 1 (grey) or 3 (RGB).
        titles: one for each image, or None. A title too long for its image is broken into lines.
        columns: images in a row. A telephone has room for about five with titles.
        size: side of an image, in inches; smaller where the row would be wider than a page.

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
    size = min(size, COLUMN / columns)
    titles = [_wrap(title, size) for title in titles or []]
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size, rows * (size + lines * _line_height())),
        squeeze=False,
    )
    for axis in axes.flat:
        axis.axis("off")
    for position, image in enumerate(images.cpu()):
        axis = axes.flat[position]
        pixels = image.permute(1, 2, 0).numpy()
        axis.imshow(pixels if image.shape[0] == 3 else pixels[..., 0], vmin=0, vmax=255)
        if titles:
            axis.set_title(titles[position], pad=2)
    return figure


def _line_height() -> float:
    """Return the height of a line of text, in inches."""
    return float(1.3 * plt.rcParams["font.size"] / 72)


def _inches(text: str) -> float:
    """Return about how wide a text is, in inches, before there is a figure to measure it in."""
    return float(0.58 * len(text) * plt.rcParams["font.size"] / 72)


def _wrap(text: str, width: float) -> str:
    """Break a text into lines that are about so many inches wide."""
    letters = max(3, int(width / _inches("x")))
    return "\n".join(
        part for line in text.splitlines() for part in textwrap.wrap(line, letters) or [""]
    )


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Return the mean of each value with up to `window` - 1 before it: no value looks ahead."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / (last - first)


def seed_dots(ax: Axes, arms: Mapping[str, Sequence[float]], confidence: float = 0.95) -> None:
    """Draw a dot for every run, and the mean of each arm with its confidence interval.

    Args:
        ax: where to draw; the results lie along x, the arms from top to bottom. If it is alone in
            its figure, the figure grows until each row is as high as its text.
        arms: the result of each run, by arm.
        confidence: level of the interval (Student's t over the runs of one arm).
    """
    for row, values in enumerate(arms.values()):
        _draw_seeds(ax, row, values)
        if len(values) > 1:
            margin = stats.sem(values) * stats.t.ppf((1 + confidence) / 2, len(values) - 1)
            ax.errorbar(
                np.mean(values), row + BELOW, xerr=margin, fmt="D", color=RED, ms=5, capsize=4
            )
    _name_rows(ax, list(arms))


ABOVE, BELOW = -0.14, 0.2
"""Where in its row the seeds lie, and the mean: parts of a row, from its middle."""


@dataclass(frozen=True)
class Mark:
    """How a verdict looks: a form as well as a colour, for whoever does not see colours.

    Args:
        form: matplotlib's name of the marker.
        colour: of the marker and its interval.
        filled: whether it is solid.
    """

    form: str
    colour: str
    filled: bool = True


MARKS: Mapping[Word, Mark] = {
    "helps": Mark("^", GREEN),
    "hurts": Mark("v", RED),
    "no difference seen": Mark("o", GREY, filled=False),
    "makes no difference": Mark("s", BLUE),
    "depends": Mark("D", PURPLE),
    "differs": Mark("D", "black"),
}


def difference_dots(
    ax: Axes,
    differences: Mapping[str, Difference | Finding],
    *,
    seeds: bool = True,
    numbers: bool = True,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw paired differences: the mean of each with its interval, its seeds, and zero.

    The marker of the mean has the form and the colour of its verdict, which a line below the
    figure explains. Where the metric says which differences are too small to matter, a grey band
    shows them: an interval inside of it "makes no difference".

    Args:
        ax: where to draw; shares are shown in points. If it is alone in its figure, the figure
            grows until each row is as high as its text.
        differences: what was found for each arm, by what to call it; the first is on top. All have
            the same unit.
        seeds: whether to draw a dot for every seed.
        numbers: whether to write the mean to the right of its row, with the interval if there is
            room for it.
        limits: ends of the axis. What lies outside of them is drawn as an arrow at the end. By
            default everything has room.

    Raises:
        ValueError: if there is no difference, or they have several units.
    """
    gaps = [g.difference if isinstance(g, Finding) else g for g in differences.values()]
    units = sorted({gap.metric.unit for gap in gaps})
    if len(units) != 1:
        raise ValueError(f"expected differences in one unit, got {units}")
    metric = gaps[0].metric
    if metric.smallest:
        reach = metric.scale * metric.smallest
        ax.axvspan(-reach, reach, color=GREY, alpha=0.15, lw=0, zorder=0)
    ax.axvline(0, color="black", lw=1, zorder=1)
    for row, gap in enumerate(gaps):
        _draw_difference(ax, row, gap, seeds)
    if limits:
        ax.set_xlim(limits)
        _point_outside(ax, gaps, limits)
    names = _name_rows(ax, list(differences), least=0.3 if seeds else 0.2)
    if _is_alone(ax):
        if numbers:
            _write_numbers(ax, gaps, room=0.62 * COLUMN - names)
        if len({gap.metric for gap in gaps}) == 1:
            ax.set_xlabel(_wrap(_axis_of(metric), COLUMN - names))
    _explain_marks(_figure_of(ax), {gap.verdict for gap in gaps})


def _axis_of(metric: Metric) -> str:
    unit = f" ({metric.unit})" if metric.unit else ""
    better = {"higher": "; more is better", "lower": "; less is better", None: ""}[metric.better]
    return f"difference in {metric.label}{unit}{better}"


def _draw_seeds(ax: Axes, row: int, values: Sequence[float] | np.ndarray) -> None:
    spread = np.linspace(-0.1, 0.1, len(values)) if len(values) > 1 else np.zeros(len(values))
    ax.plot(values, row + ABOVE + spread, "o", color=BLUE, alpha=0.45, ms=4, mew=0)


def _draw_difference(ax: Axes, row: int, gap: Difference, seeds: bool) -> None:
    scale, mark = gap.metric.scale, MARKS[gap.verdict]
    if seeds:
        _draw_seeds(ax, row, scale * np.asarray(gap.values))
    if not np.isfinite([gap.mean, gap.low, gap.high]).all():
        return  # too many runs diverged: there is nothing to draw, and the number says so
    ax.errorbar(
        scale * gap.mean,
        row + (BELOW if seeds else 0),
        xerr=scale * np.asarray([[gap.mean - gap.low], [gap.high - gap.mean]]),
        fmt=mark.form,
        color=mark.colour,
        mfc=mark.colour if mark.filled else "white",
        ms=7,
        capsize=4,
    )


def _point_outside(ax: Axes, gaps: Sequence[Difference], limits: tuple[float, float]) -> None:
    """Draw an arrow at the end of the axis for each mean that lies beyond it."""
    low, high = limits
    for row, gap in enumerate(gaps):
        mean = gap.metric.scale * gap.mean
        if low <= mean <= high or not np.isfinite(mean):
            continue
        end, form = (low, "<") if mean < low else (high, ">")
        inside = end + 0.02 * (high - low) * (1 if end == low else -1)
        ax.plot(inside, row, form, color=MARKS[gap.verdict].colour, ms=9)


def _name_rows(ax: Axes, names: Sequence[str], least: float = 0.3) -> float:
    """Write the names to the left of their rows, and return the room they take, in inches.

    Args:
        ax: where to draw.
        names: of the rows, from the top.
        least: height of a row, in inches, however short its name.
    """
    width = 0.36 * COLUMN
    labels = [_wrap(name, width) for name in names]
    ax.set_yticks(range(len(names)), labels)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    if _is_alone(ax):
        figure = _figure_of(ax)
        lines = max((label.count("\n") + 1 for label in labels), default=1)
        # A row has its lines, or dots above an interval; the axis below takes four lines more.
        needed = len(names) * max(lines * _line_height() + 0.05, least) + 4 * _line_height()
        figure.set_figheight(max(figure.get_figheight(), needed))
    return max((_inches(line) for label in labels for line in label.split("\n")), default=0.0)


def _figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes that were removed from theirs are not drawn on
    return figure


def _is_alone(ax: Axes) -> bool:
    return _figure_of(ax).axes == [ax]


def _write_numbers(ax: Axes, gaps: Sequence[Difference], room: float) -> None:
    """Write each mean to the right of its row, and the interval if `room`, in inches, is enough."""
    for digits in (1, 2, 3):
        # "+0.0" would hide on which side of zero an end lies.
        texts = [_in_words(gap, digits) for gap in gaps]
        if not any("0." + digits * "0" in text for text in texts):
            break
    if _inches(max(texts, key=len)) > room:
        texts = [text.split(" [")[0] for text in texts]
    for row, text in enumerate(texts):
        ax.annotate(text, (1, row), (6, 0), ("axes fraction", "data"), "offset points", va="center")


def _in_words(gap: Difference, digits: int) -> str:
    if not np.isfinite([gap.mean, gap.low, gap.high]).all():
        return f"{max(gap.diverged, gap.diverged_baseline)} diverged"
    mean, low, high = (
        f"{gap.metric.scale * value:+.{digits}f}".replace("-", "−")
        for value in (gap.mean, gap.low, gap.high)
    )
    return f"{mean} [{low}, {high}]"


def _explain_marks(figure: Figure, verdicts: Collection[Word]) -> None:
    """Say below the figure what the markers mean; panels of one figure share the explanation."""
    told = set(verdicts)
    for old in list(figure.legends):
        told |= {word for word in MARKS if word in [text.get_text() for text in old.get_texts()]}
        old.remove()
    handles = [
        Line2D(
            [],
            [],
            ls="none",
            marker=mark.form,
            color=mark.colour,
            ms=7,
            label=word,
            mfc=mark.colour if mark.filled else "white",
        )
        for word, mark in MARKS.items()
        if word in told
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, handletextpad=0.2)


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
    one picture is drawn again and again, and says which epoch it is; the page keeps the last.

    Args:
        title: what stands above the curves.
        show: "loss" for the mean training loss of each epoch, or a metric of the evaluations
            ("accuracy", "nll", "ece"), for runs with `evaluate="every epoch"`.
    """

    def __init__(self, title: str = "", show: str = "loss"):
        self.title, self.show = title, show
        self.curves: dict[str, list[float]] = {}
        self._display: Any = None
        self._now: tuple[int, int] | None = None

    def of(self, name: str) -> Callable[[History], None]:
        """Return what `fit` calls after every epoch of the run called `name`."""

        def watch(history: History) -> None:
            self.curves[name] = self._values(history)
            self._now = self._epoch_of(history)
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

    @staticmethod
    def _epoch_of(history: History) -> tuple[int, int] | None:
        """Return which epoch of how many has ended; None after the last, or outside of `fit`.

        From here on the figure says how far the run is, and its bar goes.
        """
        bar = running()
        if bar is None:
            return None
        bar.hide()
        done, epochs = (
            steps // history.steps_per_epoch for steps in (len(history.loss), bar.total)
        )
        return (done, epochs) if done < epochs else None

    def draw(self) -> Figure:
        """Draw the curves so far."""
        figure, ax = plt.subplots()
        for name, values in self.curves.items():
            ax.plot(range(1, len(values) + 1), values, "o-", label=name)
        ax.set(xlabel="epoch", title=self.title)
        if self._now:
            done, epochs = self._now
            ax.set_xlabel(f"epoch {done} of {epochs}")
            ax.set_xlim(0.5, epochs + 0.5)  # the curve grows into the room that it will need
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
