"""Figures and tables of notebooks/19_together.ipynb.

Chapter: notebooks/19_together.ipynb
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tricks_lib.augment import Compose, identity
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.study import StudyResult
from tricks_lib.mix import keep
from tricks_lib.ops.written import written
from tricks_lib.recipe import Recipe

from . import study as setting

__all__ = [
    "BAG_OF_TRICKS",
    "RETRAINED",
    "SOURCES",
    "TORCHVISION",
    "Stage",
    "draw_built_up",
    "draw_noise",
    "draw_pair",
    "draw_pairs",
    "draw_pipeline",
    "draw_so_far",
    "draw_time",
    "gains",
    "inside",
    "reach",
    "stages",
]

BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#808080"

# --- What a recipe applies, in order ---


@dataclass(frozen=True)
class Stage:
    """A thing that a recipe does, and what to.

    Args:
        to: what it is done to, in a word or two.
        text: the value in the slot, as text.
        step: what changes images, or images and targets; None for what does neither.
    """

    to: str
    text: str
    step: Callable[..., Any] | None = None


def flat(augment: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the steps of an augmentation, with those of a `Compose` one by one."""
    if augment == identity:
        return []
    if isinstance(augment, Compose):
        return [step for part in augment.steps for step in flat(part)]
    return [augment]


def stages(recipe: Recipe) -> list[Stage]:
    """Return everything that a recipe applies in one training step, in the order in which `fit`
    applies it, read off the recipe's slots.

    Args:
        recipe: any recipe.
    """
    found = [Stage("images", written(step), step) for step in flat(recipe.augment)]
    found.append(Stage("images", "normalise: mean 0, deviation 1"))
    if recipe.mix != keep:
        found.append(Stage("images and targets", written(recipe.mix), recipe.mix))
    found += [
        Stage("network", written(recipe.model)),
        Stage("loss", written(recipe.objective)),
        Stage("step", f"{written(recipe.optimizer)}, lr={recipe.lr:g}"),
        Stage("learning rate", written(recipe.schedule)),
    ]
    return found


def shorter(text: str, width: int = 30) -> str:
    """Break a text into lines at commas and brackets, for a narrow column."""
    lines, line = [], ""
    for piece in text.replace(", ", ",\0").replace("(", "(\0").split("\0"):
        if line and len(line) + len(piece) > width:
            lines.append(line.strip())
            line = ""
        line += piece + (" " if piece.endswith(",") else "")
    return "\n".join([*lines, line.strip()])


def draw_pipeline(recipe: Recipe, seed: int = 3) -> Figure:
    """Draw everything that a recipe applies, in order, on four photographs of 32×32 pixels.

    What changes images is shown on the images; the rest is told.

    Args:
        recipe: any recipe whose augmentation takes colour images of this size.
        seed: of what is drawn at random.
    """
    told, images = stages(recipe), photographs(32)
    mean = images.float().mean(dim=(0, 2, 3)) / 255
    bind = getattr(recipe.augment, "with_mean", None)
    bound = iter(flat(bind(mean) if bind else recipe.augment))
    figure = plt.figure(figsize=(5, 0.78 * (len(told) + 1)), layout="none")
    grid = figure.add_gridspec(len(told) + 1, 8, width_ratios=(*[1.0] * 4, 0.1, 1.6, 1.6, 1.6))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _row(figure, grid, 0, "as stored: 0 to 255", "images", images)
        for row, stage in enumerate(told, start=1):
            shown: Tensor | None = None
            if stage.to == "images":
                images = next(bound)(images) if stage.step else images
                shown = images
            elif stage.step:
                mixed, rows = stage.step(images.float(), torch.eye(len(images)))
                shown = mixed.round().clamp(0, 255).to(torch.uint8)
                weights = " ".join(f"{weight:.2f}" for weight in rows[0])
                _row(figure, grid, row, f"{stage.text}\nfirst target: {weights}", stage.to, shown)
                continue
            _row(figure, grid, row, stage.text, stage.to, shown)
    figure.subplots_adjust(left=0.02, right=0.99, top=0.99, bottom=0.01, hspace=0.12, wspace=0.06)
    return figure


