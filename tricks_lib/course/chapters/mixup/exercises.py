"""Exercises of notebooks/09_mixup.ipynb.

Chapter: notebooks/09_mixup.ipynb
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.mix.cutmix import box_around, paste_box
from tricks_lib.mix.mixup import mix_pairs

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a blend by hand")
def _(row, loss):
    return expect(
        list(row), [0.7, 0.0, 0.3, 0.0], "λ belongs to the own image, which is of class 2."
    ) or expect(
        loss,
        -0.7 * math.log(0.7) - 0.3 * math.log(0.3),
        "The entropy of the row, in nats.",
        tolerance=2e-3,
    )


@check.exercise("an α for a variance")
def _(alpha_for):
    for alpha in (0.2, 1.0, 8.0, 0.05):
        variance = 1 / (4 * (2 * alpha + 1))
        problem = expect(
            alpha_for(variance),
            alpha,
            f"Tried with variance={variance:.5f}. Solve variance = 1/(4(2α + 1)).",
        )
        if problem:
            return problem
    return None


@check.exercise("a weight for each image")
def _(mix_each):
    draws = torch.Generator().manual_seed(0)
    for shape, classes in (((6, 3, 4, 5), 4), ((3, 1, 2, 2), 7)):
        images = torch.randn(shape, generator=draws, dtype=torch.float64)
        targets = torch.rand(shape[0], classes, generator=draws, dtype=torch.float64).softmax(1)
        partner = torch.randperm(shape[0], generator=draws)
        weights = torch.rand(shape[0], generator=draws, dtype=torch.float64)
        problem = _compare(
            mix_each,
            (images, targets, partner, weights),
            mix_pairs(images, targets, partner, weights),
            f"Tried with images {shape} and {classes} classes. Give the weights the shapes "
            "(B, 1, 1, 1) and (B, 1).",
        )
        if problem:
            return problem
    return None


@check.exercise("losses mixed with class weights")
def _(mixed_loss):
    draws = torch.Generator().manual_seed(1)
    for classes, lam in ((5, 0.3), (3, 0.9), (4, 1.0)):
        logits = torch.randn(16, classes, generator=draws, dtype=torch.float64)
        a, b = (torch.randint(classes, (16,), generator=draws) for _ in range(2))
        weights = torch.rand(classes, generator=draws, dtype=torch.float64) + 0.2
        rows = lam * F.one_hot(a, classes) + (1 - lam) * F.one_hot(b, classes)
        problem = expect(
            mixed_loss(logits, a, b, lam, weights),
            F.cross_entropy(logits, rows, weight=weights),
            f"Tried with {classes} classes and lam={lam}. With rows PyTorch divides by the number "
            'of images: add up with reduction="sum" and divide yourself.',
        )
        if problem:
            return problem
    return None


@check.exercise("CutMix for one box")
def _(my_cutmix):
    draws = torch.Generator().manual_seed(2)
    for (height, width), (y, x), lam in (
        ((12, 20), (6, 10), 0.6),
        ((12, 20), (1, 19), 0.3),
        ((9, 9), (0, 4), 0.0),
        ((8, 8), (4, 4), 1.0),
    ):
        images = torch.randn(5, 2, height, width, generator=draws, dtype=torch.float64)
        targets = torch.rand(5, 3, generator=draws, dtype=torch.float64).softmax(1)
        partner = torch.tensor([3, 0, 4, 1, 2])
        problem = _compare(
            my_cutmix,
            (images, targets, partner, y, x, lam),
            paste_box(images, targets, partner, box_around(y, x, 1 - lam, height, width)),
            f"Tried with images of {height}×{width}, centre ({y}, {x}), lam={lam}. Clip the box "
            "first; the weight of the own target is 1 - (area of the clipped box)/(HW).",
        )
        if problem:
            return problem
    return None


def _compare(function, arguments: tuple, wanted: tuple[Tensor, Tensor], hint: str) -> str | None:
    """Call the learner's function, and see to it that what it was given stays as it is."""
    before = [part.clone() if isinstance(part, Tensor) else part for part in arguments]
    found = function(*arguments)
    for old, new in zip(before, arguments, strict=True):
        if isinstance(old, Tensor) and not torch.equal(old, new):
            return "The input was changed: make new tensors."
    if not (isinstance(found, tuple | list) and len(found) == 2):
        return "Return two things: images and targets."
    return expect(found[0], wanted[0], f"Images. {hint}") or expect(
        found[1], wanted[1], f"Targets. {hint}"
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _mix_each(images, targets, partner, weights):
    of_images, of_targets = weights[:, None, None, None], weights[:, None]
    mixed = of_images * images + (1 - of_images) * images[partner]
    return mixed, of_targets * targets + (1 - of_targets) * targets[partner]


def _mixed_loss(logits, a, b, lam, weights):
    of_a, of_b = (F.cross_entropy(logits, y, weight=weights, reduction="sum") for y in (a, b))
    return (lam * of_a + (1 - lam) * of_b) / len(logits)


def _mean_of_each(logits, a, b, lam, weights):
    of_a, of_b = (F.cross_entropy(logits, y, weight=weights) for y in (a, b))
    return lam * of_a + (1 - lam) * of_b


def _cutmix(images, targets, partner, y, x, lam):
    height, width = images.shape[-2:]
    r, s = (int(side * math.sqrt(1 - lam)) // 2 for side in (height, width))
    top, bottom = max(y - r, 0), min(y + r, height)
    left, right = max(x - s, 0), min(x + s, width)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    own = 1 - (bottom - top) * (right - left) / (height * width)
    return mixed, own * targets + (1 - own) * targets[partner]


def _cutmix_by_lam(images, targets, partner, y, x, lam):
    mixed, _ = _cutmix(images, targets, partner, y, x, lam)
    return mixed, lam * targets + (1 - lam) * targets[partner]


def _cutmix_in_place(images, targets, partner, y, x, lam):
    images += 1
    return images, targets


RIGHT = {
    1: ([0.7, 0, 0.3, 0], 0.6109),
    2: lambda variance: (1 / (4 * variance) - 1) / 2,
    3: _mix_each,
    4: _mixed_loss,
    5: _cutmix,
}

WRONG = {
    1: [
        (([0.3, 0, 0.7, 0], 0.6109), "λ belongs to the own image"),
        (([0.7, 0, 0.3, 0], 0.8813), "The entropy of the row"),
    ],
    2: [
        (lambda variance: 1 / (4 * variance), "Solve variance"),
        (lambda variance: 1 / (8 * variance), "Solve variance"),
    ],
    3: [
        (lambda images, targets, partner, w: _mix_each(images, targets, partner, 1 - w), "Images."),
        (
            lambda images, targets, partner, w: mix_pairs(images, targets, partner, w[0].item()),
            "Give the weights the shapes",
        ),
    ],
    4: [
        (_mean_of_each, "divides by the number of images"),
        (lambda logits, a, b, lam, weights: F.cross_entropy(logits, a), "divide yourself"),
    ],
    5: [
        (_cutmix_by_lam, "Targets."),
        (lambda *task: _cutmix(*task)[0], "Return two things"),
        (_cutmix_in_place, "The input was changed"),
    ],
}
