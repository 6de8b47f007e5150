"""What chapter 13 says of its records, and what the papers printed.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Callable
from functools import cache
from itertools import permutations

import torch

from tricks_lib.augment.color import STEPS
from tricks_lib.augment.pca_color import IMAGENET_EIGENVALUES, IMAGENET_EIGENVECTORS
from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says, Within
from tricks_lib.course.standing.comparisons import finding
from tricks_lib.lab.study import StudyResult

from .lights import COLOURED
from .study import (
    AGAIN,
    BEFORE,
    EVEN_LARGE,
    FULL_HUE,
    GREY,
    HUE,
    LIGHT,
    LONGER,
    NONE,
    PCA,
    PCA_LARGE,
    PCA_OWN,
    PLAN,
    RECIPES,
    SHIFT,
    STANDARDIZED,
    TIED,
    own_light,
)

__all__ = ["CLAIMS"]

TINTED = "accuracy_coloured"
DECLARED = 6
"""Comparisons that were declared, read together."""

ALL = len(RECIPES) - 1
"""Arms that are compared with none, read together."""

CHOICES = 5
"""Comparisons of settings, read together."""

STRONG = "colour shift 0.8"
ALIKE = "alike; along the published directions no difference is seen."
UNSEEN = "Brightness, contrast and saturation change nothing that we could see"
ORDER = "Whether colours are shifted before or after the crop"


@cache
def result() -> StudyResult:
    """Load the record once: to hold it to the code of today takes a while."""
    return PLAN.recorded()


def percent(arm: str, metric: str = "accuracy") -> float:
    """Return a recorded mean, in percent."""
    return 100 * result().mean(arm, metric)


def gained(arm: str, metric: str = TINTED) -> float:
    """Return by how many points an arm is ahead of none."""
    return percent(arm, metric) - percent(NONE, metric)


def right(arm: str, metric: str = "accuracy") -> Callable[[StudyResult], float]:
    """Return how to work out a mean."""
    return lambda result: result.mean(arm, metric)


def constants() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the published eigenvalues and eigenvectors."""
    return torch.tensor(IMAGENET_EIGENVALUES), torch.tensor(IMAGENET_EIGENVECTORS)


def spreads() -> list[float]:
    """Return the deviation of each channel that the constants imply."""
    values, vectors = constants()
    return (vectors.square() @ values).sqrt().tolist()


def by_hand() -> None:
    """Work out the size of the shift along the first two directions."""
    values, vectors = constants()
    first, second = 0.1 * values[0].item(), 0.1 * values[1].item()
    assert round(first, 3) == 0.022 and round(second, 3) == 0.002
    assert [round(abs(part), 2) for part in vectors[:, 0].tolist()] == [0.57, 0.58, 0.58]
    levels = (255 * first * vectors[:, 0]).abs()
    assert levels.round().tolist() == [3, 3, 3], levels
    assert 255 * second < 0.5


