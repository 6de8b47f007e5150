"""What chapter 09 says of its records, and what the papers printed.

Chapter: notebooks/09_mixup.ipynb
"""

from collections.abc import Callable, Sequence

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
from tricks_lib.course.standing.comparisons import BASELINE, SETTINGS, comparisons, result
from tricks_lib.lab.study import POINT, Difference, StudyResult

from .plane import MOONS, ROW, on_fresh_points
from .study import DURATIONS, LEARNING_RATES, LR, PLAN, TEMPERATURE, arm

__all__ = ["CLAIMS"]

ZHANG = "Zhang et al. 2018, as quoted in public notes"
AT_ONCE = 3
"""Ways of mixing that are compared with none in each setting, read together."""

LEARNT = "Where all are learnt, CutMix helps and mixup with α = 1 shows no difference."
NOT_LEARNT = "Where only 80 to 83 % are, both hurt."
REPAIRED = "Here it repaired over-confidence, as a temperature also did, and not the accuracy."


def mean(name: str, metric: str = "accuracy") -> Callable[[StudyResult], float]:
    """Return how to work out the mean of a metric."""
    return lambda result: result.mean(name, metric)


def percent(name: str, metric: str = "accuracy") -> float:
    """Return the recorded mean of a share, in percent."""
    return 100 * PLAN.recorded().mean(name, metric)


def learnt(epochs: int, augmented: bool) -> float:
    """Return how many training images are right without mixing, in percent."""
    return percent(arm("none", epochs, augmented=augmented), "train_accuracy")


def all_means(result: StudyResult) -> dict[str, float]:
    """Return the mean accuracy of every arm."""
    return {name: result.mean(name) for name in PLAN.recipes}


def largest_move(result: StudyResult) -> float:
    """Return how far mixup with α = 0.2 moved a mean, up or down, at most."""
    pairs = [
        (name, name.replace("mixup 0.2", "none")) for name in PLAN.recipes if "mixup 0.2" in name
    ]
    return max(abs(result.mean(name) - result.mean(none)) for name, none in pairs)


def above_floor(mix: str, epochs: int, floor: float) -> Callable[[StudyResult], float]:
    """Return how to work out how far the mean training loss stays above its floor, in nats."""
    return lambda result: result.mean(arm(mix, epochs), "train_loss") - floor


def best_is_cutmix_alone() -> None:
    """Look for the arm with the highest mean."""
    means = all_means(PLAN.recorded())
    assert max(means, key=lambda name: means[name]) == arm("cutmix 1"), means


def five_draws(name: str, metric: str, scale: float) -> Sequence[float]:
    """Return the means over five draws of points, without mixup and with α = 1."""
    found = [[getattr(on_fresh_points(name, a, s), metric) for s in range(5)] for a in (0.0, 1.0)]
    return [scale * sum(values) / 5 for values in found]


def in_each_draw() -> None:
    """Compare the networks of each draw of the points."""
    for seed in range(5):
        moons, row = (
            [on_fresh_points(name, alpha, seed) for alpha in (0.0, 1.0)] for name in (MOONS, ROW)
        )
        assert moons[1].nll < moons[0].nll, f"seed {seed}"
        assert row[1].accuracy < row[0].accuracy, f"seed {seed}"


def largest_rate_was_best() -> None:
    """Look at the learning rate of the longest runs, and at what was tried."""
    assert LR[64] == max(LEARNING_RATES) == 0.2 and len(LEARNING_RATES) == 3


def five_seeds_everywhere() -> None:
    """Count the seeds of each arm."""
    found = PLAN.recorded()
    assert min(len(found.values(name)) for name in PLAN.recipes) >= 5


def in_standing(setting: str, arm: str, metric: str, against: str = BASELINE) -> Difference:
    """Compare two arms of a standing setting, with an interval as wide as on the card."""
    found = result(setting)
    assert found is not None, f"{setting} is not recorded"
    return found.difference(arm, metric, against, comparisons=len(comparisons()))


def calibration_in_garments() -> None:
    """Look at mixup with α = 1 where nearly all images are learnt."""
    assert in_standing("garments", "Mixup", "ece").verdict == "hurts"
    found = result("garments")
    assert found is not None and found.mean(BASELINE, "train_accuracy") > 0.95


