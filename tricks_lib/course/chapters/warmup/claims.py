"""What chapter 01 says of its records, and what Goyal et al. 2017 printed.

The verdicts of *Evidence* are computed where they are shown; here stand the words that are typed.

Chapter: notebooks/01_warmup.ipynb
"""

import statistics

from tricks_lib.course.claims import Claim, Differs, Helps, Holds, Hurts, Printed, Says, Within
from tricks_lib.course.standing.comparisons import SETTINGS, finding
from tricks_lib.lab.study import StudyResult

from .study import (
    CALM,
    CALM_WARM,
    CURVATURE,
    EQUAL,
    EQUAL_SUM,
    HASTY,
    HELD,
    LARGE,
    MODEST,
    PLAN,
    WARM,
    sum_of_learning_rates,
)

__all__ = ["CLAIMS", "GOYAL"]

GOYAL = {
    "small batches": (23.60, 0.12),
    WARM: (23.74, 0.09),
    HASTY: (24.84, 0.37),
    HELD: (25.88, 0.56),
}
"""Goyal et al. 2017, arXiv:1706.02677, table 1: top-1 error (%) of ResNet-50 on ImageNet, mean and
deviation of 5 runs."""


def bound(rate: float) -> float:
    """Return the largest curvature that a learning rate tolerates with momentum 0.9."""
    return 2 * (1 + 0.9) / rate


def share_above_guessing(result: StudyResult) -> float:
    """Return the share of runs without warmup whose loss soon rises above that of guessing."""
    curves = result.values(HASTY, "loss").values()
    return sum(max(curve[:10]) > 2.5 for curve in curves) / len(curves)


def typical_first_curvature(result: StudyResult) -> float:
    """Return the median of the curvature before the first step, which no arm has changed yet."""
    return statistics.median(result.values(HASTY, "curvature_at_first").values())


def points(arm: str, against: str) -> float:
    """Return the mean difference of two arms in test accuracy, in points."""
    return 100 * PLAN.recorded().difference(arm, baseline=against).mean


def share_calm(result: StudyResult) -> float:
    """Return the share of fresh networks that are flat enough for the modest learning rate."""
    found = result.values(HASTY, "curvature_at_first").values()
    return sum(value < bound(MODEST.lr) for value in found) / len(found)


def flat_enough(arm: str, name: str = "curvature_when_over") -> list[bool]:
    """Tell of each run whether the full learning rate tolerates its curvature."""
    found = CURVATURE.recorded().values(arm, name).values()
    return [value < bound(LARGE.lr) for value in found]


def rising_made_flat() -> None:
    """Look at the end of gradual warmup."""
    assert flat_enough(WARM) == [True] * 10


def small_did_not() -> None:
    """Look at the end of constant warmup: if it were flat there too, the rise would explain
    nothing."""
    assert flat_enough(HELD) == [False] * 10


def spike_made_flat() -> None:
    """Look at no warmup before the first step and after fifteen; the loss is highest between."""
    assert flat_enough(HASTY, "curvature_at_first") == [False] * 10
    assert flat_enough(HASTY) == [True] * 10
    curves = PLAN.recorded().values(HASTY, "loss").values()
    assert all(0 < curve.index(max(curve)) < 15 for curve in curves)


def nothing_seen_where_tuned() -> None:
    """Look at the standing settings, whose learning rate was tuned without warmup."""
    found = {name: finding("warmup", name) for name in SETTINGS}
    words = {name: one and one.word for name, one in found.items()}
    assert set(words.values()) == {"no difference seen"}, f"they say {words}"


def spread_of_differences() -> float:
    """Return the standard deviation of the differences, gradual warmup minus none, in points."""
    return 100 * statistics.stdev(PLAN.recorded().difference(WARM, baseline=HASTY).values)


def arms_agree_after_the_warmup() -> None:
    """Compare the learning rates of all arms that share one."""
    for arms in ((HASTY, HELD, WARM), (CALM, CALM_WARM)):
        for time in (1.0, 1.5, 2.7, 3.99, 4.0):
            factors = {arm: PLAN.recipes[arm].schedule(time) for arm in arms}
            assert len(set(factors.values())) == 1, f"at {time} epochs: {factors}"


def sums() -> list[float]:
    """Return the sums of the learning rates without warmup, with gradual and constant warmup."""
    return [sum_of_learning_rates(PLAN.recipes[arm]) for arm in (HASTY, WARM, HELD)]


CLAIMS: list[Claim] = [
    Holds(
        "arms of one learning rate agree after the warmup",
        arms_agree_after_the_warmup,
        carries="from the end of the warmup on, arms of one learning rate are alike.",
    ),
    Says("{:.1f} without warmup, {:.1f} with gradual and {:.1f} with constant warmup", sums),
    Says("a learning rate of {:.3f} has the same sum", lambda: EQUAL_SUM.lr),
    Says("a learning rate of 1.6 tolerates a curvature of {:.3f}", lambda: bound(LARGE.lr)),
    Says("one of 0.1 tolerates {:.0f}", lambda: bound(LARGE.lr / 16)),
    Says("0.2 tolerates {:.0f}", lambda: bound(MODEST.lr)),
    Within(
        "the share of runs without warmup that get worse than guessing at first",
        PLAN,
        share_above_guessing,
        low=1.0,
        carries="training makes the network worse than one that guesses.",
    ),
    Within(
        "the curvature before the first step",
        CURVATURE,
        typical_first_curvature,
        low=6,
        high=14,
        carries="$\\lambda=8$, which is of the size that we will measure before the first step",
    ),
    Within(
        "the share of fresh networks whose curvature the modest learning rate tolerates",
        CURVATURE,
        share_calm,
        low=0.8,
        carries="which is more than a fresh network usually has in Figure 5",
    ),
    Says("and warmup cost {:.1f} points there", lambda: -points(CALM_WARM, CALM)),
    Says(
        "- Here, at 1.6, warmup gained {:.1f} points; a smaller learning rate with the same sum "
        "gained {:.1f}, and 0.2 without warmup {:.1f}.",
        lambda: [points(arm, HASTY) for arm in (WARM, EQUAL, CALM)],
    ),
    Says(
        "the recorded differences have a standard deviation of {:.0f} points",
        spread_of_differences,
    ),
    Holds(
        "the standing settings saw no difference",
        nothing_seen_where_tuned,
        carries="Standing settings: no difference seen",
    ),
    Hurts(PLAN, CALM_WARM, baseline=CALM, comparisons=5),
    Helps(PLAN, CALM, baseline=WARM, comparisons=3),
    Holds(
        "a rising learning rate led into a flat place in every run",
        rising_made_flat,
        carries="In ten of ten runs a *rising* learning rate led into a flat place",
    ),
    Holds(
        "a small learning rate, the control that had to fail, led there in none",
        small_did_not,
        carries="one that was merely small never did.",
    ),
    Holds(
        "without warmup the network starts too curved, and is flat enough once the spike is over",
        spike_made_flat,
        carries="The run without warmup gets there too, but through a higher spike",
    ),
    Differs(CURVATURE, HELD, "curvature_when_over", baseline=WARM),
    Printed('"still reaches similar accuracy"', source="He et al. 2016, footnote 5"),
    Printed('"the network is changing rapidly"', source="Goyal et al. 2017, section 2.2"),
]
