"""What chapter 03 says of its records, and what SGDR and Bag of Tricks printed.

Chapter: notebooks/03_decay.ipynb
"""

from tricks_lib.course.claims import Claim, Helps, Holds, NoneSeen, Printed, Says, Within
from tricks_lib.course.plan import best_tries
from tricks_lib.course.standing.comparisons import finding
from tricks_lib.lab.study import StudyResult

from .figures import floor
from .study import CHOSEN, FIFTHS, PLAN, SEARCH, TENTHS, TRIES, WEIGHTS, arm, tried

__all__ = ["CLAIMS"]

COSINE, CONSTANT = arm("cosine"), arm("constant")
AT_ONCE = len(PLAN.rivals) + 1
SGDR = "Loshchilov and Hutter 2017, table 1"
BAG_OF_TRICKS = "He, T. et al. 2019, table 6"


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(SEARCH.recorded(), TRIES, then="nll")
    expected = {shape: tried(shape, lr) for shape, lr in CHOSEN.items()}
    assert best == expected, f"the search found {best}"


def share_of_averaging(result: StudyResult) -> float:
    """Return which part of the cosine's gain averaging the weights has as well."""
    none = result.mean(CONSTANT)
    return (result.mean(WEIGHTS) - none) / (result.mean(COSINE) - none)
