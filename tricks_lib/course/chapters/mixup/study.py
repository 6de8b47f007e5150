"""Mixup and CutMix: short and long, with crop and mirror, with few images, with wrong labels.

The recipe is the course's, with batches of 50, since there are only 1,000 images (or 300) to train
on. Each seed draws its own from the 10,000 that come with the package; the learning rate is chosen
for the network without mixing, on other images. Every arm of a duration has the same.

Chapter: notebooks/09_mixup.ipynb
"""

from dataclasses import asdict
from functools import cache
from pathlib import Path

from tricks_lib.augment import Compose, HorizontalFlip, RandomCrop, identity
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import best_temperature, evaluate, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.mix import CutMix, Mixup, keep
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

MIXES = {
    "none": keep,
    "mixup 0.2": Mixup(alpha=0.2),
    "mixup 1": Mixup(alpha=1.0),
    "cutmix 1": CutMix(alpha=1.0),
}

DURATIONS = (4, 16, 64)
"""Short and long runs, in epochs."""

LEARNING_RATES = (0.05, 0.1, 0.2)
"""What is tried for the network without mixing, at each duration."""

LR = {4: 0.1, 16: 0.05, 64: 0.2}
"""The best of them in the recorded search, by duration; a test holds the two together."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the test images."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=1000, validation=1000)
"""Each seed has its own 1,000 training images, and 1,000 others to find its temperature."""

FEW_DATA = OwnImages(pool, train=300, validation=1000)
NOISY_DATA = OwnImages(pool, train=300, validation=1000, wrong_labels=0.4)
"""Of the 300 training images of a seed, 120 have a wrong label; the others' labels are right."""


def recipe(mix, epochs: int, lr: float, augment=identity) -> Recipe:
    """Return the recipe that all arms share, with a mix, a length and a learning rate."""
    return Recipe(
        epochs=epochs,
        batch_size=50,
        lr=lr,
        augment=augment,
        mix=mix,
        schedule=linear_decay(epochs),
    )


SEARCH = StudyPlan(
    path=RESULTS / "mixup-search.jsonl",
    recipes={
        f"{epochs} epochs, lr {lr}": recipe(keep, epochs, lr)
        for epochs in DURATIONS
        for lr in LEARNING_RATES
    },
    data=OwnImages(pool, train=1000, validation=2000),
    seeds=(100, 101),
    on="validation",
)
"""The learning rates of the network without mixing, on validation images alone."""


TEMPERED = "_tempered"
"""Ending of the metrics at the best temperature."""


def unmixed(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images, the same at the temperature that is best on validation
    images, the mean confidence, and the accuracy on the training images as they are, unmixed."""
    logits, validation = predict(run.model, data), data.splits["validation"]
    temperature = best_temperature(predict(run.model, data, "validation"), validation.labels)
    tempered = score(logits / temperature, data.test.labels)
    return final_metrics(run, data) | {
        "confidence": logits.softmax(dim=1).amax(dim=1).mean().item(),
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "temperature": temperature,
        **{f"{name}{TEMPERED}": value for name, value in asdict(tempered).items()},
    }


METRICS = (
    *STANDARD,
    Metric("confidence", "mean confidence on test images", unit="points"),
    Metric("train_accuracy", "accuracy on the training images, unmixed", unit="points"),
    Metric("temperature", "best temperature"),
)

LONGEST = DURATIONS[-1]


def arm(mix: str, epochs: int = LONGEST, *, augmented: bool = False) -> str:
    """Return what an arm of the main study is called."""
    return f"{mix}{' + crop and mirror' if augmented else ''}, {epochs} epochs"


CROP_AND_MIRROR = Compose(RandomCrop(), HorizontalFlip())
TEMPERATURE = f"{arm('none')}, a temperature"

FEW = StudyPlan(
    path=RESULTS / "mixup-few.jsonl",
    recipes={name: recipe(mix, 60, LR[64]) for name, mix in MIXES.items()},
    data=FEW_DATA,
    seeds=5,
    measure=unmixed,
    metrics=METRICS,
    derived={"none, a temperature": ("none", TEMPERED)},
)
"""300 images, 60 epochs."""

NOISY = StudyPlan(
    path=RESULTS / "mixup-noisy.jsonl",
    recipes={
        name: recipe(mix, 60, LR[64])
        for name, mix in (MIXES | {"mixup 8": Mixup(alpha=8.0)}).items()
    },
    data=NOISY_DATA,
    seeds=5,
    measure=unmixed,
    metrics=METRICS,
    derived={"none, a temperature": ("none", TEMPERED)},
)
"""300 images with 40 % of their labels wrong, and more mixing."""

PLAN = StudyPlan(
    path=RESULTS / "mixup.jsonl",
    recipes={
        arm(name, epochs, augmented=augmented): recipe(
            mix, epochs, LR[epochs], CROP_AND_MIRROR if augmented else identity
        )
        for epochs, augmented in ((64, False), (64, True), (16, False), (16, True), (4, False))
        for name, mix in MIXES.items()
    },
    data=DATA,
    seeds=5,
    measure=unmixed,
    metrics=METRICS,
    headline=Headline(
        arm("mixup 1"), "accuracy", "α = 1; 1,000 images, 64 epochs", against=arm("none")
    ),
    rivals=(
        Headline(arm("mixup 1"), "accuracy", "CutMix", against=arm("cutmix 1")),
        Headline(
            arm("mixup 1", augmented=True),
            "accuracy",
            "crop and mirror alone (mixup comes on top)",
            against=arm("none", augmented=True),
        ),
        Headline(
            arm("mixup 1"),
            "ece",
            "a temperature found on 1,000 more images",
            against=TEMPERATURE,
        ),
    ),
    derived={TEMPERATURE: (arm("none"), TEMPERED)},
    tuning=SEARCH,
    beside=(FEW, NOISY),
)
