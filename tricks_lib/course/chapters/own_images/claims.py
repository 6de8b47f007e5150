"""What chapter 20 says of the records and of the papers.

Chapter: notebooks/20_own_images.ipynb
"""

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
    from scipy import stats

    for setting in ("garments", "colour"):
        here, there = zip(*elsewhere(PLAN.recorded(), setting).values(), strict=True)
        found = stats.spearmanr(here, there)
        assert found.pvalue > 0.2 and abs(found.statistic) < 0.4, (setting, found)


def hundred_images_never_suffice() -> None:
    """Look where the curve of Figure 3 ends, and at the line."""
    recorded = PLAN.recorded()
    apart, line = errors(recorded, "random_erasing"), recorded.difference("random_erasing").mean
    assert half_width(*apart, 10_000, 100) > 100 * line


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
    NoneSeen(LONG, GEOMETRY, carries="405 steps are too few for that."),
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
        carries="The differences elsewhere hardly tell the order here",
    ),
    Holds(
        "one hundred test images",
        hundred_images_never_suffice,
        carries="None: the curve of 100 images ends above the line.",
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
