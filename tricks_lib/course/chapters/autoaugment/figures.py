"""The pictures and tables of chapter 11; what they show is computed in the notebook.

Chapter: notebooks/11_autoaugment.ipynb
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tricks_lib.augment import AutoAugment, apply_operations
from tricks_lib.augment.autoaugment import (
    NAMES,
    POLICIES,
    WITH_MAGNITUDE,
    Operation,
    Policy,
    largest,
    magnitudes,
)
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, COLUMN, GREY, ORANGE, show_images
from tricks_lib.lab.study import StudyResult

from .policies import FOUND, OPERATIONS
from .study import CANDIDATES

__all__ = [
    "IN_WORDS",
    "amount",
    "done",
    "draw_batch",
    "draw_first",
    "draw_luck",
    "draw_operations",
    "draw_pairs",
    "draw_tones",
    "leads",
    "operations_each",
    "table_of_luck",
    "table_of_pairs",
    "unchanged",
    "untouched",
]

ALL = {**POLICIES, "found": FOUND}
"""The published policies, and that of this chapter's search."""

FIRST = POLICIES["cifar10"][1]
"""The pair of the first figure."""

IN_WORDS = {
    "cifar10": "CIFAR-10's policy",
    "svhn": "SVHN's policy",
    "imagenet": "ImageNet's policy",
    "found": "the policy of our search",
}


def amount(name: str, index: int | None, size: tuple[int, int], way: int = 0) -> float:
    """Return how much of an operation an index means, in images of a height and width.

    Args:
        name: of the operation.
        index: 0 ... 9, or None.
        size: height and width of the images.
        way: 0 or 1, for an operation that goes either way.
    """
    return magnitudes(largest, 10, *size)[way, NAMES.index(name), index or 0].item()


def done(images: Tensor, *operations: Operation, way: int = 0) -> Tensor:
    """Apply operations to all images, whatever their probabilities are.

    Args:
        images: uint8 (B, C, H, W).
        *operations: one after the other.
        way: 0 or 1, for operations that go either way.
    """
    numbers = torch.tensor([[NAMES.index(name) for name, _, _ in operations]])
    size = images.shape[-2], images.shape[-1]
    much = torch.tensor(
        [[amount(name, index, size, way) for name, _, index in operations]], dtype=torch.float64
    )
    count = len(images), len(operations)
    return apply_operations(images, numbers.expand(count), much.expand(count), fill=None)


# --- What a policy does ---


def untouched(policy: Policy) -> float:
    """Return the share of images to which no operation of a policy is applied."""
    return sum((1 - p) * (1 - q) for (_, p, _), (_, q, _) in policy) / len(policy)


def operations_each(policy: Policy) -> float:
    """Return how many operations a policy applies to an image on average."""
    return sum(p + q for (_, p, _), (_, q, _) in policy) / len(policy)


def unchanged(policy: str | Policy, images: Tensor, count: int = 10_000) -> tuple[float, float]:
    """Draw many times, and return two shares: of draws without an operation, and of images that
    come out as they went in.

    Args:
        policy: as `AutoAugment` takes it.
        images: uint8 (B, C, H, W), used in turn.
        count: of draws.
    """
    torch.manual_seed(0)
    trick = AutoAugment(policy)
    many = images[torch.arange(count) % len(images)]
    draw = trick.draw(tuple(many.shape))
    nothing = (draw.operation == 0).all(dim=1)
    same = (trick.apply(many, draw) == many).flatten(1).all(dim=1)
    return nothing.double().mean().item(), same.double().mean().item()


def draw_first(data: Data, number: int) -> Figure:
    """Draw what becomes of a photograph and of a training image by one pair of operations.

    Args:
        data: whose training images.
        number: of the training image.
    """
    (_, p, _), (_, q, _) = first, second = FIRST
    outcomes: dict[str, tuple[float, tuple[Operation, ...]]] = {
        "untouched": ((1 - p) * (1 - q), ()),
        "rotated": (p * (1 - q), (first,)),
        "shifted": ((1 - p) * q, (second,)),
        "both": (p * q, (first, second)),
    }
    figure, axes = plt.subplots(2, 4, figsize=(COLUMN, 3.0))
    rows = photographs(112)[:1], data.train.images[number : number + 1]
    for images, row in zip(rows, axes, strict=True):
        for ax, (name, (share, operations)) in zip(row, outcomes.items(), strict=True):
            shown = done(images, *operations) if operations else images
            _show(ax, shown[0], f"{name}\n{100 * share:.0f} %" if images is rows[0] else "")
    return figure


def _show(ax: Axes, image: Tensor, title: str = "") -> None:
    pixels = image.permute(1, 2, 0).numpy()
    ax.imshow(pixels if pixels.shape[-1] == 3 else pixels[..., 0], cmap="gray", vmin=0, vmax=255)
    ax.axis("off")
    ax.set_title(title)


def draw_operations(magnitude: int, photo: str = "astronaut") -> Figure:
    """Draw every operation at one magnitude, on a photograph.

    Args:
        magnitude: index 0 ... 9.
        photo: "astronaut" or "coffee".
    """
    image = photographs(96)[0 if photo == "astronaut" else 2][None]
    shown = [image]
    for name in OPERATIONS:
        index = magnitude if name in WITH_MAGNITUDE else None
        shown.append(done(image, (name, 1.0, index)))
    titles = ["as it is", *map(_short, OPERATIONS)]
    return show_images(torch.cat(shown), titles, columns=5, size=1.1)


