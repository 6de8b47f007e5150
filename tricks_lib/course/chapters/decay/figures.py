"""The pictures of chapter 03, and the noisy parabola of its derivation.

Chapter: notebooks/03_decay.ipynb
"""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tricks_lib.course.standing.comparisons import result
from tricks_lib.course.tables import folded, table
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, panels, smooth
from tricks_lib.lab.study import ACCURACY, Difference, StudyResult, paired_difference
from tricks_lib.lab.train import Run
from tricks_lib.protocols import Schedule
from tricks_lib.schedules import (
    constant,
    cosine_decay,
    cosine_restarts,
    gradual_warmup,
    linear_decay,
    step_decay,
)

from .study import EPOCHS, FIFTHS, SHAPES, TENTHS, arm

__all__ = [
    "EXPLORED",
    "after",
    "draw_after_the_drop",
    "draw_apart",
    "draw_by_epoch",
    "draw_explored",
    "draw_in_short",
    "draw_restarts",
    "draw_rises_again",
    "draw_walk",
    "floor",
    "folded",
    "noisy_parabola",
    "share_of_averaging",
    "table",
]

COLOURS = {"constant": GREY, TENTHS: ORANGE, "linear": GREEN, "cosine": BLUE, FIFTHS: PURPLE}
"""One colour for each shape, in all pictures."""

STYLES = {"constant": "--", TENTHS: "-", "linear": "-.", "cosine": "-", FIFTHS: ":"}


# --- The shapes ---


def draw_in_short() -> Figure:
    """Draw the learning rate of four shapes over a run of 10 epochs that starts at 0.1."""
    figure, ax = plt.subplots(figsize=(5, 3.2))
    shapes: dict[str, Schedule] = {
        "constant": constant(),
        TENTHS: step_decay((5, 7.5)),
        "linear": linear_decay(10),
        "cosine": cosine_decay(10),
    }
    times = np.linspace(0, 10, 1001)
    for name, schedule in shapes.items():
        rates = [0.1 * schedule(time) for time in times]
        ax.plot(times, rates, STYLES[name], color=COLOURS[name], label=name)
    ax.plot(
        [2.5, 5, 7.5], [0.1 * cosine_decay(10)(time) for time in (2.5, 5, 7.5)], "o", color=BLUE
    )
    ax.set(xlabel="epochs", ylabel="learning rate", ylim=(-0.003, 0.128))
    ax.legend(ncols=4, loc="upper center", columnspacing=1.0, handlelength=1.6)
    return figure


def draw_apart() -> Figure:
    """Draw cosine and line over one run, with the gap between them where it is widest."""
    figure, ax = plt.subplots(figsize=(5, 2.6))
    shares = np.linspace(0, 1, 1001)
    cosine, line = (1 + np.cos(np.pi * shares)) / 2, 1 - shares
    ax.plot(shares, line, STYLES["linear"], color=GREEN, label="linear")
    ax.plot(shares, cosine, color=BLUE, label="cosine")
    for widest in (np.argmax(cosine - line), np.argmin(cosine - line)):
        ax.plot([shares[widest]] * 2, [line[widest], cosine[widest]], color="black", lw=2.5)
    ax.set(xlabel="share of the run", ylabel="factor")
    ax.legend()
    return figure


def draw_rises_again(theirs: Sequence[float], ours: Sequence[float]) -> Figure:
    """Draw the learning rate of each step for PyTorch's cosine and the course's, beyond its end.

    Args:
        theirs: of PyTorch's scheduler.
        ours: of the schedule.
    """
    figure, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(theirs, color=ORANGE, label="CosineAnnealingLR(T_max=90)")
    ax.plot(ours, "--", color=BLUE, label="cosine_decay(90)")
    ax.set(xlabel="step", ylabel="learning rate", ylim=(-0.003, 0.128))
    ax.legend(loc="upper center")
    return figure


# --- The problem ---


