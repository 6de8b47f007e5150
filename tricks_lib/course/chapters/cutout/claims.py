"""What chapter 07 says of its records, and what the papers printed.

Chapter: notebooks/07_cutout.ipynb
"""

from collections.abc import Callable

import torch

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import SETTINGS, finding, result
from tricks_lib.lab.study import ACCURACY, POINT, StudyResult, paired_difference

from .figures import believed, chance_to_hide_tag, counts, coverage, mean_length
from .study import PLAN, SHORT, TAG_SIZES, TAGS, hidden, pool

__all__ = ["CLAIMS"]

REPOSITORY = "the authors' repository (DeVries and Taylor 2017)"
HYSTS = "hysts/pytorch_image_classification, README"

BOTH = "crop and mirror, cutout 14"

BETTER = "Crop and mirror give far better probabilities"
KIND = "the gain depends on the fill of the square"
LOWER = "the accuracy under black squares is lower than with no augmentation"
CALLED = "most untagged images are called tagged with squares of 14 and 20"
ABOVE = "The measured means lie above it, by 3 to 9 points"


def mean(arm: str, metric: str = "accuracy") -> float:
    """Return the mean of a metric after 64 epochs."""
    return PLAN.recorded().mean(arm, metric)


def gain(fill: str) -> Callable[[StudyResult], float]:
    """Return how to work out what Cutout gains under squares of 14."""
    return lambda result: result.difference("cutout 14", hidden(14, fill)).mean


def gains() -> list[float]:
    """Return what Cutout gains under grey squares, black ones and noise, in points."""
    return [100 * gain(fill)(PLAN.recorded()) for fill in ("mean", "black", "noise")]


def whole() -> list[float]:
    """Return the accuracy of Cutout, and of crop and mirror, in percent."""
    return [100 * mean(arm) for arm in ("cutout 14", "crop and mirror")]


def likelihoods() -> list[float]:
    """Return the NLL with crop and mirror, with Cutout and with neither."""
    return [mean(arm, "nll") for arm in ("crop and mirror", "cutout 14", "none")]


def garments() -> StudyResult:
    """Return the record of *garments*."""
    found = result("garments")
    assert found is not None, "garments is not recorded"
    return found


def likelihoods_in_garments() -> list[float]:
    """Return the NLL with crop and mirror and with Cutout in *garments*."""
    return [garments().mean(arm, "nll") for arm in ("crop and mirror", "Cutout")]


def cutout_has_the_better_probabilities_in_garments() -> None:
    """Compare with crop and mirror, as one of four comparisons."""
    gap = garments().difference("Cutout", "nll", "crop and mirror", comparisons=4)
    assert gap.verdict == "helps", f"the record says {gap.verdict!r}, {gap}"


def no_gain_in_the_standing_settings() -> None:
    """Look at the verdicts of both."""
    for setting in SETTINGS:
        found = finding("cutout", setting)
        assert found is not None and found.word != "helps", f"{setting} says {found}"


def some_classes_vary_most() -> None:
    """Compare the intervals of the classes, which hold for all ten at once."""
    recalls = {
        arm: torch.tensor(list(PLAN.recorded().values(arm, "recall_by_class").values()))
        for arm in ("cutout 14", "none")
    }
    gaps = {
        name: paired_difference(
            ACCURACY,
            dict(enumerate(recalls["cutout 14"][:, label].tolist())),
            dict(enumerate(recalls["none"][:, label].tolist())),
            comparisons=10,
        )
        for label, name in enumerate(pool().classes)
    }
    widest = sorted(gaps, key=lambda name: gaps[name].high - gaps[name].low)[-3:]
    assert set(widest) == {"Coat", "Shirt", "Pullover"}, f"the widest are {widest}"
    assert all(gaps[name].low < 0 < gaps[name].high for name in widest)


def photographs_lie_about_two_below() -> None:
    """Work out what black is for the mean and the standard deviation of ImageNet's colours, which
    torchvision prints with its models."""
    for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225)):
        assert 1.75 < mean / std < 2.25


