"""Exercises of notebooks/01_warmup.ipynb.

Chapter: notebooks/01_warmup.ipynb
"""

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, SequentialLR

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.schedules import constant_warmup, cosine_decay, gradual_warmup

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a factor by hand")
def _(answer):
    ramp = gradual_warmup(length=15, start=1 / 16)
    hint = "The factor at step t of m is start + (1 - start) · t / m."
    return expect(answer, ramp(5), hint, tolerance=1e-3)


@check.exercise("count from one")
def _(schedule):
    if not isinstance(schedule, gradual_warmup):
        return f"Expected a gradual_warmup(...), got {schedule!r}."
    wanted = [min(step + 1, 8) / 8 for step in range(20)]
    hint = "The first factor is 1/8, and the eighth step is the first with the factor 1."
    return expect([schedule(step) for step in range(20)], wanted, hint)


@check.exercise("constant warmup, written by you")
def _(schedule):
    times = [0, 0.5, 1.99, 2, 2.01, 3, 7, 9, 100]
    for length, start in ((2, 0.1), (3, 0.5), (0, 0.1)):
        then = cosine_decay(7)
        ours = constant_warmup(length, start, then)
        problem = expect(
            [schedule(time, length, start, then) for time in times],
            [ours(time) for time in times],
            f"Tried at the times {times} with length={length}, start={start} and "
            "then=cosine_decay(7). At `length` itself the warmup is over, and `then` begins at "
            "its own time 0.",
        )
        if problem:
            return problem
    return None


@check.exercise("the largest stable rate")
def _(rate):
    for curvature, momentum in ((1.0, 0.0), (1.0, 0.9), (8.0, 0.9), (40.0, 0.5)):
        edge = rate(curvature, momentum)
        problem = expect(
            edge,
            2 * (1 + momentum) / curvature,
            f"Tried with curvature {curvature} and momentum {momentum}. The derivation has the "
            "bound in its last line.",
        )
        if problem:
            return problem
    return None


@check.exercise("the article's scheduler, repaired")
def _(build):
    low, multiplier, warmup, after = 0.1, 8, 5, 8
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=low)
    scheduler = build(optimizer, multiplier, warmup, after)
    target = low * multiplier
    then = cosine_decay(after)
    wanted = [
        low + (target - low) * step / warmup if step < warmup else target * then(step - warmup)
        for step in range(warmup + after + 1)
    ]
    found, told = [], []
    for _ in wanted:
        found.append(optimizer.param_groups[0]["lr"])
        told.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    problem = expect(
        found,
        wanted,
        f"With lr={low}, multiplier={multiplier}, warmup={warmup} and after={after} the rate "
        f"should rise from {low} to {target} in {warmup} steps, then fall to 0 along half a "
        f"cosine in {after} steps; yours was {[round(rate, 4) for rate in found]}.",
    )
    if problem:
        return problem
    if isinstance(scheduler, CosineAnnealingLR):
        return "The warmup is missing."
    hint = "The rates are right, but get_last_lr() tells other ones: a log would be wrong."
    return expect(told, wanted, hint)


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _constant_warmup(time, length, start, then):
    return start if time < length else then(time - length)


def _then_at_the_wrong_time(time, length, start, then):
    return start if time < length else then(time)


def _too_long_by_a_step(time, length, start, then):
    return start if time <= length else then(time - length)


def _build(optimizer, multiplier, warmup, after):
    shape = gradual_warmup(warmup, start=1 / multiplier, then=cosine_decay(after))
    return LambdaLR(optimizer, lambda step: multiplier * shape(step))


def _decay_from_the_low_rate(optimizer, multiplier, warmup, after):
    ramp = LambdaLR(optimizer, lambda t: min(1 + (multiplier - 1) * t / warmup, multiplier))
    return SequentialLR(optimizer, [ramp, CosineAnnealingLR(optimizer, after)], [warmup])


def _without_a_warmup(optimizer, multiplier, warmup, after):
    return CosineAnnealingLR(optimizer, after)


RIGHT = {
    1: 6 / 16,
    2: gradual_warmup(7, start=1 / 8),
    3: _constant_warmup,
    4: lambda curvature, momentum: 2 * (1 + momentum) / curvature,
    5: _build,
}

WRONG = {
    1: [(1 / 3, "(1 - start) · t / m"), (5 / 16, "(1 - start) · t / m")],
    2: [
        (gradual_warmup(8), "The first factor is 1/8"),
        (gradual_warmup(8, start=1 / 8), "the eighth step is the first with the factor 1"),
        (lambda t: min(t + 1, 8) / 8, "Expected a gradual_warmup"),
    ],
    3: [
        (_then_at_the_wrong_time, "`then` begins at its own time 0"),
        (_too_long_by_a_step, "At `length` itself the warmup is over"),
    ],
    4: [
        (lambda curvature, momentum: 2 / curvature, "and momentum 0.9"),
        (lambda curvature, momentum: (1 + momentum) / curvature, "the bound in its last line"),
    ],
    5: [
        (_decay_from_the_low_rate, "then fall to 0 along half a cosine"),
        (_without_a_warmup, "should rise from"),
        (lambda *_: None, "AttributeError"),
    ],
}