def draw_after_the_drop(runs: Mapping[str, Run], epochs: int) -> Figure:
    """Draw the training loss of each step, smoothed over half an epoch, and when the drop comes.

    Args:
        runs: by name.
        epochs: after how many the drop comes.
    """
    figure, ax = plt.subplots()
    for (name, run), colour in zip(runs.items(), (GREY, ORANGE), strict=True):
        loss = smooth(run.history.loss, window=run.history.steps_per_epoch // 2)
        ax.plot(np.arange(len(loss)) / run.history.steps_per_epoch, loss, color=colour, label=name)
    ax.axvline(epochs, color="black", lw=0.8)
    ax.set(xlabel="epochs", ylabel="training loss (nats)", ylim=(0, 1.3))
    ax.legend()
    return figure


# --- The noisy parabola ---


def noisy_parabola(rates: Iterable[float], weights: int = 10_000, start: float = 1.0) -> np.ndarray:
    """Follow many weights down a parabola of curvature 1, each with noise of its own.

    Args:
        rates: learning rate of each step.
        weights: how many.
        start: where all of them start; the minimum is at 0.

    Returns:
        Where they are before the first step and after each, float (steps + 1, weights).
    """
    draws = np.random.default_rng(1)
    path = [np.full(weights, start)]
    for rate in rates:
        path.append(path[-1] - rate * (path[-1] + draws.standard_normal(weights)))
    return np.stack(path)


def floor(rate: float) -> float:
    """Return the mean square at which a constant learning rate ends: the boxed formula for a
    curvature and a noise of 1."""
    return rate / (2 - rate)


def draw_walk() -> Figure:
    """Draw how one weight walks at a large learning rate, at a small one, and at one that falls,
    with the band in which the floor says that it should be."""
    figure, axes = panels(3, columns=1, height=1.35, sharex=True, sharey=True)
    steps = 150
    for ax, title, rates in zip(
        axes,
        ("η = 0.5: soon there, and then restless", "η = 0.02: calm, and slow", "η falls from 0.5"),
        ([0.5] * steps, [0.02] * steps, [0.5 * cosine_decay(steps)(n) for n in range(steps)]),
        strict=True,
    ):
        ax.plot(noisy_parabola(rates, weights=1, start=4.0)[:, 0], color=BLUE, lw=1.2)
        if rates[-1] == rates[0]:
            reach = floor(rates[0]) ** 0.5
            ax.axhspan(-reach, reach, color=ORANGE, alpha=0.3, lw=0)
        ax.axhline(0, color="black", lw=0.8)
        ax.set_title(title)
    axes[-1].set_xlabel("step")
    figure.supylabel("weight")
    return figure


STEPS = 200
"""Length of a run in the figure that moves."""

EXPLORED: dict[str, Schedule] = {
    "constant": constant(),
    "step": step_decay((STEPS / 2, 3 * STEPS / 4)),
    "linear": linear_decay(STEPS),
    "cosine": cosine_decay(STEPS),
    "warmup + cosine": gradual_warmup(20, then=cosine_decay(STEPS - 20)),
    "restarts, 4 equal": cosine_restarts(STEPS / 4),
    "restarts, doubling": cosine_restarts(STEPS / 15, multiplier=2),
}
"""The shapes of the figure that moves."""


def draw_explored(shape: str, rate: float) -> Figure:
    """Draw a shape, and the mean square distance of 2,000 weights from the minimum.

    Args:
        shape: a name of `EXPLORED`.
        rate: learning rate at the start.
    """
    figure, (above, below) = panels(2, columns=1, height=2.0, sharex=True)
    rates = [rate * EXPLORED[shape](step) for step in range(STEPS)]
    above.plot(rates, color=BLUE)
    above.set(ylim=(0, 1.25 * rate), ylabel="learning rate")
    above.set_title(f"mean: {sum(rates) / STEPS / rate:.2f} of the start")
    below.semilogy((noisy_parabola(rates, weights=2000) ** 2).mean(1), color=BLUE)
    below.axhline(floor(rate), ls="--", color=GREY, label="floor of a constant learning rate")
    below.set(xlabel="step", ylabel="mean square", ylim=(1e-3, 8))
    below.legend(loc="upper right")
    return figure


# --- The record ---


def by_epoch(recorded: StudyResult, name: str) -> dict[int, list[float]]:
    """Return the test accuracy after each epoch, for each seed of an arm."""
    return recorded.values(name, "accuracy_by_epoch")


def after(
    recorded: StudyResult, epochs: int, name: str, baseline: str, comparisons: int = 1
) -> Difference:
    """Return by how much an arm is ahead of another after so many epochs.

    Args:
        recorded: the study.
        epochs: counted from the start.
        name: the arm.
        baseline: the other.
        comparisons: how many are read together.
    """
    ours, theirs = (
        {seed: curve[epochs - 1] for seed, curve in by_epoch(recorded, one).items()}
        for one in (name, baseline)
    )
    return paired_difference(ACCURACY, ours, theirs, comparisons=comparisons)


def share_of_averaging(setting: str) -> float:
    """Return which part of the cosine's gain on a constant learning rate averaging has as well.

    Args:
        setting: a standing setting.
    """
    found = result(setting)
    assert found is not None, f"{setting} is not recorded"
    constant_rate, averaged, cosine = (
        found.mean(name)
        for name in (
            "constant learning rate",
            "constant learning rate, averaged",
            "cosine decay",
        )
    )
    return (averaged - constant_rate) / (cosine - constant_rate)


def draw_by_epoch(recorded: StudyResult) -> Figure:
    """Draw the test accuracy after each epoch of the runs, as the mean over the seeds.

    Args:
        recorded: the study.
    """
    figure, ax = plt.subplots(figsize=(5, 3.4))
    for shape in SHAPES:
        mean = 100 * np.mean(list(by_epoch(recorded, arm(shape)).values()), axis=0)
        (drawn,) = ax.plot(range(1, EPOCHS + 1), mean, STYLES[shape], marker="o", ms=3.5)
        drawn.set(color=COLOURS[shape], label=shape)
    ax.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(60, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
    return figure


def draw_restarts() -> Figure:
    """Draw three equal periods and four that double, over 15 epochs."""
    figure, axes = panels(2, columns=1, height=1.5, sharex=True, sharey=True)
    times = np.linspace(0, EPOCHS, 1501)[:-1]
    for ax, schedule, ends in zip(
        axes,
        (cosine_restarts(5), cosine_restarts(1, multiplier=2)),
        ((5, 10, 15), (1, 3, 7, 15)),
        strict=True,
    ):
        ax.plot(times, [schedule(time) for time in times], color=BLUE)
        ax.plot(ends, [0] * len(ends), "o", color=ORANGE, clip_on=False, zorder=3)
        lengths = np.diff((0, *ends))
        ax.set_title(" + ".join(map(str, lengths)) + " epochs")
    axes[-1].set_xlabel("epochs")
    figure.supylabel("factor")
    return figure
