"""Exercises of notebooks/08_random_erasing.ipynb.

Chapter: notebooks/08_random_erasing.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tricks_lib.augment import RandomErasing
from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect, no_loop
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a rectangle and a chance by hand")
def _(high, wide, standing):
    for name, found, wanted, other in (("height", high, 8, 17), ("width", wide, 17, 8)):
        expect(
            found,
            wanted,
            f"The {name} of the rectangle: S = 0.18 · 784 pixels, and the square root of S times "
            "the ratio is the height, of S divided by it the width; round to whole pixels.",
            tolerance=1e-9,
            mistakes={
                "The ratio is height over width: 1/2 makes it lie.": other,
                "Take the square root.": 71 if name == "height" else 282,
                "That is not rounded: pixels are whole.": math.sqrt(0.18 * 784 * 0.5)
                if name == "height"
                else math.sqrt(0.18 * 784 / 0.5),
            },
        )
    expect(
        standing,
        0.8,
        "Of the range from 0.25 to 4, which share lies above 1?",
        tolerance=1e-3,
        mistakes={
            "That is the share that lies: higher than wide is a ratio above 1.": 0.2,
            "So it would be if the logarithm were uniform; here the ratio itself is.": 0.5,
            "Divide by the length of the range, 1/r_1 - r_1, not by its upper end.": 0.75,
        },
    )


@check.exercise(
    "Random Erasing for a batch",
    domain="`images` are float or uint8 (B, C, H, W), also with infinite pixels; `top`, `left`, "
    "`high` and `wide` are int (B,), each rectangle lies inside of its image, and one of no height "
    "or width erases nothing; `fill` is a number.",
)
def _(my_erase: Function, draws: Draws):
    def case(count: int, channels: int, height: int, width: int, whole: bool = False):
        high, wide = draws.whole(0, height, count), draws.whole(0, width, count)
        high[0], wide[0] = max(height // 2, 1), max(width // 2, 1)
        if count > 2:
            high[1], wide[2] = 0, 0
        top = (draws.uniform(count) * (height - high + 1)).long()
        left = (draws.uniform(count) * (width - wide + 1)).long()
        images = draws.normal(count, channels, height, width)
        if whole:
            images = draws.whole(0, 255, count, channels, height, width).to(torch.uint8)
        fill = draws.count(1, 9) if whole else draws.number(-2, -1)
        return images, top, left, high, wide, fill

    floats = [case(draws.count(5, 8), 3, 9, 12), case(3, 1, 7, 5), case(1, 2, 4, 4)]
    corner = draws.normal(2, 1, 6, 8)
    nothing, whole_side = torch.tensor([0, 0]), torch.tensor([6, 2])
    floats.append((corner, nothing, torch.tensor([0, 5]), whole_side, torch.tensor([8, 3]), 0.5))
    floats.append((corner, nothing, nothing, nothing, nothing, 0.5))
    infinite = case(4, 2, 6, 6)
    infinite[0][:] = math.inf
    agree(
        my_erase,
        _my_erase,
        [*floats, infinite, case(4, 2, 6, 9, whole=True)],
        "Erased are the rows from top to top + high - 1, and of them the columns from left to "
        "left + wide - 1.",
        fresh=True,
        same_type=True,
        mistakes={
            "Each image has its own rectangle: yours erases the same one in all.": _one_for_all,
            "An erased pixel is not one multiplied by zero: infinity times zero is not a number. "
            "Choose with torch.where or masked_fill.": _multiplied_by_zero,
            "Yours reaches one too far: the last erased row is top + high - 1.": (_one_too_large),
            "Yours erases rows and columns all across: a pixel is erased if both its row and its "
            "column are.": _a_cross,
            "The rectangle is high rows and wide columns: yours has them the other way round.": (
                lambda images, top, left, high, wide, fill: _masked(
                    images, top, left, wide, high, fill
                )
            ),
            "`top` and `left` are the upper left corner, not the centre.": _around_the_centre,
        },
    )
    no_loop(my_erase, *(case(count, 1, 6, 6) for count in (3, 11)))
    agree(my_erase, _my_erase, floats, "", differentiable=["images"])


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe without augmentation, `data` has training and test images, and "
    "`seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=2, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        data = load_data("digits").subset(train=40, test=50, seed=draws.count(0, 99))
        return recipe, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise(
    "the share that stands",
    domain="`low` and `high` are above 0, and `low` is smaller than `high`; both may lie on the "
    "same side of 1.",
)
def _(standing_share: Function, draws: Draws):
    cases = [(0.3, 1 / 0.3), (0.5, 2.0), (0.2, 0.9), (1.0, 4.0), (2.0, 3.0), (0.25, 1.0)]
    cases += [(draws.number(0.05, 0.9), draws.number(1.1, 6.0)) for _ in range(4)]
    agree(
        standing_share,
        _standing_share,
        cases,
        "Which part of the range from `low` to `high` lies above 1? On the logarithmic scale 1 is "
        "log 1 = 0.",
        parts=("share with a uniform ratio", "share with a uniform logarithm"),
        mistakes={
            "Those are the shares that lie, with a ratio below 1.": (
                lambda low, high: tuple(1 - share for share in _standing_share(low, high))
            ),
            "With a uniform logarithm it is one half only where the range is the same on both "
            "sides of 1, from 1/r to r.": (lambda low, high: (_standing_share(low, high)[0], 0.5)),
            "A share is never below 0 or above 1: the whole range may lie on one side of 1.": (
                _standing_without_limits
            ),
            "You have the two the other way round.": (
                lambda low, high: _standing_share(low, high)[::-1]
            ),
            "That holds only for a range from 1/r to r: use both ends.": (
                lambda low, high: (1 / (1 + low), _standing_share(low, high)[1])
            ),
        },
    )


@check.exercise(
    "the chance of a row",
    domain="`high` is a whole number from 1 on, and at most `height`.",
)
def _(row_chances: Function, draws: Draws):
    cases = [(1, 4), (4, 4), (3, 10), (8, 10), (1, 1), (5, 9)]
    cases += [(draws.count(1, 12), draws.count(12, 30)) for _ in range(5)]
    agree(
        row_chances,
        _counted_rows,
        cases,
        "There are height - high + 1 places for the first row, all equally likely. Row i is erased "
        "by those from i - high + 1 to i that exist.",
        tolerance=1e-6,
        mistakes={
            "Near the border fewer places reach a row.": (
                lambda high, height: [high / height] * height
            ),
            "There are height - high + 1 places: the rectangle never reaches over the border.": (
                _rows_over_all
            ),
            "Those are numbers of places: divide by height - high + 1.": (
                lambda high, height: [
                    (height - high + 1) * chance for chance in _counted_rows(high, height)
                ]
            ),
            "A large rectangle covers the middle always: no more places reach it than there are.": (
                _rows_without_limit
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _mask(
    images: Tensor, top: Tensor, left: Tensor, high: Tensor, wide: Tensor, last: int = 0
) -> tuple[Tensor, Tensor]:
    rows, columns = (torch.arange(side) for side in images.shape[-2:])
    in_rows = (rows >= top[:, None]) & (rows < (top + high + last)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + wide + last)[:, None])
    return in_rows[:, None, :, None], in_columns[:, None, None, :]


def _masked(images, top, left, high, wide, fill, last=0):
    in_rows, in_columns = _mask(images, top, left, high, wide, last)
    return images.masked_fill(in_rows & in_columns, fill)


def _my_erase(images, top, left, high, wide, fill):
    return _masked(images, top, left, high, wide, fill)


def _one_too_large(images, top, left, high, wide, fill):
    return _masked(images, top, left, high, wide, fill, last=1)


def _a_cross(images, top, left, high, wide, fill):
    in_rows, in_columns = _mask(images, top, left, high, wide)
    return images.masked_fill(in_rows | in_columns, fill)


def _one_for_all(images, top, left, high, wide, fill):
    y, x, h, w = (side[:1].expand(len(side)) for side in (top, left, high, wide))
    return _masked(images, y, x, h, w, fill)


def _multiplied_by_zero(images, top, left, high, wide, fill):
    in_rows, in_columns = _mask(images, top, left, high, wide)
    seen = (~(in_rows & in_columns)).to(images.dtype)
    return (images * seen + (1 - seen) * fill).to(images.dtype)


def _around_the_centre(images, top, left, high, wide, fill):
    return _masked(images, top - high // 2, left - wide // 2, high, wide, fill)


def _painted(result, top, left, high, wide, fill):
    boxes = zip(*(side.tolist() for side in (top, left, high, wide)), strict=True)
    for image, (i, j, h, w) in zip(result, boxes, strict=True):
        image[:, i : i + h, j : j + w] = fill
    return result


def _itself_if_nothing_is_erased(images, top, left, high, wide, fill):
    if (high * wide == 0).all():
        return images
    return _masked(images, top, left, high, wide, fill)


def _standing_share(low, high):
    uniform = (high - 1) / (high - low)
    logarithmic = math.log(high) / (math.log(high) - math.log(low))
    return tuple(min(max(share, 0.0), 1.0) for share in (uniform, logarithmic))


def _standing_without_limits(low, high):
    return (high - 1) / (high - low), math.log(high) / (math.log(high) - math.log(low))


def _counted_rows(high: int, height: int) -> list[float]:
    """Put the rectangle at every place in turn, and count."""
    counts = [0] * height
    places = height - high + 1
    for first in range(places):
        for row in range(first, first + high):
            counts[row] += 1
    return [count / places for count in counts]


def _row_chances(high, height):
    places = height - high + 1
    return [
        (min(row, height - high) - max(row - high + 1, 0) + 1) / places for row in range(height)
    ]


def _rows_over_all(high, height):
    return [chance * (height - high + 1) / height for chance in _counted_rows(high, height)]


def _rows_without_limit(high, height):
    return [min(row + 1, high, height - row) / (height - high + 1) for row in range(height)]


def _with_erasing(baseline: Recipe, data: Data, seeds: Sequence[int], fill: Any = "random"):
    erasing = replace(baseline, augment=RandomErasing(fill=fill))
    return study({"none": baseline, "erasing": erasing}, data, seeds)


GAIN = OwnInterval(
    _with_erasing,
    "Hand both recipes to `study` with the same data and seeds, and read the difference of the "
    "one with Random Erasing: `.low` and `.high`.",
    trick="Random Erasing",
    others={
        "That is another fill: the exercise asks for RandomErasing().": partial(
            _with_erasing, fill=0
        )
    },
)

RIGHT = {
    1: (8, 17, 0.8),
    2: _my_erase,
    3: GAIN.right,
    4: _standing_share,
    5: _row_chances,
}

WRONG = {
    1: [
        ((17, 8, 0.8), "makes it lie"),
        ((8, 16, 0.8), "The width of the rectangle"),
        ((71, 282, 0.8), "Take the square root"),
        ((8.4, 16.8, 0.8), "pixels are whole"),
        ((9, 17, 0.8), "The height of the rectangle"),
        ((8, 17, 0.2), "the share that lies"),
        ((8, 17, 0.5), "here the ratio itself is"),
        ((8, 17, 0.75), "Divide by the length of the range"),
        ((8, 17, 0.9), "which share lies above 1"),
    ],
    2: [
        (_one_for_all, "the same one in all"),
        (_multiplied_by_zero, "infinity times zero"),
        (_one_too_large, "one too far"),
        (_a_cross, "all across"),
        (
            lambda images, top, left, high, wide, fill: _masked(
                images, top, left, wide, high, fill
            ),
            "the other way round",
        ),
        (_around_the_centre, "not the centre"),
        (_painted, "changed its argument `images`"),
        (lambda images, *task: _painted(images.clone(), *task), "is there a loop over the images"),
        (_itself_if_nothing_is_erased, "shares its memory"),
        (lambda *task: _my_erase(*task).float(), "should have the type"),
        (lambda *task: _my_erase(*task).detach(), "has no gradient"),
        (lambda images, *_: images + 1, "Erased are the rows"),
        (lambda images, *_: images[0], "Expected a tensor of shape"),
        (lambda images, *_: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda low, high: tuple(1 - s for s in _standing_share(low, high)), "the shares that lie"),
        (lambda low, high: (_standing_share(low, high)[0], 0.5), "the same on both sides"),
        (_standing_without_limits, "never below 0 or above 1"),
        (lambda low, high: _standing_share(low, high)[::-1], "the other way round"),
        (lambda low, high: (1 / (1 + low), _standing_share(low, high)[1]), "use both ends"),
        (lambda low, high: (10 / 13, 0.5), "Which part of the range"),
        (lambda low, high: 0.5, "Expected 2 results"),
        (lambda low, high: None, "is there a `return`?"),
    ],
    5: [
        (lambda high, height: [high / height] * height, "Near the border fewer"),
        (_rows_over_all, "never reaches over the border"),
        (
            lambda high, height: [(height - high + 1) * c for c in _counted_rows(high, height)],
            "Those are numbers of places",
        ),
        (_rows_without_limit, "covers the middle always"),
        (lambda high, height: [c / 2 for c in _counted_rows(high, height)], "Row i is erased"),
        (lambda high, height: 0.5, "numbers, got 0.5"),
        (lambda high, height: None, "is there a `return`?"),
    ],
}
