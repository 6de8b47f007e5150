"""Exercises of notebooks/07_cutout.ipynb.

Chapter: notebooks/07_cutout.ipynb
"""

import math

import torch
from torch import Tensor

from tricks_lib.augment.cutout import cut_out
from tricks_lib.course.exercises import Exercises, expect

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


def _hidden(size: int, height: int, width: int) -> Tensor:
    """Hide a square around every pixel in turn: bool (height * width, height, width)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    white = torch.ones(height * width, 1, height, width)
    return cut_out(white, y.reshape(-1, 1), x.reshape(-1, 1), size)[:, 0] == 0


@check.exercise("an area and a chance by hand")
def _(pixels, middle):
    return expect(
        pixels, 56.25, "Each axis: 2a - a²/H with a = 4; then the product.", tolerance=1e-3
    ) or expect(
        middle,
        (8 / 32) ** 2,
        "Inside, 2a of the H centres hide a row, and as many a "
        "column; a pixel is hidden if both are.",
        tolerance=1e-3,
    )


@check.exercise("the hidden share")
def _(expected_share):
    for size, height, width in ((8, 32, 32), (15, 20, 32), (14, 28, 28), (1, 9, 7), (6, 6, 13)):
        problem = expect(
            expected_share(size, height, width),
            _hidden(size, height, width).float().mean().item(),
            f"Tried with size={size}, height={height}, width={width}. Half the side is rounded "
            "down; the area is divided by all pixels.",
            tolerance=1e-5,
        )
        if problem:
            return problem
    return None


@check.exercise("the chance of a row")
def _(row_chances):
    for size, height in ((8, 32), (15, 20), (2, 5), (1, 4), (30, 12), (12, 12)):
        problem = expect(
            list(row_chances(size, height)),
            _hidden(size, height, 1).float().mean(dim=(0, 2)).tolist(),
            f"Tried with size={size}, height={height}. Row i is hidden by the centres c with "
            "i - a < c <= i + a, of which only those from 0 to H - 1 exist.",
            tolerance=1e-5,
        )
        if problem:
            return problem
    return None


@check.exercise("the chance to hide a patch")
def _(chance_to_hide):
    cases = [(3, 2, 14, 28), (3, 2, 8, 28), (4, 0, 8, 16), (5, 9, 4, 20)]
    cases += [(5, 9, 2, 20), (3, 24, 14, 28)]  # a square below the patch; a centre that is missing
    for patch, first, size, side in cases:
        last = first + patch
        covered = _hidden(size, side, side)[:, first:last, first:last].all(dim=2).all(dim=1)
        problem = expect(
            chance_to_hide(patch, first, size, side),
            covered.float().mean().item(),
            f"Tried with patch={patch}, first={first}, size={size}, side={side}. On each axis the "
            "square must begin at or before the patch and end at or after it, and the centre must "
            "exist. A square smaller than the patch never hides all of it.",
            tolerance=1e-5,
        )
        if problem:
            return problem
    return None


@check.exercise("Cutout for a batch")
def _(my_cut_out):
    draws = torch.Generator().manual_seed(0)
    shapes = (((6, 3, 12, 20), 7, 0.5), ((5, 1, 9, 9), 30, 0.0), ((4, 2, 8, 8), 1, 3.0))
    for shape, size, fill in shapes:
        images = torch.rand(shape, generator=draws, dtype=torch.float64)
        images[0] = math.inf  # hiding is not multiplying by zero
        before = images.clone()
        y, x = (torch.randint(n, shape[:1], generator=draws) for n in shape[-2:])
        found = my_cut_out(images, y, x, size, fill)
        tried = f"Tried with images {shape}, size={size}, fill={fill}. "
        if not torch.equal(images, before):
            return tried + "The input was changed: make a new tensor."
        if not isinstance(found, Tensor):
            return tried + f"Expected a tensor, got {type(found).__name__}."
        if found.dtype != images.dtype:
            return tried + f"The type changed from {images.dtype} to {found.dtype}."
        wanted = cut_out(images, y[:, None], x[:, None], size, fill)
        problem = expect(
            found,
            wanted,
            tried + "Hidden are rows y - a <= i < y + a with a = size // 2, "
            "and of them the columns likewise with x.",
        )
        if problem:
            return problem
    images = (255 * torch.rand(3, 1, 8, 8, generator=draws)).to(torch.uint8)
    found = my_cut_out(images, torch.tensor([0, 4, 7]), torch.tensor([1, 4, 7]), 4, 7)
    if getattr(found, "dtype", None) != torch.uint8:
        return "Tried with uint8 images: the result should be uint8 as well."
    wanted = cut_out(images, torch.tensor([[0], [4], [7]]), torch.tensor([[1], [4], [7]]), 4, 7)
    return expect(found, wanted, "Tried with uint8 images and fill=7.")


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _expected_share(size, height, width):
    a = size // 2
    return (2 * a - a * a / height) * (2 * a - a * a / width) / (height * width)


def _row_chances(size, height):
    a = size // 2
    counts = [min(i + a, height - 1) - max(i - a + 1, 0) + 1 for i in range(height)]
    return [max(count, 0) / height for count in counts]


def _chance_to_hide(patch, first, size, side):
    a = size // 2
    centres = min(first + a, side - 1) - max(first + patch - a, 0) + 1
    return (max(centres, 0) / side) ** 2


def _centres_beyond_the_border(patch, first, size, side):
    a = size // 2
    return (max(first + a - max(first + patch - a, 0) + 1, 0) / side) ** 2


def _chances_below_zero(patch, first, size, side):
    a = size // 2
    return ((min(first + a, side - 1) - max(first + patch - a, 0) + 1) / side) ** 2


def _cut_out(images, y, x, size, fill):
    return cut_out(images, y[:, None], x[:, None], size, fill)


def _one_hole_for_all(images, y, x, size, fill):
    return _cut_out(images, y[:1].expand(len(y)), x[:1].expand(len(x)), size, fill)


def _multiplied_by_zero(images, y, x, size, fill):
    seen = _cut_out(torch.ones_like(images), y, x, size, 0)
    return (images * seen + (1 - seen) * fill).to(images.dtype)


def _painted(result, y, x, size, fill, least):
    a = size // 2
    for image, i, j in zip(result, y.tolist(), x.tolist(), strict=True):
        image[:, max(i - a, least) : i + a, max(j - a, least) : j + a] = fill
    return result


RIGHT = {
    1: (56.25, 0.0625),
    2: _expected_share,
    3: _row_chances,
    4: _chance_to_hide,
    5: lambda images, y, x, size, fill: _painted(images.clone(), y, x, size, fill, least=0),
}

WRONG = {
    1: [((64, 0.0625), "2a - a²/H"), ((56.25, 0.25), "2a of the H centres")],
    2: [
        (lambda size, height, width: size**2 / (height * width), "divided by all pixels"),
        (
            lambda s, h, w: (s - s**2 / 4 / h) * (s - s**2 / 4 / w) / (h * w),
            "Half the side is rounded down",
        ),
    ],
    3: [
        (lambda size, height: [2 * (size // 2) / height] * height, "only those from 0 to H - 1"),
        (lambda size, height: [min(i, height - i, size) / height for i in range(height)], "Row i"),
    ],
    4: [
        (
            lambda patch, first, size, side: ((size - patch + 1) / side) ** 2,
            "the centre must exist",
        ),
        (_centres_beyond_the_border, "the centre must exist"),
        (_chances_below_zero, "never hides all of it"),
    ],
    5: [
        (_one_hole_for_all, "Hidden are rows"),
        (_multiplied_by_zero, "Hidden are rows"),
        (
            lambda images, y, x, size, fill: _painted(images, y, x, size, fill, 0),
            "The input was changed",
        ),
        (
            lambda images, y, x, size, fill: _painted(images.clone(), y, x, size, fill, -999),
            "Hidden are rows",
        ),
        (lambda images, *_: images.float(), "The type changed"),
        (lambda images, *_: None, "Expected a tensor"),
    ],
}