def calibration_with_little_mixing() -> None:
    """Look at mixup with α = 0.2 in both standing settings."""
    words = [in_standing(name, "Mixup, α = 0.2", "ece").verdict for name in SETTINGS]
    assert words == ["helps"] * 2, words


def no_accuracy_in_standing() -> None:
    """Look at the accuracy with mixup, of either shape, in both standing settings."""
    for name in SETTINGS:
        for arm_of in ("Mixup", "Mixup, α = 0.2"):
            word = in_standing(name, arm_of, "accuracy").verdict
            assert word == "no difference seen", f"{arm_of} in {name}: {word}"


def cutmix_in_colour() -> None:
    """Look at CutMix beside mixup and beside neither."""
    gaps = [
        in_standing("colour", "CutMix", "accuracy"),
        in_standing("colour", "Mixup", "accuracy"),
        in_standing("colour", "Mixup", "accuracy", against="CutMix"),
    ]
    assert [gap.verdict for gap in gaps] == ["no difference seen"] * 3, gaps
    assert gaps[-1].mean > 0
    assert {len(gap.values) for gap in gaps} == {5}


def cutmix_in_the_standing_settings() -> None:
    """Look at mixup against CutMix in both."""
    for name in ("garments", "colour"):
        gap = in_standing(name, "Mixup", "accuracy", against="CutMix")
        assert gap.verdict == "no difference seen", gap


