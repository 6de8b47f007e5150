"""Random Erasing against none and against Cutout, on whole test images and on hidden ones.

The recipe is that of chapter 09 for 1,000 images, with its lengths and its learning rates, which
were chosen there for the network without augmentation, on other images. Each seed draws its own
training images from the 10,000 that come with the package.

Chapter: notebooks/08_random_erasing.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from tricks_lib.augment import Cutout, RandomErasing, identity
from tricks_lib.augment.random_erasing import erase
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

FILLS = ("random", "mean", "black")
"""What is painted over a rectangle, in training and in tests."""

SIDE = 14
"""Side of the square that is hidden from test images: a quarter of their area."""

EQUAL = 10
"""Side of Cutout's square: it hides 10.6 % of an image on average, Random Erasing 10.2 %."""

LR = {16: 0.05, 64: 0.2}
"""The learning rate of each length in epochs, from the search of chapter 09."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and 3,000 test images."""
    return load_data("fashion-mini").subset(test=3000)


DATA = OwnImages(pool, train=1000)
"""Each seed has its own 1,000 training images."""


def recipe(augment: Callable, epochs: int = 16) -> Recipe:
    """Return the recipe that all arms share, with an augmentation and a length."""
    return Recipe(
        epochs=epochs,
        batch_size=50,
        lr=LR[epochs],
        augment=augment,
        schedule=linear_decay(epochs),
    )


def hide_squares(data: Data, fill: str, size: int = SIDE, seed: int = 0) -> Data:
    """Hide a square in every test image: whole, anywhere inside, the same for every network.

    Args:
        data: what to copy.
        fill: one of `FILLS`.
        size: side of the square, in pixels.
        seed: fixes the places, and the random pixels.
    """
    draws = torch.Generator().manual_seed(seed)
    images, (height, width) = data.test.images, data.image_size
    top = torch.randint(height - size + 1, (len(images),), generator=draws)
    left = torch.randint(width - size + 1, (len(images),), generator=draws)
    side = torch.full_like(top, size)
    color = {"mean": tuple((255 * data.mean).tolist()), "black": 0.0, "random": "random"}[fill]
    hidden = erase(images, top, left, side, side, fill=color, seed=seed)  # type: ignore[arg-type]
    return replace(data, test=Split(hidden, data.test.labels))


def hidden(fill: str) -> str:
    """Return the name of the metric under squares of a fill."""
    return f"accuracy_hidden_{fill}"


def under_squares(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracy under squares of each fill, and the accuracy on the
    training images as they are, with nothing erased."""
    covered = {fill: hide_squares(data, fill) for fill in FILLS}
    return final_metrics(run, data) | {
        **{hidden(fill): evaluate(run.model, view).accuracy for fill, view in covered.items()},
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
    }


METRICS = (
    *STANDARD,
    *(
        Metric(hidden(fill), f"accuracy with a square hidden, {fill}", "higher", "points")
        for fill in FILLS
    ),
    Metric("train_accuracy", "accuracy on the training images, nothing erased", unit="points"),
)

AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "erasing, random": RandomErasing(),
    "erasing, mean": RandomErasing(fill=None),
    "erasing, black": RandomErasing(fill=0),
    "cutout, mean": Cutout(EQUAL),
}
"""What the arms do to training images. Cutout hides as much on average, a square in every image."""

LONG = StudyPlan(
    path=RESULTS / "random_erasing-long.jsonl",
    recipes={name: recipe(AUGMENTS[name], epochs=64) for name in ("none", "erasing, random")},
    data=DATA,
    seeds=8,
    measure=under_squares,
    metrics=METRICS,
)
"""Four times as long."""

AGAIN = StudyPlan(
    path=RESULTS / "random_erasing-again.jsonl",
    recipes={name: recipe(AUGMENTS[name]) for name in ("none", "erasing, random")},
    data=DATA,
    seeds=range(10, 20),
    measure=under_squares,
    metrics=METRICS,
)
"""The headline's two arms with ten new seeds, since its interval came near to zero."""

PLAN = StudyPlan(
    path=RESULTS / "random_erasing.jsonl",
    recipes={name: recipe(augment) for name, augment in AUGMENTS.items()},
    data=DATA,
    seeds=10,
    measure=under_squares,
    metrics=METRICS,
    headline=Headline("erasing, random", "accuracy", "1,000 images, 16 epochs, whole test images"),
    rivals=(
        Headline(
            "erasing, mean",
            "accuracy",
            "Cutout of the same mean area and fill, whole test images",
            against="cutout, mean",
        ),
        Headline(
            "erasing, random",
            hidden("mean"),
            "a grey square hidden, where training showed random pixels",
        ),
    ),
    beside=(LONG, AGAIN),
)
