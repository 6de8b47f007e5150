"""What chapter 00 says of its records.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Sequence
from statistics import correlation

from tricks_lib.course.claims import Claim, Holds, Within
from tricks_lib.lab.study import (
    ACCURACY,
    Difference,
    Finding,
    StudyResult,
    overall,
    paired_difference,
)
from tricks_lib.models import small_resnet

from .study import PLAN

__all__ = ["CLAIMS"]


def one_seed_can_say_the_opposite_of_another() -> None:
    """Compare the largest gain with the largest loss."""
    gaps = PLAN.recorded().difference("half the learning rate").values
    assert min(gaps) < 0 < max(gaps), f"the gaps of the seeds are {gaps}"


def pairing(result: StudyResult) -> float:
    """Return how far the two arms move together over the seeds."""
    return correlation(*(list(result.values(arm).values()) for arm in result.runs))


def gap(trick: Sequence[float], baseline: Sequence[float], diverged: int = 0) -> Difference:
    """Compare accuracies in per cent, seed by seed; so many runs of the trick diverged."""
    ours, theirs = (dict(enumerate(value / 100 for value in arm)) for arm in (trick, baseline))
    return paired_difference(ACCURACY, ours, theirs, diverged=diverged)


def words_of_a_verdict() -> None:
    """Ask the library for the verdicts on differences that call for each word."""
    for word, difference in (
        ("helps", gap((81, 82, 83), (80, 80, 81))),
        ("hurts", gap((80, 80, 81), (81, 82, 83))),
        ("makes no difference", gap((80.1, 80.2, 81.1), (80, 80, 81))),
        ("no difference seen", gap((80, 84, 81), (82, 81, 82))),
    ):
        assert difference.verdict == word, f"{difference} is said to be {difference.verdict!r}"


def words_of_several_settings() -> None:
    """Ask for the word on a setting in which it helps and one in which it hurts."""
    better, worse = (81, 82, 83), (80, 80, 81)
    findings = [Finding(gap(better, worse)), Finding(gap(worse, better))]
    assert overall(findings) == "depends", f"it is said to be {overall(findings)!r}"


def word_of_runs_that_end_early() -> None:
    """Ask for the word on a trick that gains, and loses one run more than its baseline."""
    difference = gap((81, 82, 83), (80, 80, 81), diverged=1)
    assert difference.verdict == "hurts", f"it is said to be {difference.verdict!r}"


def size_of_the_network() -> None:
    """Count the parameters, in thousands."""
    count = sum(parameter.numel() for parameter in small_resnet(1, 10).parameters())
    assert round(count / 1000) == 78, f"the network has {count} parameters"


CLAIMS: list[Claim] = [
    Holds("one seed can say the opposite of another", one_seed_can_say_the_opposite_of_another),
    Within("the correlation that makes pairing help", PLAN, pairing, low=0),
    Holds(
        "the words of a verdict are read off the interval",
        words_of_a_verdict,
        carries="**helps**, **hurts**: the 95 % interval does not contain zero.\n"
        "- **makes no difference**: the whole interval lies less than 0.3 points from zero, which "
        "is too little to matter.\n"
        "- **no difference seen**: anything else.",
    ),
    Holds(
        "one setting that helps and one that hurts make it depend",
        words_of_several_settings,
        carries="**depends**: it helps in one setting and hurts in another",
    ),
    Holds(
        "a run that diverges decides",
        word_of_runs_that_end_early,
        carries="A trick with which more runs end in an infinite loss than without it *hurts*, "
        "whatever its other runs say.",
    ),
    Holds("the network has 78 thousand parameters", size_of_the_network),
]
