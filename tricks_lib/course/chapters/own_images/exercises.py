"""Exercises of notebooks/20_own_images.ipynb.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from collections.abc import Sequence

from scipy import stats

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("what 200 test images allow")
def _(difference, error):
    expect(
        difference,
        3.5,
        "Only the images on which the two differ count: 16 against 9, out of 200.",
        mistakes={
            "These are images: divide by their number, and multiply by 100.": 7.0,
            "That is the share of the images on which they differ.": 12.5,
            "The trick is right on more of them: its difference is positive.": -3.5,
        },
        tolerance=0.01,
    )
    expect(
        error,
        2.488,
        "The root of b + c - (c - b)²/N, divided by N, in points.",
        mistakes={
            "That is the root alone: divide it by the number of images.": 4.975,
            "That is the standard error of an accuracy of 12.5 %, not of the difference.": 2.339,
            "That is the variance: take its root.": 0.0619,
        },
        tolerance=0.015,
    )


@check.exercise(
    "how many seeds", domain="`spread` and `effect` are numbers above 0, both in points."
)
def _(seeds_needed: Function, draws: Draws):
    def case():
        return draws.number(0.2, 3.0, 2), draws.number(0.2, 3.0, 2)

    def clear(task):
        # Neither so near to an edge that rounding decides, nor the same by another way.
        spread, effect = task
        n = _seeds_needed(spread, effect)
        edges = [_half(spread, count) for count in (n - 1, n) if count >= 2]
        far = all(abs(edge - effect) > 1e-3 for edge in edges)
        return far and n > 2 and n not in (_by_normal(*task), _of_spread(*task))

    agree(
        seeds_needed,
        _seeds_needed,
        [(0.5, 0.5), (0.1, 5.0), *(draws.until(case, clear) for _ in range(4))],
        "Raise n from 2 on until the t-quantile times spread / √n falls below the effect.",
        mistakes={
            "1.96 is the normal quantile: with few seeds Student's is larger.": _by_normal,
            "The spread is that of single differences: that of their mean is spread / √n.": (
                _of_spread
            ),
            "One seed has no spread: begin with two.": lambda s, e: max(1, _seeds_needed(s, e) - 1),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` and `trick` are recipes, `data` has training and test images, `count` is "
    "how many of its training images a seed draws, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    whole = load_data("fashion-mini")

    def task():
        data = whole.subset(train=draws.count(200, 300), test=400, seed=draws.count(0, 10**6))
        baseline = Recipe(epochs=2, batch_size=20, lr=0.05, model=mlp)
        trick = Recipe(
            epochs=2,
            batch_size=20,
            lr=0.05,
            model=mlp,
            objective=supervised(LabelSmoothingLoss(draws.number(0.3, 0.6, 2))),
        )
        seeds = [draws.count(0, 400) + 500 * place for place in range(3)]
        return baseline, trick, data, 80, seeds

    GAIN.judge(gain, draws, task)


@check.exercise(
    "the luck of naming one class",
    domain="`hits` is how many test images a network has right, and `counts` how many there are "
    "of each class, one or more, all of them above 0.",
)
def _(luck: Function, draws: Draws):
    def case():
        counts = [draws.count(5, 60) for _ in range(draws.count(2, 4))]
        most, total = max(counts), sum(counts)
        return draws.count(most - 4, min(total, most + 8)), counts

    def clear(task):
        _, counts = task
        return max(counts) < 0.8 * sum(counts) and 1e-3 < _luck(*task) < 0.7

    drawn = [draws.until(case, clear) for _ in range(5)]
    agree(
        luck,
        _luck,
        [(400, [400, 12]), (97, [50, 50]), (12, [12]), (0, [7, 9]), *drawn],
        "How probable are so many hits, or more, if each image is right with the share of the "
        "commonest class?",
        mistakes={
            "So many hits or more: `sf(k)` is the probability of more than k.": (
                lambda hits, counts: _at_least(hits + 1, sum(counts), max(counts) / sum(counts))
            ),
            "Classes are of different size: naming the commonest is right more often than 1/K.": (
                lambda hits, counts: _at_least(hits, sum(counts), 1 / len(counts))
            ),
            "That is the probability of exactly so many hits: add those of more.": (
                lambda hits, counts: float(
                    stats.binom.pmf(hits, sum(counts), max(counts) / sum(counts))
                )
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _half(spread: float, n: int) -> float:
    return float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n)


def _seeds_needed(spread, effect):
    n = 2
    while _half(spread, n) >= effect:
        n += 1
    return n


def _by_normal(spread, effect):
    return max(2, math.floor((1.96 * spread / effect) ** 2) + 1)


def _of_spread(spread, effect):
    # The half-width falls to 1.96 spreads and no further: it may never be below the effect.
    for n in range(2, 60):
        if stats.t.ppf(0.975, n - 1) * spread < effect:
            return n
    return 60


def _compared(
    baseline: Recipe, trick: Recipe, data: Data, count: int, seeds: Sequence[int], own: bool = True
):
    def images(seed: int) -> Data:
        return data.subset(train=count, seed=seed if own else 0)

    return study({"baseline": baseline, "trick": trick}, images, seeds)


def _gain(baseline: Recipe, trick: Recipe, data: Data, count: int, seeds: Sequence[int]):
    return _compared(baseline, trick, data, count, seeds)


GAIN = OwnInterval(
    _gain,
    "Hand both recipes to `study` with a function seed -> data, and read the difference of the "
    "trick: `.low` and `.high`.",
    trick="the trick",
    others={
        "Each seed draws its own training images: `data.subset(train=count, seed=seed)`.": (
            lambda baseline, trick, data, count, seeds: _compared(
                baseline, trick, data, count, seeds, own=False
            )
        ),
        "That trains on all images: a seed draws `count` of them.": (
            lambda baseline, trick, data, count, seeds: study(
                {"baseline": baseline, "trick": trick}, data, seeds
            )
        ),
    },
)


def _at_least(hits: int, total: int, share: float) -> float:
    return float(stats.binom.sf(hits - 1, total, share))


def _luck(hits, counts):
    return _at_least(hits, sum(counts), max(counts) / sum(counts))


RIGHT = {
    1: (3.5, 2.49),
    2: _seeds_needed,
    3: GAIN.right,
    4: _luck,
}

WRONG = {
    1: [
        ((3.6, 2.49), "16 against 9"),
        ((7.0, 2.49), "divide by their number"),
        ((12.5, 2.49), "share of the images"),
        ((-3.5, 2.49), "positive"),
        ((3.5, 2.6), "The root of"),
        ((3.5, 4.975), "divide it by"),
        ((3.5, 2.339), "not of the difference"),
        ((3.5, 0.0619), "take its root"),
    ],
    2: [
        (lambda spread, effect: 5, "Raise n"),
        (_by_normal, "normal quantile"),
        (_of_spread, "of single differences"),
        (lambda s, e: max(1, _seeds_needed(s, e) - 1), "begin with two"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda hits, counts: 0.05, "How probable"),
        (lambda hits, counts: hits / sum(counts), "How probable"),
        (
            lambda hits, counts: _at_least(hits + 1, sum(counts), max(counts) / sum(counts)),
            "more than k",
        ),
        (lambda hits, counts: _at_least(hits, sum(counts), 1 / len(counts)), "1/K"),
        (
            lambda hits, counts: float(
                stats.binom.pmf(hits, sum(counts), max(counts) / sum(counts))
            ),
            "exactly so many",
        ),
    ],
}
