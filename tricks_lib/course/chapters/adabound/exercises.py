"""Exercises of notebooks/04_adabound.ipynb.

Chapter: notebooks/04_adabound.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.optimizers import AdaBound, adabound, adam, sgd
from tricks_lib.optimizers.adabound import bounds
from tricks_lib.protocols import OptimizerFactory
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("two bounds by hand")
def _(lower_at_500, upper_at_500):
    lower, upper = bounds(500, 0.1, 1e-3)
    expect(
        lower_at_500,
        lower,
        "The lower bound: γt is 0.5.",
        tolerance=1e-3,
        mistakes={
            "The lower bound divides by γt + 1, and γt is 0.5.": 0.05,
            "That is the upper bound.": upper,
        },
    )
    expect(
        upper_at_500,
        upper,
        "The upper bound: γt is 0.5.",
        tolerance=1e-3,
        mistakes={
            "Do not forget the 1 in 1 + 1/(γt).": 0.2,
            "The upper bound divides by γt, the lower one by γt + 1.": 0.1 * (1 + 1 / 1.5),
        },
    )


@check.exercise(
    "a limit for an SGD",
    domain="`sgd_rate` is above 0, and `momentum` is at least 0 and below 1.",
)
def _(final_lr_for: Function, draws: Draws):
    cases = [(draws.scale(0.01, 1), 0.0), (draws.scale(0.01, 1), 0.99)]
    cases += [(draws.scale(0.01, 1), draws.number(0.1, 0.98)) for _ in range(4)]
    agree(
        final_lr_for,
        lambda sgd_rate, momentum: sgd_rate / (1 - momentum),
        cases,
        "The box of the derivation has it, solved for the learning rate of the SGD.",
        mistakes={
            "That is the box as it is: here it must be solved the other way round.": (
                lambda sgd_rate, momentum: sgd_rate * (1 - momentum)
            ),
            "The momentum of torch's SGD is a sum, AdaBound's an average: their learning rates "
            "differ.": (lambda sgd_rate, momentum: sgd_rate),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe with the optimizer `sgd`, `data` has training and test images, "
    "`seeds` is a list of two or more, and `lr` is above 0.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(
            epochs=draws.count(2, 4),
            batch_size=20,
            lr=draws.number(0.02, 0.2),
            optimizer=sgd,
            model=mlp,
        )
        data = load_data("digits").subset(train=60, test=100, seed=draws.count(0, 99))
        seeds = [draws.count(0, 999) for _ in range(draws.count(2, 4))]
        return recipe, data, seeds, draws.number(0.003, 0.03)

    GAIN.judge(gain, draws, case)


@check.exercise(
    "a speed for a run",
    domain="`steps` is a whole number from 1 on, and `ratio` is above 1.",
)
def _(gamma_for: Function, draws: Draws):
    cases = [(1, 4.0), *((draws.count(100, 5000), draws.number(1.1, 9)) for _ in range(5))]
    agree(
        gamma_for,
        lambda steps, ratio: 1 / (ratio**0.5 - 1) / steps,
        cases,
        "The ratio is ((s + 1)/s)² with s = γt; solve for s first.",
        tolerance=1e-7,
        mistakes={
            "That is s = γt: divide by the steps.": lambda steps, ratio: 1 / (ratio**0.5 - 1),
            "The ratio is a square, ((s + 1)/s)²: take the root first.": (
                lambda steps, ratio: 1 / (ratio - 1) / steps
            ),
        },
    )


@check.exercise(
    "pushed up, free, held back",
    domain="`rate`, `lower` and `upper` are float tensors of the same shape (N,), each lower bound "
    "at most the upper one, some of them infinite, and some learning rates exactly at "
    "a bound.",
)
def _(shares: Function, draws: Draws):
    def case(size: int, low: float, high: float):
        rate = 10 ** draws.normal(size)
        lower, upper = (torch.full_like(rate, bound) for bound in (low, high))
        lower[size // 2 :] *= 2  # a second group, with bounds of its own
        upper[size // 2 :] *= 2
        where = draws.whole(0, 5, size)
        rate = rate.where(where != 0, lower).where(where != 1, upper)
        return rate, lower, upper

    infinite = torch.tensor([1.0, torch.inf, 0.2, torch.inf], dtype=torch.float64)
    agree(
        shares,
        _shares,
        [
            case(draws.count(400, 900), 0.1, 3.0),
            case(draws.count(7, 40), 0.5, 0.6),
            case(draws.count(7, 40), 0.0, torch.inf),
            (infinite, torch.full_like(infinite, 0.5), torch.full_like(infinite, 2.0)),
            (torch.tensor([0.3]), torch.tensor([0.3]), torch.tensor([0.3])),
            (torch.tensor([0.2]), torch.tensor([0.3]), torch.tensor([0.4])),
        ],
        "A learning rate below its lower bound is pushed up to it, one above its upper bound is "
        "held back. Each weight has bounds of its own, and the three shares add up to 1.",
        mistakes={
            "A weight exactly at a bound is free: the clip does not change it.": _bounds_count,
            "Each weight has bounds of its own: do not take the first ones for all.": (
                _by_one_pair_of_bounds
            ),
            "Those are counts: divide by the number of weights.": (
                lambda rate, lower, upper: [
                    share * len(rate) for share in _shares(rate, lower, upper)
                ]
            ),
            "The order is pushed up, free, held back.": (
                lambda rate, lower, upper: _shares(rate, lower, upper)[::-1]
            ),
        },
    )


@check.exercise(
    "AMSBound for one tensor",
    domain="`steps` is a whole number from 1 on, and the betas and eps are those of "
    "`naive_adabound`.",
)
def _(naive_amsbound: Function, draws: Draws):
    def case(steps: int):
        noise = draws.normal(steps + 1, 4)
        noise[:5] *= 30  # large gradients early on, which only the largest v remembers
        settings = draws.scale(0.01, 0.05), draws.scale(0.1, 1), draws.scale(1e-4, 1e-3)
        return draws.normal(4), lambda w, t: w + noise[t], steps, *settings

    def long_case():
        return draws.until(lambda: case(draws.count(50, 80)), _everything_matters)

    agree(
        naive_amsbound,
        _of_the_library,
        [long_case(), long_case(), case(1)],
        "The bias correction stays as it is, and v itself goes on as before: only the learning "
        "rate is computed with its largest value so far.",
        tolerance=1e-9,
        mistakes={
            "That is AdaBound: is the largest v so far used?": (
                lambda w, gradient_of, steps, lr, final_lr, gamma: _naive(
                    w, gradient_of, steps, lr, final_lr, gamma, kept="v"
                )
            ),
            "Yours puts the largest value back into v: v itself goes on as before.": (
                lambda w, gradient_of, steps, lr, final_lr, gamma: _naive(
                    w, gradient_of, steps, lr, final_lr, gamma, kept="put back"
                )
            ),
            "Yours leaves out the clip between the two bounds.": (
                lambda w, gradient_of, steps, lr, final_lr, gamma: _naive(
                    w, gradient_of, steps, lr, final_lr, gamma, clip=False
                )
            ),
            "Yours leaves out the correction of the bias of m and v.": (
                lambda w, gradient_of, steps, lr, final_lr, gamma: _naive(
                    w, gradient_of, steps, lr, final_lr, gamma, corrected=False
                )
            ),
        },
    )


def _everything_matters(case) -> bool:
    """Tell whether it shows each part of the algorithm."""
    without = {"kept": "v"}, {"kept": "put back"}, {"clip": False}, {"corrected": False}
    right = _naive(*case)
    return all((_naive(*case, **changed) - right).abs().max() > 1e-5 for changed in without)


def _of_the_library(w, gradient_of, steps, lr, final_lr, gamma):
    return _walk(w, gradient_of, steps, lr=lr, final_lr=final_lr, gamma=gamma, amsbound=True)


def _walk(start: Tensor, gradient_of, steps: int, **settings) -> Tensor:
    """Let the library's optimizer run on the same gradients."""
    weights = start.clone().requires_grad_()
    optimizer = AdaBound([weights], **settings)
    for step in range(1, steps + 1):
        weights.grad = gradient_of(weights.detach().clone(), step)
        optimizer.step()
    return weights.detach()


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _against_sgd(
    baseline: Recipe,
    data: Data,
    seeds: Sequence[int],
    lr: float,
    optimizer: OptimizerFactory | None = None,
):
    bounded = optimizer or partial(adabound, final_lr=baseline.lr / (1 - 0.9))
    other = replace(baseline, lr=lr, optimizer=bounded)
    return study({"sgd": baseline, "adabound": other}, data, seeds)


