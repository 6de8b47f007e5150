"""What chapter 08 says of its records, and what the papers printed.

Chapter: notebooks/08_random_erasing.ipynb
"""

import math
from collections.abc import Callable

import torch

from tricks_lib.augment import RandomErasing
from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import finding, result
from tricks_lib.lab.study import ACCURACY, POINT, StudyResult, paired_difference

from .figures import coverage, shapes
from .study import AGAIN, FILLS, LONG, PLAN, hidden

__all__ = ["CLAIMS"]

ZHONG = "Zhong et al. 2020, the authors' README"
HYSTS = "hysts/pytorch_image_classification, README"

SQUARES = 9
"""Comparisons of Figure 8, read together."""

ARMS = 4
"""Arms that are compared with none, read together."""

LOST = "Under another fill at least two fifths of the gain are lost"
EITHER = "and from random to black, or black to random, no gain is seen after 16 epochs"
ALL_THREE = "random pixels help under all three"
WHOLE = "with grey or black rectangles no difference is seen."
CUTOUT = "On whole images no difference between the two is seen."


def ahead(fill: str) -> Callable[[StudyResult], float]:
    """Return how to work out by how much the square's own fill leads the best other one."""

    def lead(found: StudyResult) -> float:
        reached = {other: found.mean(f"erasing, {other}", hidden(fill)) for other in FILLS}
        return reached[fill] - max(reached[other] for other in FILLS if other != fill)

    return lead


def kept(found: StudyResult) -> float:
    """Return the largest share of the gain under squares of its own fill that a training has under
    squares of another."""
    shares = []
    for trained in FILLS:
        if f"erasing, {trained}" in found.runs:
            gain = {
                tested: found.difference(f"erasing, {trained}", hidden(tested)).mean
                for tested in FILLS
            }
            own = gain.pop(trained)
            shares += [other / own for other in gain.values()]
    return max(shares)


def after_64_epochs() -> list[float]:
    """Return the gains of random pixels under squares of each fill, in points."""
    found = LONG.recorded()
    return [100 * found.difference("erasing, random", hidden(fill)).mean for fill in FILLS]


def gained(arm: str, metric: str, against: str = "none") -> Callable[[], float]:
    """Return how to work out by how many points one mean lies above another."""
    return lambda: 100 * PLAN.recorded().difference(arm, metric, against).mean


def both(arm: str) -> Callable[[], list[float]]:
    """Return how to work out the mean accuracy after 16 and after 64 epochs, in percent."""
    return lambda: [100 * plan.recorded().mean(arm) for plan in (PLAN, LONG)]


def gains_more_when_longer() -> None:
    """Compare the gains of both lengths seed by seed."""
    short, long = (plan.recorded() for plan in (PLAN, LONG))
    of_short, of_long = (
        {
            seed: value - found.values("none")[seed]
            for seed, value in found.values("erasing, random").items()
        }
        for found in (short, long)
    )
    gap = paired_difference(ACCURACY, of_long, {seed: of_short[seed] for seed in of_long})
    assert gap.low > 0, gap


def fits(largest: float, smallest: float = 0.3) -> float:
    """Return the chance of a rectangle of the largest area, by the chapter's formula."""
    return min(1.0, math.log(1 / largest) / math.log(1 / smallest))


def erased() -> float:
    """Return the share of all pixels that are erased, in percent, counted at 96 × 96 pixels."""
    torch.manual_seed(0)
    box = RandomErasing().draw((400_000, 1, 96, 96))
    return 100 * (box.high * box.wide).double().mean().item() / 96**2


def own_fill_is_best() -> None:
    """Look at each column of the table for hidden squares."""
    found = PLAN.recorded()
    for fill in FILLS:
        means = {arm: found.mean(arm, hidden(fill)) for arm in PLAN.recipes}
        best = max(means, key=lambda arm: means[arm])
        assert best == f"erasing, {fill}", f"{fill} squares: {means}"


