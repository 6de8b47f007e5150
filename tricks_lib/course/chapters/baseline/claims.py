"""What chapter 00 says of its records.

Chapter: notebooks/00_baseline.ipynb
"""

from statistics import correlation

from tricks_lib.course.claims import Claim, Holds, Within
from tricks_lib.lab.study import ACCURACY, StudyResult, paired_difference
from tricks_lib.models import small_resnet

from .study import PLAN

__all__ = ["CLAIMS"]


def one_seed_can_say_the_opposite_of_another() -> None:
    """Compare the largest gain with the largest loss."""
    gaps = PLAN.recorded().difference("half the rate").values
    assert min(gaps) < 0 < max(gaps), f"the gaps of the seeds are {gaps}"


def pairing(result: StudyResult) -> float:
    """Return how far the two arms move together over the seeds."""
    return correlation(*(list(result.values(arm).values()) for arm in result.runs))


def words_of_a_verdict() -> None:
    """Ask the library for the verdicts on differences, in hundredths, that call for each word."""
    for word, trick, baseline in (
        ("helps", (81, 82, 83), (80, 80, 81)),
        ("hurts", (80, 80, 81), (81, 82, 83)),
        ("no difference seen", (80, 84, 81), (82, 81, 82)),
    ):
        figures = [dict(enumerate(n / 100 for n in arm)) for arm in (trick, baseline)]
        gap = paired_difference(ACCURACY, *figures)
        assert gap.verdict == word, f"expected {word!r} of {gap}, got {gap.verdict!r}"


def size_of_the_network() -> None:
    """Count the parameters, in thousands."""
    count = sum(parameter.numel() for parameter in small_resnet(1, 10).parameters())
    assert round(count / 1000) == 78, f"the network has {count} parameters"


CLAIMS: list[Claim] = [
    Holds("one seed can say the opposite of another", one_seed_can_say_the_opposite_of_another),
    Within("the correlation that makes pairing help", PLAN, pairing, low=0),
    Holds(
        "what the interval says, the verdict says",
        words_of_a_verdict,
        carries="**helps**, **hurts**: the 95 % interval does not contain zero.\n"
        "- **no difference seen**: it does.",
    ),
    Holds("the network has 78 thousand parameters", size_of_the_network),
]