def _row(
    figure: Figure, grid: Any, row: int, text: str, to: str, images: Tensor | None = None
) -> None:
    if images is not None:
        for place, image in enumerate(images):
            ax = figure.add_subplot(grid[row, place])
            ax.imshow(image.permute(1, 2, 0).numpy())
            ax.set_axis_off()
    else:
        ax = figure.add_subplot(grid[row, :4])
        ax.set_axis_off()
        ax.text(0.98, 0.5, f"{to}  →", ha="right", va="center", color=GREY, fontsize=10)
    ax = figure.add_subplot(grid[row, 5:])
    ax.set_axis_off()
    parts = text.split("\n")
    ax.text(0, 0.5, "\n".join(shorter(part) for part in parts), va="center", fontsize=8.5)


# --- The recipe built up, and taken apart ---


def means(result: StudyResult, arms: Sequence[str], metric: str = "accuracy") -> list[float]:
    """Return recorded means of shares, in per cent."""
    return [100 * result.mean(arm, metric) for arm in arms]


def draw_built_up(results: Mapping[str, StudyResult]) -> Figure:
    """Draw the accuracy of the recipe as it grows, at several lengths.

    Args:
        results: runs of `built_up`, or of some of its arms, by what to call their length.
    """
    arms = [*setting.built_up()]
    figure, axes = plt.subplots(1, 2, figsize=(5, 3.6), sharey=True)
    panels = (("accuracy", "test images"), ("train_accuracy", "training images"))
    for ax, (metric, title) in zip(axes, panels, strict=True):
        for colour, (name, result) in zip((ORANGE, BLUE, GREEN), results.items(), strict=False):
            rows = [row for row, arm in enumerate(arms) if arm in result.runs]
            line = "o-" if len(rows) == len(arms) else "s:"  # between the others nothing was run
            shown = [arms[row] for row in rows]
            ax.plot(means(result, shown, metric), rows, line, color=colour, label=name)
            if metric == "accuracy":
                for row, arm in zip(rows, shown, strict=True):
                    seeds = [100 * value for value in result.values(arm, metric).values()]
                    ax.plot(seeds, [row] * len(seeds), ".", color=colour, alpha=0.35, ms=4)
        ax.set(title=title, xlabel="right (%)")
    axes[0].set_yticks(range(len(arms)), arms)
    axes[0].invert_yaxis()
    lines, names = axes[1].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize=8)
    return figure


@cache
def recorded(name: str) -> StudyResult:
    """Load the record of a plan of the chapter once, by the plan's name in `study.py`."""
    result: StudyResult = getattr(setting, name).recorded()
    return result


def draw_so_far(tricks: int, epochs: int) -> Figure:
    """Draw which tricks a recipe has, and what it reaches.

    Args:
        tricks: how many of `ORDER`, from the first.
        epochs: `SHORT` or `LONG`.
    """
    result = recorded({setting.SHORT: "BUILT_SHORT", setting.LONG: "PLAN"}[epochs])
    arm = [*setting.built_up()][tricks]
    figure, (left, right) = plt.subplots(1, 2, figsize=(5, 2.6), width_ratios=(1, 1.3))
    left.set_axis_off()
    for row, name in enumerate(setting.ORDER):
        on = row < tricks
        left.text(
            0,
            1 - (row + 0.5) / len(setting.ORDER),
            f"{'■' if on else '□'} {name}",
            va="center",
            color="black" if on else GREY,
        )
    names = ("training images", "test images")
    shown = [*means(result, [arm], "train_accuracy"), *means(result, [arm])]
    seeds = [100 * value for value in result.values(arm).values()]
    right.barh(names, shown, color=(GREY, BLUE), height=0.55)
    for row, (value, end) in enumerate(zip(shown, (shown[0], max(seeds)), strict=True)):
        right.text(end + 2, row, f"{value:.1f} %", va="center")
    right.plot(seeds, [1] * len(seeds), "k.", ms=4)
    right.set(xlim=(0, 118), xlabel="right (%)", xticks=(0, 50, 100))
    right.set_title(f"{epochs} epochs")
    return figure