def corners_are_rarest() -> None:
    """Count how often Random Erasing hides the middle and the corners."""
    chances = coverage(RandomErasing(fill=0))
    corners = chances[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() < 0.01 and chances[14, 14] > 0.15, (corners, chances[14, 14])


def loss_in(setting: str) -> list[float]:
    """Return the NLL without and with Random Erasing in a standing setting."""
    found = result(setting)
    assert found is not None
    return [found.mean(arm, "nll") for arm in ("baseline", "Random Erasing")]


def wide_in_colour() -> None:
    """Look at how far the interval on the card reaches to either side."""
    found = finding("random_erasing", "colour")
    assert found is not None and len(found.difference.values) == 5
    assert found.difference.high - found.difference.mean > 0.02


def of_the_range(low: float, high: float) -> float:
    """Return the share of a range above 1."""
    return (high - 1) / (high - low)


CLAIMS: list[Claim] = [
    # The derivation.
    Says("At $r_1=0.3$ it is {:.2f}", lambda: of_the_range(0.3, 1 / 0.3)),
    Says("which is {:.2f} at $s=0.4$.", lambda: fits(0.4)),
    Says(
        "the mean area of what is erased is {:.3f} instead of",
        lambda: shapes(0.3, 0.4, logarithmic=True, count=1_000_000).mean_area,
    ),
    Says("With $p=0.5$, {:.1f} % of all pixels are erased.", erased),
    Says("which is {:.2f} at $s=0.4$. Rounding", lambda: (1 / 0.4 - 0.4) / (1 / 0.3 - 0.3)),
    Says(
        "on 28 × 28 pixels the mean area is {:.3f}",
        lambda: shapes(0.3, 0.4, logarithmic=True, count=1_000_000, side=28).mean_area,
    ),
    Says("with a chance of {:.3f} each", lambda: shapes(0.3, 0.4, logarithmic=True).rejected),
    Says("={:.0f}$ % fit", lambda: 100 * fits(0.8)),
    Holds("corners are hidden least", corners_are_rarest, carries="and corners hardly ever."),
    # Hidden squares.
    Holds(
        "each fill is best under squares of its own",
        own_fill_is_best,
        carries="training with the square's own fill is best",
    ),
    *(
        Within(
            f"lead of the own fill, {fill} squares",
            PLAN,
            ahead(fill),
            10 * POINT,
            carries="by 10 points or more.",
        )
        for fill in FILLS
    ),
    *(
        Helps(PLAN, f"erasing, {fill}", hidden(fill), by=10 * POINT, comparisons=SQUARES)
        for fill in FILLS
    ),
    Within("what another fill keeps of the gain, 16 epochs", PLAN, kept, high=0.6, carries=LOST),
    Within("what another fill keeps of the gain, 64 epochs", LONG, kept, high=0.6, carries=LOST),
    *(
        NoneSeen(PLAN, f"erasing, {trained}", hidden(tested), comparisons=SQUARES, carries=EITHER)
        for trained, tested in (("random", "black"), ("black", "random"))
    ),
    *(
        Helps(LONG, "erasing, random", hidden(fill), comparisons=3, carries=ALL_THREE)
        for fill in FILLS
    ),
    Says("by {:.1f}, {:.1f} and {:.1f} points.", after_64_epochs),
    # Whole images.
    Says(
        "With random pixels the accuracy is {:.1f} points higher",
        gained("erasing, random", "accuracy"),
    ),
    Says(
        "on whole images random pixels gained {:.1f} points here",
        gained("erasing, random", "accuracy"),
    ),
    Helps(PLAN, "erasing, random", comparisons=ARMS),
    Helps(AGAIN, "erasing, random", carries="**On whole images the gain is small.**"),
    *(
        NoneSeen(PLAN, f"erasing, {fill}", comparisons=ARMS, carries=WHOLE)
        for fill in ("mean", "black")
    ),
    *(
        Helps(
            PLAN,
            f"erasing, {fill}",
            metric,
            comparisons=ARMS,
            carries="NLL and ECE improve with each of the three fills.",
        )
        for fill in FILLS
        for metric in ("nll", "ece")
    ),
    Says(
        "Without erasing the mean is {:.1f} % after 16 epochs and {:.1f} % after 64", both("none")
    ),
    Says("with random pixels, {:.1f} and {:.1f} %.", both("erasing, random")),
    Helps(LONG, "erasing, random", by=1 * POINT),
    Holds(
        "after 64 epochs the gain is larger, in the seeds that both lengths have",
        gains_more_when_longer,
        carries="**After 64 epochs it is larger.**",
    ),
    # Cutout.
    NoneSeen(PLAN, "erasing, mean", baseline="cutout, mean", comparisons=3, carries=CUTOUT),
    Helps(
        PLAN,
        "erasing, mean",
        hidden("mean"),
        baseline="cutout, mean",
        comparisons=3,
    ),
    Says(
        "grey rectangles are {:.1f} points ahead of grey squares",
        gained("erasing, mean", hidden("mean"), "cutout, mean"),
    ),
    # The standing settings.
    Says(
        "In *garments* the NLL falls from {:.3f} to {:.3f}, in *colour* from {:.3f} to {:.3f}.",
        lambda: [*loss_in("garments"), *loss_in("colour")],
    ),
    Holds(
        "in colour the interval reaches three points to either side",
        wide_in_colour,
        carries="With five seeds, *colour* hides a gain or loss of three or four points.",
    ),
    # The papers.
    Printed("falls from 4.39 to 4.02 %", ZHONG),
    Printed("| ResNet-20 | 7.21, 6.73 | 30.84, 29.97 | 4.39, 4.02 |", ZHONG),
    Printed("| ResNet-110 | 5.10, 4.61 | 23.73, 22.10 | 4.40, 4.01 |", ZHONG),
    Printed("| WRN-28-10 | 3.80, 3.08 | 18.49, 17.73 | 4.01, 3.65 |", ZHONG),
    Printed("| 5.04 | 4.61 | 4.49 |", HYSTS),
    Printed("| 77.31 | 77.91 | 78.01 |", "PaddleClas, DataAugmentation_en.md"),
    Printed("from 78.606 to 78.796 %", "pytorch.github.io, how to train state-of-the-art models"),
    Printed("about equal", "layumi/Person_reID_baseline_pytorch, issue 9"),
    Printed("a loss of about 4 points", "weiaicunzai/Bag_of_Tricks, README"),
]
