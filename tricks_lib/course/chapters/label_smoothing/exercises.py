"""Exercises of notebooks/05_label_smoothing.ipynb.

Chapter: notebooks/05_label_smoothing.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F

from tricks_lib.course.exercises import (
    Draws,
    Exercises,
    Function,
    Wrong,
    agree,
    expect,
    named,
    without,
)
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import ECE, Difference, StudyResult, paired_difference, study
from tricks_lib.models import mlp
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()

_READY_MADE = F.cross_entropy, F.nll_loss, F.kl_div, F.one_hot


@check.exercise("four classes by hand")
def _(own_target, gap_of_four, floor_of_four):
    expect(
        own_target,
        0.85,
        "The label's class: 1 - ε + ε/K.",
        tolerance=1e-3,
        mistakes={
            "The label's class gets its part of ε too: add ε/K.": 0.8,
            "That is the target of another class.": 0.05,
        },
    )
    expect(
        gap_of_four,
        math.log(17),
        "The gap is the logarithm of the ratio of the two targets.",
        tolerance=1e-2,
        mistakes={
            "That is the ratio: take its logarithm.": 17,
            "The label's class has 0.85, not 0.8.": math.log(16),
        },
    )
    floor = -0.85 * math.log(0.85) - 3 * 0.05 * math.log(0.05)
    expect(
        floor_of_four,
        floor,
        "The entropy of the target, in nats: one class with 0.85, three with 0.05.",
        tolerance=2e-3,
        mistakes={
            "That is in bits: nats are natural logarithms.": floor / math.log(2),
            "Three classes have 0.05, not one.": (-0.85 * math.log(0.85) - 0.05 * math.log(0.05)),
            "That is only the part of the label's class.": -0.85 * math.log(0.85),
        },
    )


@check.exercise(
    "the loss without rows",
    domain="`logits` (B, K) may be as large as a thousand, `labels` are whole numbers (B,), and "
    "`epsilon` is from 0 to 1.",
)
def _(smoothed_loss: Function, draws: Draws):
    def case(scale: float, classes: int, epsilon: float, images: int = 32):
        logits = scale * draws.normal(images, classes)
        return logits, draws.whole(0, classes - 1, images), epsilon

    with without(
        "Write it with `log_softmax` alone, from the labels: without a ready-made loss and without "
        "rows of targets.",
        lambda function, *_, **__: function in _READY_MADE,
    ):
        agree(
            smoothed_loss,
            _smoothed_loss,
            [
                case(1.0, draws.count(5, 12), draws.number(0.05, 0.4)),
                case(3.0, 5, 0.0),
                case(2.0, 3, 1.0),
                case(1.0, 2, draws.number(0.05, 0.4), images=1),
                case(1e3, draws.count(5, 12), draws.number(0.05, 0.4)),
            ],
            "Use the decomposition: a part for the label, a part for the mean over all classes, "
            "both of `log_softmax`.",
            differentiable=["logits"],
            mistakes={
                "Yours has no part for the mean over all classes.": (
                    lambda logits, labels, epsilon: _smoothed_loss(logits, labels, 0.0)
                ),
                "That is the sum over the batch: the mean is asked for.": (
                    lambda logits, labels, epsilon: (
                        len(labels) * _smoothed_loss(logits, labels, epsilon)
                    )
                ),
                "Yours adds up over the classes: a class gets ε/K, so take the mean over them.": (
                    _summed_over_classes
                ),
                "That is He's ε: in Szegedy's sense the label gets its part of ε too.": _he_loss,
                "A loss is never negative: change the sign.": (
                    lambda logits, labels, epsilon: -_smoothed_loss(logits, labels, epsilon)
                ),
            },
        )


@check.exercise(
    "your own comparison",
    domain="`recipe` has hard labels, `data` is of the course's kind, and `seeds` are two or more.",
)
def _(compare: Function, found: Difference, word: str, draws: Draws):
    compare.check_arguments(["recipe", "data", "seeds"])
    draws.hidden = True
    images, seeds = draws.count(60, 90), (draws.count(0, 99), draws.count(100, 199))
    data = load_data("fashion-mini").subset(train=images, test=200, seed=draws.count(1, 10**6))
    recipe = Recipe(epochs=4, batch_size=20, lr=0.1, model=partial(mlp, hidden=(16,)))
    theirs = compare(recipe, data, seeds)
    try:
        _judge_difference(theirs, _trained(recipe, data, seeds))
    except Wrong as wrong:
        raise Wrong(f"Tried with {images} images and the seeds {seeds}. {wrong}") from wrong
    if len(found.values) < 5 or found.metric.name != "ece":
        raise Wrong(
            "Hand in your own finding: what `compare` gives for `tiny`, with five seeds or more."
        )
    again = paired_difference(found.metric, dict(enumerate(found.values)), _zeros(found.values))
    if word != again.verdict:
        raise Wrong(
            f"The comparison is right. Your interval is {again}, and the word is not {word!r}: "
            "does it contain zero, and is a larger calibration error better or worse?"
        )


def _judge_difference(theirs: object, result: StudyResult) -> None:
    """Look at a learner's difference, beside a study of the same recipe, data and seeds."""
    if not isinstance(theirs, Difference):
        raise Wrong(f"Expected what `result.difference(...)` returns, got {named(theirs)}.")
    right, seeds = result.difference("smoothed", "ece"), len(result.seeds)
    if _same(theirs, right):
        return
    if len(theirs.values) != seeds:
        told = f"It is over {len(theirs.values)} seeds: hand `seeds` on to `study`."
    elif not any(theirs.values):
        told = "Your two arms are the same: does one of them smooth its targets?"
    elif _same(theirs, result.difference("hard", "ece", "smoothed")):
        told = "That is hard labels minus smoothed ones: the first arm of `study` is the baseline."
    elif _same(theirs, result.difference("smoothed", "accuracy")):
        told = 'That is the difference in accuracy: the metric is called "ece".'
    elif _same(theirs, result.difference("smoothed", "nll")):
        told = 'That is the difference in NLL: the metric is called "ece".'
    else:
        told = "Is ε = 0.1 in one arm, and is nothing else different?"
    raise Wrong(f"Expected a difference of {right}, got {theirs}. {told}")


