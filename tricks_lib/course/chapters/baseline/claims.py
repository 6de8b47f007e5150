"""What chapter 00 says of its records.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Sequence

import numpy as np

from tricks_lib.course.claims import Claim, Holds, Hurts, NoneSeen, Printed, Says, Within
from tricks_lib.course.standing import colour, garments
from tricks_lib.course.standing.comparisons import BASELINE, COMPARISONS, comparisons, finding
from tricks_lib.lab.study import (
    ACCURACY,
    POINT,
    Difference,
    Finding,
    StudyResult,
    overall,
    paired_difference,
)

from . import chance
from .sentences import by_sample, correlation, first_pairs, in_points
from .study import OWN, PLAN, SAMPLES

__all__ = ["CLAIMS"]

ARM = "half the learning rate"


def one_seed_can_say_the_opposite_of_another() -> None:
    """Compare the largest gain with the largest loss."""
    gaps = PLAN.recorded().difference(ARM).values
    assert min(gaps) < 0 < max(gaps), f"the gaps of the seeds are {gaps}"


def span(result: StudyResult) -> float:
    """Return how far the best and the worst run of the baseline lie apart, in points."""
    return float(np.ptp(in_points(result, "baseline")))


def median_correlation(result: StudyResult) -> float:
    """Return the middle of all correlations over the seeds that the course's records hold."""
    return float(np.median([one.correlation for one in chance.together()]))


def error_of_the_images(result: StudyResult) -> float:
    """Return the error by the test images, as a share of that by the seeds."""
    of_seeds, of_images = chance.error_of_the_test_images(result, ARM)
    return of_images / of_seeds


def binomial_error() -> tuple[float, float]:
    """Return the baseline's accuracy in %, and its error on 5,000 images in points."""
    share = PLAN.recorded().mean("baseline")
    return 100 * share, 100 * (share * (1 - share) / 5000) ** 0.5


def samples_contradict_each_other() -> None:
    """Look for two samples of training images whose intervals have no point in common."""
    gaps = by_sample(SAMPLES.recorded()).values()
    assert max(gap.low for gap in gaps) > min(gap.high for gap in gaps), list(map(str, gaps))


def more_seeds_decide() -> None:
    """Look at the words of the first pairs of the study with few images, and of all."""
    few = OWN.recorded()
    words = [first_pairs(few, count).verdict for count in (5, 20, 60)]
    assert words[:2] == ["no difference seen"] * 2, words
    assert words[2] != "no difference seen", words
    simulated = 100 * np.random.default_rng(0).normal(0.0005, 0.005, 60)
    words = [gap(simulated[:n].tolist(), [0.0] * n).verdict for n in (5, 20, 60)]
    assert words[2] == "makes no difference" and words[0] == "no difference seen", words


def holm_is_sharper() -> None:
    """Compare what the three ways find, and how often they are wrong."""
    idle, some = chance.several_tricks([0] * 20), chance.several_tricks([0] * 15 + [0.5] * 5)
    for judged in (idle, some):
        assert judged["each alone"]["a false verdict"] > 0.5, judged
        for way in ("Bonferroni", "Holm"):
            assert judged[way]["a false verdict"] < 0.065, f"{way}: {judged[way]}"
    assert some["Holm"]["found"] >= some["Bonferroni"]["found"], some


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


def known(result: StudyResult) -> float:
    """Return the share of its own training images on which the baseline is right."""
    return result.mean(BASELINE, "train_accuracy")


def wide_in_colour() -> None:
    """Look at the intervals of all tricks in colour, and at how far they reach to either side."""
    gaps = [found.difference for slug in COMPARISONS if (found := finding(slug, "colour"))]
    assert {len(gap.values) for gap in gaps} == {5}
    assert min(gap.high - gap.mean for gap in gaps) > 2 * POINT


def longer_runs_gain_most() -> None:
    """Compare half as many epochs again with every trick that was put into the baseline."""
    found = colour.SETTING.plan.recorded()
    longer = found.mean("1.5 times the epochs")
    for arm in {one.arm for one in COMPARISONS.values()} - {BASELINE}:
        assert found.mean(arm) < longer, f"{arm} gains more"


