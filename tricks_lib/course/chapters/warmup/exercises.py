"""Exercises of notebooks/01_warmup.ipynb.

Chapter: notebooks/01_warmup.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, SequentialLR

from tricks_lib.course.exercises import (
    Draws,
    Exercises,
    Function,
    Wrong,
    agree,
    expect,
    named,
    untouched,
)
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import ACCURACY, Difference, StudyResult, paired_difference, study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant_warmup, cosine_decay, gradual_warmup, linear_decay

from .study import sum_of_learning_rates

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("by hand")
def _(factor, total):
    ramp = gradual_warmup(length=15, start=1 / 16)
    expect(
        factor,
        ramp(5),
        "The factor at step t of m is start + (1 - start) · t / m.",
        tolerance=1e-3,
        mistakes={
            "That is t/m, a ramp that begins at 0: this one begins at 1/16.": 5 / 15,
            "That is only the way gone since the start: add where the ramp begins.": 5 / 16,
            "Only 15/16 are left to rise, not all of 1.": 1 / 16 + 5 / 15,
        },
    )
    expect(
        total,
        sum(map(ramp, range(15))),
        "The factor is right. The 15 factors rise evenly from 1/16 at step 0 to 15/16 at step 14: "
        "how many are there, and what is their mean?",
        tolerance=1e-3,
        mistakes={
            "The factor is right. 15 is the sum without warmup.": 15,
            "The factor is right. Steps 0 to 14 make the warmup; at step 15 it is over.": (
                sum(map(ramp, range(16)))
            ),
            "The factor is right. That is the area below the line; the steps take its left ends.": (
                15 * (1 + 1 / 16) / 2
            ),
            "The factor is right. Step 0 counts too.": sum(map(ramp, range(1, 15))),
        },
    )


@check.exercise(
    "constant warmup, written by you",
    domain="`time` and `length` are numbers from 0 on, not always whole, `start` is between 0 and "
    "1, and `then` is a function of time.",
)
def _(my_constant_warmup: Function, draws: Draws):
    cases = []
    for length in (0, draws.count(1, 9), draws.number(0.5, 9)):
        start = draws.number(0.05, 0.9)
        for then in (cosine_decay(draws.count(3, 20)), linear_decay(draws.count(3, 20), 0.5)):
            times = [0, length / 2, length - 0.001, length, length + 0.001, length + 1, 100]
            times += [length + draws.number(0, 9) for _ in range(3)]
            cases += [(time, length, start, then) for time in times if time >= 0]
    agree(
        my_constant_warmup,
        _library_warmup,
        cases,
        "At `length` itself the warmup is over, and `then` begins at its own time 0.",
        mistakes={
            "`then` should begin at its own time 0 when the warmup is over.": (
                _then_at_the_wrong_time
            ),
            "At `length` itself the warmup is over: compare with <.": _too_long_by_a_step,
            "During the warmup the factor is `start` itself.": _start_times_then,
        },
    )


def _library_warmup(time, length, start, then):
    return constant_warmup(length, start, then)(time)


@check.exercise(
    "your own comparison",
    domain="`recipe` has a constant learning rate, `data` is of the course's kind, and `seeds` are "
    "two or more.",
)
def _(compare: Function, found: Difference, word: str, draws: Draws):
    compare.check_arguments(["recipe", "data", "seeds"])
    draws.hidden = True
    images = draws.count(60, 90)
    data = load_data("fashion-mini").subset(train=images, test=500, seed=draws.count(1, 10**6))
    lr = draws.number(0.3, 0.6)
    recipe = Recipe(epochs=3, batch_size=20, lr=lr, model=partial(mlp, hidden=(16,)))
    seeds = [draws.count(0, 99), draws.count(100, 199), draws.count(200, 299)]
    with untouched(seeds=seeds):
        theirs = compare(recipe, data, seeds)
    where = f"Tried with {images} images, the learning rate {lr} and the seeds {seeds}."
    if not isinstance(theirs, Difference):
        raise Wrong(f"{where} Expected what `result.difference(...)` returns, got {named(theirs)}.")
    result = _compared(recipe, data, seeds)
    right = result.difference("warmup")
    if not _same(theirs, right):
        told = _mistake(theirs, result, seeds)
        raise Wrong(f"{where} Expected a difference of {right}, got {theirs}. {told}")
    if len(found.values) < 5 or found.metric.name != "accuracy":
        raise Wrong(
            "Hand in your own finding: what `compare` gives for `tiny`, with five seeds or more."
        )
    zeros = dict.fromkeys(range(len(found.values)), 0.0)
    true = paired_difference(found.metric, dict(enumerate(found.values)), zeros).verdict
    if word != true:
        raise Wrong(
            f"The comparison is right. Your interval is {found}, and the word is not {word!r}: "
            "does the interval contain zero?"
        )


def _mistake(theirs: Difference, result: StudyResult, seeds: Sequence[int]) -> str:
    """Say which comparison it was instead."""
    if len(theirs.values) != len(seeds):
        return f"It is over {len(theirs.values)} seeds: hand `seeds` on to `study`."
    known = {
        "That is without warmup minus with it: the first arm of `study` is the baseline.": (
            ("same sum", "accuracy", "warmup")
        ),
        "That is against the full learning rate: the rival should have the same sum.": (
            ("warmup", "accuracy", "full")
        ),
        'That is the difference in NLL: the metric is called "accuracy".': (
            ("warmup", "nll", "same sum")
        ),
        "That is the rival against the full learning rate: where is the arm with warmup?": (
            ("same sum", "accuracy", "full")
        ),
    }
    for text, way in known.items():
        if _same(theirs, result.difference(*way)):
            return text
    if not any(theirs.values):
        return "Your two arms are the same: does one of them have a warmup?"
    return (
        "Do the learning rates of all steps of the two arms have the same sum, is the warmup an "
        "epoch long, from 1/16, and is nothing else different?"
    )


def _compared(recipe: Recipe, data: Data, seeds: Sequence[int]) -> StudyResult:
    warm = replace(recipe, schedule=gradual_warmup(1, start=1 / 16))
    sums = [sum_of_learning_rates(one, len(data.train)) for one in (warm, recipe)]
    rival = replace(recipe, lr=recipe.lr * sums[0] / sums[1])
    return study({"same sum": rival, "warmup": warm, "full": recipe}, data, seeds)


def _same(one: Difference, other: Difference) -> bool:
    """Tell whether two differences are of the same runs; a GPU adds up in another order."""
    return len(one.values) == len(other.values) and all(
        math.isclose(x, y, rel_tol=1e-3, abs_tol=1e-3)
        for x, y in zip(one.values, other.values, strict=True)
    )


@check.exercise(
    "the largest stable learning rate",
    domain="`curvature` is above 0, and `momentum` is at least 0 and below 1.",
)
def _(largest_rate: Function, times_larger, draws: Draws):
    cases = [(1.0, 0.0), (draws.scale(0.1, 100), 0.0), (draws.scale(0.1, 100), 0.99)]
    cases += [(draws.scale(0.1, 100), draws.number(0.1, 0.98)) for _ in range(4)]
    agree(
        largest_rate,
        lambda curvature, momentum: 2 * (1 + momentum) / curvature,
        cases,
        "The derivation has the bound in its box.",
        mistakes={
            "That is the bound without momentum.": lambda curvature, momentum: 2 / curvature,
            "That is half of the bound: at it, a step without momentum lands in the minimum.": (
                lambda curvature, momentum: (1 + momentum) / curvature
            ),
            "Momentum raises the bound, yours lowers it.": (
                lambda curvature, momentum: 2 * (1 - momentum) / curvature
            ),
            "Momentum adds up to 1/(1 - μ) gradients that agree; in the steepest direction they "
            "alternate.": lambda curvature, momentum: 2 / (curvature * (1 - momentum)),
        },
    )
    expect(
        times_larger,
        1.9,
        "Divide the bound with μ = 0.9 by the one with μ = 0.",
        tolerance=1e-3,
        mistakes={
            "Momentum adds up to 1/(1 - μ) gradients that agree; in the steepest direction they "
            "alternate.": 10,
            "That is the difference, as a share: how many times as large is it?": 0.9,
        },
    )


@check.exercise("count from one")
def _(counted_from_one: gradual_warmup):
    agree(
        Function("counted_from_one", counted_from_one),
        lambda step: min(step + 1, 8) / 8,
        [(step,) for step in (*range(20), 1000)],
        "The first factor is 1/8, and the eighth step is the first with the factor 1.",
        mistakes={
            "Yours is 0 at the first step, which should have the factor 1/8.": gradual_warmup(8),
            "Yours begins right, and reaches 1 a step too late: the eighth step is step 7.": (
                gradual_warmup(8, start=1 / 8)
            ),
        },
    )


@check.exercise(
    "the article's scheduler, repaired",
    domain="`multiplier` is above 1, `warmup` and `after` are whole numbers from 1 on, and the "
    "scheduler is asked for the steps from 0 to `warmup + after`.",
)
def _(build: Function, draws: Draws):
    build.check_arguments(["optimizer", "multiplier", "warmup", "after"])
    for warmup, after in ((draws.count(4, 9), draws.count(5, 12)), (1, 3), (draws.count(2, 6), 1)):
        low, multiplier = draws.number(0.01, 0.3), draws.number(1.5, 16, 1)
        settings = low, multiplier, warmup, after
        found, told = _walk(build, *settings)
        high = low * multiplier
        expect(
            found,
            _rates(*settings),
            f"With lr={low}, multiplier={multiplier}, warmup={warmup} and after={after} the "
            f"learning rate should rise from {low} to {high:.4g} in {warmup} steps, then fall to 0 "
            f"along half a cosine in {after} steps; yours was {[round(x, 4) for x in found]}.",
            mistakes={
                "The warmup is missing.": _walk(Function("", _without_a_warmup), *settings)[0],
                "The decay begins at the low learning rate again: `CosineAnnealingLR` starts from "
                "the one that the optimizer was built with.": (
                    _walk(Function("", _decay_from_the_low_rate), *settings)[0]
                ),
            },
        )
        expect(
            told,
            found,
            "The learning rates are right, but get_last_lr() reports other ones: a log would be "
            "wrong.",
        )


def _rates(low: float, multiplier: float, warmup: int, after: int) -> list[float]:
    """Return the learning rates that are wanted, step by step."""
    high, then = low * multiplier, cosine_decay(after)
    return [
        low + (high - low) * step / warmup if step < warmup else high * then(step - warmup)
        for step in range(warmup + after + 1)
    ]


def _walk(build: Function, low: float, multiplier: float, warmup: int, after: int):
    """Return the learning rates that an optimizer had, and those that its scheduler reported."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=low)
    scheduler = build(optimizer, multiplier, warmup, after)
    if not (hasattr(scheduler, "step") and hasattr(scheduler, "get_last_lr")):
        raise Wrong(f"Expected a scheduler of PyTorch's, got {named(scheduler)}.")
    found, told = [], []
    for _ in range(warmup + after + 1):
        found.append(optimizer.param_groups[0]["lr"])
        told.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found, told


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _constant_warmup(time, length, start, then):
    return start if time < length else then(time - length)


