"""What chapter 04 says of its records, and of the authors' stored curves.

Chapter: notebooks/04_adabound.ipynb
"""

from tricks_lib.course.claims import Claim, Helps, Holds, NoneSeen, Printed, Within
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.study import StudyResult

from .study import CHOSEN, GROUPS, PLAN, TIES, TUNING

__all__ = ["CLAIMS"]

CURVES = "curves stored with the code of Luo et al. 2019"


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(TUNING.recorded(), GROUPS, ties=TIES.recorded())
    assert best == CHOSEN, f"the search found {best}"


def corners() -> None:
    """Look at where in their grids the chosen settings lie."""
    assert CHOSEN["SGD"] == "SGD, rate 0.08"
    assert "limit 1.0" in CHOSEN["AdaBound"]
    rates = [recipe.lr for recipe in GROUPS["Adam"].values()]
    assert GROUPS["Adam"][CHOSEN["Adam"]].lr == max(rates), "Adam's rate is not the largest tried"


def speeds_tie() -> None:
    """Look for the tries of AdaBound that share the best accuracy."""
    searched = TUNING.recorded()
    tries = {arm: searched.mean(arm) for arm in GROUPS["AdaBound"]}
    best = [arm.partition(", gamma")[0] for arm, v in tries.items() if v == max(tries.values())]
    assert best == ["AdaBound, rate 0.01, limit 1.0"] * 2, f"best are {best}"


def apart(result: StudyResult) -> float:
    """Return the distance between the winners of the three optimizers."""
    winners = [result.mean(arm) for arm in CHOSEN.values()]
    return max(winners) - min(winners)


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
        carries="Intervals of 99 % hold all five together with about 95 %; the next cell computes "
        "the first of them, and it includes zero.",
    ),
    *(
        NoneSeen(
            PLAN,
            arm,
            baseline=baseline,
            carries="Against the tuned Adam nothing is seen, if only just; with the published "
            "settings nothing is seen against anybody.",
        )
        for arm, baseline in (
            ("AdaBound, tuned", "Adam, tuned"),
            ("AdaBound, as published", "SGD, as published"),
            ("AdaBound, as published", "Adam, as published"),
            ("AMSBound, as published", "SGD, as published"),
        )
    ),
    NoneSeen(
        PLAN,
        "AdaBound, tuned",
        "nll",
        baseline="SGD, tuned",
        carries="In NLL nothing is seen either.",
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
        carries="AdaBound's best try is a corner of its grid (and ties with the one that has the "
        "other γ)",
    ),
    Within(
        "how far apart the winners of the searches are",
        TUNING,
        apart,
        high=0.0025,
        carries="the best of the three rows lie within a quarter of a point",
    ),
    Printed("| SGD 0.1, momentum 0.9 | 92.64 | 94.64 | 92.99 | 94.32 |", CURVES),
    Printed("| Adam 0.001 | 92.27 | 92.96 | 93.01 | 93.36 |", CURVES),
    Printed("| AMSGrad | 93.18 | 93.27 | 93.35 | 93.52 |", CURVES),
    Printed("| AdaGrad 0.01 | 92.66 | 92.66 | 91.88 | 92.11 |", CURVES),
    Printed("| AdaBound | 94.86 | 95.03 | 94.83 | 94.89 |", CURVES),
    Printed("| AMSBound | 94.82 | 94.82 | 95.10 | 95.24 |", CURVES),
]
