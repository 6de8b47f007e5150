import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR

from tricks_lib import cosine_decay, gradual_warmup
from tricks_lib.augment.cutout import cut_out
from tricks_lib.lab.checks import (
    Exercises,
    adabound,
    baseline,
    cutout,
    decay,
    expect,
    label_smoothing,
    linear_scaling,
    mixup,
    warmup,
)
from tricks_lib.mix.cutmix import box_around, paste_box
from tricks_lib.mix.mixup import mix_pairs
from tricks_lib.objectives import from_he


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


FUNCTIONS = {
    baseline: (2, 3, 4, 5),
    warmup: (3, 4, 5),
    linear_scaling: (2, 3, 4, 5),
    decay: (3, 4, 5),
    adabound: (2, 3, 4, 5),
    label_smoothing: (2, 3, 4),
    cutout: (2, 3, 4, 5),
    mixup: (2, 3, 4, 5),
}


@pytest.mark.parametrize("chapter", FUNCTIONS)
def test_a_function_that_still_returns_dots_is_not_tried(check, chapter):
    def untouched(*_, **__):
        return ...

    assert not check(2, untouched).tried
    for number in FUNCTIONS[chapter]:
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
        (math.inf, 1, False),
        (math.inf, math.inf, True),
        (1.0, math.inf, False),
        (-math.inf, math.inf, False),
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
    assert "1 of 3 entries are off, the first at index 2" in expect([0, 1, 5], [0, 1, 2], "hint")


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


def parts_without_shares(model, optimizer, images, labels, k):
    """Divide by k although the parts differ in size."""
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        (F.cross_entropy(model(part), answers) / k).backward()
    optimizer.step()


def parts_added_up(model, optimizer, images, labels, k):
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        F.cross_entropy(model(part), answers).backward()
    optimizer.step()


def the_whole_at_once(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimizer.step()


def parts_on_top_of_the_last(model, optimizer, images, labels, k):
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        (F.cross_entropy(model(part), answers) * len(part) / len(images)).backward()
    optimizer.step()


def parts_without_a_step(model, optimizer, images, labels, k):
    F.cross_entropy(model(images), labels).backward()


def adabound_again(w, gradient_of, steps, lr, final_lr, gamma):
    """Follow AdaBound: the largest v is forgotten."""
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradient_of(w, t)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        rate = lr * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) / (v.sqrt() + 1e-8)
        s = gamma * t
        w = w - rate.clamp(final_lr * s / (s + 1), final_lr * (s + 1) / s) * m
    return w


def one_pair_of_bounds(rate, lower, upper):
    up = (rate < lower[0]).float().mean()
    back = (rate > upper[0]).float().mean()
    return up, 1 - up - back, back


def jumps_to_the_top(time, planned, now, end):
    """Start the second cosine at 1 again."""
    return cosine_decay(planned)(time) if time < now else cosine_decay(end - now)(time - now)


def loss_that_overflows(logits, labels, epsilon):
    log_p = logits - logits.exp().sum(dim=1, keepdim=True).log()
    own = log_p.gather(1, labels[:, None])[:, 0]
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1)).mean()


def loss_towards(logits, labels, prior, epsilon):
    target = (1 - epsilon) * F.one_hot(labels, len(prior)) + epsilon * prior
    return F.cross_entropy(logits, target)


def loss_towards_uniform(logits, labels, prior, epsilon):
    return F.cross_entropy(logits, labels, label_smoothing=epsilon)


def uncentred_logits(label, prior, epsilon):
    return ((1 - epsilon) * F.one_hot(torch.tensor(label), len(prior)) + epsilon * prior).log()


def one_hole_for_all(images, y, x, size, fill):
    return cut_out(images, y[:1].expand(len(y))[:, None], x[:1].expand(len(x))[:, None], size, fill)


def multiplied_by_zero(images, y, x, size, fill):
    seen = cut_out(torch.ones_like(images), y[:, None], x[:, None], size)
    return (images * seen + (1 - seen) * fill).to(images.dtype)


