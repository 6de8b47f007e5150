"""Exercises of notebooks/07_cutout.ipynb.

Chapter: notebooks/07_cutout.ipynb
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import variance
from typing import Any

import torch
from scipy.stats import t
from torch import Tensor

from tricks_lib.augment import Compose, Cutout, HorizontalFlip, RandomCrop, RandomErasing, identity
from tricks_lib.augment.cutout import cut_out
from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect, no_loop
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import StudyResult, study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


def _hidden(size: int, height: int, width: int) -> Tensor:
    """Hide a square around every pixel in turn: bool (height * width, height, width)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    white = torch.ones(height * width, 1, height, width)
    return cut_out(white, y.reshape(-1, 1), x.reshape(-1, 1), size)[:, 0] == 0


RIVALS: tuple[Callable[[Tensor], Tensor], ...] = (
    Compose(RandomCrop(padding=1), HorizontalFlip()),
    HorizontalFlip(),
    RandomErasing(),
)
"""What Cutout is compared with in the exercise that trains."""


@check.exercise("an area and a chance by hand")
def _(hidden_pixels, middle_chance):
    expect(
        hidden_pixels,
        56.25,
        "Each axis: 2a - a²/H with a = 4; then the product.",
        tolerance=1e-3,
        mistakes={
            "That is the whole square: on average a part of it lies over the border.": 64,
            "That is one axis: the square has two.": 7.5,
        },
    )
    expect(
        middle_chance,
        (8 / 32) ** 2,
        "Inside, 2a of the H centres hide a row, and as many a column; a pixel is hidden if both "
        "are.",
        tolerance=1e-3,
        mistakes={
            "That is the chance of the row: the column must be hidden too.": 8 / 32,
            "That is the mean over all pixels: one in the middle is hidden more often.": (
                56.25 / 32**2
            ),
        },
    )


@check.exercise(
    "Cutout for a batch",
    domain="`images` are float or uint8 (B, C, H, W), also with infinite pixels, `y` and `x` are "
    "pixels of the image, and `size` is a whole number from 1 on.",
)
def _(my_cut_out: Function, draws: Draws):
    def case(shape: tuple[int, ...], size: int, fill: float):
        images = draws.uniform(*shape)
        images[0, :, :2] = math.inf  # hiding is not multiplying by zero
        y, x = (draws.whole(0, side - 1, shape[0]) for side in shape[-2:])
        y[:2], x[:2] = torch.tensor([0, shape[-2] - 1]), torch.tensor([shape[-1] - 1, 0])
        return images, y, x, size, fill

    def in_bytes(images, *draw):
        return (255 * images.clamp(max=1)).to(torch.uint8), *draw

    shape = draws.count(4, 7), draws.count(2, 4), draws.count(9, 14), draws.count(15, 22)
    float_cases = [
        case(shape, 2 * draws.count(2, 4), 0.5),
        case(shape, 7, 0.0),
        case((5, 1, 9, 9), 30, 0.0),
        case((4, 2, 8, 8), 1, 3.0),
    ]
    byte_case = in_bytes(*case((4, 1, 8, 11), 4, draws.count(1, 255)))
    agree(
        my_cut_out,
        _cut_out,
        [*float_cases, byte_case],
        "Hidden are rows y - a <= i < y + a with a = size // 2, and of them the columns likewise "
        "with x.",
        fresh=True,
        same_type=True,
        mistakes={
            "Each image has a centre of its own: yours hides the same place in all.": (
                _one_hole_for_all
            ),
            "A hidden pixel is not one multiplied by zero: infinity times zero is not a number. "
            "Choose with torch.where or masked_fill.": _multiplied_by_zero,
            "At the upper and left border a negative number counts from the other end.": (
                lambda images, y, x, size, fill: _painted(
                    images.clone(), y, x, size, fill, least=-999
                )
            ),
            "Yours reaches one too far: the last hidden row is y + a - 1.": _one_too_large,
            "y is the row, x the column.": (
                lambda images, y, x, size, fill: _cut_out(images, x, y, size, fill)
            ),
            "Yours hides rows and columns all across: a pixel is hidden if both its row and its "
            "column are.": _a_cross,
        },
    )
    few, many = (case((count, 1, 6, 6), 4, 0.0) for count in (3, 11))
    no_loop(my_cut_out, few, many)
    agree(my_cut_out, _my_cut_out, float_cases, "", differentiable=["images"])


