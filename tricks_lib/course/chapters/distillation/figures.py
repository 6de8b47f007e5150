"""The pictures of chapter 06, and the numbers of its derivation.

Chapter: notebooks/06_distillation.ipynb
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from tricks_lib.course.tables import folded, table
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREY, ORANGE
from tricks_lib.lab.metrics import predict

__all__ = [
    "doubtful",
    "draw_asked",
    "draw_doubtful",
    "draw_temperature",
    "folded",
    "gradients",
    "shown",
    "table",
]


# --- Images ---


def show(ax: Axes, image: Tensor) -> None:
    """Draw a grey image without axes."""
    ax.imshow(image[0].numpy(), vmin=0, vmax=255, cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)


def doubtful(logits: Tensor, count: int = 6) -> list[int]:
    """Return the places of images that a teacher takes for either of two classes: for each first
    class one, those with the largest second probability before.

    Args:
        logits: the teacher's, (N, K).
        count: how many images, of as many classes.
    """
    top = logits.softmax(dim=1).topk(3, dim=1)
    two = (top.values[:, 1] - top.values[:, 2]).argsort(descending=True).tolist()
    chosen: dict[int, int] = {}
    for place in two:
        chosen.setdefault(int(top.indices[place, 0]), place)
    return list(chosen.values())[:count]


# --- Rows ---


def bars(ax: Axes, row: Tensor, names: Sequence[str], title: str, colour: str) -> None:
    """Draw a row of probabilities, a bar for each class, with numbers from one hundredth on."""
    drawn = ax.barh(range(len(names)), row, color=colour)
    ax.bar_label(drawn, [f"{p:.2f}" if p >= 0.005 else "" for p in row.tolist()], padding=2)
    ax.set(xlim=(0, 1.35), xticks=(0, 0.5, 1), title=title)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)


def draw_asked(image: Tensor, logits: Tensor, label: int, names: Sequence[str]) -> Figure:
    """Draw an image, its label, a teacher's rows at T = 1 and T = 4, and what the student is asked
    for at T = 1, with α = 0.9.

    Args:
        image: uint8 (1, H, W).
        logits: the teacher's, (K,).
        label: the class.
        names: of the classes.
    """
    hard = F.one_hot(torch.tensor(label), len(names)).float()
    warm, hot = (logits / heat for heat in (1, 4))
    figure = plt.figure(figsize=(5, 7.0))
    above, middle, below = np.asarray(figure.subfigures(3, 1, height_ratios=(1, 1.25, 1.25)))
    show(above.subplots(), image)
    left, right = middle.subplots(1, 2, sharey=True)
    bars(left, hard, names, "label", GREY)
    bars(right, warm.softmax(0), names, "teacher, T = 1", BLUE)
    left, right = below.subplots(1, 2, sharey=True)
    bars(left, hot.softmax(0), names, "teacher, T = 4", BLUE)
    both = 0.1 * hard + 0.9 * warm.softmax(0)
    bars(right, both, names, "asked for at T = 1", ORANGE)
    return figure


def draw_doubtful(images: Tensor, logits: Tensor, names: Sequence[str], student: Tensor) -> Figure:
    """Draw images with the teacher's two most likely classes above, and the student's below.

    Args:
        images: uint8 (6, 1, H, W).
        logits: the teacher's, (6, K).
        names: of the classes.
        student: the student's logits, (6, K).
    """
    figure, axes = plt.subplots(2, 3, figsize=(5, 5.0))
    for ax, image, row, answer in zip(axes.flat, images, logits, student, strict=True):
        show(ax, image)
        ax.set_title("\n".join(most_likely(row, names, 2)))
        ax.set_xlabel(f"student:\n{most_likely(answer, names, 1)[0]}")
    return figure


def most_likely(logits: Tensor, names: Sequence[str], count: int) -> list[str]:
    """Tell the most likely classes of an image, with their probabilities."""
    top = logits.softmax(dim=0).topk(count)
    pairs = zip(top.values.tolist(), top.indices.tolist(), strict=True)
    return [f"{names[k]} {p:.2f}" for p, k in pairs]


def draw_temperature(
    images: Tensor, logits: Tensor, names: Sequence[str], picture: str, temperature: float
) -> Figure:
    """Draw an image and what a teacher says of it at a temperature.

    Args:
        images: uint8 (N, 1, H, W).
        logits: the teacher's, (N, K).
        names: of the classes.
        picture: which image, by its name in `shown`.
        temperature: T.
    """
    place = shown(logits, names).index(picture)
    row = (logits[place] / temperature).softmax(0)
    entropy = torch.special.entr(row).sum().item()
    figure, (left, right) = plt.subplots(1, 2, figsize=(5, 3.4), width_ratios=(1, 1.6))
    show(left, images[place])
    bars(right, row, names, f"T = {temperature:g}", BLUE)
    left.set_xlabel(f"entropy\n{entropy:.2f} nats")
    return figure


def shown(logits: Tensor, names: Sequence[str]) -> list[str]:
    """Name images by the teacher's two most likely classes."""
    two = logits.topk(2, dim=1).indices.tolist()
    return [f"{names[a]} or {names[b]}" for a, b in two]


# --- Numbers ---


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the divergence of the softened rows, without T²: a mean over the images."""
    return F.kl_div(
        F.log_softmax(student / temperature, dim=1),
        F.log_softmax(teacher / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )


def gradients(student: Tensor, teacher: Tensor, temperature: float) -> tuple[float, float, float]:
    """Measure the gradient of the soft term: its length without T², with T², and how far it is from
    the limit, the difference of the logits, relative to the limit's length.

    Args:
        student: logits (N, K).
        teacher: logits (N, K).
        temperature: T.
    """
    z, r = (x.double() - x.double().mean(dim=1, keepdim=True) for x in (student, teacher))
    z.requires_grad_()
    (found,) = torch.autograd.grad(soft_loss(z, r, temperature), z)
    scaled, limit = temperature**2 * found, (z - r).detach() / z.numel()
    off = ((scaled - limit).norm() / limit.norm()).item()
    return found.norm().item(), scaled.norm().item(), off


def agreement(first: nn.Module, second: nn.Module, data: Data) -> float:
    """Return on which share of the test images two networks name the same class."""
    one, other = (predict(model, data).argmax(dim=1) for model in (first, second))
    return (one == other).float().mean().item()
