"""What chapter 06 says of its records, and what the papers printed.

Chapter: notebooks/06_distillation.ipynb
"""

from collections.abc import Callable

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says
from tricks_lib.course.standing.comparisons import BASELINE, SETTINGS, comparisons, finding, result
from tricks_lib.recipe import Recipe

from .study import (
    AGAIN,
    ALONE,
    AS_SMALL_AS,
    COLD,
    ENOUGH,
    EPOCHS,
    FURTHER,
    HARD,
    HOT,
    ITSELF,
    LABELLED,
    LABELS,
    LONG,
    LONGER,
    LR,
    LR_TAUGHT,
    MORE,
    NO_MORE,
    PLAN,
    RATES,
    SMOOTH,
    SMOOTHED_1,
    SMOOTHED_4,
    SOFT,
    TAUGHT,
    TEACHER,
    TEMPERATURE,
    TINY,
    TINY_ALONE,
    TINY_COLD,
    TINY_TAUGHT,
    WIDE,
)

__all__ = ["CLAIMS"]

AT_ONCE = 6
"""Comparisons of the main study that are read together: the headline and its rivals."""

HE = "He, T. et al. 2019, table 6"
HINTON = "Hinton, Vinyals, Dean 2015, as quoted in public notes"
README = "haitongli/knowledge-distillation-pytorch, README"
SAW = "So here the gain goes with what the teacher *saw*; of its size no effect was seen."


def percent(name: str, plan=PLAN) -> float:
    """Return the recorded mean of the accuracy, in percent."""
    return 100 * plan.recorded().mean(name)


def nll(name: str, plan=PLAN) -> float:
    """Return the recorded mean of the negative log-likelihood, in nats."""
    found: float = plan.recorded().mean(name, "nll")
    return found


def steps(plan, name: str, images: int) -> float:
    """Return how many steps an arm takes on so many images."""
    recipe: Recipe = plan.recipes[name]
    return recipe.epochs * images / recipe.batch_size


def percents(*names: str, plan=PLAN) -> Callable[[], list[float]]:
    """Return how to work out several means of the accuracy, in percent."""
    return lambda: [percent(name, plan) for name in names]


def no_gain_in_standing_settings() -> None:
    """Look at the accuracy in both."""
    for name in SETTINGS:
        found = finding("distillation", name)
        assert found is not None and found.word == "no difference seen", f"{name}: {found}"


def worse_in_garments() -> None:
    """Look at likelihood and calibration in garments, with an interval as wide as on the card."""
    found = result("garments")
    assert found is not None
    for metric in ("nll", "ece"):
        gap = found.difference("distillation", metric, BASELINE, comparisons=len(comparisons()))
        assert gap.verdict == "hurts", f"{metric}: {gap}"


def standing() -> None:
    """Look at all that is said of the standing settings."""
    no_gain_in_standing_settings()
    worse_in_garments()