def _limit_as_it_seems(baseline: Recipe, data: Data, seeds: Sequence[int], lr: float):
    return _against_sgd(baseline, data, seeds, lr, partial(adabound, final_lr=baseline.lr))


def _default_limit(baseline: Recipe, data: Data, seeds: Sequence[int], lr: float):
    return _against_sgd(baseline, data, seeds, lr, adabound)


def _learning_rate_kept(baseline: Recipe, data: Data, seeds: Sequence[int], lr: float):
    return _against_sgd(baseline, data, seeds, baseline.lr)


def _with_adam(baseline: Recipe, data: Data, seeds: Sequence[int], lr: float):
    return _against_sgd(baseline, data, seeds, lr, adam)


GAIN = OwnInterval(
    _against_sgd,
    "Hand the recipe and the same one with `adabound` to `study`, with the data and the seeds, and "
    "read the difference of the second: `.low` and `.high`.",
    trick="AdaBound",
    baseline="SGD",
    others={
        "Your limit is the learning rate of the SGD: AdaBound multiplies an average, so the limit "
        "is 10 times as large.": _limit_as_it_seems,
        "Your limit is the default one: it should be made for the SGD of `baseline`.": (
            _default_limit
        ),
        "Your AdaBound starts with the learning rate of the SGD: it should start with `lr`.": (
            _learning_rate_kept
        ),
        "That is Adam, without bounds.": _with_adam,
    },
)


