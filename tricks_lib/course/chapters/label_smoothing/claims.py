"""What chapter 05 says of its records, and what He et al. and Szegedy et al. printed.

Chapter: notebooks/05_label_smoothing.ipynb
"""

import math
from collections.abc import Callable

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Within
from tricks_lib.course.standing import colour, garments
from tricks_lib.course.standing.comparisons import BASELINE, comparisons
from tricks_lib.lab.study import POINT, StudyResult

from .figures import SETTINGS, chosen_against_temperature, lengths, predicted_gap
from .study import (
    BOTH,
    CALIBRATED,
    CLOUDS,
    DECAYED,
    EPSILONS,
    HARD,
    LENGTHS,
    NOISY,
    OVERTRAINED,
    PLAN,
    RIVAL,
    TRICK,
)

__all__ = ["CLAIMS"]

OVER_CONFIDENT = (PLAN, OVERTRAINED, NOISY)
"""The settings in which a network is over-confident with hard labels."""

TABLE_6 = "He, T. et al. 2019, table 6"


def mean(arm: str, metric: str) -> Callable[[StudyResult], float]:
    """Return how to work out the mean of a metric."""
    return lambda result: result.mean(arm, metric)


def over_confidence(arm: str) -> Callable[[StudyResult], float]:
    """Return how to work out how much surer a network is on average than right."""
    return lambda result: result.mean(arm, "confidence") - result.mean(arm)


def little_is_best() -> None:
    """Look for the best calibration in each setting where hard labels are not the best."""
    for plan in OVER_CONFIDENT:
        result = plan.recorded()
        arms = [f"ε = {epsilon:g}" for epsilon in EPSILONS]
        best = min(arms, key=lambda arm: result.mean(arm, "ece"))
        assert best in ("ε = 0.05", "ε = 0.1"), f"{plan.name} has the best calibration at {best}"


def gap_of(epsilon: float) -> Callable[[StudyResult], float]:
    """Return how to work out how far the measured logit gap lies from the derived one."""
    return lambda result: result.mean(f"ε = {epsilon:g}", "logit_gap") - predicted_gap(epsilon)


def bins_hold_all_test_images() -> None:
    """Add up the bins of every run."""
    for plan in PLAN.parts:
        if plan is CLOUDS:
            continue
        result = plan.recorded()
        for arm in plan.recipes:
            accuracy, hits = result.values(arm), result.values(arm, "bin_hits")
            for seed, images in result.values(arm, "bin_images").items():
                where = f"{plan.name}, {arm}, seed {seed}"
                assert sum(images) == 5000, f"{where}: the bins hold {sum(images)} images"
                share = sum(hits[seed]) / 5000
                assert math.isclose(share, accuracy[seed], rel_tol=1e-6), f"{where}: {share} right"


def the_sign_turns_at_half_of_what_is_taken() -> None:
    """Compare, for each length of training, over-confidence with half of the loss of confidence."""
    for epochs, sure, change in lengths():
        result = OVERTRAINED.recorded() if epochs == 30 else LENGTHS.recorded()
        ending = "" if epochs == 30 else f", {epochs} epochs"
        taken = 100 * (
            result.mean(HARD + ending, "confidence") - result.mean(TRICK + ending, "confidence")
        )
        beyond = sure.mean().item() - taken / 2
        # Near the turning point either sign may come out.
        assert abs(beyond) < 2 or (beyond > 0) == (change.mean().item() < 0), (
            f"{epochs} epochs: over-confident by {sure.mean():.1f} points, {taken:.1f} are taken, "
            f"and the calibration error changes by {change.mean():.1f}"
        )


def a_chosen_epsilon_is_level_with_a_temperature() -> None:
    """Compare both, each chosen on the same validation images, where labels are right."""
    for name, gap in chosen_against_temperature().items():
        if name != "wrong labels":
            assert gap.verdict == "no difference seen", f"{name}: {gap.verdict}, {gap}"


