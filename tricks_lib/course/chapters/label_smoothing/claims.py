"""What chapter 05 says of its records, and what He et al. and Szegedy et al. printed.

Chapter: notebooks/05_label_smoothing.ipynb
"""

import math
from collections.abc import Callable

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says, Within
from tricks_lib.course.plan import StudyPlan
from tricks_lib.lab.study import POINT, StudyResult

from .study import EPSILONS, HONEST, NOISY, OVERTRAINED, PLAN

__all__ = ["CLAIMS"]

MENDED = (PLAN, OVERTRAINED, NOISY)
"""The settings in which a network is over-confident."""

TABLE_6 = "He, T. et al. 2019, table 6"


def mean(arm: str, metric: str) -> Callable[[StudyResult], float]:
    """Return how to work out the mean of a metric."""
    return lambda result: result.mean(arm, metric)


def over_confidence(result: StudyResult) -> float:
    """Return how much too sure the most smoothed network is."""
    return result.mean("ε = 0.4", "confidence") - result.mean("ε = 0.4")


def what_a_temperature_leaves(result: StudyResult) -> float:
    """Return the share of the calibration error that a temperature leaves, of hard labels."""
    return result.mean("ε = 0", "ece_tempered") / result.mean("ε = 0", "ece")


def little_is_best() -> None:
    """Look for the best calibration in each setting where hard labels are not the best."""
    for plan in MENDED:
        result = plan.recorded()
        best = min(result.runs, key=lambda arm: result.mean(arm, "ece"))
        assert best in ("ε = 0.05", "ε = 0.1"), f"{plan.name} has the best calibration at {best}"


def gap_of(epsilon: float) -> Callable[[StudyResult], float]:
    """Return how to work out how far the measured logit gap lies from the derived one."""
    derived = math.log(1 + 10 * (1 - epsilon) / epsilon)
    return lambda result: result.mean(f"ε = {epsilon:g}", "logit_gap") - derived


def bins_hold_all_test_images() -> None:
    """Add up the bins of every run."""
    for plan in PLAN.parts:
        result = plan.recorded()
        for arm in result.runs:
            accuracy, hits = result.values(arm), result.values(arm, "bin_hits")
            for seed, images in result.values(arm, "bin_images").items():
                where = f"{plan.name}, {arm}, seed {seed}"
                assert sum(images) == 5000, f"{where}: the bins hold {sum(images)} images"
                share = sum(hits[seed]) / 5000
                assert math.isclose(share, accuracy[seed], rel_tol=1e-6), f"{where}: {share} right"


def of_temperature_and_smoothing() -> tuple[float, float]:
    """Return the calibration error with wrong labels: of a temperature, of ε = 0.1."""
    result = NOISY.recorded()
    return 100 * result.mean("ε = 0", "ece_tempered"), 100 * result.mean("ε = 0.1", "ece")


def points(plan: StudyPlan) -> float:
    """Return what ε = 0.1 gains in accuracy."""
    return 100 * plan.recorded().difference("ε = 0.1").mean


CLAIMS: list[Claim] = [
    *(Helps(plan, arm, "ece") for plan in MENDED for arm in ("ε = 0.05", "ε = 0.1")),
    *(Hurts(HONEST, arm, "ece") for arm in ("ε = 0.05", "ε = 0.1")),
    Hurts(
        OVERTRAINED,
        "ε = 0.2",
        "ece",
        carries="at 0.2 the overtrained network is already further off than with hard labels",
    ),
    Holds(
        "the best calibration is at ε = 0.05 or 0.1 where smoothing mends it",
        little_is_best,
        carries="Where smoothing helps, 0.05 or 0.1 is best",
    ),
    *(
        Within(
            "how much too sure the network is at ε = 0.4",
            plan,
            over_confidence,
            high=-0.2,
            carries="at 0.4 every one of the four is timid",
        )
        for plan in PLAN.parts
    ),
    *(
        Within(
            f"how far the gap at ε = {epsilon:g} is from the derived one",
            PLAN,
            gap_of(epsilon),
            -0.05,
            0.05,
            carries="By heart, the derivation holds to five hundredths, without a number fitted.",
        )
        for epsilon in EPSILONS
        if epsilon
    ),
    *(
        Hurts(
            plan,
            "ε = 0.1",
            "nll_tempered",
            carries="once both are allowed a temperature, the network with *hard* labels has the "
            "better likelihood than the one with ε = 0.1, in all four settings",
        )
        for plan in PLAN.parts
    ),
    NoneSeen(
        NOISY,
        "ε = 0.4",
        "nll_tempered",
        carries="and with wrong labels no difference from hard labels is left at 0.4",
    ),
    *(
        Within(
            "the share of ECE that a temperature leaves", plan, what_a_temperature_leaves, 0, 0.5
        )
        for plan in MENDED
    ),
    Within(
        "ECE of the honest network with a temperature",
        HONEST,
        mean("ε = 0", "ece_tempered"),
        high=2 * POINT,
    ),
    *(
        Within(
            "the temperature",
            plan,
            mean("ε = 0", "temperature"),
            low=1.5,
        )
        for plan in MENDED
    ),
    Within("the temperature", HONEST, mean("ε = 0", "temperature"), high=1.5),
    Helps(PLAN, "ε = 0.1", by=0.5 * POINT, carries='In the setting "by heart" it gains a point or'),
    Within("the gain", PLAN, lambda result: result.difference("ε = 0.1").mean, low=POINT),
    Helps(PLAN, "ε = 0.2"),
    *(NoneSeen(plan, "ε = 0.1") for plan in (HONEST, OVERTRAINED)),
    *(Helps(plan, "ε = 0.2") for plan in (HONEST, OVERTRAINED)),
    Hurts(NOISY, "ε = 0.1"),
    Within(
        "what ε = 0.1 gains with wrong labels",
        NOISY,
        lambda result: result.difference("ε = 0.1").mean,
        high=-0.5 * POINT,
    ),
    Helps(NOISY, "ε = 0.2"),
    Holds("bins of a record hold all test images", bins_hold_all_test_images),
    Says("stops at {:.1f} points, against {:.1f}", of_temperature_and_smoothing),
    Says(
        "better: {:.1f} points of ECE against {:.1f}",
        lambda: of_temperature_and_smoothing()[::-1],
    ),
    Says("a loss of {:.1f} points (wrong labels)", lambda: -points(NOISY)),
    Says("a gain of {:.1f} (by heart)", lambda: points(PLAN)),
    Within(
        "ECE of the honest network at ε = 0.2",
        HONEST,
        mean("ε = 0.2", "ece"),
        16.5 * POINT,
        17.5 * POINT,
        carries="our honest network got seventeen",
    ),
    Printed("| ResNet-50-D (He et al. 2019, table 6) | 77.91 | 78.31 |", TABLE_6),
    Printed("| Inception-V3 (He et al. 2019, table 6) | 78.19 | 78.40 |", TABLE_6),
    Printed("| MobileNet (He et al. 2019, table 6) | 72.83 | 72.93 |", TABLE_6),
    Printed('"about 0.2 % absolute" better', "Szegedy et al. 2016, section 7"),
]
