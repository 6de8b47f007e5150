"""What chapter 19 says of its records, and what others printed.

Chapter: notebooks/19_together.ipynb
"""

from itertools import pairwise

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says
from tricks_lib.lab.study import StudyResult

from .figures import BAG_OF_TRICKS, RETRAINED, gains, inside
from .study import (
    AUTO,
    BUILT_SHORT,
    COST,
    CROP,
    FIRST,
    FULL,
    FURTHER,
    HARDER,
    HARDER_PAIRS,
    LEFT_OUT,
    LONGEST,
    NONE,
    OTHER_PAIRS,
    PAIRS,
    PLAN,
    REGULARISERS,
    RIVAL,
    best,
    built_up,
    mean_interaction,
    without,
)

__all__ = ["CLAIMS"]

README = "clovaai/CutMix-PyTorch, README"
TABLE_6 = "He et al. 2019, table 6"


def percent(arm: str, metric: str = "accuracy", of: StudyResult | None = None) -> float:
    """Return a recorded mean, in per cent."""
    return 100 * (of or PLAN.recorded()).mean(arm, metric)


COLOURS = f"+ {AUTO}"


def six_pairs_stand_out() -> None:
    """Look at the interactions in the first ten seeds: each of the six lies below all others."""
    pairs = PAIRS.recorded()
    found = {
        two: mean_interaction(pairs, pairs=[two], seeds=FIRST).mean
        for two in (*HARDER_PAIRS, *OTHER_PAIRS)
    }
    assert max(found[two] for two in HARDER_PAIRS) < min(found[two] for two in OTHER_PAIRS)


def further_seeds_agree() -> None:
    """Look at the same six pairs in the seeds that had no part in choosing them."""
    pairs = PAIRS.recorded()
    first, further = (
        mean_interaction(pairs, pairs=HARDER_PAIRS, seeds=seeds) for seeds in (FIRST, FURTHER)
    )
    assert further.high < 0
    assert 0.45 < further.mean / first.mean < 0.55


def harder_to_learn() -> None:
    """Look at the accuracy on the training images of each of the six alone."""
    pairs = PAIRS.recorded()
    known = {name: pairs.mean(name, "train_accuracy") for name in (NONE, *REGULARISERS)}
    others = [known[name] for name in known if name not in HARDER]
    assert max(known[name] for name in HARDER) < min(others) - 0.15


def best_is_the_rival() -> None:
    """Look for the best recipe on validation images."""
    assert best(PLAN.recorded()) == RIVAL


def best_has_autoaugment() -> None:
    """Look for the best of the long runs on validation images."""
    assert best(LONGEST.recorded()) == COLOURS


def all_eight_stay_behind() -> None:
    """Compare all tricks with the best recipe of their length, at each of three lengths."""
    for plan in (BUILT_SHORT, PLAN, LONGEST):
        result = plan.recorded()
        assert result.difference(FULL, baseline=best(result), comparisons=3).high < 0


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
        carries="Every later recipe lies below them",
    ),
    Says(
        "the whole one by {:.1f} points, {:.1f} of them dropout's.",
        lambda: [percent(RIVAL) - percent(FULL), percent([*built_up()][-2]) - percent(FULL)],
    ),
    Hurts(PLAN, FULL, baseline=RIVAL, comparisons=3, carries="Every later recipe lies below them"),
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
    Holds("the best of the long runs", best_has_autoaugment, carries="with AutoAugment besides"),
    Says(
        "After 90 epochs it was the one with AutoAugment besides: {:.1f} %.",
        lambda: percent(COLOURS, of=LONGEST.recorded()),
    ),
    # Pairs.
    Says(
        "without any, the network knows {:.0f} % of its training images.",
        lambda: percent(NONE, "train_accuracy", PAIRS.recorded()),
    ),
    Holds("six pairs", six_pairs_stand_out, carries="In ten seeds six pairs stood out"),
    Holds("why", harder_to_learn, carries="which make the training images harder to learn"),
    Holds("in further seeds", further_seeds_agree, carries="It holds, at half the size"),
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
        "Inside everything, dropout costs {:.1f} points, AutoAugment {:.1f}, and crop and mirror "
        "{:.1f}, which gained {:.1f} as the third step.",
        lambda: [
            percent([*built_up()][-2]) - percent(FULL),
            *(
                percent(without(one), of=LEFT_OUT.recorded()) - percent(FULL)
                for one in (AUTO, CROP)
            ),
            percent(RIVAL) - percent("+ weight decay"),
        ],
    ),
    Hurts(PLAN, FULL, baseline=[*built_up()][-2], comparisons=8, carries="dropout costs 6.5"),
    Helps(LEFT_OUT, without(AUTO), comparisons=8, carries="Inside everything, dropout costs"),
    NoneSeen(
        PLAN,
        "+ weight decay",
        baseline="+ cosine decay",
        comparisons=8,
        carries="of weight decay no difference was seen here",
    ),
    Says(
        "AutoAugment on top of them costs {:.1f} in runs of 30, and adds {:.1f} in runs of 90",
        lambda: [
            percent(RIVAL) - percent(COLOURS),
            percent(COLOURS, of=LONGEST.recorded()) - percent(RIVAL, of=LONGEST.recorded()),
        ],
    ),
    Hurts(PLAN, COLOURS, baseline=RIVAL, comparisons=8, carries="costs 4.3 in runs of 30"),
    Helps(LONGEST, COLOURS, comparisons=2, carries="adds 3.2 in runs of 90"),
    Hurts(
        BUILT_SHORT,
        RIVAL,
        baseline="+ weight decay",
        comparisons=8,
        carries="In runs of 10 epochs crop and mirror cost",
    ),
    Holds(
        "at each length", all_eight_stay_behind, carries="all eight stayed behind at each length"
    ),
    Says("took {:.2f} times as long", lambda: COST),
    # Others.
    Says(
        "at 0.10 points {} of the {} steps of torchvision's recipe that train anew lie inside the "
        "band, and at 0.18 points {}.",
        lambda: [
            str(len(inside(RETRAINED, 0.10, 3))),
            str(len(gains(RETRAINED))),
            str(len(inside(RETRAINED, 0.18, 3))),
        ],
    ),
    Printed(
        "none 16.45, Cutout 16.53, mixup 15.63, Cutout and mixup 15.46",
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
