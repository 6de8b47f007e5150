"""The pictures of chapter 15; what they show is computed in the notebook.

Chapter: notebooks/15_dropout.ipynb
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tricks_lib.course import wrong_labels
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, COLUMN, GREY, ORANGE, RED, panels
from tricks_lib.lab.metrics import score
from tricks_lib.lab.train import Run

from .study import mean_of_networks, right_labels

__all__ = [
    "draw_answers",
    "draw_learning",
    "draw_masks",
    "draw_numbers_of_networks",
    "draw_sum",
    "sum_of_units",
]


# --- What it does ---

LAYERS = 3, 5, 5, 2
"""Units of each layer in the picture of a small network."""

DROPPED = {"one step": ((0, 3), (1, 2, 4)), "the next step": ((1, 2, 4), (0, 3)), "test": ((), ())}
"""Which units of the two hidden layers are switched off, by the titles of the panels."""


def draw_masks() -> Figure:
    """Draw a small network three times: with other units switched off in two training steps, and
    whole in a test."""
    figure, axes = plt.subplots(1, 3, figsize=(COLUMN, 2.2))
    for ax, (title, dropped) in zip(axes, DROPPED.items(), strict=True):
        _draw_network(ax, ((), *dropped, ()))
        ax.set_title(title)
    return figure


def _draw_network(ax: Axes, dropped: Sequence[Sequence[int]]) -> None:
    places = [
        [(column, row - (units - 1) / 2) for row in range(units)]
        for column, units in enumerate(LAYERS)
    ]
    kept = [
        [place for row, place in enumerate(layer) if row not in off]
        for layer, off in zip(places, dropped, strict=True)
    ]
    for left, right in pairwise(kept):
        for x, y in left:
            for u, v in right:
                ax.plot((x, u), (y, v), color=GREY, lw=0.6, zorder=0)
    for layer, off in zip(places, dropped, strict=True):
        for row, (x, y) in enumerate(layer):
            if row in off:
                ax.plot(x, y, "x", color=RED, ms=8, mew=2)
            else:
                ax.plot(x, y, "o", color=BLUE, ms=8)
    ax.set(xlim=(-0.4, 3.4), ylim=(-2.6, 2.6))
    ax.axis("off")


# --- What is learnt of wrong labels ---


def draw_learning(runs: dict[str, Run], data: Data) -> Figure:
    """Draw what networks have learnt of labels of which some are wrong: see `wrong_labels`."""
    return wrong_labels.draw_learning(runs, data, right_labels(data))


# --- Noise on a sum ---


def sum_of_units(p: float, draws: int = 4000) -> tuple[Tensor, float, float]:
    """Return draws of z = Σ w_i h̃_i for 100 fixed units, and the mean and the standard deviation
    that the derivation gives.

    Args:
        p: probability that a unit is switched off, below 1.
        draws: how many.
    """
    source = torch.Generator().manual_seed(0)
    h, w = torch.rand(100, generator=source), 0.2 * torch.randn(100, generator=source)
    kept = torch.rand(draws, 100, generator=source) >= p
    sums = (kept * h / (1 - p)) @ w
    return sums, (w @ h).item(), math.sqrt(p / (1 - p) * (w * h).square().sum().item())


def draw_sum(p: float) -> Figure:
    """Draw the sum that the next layer gets from 100 units, over many training steps.

    Args:
        p: probability that a unit is switched off.
    """
    sums, mean, deviation = sum_of_units(p)
    figure, ax = plt.subplots(figsize=(COLUMN, 3.0))
    ax.hist(sums, bins=np.linspace(-9, 7, 81).tolist(), color=BLUE, label="training steps")
    ax.axvline(mean, color=ORANGE, lw=2, label="evaluation mode")
    for side in (-1, 1):
        ax.axvline(mean + side * deviation, color="black", ls="--", lw=1)
    ax.set(xlim=(-9, 7), yticks=(), xlabel="sum z that the next layer gets")
    ax.set_title(f"p = {p:g}: mean {sums.mean():.1f}, standard deviation {sums.std():.2f}")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


# --- The mean of many networks ---


def draw_answers(
    answers: Tensor, whole: Tensor, image: Tensor, classes: Sequence[str], networks: int
) -> Figure:
    """Draw what networks with units switched off answer for one image, their mean, and what the
    whole network answers.

    Args:
        answers: logarithms of probabilities, float (M, K).
        whole: those of the network in evaluation mode, float (K,).
        image: uint8 (1, H, W).
        classes: names.
        networks: how many of the M are averaged.
    """
    some = answers[:networks].exp().cpu().numpy()
    figure, (left, right) = plt.subplots(1, 2, figsize=(COLUMN, 3.2), width_ratios=(1, 2))
    left.imshow(image.cpu().numpy()[0], cmap="gray", vmin=0, vmax=255)
    left.axis("off")
    places = np.arange(len(classes))
    right.barh(places, some.mean(0), color=BLUE, alpha=0.5, label="their mean")
    for one in some:
        right.plot(one, places, ".", color=GREY, ms=3, zorder=3)
    right.plot(whole.exp().cpu().numpy(), places, "|", color=ORANGE, ms=14, mew=3, label="eval()")
    right.set_yticks(places, classes)
    right.invert_yaxis()
    right.set(xlim=(-0.02, 1.02), xlabel="probability")
    right.set_title(f"{networks} network{'s' * (networks > 1)}")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_numbers_of_networks(
    answers: Tensor, whole: Tensor, labels: Tensor, numbers: Sequence[int] = (1, 2, 5, 10, 20, 50)
) -> Figure:
    """Draw accuracy and negative log-likelihood of the mean of more and more networks.

    Args:
        answers: logarithms of probabilities, float (M, B, K).
        whole: those of the network in evaluation mode, float (B, K).
        labels: classes, int (B,).
        numbers: how many networks are averaged.
    """
    labels = labels.to(answers.device)
    means = [score(mean_of_networks(answers[:number]), labels) for number in numbers]
    one = score(whole, labels)
    figure, axes = panels(2, height=2.6)
    shown = (("accuracy", "accuracy (%)", 100), ("nll", "NLL (nats)", 1))
    for ax, (name, told, scale) in zip(axes, shown, strict=True):
        values = [scale * getattr(found, name) for found in means]
        ax.plot(numbers, values, "o-", color=BLUE, label="mean of networks")
        ax.axhline(scale * getattr(one, name), color=ORANGE, lw=2, label="eval()")
        ax.set(xscale="log", xlabel="networks averaged", title=told)
        ax.set_xticks((1, 10, 50), ("1", "10", "50"))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
