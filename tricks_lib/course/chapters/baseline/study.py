"""How far one seed moves the answer: twenty runs of the baseline beside twenty of a near twin.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import replace
from functools import cache

from ..lab.data import Data, load_data
from ..lab.metrics import evaluate
from ..lab.study import Figures, final_metrics
from ..lab.train import Run
from ..recipe import Recipe
from ..schedules import linear_decay
from .plan import StudyPlan

BASELINE = Recipe(epochs=10, lr=0.1, schedule=linear_decay(length=10))
"""The recipe that the course compares with, unless a chapter says otherwise."""


@cache
def data() -> Data:
    """Load 8,000 images to train on, 2,000 for choices (validation), 5,000 to judge by (test)."""
    return load_data("fashion-mini").hold_out(2000)


def both_splits(run: Run) -> Figures:
    """Keep the final metrics, the accuracy on the validation images, and test accuracy by epoch."""
    return final_metrics(run) | {
        "validation_accuracy": evaluate(run.model, data(), "validation").accuracy,
        "accuracy_by_epoch": [round(metrics.accuracy, 5) for metrics in run.history.epochs],
    }


PLAN = StudyPlan(
    slug="baseline",
    recipes={
        "baseline": BASELINE,
        "half the rate": replace(BASELINE, lr=0.05),
    },
    data=data,
    seeds=20,
    measure=both_splits,
)
