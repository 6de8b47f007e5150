"""Large batches at a large rate: no warmup, constant warmup, gradual warmup, and small batches.

The set-up is that of Goyal et al. 2017, arXiv:1706.02677, Table 1, at the size of a laptop: a batch
k = 16 times as large at a rate 16 times as large, with a quarter of the training as warmup.

Chapter: notebooks/01_warmup.ipynb
"""

from dataclasses import replace

from ..lab.data import Data, load_data
from ..lab.study import Figures, final_metrics
from ..lab.train import Run
from ..recipe import Recipe
from ..schedules import constant_warmup, gradual_warmup
from .plan import StudyPlan

WORKERS = 16
"""How many small batches make a large one; Goyal's k."""

SMALL = Recipe(epochs=4, batch_size=8, lr=0.1)
LARGE = replace(SMALL, batch_size=8 * WORKERS, lr=0.1 * WORKERS)


def data() -> Data:
    """Load 2,000 training images: 15 large batches an epoch."""
    return load_data("fashion-mini").subset(train=2000, test=2000)


def early_loss(run: Run) -> Figures:
    """Keep the loss curve and the highest loss before, and just after, the end of warmup."""
    loss = run.history.loss
    warmup = len(loss) // run.recipe.epochs  # one epoch
    return final_metrics(run) | {
        "peak_loss_during": max(loss[:warmup]),
        "peak_loss_after": max(loss[warmup : 2 * warmup]),
        "loss": [float(f"{value:.4g}") for value in loss],
    }


PLAN = StudyPlan(
    slug="warmup",
    recipes={
        "no warmup": LARGE,
        "constant warmup": replace(LARGE, schedule=constant_warmup(1, start=1 / WORKERS)),
        "gradual warmup": replace(LARGE, schedule=gradual_warmup(1, start=1 / WORKERS)),
        "small batches": SMALL,
    },
    data=data,
    seeds=10,
    measure=early_loss,
)
