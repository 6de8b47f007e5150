"""Exercises of notebooks/05_label_smoothing.ipynb.

Chapter: notebooks/05_label_smoothing.ipynb
"""

import math

import torch
import torch.nn.functional as F

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.objectives import from_he

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("four classes by hand")
def _(own_target, gap, floor):
    return (
        expect(own_target, 0.85, "The label's class: 1 - ε + ε/K.", tolerance=1e-3)
        or expect(gap, math.log(17), "log of the ratio of the two targets.", tolerance=1e-2)
        or expect(
            floor,
            -0.85 * math.log(0.85) - 3 * 0.05 * math.log(0.05),
            "The entropy of the target, in nats: one class with 0.85, three with 0.05.",
            tolerance=2e-3,
        )
    )


@check.exercise("the way back")
def _(to_he):
    for epsilon, classes in ((0.1, 10), (0.9, 10), (0.2, 2), (0.1, 1000)):
        share = to_he(epsilon, classes)
        problem = expect(
            share,
            epsilon * (classes - 1) / classes,
            f"Tried with epsilon={epsilon}, classes={classes}. The other classes must agree: "
            "He's ε/(K - 1) is Szegedy's ε/K.",
        ) or expect(from_he(share, classes), epsilon, "There and back is not the same.")
        if problem:
            return problem
    return None


@check.exercise("an ε for a gap")
def _(epsilon_for):
    for epsilon, classes in ((0.1, 10), (0.05, 100), (0.4, 10), (0.3, 2)):
        gap = math.log(1 + classes * (1 - epsilon) / epsilon)
        problem = expect(
            epsilon_for(gap, classes),
            epsilon,
            f"Tried with gap={gap:.4f}, classes={classes}. Solve gap = log(1 + K(1 - ε)/ε).",
        )
        if problem:
            return problem
    return None


@check.exercise("the loss without rows")
def _(smoothed_loss):
    draws = torch.Generator().manual_seed(0)
    for scale, classes, epsilon in ((1.0, 10, 0.1), (3.0, 5, 0.0), (2.0, 3, 1.0), (1e3, 7, 0.2)):
        logits = scale * torch.randn(32, classes, generator=draws, dtype=torch.float64)
        labels = torch.randint(classes, (32,), generator=draws)
        problem = expect(
            smoothed_loss(logits, labels, epsilon),
            F.cross_entropy(logits, labels, label_smoothing=epsilon),
            f"Tried with logits of about {scale:g}, {classes} classes, epsilon={epsilon}. Use the "
            "decomposition: a part for the label, a part for the mean over all classes, both of "
            "`log_softmax`.",
        )
        if problem:
            return problem
    return None


@check.exercise("smoothing towards a prior")
def _(loss_towards, best_logits):
    draws = torch.Generator().manual_seed(1)
    for classes, epsilon in ((10, 0.1), (3, 0.3)):
        prior = torch.rand(classes, generator=draws, dtype=torch.float64) + 0.1
        prior = prior / prior.sum()
        logits = torch.randn(16, classes, generator=draws, dtype=torch.float64)
        labels = torch.randint(classes, (16,), generator=draws)
        target = (1 - epsilon) * F.one_hot(labels, classes) + epsilon * prior
        tried = f"Tried with {classes} classes, epsilon={epsilon} and an uneven prior. "
        problem = expect(
            loss_towards(logits, labels, prior.clone(), epsilon),
            F.cross_entropy(logits, target),
            tried + "The target is (1 - ε) q + ε v, and the loss its mean cross-entropy.",
        )
        for label in range(classes):
            wanted = (
                (1 - epsilon) * F.one_hot(torch.tensor(label), classes) + epsilon * prior
            ).log()
            problem = problem or expect(
                best_logits(label, prior.clone(), epsilon),
                wanted - wanted.mean(),
                tried + f"For label {label}: softmax must give the target; then subtract the mean.",
            )
        if problem:
            return problem
    return None


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _smoothed_loss(logits, labels, epsilon):
    log_p = logits.log_softmax(dim=1)
    own = log_p.gather(1, labels[:, None])[:, 0]
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1)).mean()


def _loss_that_overflows(logits, labels, epsilon):
    log_p = logits - logits.exp().sum(dim=1, keepdim=True).log()
    own = log_p.gather(1, labels[:, None])[:, 0]
    return -((1 - epsilon) * own + epsilon * log_p.mean(dim=1)).mean()


def _loss_towards(logits, labels, prior, epsilon):
    target = (1 - epsilon) * F.one_hot(labels, len(prior)) + epsilon * prior
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()


def _loss_towards_uniform(logits, labels, prior, epsilon):
    return F.cross_entropy(logits, labels, label_smoothing=epsilon)


def _uncentred_logits(label, prior, epsilon):
    return ((1 - epsilon) * F.one_hot(torch.tensor(label), len(prior)) + epsilon * prior).log()


def _best_logits(label, prior, epsilon):
    logits = _uncentred_logits(label, prior, epsilon)
    return logits - logits.mean()


RIGHT = {
    1: (0.85, 2.833, 0.5875),
    2: lambda epsilon, classes: epsilon * (classes - 1) / classes,
    3: lambda gap, classes: classes / (classes + math.expm1(gap)),
    4: _smoothed_loss,
    5: (_loss_towards, _best_logits),
}

WRONG = {
    1: [
        ((0.8, 2.833, 0.5875), "1 - ε + ε/K"),
        ((0.85, 2.708, 0.5875), "ratio of the two targets"),
        ((0.85, 2.833, 0.8477), "The entropy of the target"),
    ],
    2: [
        (lambda epsilon, classes: epsilon * classes / (classes - 1), "must agree"),
        (lambda epsilon, classes: epsilon, "must agree"),
    ],
    3: [
        (lambda gap, classes: classes / (classes + math.exp(gap)), "Solve gap"),
        (lambda gap, classes: 10 / (9 + math.exp(gap)), "Solve gap"),
    ],
    4: [
        (_loss_that_overflows, "`log_softmax`"),
        (lambda z, y, e: F.cross_entropy(z, y, label_smoothing=from_he(e / 2, 9)), "decomposition"),
        (lambda z, y, e: F.cross_entropy(z, y), "a part for the mean over all classes"),
    ],
    5: [
        ((_loss_towards_uniform, _best_logits), "The target is"),
        ((_loss_towards, _uncentred_logits), "then subtract the mean"),
        (
            (_loss_towards, lambda label, prior, epsilon: prior.log()),
            "softmax must give the target",
        ),
    ],
}
