"""What mixup does to a decision, where all of it can be seen: points in the plane.

Two half-moons that overlap, and three clouds in a row. A small network learns 60 points of either,
with and without mixup.

Chapter: notebooks/09_mixup.ipynb
"""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor, nn

from tricks_lib.lab.figures import BLUE, ORANGE, PURPLE, panels
from tricks_lib.lab.metrics import Metrics, score
from tricks_lib.mix import Mixup

__all__ = ["MOONS", "ROW", "draw_decision", "network", "on_fresh_points", "points"]

MOONS, ROW = "moons", "three in a row"
COLOURS = (BLUE, ORANGE, PURPLE)
FRESH = 1000
"""Seed of the points that networks are judged by; no network is trained on them."""


def points(name: str, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw points (count, 2) with their classes (count,): `MOONS` has two classes, `ROW` three."""
    noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    if name == MOONS:
        labels = torch.arange(count) % 2
        angle = torch.linspace(0, torch.pi, count)
        arc = torch.stack([angle.cos(), angle.sin()], dim=1)
        turned = torch.tensor([1.0, 0.5]) - arc
        return torch.where(labels[:, None] == 0, arc, turned) + 0.3 * noise, labels
    labels = torch.arange(count) % 3
    centres = torch.tensor([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]])
    return centres[labels] + 0.4 * noise, labels


@cache
def network(name: str, alpha: float, seed: int = 0) -> nn.Module:
    """Train a network on 60 points, by mixup of this shape, or without where it is 0."""
    where, labels = points(name, 60, seed)
    inputs, rows = where[:, :, None, None], F.one_hot(labels).float()  # images of one pixel
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        inner = nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()
        net = nn.Sequential(nn.Flatten(), *inner, nn.Linear(64, rows.shape[1]))
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        for _ in range(400):
            x, q = Mixup(alpha)(inputs, rows) if alpha else (inputs, rows)
            optimizer.zero_grad()
            F.cross_entropy(net(x), q).backward()
            optimizer.step()
    return net.eval()


def on_fresh_points(name: str, alpha: float, seed: int = 0) -> Metrics:
    """Score a network on 3,000 points that it has not seen."""
    net, (where, labels) = network(name, alpha, seed), points(name, 3000, FRESH)
    with torch.no_grad():
        return score(net(where), labels)


def draw_decision(alpha: float, points: str) -> Figure:
    """Colour the plane by what two networks answer, without mixup and with it: the purer a colour,
    the surer the network.

    Args:
        alpha: shape of mixup.
        points: `MOONS` or `ROW`.
    """
    figure, axes = panels(2, height=2.0)
    for ax, shape, name in zip(axes, (0.0, alpha), ("none", f"α = {alpha:g}"), strict=True):
        found = on_fresh_points(points, shape)
        _colour(ax, points, network(points, shape))
        ax.set_title(f"{name}: {found.accuracy:.0%} right\nNLL {found.nll:.2f}")
    return figure


def _colour(ax: Axes, name: str, net: nn.Module) -> None:
    x, y = np.meshgrid(np.linspace(-3, 3, 150), np.linspace(-1.7, 1.9, 90))
    with torch.no_grad():
        p = net(torch.tensor(np.stack([x, y], -1)).float().view(-1, 2)).softmax(1)
    colours = torch.tensor([to_rgb(colour) for colour in COLOURS], dtype=p.dtype)
    shades = (p @ colours[: p.shape[1]]).clamp(0, 1).view(*x.shape, 3).numpy()
    ax.imshow(shades, extent=(-3, 3, -1.7, 1.9), origin="lower", alpha=0.7)
    where, labels = points(name, 60, 0)
    ax.scatter(where[:, 0], where[:, 1], c=[COLOURS[k] for k in labels], edgecolor="black", s=16)
    ax.set(xticks=[], yticks=[], xlim=(-3, 3), ylim=(-1.7, 1.9))
