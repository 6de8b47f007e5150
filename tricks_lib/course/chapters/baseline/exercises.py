"""Exercises of notebooks/00_baseline.ipynb.

Chapter: notebooks/00_baseline.ipynb
"""

import math

import torch
from scipy import stats
from torch import nn

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.lab.metrics import score
from tricks_lib.lab.study import Metric, paired_difference

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()

_ANY_DIFFERENCE = Metric("accuracy", better="higher")
"""The exercise has three verdicts: without a smallest difference nothing is too small to matter."""


def _predictions(count: int = 200, classes: int = 5, seed: int = 0):
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (count,), generator=draws)
    logits = 2 * torch.randn(count, classes, generator=draws)
    logits[torch.arange(count), labels] += 1.5
    # Too sure in one half, too doubtful in the other: else one bin for all would give the answer.
    logits[: count // 2] *= 3
    logits[count // 2 :] *= 0.3
    return logits, labels


@check.exercise("the loss of four guesses")
def _(answer):
    wanted = -torch.tensor([0.9, 0.5, 0.25, 0.01], dtype=torch.float64).log().mean().item()
    hint = "Average the natural logarithms of the four probabilities, and change the sign."
    return expect(answer, wanted, hint, tolerance=2e-3)


@check.exercise("calibration error, written by you")
def _(calibration_error):
    for seed, bins in ((0, 15), (1, 10), (2, 1)):
        logits, labels = _predictions(seed=seed)
        confidence, predicted = logits.softmax(dim=1).max(dim=1)
        problem = expect(
            calibration_error(confidence, predicted == labels, bins),
            score(logits, labels, bins).ece,
            f"Tried with 200 predictions and {bins} bins. Each bin counts by the share of images "
            "in it; an empty bin counts nothing.",
            tolerance=1e-5,
        )
        if problem:
            return problem
    return None


@check.exercise("how many seeds")
def _(seeds_needed):
    for spread, effect in ((0.4, 0.5), (0.4, 0.1), (0.1, 0.5), (1.0, 0.7)):
        wanted = 2
        while stats.t.ppf(0.975, wanted - 1) * spread / wanted**0.5 >= effect:
            wanted += 1
        problem = expect(
            seeds_needed(spread, effect),
            wanted,
            f"Tried with a spread of {spread} and an effect of {effect} points. Count n up from 2 "
            "until half the interval is smaller than the effect; Student's t has n - 1 degrees "
            "of freedom.",
        )
        if problem:
            return problem
    return None


@check.exercise("a verdict, written by you")
def _(verdict):
    pairs = [
        ([0.81, 0.82, 0.83, 0.82], [0.80, 0.81, 0.81, 0.80]),
        ([0.79, 0.80, 0.80, 0.81], [0.81, 0.82, 0.83, 0.82]),
        ([0.80, 0.84, 0.79, 0.83], [0.81, 0.82, 0.83, 0.82]),
        ([0.9, 0.8, 0.7, 0.6], [0.89, 0.79, 0.68, 0.58]),  # far apart, but every pair agrees
    ]
    for trick, baseline in pairs:
        found = verdict(trick, baseline)
        wanted = paired_difference(
            _ANY_DIFFERENCE, dict(enumerate(trick)), dict(enumerate(baseline))
        ).verdict
        if found != wanted:
            return (
                f"For the accuracies {trick} against {baseline}, seed by seed, you say {found!r}, "
                f"the interval of the differences says {wanted!r}."
            )
    return None


@check.exercise("find the bug in the evaluation")
def _(evaluate):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    images, labels = torch.randn(50, 1, 3, 4), torch.randint(0, 4, (50,))
    model(images + 1)  # running statistics that differ from those of a batch
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    with torch.no_grad():
        wanted = (model(images).argmax(dim=1) == labels).float().mean().item()
    model.train()
    found = [evaluate(model, images, labels, size) for size in (50, 16, 8)]
    after = model.state_dict()
    if any(not torch.equal(before[name], after[name]) for name in before):
        return "Evaluating changed the network: its running statistics moved."
    problem = expect(
        found, [wanted] * 3, "Tried with batches of 50, 16 and 8 images: the result may not change."
    )
    if problem:
        return problem
    if not model.training:
        return "The accuracy is right, but the network was left in evaluation mode."
    return None


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _calibration_error(confidence, hits, bins):
    place = (confidence * bins).ceil()
    return sum(
        (hits[place == n].double() - confidence[place == n]).sum().abs().item() / len(hits)
        for n in range(1, bins + 1)
    )


def _seeds_needed(spread, effect):
    seeds = 2
    while stats.t.ppf(0.975, seeds - 1) * spread / seeds**0.5 >= effect:
        seeds += 1
    return seeds


def _verdict(trick, baseline):
    low, high = stats.ttest_rel(trick, baseline).confidence_interval(0.95)
    return "no difference seen" if low <= 0 <= high else "helps" if low > 0 else "hurts"


def _unpaired_verdict(trick, baseline):
    low, high = stats.ttest_ind(trick, baseline).confidence_interval(0.95)
    return "no difference seen" if low <= 0 <= high else "helps" if low > 0 else "hurts"


@torch.no_grad()
def _evaluate(model, images, labels, size):
    was_training = model.training
    model.eval()
    answers = torch.cat([model(part).argmax(dim=1) for part in images.split(size)])
    model.train(was_training)
    return (answers == labels).double().mean().item()


def _left_in_evaluation(model, images, labels, size):
    found = _evaluate(model, images, labels, size)
    model.eval()
    return found


@torch.no_grad()
def _in_training_mode(model, images, labels, size):
    answers = torch.cat([model(part).argmax(dim=1) for part in images.split(size)])
    return (answers == labels).double().mean().item()


@torch.no_grad()
def _mean_of_batches(model, images, labels, size):
    model.eval()
    parts = zip(images.split(size), labels.split(size), strict=True)
    hits = [(model(part).argmax(dim=1) == answers).double().mean() for part, answers in parts]
    model.train()
    return (sum(hits) / len(hits)).item()


RIGHT = {
    1: -math.log(0.9 * 0.5 * 0.25 * 0.01) / 4,
    2: _calibration_error,
    3: _seeds_needed,
    4: _verdict,
    5: _evaluate,
}

WRONG = {
    1: [(0.6725, "natural logarithms"), (-1.6976, "change the sign")],
    2: [
        (lambda confidence, hits, bins: 0.1, "Each bin counts"),
        (lambda c, hits, bins: abs(hits.float().mean() - c.mean()), "Each bin counts"),
    ],
    3: [
        (lambda spread, effect: math.ceil((1.96 * spread / effect) ** 2), "Student's t"),
        (lambda spread, effect: _seeds_needed(spread, 2 * effect), "smaller than the effect"),
    ],
    4: [
        (lambda trick, base: "helps" if sum(trick) > sum(base) else "hurts", "seed by seed"),
        (lambda trick, base: "no difference seen", "seed by seed"),
        (_unpaired_verdict, "seed by seed"),
    ],
    5: [
        (lambda model, images, labels, size: 0.5, "the result may not change"),
        (_left_in_evaluation, "left in evaluation mode"),
        (_in_training_mode, "Evaluating changed the network"),
        (_mean_of_batches, "the result may not change"),
    ],
}
