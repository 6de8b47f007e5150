"""The pictures of chapter 17, and the numbers of its derivation.

Chapter: notebooks/17_initialization.ipynb
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from tricks_lib.course.standing import comparisons
from tricks_lib.course.tables import folded, table
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED
from tricks_lib.lab.study import Difference, StudyResult
from tricks_lib.models import he_, xavier_

from . import study as setting
from .networks import ResidualMLP, as_it_is, deep_mlp, he_scaled

__all__ = [
    "GAINS",
    "NETWORKS",
    "accuracy_by_depth",
    "draw_by_depth",
    "draw_by_rate",
    "draw_explored",
    "draw_in_short",
    "folded",
    "he_with_norm",
    "left_after",
    "per_layer",
    "rows_of",
    "rows_with_blocks",
    "rows_with_tanh",
    "signals",
    "table",
    "zero_gamma",
]

COLOURS = {
    setting.DEFAULT: GREY,
    setting.XAVIER: ORANGE,
    setting.HE: BLUE,
    setting.NORM: GREEN,
    setting.SHORTCUTS: PURPLE,
    setting.DOUBLE: RED,
}
"""One colour for each way of training, in all pictures."""

STYLES = {
    setting.DEFAULT: "-",
    setting.XAVIER: "--",
    setting.HE: "-",
    setting.NORM: "-.",
    setting.SHORTCUTS: ":",
    setting.DOUBLE: "--",
}

IMAGES = 200
"""How many training images of seed 0 are sent through a network."""


# --- Numbers ---


def per_layer(variance: float, inputs: int, relu: bool = True) -> float:
    """Return by what a layer multiplies the mean square of the sums before it.

    Args:
        variance: of a weight.
        inputs: of a unit.
        relu: whether ReLU stands between the layers, which halves the mean square.
    """
    return inputs * variance / (2 if relu else 1)


def left_after(layers: int, factor: float) -> float:
    """Return which share of the deviation is left after some layers, each of which multiplies the
    mean square by a factor."""
    return float(factor ** (layers / 2))


@cache
def batch() -> tuple[Tensor, Tensor]:
    """Return some normalised training images of seed 0, and their labels."""
    data = setting.DATA(0)
    return data.normalize(data.train.images[:IMAGES]), data.train.labels[:IMAGES]


def built(seed: int = 0, **how) -> nn.Module:
    """Build a deep perceptron whose weights a seed draws; see `deep_mlp` for the rest."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return deep_mlp(1, 10, **how)


