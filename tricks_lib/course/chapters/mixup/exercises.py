"""Exercises of notebooks/09_mixup.ipynb.

Chapter: notebooks/09_mixup.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect, without
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.mix import Mixup
from tricks_lib.mix.cutmix import box_around, paste_box
from tricks_lib.mix.mixup import mix_pairs
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a blend by hand")
def _(target_row, smallest_loss):
    expect(
        target_row,
        [0.7, 0.0, 0.3, 0.0],
        "Four numbers, one for each class: the classes of the two images share 1.",
        mistakes={"λ belongs to the own image, which is of class 2.": [0.3, 0.0, 0.7, 0.0]},
    )
    floor = -0.7 * math.log(0.7) - 0.3 * math.log(0.3)
    expect(
        smallest_loss,
        floor,
        "The entropy of the row, in nats.",
        tolerance=2e-3,
        mistakes={
            "That is in bits: nats are natural logarithms.": floor / math.log(2),
            "Even the best network cannot be sure of both classes at once.": 0,
            "That is the cost of the partner's class alone: add that of the own.": (
                -0.7 * math.log(0.7)
            ),
        },
    )


@check.exercise(
    "a weight for each image",
    domain="`weights` (B,) are from 0 to 1, and `partner` (B,) holds the number of each image's "
    "partner.",
)
def _(mix_each: Function, shape_for_images, shape_for_targets, draws: Draws):
    right = {"images": (shape_for_images, [8, 1, 1, 1]), "targets": (shape_for_targets, [8, 1])}
    for name, (found, wanted) in right.items():
        expect(
            found,
            wanted,
            f"The shape for the {name}, with B = 8: as many dimensions as they have, and 1 "
            "wherever all entries of an image share the weight.",
        )

    def case(*shape: int, classes: int):
        weights = draws.uniform(shape[0])
        weights[:2] = torch.tensor([0.0, 1.0])[: len(weights)]
        images, targets = draws.normal(*shape), draws.rows(shape[0], classes)
        return images, targets, draws.order(shape[0]), weights

    size = draws.count(5, 9)
    agree(
        mix_each,
        lambda images, targets, partner, weights: mix_pairs(images, targets, partner, weights),
        [
            case(size, 3, draws.count(2, 4), draws.count(5, 7), classes=4),
            case(4, 1, 4, 4, classes=4),  # where weights of a wrong shape fit all the same
            case(1, 1, 2, 3, classes=7),
        ],
        "Each image keeps its own weight, and its partner has what is left of 1.",
        parts=("images", "targets"),
        differentiable=["images", "targets"],
        fresh=True,
        mistakes={
            "The weight belongs to the image itself, and yours gives it to the partner.": (
                lambda images, targets, partner, weights: _mix_each(
                    images, targets, partner, 1 - weights
                )
            ),
            "Yours takes the weight of the partner: each image has a weight of its own.": (
                lambda images, targets, partner, weights: _mix_each(
                    images, targets, partner, weights[partner]
                )
            ),
            "Yours mixes with the images in another order than `partner` says.": _flipped_partner,
            "Yours mixes each image with the one that it is the partner of: take rows[partner].": (
                lambda images, targets, partner, weights: _mix_each(
                    images, targets, partner.argsort(), weights
                )
            ),
            "The weights lie along another axis than the images: give them the shapes (B, 1, 1, 1) "
            "and (B, 1).": _along_the_width_if_it_fits,
            "One weight for all: give the weights the shapes (B, 1, 1, 1) and (B, 1).": (
                lambda images, targets, partner, weights: _mix_each(
                    images, targets, partner, weights[:1].expand(len(images))
                )
            ),
            "The targets are those of the images before: they are mixed too.": (
                lambda images, targets, partner, weights: (
                    _mix_each(images, targets, partner, weights)[0],
                    targets,
                )
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe without mixing, `data` has training and test images, and "
    "`seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=2, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        data = load_data("digits").subset(train=40, test=50, seed=draws.count(0, 99))
        return recipe, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise("an α for a variance", domain="`variance` is above 0 and below 1/4.")
def _(alpha_for: Function, draws: Draws):
    agree(
        alpha_for,
        lambda variance: (1 / (4 * variance) - 1) / 2,
        [(1 / 12,), *((draws.number(0.005, 0.245, 4),) for _ in range(5))],
        "Solve variance = 1/(4(2α + 1)).",
        mistakes={
            "That is 2α + 1: go on.": lambda variance: 1 / (4 * variance),
            "The 1 beside 2α is left out.": lambda variance: 1 / (8 * variance),
            "That is 2α: halve it.": lambda variance: 1 / (4 * variance) - 1,
        },
    )


@check.exercise(
    "losses mixed with class weights",
    domain="`a` and `b` are labels (B,), `lam` is from 0 to 1, and `class_weights` (K,) are above "
    "0.",
)
def _(mixed_loss: Function, draws: Draws):
    def case(images: int, classes: int, lam: float):
        a, b = (draws.whole(0, classes - 1, images) for _ in range(2))
        return draws.normal(images, classes), a, b, lam, draws.uniform(classes) + 0.2

    cases = [
        case(draws.count(9, 20), draws.count(3, 7), draws.number(0.1, 0.9)),
        case(draws.count(9, 20), draws.count(3, 7), draws.number(0.1, 0.9)),
        case(5, 4, 1.0),
        case(5, 3, 0.0),
        case(1, 3, draws.number(0.1, 0.9)),
    ]
    with without(
        "It should do without rows of targets: mix the losses of the labels `a` and `b`.",
        _makes_rows,
    ):
        agree(
            mixed_loss,
            _mixed_loss,
            cases,
            'With rows PyTorch divides by the number of images: add up with reduction="sum" and '
            "divide yourself.",
            differentiable=["logits"],
            mistakes={
                "With labels PyTorch divides by the sum of their class weights, and with rows by "
                'the number of images: add up with reduction="sum" and divide yourself.': (
                    _mean_of_each
                ),
                "That is the sum: divide by the number of images.": (
                    lambda logits, a, b, lam, class_weights: (
                        len(a) * _mixed_loss(logits, a, b, lam, class_weights)
                    )
                ),
                "λ belongs to `a`, and yours gives it to `b`.": (
                    lambda logits, a, b, lam, class_weights: _mixed_loss(
                        logits, b, a, lam, class_weights
                    )
                ),
                "The class weights are left out.": (
                    lambda logits, a, b, lam, class_weights: _mixed_loss(
                        logits, a, b, lam, torch.ones_like(class_weights)
                    )
                ),
            },
        )


def _makes_rows(function: Any, *arguments: Any, **named: Any) -> bool:
    """Tell whether a call of PyTorch makes rows of targets, or a loss from some."""
    if function is F.cross_entropy:
        target = arguments[1] if len(arguments) > 1 else named["target"]
        return bool(target.is_floating_point())
    return function in (F.one_hot, F.kl_div)


@check.exercise(
    "CutMix for one box",
    domain="`y` and `x` are a pixel of the image, and `lam` is from 0 to 1.",
)
def _(my_cutmix: Function, draws: Draws):
    def case(height: int, width: int, y: int, x: int, lam: float, channels: int = 2):
        images, targets = draws.normal(5, channels, height, width), draws.rows(5, 3)
        return images, targets, draws.order(5), y, x, lam

    def lam_for(*sides: int) -> float:
        """Draw one for which rounding does not decide how large the box is."""
        return draws.until(
            lambda: draws.number(0.1, 0.8),
            lambda lam: all(
                abs(side * (1 - lam) ** 0.5 - round(side * (1 - lam) ** 0.5)) > 1e-4
                for side in sides
            ),
        )

    height, width = draws.count(8, 12), draws.count(14, 20)
    corners = [(y, x) for y in (0, height - 1) for x in (0, width - 1)]
    places = [*corners, (height // 2, width // 2), (height - 1, width // 2), (height // 2, 0)]
    places += [(draws.count(0, height - 1), draws.count(0, width - 1)) for _ in range(3)]
    cases = [case(height, width, *place, lam_for(height, width)) for place in places]
    cases += [case(9, 9, 0, 4, 0.0, channels=1), case(8, 8, 4, 4, 1.0), case(7, 3, 6, 2, 0.0)]
    agree(
        my_cutmix,
        lambda images, targets, partner, y, x, lam: paste_box(
            images, targets, partner, box_around(y, x, 1 - lam, *images.shape[-2:])
        ),
        cases,
        "Clip the box first; the weight of the own target is 1 - (area of the clipped box)/(HW).",
        parts=("images", "targets"),
        differentiable=["images", "targets"],
        fresh=True,
        mistakes={
            "Your targets are mixed by λ itself: a clipped box is smaller.": _cutmix_by_lam,
            "The box has to be clipped at the bottom and on the left as well.": (
                lambda *task: _cutmix(*task, clip=("top", "right"))
            ),
            "The box has to be clipped at the top and on the right as well.": (
                lambda *task: _cutmix(*task, clip=("bottom", "left"))
            ),
            "The box has to be clipped at all four borders.": (
                lambda *task: _cutmix(*task, clip=())
            ),
            "The weights are the wrong way round: the own target has what is left.": (
                lambda *task: _cutmix(*task, swapped=True)
            ),
            "The targets are those of the images before: they are mixed too.": (
                lambda images, targets, *task: (_cutmix(images, targets, *task)[0], targets)
            ),
            "y is the row, x the column.": (
                lambda images, targets, partner, y, x, lam: _cutmix(
                    images, targets, partner, x, y, lam
                )
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _mix_each(images, targets, partner, weights):
    of_images, of_targets = weights[:, None, None, None], weights[:, None]
    mixed = of_images * images + (1 - of_images) * images[partner]
    return mixed, of_targets * targets + (1 - of_targets) * targets[partner]


def _flipped_partner(images, targets, partner, weights):
    return _mix_each(images, targets, torch.arange(len(images)).flip(0), weights)


def _weights_along_the_width(images, targets, partner, weights):
    mixed = weights * images + (1 - weights) * images[partner]
    return mixed, weights * targets + (1 - weights) * targets[partner]


def _along_the_width_if_it_fits(images, targets, partner, weights):
    if images.shape[-1] == targets.shape[-1] == len(weights):
        return _weights_along_the_width(images, targets, partner, weights)
    return _mix_each(images, targets, partner, weights)


def _mixed_in_place(images, targets, partner, weights):
    mixed = _mix_each(images, targets, partner, weights)
    images.copy_(mixed[0])
    return images, mixed[1]


def _mixed_loss(logits, a, b, lam, class_weights):
    of_a, of_b = (
        F.cross_entropy(logits, labels, weight=class_weights, reduction="sum") for labels in (a, b)
    )
    return (lam * of_a + (1 - lam) * of_b) / len(logits)


def _mean_of_each(logits, a, b, lam, class_weights):
    of_a, of_b = (F.cross_entropy(logits, labels, weight=class_weights) for labels in (a, b))
    return lam * of_a + (1 - lam) * of_b


def _with_rows(logits, a, b, lam, class_weights):
    rows = lam * F.one_hot(a, len(class_weights)) + (1 - lam) * F.one_hot(b, len(class_weights))
    return F.cross_entropy(logits, rows, weight=class_weights)


def _with_rows_filled_in(logits, a, b, lam, class_weights):
    rows = torch.zeros_like(logits)
    rows[range(len(a)), a] += lam
    rows[range(len(b)), b] += 1 - lam
    return F.cross_entropy(logits, rows, weight=class_weights)


def _cutmix(
    images,
    targets,
    partner,
    y,
    x,
    lam,
    *,
    clip=("top", "bottom", "left", "right"),
    swapped=False,
) -> tuple[Tensor, Tensor]:
    height, width = images.shape[-2:]
    r, s = (int(side * math.sqrt(1 - lam)) // 2 for side in (height, width))
    top, bottom, left, right = y - r, y + r, x - s, x + s
    top = max(top, 0) if "top" in clip else top
    bottom = min(bottom, height) if "bottom" in clip else bottom
    left = max(left, 0) if "left" in clip else left
    right = min(right, width) if "right" in clip else right
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    own = 1 - (bottom - top) * (right - left) / (height * width)
    own = 1 - own if swapped else own
    return mixed, own * targets + (1 - own) * targets[partner]


def _my_cutmix(images, targets, partner, y, x, lam):
    return _cutmix(images, targets, partner, y, x, lam)


def _cutmix_by_lam(images, targets, partner, y, x, lam):
    mixed, _ = _cutmix(images, targets, partner, y, x, lam)
    return mixed, lam * targets + (1 - lam) * targets[partner]


def _cutmix_in_place(images, targets, partner, y, x, lam):
    mixed = _cutmix(images, targets, partner, y, x, lam)
    images.copy_(mixed[0])
    return images, mixed[1]


def _the_same_if_nothing_is_pasted(images, targets, *task):
    return (images, targets) if task[-1] == 1 else _cutmix(images, targets, *task)


def _with_mixup(baseline: Recipe, data: Data, seeds: Sequence[int], alpha: float = 1.0):
    mixed = replace(baseline, mix=Mixup(alpha))
    return study({"none": baseline, "mixup": mixed}, data, seeds)


GAIN = OwnInterval(
    _with_mixup,
    "Hand both recipes to `study` with the same data and seeds, and read the difference of the "
    "one with mixup: `.low` and `.high`.",
    trick="mixup",
    others={
        "That is mixup with another shape: the exercise asks for alpha=1.0.": partial(
            _with_mixup, alpha=0.2
        )
    },
)

_SHAPES = (8, 1, 1, 1), (8, 1)

RIGHT = {
    1: ([0.7, 0, 0.3, 0], 0.6109),
    2: (_mix_each, *_SHAPES),
    3: GAIN.right,
    4: lambda variance: (1 / (4 * variance) - 1) / 2,
    5: _mixed_loss,
    6: _my_cutmix,
}

WRONG = {
    1: [
        (([0.3, 0, 0.7, 0], 0.6109), "λ belongs to the own image"),
        (([0.5, 0, 0.5, 0], 0.6109), "share 1"),
        ((torch.tensor([[0.7, 0, 0.3, 0]]), 0.6109), "Expected 4 numbers"),
        (([0.7, 0.3], 0.6109), "Four numbers, one for each class"),
        (([0.7, 0, 0.3, 0], 0.8813), "in bits"),
        (([0.7, 0, 0.3, 0], 0), "cannot be sure of both"),
        (([0.7, 0, 0.3, 0], 0.2497), "add that of the own"),
        (([0.7, 0, 0.3, 0], 1.2), "The entropy of the row"),
        ((None, 0.6109), "Expected 4 numbers, got nothing"),
    ],
    2: [
        ((_mix_each, (8,), (8, 1)), "The shape for the images"),
        ((_mix_each, (8, 1, 1, 1), (1, 8)), "The shape for the targets"),
        (
            (
                lambda images, targets, partner, w: _mix_each(images, targets, partner, 1 - w),
                *_SHAPES,
            ),
            "gives it to the partner",
        ),
        (
            (lambda x, t, partner, w: _mix_each(x, t, partner, w[partner]), *_SHAPES),
            "takes the weight of the partner",
        ),
        ((_flipped_partner, *_SHAPES), "in another order than `partner` says"),
        (
            (lambda x, t, partner, w: _mix_each(x, t, partner.argsort(), w), *_SHAPES),
            "that it is the partner of",
        ),
        (
            (lambda x, t, partner, w: mix_pairs(x, t, partner, w[0].item()), *_SHAPES),
            "One weight for all",
        ),
        ((_weights_along_the_width, *_SHAPES), "raised RuntimeError"),
        ((_along_the_width_if_it_fits, *_SHAPES), "along another axis"),
        ((lambda *task: (task[0] + 1, task[1]), *_SHAPES), "keeps its own weight"),
        ((lambda *task: (_mix_each(*task)[0], task[1]), *_SHAPES), "they are mixed too"),
        ((_mixed_in_place, *_SHAPES), "changed its argument `images`"),
        ((lambda *task: [part.detach() for part in _mix_each(*task)], *_SHAPES), "has no gradient"),
        ((lambda *task: _mix_each(*task)[0], *_SHAPES), "Expected 2 results"),
        ((lambda *task: None, *_SHAPES), "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda variance: 1 / (4 * variance), "go on"),
        (lambda variance: 1 / (8 * variance), "The 1 beside 2α"),
        (lambda variance: 1 / (4 * variance) - 1, "halve it"),
        (lambda variance: 1.0 + variance, "Solve variance"),
    ],
    5: [
        (_mean_of_each, "the sum of their class weights"),
        (lambda *given: len(given[1]) * _mixed_loss(*given), "That is the sum"),
        (lambda z, a, b, lam, w: _mixed_loss(z, b, a, lam, w), "gives it to `b`"),
        (lambda z, a, b, lam, w: _mixed_loss(z, a, b, lam, 0 * w + 1), "are left out"),
        (lambda logits, a, b, lam, weights: F.cross_entropy(logits, a), "divide yourself"),
        (lambda *given: _mixed_loss(*given).item(), "a plain number"),
        (lambda *given: _mixed_loss(*given).detach(), "has no gradient"),
        (_with_rows, "without rows of targets"),
        (_with_rows_filled_in, "without rows of targets"),
    ],
    6: [
        (_cutmix_by_lam, "mixed by λ itself"),
        (lambda *task: _cutmix(*task, clip=("top", "right")), "at the bottom and on the left"),
        (lambda *task: _cutmix(*task, clip=("bottom", "left")), "at the top and on the right"),
        (lambda *task: _cutmix(*task, clip=()), "at all four borders"),
        (lambda *task: _cutmix(*task, swapped=True), "the wrong way round"),
        (lambda *task: (_cutmix(*task)[0], task[1]), "they are mixed too"),
        (
            lambda images, targets, p, y, x, lam: _cutmix(images, targets, p, x, y, lam),
            "y is the row",
        ),
        (lambda *task: _cutmix(*task, clip=("top", "bottom", "left")), "Clip the box first"),
        (_cutmix_in_place, "changed its argument `images`"),
        (_the_same_if_nothing_is_pasted, "shares its memory"),
        (lambda *task: [part.detach() for part in _cutmix(*task)], "has no gradient"),
        (lambda *task: _cutmix(*task)[0], "Expected 2 results"),
    ],
}
