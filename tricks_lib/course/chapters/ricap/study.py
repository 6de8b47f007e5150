"""RICAP where labels are wrong, and where images are few, against none, mixup and CutMix.

300 training images, of which each seed draws its own from the 10,000 that come with the package. In
the chapter's setting 120 of them have a wrong label; beside it stands the same with right labels.

The cheapest rivals against wrong labels are to stop before they are learnt, and to show each image
anew by crop and mirror. Length and learning rate of the short runs are chosen for the network
*without* mixing, on validation images, whose labels are right. The long runs have the course's
learning rate: in the search the lowest was the best there, which is another way to learn less. It
is an arm of its own. All ways of mixing have the same at each length.

Chapter: notebooks/10_ricap.ipynb
"""

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from tricks_lib.augment import Compose, HorizontalFlip, RandomCrop
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import best_temperature, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.mix import RICAP, CutMix, Mixup, keep
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

MIXES = {
    "none": keep,
    "mixup 1": Mixup(alpha=1.0),
    "cutmix 1": CutMix(alpha=1.0),
    "ricap 0.3": RICAP(beta=0.3),
}
"""What is compared at each length; the number is the shape of the Beta distribution."""

LONG = 60
"""Length of the long runs on wrong labels, in epochs; the wrong labels are learnt by then."""

SHORT = 7
"""Length of the short runs, in epochs: the best one for the network without mixing."""

FEW_LENGTHS = (15, 60)
"""Short and long runs on right labels, in epochs."""

FEW_LR = 0.2
"""Learning rate on right labels: that of chapter 09 for as many images."""

TRIES = {
    **dict.fromkeys((15, 10, 7, 4), (0.05, 0.1, 0.2, 0.4, 0.8)),
    LONG: (0.0125, 0.025, 0.05, 0.1, 0.2),
}
"""What is tried for the network without mixing: learning rates, by the length of the run."""

LR = {SHORT: 0.4, LONG: 0.1}
"""Learning rates, by length: the best of the recorded search for the short runs, the course's for
the long ones; a test holds the first to the search."""

LOWEST = 0.0125
"""The best of the search for the long runs, which is the lowest of its row."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


FEW_DATA = OwnImages(pool, train=300, validation=1000)
NOISY_DATA = OwnImages(pool, train=300, validation=1000, wrong_labels=0.4)
"""Of the 300 training images of a seed, 120 have a wrong label; the others' labels are right."""


def recipe(mix, epochs: int, lr: float) -> Recipe:
    """Return the recipe that all arms share, with a mix, a length and a learning rate."""
    return Recipe(epochs=epochs, batch_size=50, lr=lr, mix=mix, schedule=linear_decay(epochs))


def tried(epochs: int, lr: float) -> str:
    """Return what an arm of the search is called."""
    return f"{epochs} epochs, lr {lr}"


SEARCH = StudyPlan(
    path=RESULTS / "ricap-search.jsonl",
    recipes={
        tried(epochs, lr): recipe(keep, epochs, lr)
        for epochs, rates in TRIES.items()
        for lr in rates
    },
    data=NOISY_DATA,
    seeds=(100, 101, 102),
    on="validation",
)
"""When the network without mixing should stop on wrong labels, and with which learning rates; the
labels of the validation images, by which both are chosen, are right."""


@cache
def _right_labels() -> dict[bytes, int]:
    """Return the labels of the images from which each seed draws, by their pixels."""
    train = pool().train
    pixels = (image.numpy().tobytes() for image in train.images)
    return dict(zip(pixels, train.labels.tolist(), strict=True))


def right_labels(data: Data) -> Tensor:
    """Return the labels that the training images had before some were made wrong, int (N,)."""
    known = _right_labels()
    return torch.tensor([known[image.numpy().tobytes()] for image in data.train.images.cpu()])


TEMPERED = "_tempered"
"""Ending of the metrics at the best temperature."""