def outputs(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return what each hidden layer, or block with its shortcut, gives on; and the logits."""
    found, signal = [], images
    if isinstance(network, ResidualMLP):
        signal = network.stem(signal)
        found.append(signal)
        for block in network.blocks:
            signal = (signal + block(signal)).relu()
            found.append(signal)
        return found, network.head(signal)
    for layer in network.children():
        signal = layer(signal)
        if isinstance(layer, nn.ReLU | nn.Tanh):
            found.append(signal)
    return found, signal


def signals(network: nn.Module) -> tuple[list[float], list[float]]:
    """Return what is left of an image at each hidden layer, and of the gradient that comes back.

    The first is the deviation over the images, the root of its mean square over the units; the
    second the root of the mean square of the gradient of an image's loss.
    """
    images, labels = batch()
    found, logits = outputs(network, images)
    loss = F.cross_entropy(logits, labels, reduction="sum")
    gradients = torch.autograd.grad(loss, found)
    forward = [layer.std(dim=0).square().mean().sqrt().item() for layer in found]
    return forward, [gradient.square().mean().sqrt().item() for gradient in gradients]


# --- Layer by layer ---


def draw_layers(ax: Axes, values: Iterable[float], name: str, every: int = 1) -> None:
    """Draw a number for each layer; what has faded away altogether is left out."""
    heights = np.array([value if value > 0 else np.nan for value in values])
    layers = 1 + every * np.arange(len(heights))
    colour, style = COLOURS.get(name, BLUE), STYLES.get(name, "-")
    ax.plot(layers, heights, style, color=colour, label=name, marker=".")


STARTS: Mapping[str, Callable[[nn.Module], nn.Module]] = {
    setting.DOUBLE: partial(he_scaled, gain=2.0),
    setting.HE: he_,
    setting.XAVIER: xavier_,
    setting.DEFAULT: as_it_is,
}
"""The starts of the first figure, from the top."""


def draw_in_short() -> Figure:
    """Draw how far images are apart in each of 20 layers, for four starts."""
    figure, ax = plt.subplots(figsize=(5, 3.4))
    for name, init in STARTS.items():
        draw_layers(ax, signals(built(init=init))[0], name)
    ax.set(yscale="log", xlabel="layer", ylabel="deviation over images", xticks=(1, 5, 10, 15, 20))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


NETWORKS = ["plain", "batch norm", "shortcuts"]
"""What the layers are joined to in the figure that moves."""

GAINS = [0.41, 0.71, 1.0, 2.0]
"""Factors on He's weights: PyTorch's default, Xavier's, none, and twice as large."""


def draw_explored(network: str, depth: int, gain: float) -> None:
    """Draw deviation and gradient at each layer, for a network, a depth and a factor on He's
    weights."""
    how = {"batch norm": {"batch_norm": True}, "shortcuts": {"shortcuts": True}}.get(network, {})
    shortcuts = network == "shortcuts"
    init = he_ if gain == 1 else partial(he_scaled, gain=gain)
    found = signals(built(depth=depth + shortcuts, init=init, **how))
    axes = plt.gcf().subplots(1, 2, sharey=True)
    titles = "deviation of images", "size of gradients"
    for ax, values, title in zip(axes, found, titles, strict=True):
        draw_layers(ax, values, "", every=2 if shortcuts else 1)
        ax.axhline(1, color="black", lw=1, zorder=0)
        ax.set(yscale="log", ylim=(1e-14, 1e11), xlim=(0, 32), xlabel="layer", title=title)
        ax.set(xticks=(1, 10, 20, 30))
    axes[0].set_yticks([1e-12, 1e-8, 1e-4, 1, 1e4, 1e8])


# --- What was recorded ---


def draw_by_rate(search: StudyResult) -> Figure:
    """Draw the validation accuracy of some ways of training at each learning rate that was tried;
    a run that diverged counts as guessing."""
    figure, ax = plt.subplots(figsize=(5, 3.6))
    for name in (*setting.STARTS, setting.SHORTCUTS):
        heights = [
            np.mean([0.1 if run is None else run["accuracy"] for run in runs.values()])
            for runs in (search.runs[setting.tried(name, lr)] for lr in setting.rates(name))
        ]
        ax.plot(
            setting.rates(name),
            [100 * height for height in heights],
            STYLES[name],
            color=COLOURS[name],
            marker="o",
            label=name,
        )
    ax.axhline(10, color="black", lw=1, zorder=0)
    ax.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy (%)", ylim=(0, 100))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def accuracy_by_depth(by_depth: StudyResult, at_twenty: StudyResult, name: str) -> dict[int, float]:
    """Return the mean test accuracy of a start at each depth, each at its own learning rate, the
    best on validation images."""
    found = {}
    for depth in setting.DEPTHS:
        arm = setting.at(name, depth)
        best = setting.best_rates(by_depth, [arm], "validation_accuracy")[arm]
        found[depth] = by_depth.mean(setting.tried(arm, best))
    found[setting.DEPTH] = at_twenty.mean(name)
    return dict(sorted(found.items()))


def draw_by_depth(by_depth: StudyResult, at_twenty: StudyResult) -> Figure:
    """Draw the test accuracy of four starts against the number of hidden layers."""
    figure, ax = plt.subplots(figsize=(5, 3.4))
    for name in setting.STARTS:
        means = accuracy_by_depth(by_depth, at_twenty, name)
        heights = [100 * mean for mean in means.values()]
        ax.plot(list(means), heights, STYLES[name], color=COLOURS[name], marker="o", label=name)
    ax.axhline(10, color="black", lw=1, zorder=0)
    ax.set(xlabel="hidden layers", ylabel="test accuracy (%)", ylim=(0, 100))
    ax.set_xticks([5, 10, 20, 30])
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def rows_of(result: StudyResult) -> list[list[str]]:
    """Return a table of all ways of training: learning rate, test accuracy, what became of it."""
    rows = [["20 layers", "learning rate", "test accuracy", "training loss", "runs that diverged"]]
    for name, recipe in setting.PLAN.recipes.items():
        runs = result.runs[name]
        lost = len(runs) - len(result.values(name))
        told = ["–", "–"]
        if lost < len(runs):
            told = [result.spread(name), f"{result.mean(name, 'train_loss'):.2f}"]
        rows.append([name, f"{recipe.lr:g}", *told, f"{lost} of {len(runs)}" if lost else ""])
    return rows


def he_with_norm(result: StudyResult) -> float:
    """Return by how many points He's start is ahead where all layers are normalised."""
    return 100 * result.difference(setting.HE_NORM, baseline=setting.NORM).mean


def rows_with_tanh(result: StudyResult) -> list[list[str]]:
    """Return a table of three starts with tanh, each at its best learning rate."""
    rows = [["start", "learning rate", "test accuracy"]]
    best = setting.best_rates(result, setting.TANH, "validation_accuracy")
    for name, lr in best.items():
        rows.append([name, f"{lr:g}", result.spread(setting.tried(name, lr))])
    return rows


def zero_gamma(result: StudyResult) -> Difference:
    """Compare zero gamma with PyTorch's start in 20 layers, each at its best learning rate."""
    best = setting.best_rates(result, setting.RESIDUALS, "validation_accuracy")
    ours, theirs = (setting.tried(name, best[name]) for name in (setting.GAMMA, setting.RESIDUAL))
    return result.difference(ours, baseline=theirs)


def rows_with_blocks(result: StudyResult) -> list[list[str]]:
    """Return a table of what starts change in residual networks with batch normalisation."""
    rows = [["network", "start", "what was found"]]
    for name in ("garments", "colour"):
        standing = comparisons.result(name)
        for arm in ("Xavier", "He", "zero gamma"):
            if standing is not None and arm in standing.runs:
                gap = standing.difference(arm, comparisons=len(comparisons.comparisons()))
                rows.append([f"*{name}*, 8 layers", arm, f"**{gap.verdict}**: {gap}"])
    gap = zero_gamma(result)
    rows.append(["20 layers, 2,000 garments", "zero gamma", f"**{gap.verdict}**: {gap}"])
    return rows
