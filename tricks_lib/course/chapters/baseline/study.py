"""How far one seed moves the answer: twenty runs of the baseline, twenty at half its learning rate.

The setting is *garments*, one of the two in which every trick of the course is measured.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import StudyPlan
from tricks_lib.course.standing.garments import DATA, pool
from tricks_lib.lab.data import Data
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

PARTS = 50
"""Parts of the test images, of 100 each, that are scored one by one."""


def both_splits(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracy on the validation images, and test accuracy by epoch."""
    return final_metrics(run, data) | {
        "validation_accuracy": evaluate(run.model, data, "validation").accuracy,
        "accuracy_by_epoch": [round(metrics.accuracy, 5) for metrics in run.history.epochs],
    }


def part_by_part(run: Run, data: Data) -> Figures:
    """Keep the same, and the accuracy on each part of the test images: these are a sample too."""
    hits = (predict(run.model, data).argmax(dim=1) == data.test.labels).double()
    parts = [round(hits[first::PARTS].mean().item(), 5) for first in range(PARTS)]
    return both_splits(run, data) | {"accuracy_by_part": parts}


VALIDATION = Metric("validation_accuracy", "validation accuracy", "higher", "points")

RECIPES = {
    "baseline": BASELINE,
    "half the learning rate": replace(BASELINE, lr=BASELINE.lr / 2),
}


@cache
def same_images() -> Data:
    """Load 8,000 training images, the same for every seed, and 2,000 for validation."""
    return pool().hold_out(2000)


SAME = StudyPlan(
    path=RESULTS / "baseline-same.jsonl",
    recipes=RECIPES,
    data=same_images,
    seeds=20,
    measure=both_splits,
    metrics=(*STANDARD, VALIDATION),
    evaluate="every epoch",
)
"""The same runs, but that all seeds have the same training images."""

SHARED = 10
"""Seeds that share their training images, where some do."""


@dataclass(frozen=True)
class SharedImages(OwnImages):
    """Data of which ten seeds, one after another, share their training images."""

    def __call__(self, seed: int) -> Data:
        """Return the data of one seed."""
        return super().__call__(seed // SHARED)


SMALL = Recipe(
    epochs=20,
    lr=0.04,
    batch_size=25,
    schedule=linear_decay(length=20),
    model=partial(mlp, hidden=(64,)),
)
"""For 200 images: a run takes a second. The learning rate was chosen in a first look at four (0.02,
0.03, 0.04, 0.1) on some of the samples below, with six to ten seeds: at this one samples seemed to
disagree."""

SMALL_RECIPES = {
    "baseline": SMALL,
    "half the learning rate": replace(SMALL, lr=SMALL.lr / 2),
}

SAMPLES = StudyPlan(
    path=RESULTS / "baseline-samples.jsonl",
    recipes=SMALL_RECIPES,
    data=SharedImages(pool, train=200),
    seeds=6 * SHARED,
)
"""Six samples of 200 training images, and ten seeds with each."""

OWN = replace(SAMPLES, path=RESULTS / "baseline-own.jsonl", data=OwnImages(pool, train=200))
"""The same with 200 training images of its own for each seed."""

PLAN = StudyPlan(
    path=RESULTS / "baseline.jsonl",
    recipes=RECIPES,
    data=DATA,
    seeds=20,
    measure=part_by_part,
    metrics=(*STANDARD, VALIDATION),
    evaluate="every epoch",
    beside=(SAME, SAMPLES, OWN),
)
