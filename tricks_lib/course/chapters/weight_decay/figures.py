"""The pictures of chapter 14, and the small computations behind them.

Chapter: notebooks/14_weight_decay.ipynb
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from tricks_lib.course.tables import folded, table
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, panels
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import StudyResult
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe

from .study import DECAYS, NORMS, RATES, length, scale_free, tried

__all__ = [
    "WAYS",
    "best_rate",
    "dose",
    "draw_grid",
    "draw_in_short",
    "draw_lengths",
    "draw_recorded_lengths",
    "draw_two_weights",
    "draw_valley",
    "folded",
    "length",
    "lengths",
    "of_recipe",
    "regression",
    "scale_free",
    "scaled",
    "table",
    "two_weights",
    "valley",
]

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
COLOURS = (GREY, BLUE, GREEN, ORANGE, PURPLE)


def draw_in_short() -> Figure:
    """Draw a weight of 0.8 that nothing pushes back, under L2 and under L1, over 30 steps."""
    figure, ax = plt.subplots(figsize=(5, 2.9))
    steps = np.arange(31)
    shrunk, moved = 0.8 * 0.95**steps, np.maximum(0.8 - 0.05 * steps, 0)
    ax.plot(steps, shrunk, color=BLUE)
    ax.plot(steps, moved, color=ORANGE, linestyle="--")
    ax.plot([1, 14], 0.8 * 0.95 ** np.array([1, 14]), "o", color=BLUE)
    ax.plot([16], [0], "o", color=ORANGE)
    ax.annotate("a share: 5 % of itself", (14, 0.8 * 0.95**14), (12, 0.52), color=BLUE)
    ax.annotate("an amount: 0.05", (2, 0.06), color=ORANGE)
    ax.set(xlabel="step", ylabel="weight", ylim=(-0.03, 0.85))
    return figure


# --- What a penalty does to a minimum ---

STEEP, FLAT = 1.0, 0.1
"""The curvatures of the valley along its two axes."""

BOTTOM = 0.8
"""Both coordinates of its minimum."""


def valley(penalty: str, strength: float) -> tuple[float, float]:
    """Return the minimum of the valley with a penalty: of the steep weight, and of the flat one.

    Args:
        penalty: "L2" adds strength/2 · w² for each weight, "L1" strength · |w|.
        strength: at least 0.
    """
    if penalty == "L2":
        steep, flat = (curve * BOTTOM / (curve + strength) for curve in (STEEP, FLAT))
    else:
        steep, flat = (max(BOTTOM - strength / curve, 0.0) for curve in (STEEP, FLAT))
    return steep, flat


def draw_valley(penalty: str, strength: float) -> Figure:
    """Draw the valley from above, its minimum, and where the penalty puts it."""
    figure, ax = plt.subplots(figsize=(4.4, 3.6))
    steep, flat = np.meshgrid(np.linspace(-0.1, 1.2, 200), np.linspace(-0.1, 1.6, 200))
    loss = 0.5 * STEEP * (steep - BOTTOM) ** 2 + 0.5 * FLAT * (flat - BOTTOM) ** 2
    levels = [0.002, 0.01, 0.03, 0.07, 0.15, 0.3]
    ax.contour(steep, flat, loss, levels=levels, colors=GREY, linewidths=0.8)
    strengths = np.concatenate([np.linspace(0, 0.2, 200), np.geomspace(0.2, 100, 200)])
    path = np.array([valley(penalty, one) for one in strengths])
    ax.plot(*path.T, color=BLUE if penalty == "L2" else ORANGE, linestyle=":")
    ax.plot(BOTTOM, BOTTOM, "+", color="black", markersize=12)
    ax.plot(
        *valley(penalty, strength), "o", color=BLUE if penalty == "L2" else ORANGE, markersize=9
    )
    ax.axhline(0, color="black", linewidth=0.8)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.grid(False)
    ax.set(xlabel="weight in the steep direction", ylabel="weight in the flat one")
    return figure


# --- Two weights under Adam ---

WAYS = ("L2 in SGD", "L2 in Adam", "AdamW")
"""What pulls the two weights of the picture."""

NOISES = {"large gradients": 1.0, "small gradients": 0.01}
"""Standard deviation of the gradient of each weight; its mean is 0: the loss needs neither."""

STEPS, SLOW = 2000, 1e-3


def two_weights(way: str, decay: float, seed: int = 0) -> Tensor:
    """Follow two weights that begin at 0.8, whose gradients are noise, float (2, steps + 1).

    Args:
        way: one of `WAYS`. With SGD the learning rate is 0.01 and there is no momentum.
        decay: strength λ.
        seed: fixes the noise.
    """
    weights = torch.full((2,), 0.8, dtype=torch.float64, requires_grad=True)
    if way == "L2 in SGD":
        optimizer: torch.optim.Optimizer = torch.optim.SGD([weights], 0.01, weight_decay=decay)
    elif way == "L2 in Adam":
        optimizer = torch.optim.Adam([weights], SLOW, weight_decay=decay)
    else:
        optimizer = torch.optim.AdamW([weights], SLOW, weight_decay=decay)
    draws = torch.Generator().manual_seed(seed)
    sizes = torch.tensor(list(NOISES.values()), dtype=torch.float64)
    noise = torch.randn(STEPS, 2, generator=draws, dtype=torch.float64) * sizes
    path = [weights.detach().clone()]
    for gradient in noise:
        weights.grad = gradient.clone()
        optimizer.step()
        path.append(weights.detach().clone())
    return torch.stack(path, 1)


def draw_two_weights(way: str, decay: float) -> Figure:
    """Draw what becomes of both weights."""
    figure, ax = plt.subplots(figsize=(5, 3))
    styles = ((ORANGE, "-"), (BLUE, "--"))
    for path, name, (colour, style) in zip(two_weights(way, decay), NOISES, styles, strict=True):
        ax.plot(path.numpy(), color=colour, linestyle=style, label=name)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="step", ylabel="weight", ylim=(-0.6, 1.6), xlim=(0, STEPS))
    ax.legend(loc="upper right")
    return figure


# --- The length of the weights ---


def lengths(run: Run) -> list[float]:
    """Return the length of the scale-free weights after each epoch of a run."""
    return [length(scale_free(network)) for network in run.snapshots.values()]


def draw_lengths(runs: Mapping[str, Run], data: Data) -> Figure:
    """Draw the length of the convolutions' weights, and the test accuracy, after each epoch."""
    figure, axes = panels(2, height=2.8)
    for (name, run), colour, style in zip(runs.items(), (GREY, BLUE), STYLES, strict=False):
        epochs = list(run.snapshots)
        axes[0].plot(epochs, lengths(run), color=colour, linestyle=style, label=name)
        seen = [100 * evaluate(network, data).accuracy for network in run.snapshots.values()]
        axes[1].plot(epochs, seen, color=colour, linestyle=style, label=name)
    axes[0].set(title="length of the weights", xlabel="epoch", ylim=(0, None))
    axes[1].set(title="test accuracy in %", xlabel="epoch")
    axes[0].legend()
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return figure