def clouds_of(split: str) -> Callable[[StudyResult], float]:
    """Return how to work out how large the clouds are with smoothed labels, against hard ones."""
    name = f"clouds_{split}"
    return lambda result: result.mean(TRICK, name) / result.mean(HARD, name)


GARMENTS, COLOUR = garments.SETTING.plan, colour.SETTING.plan
SMOOTHED, TEMPERATURE = "label smoothing", "a temperature"
"""The standing settings, and what their arms are called."""

TOGETHER = len(comparisons())
"""How many tricks a standing setting compares."""


def reach_of_accuracy(result: StudyResult) -> float:
    """Return half the width of the interval on the card."""
    gap = result.difference(SMOOTHED, comparisons=TOGETHER)
    assert len(gap.values) == 5
    return gap.high - gap.mean


def over_confident_by(result: StudyResult) -> float:
    """Return the calibration error of a standing baseline, which must come from over-confidence."""
    assert result.mean(BASELINE, "temperature") > 1, "it is under-confident"
    return result.mean(BASELINE, "ece")


CLAIMS: list[Claim] = [
    *(
        NoneSeen(
            plan,
            SMOOTHED,
            comparisons=TOGETHER,
            carries="Against hard labels the standing settings show no accuracy difference.",
        )
        for plan in (GARMENTS, COLOUR)
    ),
    Hurts(GARMENTS, SMOOTHED, "nll", TEMPERATURE, comparisons=TOGETHER),
    NoneSeen(COLOUR, SMOOTHED, "nll", TEMPERATURE, comparisons=TOGETHER),
    Hurts(
        GARMENTS,
        SMOOTHED,
        "ece",
        comparisons=TOGETHER,
        carries="it spoils the calibration in *garments*, where hard labels are over-confident by "
        "a few points",
    ),
    Within("over-confidence in garments", GARMENTS, over_confident_by, 3 * POINT, 5 * POINT),
    Helps(
        COLOUR,
        SMOOTHED,
        "ece",
        comparisons=TOGETHER,
        carries="and improves it in *colour*, where they are so by fourteen.",
    ),
    Within("over-confidence in colour", COLOUR, over_confident_by, 13.5 * POINT, 14.5 * POINT),
    Within(
        "how far the interval of accuracy in colour reaches to either side",
        COLOUR,
        reach_of_accuracy,
        low=4 * POINT,
        carries="*Colour* has five seeds: even a gain of four points in accuracy would not show.",
    ),
    *(Helps(plan, arm, "ece") for plan in OVER_CONFIDENT for arm in ("ε = 0.05", "ε = 0.1")),
    *(
        Helps(
            plan,
            TRICK,
            "ece",
            comparisons=2,
            carries="Smoothing improves the calibration of the three over-confident networks and "
            "spoils the well calibrated one.",
        )
        for plan in OVER_CONFIDENT
    ),
    Hurts(CALIBRATED, TRICK, "ece", comparisons=2),
    *(
        Hurts(
            plan,
            TRICK,
            "ece",
            RIVAL,
            comparisons=2,
            carries="A temperature does better in three of the four",
        )
        for plan in (PLAN, OVERTRAINED, CALIBRATED)
    ),
    Helps(
        NOISY,
        TRICK,
        "ece",
        RIVAL,
        comparisons=2,
        carries="with wrong labels smoothing wins in ECE alone.",
    ),
    Holds(
        "an ε chosen on validation images calibrates as a temperature does where labels are right",
        a_chosen_epsilon_is_level_with_a_temperature,
        carries="If ε is chosen on the same validation images too, from five runs, no difference "
        "between the two is seen in the other three.",
    ),
    Hurts(NOISY, TRICK, comparisons=8, carries="a point and a half less with wrong labels."),
    Helps(PLAN, TRICK, comparisons=8, carries="A point more for the network that memorised"),
    *(
        Within(
            "what ε = 0.1 changes in accuracy",
            plan,
            lambda result: abs(result.difference(TRICK).mean),
            size - 0.25 * POINT,
            size + 0.25 * POINT,
        )
        for plan, size in ((PLAN, POINT), (NOISY, 1.5 * POINT))
    ),
    *(
        Within(
            "how over-confident the network is with hard labels",
            plan,
            over_confidence(HARD),
            low=5 * POINT,
        )
        for plan in OVER_CONFIDENT
    ),
    Within(
        "how over-confident the well calibrated network is",
        CALIBRATED,
        over_confidence(HARD),
        -2 * POINT,
        2 * POINT,
    ),
    Within(
        "accuracy of the well calibrated network",
        CALIBRATED,
        mean(HARD, "accuracy"),
        85.5 * POINT,
        86.5 * POINT,
        carries="A well calibrated network is right on 86 % of its test images.",
    ),
    Holds(
        "the best calibration is at ε = 0.05 or 0.1 where smoothing mends it",
        little_is_best,
        carries="Where smoothing improves calibration, 0.05 or 0.1 is best",
    ),
    *(
        Within(
            "how much surer than right the network is at ε = 0.4",
            plan,
            over_confidence("ε = 0.4"),
            high=-0.2,
            carries="at 0.4 every network is under-confident.",
        )
        for plan in SETTINGS.values()
    ),
    Holds(
        "smoothing pays where over-confidence exceeds half of what is taken",
        the_sign_turns_at_half_of_what_is_taken,
        carries="Smoothing pays if it lowers the confidence by less than twice the "
        "over-confidence:",
    ),
    Hurts(LENGTHS, f"{TRICK}, 4 epochs", "ece", f"{HARD}, 4 epochs", comparisons=4),
    *(
        Within(
            f"how far the gap at ε = {epsilon:g} is from the derived one",
            PLAN,
            gap_of(epsilon),
            -0.05,
            0.05,
            carries="Yes, to five hundredths, for the network that memorised",
        )
        for epsilon in EPSILONS
        if epsilon
    ),
    *(
        Within(
            "how far the gap is from the derived one elsewhere",
            plan,
            gap_of(epsilon),
            -0.4,
            0.4,
            carries="elsewhere it is up to 0.4 off.",
        )
        for plan in (OVERTRAINED, NOISY, CALIBRATED)
        for epsilon in EPSILONS
        if epsilon
    ),
    *(
        Hurts(
            plan,
            BOTH,
            "nll",
            RIVAL,
            comparisons=4,
            carries="It does more: hard labels are better, by little in the well calibrated "
            "setting.",
        )
        for plan in SETTINGS.values()
    ),
    Within(
        "how over-confident the network with weight decay is",
        DECAYED,
        over_confidence(HARD),
        low=5 * POINT,
        carries="No: the network stays over-confident.",
    ),
    Helps(DECAYED, TRICK, "ece", comparisons=2),
    Within(
        "size of the smoothed clouds of training images against the hard ones",
        CLOUDS,
        clouds_of("train"),
        high=1 / 3,
        carries="On training images smoothing makes them several times smaller",
    ),
    Within(
        "size of the smoothed clouds of test images against the hard ones",
        CLOUDS,
        clouds_of("test"),
        low=1,
        carries="on test images no smaller.",
    ),
    Holds("bins of a record hold all test images", bins_hold_all_test_images),
    Printed("| ResNet-50-D (He et al. 2019, table 6) | 77.91 | 78.31 |", TABLE_6),
    Printed("| Inception-V3 (He et al. 2019, table 6) | 78.19 | 78.40 |", TABLE_6),
    Printed("| MobileNet (He et al. 2019, table 6) | 72.83 | 72.93 |", TABLE_6),
    Printed('"about 0.2 % absolute" better', "Szegedy et al. 2016, section 7"),
    Printed("gains of 0.1 to 0.4 points on ImageNet", TABLE_6),
]
