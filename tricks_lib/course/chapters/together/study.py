"""Eight tricks on small photographs: one by one, in pairs, all at once.

1,000 images of CIFAR-10, of which each seed draws its own from the 50,000. The tricks have the
strengths of the standing settings, and the learning rate is that of the search without them; no
strength was tuned here.

- `PLAN`: a recipe built up one trick at a time in a fixed order, at `LONG` epochs. The rivals are
  crop and mirror alone, for as many epochs and for as many as cost what the whole recipe costs.
- `PAIRS`: six regularisers, alone and in all fifteen pairs, at `MIDDLE` epochs.
- `BUILT_SHORT`: the recipe built up at `SHORT` epochs.
- `LEFT_OUT`: the whole recipe without each of its tricks.
- `SMALL`, `LARGE`, `LONGEST`: a few of the recipes with half and with twice the channels, and with
  three times the epochs.
- `SAME_TIME`: a few of the recipes, for as long as the whole recipe takes.

Chapter: notebooks/19_together.ipynb
"""

import math
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from tricks_lib.augment import AutoAugment, Compose, Cutout, HorizontalFlip, RandomCrop, identity
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.course.standing import colour
from tricks_lib.lab.data import Data
from tricks_lib.lab.metrics import evaluate as evaluate_model
from tricks_lib.lab.study import (
    STANDARD,
    Difference,
    Figures,
    Metric,
    OwnImages,
    StudyResult,
    final_metrics,
    paired_difference,
)
from tricks_lib.lab.train import Evaluate, Run, fit
from tricks_lib.mix import CutMix, Mixup, keep, one_of
from tricks_lib.models import small_resnet
from tricks_lib.objectives import LabelSmoothingLoss, cross_entropy, supervised
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, cosine_decay

RESULTS = Path(__file__).with_name("results")

SEEDS, MANY = 10, 20
"""Seeds: of most studies, and of the pairs.

The first look was at five seeds; since an interval just left zero out, five more were made of every
arm, as the course has it. For the same reason the pairs have ten more again, which test what was
seen in the first ten."""
IMAGES = 1000
SHORT, MIDDLE, LONG, LONGEST_EPOCHS = 10, 15, 30, 90
"""Epochs: of the recipe built up in a hurry, of the pairs and of the search, of the recipe built up
with more time and taken apart, and three times those."""

NARROW, WIDTH, WIDE = 8, 16, 32
"""Channels of the first stage."""

TRIES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
LR = 0.2
"""The best learning rate of the recorded search; a test holds the two together."""


@cache
def pool() -> Data:
    """Load the 50,000 photographs from which each seed draws, and 2,000 test images, drawn at
    random: in a folder they stand in the order of their classes."""
    return colour.pool().subset(test=2000, seed=0)


DATA = OwnImages(pool, train=IMAGES, validation=1000)
"""Each seed has its own 1,000 training images, and 1,000 others for choices."""

DECAY, WEIGHTS, CROP, AUTO = "cosine decay", "weight decay", "crop and mirror", "AutoAugment"
CUTOUT, MIX, SMOOTH, DROPOUT = "Cutout", "mixup or CutMix", "label smoothing", "dropout"

ORDER = (DECAY, WEIGHTS, CROP, AUTO, CUTOUT, MIX, SMOOTH, DROPOUT)
"""The order in which the recipe is built up: first what costs nothing, then what changes images,
then what changes targets, then what changes the network."""

REGULARISERS = (SMOOTH, MIX, CUTOUT, DROPOUT, WEIGHTS, AUTO)
"""What is tried in pairs."""

AUGMENTS = {
    CROP: (RandomCrop(), HorizontalFlip()),
    AUTO: (AutoAugment("cifar10"),),
    CUTOUT: (Cutout(size=16),),
}