def draw_recorded_lengths(recorded: StudyResult, arms: Sequence[str]) -> Figure:
    """Draw the mean length of the scale-free weights after each epoch, of several arms."""
    figure, ax = plt.subplots(figsize=(5, 3.2))
    for arm, colour, style in zip(arms, COLOURS, STYLES, strict=False):
        curves = np.array(list(recorded.values(arm, NORMS).values()))
        epochs = range(1, curves.shape[1] + 1)
        ax.plot(epochs, curves.mean(0), color=colour, linestyle=style, label=arm)
    ax.set(xlabel="epoch", ylabel="length of the weights", ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=1)
    return figure


# --- The grids ---


def dose(decay: float, rates: Sequence[float], momentum: float = 0.0) -> float:
    """Return by how many powers of e a run shrinks a weight that the loss does not need: the sum of
    the learning rates of all steps, times the strength, over 1 - momentum."""
    return sum(rates) * decay / (1 - momentum)


def best_rate(searched: StudyResult, way: str, decay: float) -> float:
    """Return the learning rate with the highest mean validation accuracy, for a strength."""
    return max(RATES[way], key=lambda lr: searched.mean(tried(way, decay, lr)))


def grid(searched: StudyResult, way: str) -> np.ndarray:
    """Return the mean validation accuracy in %, a row for each strength, a column for each
    learning rate. Adam without decay is the first row of both of its grids."""
    rows = [("Adam, L2", 0.0)] if way == "AdamW" else []
    rows += [(way, decay) for decay in DECAYS[way]]
    return np.array(
        [[100 * searched.mean(tried(of, decay, lr)) for lr in RATES[way]] for of, decay in rows]
    )


