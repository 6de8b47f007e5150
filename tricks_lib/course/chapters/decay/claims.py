"""What chapter 03 says of its records, and what SGDR and Bag of Tricks printed.

Chapter: notebooks/03_decay.ipynb
"""

from collections.abc import Callable

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Within
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.study import StudyResult

from .study import BUDGETS, CHOSEN, GROUPS, PLAN, TIED, TIES, TUNING

__all__ = ["CLAIMS"]

ONE_COSINE = "cosine, 15 epochs"
RESTARTS = ("restarts 5 + 5 + 5", "restarts 1 + 2 + 4 + 8")
SGDR = "Loshchilov and Hutter 2017, table 1"
BAG_OF_TRICKS = "He, T. et al. 2019, table 6"


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(TUNING.recorded(), GROUPS, ties=TIES.recorded())
    assert best == CHOSEN, f"the search found {best}"


def edges() -> None:
    """Look for chosen learning rates that are the lowest or the highest of their tries."""
    found = set()
    for group, arm in CHOSEN.items():
        rates = [recipe.lr for recipe in GROUPS[group].values()]
        if GROUPS[group][arm].lr in (min(rates), max(rates)):
            found.add(group)
    expected = {"linear, 15 epochs", "cosine, 15 epochs", "step, 15 epochs"}
    assert found == expected, f"at an edge are {found}"


def ties_are_decided() -> None:
    """Look for the tries that share the best accuracy, and for what further seeds say of them."""
    searched = TUNING.recorded()
    for group, pair in (("cosine, 5 epochs", TIED[:2]), ("step, 15 epochs", TIED[2:])):
        tries = {arm: round(searched.mean(arm), 12) for arm in GROUPS[group]}
        best = {arm for arm, value in tries.items() if value == max(tries.values())}
        assert best == set(pair), f"the best of {group} are {best}"
        assert CHOSEN[group] == max(pair, key=TIES.recorded().mean)


def gain(epochs: int) -> Callable[[StudyResult], float]:
    """Return how to work out what the cosine gains on a constant learning rate."""
    arm, baseline = f"cosine, {epochs} epochs", f"constant, {epochs} epochs"
    return lambda result: result.difference(arm, baseline=baseline).mean


def reach_of_restarts(result: StudyResult) -> float:
    """Return the largest distance from zero that an interval of restarts allows in accuracy."""
    gaps = [
        result.difference(arm, metric, baseline=ONE_COSINE)
        for arm in RESTARTS
        for metric in ("accuracy", "ensemble_accuracy")
    ]
    return max(max(-gap.low, gap.high) for gap in gaps)


CLAIMS: list[Claim] = [
    *(
        Helps(PLAN, f"cosine, {epochs} epochs", baseline=f"constant, {epochs} epochs")
        for epochs in BUDGETS
    ),
    *(
        Helps(PLAN, f"{shape}, {epochs} epochs", baseline=f"step, {epochs} epochs")
        for epochs in BUDGETS[:2]
        for shape in ("cosine", "linear")
    ),
    *(
        NoneSeen(PLAN, f"{shape}, 15 epochs", baseline="step, 15 epochs", carries=carries)
        for shape, carries in (
            ("cosine", "in the longest no difference is seen"),
            ("linear", "at 15 epochs line and steps "),
        )
    ),
    Within(
        "what the cosine gains on the steps at 2 epochs",
        PLAN,
        lambda result: result.difference("cosine, 2 epochs", baseline="step, 2 epochs").mean,
        0.0075,
        0.0115,
        carries="Ours is 0.8 to 1.1 points better in the short runs",
    ),
    Within(
        "what the cosine gains on the steps at 5 epochs",
        PLAN,
        lambda result: result.difference("cosine, 5 epochs", baseline="step, 5 epochs").mean,
        0.0075,
        0.0115,
        carries="Ours is 0.8 to 1.1 points better in the short runs",
    ),
    NoneSeen(PLAN, "cosine, 2 epochs", baseline="linear, 2 epochs"),
    Hurts(PLAN, "cosine, 5 epochs", baseline="linear, 5 epochs"),
    NoneSeen(PLAN, ONE_COSINE, baseline="linear, 15 epochs"),
    *(
        Within(
            f"what falling gains at {epochs} epochs",
            PLAN,
            gain(epochs),
            0.03,
            0.065,
            carries="the cosine gains 3 to 6 points on the",
        )
        for epochs in BUDGETS
    ),
    *(
        NoneSeen(
            PLAN,
            arm,
            metric,
            baseline=ONE_COSINE,
            carries="no gain in accuracy over one cosine is seen, neither for the last network nor "
            "for the ensemble",
        )
        for arm in RESTARTS
        for metric in ("accuracy", "ensemble_accuracy")
    ),
    Within(
        "how far the intervals of the restarts reach from zero",
        PLAN,
        reach_of_restarts,
        0.0055,
        0.0065,
        carries="The intervals reach up to 0.6 points in either direction.",
    ),
    *(Helps(PLAN, arm, "nll", baseline=ONE_COSINE) for arm in RESTARTS),
    Holds("what goes on is what won the search", winners_go_on),
    Holds(
        "three of the chosen learning rates are at an edge",
        edges,
        carries="the 0.2 of cosine and line at 15 epochs is still at an edge",
    ),
    Holds(
        "two pairs of tries tied, and further seeds decided",
        ties_are_decided,
        carries="In two places the best two tries were equal over the two seeds",
    ),
    Printed("| step, learning rate 0.1 | 4.24 | 20.33 |", SGDR),
    Printed("| step, learning rate 0.05 | 4.13 | 20.21 |", SGDR),
    Printed("| one cosine ($T_0=200$) | 3.86 | 19.98 |", SGDR),
    Printed("| $T_0=10$, doubling | 4.03 | 19.58 |", SGDR),
    Printed("| $T_0=1$, doubling | 4.09 | 19.74 |", SGDR),
    Printed("| ResNet-50-D | 77.16 | 77.91 |", BAG_OF_TRICKS),
    Printed("| Inception-V3 | 77.50 | 78.19 |", BAG_OF_TRICKS),
    Printed("| MobileNet | 71.90 | 72.83 |", BAG_OF_TRICKS),
]
