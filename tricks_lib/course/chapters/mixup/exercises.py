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
