"""What chapter 16 says of the records and of the papers.

Chapter: notebooks/16_early_stopping.ipynb
"""

import math

import numpy as np
from scipy.optimize import brentq

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.plan import best_tries
from tricks_lib.course.standing.comparisons import result
from tricks_lib.lab.study import StudyResult

from .figures import area, chosen_and_all, kept_by_steps, luck
from .study import (
    AGAIN,
    AVERAGED,
    CHOSEN,
    CHOSEN_LENGTH,
    DECAY_RATES,
    DECAYED,
    DECAYS,
    FIXED_LENGTH,
    IN_THE_LOOP,
    LENGTHS,
    LONG,
    LOW,
    LR,
    NETWORK_COSINE,
    NETWORK_RIGHT,
    NETWORK_SHORT,
    NETWORK_TO_END,
    PATIENCES,
    PLAN,
    RATES,
    READ_OFF,
    RESTARTED,
    RIVALS,
    SEARCH,
    SHORT,
    SHORT_COSINE,
    STOP_LR,
    STOPPED,
    TO_END,
    TRIES,
    TUNED,
    tried,
)

__all__ = ["CLAIMS"]

AT_ONCE = 1 + len(LONG.rivals)
BESIDE = len([name for name in READ_OFF if not name.endswith("epochs")]) - 1
PRECHELT = "Prechelt 1998, abstract"
COSINE_STOPPED = f"{NETWORK_COSINE}, {STOPPED}"


def gap() -> float:
    """Return where the two shares differ most: x with exp(x) = (1 + x)², above 0."""
    return float(brentq(lambda x: math.exp(x) - (1 + x) ** 2, 1, 5))


def ahead(arm: str, other: str) -> float:
    """Return by how many points an arm of the study is ahead of another."""
    return 100 * LONG.recorded().difference(arm, baseline=other).mean


def leads() -> list[float]:
    """Return by how many points the chosen cosine is ahead of the stop, in three sets of seeds."""
    again = AGAIN.recorded().difference(RIVALS[SHORT][0], baseline=STOPPED)
    third = PLAN.recorded().difference(SHORT_COSINE, baseline=IN_THE_LOOP)
    return [ahead(SHORT, STOPPED), 100 * again.mean, 100 * third.mean]


def winners_rival_the_stop() -> None:
    """Compare the rivals with what won the search, which were the ends of two rows."""
    best = best_tries(SEARCH.recorded(), TRIES, "validation_accuracy", then="validation_nll")
    assert best == {kind: tried(kind, *values) for kind, values in CHOSEN.items()}
    assert CHOSEN["constant"][0] == min(RATES) and CHOSEN["weight decay"][0] == max(DECAYS)


def areas_of_the_best() -> list[float]:
    """Return the learning rate times the epochs of the best cosine of each length."""
    recorded, found = LONG.recorded(), []
    for epochs in LENGTHS:
        arms = {name: recipe for name, recipe in TRIES["cosine"].items() if recipe.epochs == epochs}
        found.append(area(arms[max(arms, key=recorded.mean)]))
    return found


def areas_lie_together() -> None:
    """Look at the best of each kind: cosines, small learning rates, and the long run by epoch."""
    recorded = LONG.recorded()
    test = np.mean([*recorded.values(TO_END, "test_accuracy_by_epoch").values()], axis=0)
    kinds = [*areas_of_the_best(), CHOSEN["constant"][0] * 60, LR * (1 + int(test.argmax()))]
    assert min(kinds) > 0.055 and max(kinds) < 0.125, kinds


def area_tells_more_than_length_or_learning_rate() -> None:
    """Compare how well each tells the accuracy of the cosines: the residual of a parabola in its
    logarithm."""
    recorded, arms = LONG.recorded(), TRIES["cosine"]
    accuracy = [recorded.mean(name) for name in arms]

    def left(values: list[float]) -> float:
        x = np.log(values)
        return float(np.var(accuracy - np.polyval(np.polyfit(x, accuracy, 2), x)))

    by_area = left([area(recipe) for recipe in arms.values()])
    by_length = left([recipe.epochs for recipe in arms.values()])
    by_rate = left([recipe.lr for recipe in arms.values()])
    assert by_area < 0.5 * min(by_length, by_rate), (by_area, by_length, by_rate)


def best_decays() -> None:
    """Look which two weight decays are best at either learning rate, on the test images."""
    recorded = LONG.recorded()
    for lr in DECAY_RATES:
        means = {decay: recorded.mean(tried("weight decay", decay, lr)) for decay in DECAYS}
        assert {*sorted(DECAYS, key=means.__getitem__)[-2:]} == {0.04, 0.08}, means


def predicted_decay() -> list[float]:
    """Return the epoch that is kept on average, its steps, and the weight decay of the box."""
    kept = LONG.recorded().mean(STOPPED, "kept")
    return [kept, 20 * kept, 1 / (LR * 20 * kept * 10)]


