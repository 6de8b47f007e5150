"""What chapter 01 says of its records, and what Goyal et al. 2017 printed.

Chapter: notebooks/01_warmup.ipynb
"""

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Orders, Within
from tricks_lib.lab.study import StudyResult

from .study import PLAN

__all__ = ["CLAIMS", "GOYAL"]

GOYAL = {
    "small batches": (23.60, 0.12),
    "no warmup": (24.84, 0.37),
    "constant warmup": (25.88, 0.56),
    "gradual warmup": (23.74, 0.09),
}
"""Goyal et al. 2017, arXiv:1706.02677, table 1: top-1 error (%) of ResNet-50 on ImageNet, mean and
deviation of 5 runs."""

ARMS = ("no warmup", "constant warmup", "gradual warmup", "small batches")
MODEST = ("modest rate, no warmup", "modest rate, gradual warmup")


def runs_that_get_worse(result: StudyResult) -> float:
    """Return the share of runs without warmup whose loss soon rises above that of guessing."""
    curves = result.values("no warmup", "loss").values()
    return sum(max(curve[:10]) > 2.5 for curve in curves) / len(curves)


def arms_agree_after_the_warmup() -> None:
    """Compare the rates of all arms that share one."""
    for arms in (ARMS, MODEST):
        for time in (1.0, 1.5, 2.7, 3.99, 4.0):
            factors = {arm: PLAN.recipes[arm].schedule(time) for arm in arms}
            assert len(set(factors.values())) == 1, f"at {time} epochs: {factors}"


CLAIMS: list[Claim] = [
    Orders(
        PLAN,
        sorted(GOYAL, key=lambda arm: GOYAL[arm][0]),
        carries="The order is the same: small batches, gradual, none, constant.",
    ),
    Helps(PLAN, "gradual warmup"),
    Hurts(PLAN, "constant warmup"),
    NoneSeen(
        PLAN,
        MODEST[1],
        baseline=MODEST[0],
        carries="warmup has nothing to cure, and twenty seeds see no gain from it",
    ),
    Helps(
        PLAN,
        MODEST[0],
        baseline="gradual warmup",
        carries="the best large-batch recipe of this table is no warmup at all, but a smaller rate",
    ),
    Hurts(PLAN, "constant warmup", "peak_loss_after", by=3),
    Within(
        "the highest loss during constant warmup, which is calm",
        PLAN,
        lambda result: result.mean("constant warmup", "peak_loss_during"),
        high=2.6,
    ),
    Within("the share of runs that get worse at first", PLAN, runs_that_get_worse, low=0.5),
    Holds(
        "arms of one rate agree after the warmup",
        arms_agree_after_the_warmup,
        carries="From the end of the warmup on, the arms have the same rate at the same time.",
    ),
]