def what_was_learnt(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images, the same at the temperature that is best on validation
    images, and what the network answers for its own training images, unmixed: how often the given
    label, where that is right and where it is wrong, and how often the right one where the given
    one is wrong."""
    logits, validation = predict(run.model, data), data.splits["validation"]
    temperature = best_temperature(predict(run.model, data, "validation"), validation.labels)
    tempered = score(logits / temperature, data.test.labels)
    answers = predict(run.model, data, "train").argmax(dim=1).cpu()
    given, right = data.train.labels.cpu(), right_labels(data)
    wrong = given != right
    figures = final_metrics(run, data) | {
        "train_accuracy": (answers == given).float().mean().item(),
        "right_learnt": (answers == right)[~wrong].float().mean().item(),
        "temperature": temperature,
        **{f"{name}{TEMPERED}": value for name, value in asdict(tempered).items()},
    }
    if wrong.any():
        figures["wrong_learnt"] = (answers == given)[wrong].float().mean().item()
        figures["wrong_put_right"] = (answers == right)[wrong].float().mean().item()
    return figures


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "training images answered as labelled", unit="points"),
    Metric("right_learnt", "training images with a right label, learnt", unit="points"),
    Metric("temperature", "best temperature"),
)
ON_WRONG_LABELS = (
    *METRICS,
    Metric("wrong_learnt", "training images with a wrong label, learnt", unit="points"),
    Metric("wrong_put_right", "training images with a wrong label, put right", unit="points"),
)


def arm(mix: str, epochs: int = LONG) -> str:
    """Return what an arm is called."""
    return f"{mix}, {epochs} epochs"


TEMPERATURE = f"{arm('none')}, a temperature"
LOW_RATE = f"{arm('none')}, lr {LOWEST}"
CROPS = f"crop and mirror, {LONG} epochs"
BOTH = f"ricap 0.3 + {CROPS}"
CROP_AND_MIRROR = Compose(RandomCrop(), HorizontalFlip())

FEW = StudyPlan(
    path=RESULTS / "ricap-few.jsonl",
    recipes={
        arm(name, epochs): recipe(mix, epochs, FEW_LR)
        for epochs in reversed(FEW_LENGTHS)
        for name, mix in MIXES.items()
        if name != "mixup 1"  # which chapter 09 has
    },
    data=FEW_DATA,
    seeds=10,
    measure=what_was_learnt,
    metrics=METRICS,
)
"""300 images with right labels, short and long."""

AGAIN = StudyPlan(
    path=RESULTS / "ricap-again.jsonl",
    recipes={
        CROPS: replace(recipe(keep, LONG, LR[LONG]), augment=CROP_AND_MIRROR),
        arm("ricap 0.3"): recipe(RICAP(beta=0.3), LONG, LR[LONG]),
        BOTH: replace(recipe(RICAP(beta=0.3), LONG, LR[LONG]), augment=CROP_AND_MIRROR),
    },
    data=NOISY_DATA,
    seeds=range(10, 20),
    measure=what_was_learnt,
    metrics=ON_WRONG_LABELS,
)
"""RICAP and its closest rival with ten further seeds, since the first ten left zero out by less
than a point; and both together."""

PLAN = StudyPlan(
    path=RESULTS / "ricap.jsonl",
    recipes={
        **{arm(name): recipe(mix, LONG, LR[LONG]) for name, mix in MIXES.items()},
        LOW_RATE: recipe(keep, LONG, LOWEST),
        CROPS: replace(recipe(keep, LONG, LR[LONG]), augment=CROP_AND_MIRROR),
        **{arm(name, SHORT): recipe(mix, SHORT, LR[SHORT]) for name, mix in MIXES.items()},
    },
    data=NOISY_DATA,
    seeds=10,
    measure=what_was_learnt,
    metrics=ON_WRONG_LABELS,
    headline=Headline(
        arm("ricap 0.3"), "accuracy", "300 images, 120 of them with a wrong label, 60 epochs"
    ),
    rivals=(
        Headline(arm("ricap 0.3"), "accuracy", "CutMix", against=arm("cutmix 1")),
        Headline(arm("ricap 0.3"), "accuracy", "mixup", against=arm("mixup 1")),
        Headline(
            arm("ricap 0.3"),
            "accuracy",
            "no mixing, stopped early",
            against=arm("none", SHORT),
        ),
        # Declared when the others had been recorded, and before it had.
        Headline(arm("ricap 0.3"), "accuracy", "crop and mirror, without mixing", against=CROPS),
    ),
    derived={TEMPERATURE: (arm("none"), TEMPERED)},
    tuning=SEARCH,
    beside=(FEW, AGAIN),
)