def _short(name: str) -> str:
    """Return a name that fits above a small picture."""
    return name.replace("Translate", "Transl. ").replace("AutoContrast", "AutoContr.")


def draw_pairs(policy: str, photo: str) -> Figure:
    """Draw every pair of a policy with both of its operations, on a photograph.

    Args:
        policy: its name.
        photo: "astronaut", "cat", "coffee" or "rocket".
    """
    number = ("astronaut", "cat", "coffee", "rocket").index(photo)
    image = photographs(96)[number][None]
    shown = [done(image, *pair, way=place % 2) for place, pair in enumerate(ALL[policy])]
    titles = [str(place + 1) for place in range(len(shown))]
    return show_images(torch.cat(shown), titles, columns=5, size=1.1)


def draw_batch(policy: str, data: Data) -> Figure:
    """Draw ten training images as a network sees them under a policy.

    Args:
        policy: its name, or "none".
        data: whose training images.
    """
    images = data.train.images[:10]
    if policy != "none":
        torch.manual_seed(2)
        images = AutoAugment(ALL[policy])(images)
    return show_images(images, columns=5, size=1.0)


def draw_tones(data: Data) -> Figure:
    """Draw a light and a dark piece of clothing, as they are and with another brightness.

    Args:
        data: with the labels dark and light.
    """
    shown: list[Tensor] = []
    titles: list[str] = []
    for label in (1, 0):
        image = data.train.images[(data.train.labels == label).nonzero()[1]]
        operation = ("Brightness", 1.0, 8)
        made = {
            data.classes[label]: image,
            "× 0.2": done(image, operation, way=1),
            "× 1.8": done(image, operation),
            "rotated": done(image, ("Rotate", 1.0, 9)),
        }
        shown += made.values()
        titles += made
    return show_images(torch.cat(shown), titles, columns=4, size=1.3)


# --- The search and its luck ---


def leads(result: StudyResult, seed: int) -> dict[str, tuple[float, float]]:
    """Return by how much each policy leads the mean of all, in one seed's search and, measured
    again, on average in the other seeds.

    Args:
        result: the recorded search.
        seed: of the search.
    """

    def lead(name: str, which: int) -> float:
        mean = sum(result.values(other)[which] for other in CANDIDATES) / len(CANDIDATES)
        return result.values(name)[which] - mean

    others = [other for other in result.values("none") if other != seed]
    return {
        name: (lead(name, seed), sum(lead(name, other) for other in others) / len(others))
        for name in CANDIDATES
    }


def draw_luck(result: StudyResult, seed: int) -> Figure:
    """Draw the lead of each policy in one search against its lead when it is measured again.

    Args:
        result: the recorded search.
        seed: of the search.
    """
    found = {name: (100 * x, 100 * y) for name, (x, y) in leads(result, seed).items()}
    winner = max(found, key=lambda name: found[name][0])
    figure, ax = plt.subplots(figsize=(4.6, 3.8))
    for name, (x, y) in found.items():
        ax.plot(x, y, "D" if name == winner else "o", color=ORANGE if name == winner else BLUE)
    x, y = found[winner]
    ax.plot([x, x], [x, y], color=ORANGE, lw=1.5)
    ends = [min(min(pair) for pair in found.values()), max(max(pair) for pair in found.values())]
    ax.plot(ends, ends, "--", color=GREY, lw=1)
    ax.annotate("winner", (x, y), (-6, -14), textcoords="offset points", ha="right")
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set(xlabel="lead in the search, in points", ylabel="lead, measured again, in points")
    return figure


def table_of_luck(result: StudyResult) -> Markdown:
    """Lay out the winner of each seed's search, with its lead in it and measured again.

    Args:
        result: the recorded search.
    """
    lines = [
        "| search | winner | lead in the search | measured again |",
        "|---|---|---|---|",
    ]
    for seed in result.values("none"):
        found = leads(result, seed)
        winner = max(found, key=lambda name, found=found: found[name][0])  # type: ignore[misc]
        first, again = found[winner]
        lines.append(f"| seed {seed} | {winner} | {100 * first:+.1f} | {100 * again:+.1f} |")
    return Markdown("Lead over the mean of the 20 policies, in points:\n\n" + "\n".join(lines))


def table_of_pairs(policies: Mapping[str, Policy] = ALL) -> Markdown:
    """Lay out the pairs of some policies, each operation with probability and magnitude.

    Args:
        policies: by name.
    """
    lines = [
        f"| | {' | '.join(IN_WORDS.get(name, name) for name in policies)} |",
        "|---" * (1 + len(policies)) + "|",
    ]
    for place, pairs in enumerate(zip(*policies.values(), strict=True)):
        cells = [", then ".join(_told(operation) for operation in pair) for pair in pairs]
        lines.append(f"| {place + 1} | {' | '.join(cells)} |")
    return Markdown("\n".join(lines))


def _told(operation: Operation) -> str:
    name, probability, index = operation
    return f"{name} {probability:g}" + ("" if index is None else f" ({index})")
