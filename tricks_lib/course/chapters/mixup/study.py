"""Mixup and CutMix: short and long trainings, few images, wrong labels.

Chapter: notebooks/09_mixup.ipynb
"""

from functools import cache
from pathlib import Path

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.mix import CutMix, Mixup, keep
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

MIXES = {
    "none": keep,
    "mixup 0.2": Mixup(alpha=0.2),
    "mixup 1": Mixup(alpha=1.0),
    "cutmix 1": CutMix(alpha=1.0),
}

DURATIONS = (4, 16, 64)
"""Short and long trainings, in epochs."""


def recipe(mix, epochs: int, batch_size: int = 50) -> Recipe:
    """Return the recipe that all arms share, with a mix and a length."""
    return Recipe(epochs=epochs, batch_size=batch_size, mix=mix, schedule=linear_decay(epochs))


@cache
def data() -> Data:
    """Load 1,000 training and 5,000 test images."""
    return load_data("fashion-mini").subset(train=1000)


@cache
def few() -> Data:
    """Load 300 of the training images, and the same test images."""
    return data().subset(train=300)


@cache
def wrong_labels() -> Data:
    """Load the 300 training images with wrong labels on 120 of them."""
    return few().with_label_noise(0.4)


def unmixed(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the mean confidence in the test images, and the accuracy on the
    training images as they are, unmixed."""
    confidence = predict(run.model, data).softmax(dim=1).amax(dim=1)
    return final_metrics(run, data) | {
        "confidence": confidence.mean().item(),
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
    }


METRICS = (
    *STANDARD,
    Metric("confidence", "mean confidence on test images", unit="points"),
    Metric("train_accuracy", "accuracy on the training images, unmixed", unit="points"),
)

FEW = StudyPlan(
    path=RESULTS / "mixup-few.jsonl",
    recipes={name: recipe(mix, epochs=60) for name, mix in MIXES.items()},
    data=few,
    seeds=10,
    measure=unmixed,
    metrics=METRICS,
)
"""300 images, 60 epochs."""

NOISY = StudyPlan(
    path=RESULTS / "mixup-noisy.jsonl",
    recipes={
        name: recipe(mix, epochs=60)
        for name, mix in (MIXES | {"mixup 8": Mixup(alpha=8.0)}).items()
    },
    data=wrong_labels,
    seeds=10,
    measure=unmixed,
    metrics=METRICS,
)
"""The 300 images with 40 % of their labels wrong, and more mixing."""

PLAN = StudyPlan(
    path=RESULTS / "mixup.jsonl",
    recipes={
        f"{name}, {epochs} epochs": recipe(mix, epochs)
        for epochs in reversed(DURATIONS)
        for name, mix in MIXES.items()
    },
    data=data,
    seeds=10,
    measure=unmixed,
    metrics=METRICS,
    headline=Headline(
        "mixup 1, 64 epochs", "accuracy", "1,000 images, 64 epochs; after 4 epochs it hurts"
    ),
    beside=(FEW, NOISY),
)
