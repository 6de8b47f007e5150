"""What chapter 10 says of its records, and what the papers printed.

Chapter: notebooks/10_ricap.ipynb
"""

from collections.abc import Callable

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    Orders,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import finding
from tricks_lib.lab.study import StudyResult

from .figures import floor, largest, mean_square
from .study import CROPS, FEW, FEW_LENGTHS, LONG, LOW_RATE, MIXES, PLAN, SHORT, arm

__all__ = ["CLAIMS"]

README = "jackryo/ricap, README"
RICAP_LONG, NONE, EARLY = arm("ricap 0.3"), arm("none"), arm("none", SHORT)
MIXED = [name for name in MIXES if name != "none"]
IN_TURN = "After 60 epochs RICAP has {:.0f} %, CutMix {:.0f} % and no mixing {:.0f} %."


def percent(name: str, metric: str = "accuracy") -> float:
    """Return the recorded mean of a share, in percent."""
    return 100 * PLAN.recorded().mean(name, metric)


def wrong_learnt(name: str) -> Callable[[StudyResult], float]:
    """Return how to work out which share of the wrong labels is learnt."""
    return lambda result: result.mean(name, "wrong_learnt")


def share_of_the_gain(rival: str) -> float:
    """Return which part of RICAP's gain a rival has as well, in percent."""
    own, best, none = (percent(name) for name in (rival, RICAP_LONG, NONE))
    return 100 * (own - none) / (best - none)


def loses_in_garments() -> None:
    """Look at the verdicts of both standing settings."""
    for name, word in (("garments", "hurts"), ("colour", "no difference seen")):
        found = finding("ricap", name)
        assert found is not None and found.word == word, f"{name}: {found}"


CLAIMS: list[Claim] = [
    # The derivation.
    Says(
        "The largest patch has 9/16 of the area on average at β = 1, and {} at β = 0.3.",
        lambda: "3/4" if abs(largest(0.3) - 0.75) < 0.005 else f"{largest(0.3):.2f}",
    ),
    Says(
        r"At $\beta=0.3$ the variance is {:.2f}, the largest weight has the mean {:.2f}, "
        "and the least loss is {:.2f} nats.",
        lambda: [mean_square(0.3) / 4 - 1 / 16, largest(0.3), floor(0.3)],
    ),
    # The wrong labels.
    *(
        Within(
            f"wrong labels learnt, {name}",
            PLAN,
            wrong_learnt(name),
            low=0.995,
            carries="all of them are learnt without mixing, and so they are with mixup and with "
            "CutMix.",
        )
        for name in (NONE, arm("mixup 1"), arm("cutmix 1"), LOW_RATE)
    ),
    Says(
        "With RICAP it is about half, with crop and mirror {:.0f} %, and after the early stop "
        "{:.0f} %.",
        lambda: [percent(name, "wrong_learnt") for name in (CROPS, EARLY)],
    ),
    *(
        Helps(
            PLAN,
            RICAP_LONG,
            baseline=rival,
            comparisons=5,
            carries="So it is not this alone that decides: RICAP is ahead of both.",
        )
        for rival in (CROPS, EARLY)
    ),
    Says(
        "It learns more of the *right* labels than they do, {:.0f} % against {:.0f} and {:.0f} %.",
        lambda: [percent(name, "right_learnt") for name in (RICAP_LONG, CROPS, EARLY)],
    ),
    # Time.
    *(
        Hurts(
            PLAN,
            arm(name, SHORT),
            baseline=EARLY,
            comparisons=len(MIXED),
            carries="After 7 epochs, the best length without mixing, every way of mixing hurts.",
        )
        for name in MIXED
    ),
    Orders(PLAN, (RICAP_LONG, CROPS, EARLY, arm("cutmix 1"), NONE)),
    Says(IN_TURN, lambda: [percent(RICAP_LONG), percent(arm("cutmix 1")), percent(NONE)]),
    Says(
        "The early stop has {:.0f} %: {:.0f} % of RICAP's gain, for {:.0f} % of the epochs.",
        lambda: [percent(EARLY), share_of_the_gain(EARLY), 100 * SHORT / LONG],
    ),
    Says(
        "Crop and mirror, without mixing, have {:.0f} %: {:.0f} % of RICAP's gain.",
        lambda: [percent(CROPS), share_of_the_gain(CROPS)],
    ),
    Says(
        "crop and mirror alone got {:.0f} % of the gain, and stopping early {:.0f} %, for {:.0f} % "
        "of the epochs.",
        lambda: [share_of_the_gain(CROPS), share_of_the_gain(EARLY), 100 * SHORT / LONG],
    ),
    Helps(PLAN, RICAP_LONG, carries="With wrong labels it was ahead here after 60 epochs"),
    Helps(
        PLAN,
        RICAP_LONG,
        baseline=arm("cutmix 1"),
        comparisons=5,
        carries="With wrong labels it was ahead here after 60 epochs",
    ),
    Holds(
        "RICAP in the standing settings",
        loses_in_garments,
        carries="With right labels it lost accuracy in *garments*, and no difference is seen in "
        "*colour*",
    ),
    Hurts(
        FEW,
        arm("ricap 0.3", FEW_LENGTHS[0]),
        baseline=arm("none", FEW_LENGTHS[0]),
        comparisons=2,
        carries="on 300 images it lost after 15 epochs",
    ),
    Helps(
        FEW,
        arm("ricap 0.3", FEW_LENGTHS[1]),
        baseline=arm("none", FEW_LENGTHS[1]),
        comparisons=2,
        carries="on 300 images it lost after 15 epochs and gained after 60.",
    ),
    # The papers.
    Printed("3.89 % without, 2.85 ± 0.06 % with RICAP", README),
    Printed("| WideResNet-28-10, CIFAR-10, 200 epochs | 3.89 | 2.85 ± 0.06 |", README),
    Printed("| WideResNet-28-10, CIFAR-100, 200 epochs | 18.85 | 17.22 ± 0.20 |", README),
    Printed("| WideResNet-50-2, ImageNet, 100 epochs | 21.90 | 21.08 |", README),
    Printed("| WideResNet-50-2, ImageNet, 200 epochs | 21.84 | 20.33 |", README),
    Printed("2.23 % in the [first version]", "Takahashi et al. 2018, abstract"),
    Printed("and 2.19 % in the second", "Takahashi et al. 2020, abstract"),
    Printed("3.82 % without and 2.82 % with RICAP", "4uiiurz1/pytorch-ricap, README"),
]
