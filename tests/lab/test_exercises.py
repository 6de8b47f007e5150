import math

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR

from tricks_lib import cosine_decay, gradual_warmup
from tricks_lib.lab.checks import Exercises, baseline, expect, warmup


@pytest.fixture
def check():
    check = Exercises()

    @check.exercise("one number")
    def _(answer):
        return expect(answer, 2.5, "Think again.")

    @check.exercise("a function")
    def _(function):
        return expect(function(3), 9, "It should square.")

    return check


def test_not_tried_wrong_and_right(check):
    answers = check(1, ...), check(1, 2), check(1, 2.5)
    assert [a.tried for a in answers] == [False, True, True]
    assert [a.right for a in answers] == [False, False, True]
    assert [repr(a)[0] for a in answers] == ["…", "✗", "✓"]
    assert "Exercise 1 (one number): not tried yet" in repr(answers[0])
    assert "Got 2. Think again." in repr(answers[1])


def test_html_is_escaped_and_named(check):
    answer = check(1, "<b>")
    assert "&lt;b&gt;" in answer._repr_html_()
    assert "check-wrong" in answer._repr_html_()
    assert "check-open" in check(2, ...)._repr_html_()
    assert "check-right" in check(2, lambda x: x * x)._repr_html_()


def test_an_error_of_the_learner_becomes_an_answer(check):
    def broken(x):
        return x / 0

    answer = check(2, broken)
    assert answer.tried
    assert not answer.right
    assert "ZeroDivisionError: division by zero" in answer.problem


@pytest.mark.parametrize("chapter", [warmup, baseline])
def test_a_function_that_still_returns_dots_is_not_tried(check, chapter):
    def untouched(*_):
        return ...

    assert not check(2, untouched).tried
    for number in {warmup: (3, 4, 5), baseline: (2, 3, 4, 5)}[chapter]:
        assert not chapter.check(number, untouched).tried


@pytest.mark.parametrize("number", [0, 3, "1"])
def test_no_such_exercise(check, number):
    with pytest.raises(ValueError, match="an exercise from 1 to 2"):
        check(number, 1)


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        (1.0, 1, True),
        (1 + 1e-9, 1, True),
        (1.1, 1, False),
        (float("nan"), 1, False),
        (True, 1, False),
        ("1", 1, False),
        (None, 1, False),
        (torch.tensor(2.0), 2, True),
        (np.float64(2), 2, True),
        ([1, 2], [1, 2], True),
        ((1, 2), [1, 2], True),
        (torch.tensor([1.0, 2.0]), [1, 2], True),
        ([1, 3], [1, 2], False),
        ([1], [1, 2], False),
        (1, [1, 2], False),
        (1e9 + 1, 1e9, True),
    ],
)
def test_expect(found, wanted, right):
    assert (expect(found, wanted, "hint") is None) == right


def test_expect_says_which_number_is_off():
    assert "1 of 3 numbers are off, first number 2" in expect([0, 1, 5], [0, 1, 2], "hint")


# --- Wrong answers that a learner may well give, chapter by chapter ---


def late_then(time, length, start, then):
    return start if time < length else then(time)


def inclusive(time, length, start, then):
    return start if time <= length else then(time - length)


def overshooting(optimizer, multiplier, warmup, after):
    """Half of the way: the ramp is right, the decay starts from the low rate."""
    ramp = LambdaLR(optimizer, lambda t: min(1 + (multiplier - 1) * t / warmup, multiplier))
    return SequentialLR(optimizer, [ramp, CosineAnnealingLR(optimizer, after)], [warmup])


def only_decay(optimizer, multiplier, warmup, after):
    return CosineAnnealingLR(optimizer, after)


WRONG = [
    (warmup, 1, 1 / 3),
    (warmup, 2, gradual_warmup(8)),
    (warmup, 2, gradual_warmup(8, start=1 / 8)),
    (warmup, 2, lambda t: min(t + 1, 8) / 8),
    (warmup, 3, late_then),
    (warmup, 3, inclusive),
    (warmup, 4, lambda curvature, momentum: 2 / curvature),
    (warmup, 4, lambda curvature, momentum: (1 + momentum) / curvature),
    (warmup, 5, overshooting),
    (warmup, 5, only_decay),
    (warmup, 5, lambda *_: None),
    (baseline, 1, 0.6725),
    (baseline, 2, lambda confidence, hits, bins: 0.1),
    (baseline, 2, lambda c, hits, bins: abs(hits.float().mean() - c.mean())),
    (baseline, 3, lambda spread, effect: math.ceil((1.96 * spread / effect) ** 2)),
    (baseline, 4, lambda trick, base: "helps" if np.mean(trick) > np.mean(base) else "hurts"),
    (baseline, 4, lambda trick, base: "no difference seen"),
    (baseline, 5, lambda model, images, labels, size: 0.5),
]


@pytest.mark.parametrize(("chapter", "number", "answer"), WRONG)
def test_wrong_answers_are_told(chapter, number, answer):
    found = chapter.check(number, answer)
    assert found.tried
    assert not found.right
    assert len(found.problem) > 20


def test_other_right_answers_are_right():
    def sequential(optimizer, multiplier, warmup_steps, after):
        for group in optimizer.param_groups:
            group["lr"] *= multiplier
            group["initial_lr"] = group["lr"]
        ramp = LinearLR(optimizer, 1 / multiplier, total_iters=warmup_steps)
        decay = CosineAnnealingLR(optimizer, after)
        return SequentialLR(optimizer, [ramp, decay], [warmup_steps])

    assert warmup.check(5, sequential).right
    assert warmup.check(3, lambda t, m, s, then: s if t < m else then(t - m)).right
    assert cosine_decay(8)(8) == pytest.approx(0)


def test_every_exercise_starts_as_not_tried():
    for chapter in (warmup, baseline):
        for number in range(1, len(chapter.check.judges) + 1):
            assert not chapter.check(number, ...).tried
