"""The pictures of chapter 20, and what is computed from its record.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from tricks_lib.course.standing.comparisons import SETTINGS, result
from tricks_lib.lab.figures import BLUE, GREY, ORANGE, difference_dots
from tricks_lib.lab.study import Difference, StudyResult
from tricks_lib.practice.enough import variances

from .study import NONE, PART

__all__ = [
    "ELSEWHERE",
    "by_part",
    "choosing",
    "draw_all",
    "draw_elsewhere",
    "draw_half_widths",
    "elsewhere",
    "errors",
    "half_width",
]

ELSEWHERE = {
    "adabound": "AdaBound",
    "autoaugment": "AutoAugment",
    "color": "colour shift",
    "cutout": "Cutout",
    "decay": "cosine decay",
    "dropout": "dropout",
    "early_stopping": "early stopping",
    "initialization": "He",
    "label_smoothing": "label smoothing",
    "linear_scaling": "large batches, scaled",
    "mixup": "Mixup, α = 0.2",
    "random_erasing": "Random Erasing",
    "ricap": "RICAP",
    "warmup": "warmup",
}
"""What the standing settings call the same trick; their strengths differ where the card of its
chapter says so. Crop and mirror stand in the baseline of *colour*, and are not among these."""


# --- What the record says ---


def by_part(recorded: StudyResult, arm: str) -> np.ndarray:
    """Return the differences to the baseline in points, for each seed and each part of the test
    images: (seeds, parts)."""
    return 100 * (_parts(recorded, arm) - _parts(recorded, NONE))


def _parts(recorded: StudyResult, arm: str) -> np.ndarray:
    return _all_of(recorded, arm, "parts")


def _all_of(recorded: StudyResult, arm: str, name: str) -> np.ndarray:
    """Return a figure of every run of an arm, in the order of the seeds."""
    runs = recorded.runs[arm]
    return np.array([(runs[seed] or {})[name] for seed in sorted(runs)])


def errors(recorded: StudyResult, arm: str) -> tuple[float, float, float]:
    """Return the parts of which a difference on one hundred test images consists, in points: how
    far it moves with the seed, with the images, and with what one seed does on these images. They
    are standard deviations, from an analysis of variance of seeds and parts.

    Args:
        recorded: the study.
        arm: which is compared with the baseline.
    """
    of_seeds, of_images, of_both = variances(by_part(recorded, arm))
    return math.sqrt(of_seeds), math.sqrt(of_images), math.sqrt(of_both)


def half_width(of_seeds: float, of_images: float, of_both: float, seeds: int, images: int) -> float:
    """Return half of the 95 % interval of a difference, in points, for other seeds and images.

    Args:
        of_seeds: how far a difference moves with the seed, in points: see `errors`.
        of_images: how far with the images, one hundred of them.
        of_both: how far with what one seed does on one hundred images.
        seeds: how many seeds there will be.
        images: how many test images.
    """
    variance = of_seeds**2 / seeds + (of_images**2 + of_both**2 / seeds) * PART / images
    return float(stats.t.ppf(0.975, seeds - 1)) * math.sqrt(variance)


def choosing(recorded: StudyResult) -> dict[str, tuple[float, float]]:
    """Choose the best arm by one hundred images, and look at it on all the others.

    Returns:
        By who chose: the accuracy that is reported, and that on other test images, in per cent, on
        average over the seeds and parts. Where all seeds choose together, by their mean on
        validation images, one arm is chosen once.
    """
    parts = np.stack([_parts(recorded, arm) for arm in recorded.runs])  # arms, seeds, parts
    validation = np.stack([_all_of(recorded, arm, "validation_accuracy") for arm in recorded.runs])
    count = parts.shape[2]
    reported, others, chosen, after = [], [], [], []
    for seed in range(parts.shape[1]):
        best = validation[:, seed].argmax()
        chosen.append(validation[best, seed])
        after.append(parts[best, seed].mean())
        for part in range(count):
            best = parts[:, seed, part].argmax()
            reported.append(parts[best, seed, part])
            rest = parts[best, seed].sum() - parts[best, seed, part]
            others.append(rest / (count - 1))
    together = validation.mean(axis=1).argmax()
    return {
        "100 test images, one seed": (100 * float(np.mean(reported)), 100 * float(np.mean(others))),
        "60 validation images, one seed": (
            100 * float(np.mean(chosen)),
            100 * float(np.mean(after)),
        ),
        "60 validation images, ten seeds": (
            100 * float(validation[together].mean()),
            100 * float(parts[together].mean()),
        ),
    }


def elsewhere(recorded: StudyResult, setting: str) -> dict[str, tuple[float, float]]:
    """Return, by trick, its difference here and in a standing setting, in points."""
    other = result(setting)
    if other is None:
        raise ValueError(f"{setting} is not recorded")
    return {
        trick: (
            100 * recorded.difference(trick).mean,
            100 * other.difference(name).mean,
        )
        for trick, name in ELSEWHERE.items()
        if name in other.runs
    }


# --- Pictures ---


def draw_all(recorded: StudyResult, limits: tuple[float, float] = (-11, 6)) -> Figure:
    """Draw the difference of every arm, the best on top, with simultaneous intervals."""
    gaps = recorded.differences()
    order = sorted(gaps, key=lambda arm: -gaps[arm].mean)
    figure, ax = plt.subplots(figsize=(5, 5.6))
    difference_dots(ax, {_told(arm): gaps[arm] for arm in order}, seeds=False, limits=limits)
    return figure


def _told(arm: str) -> str:
    """Return an arm's name as words."""
    return arm.replace("_", " ").replace("+", " + ")


def draw_half_widths(recorded: StudyResult, arm: str, seeds: int, images: int) -> None:
    """Draw half of the interval against the number of seeds, for so many test images."""
    apart = errors(recorded, arm)
    counts = np.arange(2, 31)
    ax = plt.gca()
    for number, color, style in ((100, ORANGE, "--"), (300, GREY, "-."), (2000, BLUE, "-")):
        widths = [half_width(*apart, int(n), number) for n in counts]
        ax.plot(counts, widths, style, color=color, label=f"{number:,} test images")
    here = half_width(*apart, seeds, images)
    ax.plot([seeds], [here], "o", color="black")
    ax.annotate(f"± {here:.1f} points", (seeds, here), (6, 8), textcoords="offset points")
    gap: Difference = recorded.difference(arm)
    ax.axhline(abs(100 * gap.mean), color="black", lw=1, ls=":")
    ax.set(ylim=(0, 12), xlabel="seeds", ylabel="half of the interval, points")
    ax.legend()


def draw_elsewhere(recorded: StudyResult, settings: Sequence[str] = SETTINGS) -> Figure:
    """Draw the difference of each trick here against that in the standing settings."""
    figure, axes = plt.subplots(1, len(settings), figsize=(7, 3.4), sharey=True)
    for ax, setting in zip(axes, settings, strict=True):
        pairs = np.array([*elsewhere(recorded, setting).values()])
        ax.axhline(0, color=GREY, lw=1)
        ax.axvline(0, color=GREY, lw=1)
        ax.plot(pairs[:, 1], pairs[:, 0], "o", color=BLUE)
        ax.set(xlabel=f"points in {setting}")
    axes[0].set_ylabel("points in the folder")
    return figure
