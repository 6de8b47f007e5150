"""What chapter 12 says of its records, and what the papers printed.

Chapter: notebooks/12_geometry.ipynb
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
)
from tricks_lib.course.plan import StudyPlan
from tricks_lib.course.standing.comparisons import COMPARISONS, finding

from . import figures
from .study import (
    BOTH,
    DIGITS,
    GARMENTS,
    NONE,
    PLAN,
    RESIZED,
    ROTATED,
    at_angle,
    at_rate,
    at_zoom,
    long,
    recall,
    taken_for,
)

__all__ = ["CLAIMS"]

TABLE_1 = "DeVries and Taylor 2017, table 1"
NONE_10, CROP_10, MIRROR_10 = (f"{name}, 10 epochs" for name in ("none", "crop", "mirror"))
BOOT = "Ankle boot"
EACH = "crop, mirror and rotation help, each by itself"


def percent(plan: StudyPlan, arm: str, metric: str = "accuracy") -> float:
    """Return the recorded mean of a share, in percent."""
    return 100 * plan.recorded().mean(arm, metric)


def gap(plan: StudyPlan, arm: str, baseline: str, metric: str = "accuracy") -> float:
    """Return the recorded difference in points, as it is without its sign."""
    return abs(100 * plan.recorded().difference(arm, metric, baseline).mean)


def lost(digit: int) -> float:
    """Return how many points a digit loses under all turns."""
    return gap(DIGITS, "all turns", "none", recall(str(digit)))


def gains_most_in_colour() -> None:
    """Compare the gains of all tricks in the standing setting *colour*."""
    found = {slug: finding(slug, "colour") for slug in COMPARISONS}
    ours = found.pop("geometry")
    assert ours is not None and ours.word == "helps"
    others = [one.difference for one in found.values() if one]
    assert max(one.high for one in others) < ours.difference.low


def hurts_in_garments() -> None:
    """Look at the verdict in *garments*, which stands in the table of answers."""
    found = finding("geometry", "garments")
    assert found is not None and found.word == "hurts"


def earns_more_with_time() -> None:
    """Compare the gains of crop and mirror after 15 and 45 epochs, seed by seed."""
    recorded = PLAN.recorded()
    early = recorded.difference(BOTH, baseline=NONE, comparisons=2)
    late = recorded.difference(long(BOTH), baseline=long(NONE), comparisons=2)
    assert early.high < late.low


def is_no_better_with_time() -> None:
    """Compare training without augmentation after 15 and 45 epochs."""
    assert PLAN.recorded().difference(long(NONE), baseline=NONE).high < 0.005


CLAIMS: list[Claim] = [
    # The question.
    Says(
        "is right on about {:.0f} % of the test images",
        lambda: percent(GARMENTS, NONE_10),
    ),
    # The derivation.
    Says(
        "so 81 in all; mirrored or not, that makes {} versions of every image.",
        lambda: str(figures.versions(4)),
    ),
    Says(
        r"=\frac{{20}}9$ pixels on average. "
        r"The window then shows $\big(1-\frac{{20}}{{9\cdot32}}\big)^2={:.2f}$ of the image",
        lambda: figures.kept(32, 4),
    ),
    # Photographs.
    *(
        Helps(
            PLAN,
            long(BOTH),
            baseline=baseline,
            comparisons=7,
            carries="Longer training without them was no substitute.",
        )
        for baseline in (long(NONE), at_rate(0.2, 45))
    ),
    Helps(
        PLAN,
        BOTH,
        baseline=long(NONE),
        comparisons=7,
        by=0.01,
        carries="Longer training without them was no substitute.",
    ),
    Says(
        "and is no better than after 15: {:.1f} and {:.1f} %.",
        lambda: [percent(PLAN, long(NONE)), percent(PLAN, NONE)],
    ),
    Holds(
        "longer training without augmentation is no better",
        is_no_better_with_time,
        carries="is no better than after 15",
    ),
    Says(
        "Without crop and mirror the network gets {:.0f} % of its training images right after 45 "
        "epochs",
        lambda: percent(PLAN, long(NONE), "train_accuracy"),
    ),
    Says(
        "With them it has {:.1f} % after 15 epochs and {:.1f} % after 45.",
        lambda: [percent(PLAN, BOTH), percent(PLAN, long(BOTH))],
    ),
    Holds("the gain grows with the length", earns_more_with_time, carries="**Time decides.**"),
    *(
        Helps(PLAN, arm, comparisons=6, by=0.01, carries=EACH)
        for arm in ("crop", "mirror", "rotation")
    ),
    Says(
        "After 15 epochs crop, mirror and rotation help, each by itself, by {:.1f} to {:.1f} "
        "points",
        lambda: [
            extreme(gap(PLAN, arm, NONE) for arm in ("crop", "mirror", "rotation"))
            for extreme in (min, max)
        ],
    ),
    NoneSeen(PLAN, ROTATED, comparisons=6, carries="of all three together no gain is seen."),
    Says(
        "crop and mirror gained {:.1f} points after 15 epochs and {:.1f} after 45",
        lambda: [gap(PLAN, BOTH, NONE), gap(PLAN, long(BOTH), long(NONE))],
    ),
    Holds(
        "the largest gain of all tricks in colour",
        gains_most_in_colour,
        carries="in *colour* no other trick of this course gains as much.",
    ),
    Helps(
        PLAN,
        long(BOTH),
        baseline=long(ROTATED),
        comparisons=7,
        carries="Are they better alone than with a rotation by up to 15° as well?",
    ),
    # Views.
    Orders(
        PLAN,
        (long(BOTH), long(ROTATED), long(RESIZED), long(NONE)),
        metric=at_angle(0),
        carries="Crop and mirror lift the whole curve of shifts, also in the middle.",
    ),
    *(
        Helps(
            PLAN,
            long(BOTH),
            metric,
            baseline=long(NONE),
            comparisons=17,
            carries="Crop and mirror lift the whole curve of shifts, also in the middle.",
        )
        for metric in (f"accuracy_shift_{by:+d}" for by in range(-8, 9, 2))
    ),
    Says(
        "With rotation {:.0f} % are right at 30°, and {:.0f} % without it;",
        lambda: [
            (percent(PLAN, arm, at_angle(30)) + percent(PLAN, arm, at_angle(-30))) / 2
            for arm in (long(ROTATED), long(BOTH))
        ],
    ),
    *(
        Helps(
            PLAN,
            long(ROTATED),
            at_angle(degrees),
            baseline=long(BOTH),
            comparisons=9,
            carries="are right at 30°, and",
        )
        for degrees in (-30, 30)
    ),
    *(
        NoneSeen(
            PLAN,
            long(ROTATED),
            at_angle(degrees),
            baseline=long(BOTH),
            comparisons=9,
            carries="at 15° no difference is seen.",
        )
        for degrees in (-15, 15)
    ),
    Helps(
        PLAN,
        long(RESIZED),
        at_zoom(2.0),
        baseline=long(BOTH),
        comparisons=3,
        by=0.1,
        carries="Resized crops pay off on enlarged images:",
    ),
    Says(
        "at twice the size {:.0f} % are right, against {:.0f} % with crop and mirror.",
        lambda: [percent(PLAN, long(arm), at_zoom(2.0)) for arm in (RESIZED, BOTH)],
    ),
    Helps(
        PLAN,
        long(BOTH),
        baseline=long(RESIZED),
        comparisons=7,
        carries="on CIFAR-10 crop and mirror did better.",
    ),
    # Garments.
    Holds(
        "in garments crop and mirror hurt",
        hurts_in_garments,
        carries="Leave them out of short runs on aligned images.",
    ),
    Says(
        "After 10 epochs the crop costs {:.1f} points; after 40 it gains {:.1f}.",
        lambda: [
            gap(GARMENTS, CROP_10, NONE_10),
            gap(GARMENTS, "crop, 40 epochs", "none, 40 epochs"),
        ],
    ),
    Hurts(
        GARMENTS,
        CROP_10,
        baseline=NONE_10,
        comparisons=4,
        carries="After 10 epochs the crop costs",
    ),
    Helps(
        GARMENTS,
        "crop, 40 epochs",
        baseline="none, 40 epochs",
        comparisons=4,
        carries="after 40 it gains",
    ),
    Says(
        "on garments the crop cost {:.1f} points after 10 epochs, and gained {:.1f} after 40.",
        lambda: [
            gap(GARMENTS, CROP_10, NONE_10),
            gap(GARMENTS, "crop, 40 epochs", "none, 40 epochs"),
        ],
    ),
    NoneSeen(
        GARMENTS,
        MIRROR_10,
        baseline=NONE_10,
        comparisons=4,
        carries="For the mirror no difference is seen",
    ),
    Says(
        "Of mirrored ankle boots {:.0f} % are recognised without it, and {:.0f} % with it.",
        lambda: [percent(GARMENTS, arm, recall(BOOT, True)) for arm in (NONE_10, MIRROR_10)],
    ),
    # Digits.
    Says(
        "With *all* turns 9 loses {:.0f} points, 8 loses {:.0f}, 6 loses {:.0f} and 4 loses "
        "{:.0f}; the interval of 7 only just leaves zero out, and on the others no difference is "
        "seen.",
        lambda: [lost(digit) for digit in (9, 8, 6, 4)],
    ),
    *(
        Hurts(DIGITS, "all turns", recall(str(digit)), comparisons=10, carries=f"{digit} loses")
        for digit in (9, 8, 6, 4)
    ),
    Hurts(
        DIGITS,
        "all turns",
        recall("7"),
        comparisons=10,
        carries="the interval of 7 only just leaves zero out",
    ),
    *(
        NoneSeen(
            DIGITS,
            "all turns",
            recall(str(digit)),
            comparisons=10,
            carries="and on the others no difference is seen.",
        )
        for digit in (0, 1, 2, 3, 5)
    ),
    Says(
        "A 9 is then taken for a 5 in {:.0f} % of the cases, and for a 6 in {:.0f} %.",
        lambda: [percent(DIGITS, "all turns", taken_for("9", other)) for other in "56"],
    ),
    NoneSeen(
        DIGITS,
        "small turns",
        comparisons=4,
        carries="For small turns, the control, no difference is seen.",
    ),
    Says(
        "The network also has more to learn, and gets {:.0f} % of its training digits right, not "
        "{:.0f} %.",
        lambda: [percent(DIGITS, arm, "train_accuracy") for arm in ("all turns", "none")],
    ),
    Hurts(
        DIGITS, "all turns", comparisons=4, by=0.05, carries="where an angle means something, lost"
    ),
    Hurts(DIGITS, "half turns", comparisons=4, carries="half turns have it too, and lose"),
    Says(
        "lost {:.1f} points with half turns and {:.1f} with all.",
        lambda: [gap(DIGITS, turns, "none") for turns in ("half turns", "all turns")],
    ),
    Says("half turns have it too, and lose {:.1f}.", lambda: gap(DIGITS, "half turns", "none")),
    # The papers.
    Printed("10.63 ± 0.26 % without, 4.72 ± 0.21 % with crop and mirror, 5 runs", TABLE_1),
    Printed("versions; the paper says 2,048", "Krizhevsky et al. 2012, section 4.1"),
]
