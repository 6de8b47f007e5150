"""Exercises of notebooks/16_early_stopping.ipynb.

Chapter: notebooks/16_early_stopping.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe
from tricks_lib.stopping import EarlyStopping

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a stop and a share by hand")
def _(stop, kept, share):
    expect(
        stop,
        7,
        "Go through the losses one by one, and count how long none was below the smallest so far.",
        mistakes={
            "Compare with the smallest loss so far, not with the one before.": 9,
            "After two epochs without improvement the patience of 2 is at its end.": 8,
            "There is an improvement at epoch 5: the count begins again.": 6,
        },
    )
    expect(
        kept,
        5,
        "It is the epoch with the smallest loss up to the stop.",
        mistakes={
            "The weights of the best epoch are kept, not those of the last.": 7,
            "Epochs count from 1.": 4,
        },
    )
    expect(
        share,
        0.488,
        "Each step goes ηλ of the way that is left.",
        tolerance=1e-3,
        mistakes={
            "That is what is left of the way: the share that is done is 1 minus that.": 0.512,
            "Each step goes ηλ of what is left, not of the whole way.": 0.6,
        },
    )


@check.exercise(
    "Prechelt's rule",
    domain="`losses` are one or more numbers above 0, and `percent` is above 0.",
)
def _(stops: Function, draws: Draws):
    def case():
        losses = [draws.number(0.4, 1.2) for _ in range(draws.count(6, 12))]
        return losses, draws.number(5, 60, 1)

    def clear(drawn):
        """Tell whether no loss lies just at the limit, where rounding decides."""
        losses, percent = drawn
        smallest = losses[0]
        for loss in losses:
            smallest = min(smallest, loss)
            if abs(100 * (loss / smallest - 1) - percent) < 1e-3:
                return False
        return True

    cases = [
        ([0.9, 0.7, 0.6, 0.62, 0.59, 0.8, 0.5], 20.0),
        ([0.9, 0.7, 0.6, 0.62, 0.61, 0.65, 0.55], 6.0),
        ([1.0, 0.8, 0.85, 0.9, 0.95, 1.0, 0.4], 15.0),
        ([0.5], 5.0),
        ([0.5, 0.5, 0.5], 5.0),
    ]
    cases += [draws.until(case, clear) for _ in range(5)]
    agree(
        stops,
        _stops,
        cases,
        "Stop as soon as 100 times (loss / smallest so far - 1) is above `percent`; without a stop "
        "the run ends with the last loss.",
        parts=("epoch after which it stops", "epoch that is kept"),
        mistakes={
            "`percent` is in per cent: 5 is a twentieth.": (
                lambda losses, percent: _stops(losses, 100 * percent)
            ),
            "Compare with the smallest loss so far, not with the one before.": _with_the_last,
            "Epochs count from 1.": (
                lambda losses, percent: tuple(epoch - 1 for epoch in _stops(losses, percent))
            ),
            "The epoch with the smallest loss is kept, not the last.": (
                lambda losses, percent: (_stops(losses, percent)[0],) * 2
            ),
            "What comes after the stop is not known: look for the smallest loss up to it.": (
                lambda losses, percent: (_stops(losses, percent)[0], _best(losses))
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe, `data` has training, validation and test images, `rate` is "
    "from 0 to 1, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        small = partial(mlp, hidden=(16,), size=8)
        epochs, lr = draws.count(6, 8), draws.number(0.5, 1.0)
        recipe = Recipe(epochs=epochs, batch_size=20, lr=lr, model=small)
        data = load_data("digits").subset(train=80, test=100, seed=draws.count(0, 99))
        rate = draws.number(0.4, 0.6, 2)
        seeds = [draws.count(0, 999) for _ in range(draws.count(2, 3))]
        return recipe, data.hold_out(40), rate, seeds

    GAIN.judge(gain, draws, case)


@check.exercise(
    "the weight decay of a stop",
    domain="`curvature`, `lr` and `steps` are above 0, and `lr` times `curvature` is below 1.",
)
def _(decay_for: Function, draws: Draws):
    cases = []
    for _ in range(6):
        lr, steps = draws.scale(0.01, 1), draws.count(1, 50)
        cases.append((draws.number(0.05, 0.6) / lr, lr, steps))
    agree(
        decay_for,
        _decay_for,
        cases,
        "Set λ/(λ + α) equal to 1 - (1 - ηλ)^t, and solve for α.",
        tolerance=1e-6,
        mistakes={
            "That is its value for flat directions: here it should be exact in any.": (
                lambda curvature, lr, steps: 1 / (lr * steps)
            ),
            "That is upside down: more steps should leave less decay.": (
                lambda curvature, lr, steps: curvature**2 / _decay_for(curvature, lr, steps)
            ),
            "The curvature is missing as a factor.": (
                lambda curvature, lr, steps: _decay_for(curvature, lr, steps) / curvature
            ),
        },
    )


@check.exercise(
    "what a choice says too much",
    domain="`validation` and `test` are equally long lists of accuracies, one for each try.",
)
def _(too_much: Function, draws: Draws):
    def case():
        count = draws.count(3, 8)
        return tuple([draws.number(0.5, 0.9) for _ in range(count)] for _ in range(2))

    def tells(drawn):
        validation, test = drawn
        return len(set(validation)) == len(validation) and _chosen(validation) != _chosen(test)

    agree(
        too_much,
        _too_much,
        [([0.7], [0.6]), *(draws.until(case, tells) for _ in range(5))],
        "Choose the try with the highest validation accuracy, and subtract its own test accuracy.",
        mistakes={
            "The test images choose nothing: take the test accuracy of the chosen try.": (
                lambda validation, test: max(validation) - max(test)
            ),
            "That is test minus validation.": (
                lambda validation, test: -_too_much(validation, test)
            ),
            "Only the chosen try counts, not the mean over all.": (
                lambda validation, test: (sum(validation) - sum(test)) / len(test)
            ),
            "The validation images choose, and yours are the test images.": (
                lambda validation, test: validation[_chosen(test)] - max(test)
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _best(losses: Sequence[float]) -> int:
    return 1 + min(range(len(losses)), key=losses.__getitem__)


def _stops(losses, percent):
    smallest, kept = float("inf"), 0
    for epoch, loss in enumerate(losses, 1):
        if loss < smallest:
            smallest, kept = loss, epoch
        if 100 * (loss / smallest - 1) > percent:
            return epoch, kept
    return len(losses), kept


def _with_the_last(losses, percent):
    for epoch in range(2, len(losses) + 1):
        if 100 * (losses[epoch - 1] / losses[epoch - 2] - 1) > percent:
            return epoch, _best(losses[:epoch])
    return len(losses), _best(losses)


def _stopped(
    baseline: Recipe,
    data: Data,
    rate: float,
    seeds: Sequence[int],
    patience: int = 2,
    on: str = "test",
):
    arms = {"to the end": baseline, "stopped": replace(baseline, stop=EarlyStopping(patience))}
    return study(arms, data.with_label_noise(rate), seeds, on=on)


def _gain(baseline: Recipe, data: Data, rate: float, seeds: Sequence[int]):
    return _stopped(baseline, data, rate, seeds)


GAIN = OwnInterval(
    _gain,
    "Hand both recipes to `study` with the noisy data and the seeds, and read the difference of "
    "the one that stops: `.low` and `.high`.",
    trick="the stop",
    others={
        "The labels are all right: make the share `rate` of them wrong first.": (
            lambda baseline, data, rate, seeds: _stopped(baseline, data, 0.0, seeds)
        ),
        "That is another patience: the exercise asks for 2.": partial(_stopped, patience=1),
        "These are the images that chose the epoch: measure on the test images.": partial(
            _stopped, on="validation"
        ),
    },
)


def _decay_for(curvature, lr, steps):
    left = (1 - lr * curvature) ** steps
    return curvature * left / (1 - left)


def _chosen(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def _too_much(validation, test):
    at = _chosen(validation)
    return validation[at] - test[at]


RIGHT = {
    1: (7, 5, 0.488),
    2: _stops,
    3: GAIN.right,
    4: _decay_for,
    5: _too_much,
}

WRONG = {
    1: [
        ((9, 5, 0.488), "not with the one before"),
        ((8, 5, 0.488), "is at its end"),
        ((6, 5, 0.488), "the count begins again"),
        ((5, 5, 0.488), "Go through the losses"),
        ((7, 7, 0.488), "not those of the last"),
        ((7, 4, 0.488), "Epochs count from 1"),
        ((7, 3, 0.488), "the smallest loss up to the stop"),
        ((7, 5, 0.512), "what is left of the way"),
        ((7, 5, 0.6), "not of the whole way"),
        ((7, 5, 0.2), "Each step goes"),
    ],
    2: [
        (lambda losses, percent: _stops(losses, 100 * percent), "5 is a twentieth"),
        (_with_the_last, "not with the one before"),
        (
            lambda losses, percent: tuple(epoch - 1 for epoch in _stops(losses, percent)),
            "Epochs count from 1",
        ),
        (lambda losses, percent: (_stops(losses, percent)[0],) * 2, "is kept, not the last"),
        (
            lambda losses, percent: (_stops(losses, percent)[0], _best(losses)),
            "What comes after the stop is not known",
        ),
        (lambda losses, percent: (1, 1), "Stop as soon as"),
        (lambda losses, percent: _stops(losses, percent)[0], "Expected 2 results"),
        (lambda losses, percent: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda curvature, lr, steps: 1 / (lr * steps), "here it should be exact"),
        (
            lambda curvature, lr, steps: curvature**2 / _decay_for(curvature, lr, steps),
            "upside down",
        ),
        (lambda curvature, lr, steps: _decay_for(curvature, lr, steps) / curvature, "is missing"),
        (lambda curvature, lr, steps: lr * curvature, "solve for α"),
    ],
    5: [
        (lambda validation, test: max(validation) - max(test), "test accuracy of the chosen try"),
        (lambda validation, test: -_too_much(validation, test), "test minus validation"),
        (
            lambda validation, test: (sum(validation) - sum(test)) / len(test),
            "not the mean over all",
        ),
        (
            lambda validation, test: validation[_chosen(test)] - max(test),
            "yours are the test images",
        ),
        (lambda validation, test: max(validation), "subtract its own test accuracy"),
    ],
}
