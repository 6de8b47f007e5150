"""What chapter 02 says of its records, and what Goyal et al. 2017 printed.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Orders,
    Printed,
    Says,
    Within,
)
from tricks_lib.lab.study import Difference, StudyResult

from .study import BEYOND, PLAN, SIZES

__all__ = ["CLAIMS", "GOYAL"]

GOYAL = {
    "32": ("256 images, 0.1", 23.60, 0.12),
    "512, rate kept": ("8,192 images, 0.1", 41.67, 0.10),
    "512, square root": ("8,192 images, 0.1 · √32", 26.22, 0.03),
    "512, linear + warmup": ("8,192 images, 0.1 · 32", 23.74, 0.09),
}
"""Goyal et al. 2017, arXiv:1706.02677, table 2a: batch and learning rate, top-1 error (%) of
ResNet-50 on ImageNet, deviation of 5 runs; by our arm that does the same."""

RULES = ("512, rate kept", "512, square root", "512, linear + warmup", "512, linear")
"""From the highest training loss to the lowest."""

KEPT = "512, rate kept"
LONGER = "512, linear + warmup, 24 epochs"


def behind(large: str, small: str, metric: str = "train_loss") -> Difference:
    """Compare a large batch with a small one."""
    return PLAN.recorded().difference(large, metric, baseline=small)


def no_gain_from_warmup_at_this_learning_rate() -> None:
    """Compare the linear rule with and without warmup, for every size."""
    for size in SIZES:
        gap = behind(f"{size}, linear + warmup", f"{size}, linear")
        expected = "hurts" if size == 256 else "no difference seen"
        assert gap.verdict == expected, f"warmup {gap.verdict} batches of {size}: {gap}"


def four_times_the_learning_rate_is_too_large() -> None:
    """Compare how far the large batch is behind from the learning rate and from four times that."""
    usual = behind("512, linear + warmup", "32")
    four = behind("512, linear + warmup, rate x 4", "32, rate x 4")
    assert four.low > usual.high, f"{four} from four times the learning rate, {usual} from it"


def after_24_epochs() -> Difference:
    """Return how far the large batch is behind in accuracy after four times the epochs."""
    return behind(LONGER, "32, 24 epochs", "accuracy")


def what_longer_training_leaves(result: StudyResult) -> float:
    """Return which share of the distance in accuracy is left after four times the epochs."""
    return abs(after_24_epochs().mean / behind("512, linear + warmup", "32", "accuracy").mean)


def lag(result: StudyResult) -> float:
    """Return how many times the test loss is the training loss, after 12 steps."""
    arm = "2048, linear + warmup"
    return result.mean(arm, "nll") / result.mean(arm, "train_loss")


CLAIMS: list[Claim] = [
    Orders(PLAN, (*RULES, "32"), "train_loss"),
    *(Hurts(PLAN, arm, "train_loss", baseline="32") for arm in RULES),
    Orders(
        PLAN,
        sorted(GOYAL, key=lambda arm: GOYAL[arm][1], reverse=True),
        "train_loss",
        carries="The order of the four is the same.",
    ),
    # The card's claim, and the reason why it says no more.
    *(Helps(PLAN, arm, "train_loss", baseline=KEPT) for arm in RULES if arm != KEPT),
    NoneSeen(
        PLAN,
        "512, linear",
        baseline="512, square root",
        carries="In test accuracy the linear rule differs from the square root by",
    ),
    Holds(
        "no gain from warmup at this learning rate",
        no_gain_from_warmup_at_this_learning_rate,
        carries="Here, from a base learning rate of 0.02, no gain from warmup is seen, and at 256 "
        "images it costs a little",
    ),
    Holds("four times the learning rate is too large", four_times_the_learning_rate_is_too_large),
    NoneSeen(
        PLAN,
        LONGER,
        baseline="32, 24 epochs",
        carries="with 192 no difference in accuracy is seen",
    ),
    Says(
        "the interval reaches from {:.1f} points behind to {:.1f} ahead",
        lambda: (-100 * after_24_epochs().low, 100 * after_24_epochs().high),
    ),
    Within(
        "the share of the distance that is left after 24 epochs",
        PLAN,
        what_longer_training_leaves,
        high=0.25,
        carries="So most of the distance is gone",
    ),
    Orders(PLAN, [f"{size}, linear + warmup" for size in reversed((512, *BEYOND))], "train_loss"),
    Within(
        "running averages that lag behind after few steps: test loss over training loss",
        PLAN,
        lag,
        low=3,
    ),
    Printed("23.74 % error at 8,192 images", source="Goyal et al. 2017, figure 3"),
    Printed(
        "24.79 % at 16,384, 27.55 % at 32,768 and 33.96 % at 65,536",
        source="Goyal et al. 2017, figure 3",
    ),
]
