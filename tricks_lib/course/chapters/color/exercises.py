"""Exercises of notebooks/13_color.ipynb.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tricks_lib.augment import ColorShift
from tricks_lib.augment.color import SHADES, adjust_brightness, adjust_contrast, adjust_saturation
from tricks_lib.augment.pca_color import IMAGENET_EIGENVECTORS, color_shifts, shift_colors
from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.data.splits import assemble
from tricks_lib.lab.study import StudyResult, study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe

from .lights import under_light

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("a pixel and a shift by hand")
def _(contrasted, levels):
    expect(
        contrasted,
        [152.0, 112.0, 88.0],
        "Contrast: 0.4 times the pixel plus 0.6 times the mean grey, for each of the three.",
        mistakes={
            "The mean grey is missing: 0.6 times 120 is added.": [80.0, 40.0, 16.0],
            "The factor belongs to the pixel, and the rest to the mean grey.": [168.0, 108.0, 72.0],
            "That is the distance from the mean grey: add the mean grey again.": [
                32.0,
                -8.0,
                -32.0,
            ],
        },
    )
    expect(
        levels,
        3.147,
        "The shift of red: α · λ · the red part of the direction, times 255.",
        tolerance=0.02,
        mistakes={
            "That is where white is 1: a level is 1/255.": 0.01234,
            "The formula has the eigenvalue itself, not its root.": 6.749,
            "That is the length of the whole shift: red has a part of it.": 5.546,
            "The eigenvalue is missing.": 14.471,
        },
    )


@check.exercise(
    "PCA colour for what was drawn",
    domain="`images` are float (B, 3, H, W), `alpha` is (B, 3), `eigenvalues` are (3,), and "
    "`eigenvectors` (3, 3) has a direction in each column.",
)
def _(my_pca_color: Function, draws: Draws):
    def case(count: int, height: int, width: int):
        images = draws.uniform(count, 3, height, width)
        vectors = torch.linalg.qr(draws.normal(3, 3))[0]
        return images, draws.normal(count, 3), draws.uniform(3) + 0.1, vectors

    cases = [case(5, 4, 6), case(3, 3, 3), case(1, 2, 7)]
    published = torch.tensor(IMAGENET_EIGENVECTORS, dtype=torch.float64)
    cases.append((*case(4, 5, 5)[:3], published))
    agree(
        my_pca_color,
        _my_pca_color,
        cases,
        "Each image gets one colour: `eigenvectors` times the vector of alpha · eigenvalue.",
        differentiable=["images"],
        fresh=True,
        mistakes={
            "The directions are the columns: yours takes the rows.": (
                lambda images, alpha, eigenvalues, eigenvectors: _my_pca_color(
                    images, alpha, eigenvalues, eigenvectors.T
                )
            ),
            "The formula has the eigenvalues themselves, not their roots.": (
                lambda images, alpha, eigenvalues, eigenvectors: _my_pca_color(
                    images, alpha, eigenvalues.sqrt(), eigenvectors
                )
            ),
            "The eigenvalues are missing.": (
                lambda images, alpha, eigenvalues, eigenvectors: _my_pca_color(
                    images, alpha, torch.ones_like(eigenvalues), eigenvectors
                )
            ),
            "All images get the shift of the first: each has a row of `alpha`.": (
                lambda images, alpha, eigenvalues, eigenvectors: _my_pca_color(
                    images, alpha[:1].expand_as(alpha), eigenvalues, eigenvectors
                )
            ),
            "That is the shift alone: add it to the images.": (
                lambda images, alpha, eigenvalues, eigenvectors: _my_pca_color(
                    torch.zeros_like(images), alpha, eigenvalues, eigenvectors
                )
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe without augmentation, `data` has coloured images for training "
    "and test, `gains` are three factors for red, green and blue, and `seeds` is a list of two or "
    "more.",
)
def _(gain: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=2, batch_size=20, lr=draws.number(0.02, 0.1), model=mlp)
        data = _tinted_digits(draws)
        gains = tuple(draws.number(0.2, 1.0, 2) for _ in range(3))
        return recipe, data, gains, [draws.count(0, 999) for _ in range(draws.count(2, 3))]

    GAIN.judge(gain, draws, case)


@check.exercise(
    "how much the first direction has",
    domain="`images` are float (N, 3, H, W), and their colours are not all the same.",
)
def _(first_share: Function, draws: Draws):
    def case(count: int, height: int, width: int):
        mixed = draws.uniform(3, 3) + torch.eye(3, dtype=torch.float64)
        pixels = draws.uniform(count, height, width, 3) @ mixed / 4
        return (pixels.movedim(-1, 1).contiguous(),)

    agree(
        first_share,
        _first_share,
        [case(4, 5, 6), case(1, 9, 9), case(7, 3, 4), case(3, 8, 2)],
        "All pixels of all images are points (red, green, blue): take the covariance of the "
        "three, its eigenvalues, and the largest over their sum.",
        tolerance=1e-5,
        mistakes={
            "Subtract the mean colour first: a covariance is about the mean.": _uncentred_share,
            "Variances add up, standard deviations do not: take the eigenvalues themselves.": (
                _share_of_deviations
            ),
            "That is the share of the smallest eigenvalue: `eigvalsh` begins with it.": (
                lambda images: _shares(images)[0].item()
            ),
        },
    )


@check.exercise(
    "three shifts in one formula",
    domain="`images` are float (B, 3, H, W), and `b`, `c` and `s` are factors for each image, "
    "(B,); no value leaves the range from 0 to 1 on the way.",
)
def _(all_three: Function, draws: Draws):
    def case(count: int, height: int, width: int):
        level = 0.4 + 0.1 * draws.uniform(count, 1, 1, 1)
        images = level + 0.1 * draws.uniform(count, 3, height, width)
        return images, *(0.8 + 0.4 * draws.uniform(count) for _ in range(3))

    agree(
        all_three,
        _step_by_step,
        [case(4, 3, 5), case(2, 6, 6), case(1, 2, 2), case(5, 4, 3)],
        "The boxed formula: saturation inside, contrast around it, brightness outside.",
        # The three shares of grey sum to 0.9999.
        tolerance=2e-4,
        mistakes={
            "Grey is a weighted mean of red, green and blue: take `SHADES`.": (
                lambda images, b, c, s: _all_three(images, b, c, s, shades=(1 / 3, 1 / 3, 1 / 3))
            ),
            "The mean grey is that of each image, not of the batch.": (
                lambda images, b, c, s: _all_three(images, b, c, s, over=(0, 1, 2, 3))
            ),
            "Brightness multiplies the mean grey too: it stands outside of everything.": (
                _mean_left_as_it_was
            ),
            "`b` and `s` have changed places.": (
                lambda images, b, c, s: _all_three(images, s, c, b)
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _my_pca_color(images, alpha, eigenvalues, eigenvectors):
    return shift_colors(images, color_shifts(alpha, eigenvalues, eigenvectors))


def _tinted_digits(draws: Draws) -> Data:
    """Load a few digits, each in a colour of its own."""
    digits = load_data("digits").subset(train=40, test=60, seed=draws.count(0, 99))
    splits = {}
    for name, split in digits.splits.items():
        tints = 0.3 + 0.7 * draws.uniform(len(split), 3).float()
        splits[name] = Split(under_light(split.images.expand(-1, 3, -1, -1), tints), split.labels)
    return assemble("tinted digits", digits.classes, splits)


def _with_shift(
    baseline: Recipe,
    data: Data,
    gains: Sequence[float],
    seeds: Sequence[int],
    lit: tuple[str, ...] = ("test",),
) -> StudyResult:
    changed = {
        name: Split(under_light(split.images, torch.tensor(gains)), split.labels)
        for name, split in data.splits.items()
        if name in lit
    }
    shifted = replace(baseline, augment=ColorShift())
    recipes = {"none": baseline, "colour shift": shifted}
    return study(recipes, replace(data, **changed), seeds)  # type: ignore[arg-type]


GAIN = OwnInterval(
    lambda baseline, data, gains, seeds: _with_shift(baseline, data, gains, seeds),
    "Put the test images under the light, hand both recipes to `study` with that data and the "
    "seeds, and read the difference of the one with `ColorShift()`: `.low` and `.high`.",
    trick="the colour shift",
    others={
        "The test images stand in their own light: multiply their channels by `gains`.": (
            lambda baseline, data, gains, seeds: _with_shift(baseline, data, gains, seeds, lit=())
        ),
        "The training images stand under the new light too: only the test images should.": (
            lambda baseline, data, gains, seeds: _with_shift(
                baseline, data, gains, seeds, lit=("train", "test")
            )
        ),
    },
)


def _shares(images: Tensor) -> Tensor:
    """Return the share of each eigenvalue, the smallest first."""
    values = torch.linalg.eigvalsh(torch.cov(images.movedim(1, 0).flatten(1)))
    return values / values.sum()


def _first_share(images):
    return _shares(images)[-1].item()


def _uncentred_share(images):
    pixels = images.movedim(1, 0).flatten(1)
    values = torch.linalg.eigvalsh(pixels @ pixels.T)
    return (values[-1] / values.sum()).item()


def _share_of_deviations(images):
    deviations = _shares(images).clamp(min=0).sqrt()
    return (deviations[-1] / deviations.sum()).item()


def _step_by_step(images, b, c, s):
    return adjust_saturation(adjust_contrast(adjust_brightness(images, b), c), s)


def _all_three(images, b, c, s, shades=SHADES, over=(1, 2, 3)):
    b, c, s = (factor[:, None, None, None] for factor in (b, c, s))
    grey = (images * images.new_tensor(shades)[:, None, None]).sum(1, keepdim=True)
    mean = grey.mean(over, keepdim=True)
    return b * (c * (s * images + (1 - s) * grey) + (1 - c) * mean)


def _mean_left_as_it_was(images, b, c, s):
    b, c, s = (factor[:, None, None, None] for factor in (b, c, s))
    grey = (images * images.new_tensor(SHADES)[:, None, None]).sum(1, keepdim=True)
    mean = grey.mean((1, 2, 3), keepdim=True)
    return b * c * (s * images + (1 - s) * grey) + (1 - c) * mean


RIGHT = {
    1: ([152, 112, 88], 255 * 0.1 * 0.2175 * 0.5675),
    2: lambda images, alpha, eigenvalues, eigenvectors: (
        images + ((alpha * eigenvalues) @ eigenvectors.T)[:, :, None, None]
    ),
    3: GAIN.right,
    4: _first_share,
    5: _all_three,
}

WRONG = {
    1: [
        (([80, 40, 16], 3.147), "The mean grey is missing"),
        (([168, 108, 72], 3.147), "The factor belongs to the pixel"),
        (([32, -8, -32], 3.147), "add the mean grey again"),
        (([200, 100, 40], 3.147), "0.4 times the pixel"),
        (([152, 112, 88], 0.01234), "where white is 1"),
        (([152, 112, 88], 6.749), "not its root"),
        (([152, 112, 88], 5.546), "the length of the whole shift"),
        (([152, 112, 88], 14.471), "The eigenvalue is missing"),
        (([152, 112, 88], 3.0), "the red part of the direction"),
    ],
    2: [
        (lambda x, a, v, p: _my_pca_color(x, a, v, p.T), "yours takes the rows"),
        (lambda x, a, v, p: _my_pca_color(x, a, v.sqrt(), p), "not their roots"),
        (lambda x, a, v, p: _my_pca_color(x, a, torch.ones_like(v), p), "eigenvalues are missing"),
        (lambda x, a, v, p: _my_pca_color(x, a[:1].expand_as(a), v, p), "the shift of the first"),
        (lambda x, a, v, p: _my_pca_color(0 * x, a, v, p), "the shift alone"),
        (lambda x, a, v, p: _my_pca_color(x, -a, v, p), "Each image gets one colour"),
        (lambda x, a, v, p: x.add_(((a * v) @ p.T)[:, :, None, None]), "changed its argument"),
        (lambda x, a, v, p: _my_pca_color(x.detach(), a, v, p), "has no gradient"),
        (lambda x, a, v, p: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (_uncentred_share, "Subtract the mean colour first"),
        (_share_of_deviations, "Variances add up"),
        (lambda images: _shares(images)[0].item(), "the smallest eigenvalue"),
        (lambda images: 0.9, "its eigenvalues, and the largest over their sum"),
        (lambda images: None, "is there a `return`?"),
    ],
    5: [
        (
            lambda x, b, c, s: _all_three(x, b, c, s, shades=(1 / 3, 1 / 3, 1 / 3)),
            "take `SHADES`",
        ),
        (lambda x, b, c, s: _all_three(x, b, c, s, over=(0, 1, 2, 3)), "not of the batch"),
        (_mean_left_as_it_was, "it stands outside of everything"),
        (lambda x, b, c, s: _all_three(x, s, c, b), "have changed places"),
        (lambda x, b, c, s: b[:, None, None, None] * x, "The boxed formula"),
        (lambda x, b, c, s: None, "is there a `return`?"),
    ],
}
