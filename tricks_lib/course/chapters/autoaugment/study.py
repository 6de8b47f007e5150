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

import torch
from torch import Tensor

from tricks_lib.augment import AutoAugment, RandAugment, TrivialAugment, identity
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

from .policies import draw_policy, one_operation

RESULTS = Path(__file__).with_name("results")


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and 3,000 test images."""
    return load_data("fashion-mini").subset(test=3000)


DATA = OwnImages(pool, train=1000)
"""Each seed has its own 1,000 training images."""

SEARCH_DATA = OwnImages(pool, train=1000, validation=2000)
"""Each seed of the search has 2,000 further images by which policies are judged."""


def recipe(augment: Callable) -> Recipe:
    """Return the recipe that all arms share, with an augmentation."""
    return Recipe(epochs=16, batch_size=50, lr=0.05, augment=augment, schedule=linear_decay(16))


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
    seeds=range(100, 104),
    measure=with_train_accuracy,
    metrics=METRICS,
    on="validation",
)
"""Every policy once for each of four seeds. A seed by itself is a whole search, as the paper's; the
other three measure its winner again, with other images and other networks."""
