"""Exercises of notebooks/19_together.ipynb.

Chapter: notebooks/19_together.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean, stdev

import torch
from scipy import stats

from tricks_lib.augment import HorizontalFlip
from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.mix import Mixup, keep
from tricks_lib.models import mlp
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("two tricks by hand")
def _(beyond_the_sum, errors_multiplied):
    expect(
        beyond_the_sum,
        -3,
        "Add the two gains to 40, and subtract what you get from 47.",
        mistakes={
            "That is both minus the sum with the sign turned: fewer points come out, so it is "
            "negative.": 3,
            "That is the gain of both: compare it with the sum of the two gains.": 7,
            "That is the sum of the two gains: compare the gain of both with it.": 10,
        },
    )
    expect(
        errors_multiplied,
        49.6,
        "The first leaves 54/60 of the errors, the second 56/60. Multiply, and turn the errors "
        "into an accuracy.",
        mistakes={
            "That is the sum of the gains: multiply what is left of the errors.": 50,
            "These are the errors: the exercise asks for the accuracy.": 50.4,
            "You multiplied accuracies: multiply what is left of the errors.": 46 * 44 / 40,
        },
    )


@check.exercise(
    "an interval for an interaction",
    domain="`none`, `first`, `second` and `both` are lists with the accuracy of each of two or "
    "more seeds, as shares and in the same order, and `comparisons` says how many intervals are "
    "read together.",
)
def _(my_interaction: Function, draws: Draws):
    def case(count: int, comparisons: int):
        common = [draws.number(0.3, 0.6) for _ in range(count)]
        lists = [
            [round(level + draws.number(-0.03, 0.03), 4) for level in common] for _ in range(4)
        ]
        return (*lists, comparisons)

    def telling():
        return case(draws.count(4, 8), draws.count(3, 15))

    cases = [draws.until(telling, _tells) for _ in range(3)]
    agree(
        my_interaction,
        _my_interaction,
        [*cases, case(2, 1)],
        "For each seed both − first − second + none; then the mean ± Student's quantile times the "
        "standard deviation over the root of the number of seeds.",
        parts=("lower end", "upper end"),
        mistakes=INTERACTION_MISTAKES,
    )


@check.exercise(
    "an interval of your own",
    domain="`recipe` has several tricks, one of them in the slot `mix`, `data` has training and "
    "test images, and `seeds` is a list of two or more.",
)
def _(worth_of_mixing: Function, draws: Draws):
    def case():
        recipe = Recipe(
            epochs=2,
            batch_size=20,
            lr=draws.number(0.02, 0.1),
            model=mlp,
            augment=HorizontalFlip(),
            mix=Mixup(alpha=draws.number(0.5, 1.5)),
            objective=supervised(LabelSmoothingLoss(0.2)),
        )
        data = load_data("digits").subset(train=40, test=50, seed=draws.count(0, 99))
        return recipe, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    WORTH.judge(worth_of_mixing, draws, case)


@check.exercise(
    "a stacked target",
    domain="`first` and `second` are classes from 0 to `classes` − 1, perhaps the same, and "
    "`share` and `epsilon` are from 0 to 1.",
)
def _(stacked: Function, draws: Draws):
    def case():
        classes = draws.count(3, 8)
        first, second = draws.count(0, classes - 1), draws.count(0, classes - 1)
        return first, second, draws.number(0.1, 0.9), draws.number(0.05, 0.3), classes

    cases = [draws.until(case, lambda task: task[0] != task[1]) for _ in range(4)]
    agree(
        stacked,
        _stacked,
        [*cases, (1, 1, 0.3, 0.1, 4), (0, 2, 1.0, 0.0, 3)],
        "First mix: `share` for the first class, the rest for the second. Then give every class "
        "epsilon/K, and what was there 1 − epsilon of itself.",
        mistakes=STACKED_MISTAKES,
    )


@check.exercise(
    "steps inside the noise",
    domain="`accuracies` are in per cent, in the order of the steps, and `deviation` is the "
    "standard deviation of one run, in points, above 0.",
)
def _(steps_inside: Function, draws: Draws):
    def case():
        values = [draws.number(70, 75)]
        for _ in range(draws.count(5, 9)):
            values.append(round(values[-1] + draws.number(-0.8, 1.2), 3))
        return values, draws.number(0.1, 0.4)

    def tells(task):
        right = _steps_inside(*task)
        return all(mistake(*task) != right for mistake in STEPS_MISTAKES.values())

    agree(
        steps_inside,
        _steps_inside,
        [draws.until(case, tells) for _ in range(3)],
        "Count the steps whose size is below 1.96·√2 times the deviation.",
        mistakes=STEPS_MISTAKES,
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _seed_by_seed(none, first, second, both):
    return [d - b - c + a for a, b, c, d in zip(none, first, second, both, strict=True)]


def _interval(values, comparisons, root=True, quantile=None):
    level = 1 - 0.025 / comparisons
    at = quantile(level) if quantile else stats.t.ppf(level, len(values) - 1)
    reach = at * stdev(values) / (math.sqrt(len(values)) if root else 1)
    return mean(values) - reach, mean(values) + reach


def _my_interaction(none, first, second, both, comparisons):
    return _interval(_seed_by_seed(none, first, second, both), comparisons)


def _unpaired(none, first, second, both, comparisons):
    count = len(none)
    middle = mean(both) - mean(first) - mean(second) + mean(none)
    spread = math.sqrt(sum(stdev(one) ** 2 for one in (none, first, second, both)))
    reach = stats.t.ppf(1 - 0.025 / comparisons, count - 1) * spread / math.sqrt(count)
    return middle - reach, middle + reach


INTERACTION_MISTAKES = {
    "That is both minus none: the two single gains are missing.": (
        lambda none, first, second, both, comparisons: _interval(
            [b - a for a, b in zip(none, both, strict=True)], comparisons
        )
    ),
    "Both gains were subtracted from the accuracy of both: add `none` once.": (
        lambda none, first, second, both, comparisons: _interval(
            [d - b - c for b, c, d in zip(first, second, both, strict=True)], comparisons
        )
    ),
    "That interval holds alone: divide 0.025 by `comparisons`.": (
        lambda none, first, second, both, comparisons: _interval(
            _seed_by_seed(none, first, second, both), 1
        )
    ),
    "That is how far one seed reaches: divide by the root of the number of seeds.": (
        lambda none, first, second, both, comparisons: _interval(
            _seed_by_seed(none, first, second, both), comparisons, root=False
        )
    ),
    "With few seeds the normal quantile is too small: take Student's.": (
        lambda none, first, second, both, comparisons: _interval(
            _seed_by_seed(none, first, second, both), comparisons, quantile=stats.norm.ppf
        )
    ),
    "That takes the four lists as if they had nothing in common: go seed by seed.": _unpaired,
    "These are points: the interaction holds shares.": (
        lambda *task: tuple(100 * end for end in _my_interaction(*task))
    ),
}


def _tells(task) -> bool:
    right = _my_interaction(*task)
    return all(math.dist(right, one(*task)) > 1e-4 for one in INTERACTION_MISTAKES.values())


def _worth_of_mixing(recipe: Recipe, data: Data, seeds: Sequence[int]):
    return study({"without": replace(recipe, mix=keep), "with": recipe}, data, seeds)


def _bare(recipe: Recipe) -> Recipe:
    return Recipe(recipe.epochs, recipe.batch_size, recipe.lr, recipe.model)


WORTH = OwnInterval(
    _worth_of_mixing,
    "Hand `study` the recipe with `mix=keep`, as the first arm, and the recipe as the second; the "
    "difference of the second has the ends `.low` and `.high`.",
    trick="the recipe",
    baseline="the recipe without mixing",
    others={
        "That is what mixing is worth alone: take it out of the whole recipe.": (
            lambda recipe, data, seeds: study(
                {"plain": _bare(recipe), "mixing": replace(_bare(recipe), mix=recipe.mix)},
                data,
                seeds,
            )
        ),
        "That is what all tricks are worth: take out the mixing alone.": (
            lambda recipe, data, seeds: study({"plain": _bare(recipe), "all": recipe}, data, seeds)
        ),
    },
)


def _stacked(first, second, share, epsilon, classes):
    row = torch.full((classes,), epsilon / classes, dtype=torch.float64)
    row[first] += (1 - epsilon) * share
    row[second] += (1 - epsilon) * (1 - share)
    return row


def _others(first, second, share, epsilon, classes):
    row = torch.full((classes,), epsilon / (classes - 1), dtype=torch.float64)
    row[first] = row[second] = 0
    row[first] += (1 - epsilon) * share
    row[second] += (1 - epsilon) * (1 - share)
    return row


STACKED_MISTAKES = {
    "The row does not sum to 1: what was there keeps only 1 − epsilon of itself.": (
        lambda first, second, share, epsilon, classes: (
            _stacked(first, second, share, 0.0, classes) + epsilon / classes
        )
    ),
    "Every class gets epsilon/K, the two that were mixed as well.": _others,
    "The shares are exchanged: `share` belongs to the first class.": (
        lambda first, second, share, *rest: _stacked(second, first, share, *rest)
    ),
    "That is smoothed twice.": (
        lambda first, second, share, epsilon, classes: _stacked(
            first, second, share, 1 - (1 - epsilon) ** 2, classes
        )
    ),
}


def _count(accuracies, least, signed=False):
    steps = [after - before for before, after in pairwise(accuracies)]
    return sum((step if signed else abs(step)) < least for step in steps)


def _steps_inside(accuracies, deviation):
    return _count(accuracies, 1.96 * math.sqrt(2) * deviation)


STEPS_MISTAKES = {
    "A step is a difference of two runs: the root of two is missing.": (
        lambda accuracies, deviation: _count(accuracies, 1.96 * deviation)
    ),
    "One deviation holds two thirds of all cases: take 1.96 of them.": (
        lambda accuracies, deviation: _count(accuracies, math.sqrt(2) * deviation)
    ),
    "A loss can be large too: compare the size of the step.": (
        lambda accuracies, deviation: _count(accuracies, 1.96 * math.sqrt(2) * deviation, True)
    ),
    "Those are the steps outside of the noise.": (
        lambda accuracies, deviation: (
            len(accuracies) - 1 - _count(accuracies, 1.96 * math.sqrt(2) * deviation)
        )
    ),
}


RIGHT = {
    1: (-3, 49.6),
    2: _my_interaction,
    3: WORTH.right,
    4: _stacked,
    5: _steps_inside,
}

WRONG = {
    1: [
        ((3, 49.6), "the sign turned"),
        ((7, 49.6), "gain of both: compare"),
        ((10, 49.6), "the sum of the two gains: compare"),
        ((-2, 49.6), "Add the two gains to 40"),
        ((-3, 50), "multiply what is left"),
        ((-3, 50.4), "These are the errors"),
        ((-3, 50.6), "You multiplied accuracies"),
        ((-3, 47), "Multiply, and turn the errors"),
        ((None, 49.6), "Expected a number, got nothing"),
    ],
    2: [
        *((answer, told) for told, answer in INTERACTION_MISTAKES.items()),
        (lambda *task: (-0.02, 0.01), "For each seed both"),
        (lambda *task: _my_interaction(*task)[0], "Expected 2 results"),
        (lambda *task: None, "is there a `return`?"),
    ],
    3: WORTH.wrong,
    4: [
        *((answer, told) for told, answer in STACKED_MISTAKES.items()),
        (lambda *task: torch.full((task[-1],), 1 / task[-1]), "First mix"),
        (lambda *task: None, "is there a `return`?"),
    ],
    5: [
        *((answer, told) for told, answer in STEPS_MISTAKES.items()),
        (lambda *task: 0.5, "Count the steps"),
        (lambda *task: None, "is there a `return`?"),
    ],
}