def _zeros(values: Sequence[float]) -> dict[int, float]:
    return dict.fromkeys(range(len(values)), 0.0)


def _trained(recipe: Recipe, data: Data, seeds: Sequence[int], epsilon: float = 0.1) -> StudyResult:
    smoothed = replace(recipe, objective=supervised(LabelSmoothingLoss(epsilon)))
    return study({"hard": recipe, "smoothed": smoothed}, data, seeds)


def _same(one: Difference, other: Difference) -> bool:
    """Tell whether two differences are of the same runs; a GPU adds up in another order."""
    return len(one.values) == len(other.values) and all(
        math.isclose(x, y, rel_tol=1e-3, abs_tol=1e-4)
        for x, y in zip(one.values, other.values, strict=True)
    )


@check.exercise(
    "an ε for a gap",
    domain="`gap` is at least 0, and `classes` is a whole number from 2 on.",
)
def _(epsilon_for: Function, draws: Draws):
    cases = [(0.0, 10), *((draws.number(0.1, 9), draws.count(2, 200)) for _ in range(5))]
    agree(
        epsilon_for,
        lambda gap, classes: classes / (classes + math.expm1(gap)),
        cases,
        "Solve gap = log(1 + K(1 - ε)/ε).",
        tolerance=1e-7,
        mistakes={
            "The 1 inside the logarithm is left out.": (
                lambda gap, classes: classes / (classes + math.exp(gap))
            ),
            "Yours holds for ten classes only.": lambda gap, classes: 10 / (9 + math.exp(gap)),
            "That is He's ε: Szegedy's is asked for.": (
                lambda gap, classes: (classes - 1) / (classes + math.expm1(gap))
            ),
        },
    )


@check.exercise(
    "the way back",
    domain="`epsilon` is above 0 and below 1, and `classes` is a whole number from 2 on.",
)
def _(to_he: Function, draws: Draws):
    cases = [(draws.number(0.05, 0.95), classes) for classes in (2, 1000, draws.count(3, 200))]
    agree(
        to_he,
        lambda epsilon, classes: epsilon * (classes - 1) / classes,
        cases,
        "The other classes must agree: He's ε/(K - 1) is Szegedy's ε/K.",
        mistakes={
            "That is the way there, from He's to Szegedy's.": (
                lambda epsilon, classes: epsilon * classes / (classes - 1)
            ),
            "The two only agree for very many classes: Szegedy's gives a part of ε to the label.": (
                lambda epsilon, classes: epsilon
            ),
        },
    )