# --- Pairs ---


def draw_pair(first: str, second: str) -> Figure:
    """Draw two regularisers alone and together, beside the sum of their gains.

    Args:
        first: one of `REGULARISERS`.
        second: another, or the same one: then it stands alone.
    """
    result = recorded("PAIRS")
    figure, ax = plt.subplots(figsize=(5, 2.5))
    if first == second:
        arms = {"none": setting.NONE, first: first}
    else:
        one, two = sorted((first, second), key=setting.REGULARISERS.index)
        arms = {"none": setting.NONE, first: first, second: second}
        arms["both"] = setting.pair(one, two)
    shown = {name: 100 * result.mean(arm) for name, arm in arms.items()}
    total = shown[first] + shown.get(second, 0) - shown["none"] if "both" in shown else 0
    for row, (name, value) in enumerate(shown.items()):
        seeds = [100 * v for v in result.values(arms[name]).values()]
        ax.plot(seeds, [row] * len(seeds), "k.", ms=3)
        ax.plot([value], [row], "o", color=BLUE if name == "both" else GREY, ms=9, alpha=0.8)
        end = max(*seeds, total) if name == "both" else max(seeds)
        ax.text(end + 0.5, row, f"{value:.1f} %", va="center")
    if "both" in shown:
        ax.plot([total, total], [2.6, 3.4], color=RED, lw=2)
        ax.set_title(f"red: both gains added, {total:.1f} %", fontsize=10)
    else:
        ax.set_title("choose two different ones", fontsize=10)
    ax.set_yticks(range(len(shown)), [*shown])
    ax.set(xlabel="test accuracy (%)", xlim=(27, 50), ylim=(3.6, -0.6))
    return figure


def draw_pairs(result: StudyResult) -> Figure:
    """Draw the gains of six regularisers in the diagonal, and the interactions of all pairs
    below it, in points; a star where the simultaneous interval leaves zero out.

    Args:
        result: runs of `PAIRS`.
    """
    names, count = setting.REGULARISERS, len(setting.REGULARISERS)
    found = np.full((count, count), np.nan)
    texts = {}
    alone = result.differences(arms=names)
    for row, name in enumerate(names):
        found[row, row] = 100 * alone[name].mean
        star = "*" if alone[name].low > 0 or alone[name].high < 0 else ""
        texts[row, row] = f"{found[row, row]:+.1f}{star}"
    for first, second in setting.PAIRS_OF:
        gap = setting.interaction(result, first, second)
        row, column = names.index(second), names.index(first)
        found[row, column] = 100 * gap.mean
        star = "*" if gap.low > 0 or gap.high < 0 else ""
        texts[row, column] = f"{found[row, column]:+.1f}{star}"
    figure, ax = plt.subplots(figsize=(5, 4.4))
    largest = float(np.nanmax(np.abs(found)))
    ax.imshow(found, cmap="RdBu", vmin=-1.4 * largest, vmax=1.4 * largest)
    for (row, column), text in texts.items():
        weight = "bold" if row == column else "normal"
        ax.text(column, row, text, ha="center", va="center", weight=weight, fontsize=9)
    ax.set_xticks(range(count), names, rotation=40, ha="right")
    ax.set_yticks(range(count), names)
    ax.grid(visible=False)
    return figure


# --- Time ---


def draw_time(plans: Sequence[str], arms: Mapping[str, str]) -> Figure:
    """Draw the test accuracy on the way through a run, the mean over the seeds, a panel for each
    study.

    Args:
        plans: their names in `study.py`.
        arms: what to call each arm, by its name; those that a study has are drawn.
    """
    figure, axes = plt.subplots(1, len(plans), figsize=(5, 3), sharey=True, squeeze=False)
    colours = dict(zip(arms, (GREY, ORANGE, BLUE, GREEN, RED), strict=False))
    for ax, plan in zip(axes[0], plans, strict=True):
        result, recipes = recorded(plan), getattr(setting, plan).recipes
        for arm in [arm for arm in arms if arm in result.runs]:
            at, curve = over_time(result, arm, recipes[arm].epochs)
            shown = [100 * value for value in curve]
            ax.plot(at, shown, "o-", color=colours[arm], label=arms[arm])
        ax.set(xlabel="epochs", title=f"runs of {max(at)} epochs")
    axes[0, 0].set_ylabel("test accuracy (%)")
    axes[0, 0].legend(fontsize=8)
    return figure


