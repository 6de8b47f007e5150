"""How far one seed moves the answer: twenty runs of the baseline, twenty at half its rate.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run

RESULTS = Path(__file__).with_name("results")


@cache
def data() -> Data:
    """Load 8,000 images to train on, 2,000 for choices (validation), 5,000 to judge by (test)."""
    return load_data("fashion-mini").hold_out(2000)


def both_splits(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracy on the validation images, and test accuracy by epoch."""
    return final_metrics(run, data) | {
        "validation_accuracy": evaluate(run.model, data, "validation").accuracy,
        "accuracy_by_epoch": [round(metrics.accuracy, 5) for metrics in run.history.epochs],
    }


VALIDATION = Metric("validation_accuracy", "validation accuracy", "higher", "points")

PLAN = StudyPlan(
    path=RESULTS / "baseline.jsonl",
    recipes={
        "baseline": BASELINE,
        "half the rate": replace(BASELINE, lr=0.05),
    },
    data=data,
    seeds=20,
    measure=both_splits,
    metrics=(*STANDARD, VALIDATION),
    evaluate="every epoch",
)
