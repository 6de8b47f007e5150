"""The pictures and tables of chapter 02, and the noise of a batch's gradient.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from collections.abc import Sequence
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, panels
from tricks_lib.lab.study import Difference, StudyResult

from . import study as setting

__all__ = [
    "behind_the_best",
    "draw_best",
    "draw_explored",
    "draw_in_short",
    "draw_noise",
    "draw_same_rate",
    "draw_steps",
    "draw_warmup",
    "gradients_by_image",
    "rules_against_the_best",
    "squared_distance",
]

COLOURS = {"kept": GREY, "square root": ORANGE, "linear": BLUE}
"""One colour for each rule, in all pictures."""

STYLES = {"kept": ":", "square root": "--", "linear": "-."}


# --- Before the record ---


def draw_in_short() -> Figure:
    """Draw sixteen small steps one after the other, and one step of each rule below."""
    figure, ax = plt.subplots(figsize=(5, 2.6))
    rows = ["batches of 32:\n16 steps", "512, kept", "512, square root", "512, linear"]
    for step in range(16):
        ax.annotate("", (step + 1, 3), (step, 3), arrowprops=_arrow("black"))
    for row, (rule, times) in enumerate(
        reversed([(rule, factor(16)) for rule, factor in setting.RULES.items()])
    ):
        ax.annotate("", (times, row), (0, row), arrowprops=_arrow(COLOURS[rule]))
        ax.text(times + 0.3, row, f"{times:g} ×", va="center")
    ax.set(xlim=(0, 18.5), ylim=(-0.6, 3.6), xlabel="way, in small steps")
    ax.set_yticks(range(4), reversed(rows))
    ax.grid(visible=False)
    return figure


def _arrow(colour: str) -> dict[str, object]:
    return {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "lw": 1.8}


def draw_steps(k: int, step: float) -> None:
    """Draw 48 small steps down a parabola, and a large one for each k of them.

    Args:
        k: how many small steps a large one replaces.
        step: learning rate times curvature of a small one.
    """
    small = [(1 - step) ** i for i in range(49)]
    large = [(1 - k * step) ** i for i in range(48 // k + 1)]
    ax = plt.gca()
    ax.plot(range(49), small, ".-", color="black", label="small steps")
    ax.plot(range(0, 49, k), large, "s-", color=BLUE, label=f"one for each {k}")
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set(xlabel="small batches seen", ylabel="distance", ylim=(-1.5, 1.3))
    ax.set_title(f"k · learning rate · curvature = {k * step:g}")
    ax.legend(loc="upper right")


# --- The noise of a gradient ---


def gradients_by_image(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of each image's loss, one a row.

    Args:
        model: a network without batch normalisation, which ties the images of a batch together.
        images: float (N, C, H, W).
        labels: classes (N,).

    Shape: float (N, P), for P parameters.
    """

    def loss_of(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(model, weights, (image[None],))
        return F.cross_entropy(logits, label[None])

    weights = {name: value.detach() for name, value in model.named_parameters()}
    by_image = vmap(partial(grad(loss_of), weights), chunk_size=64)
    return torch.cat([part.flatten(1) for part in by_image(images, labels).values()], dim=1)


def squared_distance(rows: Tensor, size: int, generator: torch.Generator, draws: int = 80) -> float:
    """Return the mean squared distance of a batch's gradient from that of all images.

    Args:
        rows: the gradient of each image, float (N, P).
        size: images in a batch, drawn without repetition.
        generator: draws them.
        draws: how many batches.
    """
    deviations = rows - rows.mean(dim=0)
    picks = torch.rand(draws, len(rows), generator=generator).argsort(dim=1)[:, :size]
    weights = torch.zeros(draws, len(rows)).scatter_(1, picks, 1 / size).to(rows.device)
    return (weights @ deviations).square().sum(dim=1).mean().item()


def draw_noise(sizes: Sequence[int], measured: Sequence[float], predicted: Sequence[float]):
    """Draw the squared distance against the batch size, both axes logarithmic.

    Args:
        sizes: batch sizes that were measured.
        measured: mean squared distance of each.
        predicted: what the formula says of a batch of 1, 2, 3, … images.
    """
    figure, ax = plt.subplots()
    ax.loglog(range(1, len(predicted) + 1), predicted, color=BLUE, label="predicted")
    ax.loglog(sizes, measured, "o", color=ORANGE, label="measured, 80 batches each")
    ax.set(xlabel="batch size", ylabel="squared distance")
    ax.legend()
    return figure


# --- The record ---


def _curve(recorded: StudyResult, name: str) -> np.ndarray:
    """Return the training loss over a run, as the mean over the seeds."""
    return np.mean(list(recorded.values(name, "loss").values()), axis=0)


def draw_same_rate(recorded: StudyResult, lr: float) -> Figure:
    """Draw the training loss of batches of 32 and of 512 at one learning rate, over the images seen
    and over the steps.

    Args:
        recorded: the study.
        lr: the learning rate.
    """
    figure, axes = panels(2, columns=1, height=1.9, sharey=True)
    seen = setting.IMAGES * setting.EPOCHS
    for size, colour, style in ((32, "black", "-"), (512, GREY, "--")):
        loss = _curve(recorded, setting.arm(size, lr))
        shares = np.arange(1, len(loss) + 1) / len(loss)
        for ax, whole in zip(axes, (seen / 1000, seen / size), strict=True):
            ax.plot(shares * whole, loss, style, color=colour, label=f"batches of {size}")
    axes[0].set_xlabel("images seen (thousands)")
    axes[1].set(xlabel="steps", xlim=(0, 200))
    axes[0].legend()
    figure.supylabel("training loss (nats)")
    return figure


def _mark_rates(ax: Axes, rates: Sequence[float]) -> None:
    """Write every second learning rate below a logarithmic axis."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(rates)[::2]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([f"{rate:g}" for rate in list(rates)[::2]])


def draw_explored(recorded: StudyResult, batch_size: int, base: float) -> None:
    """Draw test accuracy against learning rate at a batch size, and what the rules name.

    Args:
        recorded: the study.
        batch_size: images in a batch.
        base: learning rate at batches of 32, from which the rules start.
    """
    ax = plt.gca()
    rates = setting.grid(batch_size)
    means = [100 * recorded.mean(setting.arm(batch_size, lr)) for lr in rates]
    ax.plot(rates, means, "o-", color="black", ms=4)
    for rule, factor in setting.RULES.items():
        named = base * factor(batch_size / setting.REFERENCE)
        ax.axvline(named, ls=STYLES[rule], color=COLOURS[rule], lw=2.4, label=rule)
    _mark_rates(ax, setting.grid(max(setting.DOUBLINGS)))
    ax.set(xlabel="learning rate", ylabel="test accuracy (%)", ylim=(0, 95), xlim=(0.008, 13))
    ax.set_title(f"batches of {batch_size}; {base:g} at batches of 32")
    ax.legend(loc="lower left")


def draw_best(recorded: StudyResult, base: float, metric: str = "validation_accuracy") -> Figure:
    """Draw which learning rates are good at each batch size, and the three rules.

    A dot is a learning rate of the grid; the larger, the nearer to the best of its batch size.

    Args:
        recorded: the study.
        base: learning rate at batches of 32, from which the rules start.
        metric: what tells good from bad, on the validation images.
    """
    figure, ax = plt.subplots(figsize=(5, 4.2))
    sizes = list(setting.DOUBLINGS)
    for size in sizes:
        rates = setting.grid(size)
        means = [100 * recorded.mean(setting.arm(size, lr), metric) for lr in rates]
        for lr, mean in zip(rates, means, strict=True):
            short = max(means) - mean
            within = short <= 0.5
            ax.plot(size, lr, "o", ms=max(2.0, 9 - 2 * short), color=GREEN if within else GREY)
        best = rates[int(np.argmax(means))]
        ax.plot(size, best, "o", ms=14, mfc="none", mec="black", mew=1.6)
    for rule, factor in setting.RULES.items():
        named = [base * factor(size / setting.REFERENCE) for size in sizes]
        ax.plot(sizes, named, STYLES[rule], color=COLOURS[rule], label=rule)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sizes, map(str, sizes))
    rates = setting.grid(max(sizes))[::2]
    ax.set_yticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.set(xlabel="batch size", ylabel="learning rate")
    ax.legend(loc="upper left")
    return figure


def draw_warmup(recorded: StudyResult, sizes: Sequence[int]) -> Figure:
    """Draw test accuracy against learning rate with and without warmup.

    Args:
        recorded: the study.
        sizes: batch sizes, one panel each.
    """
    figure, axes = panels(len(sizes), columns=1, height=1.9, sharex=True)
    for ax, size in zip(axes, sizes, strict=True):
        for warmup, style in ((False, "o--"), (True, "s-")):
            rates = setting.WARMED[size]
            means = [100 * recorded.mean(setting.arm(size, lr, warmup=warmup)) for lr in rates]
            told = "with warmup" if warmup else "without"
            ax.plot(rates, means, style, color=BLUE if warmup else GREY, ms=5, label=told)
        ax.set_title(f"batches of {size}")
        _mark_rates(ax, setting.grid(max(setting.DOUBLINGS))[2:])
    axes[0].legend()
    axes[-1].set_xlabel("learning rate")
    figure.supylabel("test accuracy (%)")
    return figure


def behind_the_best(
    recorded: StudyResult, batch_size: int, metric: str = "accuracy"
) -> list[list[str]]:
    """Lay out how far each rule's answer is from the best learning rate of a batch size.

    Args:
        recorded: the study.
        batch_size: the large batch.
        metric: what is compared.

    Returns:
        The rows of a table: for each learning rate at batches of 32, its metric there, and for each
        rule its answer and the difference to the best, with its interval; all of them simultaneous.
    """
    best = setting.best(recorded, batch_size)
    named = {
        (base, rule): setting.named(rule, base, batch_size)
        for base in setting.BASES
        for rule in setting.RULES
    }
    others = len({name for name in named.values() if name != best})
    rows = [["at 32", "accuracy there", *setting.RULES]]
    for base in setting.BASES:
        rows.append([f"{base:g}", recorded.spread(setting.arm(setting.REFERENCE, base), metric)])
        for rule in setting.RULES:
            name = named[base, rule]
            lr = setting.GRID[name].lr
            gap = recorded.difference(name, metric, best, comparisons=others)
            rows[-1].append(f"{lr:g}: **best**" if name == best else f"{lr:g}: {gap}")
    return rows


def rules_against_the_best(recorded: StudyResult, batch_size: int) -> dict[str, Difference]:
    """Return how far each learning rate that a rule names is from the best of a batch size, from
    the base and from half and twice of it.

    Args:
        recorded: the study.
        batch_size: the large batch.

    Returns:
        The differences in test accuracy, which hold all at once, by the learning rate and the rules
        that name it.
    """
    low, high = setting.NEAR
    namers: dict[float, list[str]] = {}
    for base in (low, setting.BASE, high):
        for rule in setting.RULES:
            lr = setting.GRID[setting.named(rule, base, batch_size)].lr
            namers.setdefault(lr, []).append(f"{rule} from {base:g}")
    best = setting.best(recorded, batch_size)
    namers.pop(setting.GRID[best].lr, None)
    return {
        f"{lr:g}: {', '.join(namers[lr])}": recorded.difference(
            setting.arm(batch_size, lr), baseline=best, comparisons=len(namers)
        )
        for lr in sorted(namers)
    }
