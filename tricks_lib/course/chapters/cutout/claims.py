"""What chapter 07 says of its records, and what the papers printed.

Chapter: notebooks/07_cutout.ipynb
"""

from collections.abc import Callable

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Hurts,
    MakesNoDifference,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.lab.study import POINT, StudyResult

from .study import DIGITS, LONG, PLAN, TAGS

__all__ = ["CLAIMS"]

REPOSITORY = "the authors' repository (DeVries and Taylor 2017)"
SHORT = "On whole images no difference is seen for 8 and 14"
HALF_A_DIGIT = "half a side and more *help*, by half a point of the three that are missing"


def gain(arm: str, metric: str = "accuracy") -> Callable[[StudyResult], float]:
    """Return how to work out what an arm gains on the network without Cutout."""
    return lambda result: result.difference(arm, metric).mean


def mean(arm: str, metric: str = "accuracy") -> Callable[[StudyResult], float]:
    """Return how to work out the mean of a metric."""
    return lambda result: result.mean(arm, metric)


def hidden(fill: str = "") -> str:
    """Return the name of the accuracy with a square of 14 hidden, grey or with another fill."""
    return f"accuracy_hidden_14{fill}"


def beyond_bayes(size: int) -> Callable[[StudyResult], float]:
    """Return how to work out how far the belief in a tag lies above that of Bayes' rule."""
    half = size // 2
    h = ((3 + half - max(0, 5 - half)) / 28) ** 2
    derived = 0.9 * h / (0.9 * h + 0.1)
    return lambda result: result.mean(f"cutout {size}, black", "belief_without") - derived


def gains_by_fill() -> list[float]:
    """Return what Cutout 14 gains under a grey square, a black one and noise."""
    result = PLAN.recorded()
    return [100 * gain("cutout 14", hidden(fill))(result) for fill in ("", "_black", "_noise")]


def long_gain() -> tuple[float, float, float]:
    """Return what Cutout 14 gains after 48 epochs, with its interval."""
    gap = LONG.recorded().difference("cutout 14")
    return 100 * gap.mean, 100 * gap.low, 100 * gap.high


def reach() -> tuple[float, float]:
    """Return how far the intervals of 8 and 14 reach below and above zero on whole images."""
    gaps = [PLAN.recorded().difference(arm) for arm in ("cutout 8", "cutout 14")]
    return -100 * min(gap.low for gap in gaps), 100 * max(gap.high for gap in gaps)


def images_behind_the_digits() -> tuple[float, int]:
    """Return how many test images the gain of half a side is, and how many there are."""
    count = len(DIGITS.of_seed().test)
    return count * gain("cutout 4")(DIGITS.recorded()), count