@check.exercise(
    "smoothing towards a prior",
    domain="`prior` is a tensor (K,) that sums to 1 and is nowhere 0, `epsilon` is above 0 and at "
    "most 1, and `label` is one whole number from 0 to K - 1.",
)
def _(loss_towards: Function, best_logits: Function, draws: Draws):
    cases = []
    for classes, epsilon in ((10, draws.number(0.05, 0.5)), (3, draws.number(0.05, 0.5)), (5, 1.0)):
        logits, labels = draws.normal(16, classes), draws.whole(0, classes - 1, 16)
        cases.append((logits, labels, draws.rows(1, classes)[0], epsilon))
    agree(
        loss_towards,
        lambda logits, labels, prior, epsilon: F.cross_entropy(
            logits, (1 - epsilon) * F.one_hot(labels, len(prior)) + epsilon * prior
        ),
        cases,
        "The target is (1 - ε) q + ε v, and the loss its mean cross-entropy.",
        differentiable=["logits"],
        mistakes={
            "That smooths towards the uniform distribution: `prior` is not used.": (
                _loss_towards_uniform
            ),
            "That is the sum over the batch: the mean is asked for.": (
                lambda logits, labels, prior, epsilon: (
                    len(labels) * _loss_towards(logits, labels, prior, epsilon)
                )
            ),
        },
    )
    agree(
        best_logits,
        _best_logits,
        [
            (label, prior, epsilon)
            for _, _, prior, epsilon in cases
            for label in (0, len(prior) - 1, draws.count(0, len(prior) - 1))
        ],
        "Softmax of them must give the target of that label.",
        mistakes={
            "Softmax of yours gives the target, and their mean is not zero: subtract it.": (
                _uncentred_logits
            ),
            "Those are the probabilities: take their logarithms, and subtract the mean.": (
                lambda label, prior, epsilon: _uncentred_logits(label, prior, epsilon).exp()
            ),
            "Yours are best for the prior alone: where is the label?": (
                lambda label, prior, epsilon: prior.log() - prior.log().mean()
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _log_parts(logits, labels):
    log_p = logits.log_softmax(dim=1)
    return log_p.gather(1, labels[:, None])[:, 0], log_p


def _smoothed_loss(logits, labels, epsilon):
    own, log_p = _log_parts(logits, labels)
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1)).mean()


def _summed_over_classes(logits, labels, epsilon):
    own, log_p = _log_parts(logits, labels)
    return -((1 - epsilon) * own + epsilon * log_p.sum(dim=1)).mean()


def _he_loss(logits, labels, epsilon):
    own, log_p = _log_parts(logits, labels)
    others = (log_p.sum(dim=1) - own) / (log_p.shape[1] - 1)
    return -((1 - epsilon) * own + epsilon * others).mean()


def _loss_that_overflows(logits, labels, epsilon):
    log_p = logits - logits.exp().sum(dim=1, keepdim=True).log()
    own = log_p.gather(1, labels[:, None])[:, 0]
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1)).mean()


def _half_cut_off(logits, labels, epsilon):
    own, log_p = _log_parts(logits, labels)
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1).detach()).mean()


def _loss_towards(logits, labels, prior, epsilon):
    target = (1 - epsilon) * F.one_hot(labels, len(prior)) + epsilon * prior
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()


def _loss_towards_uniform(logits, labels, prior, epsilon):
    return F.cross_entropy(logits, labels, label_smoothing=epsilon)


def _prior_overwritten(logits, labels, prior, epsilon):
    prior *= epsilon
    target = (1 - epsilon) * F.one_hot(labels, len(prior)) + prior
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()


def _uncentred_logits(label, prior, epsilon):
    return ((1 - epsilon) * F.one_hot(torch.tensor(label), len(prior)) + epsilon * prior).log()


def _best_logits(label, prior, epsilon):
    logits = _uncentred_logits(label, prior, epsilon)
    return logits - logits.mean()


def _compared(recipe, data, seeds):
    return _trained(recipe, data, seeds).difference("smoothed", "ece")


def _found(*values):
    return paired_difference(ECE, dict(enumerate(values)), _zeros(values))


_BETTER, _UNSEEN = _found(-0.05, -0.04, -0.06, -0.05, -0.03), _found(-0.05, 0.04, -0.06, 0.05, 0.1)


RIGHT = {
    1: (0.85, 2.833, 0.5875),
    2: _smoothed_loss,
    3: (_compared, _BETTER, "helps"),
    4: lambda gap, classes: classes / (classes + math.expm1(gap)),
    5: lambda epsilon, classes: epsilon * (classes - 1) / classes,
    6: (_loss_towards, _best_logits),
}

