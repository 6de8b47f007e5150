"""Exercises of notebooks/18_batch_norm.ipynb.

Chapter: notebooks/18_batch_norm.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch.nn import functional as F

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()

EPS = 1e-5
"""What PyTorch adds to the variance."""


@check.exercise("four values by hand")
def _(outputs, running_variance):
    root = math.sqrt(12)
    expect(
        outputs,
        [-4.0, 2.0, 2.0, 4.0],
        "Subtract the mean, divide by the deviation, multiply by the scale, add the shift.",
        tolerance=1e-3,
        mistakes={
            "Scale and shift are still missing.": [-5 / 3, 1 / 3, 1 / 3, 1.0],
            "That is divided by the variance: divide by its root.": [-2 / 3, 4 / 3, 4 / 3, 2.0],
            "The batch itself is divided by the root of the mean square, with 4 below and not 3.": [
                1 - 15 / root,
                1 + 3 / root,
                1 + 3 / root,
                1 + 9 / root,
            ],
            "The shift comes last: it is not multiplied.": [-2.0, 4.0, 4.0, 6.0],
        },
    )
    expect(
        running_variance,
        2.1,
        "Nine tenths of what was there, and one tenth of the batch's variance.",
        tolerance=1e-3,
        mistakes={
            "For the average that is kept, the squares are divided by 3 and not by 4.": 1.8,
            "The other way round: the batch counts one tenth.": 10.9,
            "That is the batch's variance alone: the average keeps nine tenths of what it "
            "was.": 12.0,
        },
    )


@check.exercise(
    "batch normalisation in training mode",
    domain="`x` is a float tensor (N, C, H, W) with N·H·W of at least 2, and `weight` and `bias` "
    "have C numbers each.",
)
def _(batch_norm: Function, draws: Draws):
    def case(images: int, channels: int, height: int, width: int):
        x = draws.normal(images, channels, height, width)
        x = x * draws.number(0.5, 3) + draws.normal(1, channels, 1, 1)
        return x, draws.normal(channels), draws.normal(channels)

    flat = case(3, 2, 2, 2)
    flat[0][:, 0] = 1.5
    cases = [case(draws.count(3, 6), draws.count(2, 4), 3, 5), case(4, 3, 2, 3)]
    cases += [case(2, 1, 1, 1), case(1, 2, 3, 2), case(5, 3, 1, 1), flat]
    agree(
        batch_norm,
        _batch_norm,
        cases,
        "One mean and one variance for each channel, over images, rows and columns; then scale and "
        "shift of that channel.",
        differentiable=["x", "weight", "bias"],
        fresh=True,
        mistakes={
            "`var` divides by one less by default: here `correction=0`.": partial(
                _batch_norm, correction=1
            ),
            "That has statistics of its own for each image: take them over the batch too.": partial(
                _batch_norm, over=(2, 3)
            ),
            "That has statistics of its own for each position: take them over rows and columns "
            "too.": partial(_batch_norm, over=(0,)),
            "That has the same statistics for all channels: each has its own.": partial(
                _batch_norm, over=(0, 1, 2, 3)
            ),
            "The 1e-5 is added to the variance, below the root.": partial(
                _batch_norm, inside=False
            ),
            "Scale and shift are missing.": lambda x, weight, bias: _batch_norm(
                x, torch.ones_like(weight), torch.zeros_like(bias)
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe whose network is `mlp`, `data` has training and test images, "
    "and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=draws.count(2, 3), batch_size=20, lr=draws.number(0.02, 0.1))
        data = load_data("digits").subset(train=60, test=100, seed=draws.count(0, 99))
        seeds = [draws.count(0, 999) for _ in range(draws.count(2, 4))]
        return replace(recipe, model=mlp), data, seeds

    GAIN.judge(gain, draws, case)


@check.exercise(
    "statistics made afresh",
    domain="`means` and `variances` are float tensors (B, C): of B equally large batches, one or "
    "more, the means and the variances of C channels, the latter divided by the number of values.",
)
def _(all_together: Function, draws: Draws):
    cases = [
        (draws.normal(batches, channels), draws.uniform(batches, channels))
        for batches, channels in ((draws.count(3, 8), draws.count(2, 5)), (1, 3), (2, 1))
    ]
    agree(
        all_together,
        _all_together,
        cases,
        "The mean square of all values is the mean of the batches' mean squares, and each of these "
        "is a variance plus a squared mean.",
        parts=("mean", "variance"),
        mistakes={
            "The batches also differ in their means: that is a part of the variance.": (
                lambda means, variances: (means.mean(0), variances.mean(0))
            ),
            "`var` divides by one less by default: here `correction=0`.": (
                lambda means, variances: (
                    means.mean(0),
                    variances.mean(0) + means.square().mean(0) - means.mean(0).square()
                    if len(means) == 1
                    else variances.mean(0) + means.var(0),
                )
            ),
            "That is the mean square: subtract the square of the mean.": (
                lambda means, variances: (means.mean(0), (variances + means.square()).mean(0))
            ),
        },
    )


@check.exercise(
    "folded into the convolution",
    domain="`weight` (O, I, k, k) and `bias` (O,) are those of a convolution; `scale`, `shift`, "
    "`mean` and `variance` (O,) are those of the batch normalisation after it, in evaluation mode.",
)
def _(folded: Function, draws: Draws):
    def case(outputs: int, inputs: int, side: int):
        four = (draws.normal(outputs) for _ in range(4))
        return draws.normal(outputs, inputs, side, side), *four, draws.uniform(outputs) + 0.1

    agree(
        folded,
        _folded,
        [case(draws.count(2, 5), draws.count(1, 4), 3), case(1, 1, 1), case(3, 2, 5)],
        "The layer multiplies each channel by scale/√(variance + 1e-5): the weights too. What is "
        "left is the new bias.",
        parts=("weight", "bias"),
        mistakes={
            "The mean is subtracted before it is scaled, and the old bias is scaled too.": (
                lambda weight, bias, scale, shift, mean, variance: (
                    _folded(weight, bias, scale, shift, mean, variance)[0],
                    shift + bias - mean,
                )
            ),
            "The old bias is missing.": lambda weight, bias, *others: _folded(
                weight, torch.zeros_like(bias), *others
            ),
            "Divide by the root of the variance.": (
                lambda weight, bias, scale, shift, mean, variance: _folded(
                    weight, bias, scale, shift, mean, (variance + EPS) ** 2 - EPS
                )
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _batch_norm(x, weight, bias, correction=0, over=(0, 2, 3), inside=True):
    variance, mean = torch.var_mean(x, dim=over, correction=correction, keepdim=True)
    root = (variance + EPS).sqrt() if inside else variance.sqrt() + EPS
    return weight[:, None, None] * (x - mean) / root + bias[:, None, None]


def _of_torch(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def _written_into(x, weight, bias):
    x.copy_(_batch_norm(x, weight, bias))
    return x


def _with_norm(baseline: Recipe, data: Data, seeds: Sequence[int], factor: float = 1.0):
    normed = replace(baseline, model=partial(mlp, batch_norm=True), lr=factor * baseline.lr)
    return study({"none": baseline, "norm": normed}, data, seeds)


GAIN = OwnInterval(
    _with_norm,
    "Hand the recipe and the same one with `partial(mlp, batch_norm=True)` to `study`, with the "
    "data and the seeds, and read the difference of the second: `.low` and `.high`.",
    trick="batch normalisation",
    others={
        "Your second arm has another learning rate too: only the network changes.": partial(
            _with_norm, factor=2.0
        ),
    },
)


def _all_together(means, variances):
    return means.mean(0), variances.mean(0) + means.var(0, correction=0)


def _folded(weight, bias, scale, shift, mean, variance):
    factor = scale / (variance + EPS).sqrt()
    return weight * factor[:, None, None, None], shift + factor * (bias - mean)


RIGHT = {
    1: ([-4, 2, 2, 4], 2.1),
    2: _of_torch,
    3: GAIN.right,
    4: _all_together,
    5: _folded,
}

WRONG = {
    1: [
        (([-5 / 3, 1 / 3, 1 / 3, 1], 2.1), "still missing"),
        (([-2 / 3, 4 / 3, 4 / 3, 2], 2.1), "divide by its root"),
        (([-3.3301, 1.866, 1.866, 3.598], 2.1), "with 4 below and not 3"),
        (([-2, 4, 4, 6], 2.1), "The shift comes last"),
        (([1, 7, 7, 9], 2.1), "Subtract the mean"),
        (([-4, 2, 2, 4], 1.8), "divided by 3"),
        (([-4, 2, 2, 4], 10.9), "The other way round"),
        (([-4, 2, 2, 4], 12), "the batch's variance alone"),
        (([-4, 2, 2, 4], 9), "Nine tenths"),
        (([-4, 2, 2], 2.1), "Expected 4 numbers"),
    ],
    2: [
        (partial(_batch_norm, correction=1), "here `correction=0`"),
        (partial(_batch_norm, over=(2, 3)), "for each image"),
        (partial(_batch_norm, over=(0,)), "for each position"),
        (partial(_batch_norm, over=(0, 1, 2, 3)), "for all channels"),
        (partial(_batch_norm, inside=False), "below the root"),
        (
            lambda x, w, b: _batch_norm(x, torch.ones_like(w), torch.zeros_like(b)),
            "Scale and shift are missing",
        ),
        (lambda x, w, b: 2 * _batch_norm(x, w, b), "One mean and one variance"),
        (_written_into, "changed its argument `x`"),
        (lambda x, w, b: _batch_norm(x, w, b).detach(), "has no gradient"),
        (lambda x, w, b: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda m, v: (m.mean(0), v.mean(0)), "differ in their means"),
        (
            lambda m, v: (m.mean(0), v.mean(0) + (m.var(0) if len(m) > 1 else 0)),
            "here `correction=0`",
        ),
        (lambda m, v: (m.mean(0), (v + m.square()).mean(0)), "subtract the square"),
        (lambda m, v: (m.mean(0), v.sum(0)), "The mean square of all values"),
        (lambda m, v: m.mean(0), "Expected 2 results"),
        (lambda m, v: None, "is there a `return`?"),
    ],
    5: [
        (
            lambda w, b, scale, shift, mean, var: (
                _folded(w, b, scale, shift, mean, var)[0],
                shift + b - mean,
            ),
            "before it is scaled",
        ),
        (lambda w, b, *others: _folded(w, torch.zeros_like(b), *others), "The old bias is missing"),
        (
            lambda w, b, scale, shift, mean, var: _folded(
                w, b, scale, shift, mean, (var + EPS) ** 2 - EPS
            ),
            "the root of the variance",
        ),
        (lambda w, b, *others: (w, b), "multiplies each channel"),
        (lambda *given: None, "is there a `return`?"),
    ],
}