def _then_at_the_wrong_time(time, length, start, then):
    return start if time < length else then(time)


def _too_long_by_a_step(time, length, start, then):
    return start if time <= length else then(time - length)


def _start_times_then(time, length, start, then):
    return start * then(0) * then(time) if time < length else then(time - length)


def _build(optimizer, multiplier, warmup, after):
    shape = gradual_warmup(warmup, start=1 / multiplier, then=cosine_decay(after))
    return LambdaLR(optimizer, lambda step: multiplier * shape(step))


def _decay_from_the_low_rate(optimizer, multiplier, warmup, after):
    ramp = LambdaLR(optimizer, lambda t: min(1 + (multiplier - 1) * t / warmup, multiplier))
    return SequentialLR(optimizer, [ramp, CosineAnnealingLR(optimizer, after)], [warmup])


def _without_a_warmup(optimizer, multiplier, warmup, after):
    return CosineAnnealingLR(optimizer, after)


class _TellsTheFirstRate(LambdaLR):
    def get_last_lr(self):
        return self.base_lrs


def _a_log_that_lies(optimizer, multiplier, warmup, after):
    shape = gradual_warmup(warmup, start=1 / multiplier, then=cosine_decay(after))
    return _TellsTheFirstRate(optimizer, lambda step: multiplier * shape(step))


