"""What chapter 04 says of its records, and of the authors' stored curves.

Chapter: notebooks/04_adabound.ipynb
"""

import re
from functools import partial

from tricks_lib.course.claims import Claim, Holds, Hurts, NoneSeen, Printed, Says
from tricks_lib.course.plan import best_tries
from tricks_lib.course.standing.comparisons import finding
from tricks_lib.optimizers.adabound import bounds

from .figures import AUTHORS
from .study import AGAIN, AT_ONCE, CHOSEN, DATA, GROUPS, NEVER, PLAN, SEARCH

__all__ = ["CLAIMS"]

CURVES = "curves stored with the code of Luo et al. 2019"
AT_THE_SAME_TIME = len(PLAN.rivals) + 1
ROWS = {
    "SGD 0.1, momentum 0.9": ("SGD", 92.99, 94.32),
    "Adam 0.001 (ResNet: $\\beta_1=0.99$)": ("Adam", 93.01, 93.36),
    "AMSGrad 0.001 (ResNet: $\\beta_1=0.99$)": ("AMSGrad", 93.35, 93.52),
    "AdaGrad 0.01": ("AdaGrad", 91.88, 92.11),
    "AdaBound": ("AdaBound", 94.83, 94.89),
    "AMSBound": ("AMSBound", 95.10, 95.24),
}
"""The authors' table by its rows: the name in the picture of the ResNet, and the DenseNet's last
and best epoch."""


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(SEARCH.recorded(), GROUPS, then="nll")
    assert best == CHOSEN, f"the search found {best}"


def adabound_led_on_validation() -> None:
    """Compare all tries of the search."""
    searched = SEARCH.recorded()
    best = max(SEARCH.recipes, key=searched.mean)
    assert best == CHOSEN["AdaBound"], f"the best of all tries is {best}"
    assert len(SEARCH.recipes) == 36


def at_the_edge() -> None:
    """Look at where in its grid AdaBound's chosen try lies, and at SGD's."""
    tries = GROUPS["AdaBound"]
    assert tries[CHOSEN["AdaBound"]].lr == min(one.lr for one in tries.values())
    assert {re.findall(r"limit (\S+),", name)[0] for name in tries} == {"1.0", "3.0"}
    assert "limit 1.0," in CHOSEN["AdaBound"]
    assert GROUPS["SGD"][CHOSEN["SGD"]].lr == 0.08


def not_seen_in_the_standing_settings() -> None:
    """Look at both verdicts."""
    found = [finding("adabound", name) for name in ("garments", "colour")]
    assert all(one is not None and one.word == "no difference seen" for one in found), found


def room_in_colour() -> None:
    """Look at how much of a gain the interval in *colour* leaves open, with how many seeds."""
    found = finding("adabound", "colour")
    assert found is not None
    assert found.difference.high > 0.03 and len(found.difference.values) == 5


def factor_at_the_end() -> float:
    """Return how many times the lower bound the upper one is when the tuned run ends."""
    chosen = GROUPS["AdaBound"][CHOSEN["AdaBound"]]
    assert isinstance(chosen.optimizer, partial)
    images = len(DATA(0).train)
    steps = chosen.epochs * (images // chosen.batch_size)
    settings = chosen.optimizer.keywords
    lower, upper = bounds(steps, settings["final_lr"], settings["gamma"])
    return upper / lower


def ends_of_bounds() -> list[float]:
    """Return the bounds at steps 1, 1,000 and 78,200, one after another."""
    return [bound for step in (1, 1000, 78_200) for bound in bounds(step, 0.1, 1e-3)]


CLAIMS: list[Claim] = [
    Says(
        "At step 1 a weight may have any learning rate between {:.4f} and {:.0f}; at step 1,000 "
        "any between {:.2f} and {:.1f}; at step 78,200, the end of their runs, between {:.4f} and "
        "{:.4f}.",
        ends_of_bounds,
    ),
    Says(
        "the bounds at step 100 are {:.3f} and {:.1f}",
        lambda: list(bounds(100, 0.1, 1e-3)),
    ),
    NoneSeen(
        PLAN,
        "AdaBound, tuned",
        baseline="SGD, tuned",
        comparisons=AT_THE_SAME_TIME,
        carries="Tuned, with twelve tries each, no difference in accuracy was seen between "
        "AdaBound, SGD and Adam",
    ),
    NoneSeen(
        PLAN,
        "AdaBound, tuned",
        baseline="Adam, tuned",
        comparisons=AT_THE_SAME_TIME,
        carries="no difference in accuracy was seen between AdaBound, SGD and Adam",
    ),
    NoneSeen(
        PLAN,
        "Adam, tuned",
        baseline="SGD, tuned",
        carries="no difference in accuracy was seen between AdaBound, SGD and Adam",
    ),
    *(
        Hurts(
            plan,
            "AdaBound, tuned",
            metric,
            baseline=baseline,
            comparisons=4,
            carries=words,
        )
        for plan in (PLAN, AGAIN)
        for metric in ("nll", "ece")
        for baseline in ("SGD, tuned", "Adam, tuned")
        for words in (
            "in NLL and ECE AdaBound was behind both, in twenty seeds",
            "In NLL and ECE it was behind both others, in the first ten seeds and in ten more.",
        )
    ),
    Hurts(
        PLAN,
        "AMSBound, as published",
        baseline="SGD, as published",
        comparisons=AT_THE_SAME_TIME,
        carries="the last was not repeated.",
    ),
    Says("at the end the bounds are a factor of {:.0f} apart.", factor_at_the_end),
    *(
        NoneSeen(
            PLAN,
            "AdaBound, tuned",
            baseline=control,
            comparisons=2,
            carries="In accuracy the change itself is not seen to gain anything.",
        )
        for control in (NEVER, AT_ONCE)
    ),
    Holds("what goes on is what won the search", winners_go_on),
    Holds(
        "AdaBound led on validation images",
        adabound_led_on_validation,
        carries="In the search AdaBound's best try was the best of all 36 on validation images.",
    ),
    Holds(
        "where the chosen settings lie",
        at_the_edge,
        carries="its best has the smallest learning rate and the smaller limit, at the edge of "
        "what was tried",
    ),
    Holds(
        "nothing is seen in the standing settings",
        not_seen_in_the_standing_settings,
        carries="Nor was a difference seen in *garments*, or in *colour*",
    ),
    Holds(
        "the interval in colour is wide",
        room_in_colour,
        carries="in *colour*, where five seeds leave room for a gain.",
    ),
    *(
        Printed(
            f"| {row} | {AUTHORS[name][0]:.2f} | {AUTHORS[name][1]:.2f} "
            f"| {dense:.2f} | {dense_best:.2f} |",
            CURVES,
        )
        for row, (name, dense, dense_best) in ROWS.items()
    ),
]