def added(size: int) -> float:
    """Return by how many points the choice among the cosines by so many images is too high."""
    *_, found = chosen_and_all(LONG.recorded(), TRIES["cosine"], size)
    return 100 * found.mean


def independent_tries_add_more() -> None:
    """Compare what the choice adds with what independent tries would add."""
    for size in (50, 200, 1000):
        assert added(size) < 100 * luck(size, 0.75, 20)


def a_choice_by_50_images_adds_something() -> None:
    """Look at the interval of what the choice adds."""
    *_, found = chosen_and_all(LONG.recorded(), TRIES["cosine"], 50)
    assert found.low > 0, found


def every_seed_of_colour_loses() -> None:
    """Look at the seeds of *colour*."""
    found = result("colour")
    assert found is not None, "colour is not recorded"
    values = found.difference("early stopping").values
    assert len(values) == 5 and max(values) < -0.14, values


def gains() -> list[float]:
    """Return by how many points the stop is ahead of 60 epochs, in three sets of seeds."""
    again = AGAIN.recorded().difference(STOPPED)
    third = PLAN.recorded().difference(IN_THE_LOOP)
    return [ahead(STOPPED, TO_END), 100 * again.mean, 100 * third.mean]


def rises_after_the_loss_has_turned(found: StudyResult) -> float:
    """Return by how much the test accuracy rises from the epoch with the smallest validation loss
    to the end, of the mean curves: the smaller of the two schedules."""
    rises = []
    for arm in (NETWORK_TO_END, NETWORK_COSINE):
        loss, test = (
            np.mean([*found.values(arm, f"{name}_by_epoch").values()], axis=0)
            for name in ("validation_nll", "test_accuracy")
        )
        rises.append(test[-1] - test[loss.argmin()])
    return float(min(rises))


def right_labels_come_first(found: StudyResult) -> float:
    """Return how much more of the right labels than of the wrong ones is learnt after 5 epochs."""
    right, wrong = (
        np.mean([*found.values(TO_END, f"{name}_learnt_by_epoch").values()], axis=0)[4]
        for name in ("right", "wrong")
    )
    return float(right - wrong)