def _bound(curvature, momentum):
    return 2 * (1 + momentum) / curvature


def _comparison(recipe, data, seeds):
    return _compared(recipe, data, seeds).difference("warmup")


def _with(change, lr=None, seeds=None):
    """Return a comparison that changes the arm with warmup, the rival's learning rate or the
    seeds."""

    def compare(recipe, data, given):
        warm = replace(recipe, schedule=gradual_warmup(1, start=1 / 16))
        sums = [sum_of_learning_rates(one, len(data.train)) for one in (warm, recipe)]
        rival = replace(recipe, lr=(lr or sums[0] / sums[1]) * recipe.lr)
        return study({"a": rival, "b": change(warm)}, data, seeds or given).difference("b")

    return compare


def _found(*values):
    zeros = dict.fromkeys(range(len(values)), 0.0)
    return paired_difference(ACCURACY, dict(enumerate(values)), zeros)


_BETTER, _UNSEEN = _found(0.05, 0.04, 0.06, 0.05, 0.03), _found(-0.05, 0.04, -0.06, 0.05, 0.1)


RIGHT = {
    1: (6 / 16, 7.5),
    2: _constant_warmup,
    3: (_comparison, _BETTER, "helps"),
    4: (_bound, 1.9),
    5: gradual_warmup(7, start=1 / 8),
    6: _build,
}

