"""Mixup and CutMix: short and long trainings, few images, wrong labels.

Chapter: notebooks/09_mixup.ipynb
"""

from functools import cache

from ..lab.data import Data, load_data
from ..lab.metrics import evaluate, predict
from ..lab.study import Figures, final_metrics
from ..lab.train import Run
from ..mix import CutMix, Mixup, keep
from ..recipe import Recipe
from ..schedules import linear_decay
from .plan import StudyPlan, only_at_the_end

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


def measured_on(load):
    """Return what to keep of a run on `load()`: final metrics, the mean confidence in the test
    images, and the accuracy on the training images as they are, unmixed."""

    def unmixed(run: Run) -> Figures:
        confidence = predict(run.model, load()).softmax(dim=1).amax(dim=1)
        return final_metrics(run) | {
            "confidence": confidence.mean().item(),
            "train_accuracy": evaluate(run.model, load(), "train").accuracy,
        }

    return unmixed


FEW = StudyPlan(
    slug="mixup-few",
    recipes={name: recipe(mix, epochs=60) for name, mix in MIXES.items()},
    data=few,
    seeds=10,
    measure=measured_on(few),
    train=only_at_the_end,
)
"""300 images, 60 epochs."""

NOISY = StudyPlan(
    slug="mixup-noisy",
    recipes={
        name: recipe(mix, epochs=60)
        for name, mix in (MIXES | {"mixup 8": Mixup(alpha=8.0)}).items()
    },
    data=wrong_labels,
    seeds=10,
    measure=measured_on(wrong_labels),
    train=only_at_the_end,
)
"""The 300 images with 40 % of their labels wrong, and more mixing."""

PLAN = StudyPlan(
    slug="mixup",
    recipes={
        f"{name}, {epochs} epochs": recipe(mix, epochs)
        for epochs in reversed(DURATIONS)
        for name, mix in MIXES.items()
    },
    data=data,
    seeds=10,
    measure=measured_on(data),
    train=only_at_the_end,
    beside=(FEW, NOISY),
)