CLAIMS: list[Claim] = [
    # The problem.
    Says(
        "the negative log-likelihood (NLL) falls from {:.1f} to {:.2f}",
        lambda: five_draws(MOONS, "nll", 1),
    ),
    Says(
        "three in a row lose accuracy, from {:.1f} to {:.1f} %",
        lambda: five_draws(ROW, "accuracy", 100),
    ),
    Holds("both hold in each draw", in_each_draw, carries="Both hold in each of five draws."),
    # What decides.
    Says(
        "Without mixing, {:.0f} % of them are right after 4 epochs, and all of them after 16.",
        lambda: learnt(4, False),
    ),
    *(
        Within(
            f"training images right after {epochs} epochs",
            PLAN,
            mean(arm("none", epochs), "train_accuracy"),
            low=0.999,
        )
        for epochs in (16, 64)
    ),
    Says(
        "With crop and mirror it is {:.0f} % after 16 epochs, and {:.0f} % after 64.",
        lambda: [learnt(16, True), learnt(64, True)],
    ),
    *(
        Helps(
            PLAN,
            arm("cutmix 1", epochs),
            baseline=arm("none", epochs),
            comparisons=AT_ONCE,
            carries=LEARNT,
        )
        for epochs in (16, 64)
    ),
    *(
        NoneSeen(
            PLAN,
            arm("mixup 1", epochs),
            baseline=arm("none", epochs),
            comparisons=AT_ONCE,
            carries=LEARNT,
        )
        for epochs in (16, 64)
    ),
    *(
        Hurts(
            PLAN,
            arm(mix, epochs, augmented=augmented),
            baseline=arm("none", epochs, augmented=augmented),
            comparisons=AT_ONCE,
            carries=NOT_LEARNT,
        )
        for mix in ("mixup 1", "cutmix 1")
        for epochs, augmented in ((4, False), (16, True))
    ),
    Hurts(
        PLAN,
        arm("mixup 1", augmented=True),
        baseline=arm("none", augmented=True),
        comparisons=AT_ONCE,
        carries="At 92 % α = 1 hurts, though barely",
    ),
    Within(
        "how far α = 0.2 moves a mean at most",
        PLAN,
        largest_move,
        high=1 * POINT,
        carries="With α = 0.2 no mean moved by a point.",
    ),
    Holds("CutMix without crops has the highest mean", best_is_cutmix_alone),
    Says(
        "The best mean of all is CutMix *without* crops, {:.1f} %.",
        lambda: percent(arm("cutmix 1")),
    ),
    *(
        Orders(PLAN, (arm("cutmix 1", epochs), arm("mixup 0.2", epochs), arm("none", epochs)))
        for epochs in (16, 64)
    ),
    Within(
        "how far CutMix is ahead of mixup",
        PLAN,
        lambda result: result.difference(arm("cutmix 1"), baseline=arm("mixup 1")).mean,
        1.5 * POINT,
        2.5 * POINT,
        carries="CutMix ended two points ahead of mixup here",
    ),
    Holds(
        "the learning rate of the longest runs is the largest that was tried",
        largest_rate_was_best,
        carries="For 64 epochs it is 0.2, the largest of three; 0.4 was not tried.",
    ),
    Holds("no arm has fewer than five seeds", five_seeds_everywhere, carries="five seeds or more"),
    # The standing settings.
    Holds(
        "in garments α = 1 makes the calibration worse, though the images are learnt",
        calibration_in_garments,
        carries="In *garments*, where nearly all images are learnt, α = 1 made the calibration "
        "worse.",
    ),
    Holds(
        "with α = 0.2 the calibration gets better in both standing settings",
        calibration_with_little_mixing,
        carries="With α = 0.2 it got better in both settings.",
    ),
    Holds(
        "the standing settings saw no difference in accuracy, and a better calibration",
        no_accuracy_in_standing,
        carries="- In both standing settings no gain in accuracy was seen, and α = 0.2 improved "
        "the calibration.",
    ),
    Holds(
        "in colour no difference is seen between mixup, CutMix and neither",
        cutmix_in_colour,
        carries="In *colour*, with five seeds, no difference in accuracy is seen between mixup, "
        "CutMix and neither; mixup ended with more than CutMix.",
    ),
    Holds(
        "in both settings no difference is seen between mixup and CutMix",
        cutmix_in_the_standing_settings,
        carries="in the standing settings no difference is seen.",
    ),
    # The confidence.
    Says(
        "the calibration error (ECE) falls from {:.1f} to {:.1f} points",
        lambda: [percent(arm(mix), "ece") for mix in ("none", "mixup 1")],
    ),
    Says("takes it to {:.1f} without any training", lambda: percent(TEMPERATURE, "ece")),
    Helps(PLAN, arm("mixup 1"), "ece", baseline=arm("none"), by=5 * POINT, carries=REPAIRED),
    NoneSeen(PLAN, arm("mixup 1"), "accuracy", baseline=arm("none"), carries=REPAIRED),
    NoneSeen(
        PLAN,
        arm("mixup 1"),
        "nll",
        baseline=TEMPERATURE,
        carries="and in NLL no difference between the two is seen.",
    ),
    # The floor.
    *(
        Within(
            f"training loss above its floor, {mix}, {epochs} epochs",
            PLAN,
            above_floor(mix, epochs, floor),
            low=0,
            carries="A loss above the floor says that",
        )
        for mix, floor in (("mixup 0.2", 0.20), ("mixup 1", 0.44))
        for epochs in DURATIONS
    ),
    # The papers.
    Printed("5.6 % without, 4.2 % with mixup", ZHANG),
    Printed("| WRN-28-10, CIFAR-10 (Zhang et al., quoted) | 3.8 | 2.7 |", ZHANG),
    Printed("| PreAct-ResNet-18, CIFAR-100 (Zhang et al., quoted) | 25.6 | 21.1 |", ZHANG),
    Printed("90 epochs, α = 0.2 (Zhang et al., quoted) | 23.5 | 23.3 |", ZHANG),
    Printed("200 epochs, α = 0.2 (Zhang et al., quoted) | 23.6 | 22.1 |", ZHANG),
    Printed("| 23.68 | 22.58 | 21.40 |", "Yun et al. 2019, the authors' README"),
    Printed("| 5.04 | 4.92 | |", "hysts/pytorch_image_classification, README"),
    Printed(
        "mixup takes ResNet-50-D from 78.31 to 79.15 % top-1 accuracy",
        "He, T. et al. 2019, table 6",
    ),
    Printed("79.37, 80.24, 81.09 and 81.32 %", "openmixup, docs/en/mixup_benchmarks"),
    Printed("81.52, 78.52, 78.32 and 77.17 %", "openmixup, docs/en/mixup_benchmarks"),
]
