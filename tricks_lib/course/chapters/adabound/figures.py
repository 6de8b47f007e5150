"""The pictures of chapter 04, and the learning rates that they show.

Chapter: notebooks/04_adabound.ipynb
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, RED, panels
from tricks_lib.lab.landscape import snapshots
from tricks_lib.lab.study import StudyResult
from tricks_lib.optimizers import AdaBound
from tricks_lib.optimizers.adabound import bounds
from tricks_lib.schedules import constant

from .study import GROUPS, recipe

__all__ = [
    "MOMENTS",
    "clipped",
    "draw_authors",
    "draw_bounds",
    "draw_clip",
    "draw_in_short",
    "draw_rates",
    "draw_shares",
    "draw_tries",
    "rates_on_the_way",
]

LIMIT = 0.1
"""The limit in all pictures of a run: the authors' `final_lr`."""

MOMENTS = (1, 3, 10, 30, 100, 200, 300)
"""After how many steps a run is looked at."""

Rates = tuple[Tensor, Tensor, Tensor]
"""Adam's learning rate of each weight, and the two bounds."""


def rates_on_the_way(data: Data, steps: Collection[int], gamma: float) -> dict[int, Rates]:
    """Train with AdaBound, as published but for the speed, and a constant learning rate.

    Args:
        data: what to train on.
        steps: after how many steps to look.
        gamma: how fast the bounds close in.

    Returns:
        What `AdaBound.rates()` says after each of these steps.
    """
    built: list[AdaBound] = []

    def build(model: nn.Module, lr: float) -> AdaBound:
        built.append(AdaBound(model.parameters(), lr, gamma=gamma, weight_decay=5e-4))
        return built[-1]

    run = replace(recipe(build, lr=1e-3), schedule=constant())
    return {step: built[0].rates() for step, _, _ in snapshots(run, data, steps)}


def clipped(rates: Rates) -> tuple[float, float]:
    """Return the shares of the weights that the clip pushes up, and holds back."""
    rate, lower, upper = rates
    return (rate < lower).float().mean().item(), (rate > upper).float().mean().item()


def draw_in_short() -> Figure:
    """Draw the two bounds, and what they make of three learning rates that Adam might give."""
    figure, ax = plt.subplots(figsize=(5, 3.4))
    times = np.geomspace(1, 1e5, 301)
    lower, upper = np.transpose([bounds(t, LIMIT, 1e-3) for t in times])
    ax.fill_between(times, lower, upper, color=GREY, alpha=0.2, lw=0)
    ax.loglog(times, upper, color=ORANGE, label="upper bound")
    ax.loglog(times, lower, color=RED, label="lower bound")
    for rate in (1.0, 0.02, 0.002):
        ax.plot(times, np.clip(rate, lower, upper), color=BLUE, lw=1.4)
        ax.plot(times, np.full_like(times, rate), ":", color=BLUE, lw=1)
        ax.annotate(f"{rate:g}", (1.15, rate * 1.2), color=BLUE)
    ax.axhline(LIMIT, color="black", lw=0.8, ls="--")
    ax.set(xlabel="step", ylabel="learning rate of a weight", ylim=(1e-4, 1e2), xlim=(1, 1e5))
    ax.legend(loc="upper right")
    return figure


def draw_rates(rates: Tensor, marks: Mapping[str, float]) -> Figure:
    """Draw how the learning rates of all weights are spread.

    Args:
        rates: one for each weight.
        marks: values to mark, by what they are called.
    """
    figure, ax = plt.subplots(figsize=(5, 3.0))
    ax.hist(rates.log10().clamp(-3, 2), bins=100, color=BLUE)
    top = ax.get_ylim()[1]
    for name, value in marks.items():
        ax.axvline(math.log10(value), color="black", lw=0.8)
        ax.text(math.log10(value), 1.02 * top, name, ha="center")
    ax.set(xlabel="learning rate of a weight", ylabel="weights", xlim=(-3, 2))
    ax.set_xticks(range(-3, 3), ["0.001", "0.01", "0.1", "1", "10", "100"])
    return figure


