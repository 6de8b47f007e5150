"""Exercises of notebooks/17_initialization.ipynb.

Chapter: notebooks/17_initialization.ipynb
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import StudyResult, study
from tricks_lib.models import he_, initialized, mlp, xavier_
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("three layers by hand")
def _(one_layer, three_layers, steady):
    expect(
        one_layer,
        0.5,
        "Multiply the number of inputs, the mean square of a weight and the mean square of an "
        "input.",
        mistakes={
            "ReLU is missing: it halves the mean square.": 1,
            "A weight counts by its mean square, which is 0.01.": 5,
            "That is a deviation: the mean square is asked for.": 0.5**0.5,
        },
    )
    expect(
        three_layers,
        0.03125,
        "Each layer multiplies the mean square by the same factor.",
        mistakes={
            "That is after two layers.": 0.125,
            "Three layers multiply three times: they do not add up.": 1.5,
        },
    )
    expect(
        steady,
        0.2,
        "Which mean square of a weight makes the factor of a layer 1?",
        mistakes={
            "That is the mean square of the weight: take the root.": 0.04,
            "ReLU is missing: without it the mean square of a weight would be 1/50.": 0.02**0.5,
        },
    )


@check.exercise(
    "He's weights",
    domain="`normal` holds standard normal numbers in the shape of a layer's weights: (outputs, "
    "inputs), or (outputs, inputs, height, width) for a convolution.",
)
def _(my_he: Function, draws: Draws):
    shapes = [
        (draws.count(3, 6), draws.count(8, 12)),
        (draws.count(8, 12), draws.count(3, 6)),
        (draws.count(2, 3), draws.count(4, 6), 3, 3),
        (draws.count(4, 6), 1, 5, 3),
        (1, 2),
    ]
    agree(
        my_he,
        _my_he,
        [(draws.normal(*shape),) for shape in shapes],
        "Multiply by the root of 2 over the number of inputs of one unit.",
        fresh=True,
        mistakes={
            "The kernel counts too: a unit of a convolution has inputs × height × width.": (
                _without_kernel
            ),
            "That is the number of outputs: the second dimension has the inputs.": _fan_out,
            "ReLU is missing: the variance is 2 over the inputs.": _without_relu,
            "That multiplies by the variance: take its root.": _variance,
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe whose network PyTorch draws, `data` has training and test "
    "images, and `seeds` is a list of two or more.",
)
def _(lead: Function, draws: Draws):
    def case():
        model = partial(mlp, hidden=(24, 24, 24))
        recipe = Recipe(epochs=3, batch_size=20, lr=draws.number(0.01, 0.05), model=model)
        data = load_data("digits").subset(train=80, test=80, seed=draws.count(0, 99))
        return recipe, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    LEAD.judge(lead, draws, case)


@check.exercise(
    "layer by layer",
    domain="`pixels` is the mean square of the pixels, `inputs` a list with the number of inputs "
    "of each layer, and `variances` one with the variance of its weights.",
)
def _(mean_squares: Function, draws: Draws):
    def case(layers: int):
        inputs = [draws.count(2, 300) for _ in range(layers)]
        variances = [draws.scale(0.001, 1) for _ in range(layers)]
        return draws.number(0.5, 3), inputs, variances

    agree(
        mean_squares,
        _mean_squares,
        [case(1), case(3), case(4), (1.0, [10, 10], [0.2, 0.2])],
        "Each layer multiplies by its inputs times its variance; between two layers ReLU halves.",
        mistakes={
            "There is no ReLU before the first layer.": (
                lambda pixels, inputs, variances: _mean_squares(pixels / 2, inputs, variances)
            ),
            "ReLU is missing between the layers.": _never_halved,
            "That is the last layer alone: all are asked for, in a list.": (
                lambda *given: _mean_squares(*given)[-1:]
            ),
            "Those are deviations: mean squares are asked for.": (
                lambda *given: [math.sqrt(one) for one in _mean_squares(*given)]
            ),
        },
    )


@check.exercise(
    "a leaky ReLU",
    domain="`slope` is what negative sums are multiplied by, from 0 to 1, and `inputs` the number "
    "of inputs of a unit.",
)
def _(deviation: Function, draws: Draws):
    agree(
        deviation,
        _deviation,
        [(0.0, 50), (1.0, 50), *((draws.number(0.05, 0.9), draws.count(2, 300)) for _ in "123")],
        "Which share of the mean square is left, if half of it is multiplied by the slope?",
        mistakes={
            "A mean square is multiplied by the square of the slope.": (
                lambda slope, inputs: math.sqrt(2 / ((1 + slope) * inputs))
            ),
            "That is the variance: take its root.": (
                lambda slope, inputs: 2 / ((1 + slope**2) * inputs)
            ),
            "That is the ReLU's: negative sums get through as well.": (
                lambda slope, inputs: math.sqrt(2 / inputs)
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _my_he(normal: Tensor) -> Tensor:
    return normal * math.sqrt(2 / normal[0].numel())


def _without_kernel(normal: Tensor) -> Tensor:
    return normal * math.sqrt(2 / normal.shape[1])


def _fan_out(normal: Tensor) -> Tensor:
    return normal * math.sqrt(2 / normal[:, 0].numel())


def _without_relu(normal: Tensor) -> Tensor:
    return normal * math.sqrt(1 / normal[0].numel())


def _variance(normal: Tensor) -> Tensor:
    return normal * 2 / normal[0].numel()


def _in_place(normal: Tensor) -> Tensor:
    return normal.mul_(math.sqrt(2 / normal[0].numel()))


def _compared(
    baseline: Recipe,
    data: Data,
    seeds: Sequence[int],
    init: Callable[[nn.Module], nn.Module] = he_,
) -> StudyResult:
    other = replace(baseline, model=partial(initialized, build=baseline.model, init=init))
    return study({"default": baseline, "he": other}, data, seeds)


def _both_he(baseline: Recipe, data: Data, seeds: Sequence[int]) -> StudyResult:
    other = replace(baseline, model=partial(initialized, build=baseline.model, init=he_))
    return study({"default": other, "he": other}, data, seeds)


LEAD = OwnInterval(
    _compared,
    "Hand both recipes to `study` with the data and the seeds, and read the difference of the one "
    "with He's weights: `.low` and `.high`.",
    trick="He",
    others={
        "That is Xavier's start: the exercise asks for `he_`.": partial(_compared, init=xavier_),
        "Both arms begin with He's weights: the first should be the recipe as it is.": _both_he,
    },
)


def _mean_squares(pixels: float, inputs: Sequence[int], variances: Sequence[float]) -> list[float]:
    found: list[float] = []
    for n, variance in zip(inputs, variances, strict=True):
        found.append(n * variance * (found[-1] / 2 if found else pixels))
    return found


def _never_halved(pixels, inputs, variances):
    found = _mean_squares(pixels, inputs, variances)
    return [one * 2**place for place, one in enumerate(found)]


def _deviation(slope: float, inputs: int) -> float:
    return math.sqrt(2 / ((1 + slope**2) * inputs))


RIGHT = {
    1: (0.5, 0.03125, 0.2),
    2: _my_he,
    3: LEAD.right,
    4: _mean_squares,
    5: _deviation,
}

WRONG = {
    1: [
        ((1, 0.03125, 0.2), "it halves the mean square"),
        ((5, 0.03125, 0.2), "which is 0.01"),
        ((0.5**0.5, 0.03125, 0.2), "That is a deviation"),
        ((0.25, 0.03125, 0.2), "Multiply the number of inputs"),
        ((0.5, 0.125, 0.2), "after two layers"),
        ((0.5, 1.5, 0.2), "they do not add up"),
        ((0.5, 0.25, 0.2), "by the same factor"),
        ((0.5, 0.03125, 0.04), "take the root"),
        ((0.5, 0.03125, 0.02**0.5), "without it the mean square of a weight would be 1/50"),
        ((0.5, 0.03125, 0.1), "makes the factor of a layer 1"),
        ((None, 0.03125, 0.2), "Expected a number"),
    ],
    2: [
        (_without_kernel, "The kernel counts too"),
        (_fan_out, "the number of outputs"),
        (_without_relu, "ReLU is missing"),
        (_variance, "take its root"),
        (_in_place, "changed its argument `normal`"),
        (lambda normal: 2 * _my_he(normal), "root of 2 over the number of inputs"),
        (lambda normal: None, "is there a `return`?"),
    ],
    3: LEAD.wrong,
    4: [
        (
            lambda pixels, inputs, variances: _mean_squares(pixels / 2, inputs, variances),
            "no ReLU before the first layer",
        ),
        (_never_halved, "ReLU is missing between the layers"),
        (lambda *given: _mean_squares(*given)[-1:], "all are asked for"),
        (lambda *given: [math.sqrt(one) for one in _mean_squares(*given)], "Those are deviations"),
        (lambda *given: [2 * one for one in _mean_squares(*given)], "Each layer multiplies by"),
    ],
    5: [
        (lambda slope, inputs: math.sqrt(2 / ((1 + slope) * inputs)), "the square of the slope"),
        (lambda slope, inputs: 2 / ((1 + slope**2) * inputs), "take its root"),
        (lambda slope, inputs: math.sqrt(2 / inputs), "negative sums get through"),
        (lambda slope, inputs: 1.0 + slope, "half of it is multiplied by the slope"),
    ],
}
