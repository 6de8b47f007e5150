"""What chapter 19 says of its records, and what others printed.

Chapter: notebooks/19_together.ipynb
"""

from itertools import pairwise

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, Printed, Says
from tricks_lib.lab.study import StudyResult

from .figures import BAG_OF_TRICKS, TORCHVISION, gains, inside
from .study import (
    BUILT_SHORT,
    COST,
    CROP,
    FULL,
    LEFT_OUT,
    NONE,
    PAIRS,
    PAIRS_OF,
    PLAIN,
    PLAN,
    REGULARISERS,
    RIVAL,
    best,
    built_up,
    interaction,
    without,
)

__all__ = ["CLAIMS"]

README = "clovaai/CutMix-PyTorch, README"
TABLE_6 = "He et al. 2019, table 6"


def percent(arm: str, metric: str = "accuracy", of: StudyResult | None = None) -> float:
    """Return a recorded mean, in per cent."""
    return 100 * (of or PLAN.recorded()).mean(arm, metric)


def gained_by_time(arm: str) -> float:
    """Return how much more the long run has than the short one, in points."""
    return percent(arm) - percent(arm, of=BUILT_SHORT.recorded())


def none_seen_in_pairs() -> None:
    """Look at the interactions, all fifteen read together, and at the gains of the six alone."""
    pairs = PAIRS.recorded()
    found = [interaction(pairs, *two) for two in PAIRS_OF]
    assert all(one.low < 0 < one.high for one in found)
    reach = sum(one.high - one.low for one in found) / 2 / len(found)
    assert 0.055 < reach < 0.065, reach
    alone = [pairs.difference(name, comparisons=len(REGULARISERS)) for name in REGULARISERS]
    assert all(one.low < 0 < one.high for one in alone)


def best_is_the_rival() -> None:
    """Look for the best recipe on validation images."""
    assert best(PLAN.recorded()) == RIVAL


def largest_step() -> None:
    """Look for the step that raises the mean accuracy most."""
    arms = [*built_up()]
    steps = {arm: percent(arm) - percent(before) for before, arm in pairwise(arms)}
    assert max(steps, key=lambda arm: steps[arm]) == RIVAL, steps


def none_after_raises() -> None:
    """Look at the means after crop and mirror: all lie below it."""
    arms = [*built_up()]
    after = arms[arms.index(RIVAL) + 1 :]
    assert all(percent(arm) < percent(RIVAL) for arm in after)


CLAIMS: list[Claim] = [
    # The recipe built up.
    Says(
        "Crop and mirror add {:.1f} points, more than any other step.",
        lambda: percent(RIVAL) - percent("+ weight decay"),
    ),
    Holds(
        "the largest step",
        largest_step,
        carries="points, more than any other step.",
    ),
    Helps(
        PLAN,
        RIVAL,
        baseline="+ weight decay",
        comparisons=8,
        carries="more than any other step.",
    ),
    Holds(
        "no later recipe is above crop and mirror",
        none_after_raises,
        carries="Every recipe that follows lies below",
    ),
    Says(
        "the whole one by {:.1f} points (dropout's step: {:.1f}).",
        lambda: [percent(RIVAL) - percent(FULL), percent([*built_up()][-2]) - percent(FULL)],
    ),
    Hurts(
        PLAN, FULL, baseline=RIVAL, comparisons=3, carries="Every recipe that follows lies below"
    ),
    Says(
        "The network knows {:.0f} % of its training images with crop and mirror, and {:.0f} % with "
        "everything.",
        lambda: [percent(arm, "train_accuracy") for arm in (RIVAL, FULL)],
    ),
    Holds("the best recipe", best_is_the_rival, carries="was the best recipe on validation images"),
    Says(
        "{:.1f} % of the test images, against {:.1f} % with all eight tricks.",
        lambda: [percent(RIVAL), percent(FULL)],
    ),
    # Pairs.
    Says(
        "without any, the network knows {:.0f} % of its training images.",
        lambda: percent(NONE, "train_accuracy", PAIRS.recorded()),
    ),
    Holds(
        "no pair is seen alone, nor a trick without another",
        none_seen_in_pairs,
        carries="All fifteen intervals contain zero; they reach about six points either way.",
    ),
    Holds("none of the six is seen", none_seen_in_pairs, carries="all intervals, held at once"),
    # Time.
    Says(
        "In runs of 10 epochs crop and mirror cost {:.1f} points; of 30, they add {:.1f}.",
        lambda: [
            percent("+ weight decay", of=BUILT_SHORT.recorded())
            - percent(RIVAL, of=BUILT_SHORT.recorded()),
            percent(RIVAL) - percent("+ weight decay"),
        ],
    ),
    Says(
        "cost {:.1f} in 10, and {:.1f} inside the whole recipe.",
        lambda: [
            percent("+ weight decay", of=BUILT_SHORT.recorded())
            - percent(RIVAL, of=BUILT_SHORT.recorded()),
            percent(without(CROP), of=LEFT_OUT.recorded()) - percent(FULL),
        ],
    ),
    Helps(LEFT_OUT, without(CROP), comparisons=8, carries="inside the whole recipe."),
    Says(
        "Three times the epochs add {:.1f} points with crop and mirror, {:.1f} with everything, "
        "and {:.1f} with nothing.",
        lambda: [gained_by_time(arm) for arm in (RIVAL, FULL, PLAIN)],
    ),
    Says("took {:.2f} times as long", lambda: COST),
    # Others.
    Says(
        "at 0.10 points {} of the {} steps of torchvision's recipe lie inside the band, and at "
        "0.18 points {}.",
        lambda: [
            str(len(inside(TORCHVISION, 0.10, 3))),
            str(len(gains(TORCHVISION))),
            str(len(inside(TORCHVISION, 0.18, 3))),
        ],
    ),
    Says(
        "All steps together, {:.1f} points, are far outside.",
        lambda: TORCHVISION["size at inference"] - TORCHVISION["as it was"],
    ),
    Printed(
        "none 16.45, Cutout 16.53, mixup 15.63, Cutout and mixup 15.46, Cutout and label smoothing "
        "15.61",
        README,
    ),
    Printed("label smoothing 78.31 %, with distillation 78.67, with mixup 79.15", TABLE_6),
    Says(
        "The gains of distillation ({:.2f}) and mixup (0.84) would add up to {:.2f}.",
        lambda: [
            gains(BAG_OF_TRICKS)["distillation"],
            BAG_OF_TRICKS["distillation"] + 79.15 - BAG_OF_TRICKS["label smoothing"],
        ],
    ),
    Printed("±0.03 to ±0.18", "NVIDIA DeepLearningExamples"),
    Printed("±0.15 to ±0.25", "mosaicml/composer, pull request 825"),
]
