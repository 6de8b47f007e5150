"""The pictures of chapter 18.

Chapter: notebooks/18_batch_norm.ipynb
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from tricks_lib.course.tables import folded, table
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, panels
from tricks_lib.lab.study import StudyResult
from tricks_lib.models import small_resnet

from .study import (
    DOUBLINGS,
    GHOST,
    GHOSTS,
    GROUP,
    HE,
    HELD,
    NONE,
    NORM,
    PLAN,
    SURFACE,
    over,
)

__all__ = [
    "draw_channels",
    "draw_ghosts",
    "draw_losses",
    "draw_neighbours",
    "draw_rates",
    "draw_surface",
    "folded",
    "looks",
    "probabilities",
    "table",
]

STYLES = dict(zip(PLAN.recipes, (RED, BLUE, GREEN, ORANGE, PURPLE, GREY), strict=True))
"""Colour of each way to train."""


def draw_channels(data: Data, channels: int = 8) -> Figure:
    """Draw mean and deviation of some channels behind the first convolution of a fresh network, for
    one batch, before and after batch normalisation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stem = small_resnet(data.channels, data.num_classes).stem
    with torch.no_grad():
        before = stem[0](data.normalize(data.train.images[:128]).cpu())
        after = stem[1](before)
    figure, (left, right) = panels(2, height=2.6, sharey=True)
    for ax, values, title in ((left, before, "before"), (right, after, "after")):
        spread, middle = torch.std_mean(values, dim=(0, 2, 3))
        rows = range(channels)
        ax.errorbar(middle[:channels], rows, xerr=spread[:channels], fmt="o", capsize=3)
        ax.axvline(0, color="black", lw=1)
        ax.set(title=title, xlabel="values")
    left.set(ylabel="channel", yticks=range(channels))
    left.invert_yaxis()
    right.set_xlim(-2, 2)
    return figure


