"""The pictures and tables of chapter 09; what they show is computed in the notebook.

Chapter: notebooks/09_mixup.ipynb
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from scipy import special, stats
from torch import Tensor, nn

from tricks_lib.course.photographs import photographs
from tricks_lib.course.standing.comparisons import (
    BASELINE,
    SETTINGS,
    comparisons,
    described,
    result,
)
from tricks_lib.course.tables import folded
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREY, ORANGE, panels, show_images
from tricks_lib.mix.cutmix import box_around, paste_box
from tricks_lib.mix.mixup import mix_pairs

__all__ = [
    "draw_blends",
    "draw_cutmix",
    "draw_dots_and_lines",
    "draw_one_blend",
    "draw_two_limits",
    "draw_walk",
    "draw_weights",
    "floor",
    "folded",
    "highest_credit",
    "share_certain",
    "standing",
    "walk",
]

STEPS = torch.linspace(0, 1, 101)
"""Shares of the second image, from none of it to nothing else."""


# --- The recipe ---


def draw_one_blend(data: Data, own: int, partner: int, weight: float = 0.7) -> Figure:
    """Draw two training images, their blend, and its target as bars.

    Args:
        data: whose training images.
        own: number of the image that has the weight.
        partner: number of the other.
        weight: share of the own image.
    """
    count = len(data.classes)
    pair = data.train.images[[own, partner]].float()
    rows = torch.eye(count)[data.train.labels[[own, partner]]]
    blends, targets = mix_pairs(pair, rows, torch.tensor([1, 0]), weight)
    figure = plt.figure(figsize=(5, 4.4))
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.6))
    titles = (f"{weight:g} of this", f"{1 - weight:g} of this", "the blend")
    for place, (image, title) in enumerate(zip((*pair, blends[0]), titles, strict=True)):
        ax = figure.add_subplot(grid[0, place])
        ax.imshow(image[0], vmin=0, vmax=255)
        ax.set_title(title)
        ax.axis("off")
    ax = figure.add_subplot(grid[1, :])
    bars = ax.barh(range(count), targets[0], color=BLUE)
    ax.bar_label(bars, [f"{share:.1g}" for share in targets[0].tolist()], padding=3)
    ax.set_yticks(range(count), data.classes)
    ax.set(xlim=(0, 1), xlabel="the target of the blend")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    return figure


# --- Between two training images ---


def walk(model: nn.Module, data: Data, start: int, end: int) -> Tensor:
    """Return the probabilities (101, K) on the straight way from one training image to another."""
    first, last = data.normalize(data.train.images[[start, end]])
    way = torch.lerp(first, last, STEPS[:, None, None, None].to(first.device))
    with torch.no_grad():
        answers: Tensor = model(way.to(next(model.parameters()).device)).softmax(1)
    return answers.cpu()


def share_certain(model: nn.Module, data: Data, pairs: int = 60) -> float:
    """Return on which share of the ways between random images of two classes a network is more
    than 90 % sure of some class."""
    draws = torch.Generator().manual_seed(0)
    ends = torch.randint(len(data.train), (pairs, 2), generator=draws)
    labels = data.train.labels[ends]
    apart = ends[labels[:, 0] != labels[:, 1]].tolist()
    sure = [walk(model, data, *pair).amax(1) > 0.9 for pair in apart]
    return torch.stack(sure).float().mean().item()


def draw_walk(networks: Mapping[str, nn.Module], data: Data, start: int, end: int) -> Figure:
    """Draw what is walked, and what networks answer on the way; dashed, what mixup asks for.

    Args:
        networks: by the titles of their panels.
        data: whose training images.
        start: number of the first.
        end: number of the last.
    """
    ends = data.train.labels[[start, end]].tolist()
    figure = plt.figure(figsize=(5, 1.1 + 2.3 * len(networks)))
    grid = figure.add_gridspec(
        1 + len(networks), 5, height_ratios=(1, *[2.3] * len(networks)), wspace=0.05
    )
    images = data.train.images[[start, end]].float()
    for place, share in enumerate(torch.linspace(0, 1, 5)):
        ax = figure.add_subplot(grid[0, place])
        ax.imshow(torch.lerp(images[0], images[1], share)[0], vmin=0, vmax=255)
        ax.set_title(f"{share:.0%}")
        ax.axis("off")
    for row, (title, model) in enumerate(networks.items(), start=1):
        ax = figure.add_subplot(grid[row, :])
        answers = walk(model, data, start, end)
        for k, colour, wanted in zip(ends, (BLUE, ORANGE), (1 - STEPS, STEPS), strict=True):
            ax.plot(STEPS, wanted, "--", color=colour, lw=1)
            ax.plot(STEPS, answers[:, k], color=colour, label=data.classes[k])
        others = 1 - answers[:, ends].sum(1)
        ax.plot(STEPS, others, color=GREY, lw=1, label="all others")
        ax.set(ylabel="probability", ylim=(-0.02, 1.02), xlim=(0, 1))
        if title:
            ax.set_title(title)
        if row == 1:
            ax.legend(loc="center left")
    ax.set_xlabel("share of the second image")
    return figure


# --- The derivation ---


def draw_dots_and_lines() -> Figure:
    """Draw five training images as dots, and the lines on which mixup trains as well."""
    dots = np.array([[0.0, 0.2], [0.5, 1.0], [0.9, 0.1], [1.6, 0.9], [2.0, 0.3]])
    classes = np.array([0, 0, 1, 1, 1])
    colours = LinearSegmentedColormap.from_list("classes", [BLUE, ORANGE])
    figure, axes = panels(2, sharex=True, sharey=True, height=2.0)
    for ax, title in zip(axes, ("usual training", "mixup"), strict=True):
        if title == "mixup":
            for i in range(5):
                for j in range(i):
                    along = np.linspace(dots[i], dots[j], 40)
                    shades = np.linspace(classes[i], classes[j], 39)
                    pieces = LineCollection(
                        list(np.stack([along[:-1], along[1:]], 1)), cmap=colours, lw=2
                    )
                    pieces.set_array(shades)
                    pieces.set_clim(0, 1)
                    ax.add_collection(pieces)
        ax.scatter(
            dots[:, 0], dots[:, 1], c=classes, cmap=colours, s=70, zorder=3, edgecolor="black"
        )
        ax.set_title(title)
        ax.set(xticks=[], yticks=[], xlim=(-0.2, 2.2), ylim=(-0.1, 1.2))
    return figure


def floor(alpha: float) -> float:
    """Return the mean entropy of the two weights, in nats."""
    return float(special.digamma(2 * alpha + 1) - special.digamma(alpha + 1))


def highest_credit(alpha: float) -> float:
    """Return the mean of the larger weight."""
    return float(0.5 + 4**-alpha / (alpha * special.beta(alpha, alpha)))


def draw_two_limits() -> Figure:
    """Draw the most that a network can earn on a blend, and the least that it can lose."""
    weight = np.linspace(0, 1, 401)
    figure, (left, right) = panels(2, sharex=True, height=2.4)
    for ax, values, title in (
        (left, np.maximum(weight, 1 - weight), "most it can earn"),
        (right, special.entr(weight) + special.entr(1 - weight), "least loss (nats)"),
    ):
        ax.plot(weight, values)
        ax.axhline(values.mean(), ls="--", color=ORANGE)
        ax.text(0.5, values.mean() + 0.02, f"mean {values.mean():.2f}", ha="center")
        ax.set(title=title, xlabel="weight λ", ylim=(0, 1.05), xticks=(0, 0.5, 1))
    return figure


# --- What is drawn ---


def draw_blends(weight: float, images: str, data: Data) -> Figure:
    """Draw four photographs, or eight training images, blended with their neighbours.

    Args:
        weight: share of the own image.
        images: "photographs" or "garments".
        data: whose training images.
    """
    some = photographs(96) if images == "photographs" else data.train.images[:8]
    partner = torch.arange(len(some)).roll(1)
    mixed, _ = mix_pairs(some.float(), torch.eye(len(some)), partner, weight)
    return show_images(mixed.round().to(torch.uint8), columns=4, size=1.2)


def draw_cutmix(weight: float, trick: str) -> Figure:
    """Draw four photographs, mixed with their neighbours by either trick; the box in the middle."""
    photos = photographs(96)
    partner, rows = torch.arange(4).roll(1), torch.eye(4)
    if trick == "mixup":
        mixed, targets = mix_pairs(photos.float(), rows, partner, weight)
    else:
        box = box_around(48, 48, 1 - weight, 96, 96)
        mixed, targets = paste_box(photos, rows, partner, box)
    titles = [f"own: {own:.2f}" for own in targets.diagonal().tolist()]
    return show_images(mixed.round().to(torch.uint8), titles, columns=4, size=1.2)


def draw_weights(alpha: float) -> None:
    """Draw how likely each weight is."""
    ax, at = plt.gca(), np.linspace(0.002, 0.998, 499)
    density = stats.beta(alpha, alpha)
    ax.fill_between(at, density.pdf(at), alpha=0.3)
    ax.plot(at, density.pdf(at))
    ax.set(xlabel="weight λ", ylabel="density", ylim=(0, 5), xlim=(0, 1))
    ax.set_title(
        f"α = {alpha:g}: one image has 90 % or more\nin {2 * density.cdf(0.1):.0%} of the batches"
    )


# --- Tables ---


STANDING = {
    "mixup, α = 1": "Mixup",
    "mixup, α = 0.2": "Mixup, α = 0.2",
    "CutMix": "CutMix",
    "a temperature": "a temperature",
}
"""Arms of the standing settings, by what the chapter calls them."""


def standing() -> Markdown:
    """Lay out what mixing and a temperature change in the standing settings, and what those are."""
    rows = ["| Setting | Against none | Test accuracy | Calibration error |", "|---|---|---|---|"]
    for setting in SETTINGS:
        found = result(setting)
        for told, arm in STANDING.items():
            if found is None or arm not in found.runs:
                continue
            cells = [
                f"**{gap.verdict}**: {gap}"
                for metric in ("accuracy", "ece")
                for gap in [found.difference(arm, metric, BASELINE, comparisons=len(comparisons()))]
            ]
            rows.append(f"| *{setting}* | {told} | {' | '.join(cells)} |")
    settings = "\n".join(f"- *{name}*: {described(name)}." for name in SETTINGS)
    return Markdown(
        f"In the standing settings:\n\n{settings}\n\n" + "\n".join(rows) + "\n\n"
        "The intervals are as wide as on the card; "
        "only the accuracy with α = 1 was declared beforehand."
    )
