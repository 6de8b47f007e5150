"""Large batches at a large rate: no warmup, constant warmup, gradual warmup, and small batches.

The set-up is that of Goyal et al. 2017, arXiv:1706.02677, Table 1, at the size of a laptop: a batch
k = 16 times as large at a rate 16 times as large, with a quarter of the training as warmup. From
the end of the warmup on, all arms of one rate have the same learning rate at the same time, so
that nothing but the warmup differs.

Chapter: notebooks/01_warmup.ipynb
"""

from dataclasses import replace
from pathlib import Path

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant_warmup, gradual_warmup, linear_decay

RESULTS = Path(__file__).with_name("results")

WORKERS = 16
"""How many small batches make a large one; Goyal's k."""

EPOCHS = 4
LENGTH = 1
"""Duration of the warmup, in epochs."""

AFTERWARDS = linear_decay(EPOCHS - LENGTH)
"""What every arm does when the warmup is over."""

NONE = constant_warmup(LENGTH, start=1.0, then=AFTERWARDS)
CONSTANT = constant_warmup(LENGTH, start=1 / WORKERS, then=AFTERWARDS)
GRADUAL = gradual_warmup(LENGTH, start=1 / WORKERS, then=AFTERWARDS)

SMALL = Recipe(epochs=EPOCHS, batch_size=8, lr=0.1, schedule=NONE)
LARGE = replace(SMALL, batch_size=8 * WORKERS, lr=0.1 * WORKERS)
MODEST = replace(LARGE, lr=0.2)
"""The large batch at a rate that needs no care."""


def data() -> Data:
    """Load 2,000 training and 2,000 test images: 15 large batches an epoch."""
    return load_data("fashion-mini").subset(train=2000, test=2000)


def early_loss(run: Run, data: Data) -> Figures:
    """Keep the loss curve, and the highest loss in the warmup and in the same time after it."""
    loss = run.history.loss
    warmup = LENGTH * len(loss) // run.recipe.epochs
    return final_metrics(run, data) | {
        "peak_loss_during": max(loss[:warmup]),
        "peak_loss_after": max(loss[warmup : 2 * warmup]),
        "loss": [float(f"{value:.4g}") for value in loss],
    }


PEAKS = (
    Metric("peak_loss_during", "highest training loss during the warmup", "lower", "nats"),
    Metric("peak_loss_after", "highest training loss in the epoch after", "lower", "nats"),
)

PLAN = StudyPlan(
    path=RESULTS / "warmup.jsonl",
    recipes={
        "no warmup": LARGE,
        "constant warmup": replace(LARGE, schedule=CONSTANT),
        "gradual warmup": replace(LARGE, schedule=GRADUAL),
        "small batches": SMALL,
        "modest rate, no warmup": MODEST,
        "modest rate, gradual warmup": replace(MODEST, schedule=GRADUAL),
    },
    data=data,
    seeds=20,
    measure=early_loss,
    metrics=(*STANDARD, *PEAKS),
    headline=Headline("gradual warmup", "accuracy", "batch 128 at 16 times the rate, 4 epochs"),
)