def draw_grid(searched: StudyResult, way: str) -> Figure:
    """Draw the grid of one way to decay, a number in each field, the best of each row bold."""
    values = grid(searched, way)
    decays = ((0.0,) if way == "AdamW" else ()) + tuple(DECAYS[way])
    figure, ax = plt.subplots(figsize=(4.6, 3.2))
    every = np.concatenate([grid(searched, one).ravel() for one in DECAYS])
    low, high = np.nanquantile(every, 0.1), np.nanmax(every)
    ax.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    for row, numbers in enumerate(values):
        for column, number in enumerate(numbers):
            best = number == np.nanmax(numbers)
            dark = number < low + 0.6 * (high - low)
            ax.text(
                column,
                row,
                f"{number:.1f}",
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontweight="bold" if best else "normal",
            )
    ax.grid(False)
    ax.set_xticks(range(len(RATES[way])), [f"{lr:g}" for lr in RATES[way]])
    ax.set_yticks(range(len(decays)), [f"{decay:g}" for decay in decays])
    ax.set(xlabel="learning rate", ylabel="decay")
    return figure


# --- Proofs ---


def of_recipe(recipe: Recipe, images: int, decay: float, momentum: float = 0.9) -> float:
    """Return the dose of a recipe with SGD, for a number of training images."""
    steps = images // recipe.batch_size
    times = (step / steps for step in range(recipe.epochs * steps))
    return dose(decay, [recipe.lr * recipe.schedule(t) for t in times], momentum)


def scaled(scale: float, steps: int = 20) -> tuple[Tensor, Tensor]:
    """Train a convolution before batch normalisation from weights that are `scale` times as large,
    with `scale`² times the learning rate and the decay over `scale`².

    Returns:
        What the network answers in the end, and the weights over the scale: the same for every
        scale, if the derivation is right.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=1e-15), nn.Flatten()]
        x, y = torch.randn(16, 1, 6, 6).double(), torch.randn(16, 64).double()
    network = nn.Sequential(*layers).double()
    weight: nn.Parameter = network[0].weight  # type: ignore[assignment]
    with torch.no_grad():
        weight.mul_(scale)
    optimizer = torch.optim.SGD([weight], 0.05 * scale**2, 0.9, weight_decay=0.1 / scale**2)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(network(x), y).backward()
        optimizer.step()
    return network(x).detach(), weight.detach() / scale


def regression(
    make: Callable[[list[Tensor]], torch.optim.Optimizer],
    penalty: float = 0.0,
    shrink: float = 0.0,
    steps: int = 50,
) -> Tensor:
    """Return the weights of softmax regression after some steps, float64 (5, 3).

    Args:
        make: a list of parameters -> an optimizer.
        penalty: strength of an L2 penalty in the loss.
        shrink: share that is taken off the weights before every step.
        steps: how many.
    """
    draws = torch.Generator().manual_seed(0)
    weights = torch.randn(5, 3, dtype=torch.float64, generator=draws).requires_grad_()
    x = torch.randn(40, 5, dtype=torch.float64, generator=draws)
    optimizer = make([weights])
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weights, torch.arange(40) % 3)
        (loss + penalty / 2 * weights.square().sum()).backward()
        with torch.no_grad():
            weights.mul_(1 - shrink)
        optimizer.step()
    return weights.detach()