@check.exercise(
    "Cutout against its rival",
    domain="`baseline` is a recipe without augmentation, `rival` is an augmentation, `data` has "
    "training and test images, and `seeds` is a list of two or more.",
)
def _(lead: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=2, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        rival = RIVALS[draws.count(0, len(RIVALS) - 1)]
        data = load_data("digits").subset(train=40, test=50, seed=draws.count(0, 99))
        return recipe, rival, data, [draws.count(0, 999) for _ in range(draws.count(2, 4))]

    agree(
        lead,
        _lead,
        [draws.until(case, _tells)],
        "Hand both recipes to `study` with the same data and seeds, the one with `rival` first, "
        "and read the difference of the other one: `.low` and `.high`.",
        parts=("lower end", "upper end"),
        tolerance=1e-9,
        mistakes={
            "That is the rival minus Cutout: the first arm is the baseline.": _turned_round,
            "These are points: the difference holds shares, 0.01 for a point.": _in_points,
            "The upper end comes last.": _upper_end_first,
            "That compares Cutout with no augmentation at all: the rival is another arm.": (
                lambda baseline, rival, data, seeds: _ends(
                    _compared(baseline, identity, data, seeds)
                )
            ),
            "That is another size: take half of the shorter side of these images, "
            "min(data.image_size) // 2.": _other_size,
            "That takes the two arms as if they had nothing in common: subtract seed by seed "
            "first.": _unpaired,
        },
    )


@check.exercise(
    "the hidden share",
    domain="`size` is a whole number from 1 on, even or odd, and twice its half, rounded down, is "
    "at most `height` and at most `width`.",
)
def _(expected_share: Function, draws: Draws):
    def case():
        height, width = draws.count(4, 22), draws.count(4, 22)
        return draws.count(1, min(height, width)), height, width

    odd = draws.until(case, lambda case: case[0] % 2 == 1 and case[0] > 1 and case[1] != case[2])
    agree(
        expected_share,
        lambda size, height, width: _hidden(size, height, width).float().mean().item(),
        [(1, 9, 7), (6, 6, 13), odd, *(case() for _ in range(4))],
        "On each axis 2a - a²/H of the pixels are hidden on average; the area is divided by all "
        "pixels.",
        tolerance=1e-5,
        mistakes={
            "That is the whole square: a part of it lies over the border.": (
                lambda size, height, width: (2 * (size // 2)) ** 2 / (height * width)
            ),
            "That is the whole square: half of its side is rounded down, and a part of it lies "
            "over the border.": lambda size, height, width: size**2 / (height * width),
            "Half of the side is rounded down: a = size // 2.": _without_rounding,
            "The two sides of the image differ: each axis has its own.": (
                lambda size, height, width: _expected_share(size, height, height)
            ),
            "That is the number of pixels: divide by all of them.": (
                lambda size, height, width: _expected_share(size, height, width) * height * width
            ),
        },
    )


@check.exercise(
    "the chance of a row",
    domain="`size` and `height` are whole numbers from 1 on, and `size` may be larger than "
    "`height`.",
)
def _(row_chances: Function, draws: Draws):
    cases = [(1, 4), (30, 12), (12, 12), (15, 20), (2, 5), (7, 1)]
    cases += [(draws.count(2, 20), draws.count(4, 33)) for _ in range(5)]
    agree(
        row_chances,
        lambda size, height: _hidden(size, height, 1).float().mean(dim=(0, 2)).tolist(),
        cases,
        "Row i is hidden by the centres c with i - a < c <= i + a, of which only those from 0 to "
        "H - 1 exist.",
        tolerance=1e-5,
        mistakes={
            "Near the border fewer centres exist: only those from 0 to H - 1.": (
                lambda size, height: [2 * (size // 2) / height] * height
            ),
            "Those are numbers of centres: divide by the height.": (
                lambda size, height: [height * chance for chance in _row_chances(size, height)]
            ),
            "The square reaches from c - a to c + a - 1: the first row has one centre less than "
            "the last.": lambda size, height: _row_chances(size, height)[::-1],
            "Half of the side is rounded down: a = size // 2.": _rows_by_whole_side,
        },
    )


@check.exercise(
    "the chance to hide a patch",
    domain="`patch` and `size` are whole numbers from 1 on, also `size` below `patch` and above "
    "`side`, and the patch lies inside of the image.",
)
def _(chance_to_hide: Function, draws: Draws):
    def case():
        side = draws.count(8, 22)
        patch = draws.count(1, 5)
        return patch, draws.count(0, side - patch), draws.count(1, side), side

    cases = [(3, 2, 14, 20), (4, 0, 8, 16), (5, 9, 4, 20), (5, 9, 2, 20), (3, 17, 14, 20)]
    cases += [(2, 3, 40, 9), *(case() for _ in range(6))]
    agree(
        chance_to_hide,
        _counted,
        cases,
        "On each axis the square must begin at or before the patch and end at or after it, and the "
        "centre must exist.",
        tolerance=1e-5,
        mistakes={
            "A square smaller than the patch never hides all of it: a number of centres is not "
            "below 0, and its square hides that.": _chances_below_zero,
            "The centre must exist: only those from 0 to H - 1 do.": _centres_beyond_the_border,
            "That is for one axis: rows and columns must be hidden.": (
                lambda patch, first, size, side: _chance_to_hide(patch, first, size, side) ** 0.5
            ),
            "Centres near the border exist or not: where the patch lies matters.": (
                lambda patch, first, size, side: (max(size - patch + 1, 0) / side) ** 2
            ),
        },
    )


def _counted(patch, first, size, side):
    last = first + patch
    covered = _hidden(size, side, side)[:, first:last, first:last].all(dim=2).all(dim=1)
    return covered.float().mean().item()


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _expected_share(size, height, width):
    a = size // 2
    return (2 * a - a * a / height) * (2 * a - a * a / width) / (height * width)


def _without_rounding(size, height, width):
    a = size / 2
    return (2 * a - a * a / height) * (2 * a - a * a / width) / (height * width)


def _row_chances(size, height):
    a = size // 2
    counts = [min(i + a, height - 1) - max(i - a + 1, 0) + 1 for i in range(height)]
    return [max(count, 0) / height for count in counts]


def _rows_by_whole_side(size, height):
    return [
        sum(i - size / 2 < c <= i + size / 2 for c in range(height)) / height for i in range(height)
    ]


def _centres(patch, first, size, side):
    a = size // 2
    return min(first + a, side - 1) - max(first + patch - a, 0) + 1


def _chance_to_hide(patch, first, size, side):
    return (max(_centres(patch, first, size, side), 0) / side) ** 2


def _centres_beyond_the_border(patch, first, size, side):
    a = size // 2
    return (max(first + a - max(first + patch - a, 0) + 1, 0) / side) ** 2


def _chances_below_zero(patch, first, size, side):
    return (_centres(patch, first, size, side) / side) ** 2


def _cut_out(images, y, x, size, fill):
    return cut_out(images, y[:, None], x[:, None], size, fill)


def _mask(images, y, x, size, last=0):
    a = size // 2
    rows, columns = (torch.arange(side) for side in images.shape[-2:])
    in_rows = (rows >= y[:, None] - a) & (rows < y[:, None] + a + last)
    in_columns = (columns >= x[:, None] - a) & (columns < x[:, None] + a + last)
    return in_rows[:, None, :, None], in_columns[:, None, None, :]


def _my_cut_out(images, y, x, size, fill):
    in_rows, in_columns = _mask(images, y, x, size)
    return images.masked_fill(in_rows & in_columns, fill)


def _one_too_large(images, y, x, size, fill):
    in_rows, in_columns = _mask(images, y, x, size, last=1)
    return images.masked_fill(in_rows & in_columns, fill)


def _a_cross(images, y, x, size, fill):
    in_rows, in_columns = _mask(images, y, x, size)
    return images.masked_fill(in_rows | in_columns, fill)


def _one_hole_for_all(images, y, x, size, fill):
    return _cut_out(images, y[:1].expand(len(y)), x[:1].expand(len(x)), size, fill)


def _multiplied_by_zero(images, y, x, size, fill):
    seen = _cut_out(torch.ones_like(images), y, x, size, 0)
    return (images * seen + (1 - seen) * fill).to(images.dtype)


def _painted(result, y, x, size, fill, *, least=0):
    a = size // 2
    for image, i, j in zip(result, y.tolist(), x.tolist(), strict=True):
        image[:, max(i - a, least) : i + a, max(j - a, least) : j + a] = fill
    return result


def _itself_if_nothing_is_hidden(images, y, x, size, fill):
    return images if size == 1 else _my_cut_out(images, y, x, size, fill)


def _compared(
    baseline: Recipe, rival: Any, data: Data, seeds: Sequence[int], size: int | None = None
) -> StudyResult:
    return _runs(baseline, rival, data, tuple(seeds), size or min(data.image_size) // 2)


@lru_cache(maxsize=8)
def _runs(
    baseline: Recipe, rival: Any, data: Data, seeds: tuple[int, ...], size: int
) -> StudyResult:
    arms = {"rival": rival, "cutout": Cutout(size)}
    return study({n: replace(baseline, augment=a) for n, a in arms.items()}, data, seeds)


def _ends(result: StudyResult) -> tuple[float, float]:
    found = result.difference("cutout")
    return found.low, found.high


def _lead(baseline, rival, data, seeds):
    return _ends(_compared(baseline, rival, data, seeds))


def _tells(task: Sequence[Any]) -> bool:
    """Tell whether no mistake gives the right answer by chance."""
    baseline, _, data, seeds = task
    low, high = _ends(_compared(*task))
    others = _other_size(*task), _ends(_compared(baseline, identity, data, seeds))
    return abs(low + high) > 1e-3 and high - low > 1e-3 and (low, high) not in others


def _turned_round(*task):
    low, high = _ends(_compared(*task))
    return -high, -low


def _in_points(*task):
    low, high = _ends(_compared(*task))
    return 100 * low, 100 * high


def _upper_end_first(*task):
    return _ends(_compared(*task))[::-1]


def _other_size(baseline, rival, data, seeds):
    return _ends(_compared(baseline, rival, data, seeds, size=2))


def _unpaired(baseline, rival, data, seeds):
    result, n = _compared(baseline, rival, data, seeds), len(seeds)
    theirs, ours = (list(result.values(arm).values()) for arm in ("rival", "cutout"))
    error = math.sqrt((variance(theirs) + variance(ours)) / n)
    reach = float(t.ppf(0.975, 2 * n - 2)) * error
    middle = (sum(ours) - sum(theirs)) / n
    return middle - reach, middle + reach


RIGHT = {
    1: (56.25, 0.0625),
    2: _my_cut_out,
    3: _lead,
    4: _expected_share,
    5: _row_chances,
    6: _chance_to_hide,
}

WRONG = {
    1: [
        ((64, 0.0625), "a part of it lies over the border"),
        ((7.5, 0.0625), "That is one axis"),
        ((60, 0.0625), "2a - a²/H"),
        ((56.25, 0.25), "the column must be hidden too"),
        ((56.25, 0.0549), "hidden more often"),
        ((56.25, 0.5), "2a of the H centres"),
    ],
    2: [
        (_one_hole_for_all, "the same place in all"),
        (_multiplied_by_zero, "infinity times zero"),
        (_one_too_large, "one too far"),
        (_a_cross, "all across"),
        (lambda images, y, x, size, fill: _cut_out(images, x, y, size, fill), "y is the row"),
        (lambda images, *draw: _painted(images, *draw), "changed its argument `images`"),
        (
            lambda images, *draw: _painted(images.clone(), *draw, least=-999),
            "counts from the other end",
        ),
        (lambda images, *draw: _painted(images.clone(), *draw), "is there a loop over the images"),
        (_itself_if_nothing_is_hidden, "shares its memory"),
        (lambda *task: _my_cut_out(*task).float(), "should have the type"),
        (lambda *task: _my_cut_out(*task).detach(), "has no gradient"),
        (lambda images, *_: images + 1, "Hidden are rows"),
        (lambda images, *_: images[0], "Expected a tensor of shape"),
        (lambda images, *_: None, "is there a `return`?"),
    ],
    3: [
        (_turned_round, "rival minus Cutout"),
        (_in_points, "These are points"),
        (_upper_end_first, "comes last"),
        (
            lambda baseline, rival, data, seeds: _ends(_compared(baseline, identity, data, seeds)),
            "no augmentation at all",
        ),
        (_other_size, "That is another size"),
        (_unpaired, "seed by seed"),
        (lambda *task: (-0.02, 0.01), "Hand both recipes"),
        (lambda *task: _compared(*task).difference("cutout"), "Expected 2 results"),
        (lambda *task: _ends(_compared(*task))[0], "Expected 2 results"),
        (lambda *task: None, "is there a `return`?"),
    ],
    4: [
        (lambda size, height, width: size**2 / (height * width), "half of its side is rounded"),
        (lambda s, h, w: (2 * (s // 2)) ** 2 / (h * w), "a part of it lies over the border"),
        (_without_rounding, "a = size // 2"),
        (
            lambda size, height, width: _expected_share(size, height, height),
            "each axis has its own",
        ),
        (lambda s, h, w: _expected_share(s, h, w) * h * w, "divide by all of them"),
        (lambda size, height, width: 0.25, "divided by all pixels"),
    ],
    5: [
        (lambda size, height: [2 * (size // 2) / height] * height, "Near the border"),
        (lambda size, height: _row_chances(size, height)[::-1], "one centre less"),
        (lambda s, h: [h * chance for chance in _row_chances(s, h)], "divide by the height"),
        (_rows_by_whole_side, "a = size // 2"),
        (lambda size, height: [min(i, height - i, size) / height for i in range(height)], "Row i"),
        (lambda size, height: 0.5, "Expected 4 numbers, got 0.5"),
        (lambda size, height: None, "is there a `return`?"),
    ],
    6: [
        (
            lambda patch, first, size, side: ((size - patch + 1) / side) ** 2,
            "the centre must exist",
        ),
        (
            lambda patch, first, size, side: (max(size - patch + 1, 0) / side) ** 2,
            "where the patch lies matters",
        ),
        (_centres_beyond_the_border, "only those from 0 to H - 1"),
        (_chances_below_zero, "never hides all of it"),
        (lambda *given: _chance_to_hide(*given) ** 0.5, "That is for one axis"),
    ],
}
