"""Exercises of notebooks/03_decay.ipynb.

Chapter: notebooks/03_decay.ipynb
"""

import math

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.schedules import cosine_decay, cosine_restarts, step_decay

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a factor and a mean by hand")
def _(quarter, mean):
    return expect(
        quarter, cosine_decay(4)(1), "The cosine: half of 1 + cos(π/4).", tolerance=1e-3
    ) or expect(
        mean,
        (2 + 0.1 + 0.01) / 4,
        "The steps: half of the time at 1, a quarter at 0.1, a quarter at 0.01.",
        tolerance=1e-3,
    )


@check.exercise("to multiply and to subtract")
def _(multiplied, subtracted):
    times = [0, 29.9, 30, 45, 59, 60, 75, 89.5, 90, 100]
    drops = step_decay((30, 60, 90))
    at = f"Tried at the times {times}. A drop is in force from its time on."
    return expect(
        [multiplied(time) for time in times], [drops(time) for time in times], f"multiplied: {at}"
    ) or expect(
        [subtracted(time) for time in times],
        [1 - 0.3 * sum(drop <= time for drop in (30, 60, 90)) for time in times],
        f"subtracted: {at}",
    )


@check.exercise("when restarts come")
def _(restart_times):
    for period, multiplier, end in ((5, 1, 15), (1, 2, 15), (2, 3, 30), (10, 2, 9), (4, 2, 13)):
        schedule = cosine_restarts(period, multiplier)
        wanted = [
            time for time in range(1, end + 1) if schedule(time) == 1 and schedule(time - 1e-6) < 1
        ]
        problem = expect(
            list(restart_times(period, multiplier, end)),
            wanted,
            f"Tried with period={period}, multiplier={multiplier}, end={end}. After each period "
            "the next is `multiplier` times as long.",
        )
        if problem:
            return problem
    return None


@check.exercise("a rate for a floor")
def _(largest_rate_for):
    for rate, curvature, variance in ((0.1, 1.0, 1.0), (0.02, 5.0, 0.3), (0.5, 3.0, 2.0)):
        loss = 0.5 * rate * variance / (2 - rate * curvature)
        problem = expect(
            largest_rate_for(loss, curvature, variance),
            rate,
            f"Tried with loss={loss:.4g}, curvature={curvature} and variance={variance}. Solve "
            "loss = λV/2 for η, with V from the box.",
        )
        if problem:
            return problem
    return None


@check.exercise("a training that goes on")
def _(prolonged):
    for planned, now, end in ((10, 4, 20), (10, 9, 12), (3, 1, 8)):
        times = [end * n / 40 for n in range(44)]
        wanted = [_prolonged(time, planned, now, end) for time in times]
        problem = expect(
            [prolonged(time, planned, now, end) for time in times],
            wanted,
            f"Tried with planned={planned}, now={now}, end={end}, at times from 0 to a little "
            f"after the end. At `now` the factor is {_prolonged(now, planned, now, end):.3f} on "
            "both sides.",
        )
        if problem:
            return problem
    return None


def _prolonged(time: float, planned: float, now: float, end: float) -> float:
    """Follow the old cosine, then half a cosine from where it stood down to zero."""
    if time <= now:
        return cosine_decay(planned)(time)
    left = min((time - now) / (end - now), 1.0)
    return cosine_decay(planned)(now) * 0.5 * (1 + math.cos(math.pi * left))


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _subtracted(time):
    return 1 - 0.3 * sum(drop <= time for drop in (30, 60, 90))


def _restart_times(period, multiplier, end):
    times, time = [], period
    while time <= end:
        times.append(time)
        period *= multiplier
        time += period
    return times


def _jumps_to_the_top(time, planned, now, end):
    return cosine_decay(planned)(time) if time < now else cosine_decay(end - now)(time - now)


RIGHT = {
    1: ((1 + math.sqrt(2) / 2) / 2, 0.5 * 1 + 0.25 * 0.1 + 0.25 * 0.01),
    2: (lambda time: 0.1 ** sum(drop <= time for drop in (30, 60, 90)), _subtracted),
    3: _restart_times,
    4: lambda loss, curvature, variance: 4 * loss / (variance + 2 * loss * curvature),
    5: _prolonged,
}

WRONG = {
    1: [((0.75, 0.5275), "half of 1 + cos(π/4)"), ((0.8536, 0.37), "half of the time at 1")],
    2: [
        ((lambda t: 0.1 ** (t // 30), lambda t: 1 - 0.1 * (t // 30)), "subtracted"),
        ((lambda t: 0.1 ** sum(m < t for m in (30, 60, 90)), _subtracted), "multiplied"),
    ],
    3: [
        (lambda period, multiplier, end: [period * n for n in range(1, 4)], "the next is"),
        (lambda period, multiplier, end: range(0, end, period), "After each period"),
    ],
    4: [
        (lambda loss, curvature, variance: 4 * loss / variance, "loss = λV/2"),
        (lambda loss, curvature, variance: 2 * loss / variance, "loss = λV/2"),
    ],
    5: [
        (_jumps_to_the_top, "on both sides"),
        (lambda time, planned, now, end: cosine_decay(end)(time), "on both sides"),
    ],
}
