"""What `study --all` finds in a small folder: tricks off the shelf, on 240 images.

Not measured: distillation, and the baseline without weight decay or batch normalisation, which
`--all` tries too.

Four kinds of tops out of Fashion-MNIST (T-shirt, pullover, coat, shirt), which are hard to tell
apart. Each seed draws 240 images to train on and 60 for choices; all are judged by the same 1,900.
The recipe is the one that the command gives a folder of that size, and each trick has the value
that its chapter gives to a beginner: nobody tuned anything.

The accuracy on each hundred of the test images is kept as well: what would somebody with so small a
test set have found?

Chapter: notebooks/20_own_images.ipynb
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch

from tricks_lib.augment import (
    AutoAugment,
    ColorShift,
    Compose,
    Cutout,
    HorizontalFlip,
    RandomCrop,
    RandomErasing,
)
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.data.splits import assemble
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.mix import RICAP, Mixup
from tricks_lib.models import he_, initialized, small_resnet
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.optimizers import adabound
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import cosine_decay, gradual_warmup, linear_decay
from tricks_lib.stopping import EarlyStopping

RESULTS = Path(__file__).with_name("results")

TOPS = (0, 2, 4, 6)
"""Labels of Fashion-MNIST: T-shirt/top, Pullover, Coat, Shirt."""

PART = 100
"""Test images in a part, as many as a small folder may have."""


@cache
def tops() -> Data:
    """Load the pictures of tops, from which each seed draws, and 1,900 that judge."""
    whole = load_data("fashion-mini")

    def of_tops(split: Split, most: int) -> Split:
        kept = torch.isin(split.labels, torch.tensor(TOPS)).nonzero()[:most, 0]
        labels = torch.searchsorted(torch.tensor(TOPS), split.labels[kept])
        return Split(split.images[kept], labels)

    splits = {"train": of_tops(whole.train, 10_000), "test": of_tops(whole.test, 1900)}
    return assemble("tops", [whole.classes[label] for label in TOPS], splits)


DATA = OwnImages(tops, train=240, validation=60)

EPOCHS, BATCH, LR = 27, 16, 0.1

BASELINE = Recipe(epochs=EPOCHS, batch_size=BATCH, lr=LR, schedule=linear_decay(EPOCHS))

NONE, GEOMETRY, LONGER = "baseline", "geometry", "3 times the epochs"
SMOOTHING, MIXUP = "label_smoothing", "mixup"

_CROP, _MIRROR = RandomCrop(3), HorizontalFlip()
_AUGMENTED = replace(BASELINE, augment=Compose(_CROP, _MIRROR))

SINGLE = {
    "adabound": replace(
        BASELINE,
        lr=1e-3,
        optimizer=partial(adabound, final_lr=10 * LR, weight_decay=5e-4),
    ),
    "autoaugment": replace(BASELINE, augment=AutoAugment("cifar10")),
    "color": replace(BASELINE, augment=ColorShift(brightness=0.4, contrast=0.4, saturation=0.4)),
    "cutout": replace(BASELINE, augment=Cutout(size=14)),
    "decay": replace(BASELINE, schedule=cosine_decay(EPOCHS)),
    "dropout": replace(BASELINE, model=partial(small_resnet, dropout=0.5)),
    "early_stopping": replace(BASELINE, stop=EarlyStopping(patience=5)),
    GEOMETRY: _AUGMENTED,
    "initialization": replace(BASELINE, model=partial(initialized, build=small_resnet, init=he_)),
    SMOOTHING: replace(BASELINE, objective=supervised(LabelSmoothingLoss(epsilon=0.1))),
    "linear_scaling": replace(BASELINE, batch_size=4 * BATCH, lr=4 * LR),
    MIXUP: replace(BASELINE, mix=Mixup(alpha=0.2)),
    "random_erasing": replace(BASELINE, augment=RandomErasing(p=0.5, area=(0.02, 0.4))),
    "ricap": replace(BASELINE, mix=RICAP(beta=0.3)),
    "warmup": replace(BASELINE, schedule=gradual_warmup(0.1 * EPOCHS, linear_decay(0.9 * EPOCHS))),
}
"""A trick alone, as its chapter switches it on; a test holds the two together."""

COMBINED = {
    f"{GEOMETRY}+{SMOOTHING}": replace(
        _AUGMENTED, objective=supervised(LabelSmoothingLoss(epsilon=0.1))
    ),
    f"{GEOMETRY}+{MIXUP}": replace(_AUGMENTED, mix=Mixup(alpha=0.2)),
}

RECIPES = {
    NONE: BASELINE,
    LONGER: replace(BASELINE, epochs=3 * EPOCHS, schedule=linear_decay(3 * EPOCHS)),
    **SINGLE,
    **COMBINED,
}


def by_parts(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracies on training and validation images, and that on each
    part of the test images."""
    hits = predict(run.model, data).argmax(dim=1).cpu() == data.test.labels.cpu()
    return final_metrics(run, data) | {
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "validation_accuracy": evaluate(run.model, data, "validation").accuracy,
        "parts": [part.double().mean().item() for part in hits.split(PART)],
    }


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
    Metric("validation_accuracy", "accuracy on validation images", "higher", "points"),
)

REPEATED = (GEOMETRY, "autoaugment", "random_erasing", "cutout")

AGAIN = StudyPlan(
    path=RESULTS / "own_images-again.jsonl",
    recipes={arm: RECIPES[arm] for arm in (NONE, *REPEATED, "decay")},
    data=DATA,
    seeds=range(10, 20),
    measure=by_parts,
    metrics=METRICS,
)
"""The headline, and the three arms that helped, with ten further seeds: of eighteen arms the best
are best partly by luck. Cosine decay is there for its NLL, whose interval only just left zero
out."""

_LONGER = RECIPES[LONGER]

LONG = StudyPlan(
    path=RESULTS / "own_images-long.jsonl",
    recipes={LONGER: _LONGER, GEOMETRY: replace(_LONGER, augment=_AUGMENTED.augment)},
    data=DATA,
    seeds=10,
    measure=by_parts,
    metrics=METRICS,
)
"""The headline where both have three times the epochs: was it the time that was missing?"""

PLAN = StudyPlan(
    path=RESULTS / "own_images.jsonl",
    recipes=RECIPES,
    data=DATA,
    seeds=10,
    measure=by_parts,
    metrics=METRICS,
    headline=Headline(GEOMETRY, "accuracy", "crop and mirror, 240 pictures of four kinds of tops"),
    rivals=(Headline(GEOMETRY, "accuracy", "3 times the epochs", against=LONGER),),
    beside=(AGAIN, LONG),
)
