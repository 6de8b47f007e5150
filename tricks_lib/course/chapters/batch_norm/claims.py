"""What chapter 18 says of its records and of the papers.

Chapter: notebooks/18_batch_norm.ipynb
"""

from collections.abc import Callable
from functools import partial
from statistics import median_low

import torch

from tricks_lib.course.claims import (
    Claim,
    Differs,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.plan import StudyPlan
from tricks_lib.lab.study import Difference, StudyResult
from tricks_lib.models import small_resnet

from .figures import _mean_of_lists, looks
from .study import (
    FACTORS,
    FREE,
    GHOST,
    GHOSTS,
    GROUP,
    HE,
    HELD_LENGTHS,
    LENGTH_RATES,
    LENGTHS,
    LONG,
    MIDDLE,
    NONE,
    NORM,
    PLAN,
    SMALL,
    SMALL_FACTORS,
    SMALL_MIDDLES,
    STATISTICS,
    SURFACE,
    at_rate,
    batch_norms,
    of_size,
    over,
)

__all__ = ["CLAIMS"]

STILL = f"{NORM}, held"
AHEAD = (
    "After 10 epochs the network with it led the one without by {:.1f} points, each at its best "
    "learning rate; He's initialisation by {:.1f}, group normalisation by {:.1f}."
)


def percent(plan: StudyPlan, arm: str, metric: str = "accuracy") -> float:
    """Return the recorded mean of a share, in percent."""
    return 100 * plan.recorded().mean(arm, metric)


def largest(arm: str) -> float:
    """Return the median of the largest learning rates that train."""
    return median_low(PLAN.recorded().values(arm, "largest_rate").values())


def chose_the_lowest(arm: str) -> int:
    """Return how many seeds chose the lowest learning rate."""
    return [*PLAN.recorded().values(arm, "rate").values()].count(min(FACTORS) * MIDDLE)


def fewest_values() -> int:
    """Return over how few values a channel is normalised, in parts of two images."""
    counts: list[int] = []
    model = small_resnet(1, 10)
    for norm in batch_norms(model).values():
        norm.register_forward_pre_hook(
            lambda part, given: counts.append(given[0].numel() // given[0].shape[1])
        )
    model(torch.zeros(2, 1, 28, 28))
    return min(counts)


def lowest_in_small_batches(found: StudyResult) -> int:
    """Return how many runs in small batches chose the lowest of their learning rates."""
    return sum(
        [*found.values(of_size(name, size), "rate").values()].count(min(SMALL_FACTORS) * middle)
        for size, middle in SMALL_MIDDLES.items()
        for name in (NORM, GROUP)
    )


def without_growth(lr: float) -> list[float]:
    """Return both ends of the interval of what weights that may not grow change, in points."""
    gap = LENGTHS.recorded().difference(
        at_rate(HELD_LENGTHS, lr), baseline=at_rate(FREE, lr), comparisons=len(LENGTH_RATES)
    )
    return [100 * gap.low, 100 * gap.high]


def moving(metric: str, part: str = "mean") -> float:
    """Return by which factor moving statistics lengthen the largest step."""
    gap = SURFACE.recorded().difference(NORM, metric, baseline=STILL, comparisons=2)
    return float(2 ** getattr(gap, part))


def points_ahead(rival: str) -> float:
    """Return how far batch normalisation is ahead of a rival, in points."""
    return percent(PLAN, NORM) - percent(PLAN, rival)


def at_all_rates(place: Callable) -> Callable[[StudyResult], float]:
    """Return how to find the smallest or largest accuracy from 0.025 to 0.8, in percent."""
    return lambda found: float(100 * place(_mean_of_lists(found, NORM, "accuracies")[:6]))


def calm_only_in_comparison_with_itself() -> None:
    """Hold the surface of the network without normalisation to be no rougher at first."""
    found = SURFACE.recorded()
    (first, loss), (norms, _) = looks(found, NONE)[0], looks(found, NORM)[0]
    assert first > norms + 2, f"largest steps 2^{first} and 2^{norms}"
    assert 2.2 < loss < 2.35, f"the network without normalisation has the loss {loss}"


def barely(gap_of: Callable[[], Difference]) -> Callable[[], None]:
    """Return a check that an interval leaves out zero, and only just."""

    def test() -> None:
        gap = gap_of()
        assert 0 < gap.low < 0.001, f"{gap}"

    return test


def stale(arm: str) -> Difference:
    """Return what statistics made afresh change for an arm."""
    return STATISTICS.recorded().difference(f"{arm}, afresh", baseline=arm, comparisons=6)


CLAIMS: list[Claim] = [
    # The comparison.
    Helps(PLAN, NORM, comparisons=5, by=0.05),
    Helps(PLAN, NORM, baseline=HE, comparisons=5, by=0.02),
    Helps(PLAN, NORM, baseline=GROUP, comparisons=5, by=0.02),
    Says(
        "For He's initialisation {:d} of 10 seeds chose the lowest of the eight, for group "
        "normalisation {:d}:",
        lambda: [chose_the_lowest(arm) for arm in (HE, GROUP)],
    ),
    Says(AHEAD, lambda: [points_ahead(rival) for rival in (NONE, HE, GROUP)]),
    # The learning rate.
    Says(
        "Without normalisation the largest learning rate that trains is {:g} in the median, with "
        "it {:g}, the highest tried.",
        lambda: [largest(NONE), largest(NORM)],
    ),
    Says(
        "Of eight learning rates, the largest that trains was {:.0f} times as large with it",
        lambda: largest(NORM) / largest(NONE),
    ),
    Within(
        "the highest learning rate that was tried, as a share of the largest that trains",
        PLAN,
        lambda found: max(FACTORS) * MIDDLE / largest(NORM),
        low=1,
        high=1,
        carries="the highest tried",
    ),
    Says(
        "At 6.4 the test accuracy is {:.0f} %.",
        lambda: 100 * _mean_of_lists(PLAN.recorded(), NORM, "accuracies")[-1],
    ),
    *(
        Within(
            f"{place.__name__} accuracy from 0.025 to 0.8",
            PLAN,
            at_all_rates(place),
            low=81,
            high=83.5,
            carries="But from 0.025 to 0.8 it stays between 81 and 83 %",
        )
        for place in (min, max)
    ),
    # The surface.
    Differs(SURFACE, NORM, "doublings", baseline=STILL, by=3, comparisons=2),
    Differs(SURFACE, NORM, "length", baseline=STILL, by=2, comparisons=2),
    Says(
        "this number is on average {:.0f} times as large ({:.0f} to {:.0f}).",
        lambda: [moving("doublings", part) for part in ("mean", "low", "high")],
    ),
    Says(
        "As a share of the weights, the largest step with moving statistics is {:.0f} times as "
        "long",
        lambda: moving("length"),
    ),
    Says(
        "Statistics that move with the weights made the longest step down {:.0f} times as long",
        lambda: moving("length"),
    ),
    Holds(
        "the surface without normalisation",
        calm_only_in_comparison_with_itself,
        carries="at first that network still guesses, and its surface is flat.",
    ),
    *(
        NoneSeen(
            LENGTHS,
            at_rate(HELD_LENGTHS, lr),
            baseline=at_rate(FREE, lr),
            comparisons=len(LENGTH_RATES),
            carries="where weights may not grow, no difference in accuracy is seen, up to a "
            "learning rate of 6.4.",
        )
        for lr in LENGTH_RATES
    ),
    Says(
        "At 0.2 the interval is −{:.1f} to +{:.1f} points; at 6.4 it is −{:.0f} to +{:.0f}, which "
        "decides nothing.",
        lambda: [abs(end) for lr in (0.2, 6.4) for end in without_growth(lr)],
    ),
    Says(
        "each step ({:.1f} for all together).",
        lambda: LENGTHS.recorded().mean(at_rate(HELD_LENGTHS, LENGTH_RATES[0]), "length"),
    ),
    # Whose statistics.
    *(
        NoneSeen(STATISTICS, f"{arm}, afresh", baseline=arm, comparisons=6, carries=carries)
        for arm, carries in (
            ("plain", "The running statistics are good enough in the plain run."),
            ("crop and mirror", ""),
        )
    ),
    *(
        Helps(STATISTICS, f"{arm}, afresh", baseline=arm, comparisons=6)
        for arm in ("slow averages", "mixup")
    ),
    Says(
        "are stale: {:.0f} points are lost, and a pass over the training images brings them back.",
        lambda: 100 * stale("slow averages").mean,
    ),
    Says(
        "After mixup such a pass gains {:.1f} points.",
        lambda: 100 * stale("mixup").mean,
    ),
    *(
        Holds(
            f"{arm}: an interval near zero",
            barely(partial(stale, arm)),
            carries="the intervals only just leave out zero.",
        )
        for arm in ("constant rate", "Cutout")
    ),
    Says(
        "on batches of one class, {:.0f} % are right",
        lambda: percent(STATISTICS, "plain", "accuracy_on_one_class"),
    ),
    # Ghosts.
    NoneSeen(
        GHOST,
        over(2),
        comparisons=len(GHOSTS),
        carries="With statistics over two images no difference is seen",
    ),
    Says(
        "With statistics over two images no difference is seen: {:.1f} % against {:.1f} %.",
        lambda: [percent(GHOST, over(2)), percent(GHOST, over(128))],
    ),
    Says(
        "The training loss rises, from {:.2f} to {:.2f}.",
        lambda: [GHOST.recorded().mean(over(n), "train_loss") for n in (128, 2)],
    ),
    Says("A channel still has at least {:d} values", fewest_values),
    Within(
        "runs in small batches that chose the lowest of three learning rates, of 20",
        SMALL,
        lowest_in_small_batches,
        low=11,
        carries="seeds chose the lowest of the three",
    ),
    # Time.
    Within(
        "what is left of the lead after 40 epochs, in percent",
        LONG,
        lambda found: 1e4 * (found.mean(NORM) - found.mean(NONE)) / points_ahead(NONE),
        high=25,
        carries="Most of the lead is gone",
    ),
    Says(
        "After 40 epochs it led the one without by {:.1f}, with an interval that nearly touches "
        "zero, and group normalisation by {:.1f};",
        lambda: [percent(LONG, NORM) - percent(LONG, rival) for rival in (NONE, GROUP)],
    ),
    Helps(LONG, NORM, baseline=GROUP, comparisons=2),
    Hurts(
        LONG,
        NORM,
        "nll",
        comparisons=2,
        by=0.05,
        carries="Most of the lead is gone, and the NLL is higher;",
    ),
    Hurts(
        LONG,
        NORM,
        "nll",
        baseline=GROUP,
        comparisons=2,
        by=0.05,
        carries="its NLL was higher than theirs.",
    ),
    Holds(
        "an interval near zero",
        barely(lambda: LONG.recorded().difference(NORM, comparisons=2)),
        carries="the first of these intervals only just leaves out zero",
    ),
    # The papers.
    Printed(
        '"The same accuracy with 14 times fewer training steps"', "Ioffe and Szegedy 2015, abstract"
    ),
    Printed('"much higher learning rates"', "Ioffe and Szegedy 2015, abstract"),
    Printed('"little to do with the success"', "Santurkar et al. 2018, abstract"),
    # The abstract has "10.6%": the difference of two error rates, 34.7 and 24.1 %.
    Printed("10.6 points lower with group normalisation", "Wu and He 2018, abstract"),
]
