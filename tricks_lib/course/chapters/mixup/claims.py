"""What chapter 09 says of its records, and what the papers printed.

Chapter: notebooks/09_mixup.ipynb
"""

from collections.abc import Callable

from tricks_lib.course.claims import Claim, Helps, Hurts, NoneSeen, Printed, Within
from tricks_lib.lab.study import POINT, StudyResult

from .study import FEW, MIXES, NOISY, PLAN

__all__ = ["CLAIMS"]

ZHANG = "Zhang et al. 2018, as quoted in public notes"
MIXED = ("mixup 0.2", "mixup 1", "cutmix 1")
FLOOR = 0.5 * (1 - (1 / 50 + 49 / 50 * 0.1))
"""Smallest training loss with α = 1: half a nat where the two classes differ. The partner in a
batch of 50 may be the image itself, or of its class."""

NOT_SEEN = "At 300 images no difference in accuracy is seen for mixup"
NOT_SEEN_WRONG = "Here 0.2, 1 and 8 show no difference in accuracy"
SHORT = "in our runs of 4 epochs every way of mixing hurts"
LONG = "after 64 every one of them gains"


def mean(arm: str, metric: str = "accuracy") -> Callable[[StudyResult], float]:
    """Return how to work out the mean of a metric."""
    return lambda result: result.mean(arm, metric)


def gain(arm: str) -> Callable[[StudyResult], float]:
    """Return how to work out what an arm gains on the network without mixing."""
    return lambda result: result.difference(arm).mean


def least_learnt(result: StudyResult) -> float:
    """Return the smallest accuracy of any run on its training images, with their given labels."""
    return min(min(result.values(arm, "train_accuracy").values()) for arm in result.runs)


def latest(epochs: int) -> Callable[[StudyResult], float]:
    """Return how to work out how far CutMix is behind all others on the training images."""

    def behind(result: StudyResult) -> float:
        learnt = {m: result.mean(f"{m}, {epochs} epochs", "train_accuracy") for m in MIXES}
        return min(value for mix, value in learnt.items() if mix != "cutmix 1") - learnt["cutmix 1"]

    return behind


CLAIMS: list[Claim] = [
    # Short and long.
    *(Hurts(PLAN, f"{mix}, 4 epochs", baseline="none, 4 epochs", carries=SHORT) for mix in MIXED),
    NoneSeen(PLAN, "mixup 1, 16 epochs", baseline="none, 16 epochs"),
    *(
        Helps(
            PLAN,
            f"{mix}, 16 epochs",
            baseline="none, 16 epochs",
            carries="In between α = 0.2 and CutMix already gain, α = 1 not yet.",
        )
        for mix in ("mixup 0.2", "cutmix 1")
    ),
    *(Helps(PLAN, f"{mix}, 64 epochs", baseline="none, 64 epochs", carries=LONG) for mix in MIXED),
    # The reason that the chapter gives for the change of sign.
    Within("learnt after 4 epochs", PLAN, mean("none, 4 epochs", "train_accuracy"), high=0.9),
    Within("learnt after 16 epochs", PLAN, mean("none, 16 epochs", "train_accuracy"), low=0.999),
    *(
        Within(
            f"how far CutMix is behind in learning its images, {epochs} epochs",
            PLAN,
            latest(epochs),
            low=0,
            carries="With CutMix the training images are learnt latest",
        )
        for epochs in (4, 16)
    ),
    # Calibration.
    *(
        Within(
            f"ECE of {mix}",
            PLAN,
            mean(f"{mix}, 64 epochs", "ece"),
            1.5 * POINT,
            3.5 * POINT,
            carries="after 64 epochs mixup takes ECE from more than eleven points to two or three",
        )
        for mix in ("mixup 0.2", "mixup 1")
    ),
    Within("ECE without mixing", PLAN, mean("none, 64 epochs", "ece"), low=11 * POINT),
    Within("ECE without mixing", PLAN, mean("none, 4 epochs", "ece"), 1.5 * POINT, 2.5 * POINT),
    *(
        Within(
            f"ECE of {mix}",
            PLAN,
            mean(f"{mix}, 4 epochs", "ece"),
            5 * POINT,
            10.5 * POINT,
            carries="after 4 epochs ECE rises from two points to between five and about ten",
        )
        for mix in MIXED
    ),
    Within(
        "training loss above its floor",
        PLAN,
        lambda result: result.mean("mixup 1, 64 epochs", "train_loss") - FLOOR,
        0.15,
        0.2,
        carries="the loss with α = 1 stands nearly a fifth of a nat above its floor",
    ),
    # Three hundred images, right and wrong.
    *(NoneSeen(FEW, arm, carries=NOT_SEEN) for arm in ("mixup 0.2", "mixup 1")),
    *(Helps(FEW, arm, metric) for arm in ("mixup 0.2", "mixup 1") for metric in ("ece", "nll")),
    Within("ECE without mixing", FEW, mean("none", "ece"), 13.5 * POINT, 14.5 * POINT),
    *(
        Within(
            f"ECE of {arm}",
            FEW,
            mean(arm, "ece"),
            1.5 * POINT,
            3.5 * POINT,
            carries="ECE from fourteen points to two or three",
        )
        for arm in ("mixup 0.2", "mixup 1")
    ),
    Within("what CutMix gains", FEW, gain("cutmix 1"), 1.8 * POINT, 2.2 * POINT),
    Within(
        "what CutMix gains",
        NOISY,
        gain("cutmix 1"),
        5.6 * POINT,
        6.4 * POINT,
        carries="CutMix gains two points with right labels and six with wrong ones.",
    ),
    *(NoneSeen(NOISY, a, carries=NOT_SEEN_WRONG) for a in ("mixup 0.2", "mixup 1", "mixup 8")),
    Within(
        "the accuracy on given labels of the run that learnt least",
        NOISY,
        least_learnt,
        low=0.99,
        carries="None kept the wrong labels from being learnt",
    ),
    # The papers.
    Printed("| PreAct-ResNet-18, CIFAR-10, α = 1 | 5.6 | 4.2 |", ZHANG),
    Printed("| WRN-28-10, CIFAR-10 | 3.8 | 2.7 |", ZHANG),
    Printed("| PreAct-ResNet-18, CIFAR-100 | 25.6 | 21.1 |", ZHANG),
    Printed("| ResNet-50, ImageNet, 90 epochs, α = 0.2 | 23.5 | 23.3 |", ZHANG),
    Printed("| ResNet-50, ImageNet, 200 epochs, α = 0.2 | 23.6 | 22.1 |", ZHANG),
    Printed("mixup takes ResNet-50-D from 78.31 to 79.15 % top-1", "He, T. et al. 2019, table 6"),
    Printed("23.68 % error without, 22.58 with mixup, 21.40 with CutMix", "Yun et al. 2019"),
]