def draw_losses(losses: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the training loss of each step of some runs; those without normalisation are dashed."""
    figure, ax = plt.subplots(figsize=(5, 3.6))
    for place, (name, values) in enumerate(losses.items()):
        style = "--" if name.startswith(NONE) else "-"
        colour = (BLUE, ORANGE)[place % 2]
        ax.plot(range(len(values)), values, style, color=colour, label=name)
    ax.axhline(np.log(10), color=GREY, lw=1)
    ax.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, 4))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


# --- Neighbours ---


@torch.no_grad()
def probabilities(
    network: nn.Module, data: Data, image: int, size: int, draws: int = 24
) -> list[float]:
    """Return what probability a network in training mode gives to the label of a test image, each
    time among other test images.

    Args:
        network: left as it is.
        data: where the images come from.
        image: number of the test image.
        size: images in a batch, with this one.
        draws: how many batches.
    """
    device = next(network.parameters()).device
    copy = deepcopy(network).train()
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(draws):
        others = torch.randint(len(data.test), (size - 1,), generator=generator)
        batch = data.test.images[torch.cat([torch.tensor([image]), others])]
        answers = copy(data.normalize(batch).to(device)).softmax(dim=1)
        found.append(answers[0, data.test.labels[image]].item())
    return found


def draw_neighbours(network: nn.Module, data: Data, images: Sequence[int], size: int) -> Figure:
    """Draw the probabilities of the labels of some test images, in training mode among others, and
    in evaluation mode.

    Args:
        network: a trained network in evaluation mode.
        data: where the images come from.
        images: numbers of the test images.
        size: images in a batch.
    """
    device = next(network.parameters()).device
    figure, axes = plt.subplots(
        len(images), 2, figsize=(5, 1.15 * len(images) + 0.7), width_ratios=(1, 5), squeeze=False
    )
    heights = np.linspace(-0.3, 0.3, 24)
    for (left, right), image in zip(axes, images, strict=True):
        left.imshow(data.test.images[image, 0].cpu(), vmin=0, vmax=255)
        left.axis("off")
        right.plot(probabilities(network, data, image, size), heights, "o", color=BLUE, ms=4)
        with torch.no_grad():
            alone = network(data.normalize(data.test.images[image : image + 1]).to(device))
        label = int(data.test.labels[image])
        right.axvline(alone.softmax(dim=1)[0, label].item(), color=RED)
        right.set(xlim=(-0.03, 1.03), ylim=(-0.5, 0.5), yticks=[])
        right.set_title(data.classes[label])
        if image != images[-1]:
            right.set_xticklabels([])
    axes[-1, 1].set_xlabel("probability of the label")
    figure.suptitle(f"among {size - 1} other image{'s' if size > 2 else ''}")
    return figure


# --- Records ---


def _mean_of_lists(found: StudyResult, arm: str, name: str) -> np.ndarray:
    """Return the mean over the seeds of a list of numbers; what was not finite is NaN."""
    rows = [run[name] for run in found.runs[arm].values() if run]
    return np.array(rows, dtype=float).mean(0)


def draw_rates(found: StudyResult) -> Figure:
    """Draw the mean test accuracy of each way to train against the learning rate."""
    figure, ax = plt.subplots(figsize=(5, 4.2))
    for name, colour in STYLES.items():
        rates = next(run["rates"] for run in found.runs[name].values() if run)
        accuracy = 100 * _mean_of_lists(found, name, "accuracies")
        style = "--" if name.startswith(NONE) else "-"
        ax.plot(rates, accuracy, style, marker="o", ms=4, color=colour, label=name)
    ax.axhline(10, color=GREY, lw=1)
    ax.set(xscale="log", xlabel="learning rate", ylabel="test accuracy (%)", ylim=(0, 90))
    ax.set_xticks([0.025, 0.1, 0.4, 1.6, 6.4], ["0.025", "0.1", "0.4", "1.6", "6.4"])
    ax.minorticks_off()
    figure.legend(loc="outside lower center", ncols=2)
    return figure


SURFACES = {
    "none": (NONE, "", RED),
    "none, He": (HE, "", ORANGE),
    "group norm": (GROUP, "", GREEN),
    "batch norm": (NORM, "", BLUE),
    "batch norm, statistics held": (NORM, HELD, SKY),
}
"""What is drawn of the loss surface: arm, ending of its metrics, colour."""


def draw_surface(epochs: int, looks: Sequence[int] = (1, 4, 10)) -> Figure:
    """Draw how far the loss falls along the gradient, the median of the seeds.

    Args:
        epochs: after how many epochs.
        looks: epochs of the looks on record.
    """
    found, place = SURFACE.recorded(), looks.index(epochs)
    steps = [2.0**power for power in DOUBLINGS]
    figure, ax = plt.subplots(figsize=(5, 4.2))
    for name, (arm, ending, colour) in SURFACES.items():
        falls = [
            np.array(run[f"losses{ending}"][place], dtype=float) - run[f"each_loss{ending}"][place]
            for run in found.runs[arm].values()
            if run
        ]
        style = "--" if ending else "-"
        ax.plot(steps, np.median(falls, axis=0), style, color=colour, label=name)
    ax.axhline(0, color="black", lw=1)
    ax.set(xscale="log", xlim=(2.0**-8, 2.0**4), ylim=(-0.25, 0.5))
    ax.set(xlabel="step, in gradients", ylabel="change of the loss (nats)")
    ax.set_title(f"after {epochs} epoch{'s' if epochs > 1 else ''}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def looks(found: StudyResult, arm: str) -> list[tuple[float, float]]:
    """Return of each look at the surface the mean over the seeds of the largest step that lowers
    the loss, as a power of two, and of the loss."""
    steps, losses = (_mean_of_lists(found, arm, f"each_{name}") for name in ("doublings", "loss"))
    return list(zip(steps.tolist(), losses.tolist(), strict=True))


def draw_ghosts() -> Figure:
    """Draw the test accuracy against the number of images that share statistics."""
    found = GHOST.recorded()
    figure, ax = plt.subplots(figsize=(5, 3.6))
    for ending, colour, label in (
        ("", BLUE, "running statistics"),
        (", afresh", ORANGE, "statistics made afresh"),
    ):
        values = [100 * np.array([*found.values(over(n) + ending).values()]) for n in GHOSTS]
        middle, spread = zip(*((v.mean(), v.std(ddof=1)) for v in values), strict=True)
        ax.errorbar(GHOSTS, middle, yerr=spread, fmt="o-", color=colour, capsize=4, label=label)
    ax.set(xscale="log", ylim=(78, 88))
    ax.set(xlabel="images that share statistics", ylabel="test accuracy (%)")
    ax.set_xticks(GHOSTS, list(map(str, GHOSTS)))
    ax.minorticks_off()
    figure.legend(loc="outside lower center", ncols=2)
    return figure