def cut_in_place(images, y, x, size, fill):
    for image, i, j in zip(images, y.tolist(), x.tolist(), strict=True):
        image[:, max(i - size // 2, 0) : i + size // 2, max(j - size // 2, 0) : j + size // 2] = (
            fill
        )
    return images


def wrap_at_the_border(images, y, x, size, fill):
    result = images.clone()
    for image, i, j in zip(result, y.tolist(), x.tolist(), strict=True):
        image[:, i - size // 2 : i + size // 2, j - size // 2 : j + size // 2] = fill
    return result


def partners_weight(images, targets, partner, weights):
    return mix_pairs(images, targets, partner, 1 - weights)


def one_weight(images, targets, partner, weights):
    return mix_pairs(images, targets, partner, weights[0].item())


def mean_of_each(logits, a, b, lam, weights):
    of_a = F.cross_entropy(logits, a, weight=weights)
    return lam * of_a + (1 - lam) * F.cross_entropy(logits, b, weight=weights)


def cutmix_by_lam(images, targets, partner, y, x, lam):
    height, width = images.shape[-2:]
    mixed, _ = paste_box(images, targets, partner, box_around(y, x, 1 - lam, height, width))
    return mixed, lam * targets + (1 - lam) * targets[partner]


def cutmix_images_only(images, targets, partner, y, x, lam):
    height, width = images.shape[-2:]
    return paste_box(images, targets, partner, box_around(y, x, 1 - lam, height, width))[0]


def cutmix_in_place(images, targets, partner, y, x, lam):
    images += 1
    return images, targets


WRONG = [
    (label_smoothing, 1, (0.8, 2.833, 0.5875)),
    (label_smoothing, 1, (0.85, 2.708, 0.5875)),
    (label_smoothing, 1, (0.85, 2.833, 0.8477)),
    (label_smoothing, 2, lambda epsilon, classes: epsilon * classes / (classes - 1)),
    (label_smoothing, 2, lambda epsilon, classes: epsilon),
    (label_smoothing, 3, lambda gap, classes: classes / (classes + math.exp(gap))),
    (label_smoothing, 3, lambda gap, classes: 10 / (9 + math.exp(gap))),
    (label_smoothing, 4, loss_that_overflows),
    (label_smoothing, 4, lambda z, y, e: F.cross_entropy(z, y, label_smoothing=from_he(e / 2, 9))),
    (label_smoothing, 4, lambda z, y, e: F.cross_entropy(z, y)),
    (label_smoothing, 5, (loss_towards_uniform, uncentred_logits)),
    (label_smoothing, 5, (loss_towards, uncentred_logits)),
    (label_smoothing, 5, (loss_towards, lambda label, prior, epsilon: prior.log())),
    (cutout, 1, (64, 0.0625)),
    (cutout, 1, (56.25, 0.25)),
    (cutout, 2, lambda size, height, width: size**2 / (height * width)),
    (cutout, 2, lambda s, h, w: (s - s**2 / 4 / h) * (s - s**2 / 4 / w) / (h * w)),
    (cutout, 3, lambda size, height: [2 * (size // 2) / height] * height),
    (cutout, 3, lambda size, height: [min(i, height - i, size) / height for i in range(height)]),
    (cutout, 4, lambda patch, first, size, side: ((size - patch + 1) / side) ** 2),
    (
        cutout,
        4,
        lambda p, f, s, side: (max(f + s // 2 - max(f + p - s // 2, 0) + 1, 0) / side) ** 2,
    ),
    (cutout, 5, one_hole_for_all),
    (
        cutout,
        4,
        lambda p, f, s, n: ((min(f + s // 2, n - 1) - max(f + p - s // 2, 0) + 1) / n) ** 2,
    ),
    (cutout, 5, multiplied_by_zero),
    (cutout, 5, cut_in_place),
    (cutout, 5, wrap_at_the_border),
    (cutout, 5, lambda images, *_: images.float()),
    (cutout, 5, lambda images, *_: None),
    (mixup, 1, ([0.3, 0, 0.7, 0], 0.6109)),
    (mixup, 1, ([0.7, 0, 0.3, 0], 0.8813)),
    (mixup, 2, lambda variance: 1 / (4 * variance)),
    (mixup, 3, partners_weight),
    (mixup, 3, one_weight),
    (mixup, 4, mean_of_each),
    (mixup, 5, cutmix_by_lam),
    (mixup, 5, cutmix_images_only),
    (mixup, 5, cutmix_in_place),
    (linear_scaling, 1, (0.4, 0.4)),
    (linear_scaling, 1, (0.025, 0.2)),
    (linear_scaling, 2, lambda k: (1 / k, 1 / k, 1)),
    (linear_scaling, 2, lambda k: k),
    (linear_scaling, 3, lambda x: int(0.32 / x)),
    (linear_scaling, 3, lambda x: max(k for k in range(1, 99) if (1 - x) ** k < 1 - k * x + 0.05)),
    (linear_scaling, 4, parts_without_shares),
    (linear_scaling, 4, parts_added_up),
    (linear_scaling, 4, parts_without_a_step),
    (linear_scaling, 4, the_whole_at_once),
    (linear_scaling, 4, parts_on_top_of_the_last),
    (linear_scaling, 5, lambda b, q_b, B, q_B: (q_b - q_B) / q_B),
    (linear_scaling, 5, lambda b, q_b, B, q_B: b * q_b / q_B),
    (decay, 1, (0.75, 0.5275)),
    (decay, 1, (0.8536, 0.37)),
    (decay, 2, (lambda t: 0.1 ** (t // 30), lambda t: 1 - 0.1 * (t // 30))),
    (decay, 2, (lambda t: 0.1 ** sum(m < t for m in (30, 60, 90)), lambda t: 1 - 0.3 * (t // 30))),
    (decay, 3, lambda period, multiplier, end: [period * n for n in range(1, 4)]),
    (decay, 3, lambda period, multiplier, end: range(0, end, period)),
    (decay, 4, lambda loss, curvature, variance: 4 * loss / variance),
    (decay, 5, jumps_to_the_top),
    (decay, 5, lambda time, planned, now, end: cosine_decay(end)(time)),
    (adabound, 1, (0.05, 0.2)),
    (adabound, 1, (0.1 / 3, 0.2)),
    (adabound, 2, lambda rate, momentum: rate * (1 - momentum)),
    (adabound, 3, lambda steps, ratio: 20 / steps),
    (adabound, 3, lambda steps, ratio: 1 / (ratio**0.5 - 1)),
    (adabound, 4, lambda rate, low, high: ((rate > high).float().mean(), 0, 0)),
    (adabound, 4, lambda rate, low, high: (0.5, 0.5)),
    (adabound, 4, one_pair_of_bounds),
    (adabound, 5, adabound_again),
    (adabound, 5, lambda w, *_, **__: w),
    (adabound, 5, lambda w, *_, **__: 3.0),
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
    found = chapter.check(number, *(answer if isinstance(answer, tuple) else (answer,)))
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
    for chapter in FUNCTIONS:
        for number in range(1, len(chapter.check.judges) + 1):
            assert not chapter.check(number, ...).tried


def test_a_number_may_come_as_a_tensor():
    found = adabound.check(3, lambda steps, ratio: torch.tensor(1 / (ratio**0.5 - 1) / steps))
    assert found.right


def test_amsbound_is_asked_where_it_differs_from_adabound():
    noise = torch.randn(61, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noise[:5] *= 30
    start = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    for settings in ((0.01, 0.1, 1e-3), (0.05, 1.0, 1e-4)):
        settings = dict(zip(("lr", "final_lr", "gamma"), settings, strict=True))
        ends = [adabound._walk(start, noise, amsbound=ams, **settings) for ams in (True, False)]
        assert (ends[0] - ends[1]).abs().max() > 1e-6