def with_tricks(names: Collection[str], epochs: int = LONG, width: int = WIDTH) -> Recipe:
    """Return the recipe with these tricks, each in its slot.

    Args:
        names: some of `ORDER`; the order in which they are given does not matter.
        epochs: length of the run.
        width: channels of the network's first stage.

    Raises:
        ValueError: if a name is none of `ORDER`.
    """
    if unknown := set(names) - set(ORDER):
        raise ValueError(f"expected some of {ORDER}, got {sorted(unknown)}")
    steps = [step for name, parts in AUGMENTS.items() if name in names for step in parts]
    model: dict[str, Any] = {"width": width} if width != WIDTH else {}
    if DROPOUT in names:
        model["dropout"] = 0.5
    return Recipe(
        epochs=epochs,
        batch_size=50,
        lr=LR,
        model=partial(small_resnet, **model) if model else small_resnet,
        augment=Compose(*steps) if steps else identity,
        mix=one_of(Mixup(alpha=0.2), CutMix(alpha=1.0)) if MIX in names else keep,
        objective=supervised(LabelSmoothingLoss(0.1)) if SMOOTH in names else cross_entropy,
        optimizer=sgd if WEIGHTS in names else partial(sgd, weight_decay=0.0),
        schedule=cosine_decay(epochs) if DECAY in names else constant(),
    )


PLAIN, FULL = "plain", "everything"


def built_up(epochs: int = LONG, width: int = WIDTH) -> dict[str, Recipe]:
    """Return the recipe that grows by one trick at a time; the last one has them all."""
    arms = {PLAIN: with_tricks((), epochs, width)}
    for count in range(1, len(ORDER) + 1):
        name = FULL if count == len(ORDER) else f"+ {ORDER[count - 1]}"
        arms[name] = with_tricks(ORDER[:count], epochs, width)
    return arms


def without(trick: str) -> str:
    """Return the name of the arm that has every trick but one; for the last trick that was added
    this is the arm before it."""
    return f"+ {ORDER[-2]}" if trick == ORDER[-1] else f"everything but {trick}"


def left_out() -> dict[str, Recipe]:
    """Return the whole recipe without each trick; the last step of `built_up` is there already."""
    return {
        without(trick): with_tricks([name for name in ORDER if name != trick])
        for trick in ORDER[:-1]
    }


RIVAL, LONGER = f"+ {CROP}", "crop and mirror, for the same time"
COST = 1.25
"""Seconds of a step of the whole recipe, in steps of the rival: measured on one core of the machine
that recorded the study, before it did (2.15 s against 1.72 s for 80 steps)."""

COSTS = {f"+ {DECAY}": 0.97, RIVAL: 1.0, f"+ {AUTO}": 1.18, FULL: COST}
"""The same for a few other recipes (medians of seven: 1.41, 1.46 and 1.73 s for 80 steps)."""


def epochs_for_the_same_time(arm: str) -> int:
    """Return how many epochs of a recipe take as long as the whole recipe's `LONG`."""
    return round(COST / COSTS[arm] * LONG)


FINALISTS = (f"+ {DECAY}", RIVAL, f"+ {AUTO}", FULL)
"""The recipes that are run with other networks, named before any was run."""

MARKS = (1 / 8, 3 / 8, 5 / 8, 7 / 8)
"""Shares of a run after which the test images are looked at, beside its end."""


def marks(epochs: int) -> list[int]:
    """Return the epochs after which a run is looked at."""
    return sorted({max(1, round(share * epochs)) for share in MARKS})


def looked_at(
    recipe: Recipe,
    data: Data,
    *,
    seed: int,
    device: torch.device,
    evaluate: Evaluate,
    on: str,
) -> Run:
    """Train as `fit` does, and keep copies of the network on the way."""
    return fit(
        recipe,
        data,
        seed=seed,
        device=device,
        evaluate=evaluate,
        on=on,
        snapshots=marks(recipe.epochs),
    )


