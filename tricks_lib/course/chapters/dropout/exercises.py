"""Exercises of notebooks/15_dropout.ipynb.

Chapter: notebooks/15_dropout.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("dropout by hand")
def _(kept, whole, variance):
    expect(
        kept,
        5,
        "Divide the value by the probability that a unit is kept, 0.8.",
        mistakes={
            "A unit that is kept counts for those that are not: divide.": 4,
            "That multiplies by the probability of being kept: divide by it.": 3.2,
            "That divides by the probability of being switched off.": 20,
        },
    )
    expect(
        whole,
        10,
        "In evaluation mode every unit has its own value: multiply with the weights and add.",
        mistakes={
            "Nothing is scaled in evaluation mode: training has done it.": 8,
            "The values are those of evaluation mode: nothing is divided.": 12.5,
            "The second weight is negative.": 14,
        },
    )
    expect(
        variance,
        37,
        "p/(1 - p) is 0.25: multiply it with the sum of the squares of weight times value.",
        mistakes={
            "The factor p/(1 - p) is missing.": 148,
            "That is the square of the sum: the units are switched off one by one.": 25,
            "A square is positive, also that of a negative weight.": 35,
            "That is p(1 - p): the division by 1 - p makes the noise larger.": 23.68,
            "That is the standard deviation: its square is asked for.": math.sqrt(37),
        },
    )


@check.exercise(
    "dropout for what was drawn",
    domain="`h` is a float tensor of any shape, `kept` has its shape and is True where a unit is "
    "kept, `p` is from 0 up to but not including 1, and `training` is True or False.",
)
def _(my_dropout: Function, draws: Draws):
    def case(training: bool, *shape: int):
        kept = draws.whole(0, 1, *shape).bool()
        return draws.normal(*shape), kept, draws.number(0.1, 0.9), training

    cases = [case(training, draws.count(3, 6), draws.count(3, 9)) for training in (True, False)]
    cases += [case(training, 2, 3, 4, 5) for training in (True, False)]
    cases += [(draws.normal(4), torch.ones(4).bool(), 0.0, True)]
    agree(
        my_dropout,
        _my_dropout,
        cases,
        "In training, set what is not kept to zero and divide the rest by 1 - p; in evaluation "
        "mode return `h`.",
        differentiable=["h"],
        mistakes={
            "What is kept has to make up for what is not: divide by 1 - p.": _unscaled,
            "That multiplies by 1 - p in training: divide.": (
                lambda h, kept, p, training: h * kept * (1 - p) if training else h
            ),
            "In evaluation mode nothing is switched off: look at `training`.": (
                lambda h, kept, p, training: h * kept / (1 - p)
            ),
            "In evaluation mode nothing is scaled: the division in training has done it.": (
                lambda h, kept, p, training: h * kept / (1 - p) if training else h * (1 - p)
            ),
            "`kept` is True where a unit stays: yours takes it for the other way round.": (
                lambda h, kept, p, training: h * ~kept / (1 - p) if training else h
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe whose network takes the option `dropout`, `data` has training "
    "and test images, `rate` is from 0 to 1, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(
            epochs=6,
            batch_size=20,
            lr=draws.number(0.02, 0.1),
            model=partial(mlp, hidden=(32,), size=8),
        )
        data = load_data("digits").subset(train=60, test=100, seed=draws.count(0, 99))
        rate = draws.number(0.3, 0.6, 1)
        return recipe, data, rate, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise(
    "two means of networks",
    domain="`logits` is float (M, B, K): what M networks answer for B images and K classes.",
)
def _(two_means: Function, draws: Draws):
    cases = [
        (2 * draws.normal(draws.count(2, 6), draws.count(2, 6), draws.count(2, 6)),)
        for _ in range(3)
    ]
    cases += [(draws.normal(1, 3, 4),)]
    agree(
        two_means,
        _two_means,
        cases,
        "The first is `logits.softmax(2)` averaged over the networks; for the second, average the "
        "logarithms of these probabilities, and let the result sum to 1 over the classes.",
        parts=("mean", "geometric mean"),
        differentiable=["logits"],
        mistakes={
            "The two are in the other order.": lambda logits: _two_means(logits)[::-1],
            "The second does not sum to 1 over the classes: divide by its sum.": (
                lambda logits: (_two_means(logits)[0], logits.log_softmax(2).mean(0).exp())
            ),
            "Both are the softmax of the mean logits: the first is the mean after softmax.": (
                lambda logits: (_two_means(logits)[1], _two_means(logits)[1])
            ),
        },
    )


@check.exercise(
    "the penalty",
    domain="`images` is float (N, D), `weights` is float (D,), and `p` is from 0 up to but not "
    "including 1.",
)
def _(penalty: Function, draws: Draws):
    def case(images: int, inputs: int, p: float):
        return draws.normal(images, inputs), draws.normal(inputs), p

    cases = [case(draws.count(3, 9), draws.count(2, 6), draws.number(0.1, 0.9)) for _ in range(4)]
    cases += [case(1, 3, 0.7), case(4, 2, 0.0)]
    agree(
        penalty,
        _penalty,
        cases,
        "It is p/(1 - p) times the mean over the images of the sum of w²x² over the inputs.",
        differentiable=["weights"],
        mistakes={
            "The factor p/(1 - p) is missing.": (
                lambda images, weights, p: (images * weights).square().sum(1).mean()
            ),
            "That is the sum over the images: take their mean.": (
                lambda images, weights, p: len(images) * _penalty(images, weights, p)
            ),
            "That squares the sum: the inputs are switched off one by one.": (
                lambda images, weights, p: p / (1 - p) * (images @ weights).square().mean()
            ),
            "That is p(1 - p): the kept inputs are divided by 1 - p.": (
                lambda images, weights, p: (1 - p) ** 2 * _penalty(images, weights, p)
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _my_dropout(h, kept, p, training):
    return h * kept / (1 - p) if training else h


def _unscaled(h, kept, p, training):
    return h * kept if training else h


def _in_place(h, kept, p, training):
    return h.mul_(kept).div_(1 - p) if training else h


def _with_dropout(
    baseline: Recipe, data: Data, rate: float, seeds: Sequence[int], dropout: float = 0.5
):
    model = partial(baseline.model, dropout=dropout)  # type: ignore[call-arg]
    dropped = replace(baseline, model=model)
    return study({"none": baseline, "dropout": dropped}, data.with_label_noise(rate), seeds)


GAIN = OwnInterval(
    _with_dropout,
    "Hand both recipes to `study` with the noisy data and the seeds, and read the difference of "
    "the one with dropout: `.low` and `.high`.",
    trick="dropout",
    others={
        "The labels are all right: make the share `rate` of them wrong first.": (
            lambda baseline, data, rate, seeds: _with_dropout(baseline, data, 0.0, seeds)
        ),
        "That is dropout with another probability: the exercise asks for 0.5.": partial(
            _with_dropout, dropout=0.2
        ),
    },
)


def _two_means(logits):
    mean = logits.softmax(2).mean(0)
    geometric = logits.log_softmax(2).mean(0).exp()
    return mean, geometric / geometric.sum(1, keepdim=True)


def _penalty(images, weights, p):
    return p / (1 - p) * (images * weights).square().sum(1).mean()


RIGHT = {
    1: (5, 10, 37),
    2: _my_dropout,
    3: GAIN.right,
    4: _two_means,
    5: _penalty,
}

WRONG = {
    1: [
        ((4, 10, 37), "counts for those that are not"),
        ((3.2, 10, 37), "divide by it"),
        ((20, 10, 37), "probability of being switched off"),
        ((6, 10, 37), "Divide the value by the probability"),
        ((5, 8, 37), "training has done it"),
        ((5, 12.5, 37), "nothing is divided"),
        ((5, 14, 37), "The second weight is negative"),
        ((5, 11, 37), "every unit has its own value"),
        ((5, 10, 148), "is missing"),
        ((5, 10, 25), "the square of the sum"),
        ((5, 10, 35), "A square is positive"),
        ((5, 10, 23.68), "makes the noise larger"),
        ((5, 10, math.sqrt(37)), "the standard deviation"),
        ((5, 10, 36), "multiply it with the sum of the squares"),
        ((None, 10, 37), "Expected a number, got nothing"),
    ],
    2: [
        (_unscaled, "has to make up for"),
        (lambda h, kept, p, training: h * kept * (1 - p) if training else h, "in training: divide"),
        (lambda h, kept, p, training: h * kept / (1 - p), "look at `training`"),
        (
            lambda h, kept, p, training: h * kept / (1 - p) if training else h * (1 - p),
            "nothing is scaled",
        ),
        (
            lambda h, kept, p, training: h * ~kept / (1 - p) if training else h,
            "the other way round",
        ),
        (lambda h, kept, p, training: h, "In training, set what is not kept"),
        (_in_place, "changed its argument"),
        (lambda *task: _my_dropout(*task).detach(), "has no gradient"),
        (lambda *task: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda logits: _two_means(logits)[::-1], "in the other order"),
        (
            lambda logits: (_two_means(logits)[0], logits.log_softmax(2).mean(0).exp()),
            "does not sum to 1",
        ),
        (lambda logits: (_two_means(logits)[1],) * 2, "the mean after softmax"),
        (lambda logits: (logits.mean(0), logits.mean(0)), "averaged over the networks"),
        (lambda logits: [part.detach() for part in _two_means(logits)], "has no gradient"),
        (lambda logits: _two_means(logits)[0], "Expected 2 results"),
    ],
    5: [
        (lambda x, w, p: (x * w).square().sum(1).mean(), "p/(1 - p) is missing"),
        (lambda x, w, p: len(x) * _penalty(x, w, p), "take their mean"),
        (lambda x, w, p: p / (1 - p) * (x @ w).square().mean(), "one by one"),
        (lambda x, w, p: (1 - p) ** 2 * _penalty(x, w, p), "That is p(1 - p)"),
        (lambda x, w, p: 2 * _penalty(x, w, p), "It is p/(1 - p) times"),
        (lambda x, w, p: _penalty(x, w, p).item(), "a plain number"),
        (lambda x, w, p: _penalty(x, w.detach(), p), "has no gradient"),
    ],
}
