"""Exercises of notebooks/14_weight_decay.ipynb.

Chapter: notebooks/14_weight_decay.ipynb
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
from tricks_lib.objectives.l1_penalty import soft_threshold
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("one step by hand")
def _(with_l2, with_l1):
    expect(
        with_l2,
        0.35,
        "The step is w - η(g + λw): 0.4 is pulled by the gradient and by the decay.",
        mistakes={
            "That is the step without decay.": 0.37,
            "The decay is multiplied by the learning rate too.": 0.17,
            "The decay goes towards zero: it is subtracted.": 0.39,
            "That takes the amount λ off, as L1 does: here it is the share λ of w.": 0.32,
        },
    )
    expect(
        with_l1,
        0.0,
        "First the step with the gradient alone, then the soft threshold with ηλ.",
        mistakes={
            "The threshold does not step over zero: it stops there.": -0.04,
            "That is the step with the gradient alone: the threshold comes after it.": 0.01,
            "The threshold comes after the step with the gradient, not before it.": -0.03,
        },
    )


@check.exercise(
    "Adam with the decay in either place",
    domain="`w`, `g`, `m` and `v` are tensors of one shape (`v` is not negative), `t` counts the "
    "steps from 1, `lr` and `decay` are at least 0, and `decoupled` is true or false.",
)
def _(adam_step: Function, draws: Draws):
    def case(decoupled: bool, t: int | None = None, decay: float | None = None):
        shape = (draws.count(2, 4), draws.count(2, 4))
        w, g = draws.normal(*shape), draws.normal(*shape)
        m, v = draws.normal(*shape), draws.uniform(*shape)
        if t == 1:
            m, v = torch.zeros_like(m), torch.zeros_like(v)
        lr = draws.number(0.01, 0.1)
        strength = draws.number(0.1, 0.9) if decay is None else decay
        return w, g, m, v, t or draws.count(2, 9), lr, strength, decoupled

    cases = [case(True), case(False), case(True, 1), case(False, 1), case(True, decay=0.0)]
    cases += [case(True), case(False)]
    agree(
        adam_step,
        _adam_step,
        cases,
        "Add the penalty to g before the averages, or shrink w beside the step.",
        parts=("w", "m", "v"),
        tolerance=1e-8,
        fresh=True,
        mistakes={
            "Both ways come out the same: with `decoupled` the averages must not see λw.": (
                _always(False)
            ),
            "Both ways are decoupled: without `decoupled` λw is a part of the gradient.": (
                _always(True)
            ),
            "The two ways are exchanged.": _exchanged,
            "The decoupled decay is multiplied by the learning rate as well.": _without_rate,
            "Divide m by 1 - 0.9ᵗ and v by 1 - 0.999ᵗ first.": _uncorrected,
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe with SGD, `data` has training and test images, `decay` is above "
    "0, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=6, batch_size=20, lr=draws.number(0.05, 0.1), model=mlp)
        data = load_data("digits").subset(train=40, test=200, seed=draws.count(0, 99))
        decay = draws.number(0.05, 0.15)
        return recipe, data, decay, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise(
    "a strength for the length of the run",
    domain="`keep` is between 0 and 1, `rates` has the learning rate of every step, and `momentum` "
    "is from 0 to below 1.",
)
def _(decay_for: Function, draws: Draws):
    def case(momentum: float):
        rates = [draws.number(0.01, 0.2) for _ in range(draws.count(3, 6))]
        return draws.number(0.05, 0.95), rates, momentum

    agree(
        decay_for,
        _decay_for,
        [case(0.0), case(0.9), case(draws.number(0.3, 0.8)), (0.5, [0.1], 0.5)],
        "Solve keep = exp(-λ · sum of the rates / (1 - momentum)) for λ.",
        mistakes={
            "With momentum the same λ shrinks 1/(1 - momentum) times as fast.": (
                lambda keep, rates, momentum: _decay_for(keep, rates, 0.0)
            ),
            "Momentum makes the decay faster, so λ is smaller.": (
                lambda keep, rates, momentum: -math.log(keep) / (sum(rates) * (1 - momentum))
            ),
            "The run has many steps: add up their learning rates.": (
                lambda keep, rates, momentum: len(rates) * _decay_for(keep, rates, momentum)
            ),
            "The logarithm of a number below 1 is negative: λ is not.": (
                lambda *given: -_decay_for(*given)
            ),
        },
    )


@check.exercise(
    "the soft threshold", domain="`w` is a tensor of any shape, and `amount` is at least 0."
)
def _(threshold: Function, draws: Draws):
    edge = torch.tensor([-0.5, 0.5, 0.0, -0.2, 0.7], dtype=torch.float64)
    agree(
        threshold,
        soft_threshold,
        [(edge, 0.5), (edge, 0.0), *((draws.normal(3, 4), draws.number(0.1, 1)) for _ in range(3))],
        "Move |w| towards zero by the amount, not below it, and give it its sign back.",
        fresh=True,
        mistakes={
            "A weight that is nearer to zero than the amount stops at zero.": _steps_over,
            "That is a hard threshold: the weights that remain must move as well.": _hard,
            "Negative weights move up.": lambda w, amount: (w - amount).clamp(min=0),
            "The sign of the weight is lost.": lambda w, amount: (w.abs() - amount).clamp(min=0),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _adam_step(w, g, m, v, t, lr, decay, decoupled):
    if not decoupled:
        g = g + decay * w
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    step = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    shrunk = (1 - lr * decay) * w if decoupled else w
    return shrunk - lr * step, m, v


def _always(decoupled):
    def step(w, g, m, v, t, lr, decay, asked):
        return _adam_step(w, g, m, v, t, lr, decay, decoupled)

    return step


def _exchanged(w, g, m, v, t, lr, decay, decoupled):
    return _adam_step(w, g, m, v, t, lr, decay, not decoupled)


def _without_rate(w, g, m, v, t, lr, decay, decoupled):
    new, m, v = _adam_step(w, g, m, v, t, lr, decay, decoupled)
    return (new - (1 - lr) * decay * w if decoupled else new), m, v


def _uncorrected(w, g, m, v, t, lr, decay, decoupled):
    _, m, v = _adam_step(w, g, m, v, t, lr, decay, decoupled)
    shrunk = (1 - lr * decay) * w if decoupled else w
    return shrunk - lr * m / (v.sqrt() + 1e-8), m, v


def _decayed(baseline: Recipe, data: Data, decay: float, seeds: Sequence[int]):
    none, some = (replace(baseline, optimizer=partial(sgd, weight_decay=x)) for x in (0.0, decay))
    return study({"none": none, "decay": some}, data, seeds)


GAIN = OwnInterval(
    _decayed,
    "Make two recipes with `partial(sgd, weight_decay=...)`, 0 and `decay`, hand both to `study`, "
    "and read the difference of the second: `.low` and `.high`.",
    trick="decay",
    baseline="no decay",
    others={
        "That is twice the strength: `decay` stands for λ, and the penalty is λ/2 · w².": (
            lambda baseline, data, decay, seeds: _decayed(baseline, data, 2 * decay, seeds)
        ),
    },
)


def _decay_for(keep, rates, momentum):
    return -math.log(keep) * (1 - momentum) / sum(rates)


def _threshold(w, amount):
    return w.sign() * (w.abs() - amount).clamp(min=0)


def _steps_over(w, amount):
    return w - amount * w.sign()


def _hard(w, amount):
    return torch.where(w.abs() > amount, w, 0.0)


def _in_place(w, amount):
    return w.copy_(_threshold(w, amount))


RIGHT = {
    1: (0.35, 0.0),
    2: _adam_step,
    3: GAIN.right,
    4: _decay_for,
    5: _threshold,
}

WRONG = {
    1: [
        ((0.37, 0.0), "without decay"),
        ((0.17, 0.0), "multiplied by the learning rate"),
        ((0.39, 0.0), "it is subtracted"),
        ((0.32, 0.0), "as L1 does"),
        ((0.5, 0.0), "The step is w"),
        ((0.35, -0.04), "it stops there"),
        ((0.35, 0.01), "the threshold comes after"),
        ((0.35, -0.03), "not before it"),
        ((0.35, 0.5), "First the step"),
    ],
    2: [
        (_always(False), "Both ways come out the same"),
        (_always(True), "Both ways are decoupled"),
        (_exchanged, "are exchanged"),
        (_without_rate, "multiplied by the learning rate as well"),
        (_uncorrected, "Divide m by"),
        (lambda w, g, *rest: (w - g, rest[0], rest[1]), "Add the penalty to g"),
        (lambda *given: _adam_step(*given)[0], "Expected 3 results"),
        (lambda *given: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda keep, rates, momentum: _decay_for(keep, rates, 0.0), "times as fast"),
        (
            lambda keep, rates, momentum: -math.log(keep) / (sum(rates) * (1 - momentum)),
            "so λ is smaller",
        ),
        (
            lambda keep, rates, momentum: len(rates) * _decay_for(keep, rates, momentum),
            "add up their learning rates",
        ),
        (lambda *given: -_decay_for(*given), "λ is not"),
        (lambda *given: 1.0, "Solve keep"),
    ],
    5: [
        (_steps_over, "stops at zero"),
        (_hard, "hard threshold"),
        (lambda w, amount: (w - amount).clamp(min=0), "Negative weights move up"),
        (lambda w, amount: (w.abs() - amount).clamp(min=0), "sign of the weight is lost"),
        (lambda w, amount: w / 2, "Move |w|"),
        (_in_place, "changed its argument"),
    ],
}
