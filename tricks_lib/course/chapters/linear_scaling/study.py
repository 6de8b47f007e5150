"""Batches of 32 to 2,048 images under four rules for the learning rate, and where they fall short.

The set-up is that of Goyal et al. 2017, arXiv:1706.02677, Table 2a and Figure 3, at the size of a
laptop: the same images as often, so that a batch k times as large takes k times fewer steps. What
is compared is the training loss of the last epoch, not the test accuracy: after few steps the
running averages of batch normalisation lag behind the network, and the accuracy with them.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from pathlib import Path

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import Figures, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import (
    constant_warmup,
    gradual_warmup,
    linear_decay,
    linear_scaling,
    sqrt_scaling,
)

RESULTS = Path(__file__).with_name("results")

REFERENCE = 32
"""The small batch, whose learning rate the rules scale."""

LR = 0.02
"""About what the course's baseline, 0.1 for 128 images, comes to by the rule."""

EPOCHS = 6
WARMUP = 1
"""Duration of the warmup, in epochs."""

IMAGES = 4096
"""Training images: a multiple of every batch, so that no batch leaves an image out."""

SIZES = (64, 128, 256, 512)
BEYOND = (1024, 2048)


def recipe(
    batch_size: int = REFERENCE, lr: float = LR, *, start: float | None = None, epochs: int = EPOCHS
) -> Recipe:
    """Return a recipe that holds its learning rate for an epoch and then lets it fall to zero.

    Args:
        batch_size: images in a batch.
        lr: the learning rate to hold.
        start: with a warmup, the learning rate that it rises from during the first epoch.
        epochs: duration of the run.
    """
    then = linear_decay(epochs - WARMUP)
    schedule = (
        constant_warmup(WARMUP, start=1.0, then=then)
        if start is None
        else gradual_warmup(WARMUP, start=start / lr, then=then)
    )
    return Recipe(epochs=epochs, batch_size=batch_size, lr=lr, schedule=schedule)


def linear(batch_size: int, lr: float = LR, **changes) -> Recipe:
    """Return the recipe of the linear rule, with warmup from the small batch's learning rate."""
    return recipe(batch_size, linear_scaling(lr, batch_size, REFERENCE), start=lr, **changes)


def four_rates(batch_size: int) -> dict[str, Recipe]:
    """Return the arms of one batch size."""
    return {
        f"{batch_size}, rate kept": recipe(batch_size),
        f"{batch_size}, square root": recipe(batch_size, sqrt_scaling(LR, batch_size, REFERENCE)),
        f"{batch_size}, linear": recipe(batch_size, linear_scaling(LR, batch_size, REFERENCE)),
        f"{batch_size}, linear + warmup": linear(batch_size),
    }


def data() -> Data:
    """Load 4,096 training and 1,000 test images: from 128 batches an epoch down to 2."""
    return load_data("fashion-mini").subset(train=IMAGES, test=1000)


def loss_by_images(run: Run, data: Data) -> Figures:
    """Keep the training loss as a curve over the images seen: its mean over each 512 of them, or
    over each batch where that is larger."""
    steps = max(1, 512 // run.recipe.batch_size)
    loss = run.history.loss
    lots = [loss[start : start + steps] for start in range(0, len(loss), steps)]
    means = [float(f"{sum(lot) / len(lot):.4g}") for lot in lots]
    return final_metrics(run, data) | {"loss": means}


PLAN = StudyPlan(
    path=RESULTS / "linear_scaling.jsonl",
    recipes=four_rates(512)
    | {"32": recipe()}
    | four_rates(64)
    | four_rates(128)
    | four_rates(256)
    # Too few steps: 24 and 12 of them instead of 768.
    | {f"{size}, linear + warmup": linear(size) for size in BEYOND}
    # A smaller and a larger learning rate to scale from.
    | {
        "32, rate / 4": recipe(lr=LR / 4),
        "512, linear + warmup, rate / 4": linear(512, LR / 4),
        "32, rate x 4": recipe(lr=LR * 4),
        "512, linear + warmup, rate x 4": linear(512, LR * 4),
    }
    # The same learning rates with four times the steps.
    | {
        "32, 24 epochs": recipe(epochs=24),
        "512, linear + warmup, 24 epochs": linear(512, epochs=24),
    },
    data=data,
    seeds=6,
    measure=loss_by_images,
    headline=Headline(
        "512, linear + warmup",
        "train_loss",
        "batch 512 at 16 times the learning rate of batch 32, against the unchanged one; batch 32 "
        "stays ahead",
    ),
    rivals=(
        Headline(
            "512, linear + warmup",
            "train_loss",
            "the square root of 16 as the factor",
            against="512, square root",
        ),
        Headline("512, linear + warmup", "train_loss", "batch 32 as it was", against="32"),
    ),
)
