"""What chapter 02 says of its records, and what Goyal et al. 2017 printed.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from tricks_lib.course.claims import Claim, Holds, Hurts, Orders, Printed, Within
from tricks_lib.lab.study import Difference, StudyResult

from .study import BEYOND, PLAN, SIZES

__all__ = ["CLAIMS", "GOYAL"]

GOYAL = {
    "32": ("256 images, 0.1", 23.60, 0.12),
    "512, rate kept": ("8,192 images, 0.1", 41.67, 0.10),
    "512, square root": ("8,192 images, 0.1 · √32", 26.22, 0.03),
    "512, linear + warmup": ("8,192 images, 0.1 · 32", 23.74, 0.09),
}
"""Goyal et al. 2017, arXiv:1706.02677, table 2a: batch and rate, top-1 error (%) of ResNet-50 on
ImageNet, deviation of 5 runs; by our arm that does the same."""

RULES = ("512, rate kept", "512, square root", "512, linear + warmup", "512, linear")
"""From the worst to the best."""


def behind(large: str, small: str, metric: str = "train_loss") -> Difference:
    """Compare a large batch with a small one."""
    return PLAN.recorded().difference(large, metric, baseline=small)


def warmup_does_not_help_at_this_rate() -> None:
    """Compare the linear rule with and without warmup, for every size."""
    for size in SIZES:
        gap = behind(f"{size}, linear + warmup", f"{size}, linear")
        assert gap.verdict != "helps", f"it helps batches of {size}: {gap}"


def four_times_the_rate_is_too_large() -> None:
    """Compare how far the large batch is behind at the rate and at four times the rate."""
    usual = behind("512, linear + warmup", "32")
    four = behind("512, linear + warmup, rate x 4", "32, rate x 4")
    assert four.low > usual.high, f"{four} from four times the rate, {usual} from the rate itself"


def longer_training_catches_up(result: StudyResult) -> float:
    """Return which share of the distance in accuracy is left after four times the epochs."""
    longer = behind("512, linear + warmup, 24 epochs", "32, 24 epochs", "accuracy")
    return abs(longer.mean / behind("512, linear + warmup", "32", "accuracy").mean)


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
    Holds(
        "warmup does not help at this rate",
        warmup_does_not_help_at_this_rate,
        carries="Here, from a base rate of 0.02, warmup does not help",
    ),
    Holds("four times the rate is too large", four_times_the_rate_is_too_large),
    Within(
        "the share of the distance that is left after 24 epochs",
        PLAN,
        longer_training_catches_up,
        high=0.25,
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
