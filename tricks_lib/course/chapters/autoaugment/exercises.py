"""Exercises of notebooks/11_autoaugment.ipynb.

Chapter: notebooks/11_autoaugment.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from tricks_lib.augment import AutoAugment
from tricks_lib.augment.autoaugment import TONAL, Policy
from tricks_lib.course.exercises import (
    Draws,
    Exercises,
    Function,
    Wrong,
    agree,
    expect,
)
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import StudyResult, study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

from .policies import draw_policy

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a pair by hand")
def _(untouched, shear):
    expect(
        untouched,
        0.08,
        "Neither the shear nor the inversion is applied: multiply the two chances that they are "
        "not.",
        tolerance=1e-3,
        mistakes={
            "That is the chance that both are applied.": 0.18,
            "That is the chance that one or both are applied: take the rest.": 0.92,
            "That is a sum: the chance that both are left out is the product.": 0.9,
            "That is the chance that the first is left out; the second must be left out as well.": (
                0.1
            ),
        },
    )
    expect(
        shear,
        4 / 30,
        "Index 0 is nothing, index 9 is 0.3, and the steps between are equal.",
        tolerance=2e-3,
        mistakes={
            "There are 10 indices, and so 9 steps between the first and the last.": 0.12,
            "The index counts from 0: index 4 is the fifth magnitude, four steps from none.": (
                0.3 * 5 / 9
            ),
            "Shears end at 0.3, not at 1.": 4 / 9,
        },
    )


@check.exercise(
    "a batch, operation by operation",
    domain="`images` are uint8 (B, C, H, W); `which` is int (B,), the number of an operation for "
    "each image; `operations` is a list of functions, images -> images of the same shape, and some "
    "of them may be drawn for no image.",
)
def _(my_apply: Function, draws: Draws):
    names = ["Invert", "AutoContrast", "Equalize"]
    many = [lambda images: images, *(_on_all(name) for name in names)]

    def case(count: int, *drawn: int):
        images = draws.whole(0, 255, count, draws.count(1, 3), 5, 7).to(torch.uint8)
        which = torch.tensor(drawn) if drawn else draws.whole(0, len(many) - 1, count)
        return images, which, many

    cases = [case(draws.count(6, 9)), case(3, 2, 1, 2), case(4, 3, 3, 3, 3), case(1, 0)]
    agree(
        my_apply,
        _my_apply,
        [*cases, case(8)],
        "To each image its own operation: choose the images with which == k, and put the results "
        "back into the same places.",
        fresh=True,
        same_type=True,
        mistakes={
            "All images get the operation that was drawn for the first one.": _one_for_all,
            "The results come back in another order than the images: put each one into its own "
            "place.": _in_groups,
            "Several operations act on one image: each image gets its own and no other.": _all_upto,
        },
    )
    counted = [_Counted(operation) for operation in many]
    images, which, _ = case(12, *(3 * [0, 1, 2, 3]))
    my_apply(images, which, counted)
    if max(one.calls for one in counted) > 1:
        raise Wrong(
            "An operation was called several times for one batch: call each of them once, with all "
            "of its images together."
        )


@check.exercise(
    "a search, and its luck",
    domain="`policies` is a list of three or more policies; `baseline` is a recipe without "
    "augmentation, `data` has training and test images, and `seeds` is a list of two or more, the "
    "first of which is the search.",
)
def _(search: Function, draws: Draws):
    def case():
        policies = [draw_policy(draws.count(0, 9999), pairs=1) for _ in range(3)]
        recipe = Recipe(epochs=1, batch_size=20, lr=draws.number(0.05, 0.2), model=mlp)
        data = _digits(draws.count(0, 99))
        return policies, recipe, data, [draws.count(0, 999) for _ in range(3)]

    agree(
        search,
        _search,
        [draws.until(case, _tells)],
        "Hand one recipe for each policy to `study`; the winner has the best accuracy with the "
        "first seed, and its lead is its accuracy minus the mean of all policies.",
        parts=("lead in the search", "lead, measured again"),
        tolerance=1e-9,
        mistakes={
            "You choose by all seeds, and measure again with the same ones: choose by the first, "
            "since only fresh seeds tell.": _chosen_by_all,
            "The second lead is measured with the search's own seed among the others: only fresh "
            "seeds tell.": _with_the_first,
            "With the fresh seeds you choose a new winner: measure the old one again.": _new_winner,
            "The lead is over the mean of all policies, not over the second best.": (
                _over_the_second
            ),
            "Those are points: the accuracies are shares, 0.01 for a point.": _in_points,
        },
    )


@check.exercise(
    "what a policy does on average",
    domain="`policy` is a tuple of pairs of operations (name, probability, magnitude), as "
    "`POLICIES` has them.",
)
def _(on_average: Function, draws: Draws):
    cases: list[tuple[Policy]] = [
        ((((("Rotate", 0.7, 2)), ("TranslateX", 0.3, 9)),),),
        (((("Invert", 1.0, None), ("Color", 0.0, 3)), (("Equalize", 0.0, None),) * 2),),
    ]
    cases += [(draw_policy(draws.count(0, 9999), pairs=draws.count(1, 25)),) for _ in range(4)]
    agree(
        on_average,
        _on_average,
        cases,
        "All pairs are equally likely: work it out for one pair, then take the mean over all.",
        parts=("untouched share", "operations for each image"),
        mistakes={
            "Those are sums over the pairs: an image gets one pair, so take the mean.": _summed,
            "The chance that *both* are left out is a product, pair by pair; the product of two "
            "means is another number.": _product_of_means,
            "The first is the share that is touched: one minus it.": _touched,
        },
    )


@check.exercise(
    "how much of a lead is real",
    domain="`first` and `second` are float (n,), the scores of the same n policies, n of at least "
    "3, in two measurements that have nothing else in common; not all scores of `first` are equal.",
)
def _(kept: Function, draws: Draws):
    cases = []
    for _ in range(5):
        true = draws.normal(draws.count(3, 30)).double()
        noise = draws.normal(2, len(true)).double()
        cases.append((true + noise[0], true + draws.number(0.2, 2) * noise[1] + 5))
    agree(
        kept,
        _kept,
        cases,
        "Divide the covariance of the two measurements by the variance of the first.",
        tolerance=1e-5,
        mistakes={
            "That is the correlation: divide by the variance of the first measurement alone.": (
                _correlation
            ),
            "Subtract the means first.": _raw,
            "Divide by the variance of the first, which made the choice, not of the second.": (
                lambda first, second: _kept(second, first)
            ),
        },
    )


# --- Answers, right and wrong ---


def _on_all(name: str) -> Callable[[Tensor], Tensor]:
    def operation(images):
        return TONAL[name](images, torch.zeros(len(images)))

    return operation


class _Counted:
    """An operation that counts its calls."""

    def __init__(self, operation):
        self.operation, self.calls = operation, 0

    def __call__(self, images):
        self.calls += 1
        return self.operation(images)


def _my_apply(images, which, operations):
    result = images.clone()
    for number, operation in enumerate(operations):
        chosen = which == number
        if chosen.any():
            result[chosen] = operation(images[chosen])
    return result


def _one_by_one(images, which, operations):
    results = [operations[k](image[None]) for image, k in zip(images, which.tolist(), strict=True)]
    return torch.cat(results).clone()


def _one_for_all(images, which, operations):
    return operations[which[0]](images).clone()


def _in_groups(images, which, operations):
    groups = [
        operation(images[which == number])
        for number, operation in enumerate(operations)
        if (which == number).any()
    ]
    return torch.cat(groups).clone()


def _all_upto(images, which, operations):
    result = images.clone()
    for number, operation in enumerate(operations):
        chosen = which >= number
        if chosen.any():
            result[chosen] = operation(result[chosen])
    return result


def _in_place(images, which, operations):
    for number, operation in enumerate(operations):
        chosen = which == number
        if chosen.any():
            images[chosen] = operation(images[chosen])
    return images


def _scores(policies, baseline, data, seeds) -> list[list[float]]:
    """Return the accuracy of each policy with each seed."""
    result = _runs(tuple(policies), baseline, data, tuple(seeds))
    return [[values[seed] for seed in seeds] for values in map(result.values, result.runs)]


@cache
def _digits(seed: int) -> Data:
    return load_data("digits").subset(train=40, test=400, seed=seed)


@lru_cache(maxsize=64)
def _runs(
    policies: tuple[Policy, ...], baseline: Recipe, data: Data, seeds: tuple[int, ...]
) -> StudyResult:
    arms = {
        str(number): replace(baseline, augment=AutoAugment(policy))
        for number, policy in enumerate(policies)
    }
    return study(arms, data, seeds)


def _mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)


def _leads(scores: list[list[float]]) -> list[list[float]]:
    """Return the lead of each policy over the mean of all, seed by seed."""
    means = [_mean(column) for column in zip(*scores, strict=True)]
    return [[x - mean for x, mean in zip(row, means, strict=True)] for row in scores]


def _search(policies, baseline, data, seeds):
    leads = _leads(_scores(policies, baseline, data, seeds))
    winner = max(leads, key=lambda lead: lead[0])
    return winner[0], _mean(winner[1:])


def _tells(task: Sequence[Any]) -> bool:
    """Tell whether no mistake gives the right answer by chance, and one winner stands alone."""
    leads = _leads(_scores(*task))
    ordered = sorted((lead[0] for lead in leads), reverse=True)
    right = _search(*task)
    wrong = [_chosen_by_all, _with_the_first, _new_winner, _over_the_second]
    best = [max(lead[k] for lead in leads) for k in range(len(leads[0]))]
    return (
        ordered[0] > ordered[1]
        and best[0] > 0
        and all(one(*task) != right for one in wrong)
        and abs(right[0] - right[1]) > 1e-3
    )


def _chosen_by_all(policies, baseline, data, seeds):
    leads = _leads(_scores(policies, baseline, data, seeds))
    winner = max(leads, key=_mean)
    return winner[0], _mean(winner)


def _with_the_first(policies, baseline, data, seeds):
    leads = _leads(_scores(policies, baseline, data, seeds))
    winner = max(leads, key=lambda lead: lead[0])
    return winner[0], _mean(winner)


def _new_winner(policies, baseline, data, seeds):
    leads = _leads(_scores(policies, baseline, data, seeds))
    return max(lead[0] for lead in leads), max(_mean(lead[1:]) for lead in leads)


def _over_the_second(policies, baseline, data, seeds):
    leads = sorted(_leads(_scores(policies, baseline, data, seeds)), reverse=True)
    first, second = leads[:2]
    return first[0] - second[0], _mean(first[1:]) - _mean(second[1:])


def _in_points(policies, baseline, data, seeds):
    return tuple(100 * lead for lead in _search(policies, baseline, data, seeds))


def _on_average(policy):
    return (
        _mean((1 - p) * (1 - q) for (_, p, _), (_, q, _) in policy),
        _mean(p + q for (_, p, _), (_, q, _) in policy),
    )


def _summed(policy):
    return tuple(len(policy) * one for one in _on_average(policy))


def _product_of_means(policy):
    first, second = (_mean(1 - pair[k][1] for pair in policy) for k in (0, 1))
    return first * second, _on_average(policy)[1]


def _touched(policy):
    untouched, operations = _on_average(policy)
    return 1 - untouched, operations


def _kept(first, second):
    first, second = first - first.mean(), second - second.mean()
    return (first @ second / (first @ first)).item()


def _correlation(first, second):
    first, second = first - first.mean(), second - second.mean()
    return (first @ second / (first.norm() * second.norm())).item()


def _raw(first, second):
    return (first @ second / (first @ first)).item()


RIGHT = {
    1: (0.08, 0.1333),
    2: _my_apply,
    3: _search,
    4: _on_average,
    5: _kept,
}

WRONG = {
    1: [
        ((0.18, 0.1333), "both are applied"),
        ((0.92, 0.1333), "take the rest"),
        ((0.9, 0.1333), "That is a sum"),
        ((0.1, 0.1333), "the second must be left out"),
        ((0.5, 0.1333), "multiply the two chances"),
        ((0.08, 0.12), "9 steps"),
        ((0.08, 1 / 6), "four steps from none"),
        ((0.08, 0.4444), "end at 0.3"),
        ((0.08, 0.3), "steps between are equal"),
    ],
    2: [
        (_one_for_all, "drawn for the first one"),
        (_in_groups, "in another order"),
        (_all_upto, "Several operations"),
        (_one_by_one, "call each of them once"),
        (_in_place, "changed its argument `images`"),
        (lambda *task: _my_apply(*task).float(), "should have the type"),
        (lambda images, which, operations: images.clone(), "To each image its own"),
        (lambda images, which, operations: None, "is there a `return`?"),
    ],
    3: [
        (_chosen_by_all, "only fresh seeds tell"),
        (_with_the_first, "only fresh seeds tell"),
        (_new_winner, "measure the old one again"),
        (_over_the_second, "not over the second best"),
        (_in_points, "accuracies are shares"),
        (lambda policies, baseline, data, seeds: (0.02, 0.01), "Hand one recipe"),
        (lambda *task: _search(*task)[0], "Expected 2 results"),
        (lambda policies, baseline, data, seeds: None, "is there a `return`?"),
    ],
    4: [
        (_summed, "take the mean"),
        (_product_of_means, "pair by pair"),
        (_touched, "one minus it"),
        (lambda policy: (0.21, 1.0), "All pairs are equally likely"),
        (lambda policy: 0.21, "Expected 2 results"),
        (lambda policy: None, "is there a `return`?"),
    ],
    5: [
        (_correlation, "the correlation"),
        (_raw, "Subtract the means"),
        (lambda first, second: _kept(second, first), "which made the choice"),
        (lambda first, second: 0.5, "Divide the covariance"),
        (lambda first, second: None, "is there a `return`?"),
    ],
}
