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
from tricks_lib.course.standing.comparisons import SETTINGS, finding
from tricks_lib.lab.study import StudyResult

from .figures import floor, largest, mean_square
from .study import LONG, LOW_RATE, MIXES, PLAN, SHORT, arm

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


def share_of_the_gain() -> float:
    """Return which part of RICAP's gain the early stop has as well."""
    early, best, none = (percent(name) for name in (EARLY, RICAP_LONG, NONE))
    return (early - none) / (best - none)


def standing_settings_lose() -> None:
    """Look at the verdicts of both standing settings."""
    for name in SETTINGS:
        found = finding("ricap", name)
        assert found is not None and found.word == "hurts", f"{name}: {found}"


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
        "With RICAP it is {:.0f} %, and {:.0f} % of these images get their right label after all.",
        lambda: [percent(RICAP_LONG, m) for m in ("wrong_learnt", "wrong_put_right")],
    ),
    Says(
        "the early stop keeps more of them out ({:.0f} % are learnt), and is behind.",
        lambda: percent(EARLY, "wrong_learnt"),
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
    Orders(PLAN, (RICAP_LONG, EARLY, arm("cutmix 1"), NONE)),
    Says(IN_TURN, lambda: [percent(RICAP_LONG), percent(arm("cutmix 1")), percent(NONE)]),
    Says("The early stop has {:.0f} %", lambda: percent(EARLY)),
    Says(
        "{:.0f} % of RICAP's gain, for {:.0f} % of the epochs.",
        lambda: [100 * share_of_the_gain(), 100 * SHORT / LONG],
    ),
    Says(
        "stopping early got {:.0f} % of the gain for {:.0f} % of the epochs.",
        lambda: [100 * share_of_the_gain(), 100 * SHORT / LONG],
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
        standing_settings_lose,
        carries="In both standing settings, whose labels are right, it lost accuracy.",
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