def over_time(result: StudyResult, arm: str, epochs: int) -> tuple[list[int], list[float]]:
    """Return the epochs at which a run was looked at, and the mean test accuracy there, as a
    share."""
    curves = result.values(arm, "curve").values()
    on_the_way = [fmean(values) for values in zip(*curves, strict=True)]
    return [*setting.marks(epochs), epochs], [*on_the_way, result.mean(arm)]


# --- The noise at the scale of published recipes ---

TORCHVISION = {
    "as it was": 76.130,
    "learning rate": 76.494,
    "TrivialAugment": 76.806,
    "600 epochs": 78.606,
    "Random Erasing": 78.796,
    "label smoothing": 79.114,
    "mixup": 79.232,
    "CutMix": 79.510,
    "weight decay": 80.036,
    "FixRes": 80.196,
    "averaged weights": 80.450,
    "size at inference": 80.674,
}
"""torchvision's recipe for ResNet-50 on ImageNet, step by step, best of three runs, accuracy in
per cent."""

BAG_OF_TRICKS = {
    "as it was": 77.16,
    "cosine decay": 77.91,
    "label smoothing": 78.31,
    "distillation": 78.67,
    "mixup besides": 79.29,
}
"""Bag of Tricks, table 6, ResNet-50-D on ImageNet, accuracy in per cent."""

RETRAINED = {step: value for step, value in TORCHVISION.items() if step != "size at inference"}
"""The steps of torchvision's recipe that need a new run, each with a chance of its own."""

SOURCES = {"torchvision": RETRAINED, "Bag of Tricks": BAG_OF_TRICKS}

BEST_OF = {1: 1.0, 2: math.sqrt(1 - 1 / math.pi), 3: 0.7480}
"""Standard deviation of the best of so many normal numbers, in that of one."""


def gains(table: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each step of a table is above the one before, in points."""
    values = [*table.values()]
    return {
        name: round(after - before, 3)
        for name, before, after in zip([*table][1:], values, values[1:], strict=False)
    }


def reach(deviation: float, best_of: int = 1) -> float:
    """Return how far two results of the same recipe lie apart in 95 % of all cases.

    Args:
        deviation: standard deviation of one run, in points.
        best_of: runs of which the best is reported, 1 to 3.
    """
    return 1.96 * math.sqrt(2) * BEST_OF[best_of] * deviation


def inside(table: Mapping[str, float], deviation: float, best_of: int = 1) -> list[str]:
    """Return the steps of a table that are no larger than what chance alone does."""
    least = reach(deviation, best_of)
    return [name for name, gain in gains(table).items() if abs(gain) < least]


def draw_noise(deviation: float, table: str) -> Figure:
    """Draw the steps of a published recipe before the band of what chance alone does.

    Args:
        deviation: standard deviation of one run, in points.
        table: one of `SOURCES`.
    """
    best_of = 3 if table == "torchvision" else 1
    steps, least = gains(SOURCES[table]), reach(deviation, best_of)
    figure, ax = plt.subplots(figsize=(5, 3.4))
    hidden = inside(SOURCES[table], deviation, best_of)
    colours = [GREY if name in hidden else BLUE for name in steps]
    ax.barh([*steps], [*steps.values()], color=colours, height=0.65)
    ax.axvspan(0, least, color=ORANGE, alpha=0.25, lw=0)
    ax.invert_yaxis()
    ax.set(xlabel="gain of the step (points)", xlim=(0, 1.9))
    ax.set_title(f"{len(hidden)} of {len(steps)} steps lie inside the band", fontsize=10)
    return figure
