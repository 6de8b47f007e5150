"""The figures of notebooks/01_warmup.ipynb.

Chapter: notebooks/01_warmup.ipynb
"""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tricks_lib.lab.figures import BLUE, GREY, panels
from tricks_lib.lab.study import StudyResult
from tricks_lib.protocols import Schedule
from tricks_lib.schedules import constant_warmup, gradual_warmup, linear_decay

from .study import CURVATURE, EPOCHS, HASTY, HELD, LARGE, LOOKS, WARM, WORKERS

__all__ = [
    "beginnings",
    "curvature_on_the_way",
    "draw_parabola",
    "draw_schedules",
    "first_steps",
    "steps_of",
]

MOMENTUM = 0.9
PER_EPOCH = 15
"""Large batches in an epoch of the study."""


def tolerated(rate: float, momentum: float = MOMENTUM) -> float:
    """Return the largest curvature at which a learning rate is stable."""
    return 2 * (1 + momentum) / rate if rate > 0 else math.inf


def three_beginnings(length: float) -> dict[str, Schedule]:
    """Return the schedules of no, constant and gradual warmup over so many epochs."""
    then = linear_decay(EPOCHS - length)
    return {
        "none": constant_warmup(length, start=1.0, then=then),
        "constant": constant_warmup(length, start=1 / WORKERS, then=then),
        "gradual": gradual_warmup(length, start=1 / WORKERS, then=then),
    }


def beginnings() -> Figure:
    """Draw the learning rates of the three beginnings over the steps of the study."""
    figure, ax = plt.subplots()
    times = np.linspace(0, EPOCHS, 16 * EPOCHS * PER_EPOCH + 1)
    styles = {"none": ":", "constant": "--", "gradual": "-"}
    for name, schedule in three_beginnings(1).items():
        rates = [LARGE.lr * schedule(time) for time in times]
        ax.plot(times * PER_EPOCH, rates, styles[name], label=name)
    ax.axvspan(0, PER_EPOCH, color=GREY, alpha=0.12, lw=0)
    ax.annotate("warmup", (PER_EPOCH / 2, 1.75), ha="center")
    ax.set(xlabel="step", ylabel="learning rate", ylim=(0, 1.95), xlim=(0, EPOCHS * PER_EPOCH))
    ax.legend()
    return figure


def first_steps(result: StudyResult, arm: str = HASTY, count: int = 30) -> Figure:
    """Draw the training loss of the first steps of every recorded run of an arm."""
    curves = np.array([curve[:count] for curve in result.values(arm, "loss").values()])
    figure, ax = plt.subplots()
    ax.plot(curves.T, color=BLUE, alpha=0.15, lw=1)
    ax.plot(np.median(curves, axis=0), color="black", label="median of the runs")
    ax.axhline(math.log(10), ls="--", color=GREY, label="guessing: log 10")
    ax.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, 6))
    ax.legend()
    return figure


def draw_parabola(share: float, momentum: float) -> None:
    """Follow one direction of a parabola of curvature 1 for 40 steps.

    Args:
        share: learning rate as a share of the largest stable one.
        momentum: of the optimizer.
    """
    rate = share * tolerated(1.0, momentum)
    w, v, path = 1.0, 0.0, [1.0]
    for _ in range(40):
        v = momentum * v + w
        w = w - rate * v
        path.append(w)
    plt.plot(path, "o-", ms=3)
    plt.gca().set(xlabel="step", ylabel="distance from the minimum", ylim=(-3, 3))
    plt.title("stable" if share < 1 else "unstable")


def draw_schedules(epochs: float, target: float) -> None:
    """Draw the three beginnings, and the curvature that each tolerates at every time.

    Args:
        epochs: length of the warmup.
        target: full learning rate.
    """
    figure = plt.gcf()
    figure.set_figheight(4.2)
    above, below = figure.subplots(2, 1, sharex=True)
    times = np.linspace(0, EPOCHS, 401).tolist()
    for name, schedule in three_beginnings(epochs).items():
        rates = [target * schedule(time) for time in times]
        above.plot(times, rates, label=name)
        below.semilogy(times, list(map(tolerated, rates)), label=name)
    above.set(ylabel="learning rate", ylim=(0, 3.4))
    below.set(xlabel="epoch", ylabel="tolerated\ncurvature", ylim=(0.5, 500))
    above.legend()


def curvature_on_the_way(result: StudyResult) -> Figure:
    """Draw the measured curvature of every run beside what the learning rate tolerates."""
    figure, axes = panels(3, columns=3, height=3.4, sharey=True)
    titles = {HASTY: "none", HELD: "constant", WARM: "gradual"}
    for ax, (arm, title) in zip(axes, titles.items(), strict=True):
        _draw_curvature(ax, result, arm)
        ax.set_title(title)
    axes[0].set_ylabel("largest curvature")
    axes[1].set_xlabel("step")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_curvature(ax: Axes, result: StudyResult, arm: str) -> None:
    recipe = CURVATURE.recipes[arm]
    steps = np.linspace(0, LOOKS[-1], 400)
    bound = [tolerated(recipe.lr * recipe.schedule(step // 1 / PER_EPOCH)) for step in steps]
    ax.semilogy(steps, bound, "--", color=GREY, label="tolerated")
    found = np.array(list(result.values(arm, "curvature").values()))
    ax.semilogy(LOOKS, found.T, color=BLUE, alpha=0.25, lw=1)
    ax.semilogy(LOOKS, np.median(found, axis=0), "o-", color=BLUE, ms=4, label="measured (median)")
    ax.axvline(PER_EPOCH, color="black", lw=0.8)


def steps_of(runs: dict[str, list[float]]) -> Figure:
    """Draw the training loss of every step of some runs, with a line where the warmup ends."""
    figure, ax = plt.subplots()
    for name, loss in runs.items():
        ax.plot(loss, label=name)
    ax.axvline(PER_EPOCH, color="black", lw=0.8)
    ax.set(xlabel="step", ylabel="training loss (nats)")
    ax.legend()
    return figure