WRONG = {
    1: [
        ((0.8, 2.833, 0.5875), "add ε/K"),
        ((0.05, 2.833, 0.5875), "the target of another class"),
        ((0.9, 2.833, 0.5875), "1 - ε + ε/K"),
        ((0.85, 2.773, 0.5875), "not 0.8"),
        ((0.85, 17, 0.5875), "take its logarithm"),
        ((0.85, 2.5, 0.5875), "ratio of the two targets"),
        ((0.85, 2.833, 0.8477), "in bits"),
        ((0.85, 2.833, 0.2879), "Three classes have 0.05"),
        ((0.85, 2.833, 0.1381), "only the part of the label's class"),
        ((0.85, 2.833, 1.0), "The entropy of the target"),
    ],
    2: [
        (_loss_that_overflows, "`log_softmax`"),
        (lambda z, y, e: _smoothed_loss(z, y, e / 2), "decomposition"),
        (lambda z, y, e: _smoothed_loss(z, y, 0), "no part for the mean"),
        (lambda z, y, e: len(y) * _smoothed_loss(z, y, e), "the sum over the batch"),
        (_summed_over_classes, "take the mean over them"),
        (_he_loss, "He's ε"),
        (lambda z, y, e: -_smoothed_loss(z, y, e), "change the sign"),
        (lambda z, y, e: F.cross_entropy(z, y, label_smoothing=e), "without a ready-made loss"),
        (
            lambda z, y, e: torch.nn.CrossEntropyLoss(label_smoothing=e)(z, y),
            "without a ready-made loss",
        ),
        (
            lambda z, y, e: _loss_towards(z, y, torch.full((z.shape[1],), 1 / z.shape[1]), e),
            "without rows of targets",
        ),
        (lambda z, y, e: _smoothed_loss(z, y, e).item(), "a plain number"),
        (lambda z, y, e: _smoothed_loss(z, y, e).detach(), "has no gradient"),
        (_half_cut_off, "a part of it was cut off"),
    ],
    3: [
        ((lambda *given: _trained(*given), _BETTER, "helps"), "`result.difference(...)`"),
        (
            (
                lambda *given: _trained(*given).difference("hard", "ece", "smoothed"),
                _BETTER,
                "helps",
            ),
            "hard labels minus smoothed",
        ),
        (
            (lambda *given: _trained(*given).difference("smoothed"), _BETTER, "helps"),
            "the difference in accuracy",
        ),
        (
            (lambda *given: _trained(*given).difference("smoothed", "nll"), _BETTER, "helps"),
            "the difference in NLL",
        ),
        (
            (
                lambda r, d, s: _trained(r, d, s, 0.0).difference("smoothed", "ece"),
                _BETTER,
                "helps",
            ),
            "the same",
        ),
        (
            (
                lambda r, d, s: _trained(r, d, s, 0.3).difference("smoothed", "ece"),
                _BETTER,
                "helps",
            ),
            "Is ε = 0.1 in one arm",
        ),
        ((lambda r, d, s: _compared(r, d, 3), _BETTER, "helps"), "over 3 seeds"),
        ((lambda *given: _BETTER, _BETTER, "helps"), "over 5 seeds"),
        ((lambda recipe, data: 0, _BETTER, "helps"), "Your function takes"),
        ((lambda *given: None, _BETTER, "helps"), "is there a `return`?"),
        ((_compared, _found(-0.05, -0.06), "helps"), "five seeds or more"),
        ((_compared, _BETTER, "hurts"), "better or worse"),
        ((_compared, _UNSEEN, "helps"), "does it contain zero"),
        ((_compared, -0.05, "helps"), "Expected a Difference"),
    ],
    4: [
        (lambda gap, classes: classes / (classes + math.exp(gap)), "The 1 inside"),
        (lambda gap, classes: 10 / (9 + math.exp(gap)), "ten classes only"),
        (lambda gap, classes: (classes - 1) / (classes + math.expm1(gap)), "He's ε"),
        (lambda gap, classes: math.exp(-gap), "Solve gap"),
    ],
    5: [
        (lambda epsilon, classes: epsilon * classes / (classes - 1), "That is the way there"),
        (lambda epsilon, classes: epsilon, "only agree for very many classes"),
        (lambda epsilon, classes: epsilon / classes, "must agree"),
    ],
    6: [
        ((_loss_towards_uniform, _best_logits), "`prior` is not used"),
        ((lambda *given: 16 * _loss_towards(*given), _best_logits), "the sum over the batch"),
        ((lambda z, y, v, e: F.cross_entropy(z, y), _best_logits), "The target is"),
        ((lambda *given: _loss_towards(*given).item(), _best_logits), "a plain number"),
        ((_prior_overwritten, _best_logits), "changed its argument `prior`"),
        ((_loss_towards, _uncentred_logits), "subtract it"),
        ((_loss_towards, lambda *given: _uncentred_logits(*given).exp()), "the probabilities"),
        (
            (_loss_towards, lambda label, prior, epsilon: prior.log() - prior.log().mean()),
            "where is the label?",
        ),
        ((_loss_towards, lambda label, prior, epsilon: prior), "must give the target"),
        ((_loss_towards, lambda *given: None), "is there a `return`?"),
    ],
}
