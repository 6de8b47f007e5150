"""What chapter 04 says of its records, and of the authors' stored curves.

Chapter: notebooks/04_adabound.ipynb
"""

from tricks_lib.course.claims import Claim, Helps, Holds, NoneSeen, Printed, Within
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.study import StudyResult

from .study import CHOSEN, GROUPS, PLAN, TIED, TIES, TUNING

__all__ = ["CLAIMS"]

CURVES = "curves stored with the code of Luo et al. 2019"
OTHERS = (
    ("AdaBound, tuned", "Adam, tuned"),
    ("AdaBound, as published", "SGD, as published"),
    ("AdaBound, as published", "Adam, as published"),
    ("AMSBound, as published", "SGD, as published"),
)
"""The comparisons that are read together with that of tuned AdaBound and tuned SGD."""


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(TUNING.recorded(), GROUPS, ties=TIES.recorded())
    assert best == CHOSEN, f"the search found {best}"


def corners() -> None:
    """Look at where in their grids the chosen settings lie."""
    assert CHOSEN["SGD"] == "SGD, rate 0.08"
    assert "limit 1.0" in CHOSEN["AdaBound"]
    rates = [recipe.lr for recipe in GROUPS["Adam"].values()]
    chosen = GROUPS["Adam"][CHOSEN["Adam"]].lr
    assert chosen == max(rates), "Adam's learning rate is not the largest tried"


def speeds_tie() -> None:
    """Look for the tries of AdaBound that share the best accuracy, and what further seeds say."""
    searched = TUNING.recorded()
    tries = {arm: searched.mean(arm) for arm in GROUPS["AdaBound"]}
    best = [arm.partition(", gamma")[0] for arm, v in tries.items() if v == max(tries.values())]
    assert best == ["AdaBound, rate 0.01, limit 1.0"] * 2, f"best are {best}"
    assert len(TIES.seed_list) == 6 and CHOSEN["AdaBound"] == max(TIED, key=TIES.recorded().mean)


def apart(result: StudyResult) -> float:
    """Return the distance between the winners of the three optimizers."""
    winners = [result.mean(arm) for arm in CHOSEN.values()]
    return max(winners) - min(winners)


def lowest_on_validation() -> None:
    """Compare the winners of the three optimizers in the search."""
    found = {name: TUNING.recorded().mean(arm) for name, arm in CHOSEN.items()}
    assert min(found, key=lambda name: found[name]) == "AdaBound", f"validation: {found}"


def least_upper_end(result: StudyResult) -> float:
    """Return the least gain that every interval of the other comparisons allows."""
    return min(result.difference(arm, baseline=baseline).high for arm, baseline in OTHERS)


CLAIMS: list[Claim] = [
    Helps(
        PLAN,
        "AdaBound, tuned",
        baseline="SGD, tuned",
        carries="the tuned AdaBound *is* ahead of the tuned SGD, by about half a point",
    ),
    Within(
        "how far it is ahead",
        PLAN,
        lambda result: result.difference("AdaBound, tuned", baseline="SGD, tuned").mean,
        0.004,
        0.006,
    ),
    NoneSeen(
        PLAN,
        "AdaBound, tuned",
        baseline="SGD, tuned",
        comparisons=5,
        carries="The next cell computes the first of them, and it just includes zero.",
    ),
    *(
        NoneSeen(
            PLAN,
            arm,
            baseline=baseline,
            carries="Against tuned Adam the interval just includes zero; with the published "
            "settings no comparison shows a difference.",
        )
        for arm, baseline in OTHERS
    ),
    NoneSeen(
        PLAN,
        "AdaBound, tuned",
        "nll",
        baseline="SGD, tuned",
        carries="In NLL no difference from SGD is seen.",
    ),
    Holds("what goes on is what won the search", winners_go_on),
    Holds(
        "where the chosen settings lie",
        corners,
        carries="Tuning chose the limit 1.0, which by the derivation is SGD at 0.1; for SGD itself "
        "it chose 0.08.",
    ),
    Holds(
        "AdaBound's best try ties with the other speed",
        speeds_tie,
        carries="AdaBound's best try is a corner of its grid. It ties with the try that has the "
        "other γ; six further seeds on validation images decided for γ = 0.001.",
    ),
    Within(
        "how far apart the winners of the searches are",
        TUNING,
        apart,
        high=0.0025,
        carries="The best tries of the three optimizers lie within a quarter of a point",
    ),
    Holds(
        "AdaBound's best try is the lowest of the three",
        lowest_on_validation,
        carries="and AdaBound's is the lowest of the three",
    ),
    Within(
        "how much of a gain the other intervals allow",
        PLAN,
        least_upper_end,
        low=0.004,
        carries="Each of these intervals reaches at least 0.4 points on AdaBound's side",
    ),
    Printed("| SGD 0.1, momentum 0.9 | 92.64 | 94.64 | 92.99 | 94.32 |", CURVES),
    Printed("| Adam 0.001 | 92.27 | 92.96 | 93.01 | 93.36 |", CURVES),
    Printed("| AMSGrad | 93.18 | 93.27 | 93.35 | 93.52 |", CURVES),
    Printed("| AdaGrad 0.01 | 92.66 | 92.66 | 91.88 | 92.11 |", CURVES),
    Printed("| AdaBound | 94.86 | 95.03 | 94.83 | 94.89 |", CURVES),
    Printed("| AMSBound | 94.82 | 94.82 | 95.10 | 95.24 |", CURVES),
]