def small_squares_may_agree_with_the_count() -> None:
    """Put the interval of ten seeds around the belief with squares of 8."""
    size = TAG_SIZES[0]
    values = TAGS.recorded().values(f"cutout {size}, black", "belief_without")
    gap = paired_difference(ACCURACY, values, dict.fromkeys(values, counts(size)[1]))
    assert gap.low < 0 < gap.high, f"the interval is {gap}"


def kept(fill: str) -> Callable[[StudyResult], float]:
    """Return how to work out which share of the gain under grey squares is there under others."""
    return lambda result: gain(fill)(result) / gain("mean")(result)


def called(size: int) -> Callable[[StudyResult], float]:
    """Return how to work out which share of the untagged images is called tagged."""
    return lambda result: result.mean(f"cutout {size}, black", "called_tagged")


def beyond_the_count(size: int) -> Callable[[StudyResult], float]:
    """Return how to work out how far the belief in a tag lies above the counted one."""
    return lambda result: believed(result, size) - counts(size)[1]


def changes() -> tuple[float, float]:
    """Return what Cutout gains alone, and what it loses on top of crop and mirror, in points."""
    alone, _, on_top, _ = PLAN.declared()
    return 100 * alone.difference.mean, -100 * on_top.difference.mean


def whole_square() -> float:
    """Count how often a square of 16 is whole in an image of 32 × 32."""
    return ((32 - 16 + 1) / 32) ** 2


def a_strip_of_ten() -> None:
    """Count the strip of the derivation position by position."""
    lengths = [min(c + 2, 10) - max(c - 2, 0) for c in range(10)]
    assert lengths == [2, 3, *[4] * 7, 3] and sum(lengths) == 36
    assert mean_length(4, 10) == 3.6


def an_odd_side_hides_less() -> None:
    """Compare each odd size with the even one below it."""
    for size in (3, 7, 15):
        assert coverage(size, 20).equal(coverage(size - 1, 20))


def where_the_tag_is_the_better_guess() -> None:
    """Look at which sizes the chance passes one ninth."""
    better = [size for size in range(2, 29, 2) if counts(size)[1] > 0.5]
    assert better == [size for size in range(2, 29, 2) if chance_to_hide_tag(size) > 1 / 9]