def draw_clip(rates: Rates, step: int) -> None:
    """Draw the learning rates at a step, and what is out of bounds.

    Args:
        rates: what the run had after that step.
        step: after which it was.
    """
    rate, lower, upper = (values.log10().clamp(-4, 3) for values in rates)
    up, back = clipped(rates)
    ax = plt.gca()
    ax.hist(rate, bins=torch.linspace(-4, 3, 141).tolist(), color=BLUE)
    ax.axvspan(-4, lower[0].item(), color=RED, alpha=0.25, lw=0)
    ax.axvspan(upper[0].item(), 3, color=ORANGE, alpha=0.25, lw=0)
    ax.axvline(math.log10(LIMIT), color="black", lw=0.8, ls="--")
    ax.set(xlabel="learning rate of a weight", ylabel="weights", xlim=(-4, 3), ylim=(0, 8000))
    ax.set_xticks(range(-4, 4), ["", "0.001", "0.01", "0.1", "1", "10", "100", ""])
    ax.set_title(f"step {step}: {up:.0%} pushed up, {back:.0%} held back")


def draw_shares(seen: Mapping[float, Mapping[int, Rates]]) -> Figure:
    """Draw the share of the weights that is clipped, over the steps.

    Args:
        seen: what runs had on the way, by the speed of their bounds and by step.
    """
    figure, ax = plt.subplots(figsize=(5, 3.2))
    for (gamma, run), style in zip(seen.items(), ("-", "--"), strict=True):
        shares = np.array([clipped(rates) for rates in run.values()])
        for column, (what, colour) in enumerate({"pushed up": RED, "held back": ORANGE}.items()):
            label = f"{what}, γ = {gamma:g}"
            ax.semilogx([*run], shares[:, column], style, marker="o", color=colour, label=label)
    ax.set(xlabel="step", ylabel="share of the weights", ylim=(0, 1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def draw_bounds(gamma: float, final_lr: float) -> None:
    """Draw the bounds over a long run.

    Args:
        gamma: how fast they close in.
        final_lr: the limit.
    """
    times = np.geomspace(1, 1e5, 201)
    lower, upper = np.transpose([bounds(t, final_lr, gamma) for t in times])
    ax = plt.gca()
    ax.fill_between(times, lower, upper, color=GREY, alpha=0.25, lw=0)
    ax.loglog(times, upper, color=ORANGE, label="upper bound")
    ax.loglog(times, lower, color=RED, label="lower bound")
    ax.axhline(final_lr, ls="--", color="black", lw=0.8, label=f"SGD at {final_lr / 10:g}")
    ax.set(xlabel="step", ylabel="learning rate", ylim=(1e-4, 1e3), xlim=(1, 1e5))
    ax.legend(loc="upper right")


def draw_tries(searched: StudyResult) -> Figure:
    """Draw the validation accuracy of all tries, in a row for each optimizer.

    Args:
        searched: the recorded search.
    """
    figure, ax = plt.subplots(figsize=(5, 2.6))
    for row, (name, tries) in enumerate(GROUPS.items()):
        means = [100 * searched.mean(arm) for arm in tries]
        ax.plot(means, [row] * len(means), "o", alpha=0.6, label=name)
    ax.set_yticks(range(len(GROUPS)), [*GROUPS])
    ax.set(xlabel="validation accuracy of a try (%)", ylim=(2.5, -0.5))
    return figure


AUTHORS = {
    "SGD": (92.64, 94.64),
    "Adam": (92.27, 92.96),
    "AMSGrad": (93.18, 93.27),
    "AdaGrad": (92.66, 92.66),
    "AdaBound": (94.86, 95.03),
    "AMSBound": (94.82, 94.82),
}
"""Test accuracy in %, in the last and in the best epoch, ResNet-34 on CIFAR-10: from the curves
that are stored with the code of Luo et al. 2019. `claims.py` holds the table of the page."""


def draw_authors() -> Figure:
    """Draw the last and the best epoch of the authors' runs of a ResNet-34."""
    figure, (ax,) = panels(1, height=2.8)
    for row, (last, best) in enumerate(AUTHORS.values()):
        ax.plot([last, best], [row, row], color=GREY, lw=2, zorder=1)
        ax.plot(best, row, "o", color=GREEN, mfc="white", label="best epoch" if not row else None)
        ax.plot(last, row, "o", color=BLUE, label="last epoch" if not row else None)
    ax.set_yticks(range(len(AUTHORS)), [*AUTHORS])
    ax.invert_yaxis()
    ax.set(xlabel="test accuracy (%), ResNet-34, one run each")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure
