"""Exercises of notebooks/00_baseline.ipynb.

Chapter: notebooks/00_baseline.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from scipy import stats
from torch import nn

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
from tricks_lib.lab.metrics import calibration_error
from tricks_lib.lab.study import ACCURACY, Difference, StudyResult, paired_difference, study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()

_CHANCES = 0.9, 0.5, 0.25, 0.01

_SMALLEST = ACCURACY.smallest or 0.0
"""0.3 points: a smaller difference does not matter."""


@check.exercise("the loss of four guesses")
def _(nll, costliest):
    costs = [-math.log(chance) for chance in _CHANCES]
    expect(
        nll,
        sum(costs) / 4,
        "Average the natural logarithms of the four probabilities, and change the sign.",
        tolerance=2e-3,
        mistakes={
            "An NLL is never negative: change the sign.": -sum(costs) / 4,
            "That is the sum of the four: the NLL is their mean.": sum(costs),
            "That is with logarithms to the base 10: nats are natural logarithms.": sum(costs)
            / 4
            / math.log(10),
            "That is in bits, to the base 2: nats are natural logarithms.": sum(costs)
            / 4
            / math.log(2),
            "That is the logarithm of the mean probability: take the logarithm of each first.": (
                -math.log(sum(_CHANCES) / 4)
            ),
        },
    )
    expect(
        costliest,
        _CHANCES[costs.index(max(costs))],
        "That is not the costliest: compare the four logarithms, and give the probability.",
    )


@check.exercise(
    "a verdict, written by you",
    domain="`trick` and `baseline` are lists of accuracies between 0 and 1, of the same seeds in "
    "the same order, two or more.",
)
def _(my_verdict: Function, draws: Draws):
    def accuracies(seeds: int, shift: float, together: float, spread: float = 0.004):
        common = 0.8 + together * draws.normal(seeds)
        pair = (common + spread * draws.normal(seeds) + more for more in (shift, 0))
        return [[round(value, 5) for value in part.tolist()] for part in pair]

    def told_apart_from(mistake):
        return lambda pair: _clear(pair) and mistake(*pair) != _recorded_verdict(*pair)

    def only_the_means_differ(pair):
        return _clear(pair) and _recorded_verdict(*pair) == "no difference seen"

    def too_small_to_matter(pair):
        small = _recorded_verdict(*pair) == "makes no difference"
        return _clear(pair) and small and _by_zero_alone(*pair) in ("helps", "hurts")

    kinds: list[Any] = [
        ((6, 0.02, 0.0), _clear),
        ((6, -0.02, 0.0), _clear),
        ((20, 0.006, 0.02), _clear),
        ((2, 0.01, 0.0), _clear),
        ((8, 0.0, 0.0), only_the_means_differ),
        ((20, 0.0015, 0.01, 0.001), too_small_to_matter),
        ((20, -0.0015, 0.01, 0.001), too_small_to_matter),
        ((7, 0.01, 0.05), told_apart_from(_unpaired_verdict)),
        ((9, -0.01, 0.05), told_apart_from(_unpaired_verdict)),
        ((3, 0.008, 0.0), told_apart_from(_normal_verdict)),
    ]
    cases = [draws.until(partial(accuracies, *kind), fits) for kind, fits in kinds]
    agree(
        my_verdict,
        _recorded_verdict,
        cases,
        "The interval of the differences, seed by seed, says something else.",
        mistakes={
            "That only compares the means: is zero in the interval of the differences?": _by_means,
            "That is for independent runs: take the differences seed by seed.": _unpaired_verdict,
            "That is with 1.96, which holds for many seeds: Student's t is larger for few.": (
                _normal_verdict
            ),
            "Too small to matter comes first: does the whole interval lie between -0.003 and "
            "0.003?": _by_zero_alone,
            "Accuracies lie between 0 and 1, so 0.3 points are 0.003.": _with_points_for_shares,
            "That is the baseline minus the trick.": _verdict_turned_round,
        },
    )


@check.exercise(
    "your own comparison",
    domain="`baseline` and `trick` are recipes, `data` has more training images than `images`, and "
    "`seeds` is a list of two or more.",
)
def _(compare: Function, found: Difference, largest, draws: Draws):
    compare.check_arguments(["baseline", "trick", "data", "images", "seeds"])
    draws.hidden = True
    data = load_data("digits").subset(train=400, test=100, seed=draws.count(0, 10**6))
    base = Recipe(epochs=2, batch_size=10, lr=0.1, model=partial(mlp, hidden=(16,)))
    task = (
        base,
        replace(base, lr=draws.number(0.01, 0.02)),
        data,
        draws.count(40, 60),
        draws.until(lambda: [draws.count(0, 999) for _ in range(3)], lambda s: len({*s}) == 3),
    )
    where = f"Tried with {task[3]} images and the seeds {task[4]}."
    with untouched(seeds=task[4]):
        theirs = compare(*task)
    if not isinstance(theirs, Difference):
        raise Wrong(f"{where} Expected what `result.difference(...)` returns, got {named(theirs)}.")
    right = _compared(*task)
    if not _same(theirs, right):
        known = {
            "That is the baseline minus the trick: the first arm of `study` is the baseline.": (
                _turned_round
            ),
            "All seeds had the same images: hand a function seed -> data to `study`.": (
                _with_the_same_images
            ),
        }
        told = [text for text, mistake in known.items() if _same(theirs, mistake(*task))]
        if len(theirs.values) != len(task[4]):
            told = [f"It is over {len(theirs.values)} seeds: hand `seeds` on to `study`."]
        hint = told[0] if told else "Does each seed draw `data.subset(train=images, seed=seed)`?"
        raise Wrong(f"{where} Expected {right}, got {theirs}. {hint}")
    if len(found.values) < 8 or found.metric.name != "accuracy":
        raise Wrong("Hand in what `compare` gives for the wide network, with eight seeds or more.")
    expect(
        largest,
        100 * max(found.high, 0.0),
        f"Your interval is {found}. What is the largest gain in it? Give points; 0 if the whole "
        "interval lies below zero.",
        tolerance=0.006,
        mistakes={
            "That is the mean: the interval allows more.": 100 * found.mean,
            "That is the lower end.": 100 * found.low,
            "Give points: hundredths.": found.high,
        },
    )


@check.exercise(
    "how many seeds",
    domain="`spread` and `effect` are above 0, and `effect` is at least a fifth of `spread`.",
)
def _(my_seeds_needed: Function, draws: Draws):
    def case():
        spread = draws.number(0.1, 2)
        return spread, max(draws.number(0.2, 1.6) * spread, 0.02)

    def far_from_rounding(case):
        spread, effect = case
        needed = _seeds_needed(spread, effect)
        nearest = (_half_width(spread, seeds) / effect for seeds in (needed, max(needed - 1, 2)))
        return all(abs(ratio - 1) > 1e-6 for ratio in nearest)

    def few_seeds(case):
        return far_from_rounding(case) and _seeds_needed(*case) != _seeds_needed(*case, used=0)

    agree(
        my_seeds_needed,
        _seeds_needed,
        [
            (0.1, 5.0),
            draws.until(case, few_seeds),
            *(draws.until(case, far_from_rounding) for _ in range(5)),
        ],
        "Count n up from 2 until half the interval is smaller than the effect; Student's t has "
        "n - 1 degrees of freedom.",
        mistakes={
            "That is with 1.96, which holds for many seeds: Student's t is larger for few.": (
                _seeds_by_normal
            ),
            "That asks for the whole interval: half of it should be smaller than the effect.": (
                lambda spread, effect: _seeds_needed(spread, effect / 2)
            ),
            "That is with n degrees of freedom: one is used up by the mean.": (
                lambda spread, effect: _seeds_needed(spread, effect, used=0)
            ),
            "That is one too few: test n before you return it.": (
                lambda spread, effect: _seeds_needed(spread, effect) - 1
            ),
        },
    )


@check.exercise(
    "calibration error, written by you",
    domain="`confidence` is above 0 and at most 1, `bins` at least 1, and a bin is open below and "
    "closed above.",
)
def _(my_calibration_error: Function, draws: Draws):
    def predictions(count: int, bins: int):
        # In the middle of thousandths: nowhere near a border between bins, where rounding decides.
        confidence = ((draws.whole(200, 999, count) + 0.5) / 1000).float()
        return confidence, draws.uniform(count) < confidence**2, bins

    def at_borders():
        # In eighths, of which a computer rounds none.
        return draws.whole(1, 8, 60) / 8, draws.uniform(60) < 0.5, 4

    def matters(case):
        return abs(_open_above(*case) - right(*case)) > 0.01

    def right(confidence, hits, bins):
        return calibration_error(confidence, hits.float(), bins)

    agree(
        my_calibration_error,
        right,
        [
            *(predictions(200, bins) for bins in (15, 10, draws.count(3, 9))),
            predictions(40, 1),
            predictions(3, 15),
            draws.until(at_borders, matters),
        ],
        "Each bin counts by the share of images in it; an empty bin counts nothing.",
        mistakes={
            "That is the gap over all images together: take it bin by bin.": _one_bin,
            "That is the plain mean over the bins: each counts by the share of images in it.": (
                _bins_alike
            ),
            "Gaps of different sign cancel: take each gap without its sign.": _gaps_that_cancel,
            "A confidence at a border belongs to the lower bin: a bin is closed above.": (
                _open_above
            ),
        },
        tolerance=1e-5,
    )


@check.exercise(
    "find the bug in the evaluation",
    domain="`size` is at least 1; `model` may be in either mode, and its images are float.",
)
def _(my_accuracy: Function, draws: Draws):
    model = draws.built(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    )
    images, labels = draws.normal(83, 1, 3, 4).float(), draws.whole(0, 3, 83)
    with torch.no_grad():
        model(images + 1)  # running statistics that differ from those of a batch
    right = _accuracy(model, images, labels, 83)
    my_accuracy.check_arguments(["model", "images", "labels", "size"])
    for training in (True, False):
        model.train(training)
        for size in (83, 50, 16, 8, 1, 500):
            before = {name: value.clone() for name, value in model.state_dict().items()}
            with untouched(images=images, labels=labels):
                found = my_accuracy(model, images, labels, size)
            after = model.state_dict()
            if any(not torch.equal(before[name], after[name]) for name in before):
                raise Wrong("Evaluating changed the network: its running statistics moved.")
            expect(
                found,
                right,
                f"Tried with 83 images in batches of {size}: count the hits over all images; the "
                "size of the batches may not change the result.",
            )
            if model.training != training:
                modes = {True: "training", False: "evaluation"}
                raise Wrong(
                    f"The accuracy is right, but the network was in {modes[training]} mode and "
                    f"was left in {modes[not training]} mode."
                )


def _clear(pair) -> bool:
    """Tell whether the interval ends far enough from zero for rounding not to matter."""
    gaps = [trick - base for trick, base in zip(*pair, strict=True)]
    if any(max(values) - min(values) < 1e-3 for values in (gaps, *pair)):
        return False  # no spread to speak of
    low, high = stats.ttest_rel(*pair).confidence_interval(0.95)
    borders = (0, _SMALLEST, -_SMALLEST)
    return min(abs(end - border) for end in (low, high) for border in borders) > 1e-5


def _recorded_verdict(trick, baseline):
    found = paired_difference(ACCURACY, dict(enumerate(trick)), dict(enumerate(baseline)))
    return found.verdict


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _compared(baseline, trick, data: Data, images: int, seeds: Sequence[int]) -> Difference:
    def own_images(seed: int) -> Data:
        return data.subset(train=images, seed=seed)

    return _both(baseline, trick, own_images, seeds).difference("trick")


def _both(baseline, trick, data, seeds) -> StudyResult:
    return study({"baseline": baseline, "trick": trick}, data, list(seeds))


def _same(one: Difference, other: Difference) -> bool:
    return one.metric.name == other.metric.name and one.values == other.values


def _with_the_same_images(baseline, trick, data, images, seeds):
    return _both(baseline, trick, data.subset(train=images), seeds).difference("trick")


def _turned_round(baseline, trick, data, images, seeds):
    return _compared(trick, baseline, data, images, seeds)


def _with_too_few_seeds(baseline, trick, data, images, seeds):
    return _compared(baseline, trick, data, images, seeds[:2])


def _with_more_images(baseline, trick, data, images, seeds):
    return _compared(baseline, trick, data, 2 * images, seeds)


_FOUND = paired_difference(
    ACCURACY,
    dict(enumerate((0.71, 0.73, 0.72, 0.74, 0.71, 0.72, 0.73, 0.72))),
    dict.fromkeys(range(8), 0.71),
)
"""As somebody may have found it."""

_FEW = paired_difference(ACCURACY, {0: 0.71, 1: 0.73, 2: 0.72}, dict.fromkeys(range(3), 0.71))


def _by_bins(confidence, hits, bins, place):
    gaps = [(hits[place == n].double() - confidence[place == n]).sum() for n in range(1, bins + 1)]
    return gaps, [(place == n).sum().item() for n in range(1, bins + 1)]


def _calibration_error(confidence, hits, bins):
    gaps, _ = _by_bins(confidence, hits, bins, (confidence * bins).ceil())
    return sum(gap.abs().item() for gap in gaps) / len(hits)


def _open_above(confidence, hits, bins):
    place = ((confidence * bins).floor() + 1).clamp(max=bins)
    gaps, _ = _by_bins(confidence, hits, bins, place)
    return sum(gap.abs().item() for gap in gaps) / len(hits)


def _bins_alike(confidence, hits, bins):
    gaps, counts = _by_bins(confidence, hits, bins, (confidence * bins).ceil())
    means = [gap.abs().item() / n for gap, n in zip(gaps, counts, strict=True) if n]
    return sum(means) / len(means)


def _gaps_that_cancel(confidence, hits, bins):
    return (hits.double() - confidence).mean().item()


def _one_bin(confidence, hits, bins):
    return abs(_gaps_that_cancel(confidence, hits, bins))


def _half_width(spread, seeds, *, used=1):
    return stats.t.ppf(0.975, seeds - used) * spread / seeds**0.5


def _seeds_needed(spread, effect, *, used=1):
    seeds = 2
    while _half_width(spread, seeds, used=used) >= effect:
        seeds += 1
    return seeds


def _seeds_by_normal(spread, effect):
    return max(2, math.ceil((1.96 * spread / effect) ** 2))


def _named(low, high):
    if low > -_SMALLEST and high < _SMALLEST:
        return "makes no difference"
    return _by_zero(low, high)


def _by_zero(low, high):
    return "no difference seen" if low <= 0 <= high else "helps" if low > 0 else "hurts"


def _by_zero_alone(trick, baseline):
    return _by_zero(*stats.ttest_rel(trick, baseline).confidence_interval(0.95))


def _verdict(trick, baseline):
    return _named(*stats.ttest_rel(trick, baseline).confidence_interval(0.95))


def _by_means(trick, baseline):
    return "helps" if sum(trick) > sum(baseline) else "hurts"


def _with_points_for_shares(trick, baseline):
    low, high = stats.ttest_rel(trick, baseline).confidence_interval(0.95)
    return "makes no difference" if low > -0.3 and high < 0.3 else _by_zero(low, high)


def _verdict_turned_round(trick, baseline):
    return _verdict(baseline, trick)


def _unpaired_verdict(trick, baseline):
    return _named(*stats.ttest_ind(trick, baseline).confidence_interval(0.95))


def _normal_verdict(trick, baseline):
    gaps = torch.tensor(trick).double() - torch.tensor(baseline).double()
    half = 1.96 * gaps.std() / len(gaps) ** 0.5
    return _named(gaps.mean() - half, gaps.mean() + half)


def _sorted_first(trick, baseline):
    trick.sort()
    baseline.sort()
    return _verdict(trick, baseline)


@torch.no_grad()
def _accuracy(model, images, labels, size):
    was_training = model.training
    model.eval()
    answers = torch.cat([model(part).argmax(dim=1) for part in images.split(size)])
    model.train(was_training)
    return (answers == labels).double().mean().item()


def _left_in_evaluation(model, images, labels, size):
    found = _accuracy(model, images, labels, size)
    model.eval()
    return found


def _always_back_to_training(model, images, labels, size):
    found = _accuracy(model, images, labels, size)
    model.train()
    return found


@torch.no_grad()
def _in_training_mode(model, images, labels, size):
    answers = torch.cat([model(part).argmax(dim=1) for part in images.split(size)])
    return (answers == labels).double().mean().item()


@torch.no_grad()
def _mean_of_batches(model, images, labels, size):
    was_training = model.training
    model.eval()
    parts = zip(images.split(size), labels.split(size), strict=True)
    hits = [(model(part).argmax(dim=1) == answers).double().mean() for part, answers in parts]
    model.train(was_training)
    return (sum(hits) / len(hits)).item()


RIGHT = {
    1: (-math.log(0.9 * 0.5 * 0.25 * 0.01) / 4, 0.01),
    2: _verdict,
    3: (_compared, _FOUND, 100 * _FOUND.high),
    4: _seeds_needed,
    5: _calibration_error,
    6: _accuracy,
}

WRONG = {
    1: [
        ((0.7374, 0.01), "to the base 10"),
        ((-1.6976, 0.01), "change the sign"),
        ((6.79, 0.01), "the NLL is their mean"),
        ((2.449, 0.01), "in bits"),
        ((0.8794, 0.01), "take the logarithm of each first"),
        ((1.72, 0.01), "Average the natural logarithms"),
        ((1.6976, 0.9), "not the costliest"),
        ((1.6976, None), "Expected a number, got nothing"),
    ],
    2: [
        (_by_means, "compares the means"),
        (lambda trick, base: "no difference seen", "seed by seed"),
        (_unpaired_verdict, "independent runs"),
        (_normal_verdict, "Student's t is larger for few"),
        (_by_zero_alone, "between -0.003 and 0.003"),
        (_with_points_for_shares, "0.3 points are 0.003"),
        (_verdict_turned_round, "the baseline minus the trick"),
        (_sorted_first, "changed its argument `trick`"),
    ],
    3: [
        ((_with_the_same_images, _FOUND, 100 * _FOUND.high), "the same images"),
        ((_turned_round, _FOUND, 100 * _FOUND.high), "baseline minus the trick"),
        ((_with_too_few_seeds, _FOUND, 100 * _FOUND.high), "hand `seeds` on"),
        ((_with_more_images, _FOUND, 100 * _FOUND.high), "Does each seed draw"),
        ((lambda *task: _FOUND, _FOUND, 100 * _FOUND.high), "hand `seeds` on"),
        ((lambda *task: 0.01, _FOUND, 100 * _FOUND.high), "Expected what"),
        ((_compared, _FEW, 100 * _FEW.high), "eight seeds or more"),
        ((_compared, _FOUND, 100 * _FOUND.mean), "That is the mean"),
        ((_compared, _FOUND, 100 * _FOUND.low), "That is the lower end"),
        ((_compared, _FOUND, _FOUND.high), "Give points: hundredths"),
    ],
    4: [
        (_seeds_by_normal, "Student's t is larger for few"),
        (lambda spread, effect: _seeds_needed(spread, effect / 2), "the whole interval"),
        (lambda spread, effect: _seeds_needed(spread, effect, used=0), "used up by the mean"),
        (lambda spread, effect: _seeds_needed(spread, effect) - 1, "test n before"),
        (lambda spread, effect: _seeds_needed(spread, 2 * effect), "smaller than the effect"),
    ],
    5: [
        (lambda confidence, hits, bins: 0.1, "Each bin counts"),
        (_one_bin, "take it bin by bin"),
        (_gaps_that_cancel, "take each gap without its sign"),
        (_bins_alike, "the plain mean over the bins"),
        (_open_above, "a bin is closed above"),
    ],
    6: [
        (lambda model, images, labels, size: 0.5, "count the hits over all images"),
        (_left_in_evaluation, "left in evaluation mode"),
        (_always_back_to_training, "left in training mode"),
        (_in_training_mode, "Evaluating changed the network"),
        (_mean_of_batches, "may not change the result"),
    ],
}