def in_any_order() -> None:
    """Take the three steps in all orders, inside the range, and near its end as the control."""
    images = 0.4 + 0.2 * torch.rand(4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    amounts = {"brightness": 0.9, "contrast": 1.2, "saturation": 0.8}
    for lift, alike in ((0.0, True), (0.4, False)):
        made = []
        for order in permutations(amounts):
            shifted = (images + lift).clamp(0, 1)
            for name in order:
                shifted = STEPS[name](shifted, amounts[name] + 3 * lift)
            made.append(shifted)
        gaps = [(other - made[0]).abs().max().item() for other in made]
        assert (max(gaps) < 1e-4) == alike, gaps


def nothing_seen() -> None:
    """Look at the verdicts of both standing settings."""
    for name in ("garments", "colour"):
        found = finding("color", name)
        assert found is not None and found.word == "no difference seen", f"{name}: {found}"


CLAIMS: list[Claim] = [
    # The derivation.
    Holds("PCA colour by hand", by_hand, carries="or 3 levels in each channel."),
    Holds("the three steps in any order", in_any_order, carries="the three give the same"),
    Says("the deviations are {:.3f}, {:.3f} and {:.3f}.", spreads),
    Says(
        "is {:.0f} for the shift and {:.1f} for the colours themselves.",
        lambda: [
            IMAGENET_EIGENVALUES[0] / IMAGENET_EIGENVALUES[1],
            (IMAGENET_EIGENVALUES[0] / IMAGENET_EIGENVALUES[1]) ** 0.5,
        ],
    ),
    Says(
        "{:,.0f} instead of {:.1f} along the first direction.",
        lambda: [0.1 * 255**2 * IMAGENET_EIGENVALUES[0], 0.1 * 255 * IMAGENET_EIGENVALUES[0]],
    ),
    # Under coloured light.
    Says(
        "Without shifts the accuracy falls from {:.0f} % in the photographs' own light to {:.0f} % "
        "under coloured light.",
        lambda: [percent(NONE), percent(NONE, TINTED)],
    ),
    Says(
        "With colour shift it is {:.0f} %, with PCA colour {:.0f} %.",
        lambda: [percent(SHIFT, TINTED), percent(PCA, TINTED)],
    ),
    NoneSeen(
        AGAIN,
        SHIFT,
        TINTED,
        carries="Under coloured light no gain of colour shift is seen",
    ),
    NoneSeen(
        PLAN,
        PCA,
        TINTED,
        comparisons=DECLARED,
        carries="no difference was seen, in own or in coloured light.",
    ),
    NoneSeen(PLAN, PCA, comparisons=ALL, carries="no difference was seen, in own or in coloured"),
    Says(
        "gains {:.0f} points, and to turn the hue over the whole circle {:.0f}.",
        lambda: [gained(LIGHT), gained(FULL_HUE)],
    ),
    *(
        Helps(PLAN, arm, TINTED, comparisons=ALL, by=0.05, carries="two controls fit this.")
        for arm in (LIGHT, FULL_HUE)
    ),
    Says(
        "gain {:.0f} points if they go in all directions alike",
        lambda: gained(EVEN_LARGE),
    ),
    Helps(PLAN, EVEN_LARGE, TINTED, comparisons=ALL, by=0.05, carries=ALIKE),
    NoneSeen(PLAN, PCA_LARGE, TINTED, comparisons=ALL, carries=ALIKE),
    # Brightness.
    Says(
        "In half the light the network without shifts has {:.0f} %, and with colour shift "
        "{:.0f} %;",
        lambda: [percent(NONE, own_light("dim")), percent(SHIFT, own_light("dim"))],
    ),
    Helps(
        PLAN,
        SHIFT,
        own_light("dim"),
        comparisons=ALL,
        by=0.05,
        carries="**Darkness is another matter.**",
    ),
    Helps(
        PLAN,
        SHIFT,
        own_light("bright"),
        comparisons=ALL,
        by=0.01,
        carries="in brighter light it gains 4 points",
    ),
    Says(
        "in brighter light it gains {:.0f} points (longer training: {:.0f}).",
        lambda: [gained(one, own_light("bright")) for one in (SHIFT, LONGER)],
    ),
    NoneSeen(
        PLAN,
        SHIFT,
        own_light("dim"),
        baseline=STANDARDIZED,
        carries="between it and the layer of the next line no difference was seen there.",
    ),
    Hurts(PLAN, SHIFT, carries="and 2 points in the light of training."),
    Says("and {:.0f} points in the light of training.", lambda: -gained(SHIFT, "accuracy")),
    # The rivals.
    *(
        Within(
            f"accuracy behind the layer, {light}",
            PLAN,
            right(STANDARDIZED, own_light(light)),
            low=0.495,
            high=0.505,
            carries="It has 50 % in every light that darkens, coloured or not",
        )
        for light in (*COLOURED, "dim")
    ),
    Says(
        "a network that sees grey has {:.0f} % under coloured light.",
        lambda: percent(GREY, TINTED),
    ),
    Hurts(PLAN, STANDARDIZED, comparisons=ALL, by=0.01, carries="the standardising layer costs"),
    Says("the standardising layer costs {:.0f} points", lambda: -gained(STANDARDIZED, "accuracy")),
    NoneSeen(PLAN, GREY, comparisons=ALL, carries="of grey no difference is seen."),
    *(
        Hurts(
            PLAN,
            SHIFT,
            TINTED,
            baseline=rival,
            comparisons=DECLARED,
            by=0.05,
            carries="needs no augmentation.",
        )
        for rival in (STANDARDIZED, GREY)
    ),
    Says(
        "There, 1.5 times the epochs without shifts reach {:.0f} %, and colour shift {:.0f} %.",
        lambda: [percent(LONGER), percent(SHIFT)],
    ),
    Hurts(
        PLAN,
        SHIFT,
        baseline=LONGER,
        comparisons=DECLARED,
        by=0.01,
        carries="There, 1.5 times the epochs without shifts reach",
    ),
    Says(
        "the hue turned over the whole circle gained {:.0f} points, and a layer that standardises "
        "each image {:.0f}.",
        lambda: [gained(FULL_HUE), gained(STANDARDIZED)],
    ),
    Holds(
        "colour shift in the standing settings",
        nothing_seen,
        carries="In the standing settings, test images in their own light",
    ),
    # A light that tells the class.
    Says(
        "Without shifts {:.0f} % of the validation images are right, and {:.0f} % of the test "
        "images.",
        lambda: [
            100 * TIED.recorded().mean(NONE, metric)
            for metric in ("validation_accuracy", "accuracy")
        ],
    ),
    *(
        NoneSeen(TIED, arm, comparisons=len(TIED.recipes) - 1, carries=UNSEEN)
        for arm in (SHIFT, HUE, PCA)
    ),
    *(
        Within(
            f"accuracy in lights by lot, {arm}",
            TIED,
            right(arm),
            low=0.775,
            high=0.785,
            carries="and with the standardising layer 78 % of the test images are right.",
        )
        for arm in (FULL_HUE, GREY, STANDARDIZED)
    ),
    *(
        Within(
            f"accuracy in the light of training, {arm}",
            TIED,
            right(arm, "validation_accuracy"),
            low=0.78,
            high=0.8,
            carries="about 79 % instead of 89 %.",
        )
        for arm in (FULL_HUE, GREY, STANDARDIZED)
    ),
    Within(
        "accuracy in the light of training, none",
        TIED,
        right(NONE, "validation_accuracy"),
        low=0.885,
        high=0.895,
        carries="about 79 % instead of 89 %.",
    ),
    # Strength, order and directions.
    Hurts(
        PLAN,
        STRONG,
        comparisons=ALL,
        by=0.04,
        carries="A strength of 0.8 hurts in own light",
    ),
    Says(
        "A strength of 0.8 hurts in own light: by {:.0f} points.",
        lambda: -gained(STRONG, "accuracy"),
    ),
    *(
        NoneSeen(PLAN, BEFORE, metric, baseline=SHIFT, comparisons=CHOICES, carries=ORDER)
        for metric in ("accuracy", TINTED)
    ),
    NoneSeen(PLAN, PCA_OWN, TINTED, baseline=PCA, comparisons=CHOICES, carries=ORDER),
    Says(
        "the first directions are nearly the same, with a cosine of {:.4f}.",
        lambda: result().mean(NONE, "cosine"),
    ),
    # The papers.
    Printed('"reduces the top-1 error rate by over 1 %"', "Krizhevsky et al. 2012, section 4.1"),
    Printed("this Alexnet style noise didn't seem to help", "facebook/fb.resnet.torch, issue 30"),
]
