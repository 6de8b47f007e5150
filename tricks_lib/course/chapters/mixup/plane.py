"""What mixup does to a decision, where all of it can be seen: points in the plane.

Two half-moons that overlap, and three clouds in a row. A small network learns 60 points of either,
with and without mixup.

Chapter: notebooks/09_mixup.ipynb
"""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.colors import to_rgb
from torch import Tensor, nn

from tricks_lib.lab.figures import BLUE, ORANGE, PURPLE
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


def draw_decision(alpha: float, points: str) -> None:
    """Colour the plane by what a network answers: the purer a colour, the surer it is.

    Args:
        alpha: shape of mixup, 0 for none.
        points: `MOONS` or `ROW`.
    """
    x, y = np.meshgrid(np.linspace(-3.2, 3.2, 160), np.linspace(-1.6, 1.9, 88))
    grid, net = torch.tensor(np.stack([x, y], -1)).float(), network(points, alpha)
    with torch.no_grad():
        p = net(grid.view(-1, 2)).softmax(1).view(88, 160, -1)
    colours = torch.tensor([to_rgb(c) for c in COLOURS], dtype=p.dtype)
    ax = plt.gca()
    ax.imshow(
        (p @ colours[: p.shape[-1]]).clamp(0, 1).numpy(),
        extent=(-3.2, 3.2, -1.6, 1.9),
        origin="lower",
        alpha=0.7,
    )
    where, labels = _sample(points)
    ax.scatter(*where.T, c=[COLOURS[k] for k in labels], edgecolor="black", s=22)
    found = on_fresh_points(points, alpha)
    ax.set_title(f"fresh points: {found.accuracy:.1%} right, NLL {found.nll:.2f}")
    ax.grid(False)


def _sample(name: str) -> tuple[Tensor, list[int]]:
    where, labels = points(name, 60, 0)
    return where, labels.tolist()
