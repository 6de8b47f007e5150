"""Exercises of notebooks/10_ricap.ipynb.

Chapter: notebooks/10_ricap.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect, without
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.mix import RICAP, patch
from tricks_lib.mix.ricap import patch_sizes
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a patchwork by hand")
def _(target_row, most):
    expect(
        target_row,
        [0.65, 0.15, 0.2, 0.0],
        "Four numbers, one for each class: areas are rows times columns, divided by 600.",
        mistakes={
            "Each patch counts by its area, and not by a quarter.": [0.5, 0.25, 0.25, 0.0],
            "Both patches of class 0 count.": [0.6, 0.15, 0.2, 0.0],
            "These are the four patches: give one number for each class.": [0.2, 0.05, 0.6, 0.15],
        },
    )
    expect(
        most,
        0.65,
        "The largest number of the target row.",
        mistakes={
            "A network sees all four crops, but names one class.": 1,
            "That is the largest patch: two patches have the same class.": 0.6,
        },
    )


@check.exercise(
    "RICAP for what was drawn",
    domain="`boundary` is a row and a column, 0 … H and 0 … W, and `origins` has the row and the "
    "column of each crop's corner in the image that it comes from.",
)
def _(my_ricap: Function, draws: Draws):
    def case(height: int, width: int, boundary=None, channels: int = 2, count: int = 5):
        if boundary is None:
            boundary = draws.count(1, height - 1), draws.count(1, width - 1)
        images, targets = draws.normal(count, channels, height, width), draws.rows(count, 3)
        partners = torch.stack([draws.order(count) for _ in range(4)])
        origins = [
            (draws.count(0, height - rows), draws.count(0, width - columns))
            for rows, columns in patch_sizes(boundary, height, width)
        ]
        return images, targets, partners, boundary, origins

    height, width = draws.count(8, 12), draws.count(14, 20)
    cases = [case(height, width, (height // 3, 2 * width // 3))]
    cases += [case(height, width) for _ in range(4)]
    cases += [case(9, 9, channels=1), case(7, 5, (0, 2)), case(6, 8, (6, 8)), case(1, 1, (1, 0))]
    agree(
        my_ricap,
        patch,
        cases,
        "Cut the four crops with the sizes of `patch_sizes`, put them together, and weight each "
        "target row by the area of its crop.",
        parts=("images", "targets"),
        differentiable=["images", "targets"],
        fresh=True,
        mistakes={
            "The second patch is at the top right, and the third at the bottom left: yours change "
            "places.": _transposed,
            "The crops come from their origins, and yours from where they are put.": _in_place,
            "Each crop counts by its area, and not by a quarter.": (
                lambda images, targets, partners, *rest: (
                    _my_ricap(images, targets, partners, *rest)[0],
                    targets[partners].mean(0),
                )
            ),
            "The targets are those of the images before: they are mixed too.": (
                lambda images, targets, *rest: (_my_ricap(images, targets, *rest)[0], targets)
            ),
            "All patches have the partners of the first: each has a row of its own.": (
                lambda images, targets, partners, *rest: _my_ricap(
                    images, targets, partners[:1].expand(4, -1), *rest
                )
            ),
            "The targets belong to other images than the crops: both are taken by `partners`.": (
                lambda images, targets, partners, *rest: (
                    _my_ricap(images, targets, partners, *rest)[0],
                    _my_ricap(images, targets, partners.argsort(1), *rest)[1],
                )
            ),
            "The weights of the second and the third patch are exchanged.": _weights_exchanged,
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe without mixing, `data` has training and test images, `rate` is "
    "from 0 to 1, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=2, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        data = load_data("digits").subset(train=40, test=50, seed=draws.count(0, 99))
        rate = draws.number(0.3, 0.6, 1)
        return recipe, data, rate, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise("a β for unequal weights", domain="`mean_square` is above 1/4 and below 1.")
def _(beta_for: Function, draws: Draws):
    agree(
        beta_for,
        _beta_for,
        [(4 / 9,), *((draws.number(0.26, 0.97, 4),) for _ in range(5))],
        "Take the root of s = 4(1/4 + 1/(4(2β + 1)))²: it is (1 + 1/(2β + 1))/2.",
        mistakes={
            "That is 2β + 1: go on.": lambda s: 1 / (2 * math.sqrt(s) - 1),
            "That is 2β: halve it.": lambda s: 1 / (2 * math.sqrt(s) - 1) - 1,
            "The root is missing: both axes have their factor.": (
                lambda s: (1 / (2 * s - 1) - 1) / 2 if s > 0.5 else 0.0
            ),
        },
    )


@check.exercise(
    "the loss of four labels",
    domain="`logits` (B, K) are the answers, `labels` (B,) the labels of the batch *before* it was "
    "patched, `partners` (4, B) as in Exercise 2, and `weights` has four numbers that sum to 1.",
)
def _(ricap_loss: Function, draws: Draws):
    def case(images: int, classes: int, boundary=None):
        labels = draws.whole(0, classes - 1, images)
        partners = torch.stack([draws.order(images) for _ in range(4)])
        h, w = boundary or (draws.number(0.1, 0.4), draws.number(0.6, 0.9))
        weights = [h * w, h * (1 - w), (1 - h) * w, (1 - h) * (1 - w)]
        return draws.normal(images, classes), labels, partners, weights

    cases = [
        case(draws.count(9, 20), draws.count(4, 7)),
        case(draws.count(9, 20), draws.count(4, 7)),
        case(6, 4, (1.0, 0.0)),
    ]
    with without(
        "It should do without rows of targets: weight the losses of the four labels.",
        _makes_rows,
    ):
        agree(
            ricap_loss,
            _ricap_loss,
            cases,
            "Add up weight times cross-entropy with `labels[partners[k]]` over the four patches.",
            differentiable=["logits"],
            mistakes={
                "The weights sum to 1 already: do not divide by four.": (
                    lambda *given: _ricap_loss(*given) / 4
                ),
                "Each loss counts by its weight, and not by a quarter.": (
                    lambda logits, labels, partners, weights: _ricap_loss(
                        logits, labels, partners, [0.25] * 4
                    )
                ),
                "The labels are those before patching: take them by `partners`.": (
                    lambda logits, labels, partners, weights: F.cross_entropy(logits, labels)
                ),
                "That is the sum over the images: take their mean.": (
                    lambda *given: len(given[1]) * _ricap_loss(*given)
                ),
            },
        )


def _makes_rows(function: Any, *arguments: Any, **named: Any) -> bool:
    """Tell whether a call of PyTorch makes rows of targets, or a loss from some."""
    if function is F.cross_entropy:
        target = arguments[1] if len(arguments) > 1 else named["target"]
        return bool(target.is_floating_point())
    return function in (F.one_hot, F.kl_div)


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _transposed(images, targets, partners, boundary, origins):
    """Let the second and the third patch change places, as in the article."""
    height, width = images.shape[-2:]
    sizes = patch_sizes(boundary, height, width)
    order = [0, 2, 1, 3]
    partners = partners[order]
    # A crop that changes its place takes the size of the new one, and stays in its image.
    moved = [origins[k] for k in order]
    origins = [
        (min(y, height - rows), min(x, width - columns))
        for (y, x), (rows, columns) in zip(moved, sizes, strict=True)
    ]
    return _my_ricap(images, targets, partners, boundary, origins)


def _my_ricap(images, targets, partners, boundary, origins):
    height, width = images.shape[-2:]
    crops, mixed = [], torch.zeros_like(targets)
    for k, (rows, columns) in enumerate(patch_sizes(boundary, height, width)):
        y, x = origins[k]
        crops.append(images[partners[k], :, y : y + rows, x : x + columns])
        mixed = mixed + rows * columns / (height * width) * targets[partners[k]]
    above, below = torch.cat(crops[:2], 3), torch.cat(crops[2:], 3)
    return torch.cat([above, below], 2), mixed


def _in_place(images, targets, partners, boundary, origins):
    h, w = boundary
    return _my_ricap(images, targets, partners, boundary, [(0, 0), (0, w), (h, 0), (h, w)])


def _weights_exchanged(images, targets, partners, boundary, origins):
    patched, _ = _my_ricap(images, targets, partners, boundary, origins)
    height, width = images.shape[-2:]
    sizes = patch_sizes(boundary, height, width)
    mixed = torch.zeros_like(targets)
    for k, j in enumerate((0, 2, 1, 3)):
        mixed = mixed + math.prod(sizes[j]) / (height * width) * targets[partners[k]]
    return patched, mixed


def _patched_in_place(images, targets, *task):
    patched, mixed = _my_ricap(images, targets, *task)
    images.copy_(patched)
    return images, mixed


def _with_ricap(baseline: Recipe, data: Data, rate: float, seeds: Sequence[int], beta: float = 0.3):
    patched = replace(baseline, mix=RICAP(beta))
    return study({"none": baseline, "ricap": patched}, data.with_label_noise(rate), seeds)


GAIN = OwnInterval(
    _with_ricap,
    "Hand both recipes to `study` with the noisy data and the seeds, and read the difference of "
    "the one with RICAP: `.low` and `.high`.",
    trick="RICAP",
    others={
        "The labels are all right: make the share `rate` of them wrong first.": (
            lambda baseline, data, rate, seeds: _with_ricap(baseline, data, 0.0, seeds)
        ),
        "That is RICAP with another shape: the exercise asks for beta=0.3.": partial(
            _with_ricap, beta=1.0
        ),
    },
)


def _beta_for(mean_square):
    return (1 / (2 * math.sqrt(mean_square) - 1) - 1) / 2


def _ricap_loss(logits, labels, partners, weights):
    return sum(
        weight * F.cross_entropy(logits, labels[partner])
        for weight, partner in zip(weights, partners, strict=True)
    )


def _with_rows(logits, labels, partners, weights):
    rows = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    mixed = sum(w * rows[partner] for w, partner in zip(weights, partners, strict=True))
    return F.cross_entropy(logits, mixed)


RIGHT = {
    1: ([0.65, 0.15, 0.2, 0], 0.65),
    2: _my_ricap,
    3: GAIN.right,
    4: _beta_for,
    5: _ricap_loss,
}

WRONG = {
    1: [
        (([0.5, 0.25, 0.25, 0], 0.5), "not by a quarter"),
        (([0.6, 0.15, 0.2, 0], 0.6), "Both patches of class 0"),
        (([0.2, 0.05, 0.6, 0.15], 0.6), "one number for each class"),
        (([0.65, 0.15, 0.2], 0.65), "Four numbers, one for each class"),
        (([0.65, 0.15, 0.2, 0], 1), "names one class"),
        (([0.65, 0.15, 0.2, 0], 0.6), "the largest patch"),
        (([0.65, 0.15, 0.2, 0], 0.3), "largest number of the target row"),
        ((None, 0.65), "Expected 4 numbers, got nothing"),
    ],
    2: [
        (_transposed, "yours change places"),
        (_in_place, "from where they are put"),
        (lambda *task: (_my_ricap(*task)[0], task[1][task[2]].mean(0)), "not by a quarter"),
        (lambda *task: (_my_ricap(*task)[0], task[1]), "they are mixed too"),
        (
            lambda i, t, partners, *rest: _my_ricap(i, t, partners[:1].expand(4, -1), *rest),
            "each has a row of its own",
        ),
        (_weights_exchanged, "are exchanged"),
        (
            lambda i, t, partners, *rest: (
                _my_ricap(i, t, partners, *rest)[0],
                _my_ricap(i, t, partners.argsort(1), *rest)[1],
            ),
            "belong to other images",
        ),
        (lambda *task: (_my_ricap(*task)[0] + 1, _my_ricap(*task)[1]), "Cut the four crops"),
        (_patched_in_place, "changed its argument `images`"),
        (lambda *task: [part.detach() for part in _my_ricap(*task)], "has no gradient"),
        (lambda *task: _my_ricap(*task)[0], "Expected 2 results"),
        (lambda *task: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda s: 1 / (2 * math.sqrt(s) - 1), "go on"),
        (lambda s: 1 / (2 * math.sqrt(s) - 1) - 1, "halve it"),
        (lambda s: (1 / (2 * s - 1) - 1) / 2 if s > 0.5 else 0.0, "The root is missing"),
        (lambda s: 1.0 + s, "Take the root"),
    ],
    5: [
        (lambda *given: _ricap_loss(*given) / 4, "do not divide by four"),
        (lambda z, labels, p, w: _ricap_loss(z, labels, p, [0.25] * 4), "not by a quarter"),
        (lambda z, labels, p, w: F.cross_entropy(z, labels), "take them by `partners`"),
        (lambda *given: len(given[1]) * _ricap_loss(*given), "the sum over the images"),
        (lambda *given: 2 * _ricap_loss(*given), "Add up weight times"),
        (_with_rows, "without rows of targets"),
        (lambda *given: _ricap_loss(*given).item(), "a plain number"),
        (lambda *given: _ricap_loss(*given).detach(), "has no gradient"),
    ],
}