WRONG = {
    1: [
        ((1 / 3, 7.5), "this one begins at 1/16"),
        ((5 / 16, 7.5), "add where the ramp begins"),
        ((1 / 16 + 1 / 3, 7.5), "Only 15/16 are left"),
        ((0.5, 7.5), "(1 - start) · t / m"),
        (("0.375", 7.5), "Expected a number, got the text"),
        ((lambda: 6 / 16, 7.5), "hand in what it returns"),
        ((6 / 16, 15), "the sum without warmup"),
        ((6 / 16, 8.5), "at step 15 it is over"),
        ((6 / 16, 7.96875), "the area below the line"),
        ((6 / 16, 7.4375), "Step 0 counts too"),
        ((6 / 16, 8), "what is their mean"),
    ],
    2: [
        (_then_at_the_wrong_time, "`then` should begin at its own time 0"),
        (_too_long_by_a_step, "compare with <"),
        (_start_times_then, "the factor is `start` itself"),
        (lambda time, length, start, then: then(time), "the warmup is over"),
        (lambda time: 1, "it is called with (time, length, start, then)"),
        (lambda time, length, start, then: None, "is there a `return`?"),
    ],
    3: [
        (
            (lambda *a: _compared(*a).difference("same sum", baseline="warmup"), _BETTER, "helps"),
            "the first arm of `study` is the baseline",
        ),
        ((_with(lambda warm: warm, lr=1), _BETTER, "helps"), "should have the same sum"),
        (
            (lambda *a: _compared(*a).difference("warmup", "nll"), _BETTER, "helps"),
            "the metric is called",
        ),
        (
            (lambda *a: _compared(*a).difference("same sum", baseline="full"), _BETTER, "helps"),
            "where is the arm with warmup?",
        ),
        ((_with(lambda warm: warm, lr=0.7), _BETTER, "helps"), "have the same sum"),
        (
            (
                _with(lambda warm: replace(warm, schedule=gradual_warmup(2))),
                _BETTER,
                "helps",
            ),
            "from 1/16",
        ),
        ((_with(lambda warm: warm, seeds=[0, 1]), _BETTER, "helps"), "hand `seeds` on"),
        ((lambda *a: 0.03, _BETTER, "helps"), "what `result.difference(...)` returns"),
        ((lambda *a: None, _BETTER, "helps"), "is there a `return`?"),
        ((lambda *a: _BETTER, _BETTER, "helps"), "It is over 5 seeds"),
        ((_comparison, _found(0.05, 0.04), "helps"), "with five seeds or more"),
        ((_comparison, _UNSEEN, "helps"), "does the interval contain zero?"),
        ((_comparison, _BETTER, "no difference seen"), "the word is not"),
        ((_comparison, 0.05, "helps"), "Expected a Difference"),
    ],
    4: [
        ((lambda curvature, momentum: 2 / curvature, 1.9), "the bound without momentum"),
        ((lambda curvature, momentum: (1 + momentum) / curvature, 1.9), "half of the bound"),
        ((lambda curvature, momentum: 2 * (1 - momentum) / curvature, 1.9), "yours lowers it"),
        ((lambda curvature, momentum: 2 / curvature / (1 - momentum), 1.9), "they alternate"),
        ((lambda curvature, momentum: curvature, 1.9), "the bound in its box"),
        ((_bound, 10), "they alternate"),
        ((_bound, 0.9), "how many times as large"),
        ((_bound, 2), "Divide the bound"),
    ],
    5: [
        (gradual_warmup(8), "Yours is 0 at the first step"),
        (gradual_warmup(8, start=1 / 8), "the eighth step is step 7"),
        (gradual_warmup(9, start=1 / 9), "The first factor is 1/8"),
        (lambda t: min(t + 1, 8) / 8, "Expected a gradual_warmup"),
        (gradual_warmup, "You handed in the class gradual_warmup itself"),
    ],
    6: [
        (_decay_from_the_low_rate, "begins at the low learning rate again"),
        (_without_a_warmup, "The warmup is missing"),
        (lambda optimizer, *_: LambdaLR(optimizer, lambda step: 1), "should rise from"),
        (_a_log_that_lies, "a log would be wrong"),
        (lambda *_: None, "is there a `return`?"),
        (lambda optimizer, *_: optimizer, "Expected a scheduler"),
    ],
}
