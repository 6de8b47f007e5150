"""Exercises of notebooks/03_decay.ipynb.

Chapter: notebooks/03_decay.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.protocols import Schedule
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import cosine_decay, cosine_restarts, linear_decay, step_decay

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a factor and a mean by hand")
def _(after_a_quarter, mean_of_steps):
    expect(
        after_a_quarter,
        cosine_decay(4)(1),
        "The cosine: half of 1 + cos(π/4).",
        tolerance=1e-3,
        mistakes={
            "That is the straight line: the cosine falls less at first.": 0.75,
            "That is cos(π/4): the factor is half of 1 more than that.": math.cos(math.pi / 4),
            "That is a quarter of a cosine: the angle goes up to π, not to π/2.": (
                math.cos(math.pi / 8)
            ),
        },
    )
    expect(
        mean_of_steps,
        0.631,
        "The steps: 0.6 of the time at 1, 0.3 of it at 0.1, and 0.1 of it at 0.01.",
        tolerance=1e-3,
        mistakes={
            "The three factors do not last equally long: 60, 30 and 10 % of the run.": 0.37,
            "The second drop multiplies again: the last tenth is at a tenth of a tenth.": 0.64,
        },
    )


@check.exercise(
    "to multiply and to subtract",
    domain="`time` is any number from 0 on, not always whole, also beyond 90: no further drop "
    "comes after it.",
)
def _(multiplied: Function, subtracted: Function, draws: Draws):
    times = [0, 29.999, 30, 45, 59.999, 60, 89.999, 90, 120, 200, 10_000]
    times += [draws.number(low, low + 30) for low in (0, 30, 60, 90, 120)]
    times += [draws.number(150, 1000), draws.count(31, 59), draws.count(61, 89)]
    # Three digits can round a draw up to where the drop is: that is a time like any other.
    cases = [(time,) for time in times]
    late = "A drop counts from its own time on: compare with <=."
    again = "Yours drops again at 120: there are three drops, at 30, 60 and 90."
    agree(
        multiplied,
        lambda time: step_decay((30, 60, 90))(time),
        cases,
        "For `multiplied`, the number of drops so far is the exponent of a tenth.",
        tolerance=1e-9,
        mistakes={
            again: lambda time: 0.1 ** (time // 30),
            late: lambda time: 0.1 ** sum(drop < time for drop in (30, 60, 90)),
            "That is one drop: each of the three multiplies by a tenth.": (
                lambda time: 0.1 if time >= 30 else 1
            ),
            "That is `subtracted`: `multiplied` comes first.": _subtracted,
        },
    )
    agree(
        subtracted,
        _subtracted,
        cases,
        "For `subtracted`, the number of drops so far is a factor of 0.3.",
        mistakes={
            again: lambda time: 1 - 0.3 * (time // 30),
            late: lambda time: 1 - 0.3 * sum(drop < time for drop in (30, 60, 90)),
            "Yours loses 0.1 at each drop; the exercise asks for 0.3.": (
                lambda time: 1 - 0.1 * sum(drop <= time for drop in (30, 60, 90))
            ),
            "That is `multiplied`: `subtracted` comes second.": (
                lambda time: step_decay((30, 60, 90))(time)
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe with a constant learning rate, `data` has training and test "
    "images, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=draws.count(2, 4), batch_size=20, lr=draws.number(0.05, 0.3))
        data = load_data("digits").subset(train=60, test=100, seed=draws.count(0, 99))
        seeds = [draws.count(0, 999) for _ in range(draws.count(2, 4))]
        return replace(recipe, model=mlp), data, seeds

    GAIN.judge(gain, draws, case)


@check.exercise(
    "when restarts come",
    domain="`period`, `multiplier` and `end` are whole numbers from 1 on.",
)
def _(restart_times: Function, draws: Draws):
    # The end at a restart, just before one, before the first; and powers that logarithms miss.
    cases = [(5, 1, 15), (1, 2, 15), (10, 2, 9), (10, 2, 10), (1, 3, 121), (1, 5, 31), (1, 3, 120)]
    for _ in range(4):
        cases.append((draws.count(1, 12), draws.count(1, 4), draws.count(1, 150)))
    agree(
        restart_times,
        _of_the_library,
        cases,
        "After each period the next is `multiplier` times as long; the restarts come where one "
        "period ends and the next begins.",
        mistakes={
            "The start at 0 is no restart.": lambda *given: [0, *_restart_times(*given)],
            "A restart at `end` itself counts: compare with <=.": (
                lambda period, multiplier, end: _restart_times(period, multiplier, end - 1)
            ),
            "Those are the lengths of the periods: add them up to get times.": _lengths,
            "Yours keeps the period: each one is `multiplier` times as long as the last.": (
                lambda period, multiplier, end: list(range(period, end + 1, period))
            ),
            "A logarithm is rounded and can lose a restart: add up the periods instead.": (
                _by_logarithms
            ),
        },
    )


def _of_the_library(period: int, multiplier: int, end: int) -> list[int]:
    schedule = cosine_restarts(period, multiplier)
    times = range(1, end + 1)
    return [time for time in times if schedule(time) == 1 and schedule(time - 1e-6) < 1]


@check.exercise(
    "a learning rate for a floor", domain="`loss`, `curvature` and `variance` are above 0."
)
def _(largest_rate_for: Function, draws: Draws):
    agree(
        largest_rate_for,
        lambda loss, curvature, variance: 4 * loss / (variance + 2 * loss * curvature),
        [tuple(draws.scale(0.05, 20) for _ in range(3)) for _ in range(5)],
        "Solve loss = λV/2 for η, with V from the box.",
        mistakes={
            "That holds for a small learning rate only: the box has 2 - ηλ below.": (
                lambda loss, curvature, variance: 4 * loss / variance
            ),
            "That is with λV = loss: the loss is half of λV.": (
                lambda loss, curvature, variance: 2 * loss / (variance + loss * curvature)
            ),
            "Multiply out: the part with η on the other side has the curvature in it, with a "
            "plus.": lambda loss, curvature, variance: 4 * loss / (variance - 2 * loss * curvature),
        },
    )


@check.exercise(
    "a run that goes on",
    domain="`now` is above 0 and below `planned`, `end` is beyond `planned`, and `time` is any "
    "number from 0 on.",
)
def _(prolonged: Function, draws: Draws):
    cases = []
    for _ in range(3):
        planned = draws.count(4, 20)
        now, end = draws.number(0.1, 0.9) * planned, planned + draws.count(1, 20)
        times = [0, now / 2, now, now + 0.001, (now + end) / 2, end, end + 0.5, 3 * end]
        times += [draws.number(now, end) for _ in range(3)]
        cases += [(time, planned, now, end) for time in times]
    agree(
        prolonged,
        _prolonged,
        cases,
        "Before `now` it is the old cosine. From `now` on it is a new half cosine, which begins "
        "flat at the factor reached, ends flat at zero, and stays there.",
        mistakes={
            "Yours jumps back to 1 at `now`: the new half cosine begins at the factor reached.": (
                _jumps_to_the_top
            ),
            "Yours is one cosine over the whole time: until `now` the old one was in force.": (
                lambda time, planned, now, end: cosine_decay(end)(time)
            ),
            "Yours goes on along the rest of the old cosine, stretched: the new half cosine begins "
            "flat at `now`.": _rest_stretched,
            "Yours falls along a straight line: the new half cosine is flat at `now` and at the "
            "end.": _straight_line,
            "Yours is a quarter of a cosine, steepest at the end: the new half cosine is flat "
            "there too.": _quarter,
            "Yours rises again after `end`: it should stay at zero.": _rises_again,
        },
    )


def _prolonged(time, planned, now, end):
    """Follow the old cosine, then half a cosine from where it stood down to zero."""
    if time <= now:
        return cosine_decay(planned)(time)
    left = min((time - now) / (end - now), 1.0)
    return cosine_decay(planned)(now) * 0.5 * (1 + math.cos(math.pi * left))


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _multiplied(time):
    return 0.1 ** sum(drop <= time for drop in (30, 60, 90))


def _subtracted(time):
    return 1 - 0.3 * sum(drop <= time for drop in (30, 60, 90))


def _falling(baseline: Recipe, data: Data, seeds: Sequence[int], schedule: Schedule | None = None):
    falls = replace(baseline, schedule=schedule or cosine_decay(baseline.epochs))
    return study({"constant": baseline, "falls": falls}, data, seeds)


GAIN = OwnInterval(
    _falling,
    "Hand the recipe and the same one with `cosine_decay` to `study`, with the data and the seeds, "
    "and read the difference of the second: `.low` and `.high`.",
    trick="the cosine",
    baseline="the constant learning rate",
    others={
        "Your cosine is as long as some other run: its length is that of the recipe.": partial(
            _falling, schedule=cosine_decay(10)
        ),
        "That is a straight line: the exercise asks for the cosine.": (
            lambda baseline, data, seeds: _falling(
                baseline, data, seeds, linear_decay(baseline.epochs)
            )
        ),
    },
)


def _restart_times(period, multiplier, end):
    times, time = [], period
    while time <= end:
        times.append(time)
        period *= multiplier
        time += period
    return times


def _lengths(period, multiplier, end):
    lengths = [period * multiplier**n for n in range(end if multiplier == 1 else 12)]
    return [length for length in lengths if length <= end]


def _by_logarithms(period, multiplier, end):
    if multiplier == 1:
        return [period * n for n in range(1, end // period + 1)]
    count = int(math.log(end * (multiplier - 1) / period + 1) / math.log(multiplier))
    return [period * (multiplier**n - 1) // (multiplier - 1) for n in range(1, count + 1)]


def _after(time, now, end):
    """Return the share of the way from `now` to `end`."""
    return min((time - now) / (end - now), 1.0)


def _jumps_to_the_top(time, planned, now, end):
    return cosine_decay(planned)(time) if time <= now else cosine_decay(end - now)(time - now)


def _rest_stretched(time, planned, now, end):
    if time <= now:
        return cosine_decay(planned)(time)
    return cosine_decay(planned)(now + (planned - now) * _after(time, now, end))


def _straight_line(time, planned, now, end):
    if time <= now:
        return cosine_decay(planned)(time)
    return cosine_decay(planned)(now) * (1 - _after(time, now, end))


def _quarter(time, planned, now, end):
    if time <= now:
        return cosine_decay(planned)(time)
    return cosine_decay(planned)(now) * math.cos(math.pi / 2 * _after(time, now, end))


def _rises_again(time, planned, now, end):
    if time <= now:
        return cosine_decay(planned)(time)
    turn = math.pi * (time - now) / (end - now)
    return cosine_decay(planned)(now) * 0.5 * (1 + math.cos(turn))


RIGHT = {
    1: ((1 + math.sqrt(2) / 2) / 2, 0.6 * 1 + 0.3 * 0.1 + 0.1 * 0.01),
    2: (_multiplied, _subtracted),
    3: GAIN.right,
    4: _restart_times,
    5: lambda loss, curvature, variance: 4 * loss / (variance + 2 * loss * curvature),
    6: _prolonged,
}

WRONG = {
    1: [
        ((0.75, 0.631), "That is the straight line"),
        ((0.7071, 0.631), "That is cos(π/4)"),
        ((0.9239, 0.631), "a quarter of a cosine"),
        ((0.5, 0.631), "half of 1 + cos(π/4)"),
        ((0.85, 0.631), "close, but more than"),
        ((0.8536, 0.37), "do not last equally long"),
        ((0.8536, 0.64), "a tenth of a tenth"),
        ((0.8536, 0.8), "0.6 of the time at 1"),
    ],
    2: [
        ((lambda t: 0.1 ** (t // 30), _subtracted), "Yours drops again at 120"),
        ((_multiplied, lambda t: 1 - 0.3 * (t // 30)), "Yours drops again at 120"),
        ((_multiplied, lambda t: 1 - 0.1 * sum(m <= t for m in (30, 60, 90))), "loses 0.1"),
        ((lambda t: 0.1 ** sum(m < t for m in (30, 60, 90)), _subtracted), "compare with <="),
        ((_multiplied, lambda t: 1 - 0.3 * sum(m < t for m in (30, 60, 90))), "compare with <="),
        ((lambda t: 0.1 if t >= 30 else 1, _subtracted), "That is one drop"),
        ((_subtracted, _multiplied), "`multiplied` comes first"),
        ((_multiplied, _multiplied), "`subtracted` comes second"),
        ((lambda t: 1, _subtracted), "the exponent of a tenth"),
        ((_multiplied, lambda t: 1), "a factor of 0.3"),
        ((_multiplied, lambda t: None), "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda period, multiplier, end: [period * n for n in range(1, 4)], "After each period"),
        (lambda period, multiplier, end: range(period, end + 1, period), "Yours keeps the period"),
        (lambda *given: [0, *_restart_times(*given)], "The start at 0"),
        (
            lambda period, multiplier, end: _restart_times(period, multiplier, end - 1),
            "compare with <=",
        ),
        (_lengths, "add them up to get times"),
        (_by_logarithms, "A logarithm is rounded"),
        (lambda *given: len(_restart_times(*given)), "Expected 3 numbers, got 3"),
        (lambda *given: None, "is there a `return`?"),
    ],
    5: [
        (lambda loss, curvature, variance: 4 * loss / variance, "a small learning rate only"),
        (
            lambda loss, curvature, variance: 2 * loss / (variance + loss * curvature),
            "half of λV",
        ),
        (
            lambda loss, curvature, variance: 4 * loss / (variance - 2 * loss * curvature),
            "with a plus",
        ),
        (lambda loss, curvature, variance: 2 * loss / variance, "loss = λV/2"),
    ],
    6: [
        (_jumps_to_the_top, "jumps back to 1"),
        (lambda time, planned, now, end: cosine_decay(end)(time), "until `now` the old one"),
        (_rest_stretched, "begins flat at `now`"),
        (_straight_line, "along a straight line"),
        (_quarter, "a quarter of a cosine"),
        (_rises_again, "rises again after `end`"),
        (lambda time, planned, now, end: cosine_decay(planned)(time), "and stays there"),
        (lambda *given: None, "is there a `return`?"),
    ],
}
