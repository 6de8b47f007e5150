"""A search for a policy, the policy that it keeps against others, and a label that one falsifies.

The recipe is that of chapter 09 for 1,000 images and 16 epochs, with its learning rate, which was
chosen there for the network without augmentation. Each seed draws its own training images from the
10,000 that come with the package; the search judges by further images of them, never by the test
images.

Chapter: notebooks/11_autoaugment.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from torch import Tensor

from tricks_lib.augment import AutoAugment, RandAugment, TrivialAugment, identity
from tricks_lib.augment.autoaugment import Policy
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import (
    STANDARD,
    Figures,
    Metric,
    OwnImages,
    StudyResult,
    final_metrics,
)
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

from .policies import FOUND, draw_policy, one_operation

RESULTS = Path(__file__).with_name("results")


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and 3,000 test images."""
    return load_data("fashion-mini").subset(test=3000)


DATA = OwnImages(pool, train=1000)
"""Each seed has its own 1,000 training images."""

SEARCH_DATA = OwnImages(pool, train=1000, validation=2000)
"""Each seed of the search has 2,000 further images by which policies are judged."""


def recipe(augment: Callable, epochs: int = 16) -> Recipe:
    """Return the recipe that all arms share, with an augmentation and a length."""
    return Recipe(
        epochs=epochs, batch_size=50, lr=0.05, augment=augment, schedule=linear_decay(epochs)
    )


def with_train_accuracy(run: Run, data: Data) -> Figures:
    """Keep the final metrics, and the accuracy on the training images as they are."""
    accuracy = evaluate(run.model, data, "train").accuracy
    return final_metrics(run, data) | {"train_accuracy": accuracy}


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "accuracy on the training images, as they are", unit="points"),
)

# --- The search ---

CANDIDATES = {f"policy {number}": draw_policy(number) for number in range(1, 21)}
"""Twenty policies of five pairs, drawn at random before anything was run."""

KEPT = 5
"""How many of the best policies are joined at the end, as in the paper."""

SEARCH = StudyPlan(
    path=RESULTS / "autoaugment-search.jsonl",
    recipes={"none": recipe(identity)}
    | {name: recipe(AutoAugment(policy)) for name, policy in CANDIDATES.items()},
    data=SEARCH_DATA,
    seeds=range(100, 103),
    measure=with_train_accuracy,
    metrics=METRICS,
    on="validation",
)
"""Every policy once for each of three seeds. A seed by itself is a whole search, as the paper's;
the other two measure its winner again, with other images and other networks."""


# --- A label that an operation falsifies ---


def tone(images: Tensor) -> Tensor:
    """Return the mean value of the pixels that are not black, of each image."""
    pixels = images.flatten(1)
    return pixels.float().sum(dim=1) / (pixels > 0).sum(dim=1).clamp(min=1)


@cache
def laundry() -> Data:
    """Load the same images with other labels: whether the piece of clothing is dark or light.

    Light is what is lighter than half of the 10,000 images from which each seed draws.
    """
    clothes = pool()
    middle = tone(clothes.train.images).median()
    relabelled = {
        name: Split(split.images, (tone(split.images) > middle).long())
        for name, split in (("train", clothes.train), ("test", clothes.test))
    }
    return replace(clothes, **relabelled, classes=("dark", "light"))  # type: ignore[arg-type]


SINGLE: dict[str, Callable] = {
    "none": identity,
    "brightness": AutoAugment(one_operation("Brightness", 0.8, 9)),
    "rotation": AutoAugment(one_operation("Rotate", 0.8, 9)),
}
"""One operation of the search space at its largest magnitude, in 80 % of the images."""

TONES = StudyPlan(
    path=RESULTS / "autoaugment-tones.jsonl",
    recipes={name: recipe(augment, epochs=8) for name, augment in SINGLE.items()},
    data=OwnImages(laundry, train=1000),
    seeds=10,
    measure=with_train_accuracy,
    metrics=METRICS,
)
"""Is it dark or light? Brightness changes the answer, and a rotation does not."""

KINDS = replace(TONES, path=RESULTS / "autoaugment-kinds.jsonl", data=DATA)
"""What piece of clothing is it? The same images with their own labels: the control."""

# --- The policy that was found, against others ---


def best_candidates(result: StudyResult) -> list[str]:
    """Return the names of the policies that are kept, the best first, of a recorded search.

    They are ordered by their mean accuracy on the validation images; of equal ones that with the
    lower NLL comes first.
    """

    def rank(name: str) -> tuple[float, float]:
        return -round(result.mean(name), 9), result.mean(name, "nll")

    return sorted(CANDIDATES, key=rank)[:KEPT]


UNCHOSEN: Policy = tuple(pair for policy in CANDIDATES.values() for pair in policy)
"""The 100 pairs of all candidates: the same space, without a choice."""

AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "found": AutoAugment(FOUND),
    "unchosen": AutoAugment(UNCHOSEN),
    "cifar10": AutoAugment("cifar10"),
    "svhn": AutoAugment("svhn"),
    "RandAugment": RandAugment(),
    "TrivialAugment": TrivialAugment(),
}
"""What the arms do to training images."""

PLAN = StudyPlan(
    path=RESULTS / "autoaugment.jsonl",
    recipes={name: recipe(augment) for name, augment in AUGMENTS.items()},
    data=DATA,
    seeds=10,
    measure=with_train_accuracy,
    metrics=METRICS,
    headline=Headline("found", "accuracy", "1,000 images, 16 epochs, the policy of our search"),
    rivals=(
        Headline("found", "accuracy", "the pairs that were not chosen", against="unchosen"),
        Headline(
            "found", "accuracy", "TrivialAugment, which needs no search", against="TrivialAugment"
        ),
        Headline("cifar10", "accuracy", "the policy of CIFAR-10 on clothes"),
        Headline("svhn", "accuracy", "the policy of SVHN on clothes"),
    ),
    tuning=SEARCH,
    beside=(TONES, KINDS),
)