CLAIMS: list[Claim] = [
    # Short: on whole and on hidden images.
    NoneSeen(PLAN, "cutout 8", carries=SHORT),
    NoneSeen(PLAN, "cutout 14", carries=SHORT),
    NoneSeen(PLAN, "cutout 14", carries="no difference seen on whole images"),
    Says("the intervals reach from {:.1f} points below to {:.1f} points above", reach),
    Hurts(PLAN, "cutout 20", carries="With 20 the accuracy falls by more than half a point."),
    Within("what 20 costs", PLAN, gain("cutout 20"), high=-0.5 * POINT),
    *(
        claim
        for arm in ("cutout 8", "cutout 14", "cutout 20")
        for claim in (
            Helps(PLAN, arm, "nll", carries="The NLL is better with all three."),
            Helps(
                PLAN,
                arm,
                hidden(),
                by=0.15,
                carries="On images with a hidden square the gain is very large.",
            ),
        )
    ),
    # It is the kind of square that counts.
    Within("grey after grey", PLAN, gain("cutout 14", hidden()), low=0.2),
    Within("black after grey", PLAN, gain("cutout 14", hidden("_black")), high=0.06),
    Within("black after black", PLAN, gain("cutout 14, black", hidden("_black")), low=0.2),
    Within("grey after black", PLAN, gain("cutout 14, black", hidden()), high=0.06),
    Within("noise after grey", PLAN, gain("cutout 14", hidden("_noise")), 0.06, 0.2),
    Says("of {:.1f} points, {:.0f} are left for a black one and {:.0f} for noise", gains_by_fill),
    Says(
        "({:.0f} points for black with cutout 20)",
        lambda: 100 * gain("cutout 20", hidden("_black"))(PLAN.recorded()),
    ),
    MakesNoDifference(
        PLAN,
        "cutout 14, black",
        carries="On whole images training with black squares makes no difference of 0.3 points or "
        "more in accuracy",
    ),
    # Longer.
    *(Helps(LONG, arm) for arm in ("cutout 8", "cutout 14")),
    *(
        NoneSeen(
            LONG,
            arm,
            "nll",
            carries="no difference is seen any more",
        )
        for arm in ("cutout 8", "cutout 14")
    ),
    Says("{:.2f} points [{:.2f}, {:.2f}] after 48 epochs", long_gain),
    Within(
        "training loss without Cutout after 48 epochs",
        LONG,
        mean("none", "train_loss"),
        0.0015,
        0.0025,
        carries="(its training loss is 0.002)",
    ),
    Within(
        "what the other 36 epochs gain without Cutout",
        LONG,
        lambda result: result.mean("none") - PLAN.recorded().mean("none"),
        -0.3 * POINT,
        0.3 * POINT,
        carries="has gained next to nothing from the other 36 epochs",
    ),
    # Digits.
    NoneSeen(DIGITS, "cutout 2"),
    *(Helps(DIGITS, arm, carries=HALF_A_DIGIT) for arm in ("cutout 4", "cutout 6")),
    *(
        Within("the half point", DIGITS, gain(arm), 0.4 * POINT, 0.7 * POINT, carries=HALF_A_DIGIT)
        for arm in ("cutout 4", "cutout 6")
    ),
    Says("is {:.0f} of the {} test images", images_behind_the_digits),
    Within(
        "accuracy without Cutout", DIGITS, mean("none"), 0.965, 0.97, carries="three that are miss"
    ),
    # Where a part decides.
    *(
        Within(
            f"belief beyond Bayes' rule, side {size}",
            TAGS,
            beyond_bayes(size),
            0,
            0.11,
            carries="lies between the two bounds at each of the three sizes",
        )
        for size in (8, 14, 20)
    ),
    *(
        Within("accuracy with grey squares", TAGS, mean(f"cutout {size}, mean"), low=0.99)
        for size in (8, 14, 20)
    ),
    Within(
        "the share of untagged images that are called tagged",
        TAGS,
        lambda result: 2 * (1 - result.mean("cutout 14, black")),
        0.75,
        0.85,
        carries="the network calls four out of five untagged images tagged",
    ),
    Says(
        "so this costs {:.0f} points of accuracy",
        lambda: -100 * gain("cutout 14, black")(TAGS.recorded()),
    ),
    # The papers.
    Printed("| ResNet-18, CIFAR-10+ | 4.72 | 3.99 |", REPOSITORY),
    Printed("| WRN-28-10, CIFAR-10+ | 3.87 | 3.08 |", REPOSITORY),
    Printed("| Shake-Shake 26 2×96d, CIFAR-10+ | 2.86 | 2.56 |", REPOSITORY),
    Printed("| ResNet-18, CIFAR-100+ | 22.46 | 21.96 |", REPOSITORY),
    Printed("| WRN-28-10, CIFAR-100+ | 18.8 | 18.41 |", REPOSITORY),
    Printed("| WRN-16-8, SVHN | 1.60 | 1.30 |", REPOSITORY),
    Printed(
        "| WRN-28-10, SVHN with 1,000 labels | 13.21 | 32.5 |",
        "Cubuk et al. 2018",
        carries="So one expects Cutout to hurt, and on street numbers with 1,000 labels it did",
    ),
]
