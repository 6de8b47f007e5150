"""What chapter 20 says of the records and of the papers.

Chapter: notebooks/20_own_images.ipynb
"""

from itertools import combinations

from scipy import stats

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Within

from .figures import choosing, elsewhere, errors, half_width
from .study import AGAIN, GEOMETRY, LONG, LONGER, PLAN

__all__ = ["CLAIMS"]

BEST = ("autoaugment", "random_erasing", "cutout")
"""The arms that help by accuracy."""


def these_help_and_no_others() -> None:
    """Look at all arms, with intervals that hold at once."""
    found = PLAN.recorded().differences()
    helping = {arm for arm, gap in found.items() if gap.verdict == "helps"}
    assert helping == set(BEST), helping


def thirteen_by_the_nll() -> None:
    """Count the arms whose NLL is better."""
    recorded = PLAN.recorded()
    found = [recorded.difference(arm, "nll", comparisons=18) for arm in recorded.differences()]
    assert sum(gap.verdict == "helps" for gap in found) == 13, [gap.verdict for gap in found]


def a_third_less() -> float:
    """Return what is left of the best arm's lead in ten further seeds."""
    first, again = (part.recorded().difference(BEST[0]).mean for part in (PLAN, AGAIN))
    return again / first


def order_elsewhere() -> None:
    """Correlate the ranks here and in the standing settings."""
    for setting in ("garments", "colour"):
        here, there = zip(*elsewhere(PLAN.recorded(), setting).values(), strict=True)
        found = stats.spearmanr(here, there)
        assert found.pvalue > 0.2 and abs(found.statistic) < 0.4, (setting, found)


def seeds_that_suffice() -> None:
    """Look where the curves of Figure 3 cross the line."""
    recorded = PLAN.recorded()
    apart = errors(recorded, "random_erasing")
    line = 100 * recorded.difference("random_erasing").mean

    def first(images: int) -> int:
        return next(n for n in range(2, 200) if half_width(*apart, n, images) < line)

    assert 4 <= first(2000) <= 6 and 9 <= first(300) <= 11 and first(100) > 30


def five_seeds_find_too_few() -> None:
    """Count what every choice of five of the ten recorded seeds would have found."""
    recorded = PLAN.recorded()
    values = {arm: list(gap.values) for arm, gap in recorded.differences().items()}
    found = []
    for chosen in combinations(range(10), 5):
        helping = 0
        for arm in BEST:
            gaps = [values[arm][seed] for seed in chosen]
            reach = stats.t.ppf(1 - 0.025 / len(values), 4) * stats.sem(gaps)
            helping += sum(gaps) / 5 > reach
        found.append(helping)
    assert max(found) < 3 and 0.4 < found.count(0) / len(found) < 0.5, found


def ten_seeds_choose_better() -> None:
    """Compare who chooses."""
    found = choosing(PLAN.recorded())
    told = {who: reported - others for who, (reported, others) in found.items()}
    assert told["60 validation images, one seed"] > 4
    assert told["100 test images, one seed"] > 4
    assert abs(told["60 validation images, ten seeds"]) < 1


CLAIMS: list[Claim] = [
    Hurts(PLAN, GEOMETRY, comparisons=2, carries="here crop and mirror hurt the accuracy"),
    Hurts(PLAN, GEOMETRY, baseline=LONGER, comparisons=2),
    Helps(PLAN, GEOMETRY, "nll", comparisons=18),
    Hurts(AGAIN, GEOMETRY, comparisons=4),
    NoneSeen(LONG, GEOMETRY, carries="no harm is seen, and no gain either"),
    Holds(
        "the arms that help",
        these_help_and_no_others,
        carries="All three that helped do so again",
    ),
    *(
        Helps(AGAIN, arm, comparisons=4, carries="All three that helped do so again")
        for arm in BEST
    ),
    Within(
        "what is left of the best arm's lead",
        AGAIN,
        lambda _: a_third_less(),
        low=0.6,
        high=0.72,
        carries="the best one leads by a third less",
    ),
    Holds(
        "arms with a better NLL",
        thirteen_by_the_nll,
        carries="the NLL of thirteen arms improved",
    ),
    Holds(
        "the order elsewhere",
        order_elsewhere,
        carries="the order elsewhere is no safe guide to the order here.",
    ),
    Holds(
        "seeds that suffice",
        seeds_that_suffice,
        carries="About five with 2,000 test images and ten with 300; with 100 not even thirty.",
    ),
    Holds(
        "five seeds find too few",
        five_seeds_find_too_few,
        carries="no choice out of the recorded ten finds all three that help, and nearly half find "
        "none.",
    ),
    Holds(
        "who chooses is flattered",
        ten_seeds_choose_better,
        carries="What chose an arm must not judge it.",
    ),
    Printed('"impact markedly the results"', "Bouthillier et al. 2021, abstract"),
    Printed('did well on "over 20 datasets"', "Kolesnikov et al. 2020, abstract"),
    Printed('the pretraining gave "minimal benefits"', "Kornblith et al. 2019, abstract"),
]