CLAIMS: list[Claim] = [
    # The setting.
    Says("the learning rate is tuned anew: {} instead of {}.", lambda: [LR_TAUGHT, LR]),
    Says(
        "{} labelled images for the student and {:,} others for the teacher",
        lambda: [LABELLED, TAUGHT],
    ),
    Says("two hidden layers of {} units", lambda: WIDE[0]),
    Says("A student with {} hidden units has the labels", lambda: TINY[0]),
    Says("with {} tries each:", lambda: {6: "six"}.get(len(RATES), str(len(RATES)))),
    Says("here as much as {} epochs of the student alone.", lambda: LONG),
    Says(
        "are {:.0f} steps; the runs above took {:.0f}.",
        lambda: [steps(MORE, SOFT, LABELLED + FURTHER), steps(PLAN, TEACHER, LABELLED)],
    ),
    # What carries the gain.
    Says(
        "A teacher that saw the student's 300 images alone takes the accuracy to {:.1f} %, where "
        "labels alone have {:.1f} %: no difference was seen.",
        percents(NO_MORE, ALONE),
    ),
    Says(
        "One of the student's own size that saw 4,000 others takes it to {:.1f} %, the large one "
        "to {:.1f} %: again no difference was seen.",
        percents(AS_SMALL_AS, TEACHER),
    ),
    *(
        NoneSeen(PLAN, NO_MORE, baseline=ALONE, comparisons=AT_ONCE, carries=carries)
        for carries in (
            SAW,
            "no difference was seen.",
            "nothing was seen to be gained from a teacher that saw no more.",
        )
    ),
    *(
        NoneSeen(PLAN, TEACHER, baseline=AS_SMALL_AS, comparisons=AT_ONCE, carries=carries)
        for carries in (
            SAW,
            "again no difference was seen.",
            "between one of the student's size and a large one no difference was seen.",
        )
    ),
    Helps(PLAN, AS_SMALL_AS, baseline=ALONE, comparisons=AT_ONCE, carries=SAW),
    Helps(PLAN, AS_SMALL_AS, baseline=NO_MORE, comparisons=AT_ONCE, carries=SAW),
    Helps(PLAN, TEACHER, baseline=NO_MORE, comparisons=AT_ONCE, carries=SAW),
    # The rivals.
    Says(
        "{} epochs instead of {} cost as much as the teacher, and have {:.1f} %; label smoothing "
        "(chapter 05) has {:.1f} %.",
        lambda: [LONG, EPOCHS, percent(LONGER), percent(SMOOTH)],
    ),
    Says(
        "In NLL a temperature takes the student alone from {:.2f} to {:.2f}; with the teacher it "
        "has {:.2f}.",
        lambda: [nll(name) for name in (ALONE, TEMPERATURE, TEACHER)],
    ),
    *(
        Helps(PLAN, TEACHER, baseline=rival, comparisons=AT_ONCE)
        for rival in (ALONE, LONGER, SMOOTH)
    ),
    Helps(PLAN, TEACHER, "nll", baseline=TEMPERATURE, comparisons=AT_ONCE),
    Says(
        "Here it gained {:.1f} points with 300 labels",
        lambda: percent(TEACHER) - percent(ALONE),
    ),
    # The temperature, and a smoothed teacher: in the first ten seeds, and in ten further ones.
    *(
        verdict(plan, arm, baseline=other, comparisons=4, carries=carries)
        for plan in (PLAN, AGAIN)
        for verdict, arm, other, carries in (
            (Hurts, COLD, TEACHER, "In accuracy T = 4 was ahead of 1 and of 20"),
            (Hurts, HOT, TEACHER, "In accuracy T = 4 was ahead of 1 and of 20"),
            (Hurts, SMOOTHED_4, TEACHER, "label smoothing fell behind at T = 4"),
        )
    ),
    *(
        Hurts(plan, arm, "nll", baseline=other, comparisons=4, carries="in NLL also at T = 1.")
        for plan in (PLAN, AGAIN)
        for arm, other in ((SMOOTHED_4, TEACHER), (SMOOTHED_1, COLD))
    ),
    # A student that is too small.
    *(
        NoneSeen(
            ENOUGH,
            name,
            baseline=TINY_ALONE,
            comparisons=2,
            carries="With as many labels as its teacher has, no gain in accuracy was seen for this "
            "student.",
        )
        for name in (TINY_TAUGHT, TINY_COLD)
    ),
    # The standing settings.
    Holds(
        "no gain in accuracy in either standing setting, and worse likelihood in garments",
        standing,
        carries="In both standing settings the teacher saw just the student's images, and the "
        "student kept the baseline's learning rate: no gain in accuracy was seen; in *garments* "
        "NLL and calibration got worse.",
    ),
    Holds(
        "no gain in accuracy in either standing setting",
        no_gain_in_standing_settings,
        carries="no gain was seen in either standing setting.",
    ),
    # Images without labels.
    Says(
        "With 300 labelled images and the same teacher the student has {:.1f} %; with 4,000 images "
        "and no label, {:.1f} %.",
        lambda: [percent(TEACHER), percent(SOFT, MORE)],
    ),
    Says(
        "in NLL the classes alone are far behind, {:.2f} against {:.2f}.",
        lambda: [nll(HARD, MORE), nll(SOFT, MORE)],
    ),
    Says(
        "4,000 images without labels it reached {:.1f} %, where the teacher has {:.1f} %.",
        lambda: [percent(SOFT, MORE), percent(ITSELF)],
    ),
    NoneSeen(
        MORE,
        SOFT,
        baseline=HARD,
        comparisons=2,
        carries="In accuracy no difference is seen between soft targets and the teacher's classes",
    ),
    Helps(MORE, SOFT, "nll", baseline=HARD, comparisons=2),
    *(
        Hurts(
            MORE,
            name,
            baseline=LABELS,
            comparisons=2,
            carries="they did a little better than its answers.",
        )
        for name in (SOFT, HARD)
    ),
    # The papers.
    Printed("| ResNet-50-D | 78.31 | 78.67 |", HE),
    Printed("| Inception-V3 | 78.40 | 78.26 |", HE),
    Printed("| MobileNet | 72.93 | 71.97 |", HE),
    Printed(
        "79.15 and 79.29 for ResNet-50-D, 78.77 and 78.34 for Inception-V3, 73.28 and 72.51 for "
        "MobileNet",
        HE,
    ),
    Printed("made 146 test errors alone and 74 with a teacher", HINTON),
    Printed("has 84.74 % alone and 85.69 % with a teacher", README),
    Printed("ResNet-18 has 94.175 and 94.788 %", README),
]