def kept(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracies on validation images and on the training images as
    they are, and the test accuracy at each of `marks`."""
    return final_metrics(run, data) | {
        "validation_accuracy": evaluate_model(run.model, data, "validation").accuracy,
        "train_accuracy": evaluate_model(run.model, data, "train").accuracy,
        "curve": [evaluate_model(model, data).accuracy for model in run.snapshots.values()],
    }


METRICS = (
    *STANDARD,
    Metric("validation_accuracy", "accuracy on validation images", "higher", "points"),
    Metric("train_accuracy", "accuracy on the training images, as they are", unit="points"),
)


def part(word: str, recipes: dict[str, Recipe], seeds: int = SEEDS) -> StudyPlan:
    """Return a further study over the same draws of images."""
    return StudyPlan(
        path=RESULTS / f"together-{word}.jsonl",
        recipes=recipes,
        data=DATA,
        seeds=seeds,
        measure=kept,
        metrics=METRICS,
        train=looked_at,
    )


SEARCH = StudyPlan(
    path=RESULTS / "together-search.jsonl",
    recipes={
        f"lr {lr}": Recipe(
            epochs=MIDDLE, batch_size=50, lr=lr, schedule=cosine_decay(MIDDLE), augment=identity
        )
        for lr in TRIES
    },
    data=DATA,
    seeds=(100, 101, 102),
    on="validation",
)
"""The learning rate, with cosine decay and weight decay and no other trick, on validation
images."""


NONE = "none"


def pair(first: str, second: str) -> str:
    """Return the name of the arm with two regularisers."""
    return f"{first} + {second}"


PAIRS_OF = tuple(combinations(REGULARISERS, 2))

HARDER = (MIX, CUTOUT, DROPOUT, AUTO)
"""Those that lower the accuracy on the training images most. Their six pairs stood out in the first
ten seeds; the further ten were made to test this."""

FIRST, FURTHER = range(SEEDS), range(SEEDS, MANY)
HARDER_PAIRS = tuple(two for two in PAIRS_OF if {*two} <= {*HARDER})
OTHER_PAIRS = tuple(two for two in PAIRS_OF if two not in HARDER_PAIRS)

PAIRS = part(
    "pairs",
    {
        NONE: with_tricks([DECAY], MIDDLE),
        **{name: with_tricks([DECAY, name], MIDDLE) for name in REGULARISERS},
        **{pair(*two): with_tricks([DECAY, *two], MIDDLE) for two in PAIRS_OF},
    },
    MANY,
)
"""Six regularisers alone and in pairs, on images that are neither cropped nor mirrored: without
any, the network learns its training images."""

BUILT_SHORT = part("short", built_up(SHORT))
"""The recipe built up, in a third of the epochs."""


def finalists(epochs: int = LONG, width: int = WIDTH, names: Collection[str] = FINALISTS) -> dict:
    """Return some of the recipes at another length or with another network."""
    return {name: recipe for name, recipe in built_up(epochs, width).items() if name in names}


LEFT_OUT = part("apart", {FULL: with_tricks(ORDER), **left_out()})
SMALL = part("small", finalists(width=NARROW))
LARGE = part("large", finalists(width=WIDE))
LONGEST = part("longest", finalists(LONGEST_EPOCHS, names=(RIVAL, f"+ {AUTO}", FULL)))
SAME_TIME = part(
    "time",
    {
        arm: built_up(epochs_for_the_same_time(arm))[arm]
        for arm in FINALISTS
        if arm not in (RIVAL, FULL)
    },
)
"""The other two finalists for the time of the whole recipe; `PLAN` has the rival and the whole."""

PLAN = StudyPlan(
    path=RESULTS / "together.jsonl",
    recipes={
        **built_up(),
        LONGER: with_tricks(ORDER[:3], epochs_for_the_same_time(RIVAL)),
    },
    data=DATA,
    seeds=SEEDS,
    measure=kept,
    metrics=METRICS,
    train=looked_at,
    headline=Headline(FULL, "accuracy", "eight tricks at once, 1,000 photographs, 30 epochs"),
    rivals=(
        Headline(FULL, "accuracy", "crop and mirror alone, for as many epochs", against=RIVAL),
        Headline(FULL, "accuracy", "crop and mirror alone, for the same time", against=LONGER),
    ),
    tuning=SEARCH,
    beside=(LEFT_OUT, PAIRS, BUILT_SHORT, SMALL, LARGE, LONGEST, SAME_TIME),
)

# --- How the records are read ---

INTERACTION = Metric("interaction", "accuracy beyond the sum of both gains", unit="points")
"""Nobody says that more than the sum is better: what counts is the accuracy itself."""

Scale = Callable[[float], float]
"""What the accuracy is turned into before gains are added."""


def as_it_is(accuracy: float) -> float:
    """Leave the accuracy as it is: gains are points."""
    return accuracy


def log_error(accuracy: float) -> float:
    """Return minus the logarithm of the error: gains are shares of the error that is left."""
    return -math.log(1 - accuracy)


def log_odds(accuracy: float) -> float:
    """Return the logarithm of right to wrong."""
    return math.log(accuracy / (1 - accuracy))


SCALES: dict[str, Scale] = {"points": as_it_is, "log error": log_error, "log-odds": log_odds}


def beyond(
    result: StudyResult,
    first: str,
    second: str,
    scale: Scale = as_it_is,
    metric: str = "accuracy",
) -> dict[int, float]:
    """Return by how much two regularisers together differ from the sum of their gains, by seed.

    Args:
        result: runs of `PAIRS`.
        first: one of `REGULARISERS`.
        second: another, after it in that order.
        scale: what the metric is turned into.
        metric: name of the metric.
    """
    none, one, two, both = (
        {seed: scale(value) for seed, value in result.values(arm, metric).items()}
        for arm in (NONE, first, second, pair(first, second))
    )
    return {seed: both[seed] - one[seed] - two[seed] + none[seed] for seed in both}


def interaction(
    result: StudyResult,
    first: str,
    second: str,
    *,
    scale: Scale = as_it_is,
    comparisons: int = len(PAIRS_OF),
) -> Difference:
    """Return the interaction of two regularisers, with an interval that holds together with those
    of all other pairs."""
    found = beyond(result, first, second, scale)
    return _against_zero(found, scale, comparisons)


def mean_interaction(
    result: StudyResult,
    scale: Scale = as_it_is,
    metric: str = "accuracy",
    *,
    pairs: Sequence[tuple[str, str]] = PAIRS_OF,
    seeds: Collection[int] | None = None,
) -> Difference:
    """Return the mean of the interactions of several pairs, one number a seed: it answers one
    question where the pairs answer many.

    Args:
        result: runs of `PAIRS`.
        scale: what the metric is turned into.
        metric: name of the metric.
        pairs: which; all by default.
        seeds: which; all by default.

    Raises:
        KeyError: if a seed was not run.
    """
    found = [beyond(result, *two, scale, metric) for two in pairs]
    chosen = found[0].keys() if seeds is None else seeds
    means = {seed: sum(one[seed] for one in found) / len(found) for seed in chosen}
    return _against_zero(means, scale, 1, metric)


def _against_zero(
    found: dict[int, float], scale: Scale, comparisons: int, metric: str = "accuracy"
) -> Difference:
    kind = INTERACTION
    if metric != "accuracy" or scale is not as_it_is:
        name = metric.upper() if metric in ("nll", "ece") else metric
        kind = Metric("interaction", f"{name} beyond the sum of both gains")
    return paired_difference(kind, found, dict.fromkeys(found, 0.0), comparisons=comparisons)


def best(result: StudyResult) -> str:
    """Return the arm with the best accuracy on validation images, of those with as many epochs."""
    arms = [arm for arm in result.runs if arm != LONGER]
    return max(arms, key=lambda arm: result.mean(arm, "validation_accuracy"))