def one_group_is_best_at_an_end() -> None:
    """Look for the groups of the search whose best try is the first or the last."""
    at_an_end = {
        (setting.name, group)
        for setting in (garments.SETTING, colour.SETTING)
        for group, chosen in setting.choose().items()
        if list(setting.groups[group]).index(chosen) in (0, len(setting.groups[group]) - 1)
    }
    assert at_an_end == {("garments", "AdaBound")}, at_an_end


def all_groups_have_five_tries() -> None:
    """Count the tries of each group, and the seeds of the searches."""
    for setting in (garments.SETTING, colour.SETTING):
        for group, tried in setting.groups.items():
            assert len(tried) == 5, f"{setting.name}, {group}: {len(tried)} tries"
        assert setting.search.on == "validation"
        assert not set(setting.search_seeds) & set(range(setting.seeds))
    assert (len(garments.SETTING.search_seeds), len(colour.SETTING.search_seeds)) == (5, 2)


CLAIMS: list[Claim] = [
    Hurts(PLAN, ARM),
    NoneSeen(
        garments.SETTING.plan,
        ARM,
        carries="on a GPU, ten of our seeds see no difference.",
    ),
    Holds(
        "every group of the standing searches had five tries, on validation images",
        all_groups_have_five_tries,
        carries="was the best of five tries on validation images",
    ),
    Says("all {} intervals hold at once", lambda: len(comparisons())),
    Within(
        "how well the baseline in colour knows its own training images",
        colour.SETTING.plan,
        known,
        0.95,
        carries="Its network learns its training images",
    ),
    Holds(
        "in colour the intervals are several points wide",
        wide_in_colour,
        carries="five seeds leave intervals several points wide: a gain of a point or two does not "
        "show there.",
    ),
    Holds(
        "in colour longer runs gain as much as any trick, or more",
        longer_runs_gain_most,
        carries="And no trick that is put into it ended ahead of 1.5 times the epochs.",
    ),
    Holds(
        "one group of the standing searches has its best try at an end",
        one_group_is_best_at_an_end,
        carries="In one case the best of the five still lies at an end, and a better one may lie "
        "beyond: AdaBound in *garments*.",
    ),
    Holds("one seed can say the opposite of another", one_seed_can_say_the_opposite_of_another),
    Within("best and worst of twenty runs, in points", PLAN, span, low=0.8),
    Within(
        "in most comparisons of the records two runs of one seed share little more than the images",
        PLAN,
        median_correlation,
        high=0.6,
    ),
    Within(
        "the test images' own error is of the size of the seeds'",
        PLAN,
        error_of_the_images,
        low=0.5,
        high=2,
    ),
    Holds(
        "verdicts on different samples of images contradict each other",
        samples_contradict_each_other,
        carries="Each upper interval is about its own 200 images.",
    ),
    Within("pairs are worth most with few own images", OWN, correlation, low=0.7),
    Holds("more seeds may turn it into either word", more_seeds_decide),
    Holds(
        "Holm keeps the promise of Bonferroni and never finds less",
        holm_is_sharper,
        carries="Holm keeps the same promise and never finds less",
    ),
    Holds(
        "the words of a verdict are read off the interval",
        words_of_a_verdict,
        carries="**makes no difference**: the whole 95 % interval lies less than 0.3 points from "
        "zero, which is too little to matter.\n"
        "- **helps**, **hurts**: it does not contain zero.\n"
        "- **no difference seen**: anything else.",
    ),
    Holds(
        "one setting that helps and one that hurts make it depend",
        words_of_several_settings,
        carries="*Depends* means that a trick helps in one setting and hurts in another.",
    ),
    Holds(
        "a run that diverges decides",
        word_of_runs_that_end_early,
        carries="A trick with which more runs end in an infinite loss than without it *hurts*, "
        "whatever its other runs say.",
    ),
    Says("for {:.1f} % and 5,000 images it is {:.2f} points", binomial_error),
    Printed("23.60 ± 0.12 %", source="Goyal et al. 2017, table 1"),
]