CLAIMS: list[Claim] = [
    # The derivation.
    Holds("the strip", a_strip_of_ten, carries="So 36 are hidden in ten positions, 3.6 on average"),
    Says("and $14^2={:.0f}$ pixels", lambda: mean_length(16, 32) ** 2),
    Says("{:.0f} % of the image, not 25 %.", lambda: 100 * mean_length(16, 32) ** 2 / 32**2),
    Says(
        "a square of half the side hides {:.0f} % of the image",
        lambda: 100 * (mean_length(14, 28) / 28) ** 2,
    ),
    Says("with a chance of $(17/32)^2={:.2f}$", whole_square),
    Holds("odd sides", an_odd_side_hides_less, carries="An odd $L$ hides as much as $L-1$"),
    Says(
        "on these images it is $-{:.2f}$",
        lambda: (pool().mean / pool().std).item(),
    ),
    Holds(
        "black on photographs",
        photographs_lie_about_two_below,
        carries="On photographs, $-\\mu/\\sigma$ is about $-2$",
    ),
    # Whole images.
    Says("Cutout reaches {:.1f} % and crop and mirror {:.1f} %.", whole),
    Says("an NLL of {:.2f}, against {:.2f} with Cutout and {:.2f} with neither.", likelihoods),
    Helps(
        PLAN, "crop and mirror", "nll", baseline="cutout 14", by=0.1, comparisons=4, carries=BETTER
    ),
    Says(
        "it is the other way round: {:.2f}, against {:.2f} with Cutout.",
        likelihoods_in_garments,
    ),
    Holds(
        "the probabilities in garments",
        cutout_has_the_better_probabilities_in_garments,
        carries="In *garments*, after 10 epochs, it is the other way round",
    ),
    Says(
        "With both, only {:.0f} % of the training images are right after 64 epochs",
        lambda: 100 * mean(BOTH, "train_accuracy"),
    ),
    Says("On whole images it gained {:.1f} points after long training, and lost {:.1f}", changes),
    Says("few images: {:.1f} points here, none seen in a shorter run.", lambda: changes()[0]),
    *(
        NoneSeen(
            SHORT,
            arm,
            comparisons=3,
            carries="On whole images no difference was seen for any of the three after 16 epochs",
        )
        for arm in ("cutout 8", "cutout 14", "cutout 14, black")
    ),
    Says("that cost {:.1f} points here", lambda: changes()[1]),
    Holds(
        "no gain in the standing settings",
        no_gain_in_the_standing_settings,
        carries="in the standing settings no gain was seen",
    ),
    Holds(
        "the intervals of the classes",
        some_classes_vary_most,
        carries="Here these three have the widest intervals, and each includes zero",
    ),
    # Hidden squares.
    Says(
        "{:.0f} points for grey ones as in training, {:.0f} for black ones, {:.0f} for noise.",
        gains,
    ),
    *(
        Within(
            f"what is kept of the gain under {fill} squares",
            PLAN,
            kept(fill),
            0,
            2 / 3,
            carries=KIND,
        )
        for fill in ("black", "noise")
    ),
    *(
        Hurts(PLAN, arm, hidden(14, "black"), by=5 * POINT, comparisons=4, carries=LOWER)
        for arm in ("crop and mirror", BOTH)
    ),
    # Where a part decides.
    Says(
        "hides the whole tag in {} of the other 900.\nSo of {} images",
        lambda: [counts(14)[0], counts(14)[0] + 100],
    ),
    *(
        Within(
            f"untagged images called tagged, side {size}",
            TAGS,
            called(size),
            0.5,
            carries=CALLED,
        )
        for size in (14, 20)
    ),
    Within(
        "accuracy with grey squares",
        TAGS,
        lambda result: min(result.values("cutout 14, mean").values()),
        0.995,
        carries="and the accuracy stays at 100 %",
    ),
    *(
        Within(
            f"belief beyond the count, side {size}",
            TAGS,
            beyond_the_count(size),
            0.025,
            0.095,
            carries=ABOVE,
        )
        for size in TAG_SIZES
    ),
    Holds(
        "belief with squares of 8",
        small_squares_may_agree_with_the_count,
        carries="for squares of 8 the interval of ten seeds still includes it",
    ),
    Holds(
        "beyond one ninth the tag is the better guess",
        where_the_tag_is_the_better_guess,
        carries="which is above one half beyond $h=(1-\\pi)/\\pi=\\frac19$",
    ),
    # A shorter run.
    *(
        Helps(
            SHORT,
            arm,
            hidden(14),
            comparisons=3,
            carries="Figure 13 and the column of hidden squares show the protection",
        )
        for arm in ("cutout 8", "cutout 14")
    ),
    *(
        Within(
            f"what carries over to {fill}",
            SHORT,
            kept(fill),
            0.0,
            0.9,
            carries="With grey squares of 14, something carries over to black ones and to noise",
        )
        for fill in ("black", "noise")
    ),
    # The papers.
    Printed("falls from 4.72 to 3.99 % on CIFAR-10", REPOSITORY),
    Printed("| ResNet-18, CIFAR-10+ | 4.72 | 3.99 |", REPOSITORY),
    Printed("| WRN-28-10, CIFAR-10+ | 3.87 | 3.08 |", REPOSITORY),
    Printed("| Shake-Shake 26 2×96d, CIFAR-10+ | 2.86 | 2.56 |", REPOSITORY),
    Printed("| ResNet-18, CIFAR-100+ | 22.46 | 21.96 |", REPOSITORY),
    Printed("| WRN-28-10, CIFAR-100+ | 18.8 | 18.41 |", REPOSITORY),
    Printed("| WRN-16-8, SVHN | 1.60 | 1.30 |", REPOSITORY),
    Printed("| WRN-28-10, SVHN with 1,000 labels | 13.21 | 32.5 |", "Cubuk et al. 2018"),
    Printed("has 5.04 % without and 4.64, 4.68 and 4.49 % with squares of 8, 12 and 16", HYSTS),
]