CLAIMS: list[Claim] = [
    # The problem, with the last epoch as its control: there both are learnt.
    Within(
        "how much more of the right labels than of the wrong ones is learnt after 5 epochs",
        LONG,
        right_labels_come_first,
        low=0.5,
        carries="The right labels come first.",
    ),
    # The derivation.
    Says(
        "After 10 steps $0.9^{{10}}={:.2f}$ is left, so {:.2f} of the way is done.",
        lambda: [0.9**10, float(kept_by_steps(np.array(1.0), 0.1, 10))],
    ),
    Says(
        "only $1-0.999^{{10}}={:.2f}$ of the way is done.",
        lambda: float(kept_by_steps(np.array(0.01), 0.1, 10)),
    ),
    Says("for $p=0.8$ and $n=50$ by {:.1f} points.", lambda: 100 * math.sqrt(0.16 / 50)),
    Says(
        "at $x={:.2f}$, and there it is {:.3f}.",
        lambda: [gap(), 1 / (1 + gap()) - math.exp(-gap())],
    ),
    Says(
        "20 equally good tries at 80 % give a best number that is about {:.0f} points too high.",
        lambda: 100 * luck(50, 0.8, 20),
    ),
    # The study.
    Holds(
        "the rivals won the search",
        winners_rival_the_stop,
        carries="The smallest learning rate and the largest decay tried won the search: ",
    ),
    Helps(
        LONG,
        STOPPED,
        comparisons=AT_ONCE,
        by=0.1,
        carries="A stop is far better than none, but a shorter schedule is better still.",
    ),
    Helps(AGAIN, STOPPED, comparisons=2, by=0.1),
    Helps(PLAN, IN_THE_LOOP, comparisons=2, by=0.08),
    Hurts(PLAN, IN_THE_LOOP, baseline=SHORT_COSINE, comparisons=2, by=0.005),
    Hurts(LONG, STOPPED, baseline=SHORT, comparisons=AT_ONCE, by=0.02),
    Hurts(AGAIN, STOPPED, baseline=RIVALS[SHORT][0], comparisons=2, by=0.02),
    Hurts(LONG, STOPPED, baseline=LOW, comparisons=AT_ONCE, by=0.01),
    Says(
        "A cosine over 10 epochs was {:.1f} points ahead of it ({:.1f} and {:.1f} on further "
        "seeds), and a learning rate {:.0f} times as small, trained to the end, {:.1f}.",
        lambda: [*leads(), LR / CHOSEN["constant"][0], ahead(LOW, STOPPED)],
    ),
    *(
        NoneSeen(
            LONG,
            STOPPED,
            baseline=rival,
            comparisons=AT_ONCE,
            carries=f"Against weight decay, and {CHOSEN_LENGTH} epochs fixed before, no difference "
            "is seen.",
        )
        for rival in (DECAYED, FIXED_LENGTH)
    ),
    Helps(LONG, STOPPED, baseline=AVERAGED, comparisons=AT_ONCE),
    Helps(
        LONG,
        RESTARTED,
        baseline=STOPPED,
        by=0.01,
        carries="stop once, then train again on a cosine",
    ),
    Says(
        "{:.1f} points ahead of the stop, {:.0f} epochs in all.",
        lambda: [ahead(RESTARTED, STOPPED), LONG.recorded().mean(RESTARTED, "epochs")],
    ),
    Helps(LONG, TUNED, baseline=STOPPED, carries="With a learning rate tuned for it"),
    Hurts(LONG, TUNED, baseline=SHORT),
    Says(
        "With a learning rate tuned for it ({:g}, {:.0f} epochs) the stop was {:.1f} points "
        "better, and still {:.1f} behind the cosine.",
        lambda: [
            STOP_LR,
            LONG.recorded().mean(TUNED, "epochs"),
            ahead(TUNED, STOPPED),
            ahead(SHORT, TUNED),
        ],
    ),
    # The learning rate times the epochs.
    Holds(
        "the learning rate times the epochs tells more than either",
        area_tells_more_than_length_or_learning_rate,
        carries="the product tells their accuracy better than length or learning rate alone.",
    ),
    Holds("the best of each kind lie together", areas_lie_together),
    Says(
        "The best of each length lie between {:.2f} and {:.2f}.",
        lambda: [min(areas_of_the_best()), max(areas_of_the_best())],
    ),
    Says(
        "The stop keeps epoch {:.1f} on average: {:.0f} steps of 0.02, which a momentum of 0.9 "
        "makes count tenfold, so $1/(\\eta t)={:.2f}$.",
        predicted_decay,
    ),
    Holds(
        "the best weight decays",
        best_decays,
        carries="0.04 and 0.08 were the best two at either learning rate.",
    ),
    # The rules.
    *(
        NoneSeen(LONG, f"patience {patience}", baseline=STOPPED, comparisons=BESIDE)
        for patience in PATIENCES[:2]
    ),
    Hurts(
        LONG,
        f"{STOPPED}, last weights",
        baseline=STOPPED,
        comparisons=BESIDE,
        carries="no other difference is seen",
    ),
    Says(
        "the last weights in place of the best cost {:.1f} points.",
        lambda: ahead(STOPPED, f"{STOPPED}, last weights"),
    ),
    # Right labels.
    *(
        claim
        for stopped, arm in ((STOPPED, NETWORK_TO_END), (COSINE_STOPPED, NETWORK_COSINE))
        for claim in (
            Hurts(
                NETWORK_RIGHT,
                stopped,
                baseline=arm,
                comparisons=2,
                carries="The stop lowers the accuracy",
            ),
            Helps(
                NETWORK_RIGHT,
                stopped,
                "nll",
                baseline=arm,
                comparisons=2,
                carries="improves the NLL.",
            ),
        )
    ),
    Within(
        "by how much the accuracy rises after the loss has turned round",
        NETWORK_RIGHT,
        rises_after_the_loss_has_turned,
        low=0.02,
        carries="The loss turns round while the accuracy still rises.",
    ),
    *(
        Helps(
            NETWORK_RIGHT,
            NETWORK_SHORT,
            "nll",
            baseline=stopped,
            comparisons=4,
            by=0.01,
            carries="a better NLL than both stops",
        )
        for stopped in (STOPPED, COSINE_STOPPED)
    ),
    Says(
        "A cosine of 10 epochs has {:.1f} %, and a better NLL than both stops: {:.2f}.",
        lambda: [
            100 * NETWORK_RIGHT.recorded().mean(NETWORK_SHORT),
            NETWORK_RIGHT.recorded().mean(NETWORK_SHORT, "nll"),
        ],
    ),
    Holds(
        "every seed of colour loses",
        every_seed_of_colour_loses,
        carries="all five seeds lose 14 points or more",
    ),
    # What choosing adds.
    Holds("a choice by 50 images adds something", a_choice_by_50_images_adds_something),
    Says(
        "With 50 images the choice adds {:.1f} points; with 1,000 it is {:.1f}, which may be none.",
        lambda: [added(50), added(1000)],
    ),
    Holds(
        "independent tries would add more",
        independent_tries_add_more,
        carries="Independent, equally good tries would add more",
    ),
    Says(
        "With 40 % wrong labels a stop gained {:.0f} to {:.0f} points, and a cosine of chosen "
        "length {:.1f} to {:.1f} more.",
        lambda: [min(gains()), max(gains()), min(leads()), max(leads())],
    ),
    Says("To choose one of 20 tries by 50 images added {:.1f} points", lambda: added(50)),
    # The papers.
    Printed('slower rules gain "about 4% on average"', PRECHELT),
    Printed('take "about factor 4 longer"', PRECHELT),
    Printed("1,296 runs", PRECHELT),
]
