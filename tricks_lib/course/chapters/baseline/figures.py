"""The pictures of chapter 00.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from tricks_lib.lab.figures import BLUE, GREY, ORANGE, RED, panels
from tricks_lib.lab.study import StudyResult

__all__ = ["draw_interval", "interval", "two_recipes"]


def interval(trick: np.ndarray, baseline: np.ndarray, paired: bool) -> tuple[float, float, float]:
    """Return mean and 95 % interval of a difference, seed by seed or ignoring the pairs."""
    gap = trick.mean() - baseline.mean()
    if paired:
        found = stats.ttest_rel(trick, baseline).confidence_interval(0.95)
    else:
        found = stats.ttest_ind(trick, baseline, equal_var=False).confidence_interval(0.95)
    return float(gap), float(found.low), float(found.high)


def two_recipes(result: StudyResult, arm: str) -> Figure:
    """Draw two arms seed by seed, each pair joined by a line, and below them the differences with
    their interval."""
    base, trick = (
        100 * np.array([result.values(one)[seed] for seed in result.seeds])
        for one in (result.baseline, arm)
    )
    figure, (above, below) = panels(2, columns=1, height=1.7)
    rows = np.linspace(-0.12, 0.12, len(base))
    above.plot([base, trick], [rows, 1 + rows], color=GREY, lw=0.7, alpha=0.6)
    for row, (values, colour) in enumerate(((base, BLUE), (trick, ORANGE))):
        above.plot(values, row + rows, "o", color=colour, ms=5)
    above.set_yticks([0, 1], ["baseline", arm.replace(" learning", "\nlearning")])
    above.set(ylim=(1.45, -0.45), xlabel="test accuracy (%)")
    gaps = trick - base
    mean, low, high = interval(trick, base, paired=True)
    below.axvline(0, color="black", lw=1)
    below.plot(gaps, -0.25 + rows, "o", color=BLUE, alpha=0.5, ms=5)
    below.errorbar(mean, 0.25, xerr=[[mean - low], [high - mean]], fmt="D", color=RED, capsize=5)
    below.set_yticks([-0.25, 0.25], ["each seed", "mean, 95 %\ninterval"])
    below.set(ylim=(0.6, -0.6), xlabel="difference (points)")
    for ax in (above, below):
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", length=0)
    return figure


def draw_interval(pairs: Mapping[str, np.ndarray], seeds: int, kind: str, limits: tuple) -> None:
    """Draw the differences of the first seeds with one of the two intervals.

    Args:
        pairs: accuracies in % of "trick" and "baseline", in the order of the seeds.
        seeds: how many of them.
        kind: "paired" or "unpaired".
        limits: ends of the axis.
    """
    trick, base = (pairs[name][:seeds] for name in ("trick", "baseline"))
    mean, low, high = interval(trick, base, kind == "paired")
    apart = low > 0 or high < 0
    ax = plt.gca()
    ax.axvline(0, color="black", lw=1)
    ax.plot(trick - base, np.full(seeds, -0.2), "o", color=BLUE, alpha=0.5)
    colour = "black" if apart else GREY
    ax.errorbar(mean, 0.2, xerr=[[mean - low], [high - mean]], fmt="D", color=colour, capsize=5)
    ax.set(xlim=limits, ylim=(0.6, -0.6), yticks=[], xlabel="difference in accuracy (points)")
    ax.set_title(f"{seeds} seeds, {kind}: {'a difference' if apart else 'none seen'}")
