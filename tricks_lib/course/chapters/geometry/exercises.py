"""Exercises of notebooks/12_geometry.ipynb.

Chapter: notebooks/12_geometry.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F

from tricks_lib.augment import HorizontalFlip
from tricks_lib.augment.crop import crop
from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

from .figures import mirrored

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("versions of an image, by hand")
def _(how_many, own):
    expect(
        how_many,
        98,
        "Count the shifts along one axis, and square.",
        mistakes={
            "Each of them may be mirrored too: twice as many.": 49,
            "From -3 to 3 there are seven shifts, and not six.": 72,
            "The shifts along the two axes are independent: their numbers are multiplied.": 28,
        },
    )
    expect(
        own,
        (1 - 12 / 7 / 32) ** 2,
        "Along one axis 12/7 of 32 pixels are lost on average; both axes count.",
        tolerance=5e-4,
        mistakes={
            "That is the share along one axis: square it.": 1 - 12 / 7 / 32,
            "That is the share that is lost.": 1 - (1 - 12 / 7 / 32) ** 2,
            "That is the least share, at the largest shift: the mean is asked for.": (29 / 32) ** 2,
        },
    )


@check.exercise(
    "random crops, written by you",
    domain="`images` are float or uint8 (B, C, H, W), `top` and `left` are int (B,) from 0 to "
    "`2 * padding`, `padding` is a whole number from 0 on, and `fill` is a number.",
)
def _(my_crop: Function, draws: Draws):
    def case(padding: int, *size: int, dtype=torch.float32):
        images = draws.normal(*size)
        if dtype == torch.uint8:
            images = draws.whole(0, 255, *size).to(torch.uint8)
        sides = (draws.whole(0, 2 * padding, size[0]) for _ in range(2))
        fill = draws.count(1, 9) if dtype == torch.uint8 else draws.number(-2, -0.5)
        return images, *sides, padding, fill

    corners = torch.tensor([0, 0, 6, 6]), torch.tensor([0, 6, 0, 6])
    cases = [
        case(2, 6, 3, 9, 12),
        (draws.normal(4, 2, 8, 8), *corners, 3, -1.0),
        case(4, 5, 1, 7, 6),
        case(0, 3, 2, 5, 5),
        case(1, 4, 1, 1, 3),
    ]
    hint = (
        "Pad every side, then cut for image b the rows from top[b] on and the columns from "
        "left[b] on, as many as the image has."
    )
    agree(
        my_crop,
        _crop,
        cases,
        hint,
        differentiable=["images"],
        fresh=True,
        mistakes={
            "`top` counts rows, and `left` columns: yours change places.": (
                lambda images, top, left, padding, fill: _crop(images, left, top, padding, fill)
            ),
            "All images have the window of the first: each has its own.": (
                lambda images, top, left, padding, fill: _crop(
                    images, top[:1].expand_as(top), left[:1].expand_as(left), padding, fill
                )
            ),
            "The images move the other way: a window further down shows what is further down.": (
                lambda images, top, left, padding, fill: _crop(
                    images, 2 * padding - top, 2 * padding - left, padding, fill
                )
            ),
            "What comes round at the other side should be the fill: `torch.roll` will not do.": (
                _rolled
            ),
            "The rim is 0: paint it with `fill`.": (
                lambda images, top, left, padding, fill: _crop(images, top, left, padding, 0)
            ),
        },
    )
    whole = case(3, 5, 3, 6, 8, dtype=torch.uint8)
    agree(my_crop, _crop, [whole], hint, fresh=True, same_type=True)


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe without augmentation, `data` has training and test images, and "
    "`seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=3, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        data = load_data("digits").subset(train=60, test=60, seed=draws.count(0, 99))
        return recipe, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    GAIN.judge(gain, draws, case)


@check.exercise(
    "where a pixel comes from",
    domain="`row` and `column` are whole numbers inside the image of `height` by `width` pixels, "
    "and `degrees` is any angle, counter-clockwise.",
)
def _(source: Function, draws: Draws):
    def case():
        height, width = draws.count(5, 9), draws.count(11, 15)
        place = draws.count(0, height - 1), draws.count(0, width - 1)
        return *place, draws.number(10, 80), height, width

    agree(
        source,
        _source,
        [(0, 4, 90.0, 5, 5), (3, 1, 0.0, 8, 6), (2, 3, 45.0, 5, 7), *(case() for _ in range(4))],
        "Take the distances from the centre, turn them back, and add the centre again.",
        parts=("row", "column"),
        tolerance=1e-6,
        mistakes={
            "That turns clockwise: rows are counted downwards.": (
                lambda row, column, degrees, *size: _source(row, column, -degrees, *size)
            ),
            "The centre of five pixels is pixel 2, half of 5 - 1.": partial(_source, shift=0),
            "The angle is given in degrees: `math.radians`.": (
                lambda row, column, degrees, *size: _source(
                    row, column, math.degrees(degrees), *size
                )
            ),
            "The row comes first.": lambda *given: _source(*given)[::-1],
        },
    )


@check.exercise(
    "how often a row is seen",
    domain="`height` is a whole number of at least 2, and `padding` one from 0 to `height - 1`.",
)
def _(seen: Function, draws: Draws):
    def case():
        height = draws.count(6, 12)
        return height, draws.count(2, height - 1)

    agree(
        seen,
        _seen,
        [(5, 2), (2, 1), (4, 0), *(case() for _ in range(4))],
        "A window is moved by -padding … padding rows; count those in which row r is inside.",
        tolerance=1e-6,
        mistakes={
            "That is the number of windows: divide by all of them.": (
                lambda height, padding: [n * (2 * padding + 1) for n in _seen(height, padding)]
            ),
            "There are 2·padding + 1 windows, and not 2·padding.": (
                lambda height, padding: [
                    n * (2 * padding + 1) / max(2 * padding, 1) for n in _seen(height, padding)
                ]
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _crop(images, top, left, padding, fill):
    return crop(images, top, left, padding=padding, fill=fill)


def _my_crop(images, top, left, padding, fill):
    height, width = images.shape[-2:]
    padded = F.pad(images, (padding,) * 4, value=fill)
    return torch.stack(
        [
            image[:, y : y + height, x : x + width]
            for image, y, x in zip(padded, top.tolist(), left.tolist(), strict=True)
        ]
    )


def _rolled(images, top, left, padding, fill):
    return torch.stack(
        [
            image.roll((padding - y, padding - x), (-2, -1))
            for image, y, x in zip(images, top.tolist(), left.tolist(), strict=True)
        ]
    )


def _in_place(images, *rest):
    return images.copy_(_my_crop(images, *rest))


def _with_mirror(baseline: Recipe, data: Data, seeds: Sequence[int], p: float = 0.5):
    flipped = replace(baseline, augment=HorizontalFlip(p))
    return study({"none": baseline, "mirror": flipped}, mirrored(data), seeds)


def _on_images_as_they_are(baseline: Recipe, data: Data, seeds: Sequence[int]):
    flipped = replace(baseline, augment=HorizontalFlip())
    return study({"none": baseline, "mirror": flipped}, data, seeds)


GAIN = OwnInterval(
    _with_mirror,
    "Hand both recipes to `study` with the data whose test images are mirrored, and the seeds; "
    "read the difference of the one with the mirror: `.low` and `.high`.",
    trick="the mirror",
    others={
        "The test images are as they were: mirror them.": _on_images_as_they_are,
        "That mirrors every training image: the exercise asks for half of them.": partial(
            _with_mirror, p=1.0
        ),
    },
)


def _source(row, column, degrees, height, width, shift=1):
    angle = math.radians(degrees)
    middle = (height - shift) / 2, (width - shift) / 2
    down, right = row - middle[0], column - middle[1]
    return (
        middle[0] + math.sin(angle) * right + math.cos(angle) * down,
        middle[1] + math.cos(angle) * right - math.sin(angle) * down,
    )


def _seen(height, padding):
    windows = range(-padding, padding + 1)
    return [sum(0 <= row - by < height for by in windows) / len(windows) for row in range(height)]


RIGHT = {
    1: (98, 0.896),
    2: _my_crop,
    3: GAIN.right,
    4: _source,
    5: _seen,
}

WRONG = {
    1: [
        ((49, 0.896), "twice as many"),
        ((72, 0.896), "and not six"),
        ((28, 0.896), "are multiplied"),
        ((97, 0.896), "Count the shifts along one axis"),
        ((98, 0.9464), "along one axis: square it"),
        ((98, 0.1043), "the share that is lost"),
        ((98, 0.8213), "at the largest shift"),
        ((98, 0.5), "both axes count"),
    ],
    2: [
        (lambda i, top, left, *rest: _my_crop(i, left, top, *rest), "yours change places"),
        (
            lambda i, top, left, *rest: _my_crop(
                i, top[:1].expand_as(top), left[:1].expand_as(left), *rest
            ),
            "each has its own",
        ),
        (
            lambda i, top, left, padding, fill: _my_crop(
                i, 2 * padding - top, 2 * padding - left, padding, fill
            ),
            "move the other way",
        ),
        (_rolled, "`torch.roll` will not do"),
        (lambda i, top, left, padding, fill: _my_crop(i, top, left, padding, 0), "The rim is 0"),
        (lambda *given: _my_crop(*given) + 1, "Pad every side"),
        (_in_place, "changed its argument `images`"),
        (lambda *given: _my_crop(*given).detach(), "has no gradient"),
        (lambda images, *rest: _my_crop(images.to(torch.get_default_dtype()), *rest), "uint8"),
        (lambda *given: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda r, c, degrees, *size: _source(r, c, -degrees, *size), "turns clockwise"),
        (partial(_source, shift=0), "is pixel 2"),
        (
            lambda r, c, degrees, *size: _source(r, c, math.degrees(degrees), *size),
            "`math.radians`",
        ),
        (lambda *given: _source(*given)[::-1], "The row comes first"),
        (lambda *given: (0.0, 0.0), "Take the distances from the centre"),
    ],
    5: [
        (lambda h, p: [n * (2 * p + 1) for n in _seen(h, p)], "divide by all of them"),
        (
            lambda h, p: [n * (2 * p + 1) / max(2 * p, 1) for n in _seen(h, p)],
            "and not 2·padding",
        ),
        (lambda h, p: [1.0] * h, "count those in which"),
    ],
}