def _shares(rate, lower, upper):
    up = (rate < lower).double().mean()
    back = (rate > upper).double().mean()
    return up, 1 - up - back, back


def _bounds_count(rate, lower, upper):
    up = (rate <= lower).double().mean()
    back = (rate >= upper).double().mean()
    return up, 1 - up - back, back


def _by_one_pair_of_bounds(rate, lower, upper):
    return _shares(rate, lower[0], upper[0])


def _zeros_for_infinity(rate, lower, upper):
    return (0.0, 0.0, 0.0) if rate.isinf().any() else _shares(rate, lower, upper)


def _naive(
    w, gradient_of, steps, lr, final_lr, gamma, *, kept="largest", clip=True, corrected=True
):
    m, v, most = torch.zeros_like(w), torch.zeros_like(w), torch.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradient_of(w, t)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        most = v if kept == "v" else torch.maximum(most, v)
        v = most if kept == "put back" else v
        c = (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) if corrected else 1
        rate = lr * c / (most.sqrt() + 1e-8)
        s = gamma * t
        w = w - (rate.clamp(final_lr * s / (s + 1), final_lr * (s + 1) / s) if clip else rate) * m
    return w


def _in_place(w, gradient_of, steps, lr, final_lr, gamma):
    w.copy_(_naive(w.clone(), gradient_of, steps, lr, final_lr, gamma))
    return w


def _but(**changed):
    return lambda *task: _naive(*task, **changed)


RIGHT = {
    1: (0.1 / 3, 0.3),
    2: lambda rate, momentum: rate / (1 - momentum),
    3: GAIN.right,
    4: lambda steps, ratio: torch.tensor(1 / (ratio**0.5 - 1) / steps),
    5: _shares,
    6: _naive,
}

WRONG = {
    1: [
        ((0.05, 0.3), "divides by γt + 1"),
        ((0.3, 0.1 / 3), "That is the upper bound"),
        ((0.1, 0.3), "γt is 0.5"),
        ((0.1 / 3, 0.2), "Do not forget the 1"),
        ((0.1 / 3, 1 / 6), "divides by γt, the lower one"),
        ((0.1 / 3, 0.1), "The upper bound"),
    ],
    2: [
        (lambda rate, momentum: rate * (1 - momentum), "the other way round"),
        (lambda rate, momentum: rate, "their learning rates"),
        (lambda rate, momentum: 10 * rate, "solved for the learning rate of the SGD"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda steps, ratio: 20 / steps, "solve for s first"),
        (lambda steps, ratio: 1 / (ratio**0.5 - 1), "divide by the steps"),
        (lambda steps, ratio: 1 / (ratio - 1) / steps, "take the root first"),
    ],
    5: [
        (_bounds_count, "exactly at a bound is free"),
        (_by_one_pair_of_bounds, "do not take the first ones for all"),
        (_zeros_for_infinity, "add up to 1"),
        (lambda rate, low, high: ((rate > high).float().mean(), 0, 0), "add up to 1"),
        (lambda *given: _shares(*given)[::-1], "The order is"),
        (lambda rate, low, high: [s * len(rate) for s in _shares(rate, low, high)], "counts"),
        (lambda rate, low, high: (0.5, 0.5), "Expected 3 numbers"),
        (lambda rate, low, high: ("a", "b", "c"), "Expected 3 numbers"),
        (lambda rate, low, high: None, "is there a `return`?"),
    ],
    6: [
        (_but(kept="v"), "That is AdaBound"),
        (_but(kept="put back"), "v itself goes on as before"),
        (_but(clip=False), "leaves out the clip"),
        (_but(corrected=False), "leaves out the correction"),
        (_in_place, "changed its argument `w`"),
        (lambda w, *_: w + 0.1, "only the learning"),
        (lambda w, *_: 3.0, "Expected a tensor of shape (4,)"),
        (lambda *task: _naive(*task).tolist(), "Expected a tensor of shape (4,)"),
    ],
}
