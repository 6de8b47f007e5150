"""Crops, mirror images and turned images: what each gains, and what it makes a network blind to.

Three settings. *Photographs*: 4,000 images of CIFAR-10. *Garments*: 2,000 of Fashion-MNIST, which
stand in the middle and face one way. *Digits*: 600 images, whose meaning a turn or a mirror may
change. Each seed draws its own training images. All arms have the course's learning rate; on
photographs the network *without* augmentation also has others, so that nothing is tuned in favour
of the trick.

Chapter: notebooks/12_geometry.ipynb
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import permutations
from pathlib import Path

import torch
from torch import Tensor

from tricks_lib.augment import (
    Compose,
    HorizontalFlip,
    RandomCrop,
    RandomResizedCrop,
    Rotation,
    identity,
)
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.course.standing import colour
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.data.bundled import BUNDLED
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

from .views import Rim, enlarged, in_place_of_test, moved, turned

RESULTS = Path(__file__).with_name("results")

SHORT, LONG = 15, 45
"""Lengths of the runs on photographs, in epochs."""

OTHER_LRS = {SHORT: (0.2,), LONG: (0.2,)}
"""Further learning rates of the network *without* augmentation, by length."""

SHIFTS = (-8, -6, -4, -2, 0, 2, 4, 6, 8)
"""Shifts of the test images to the right, in pixels."""

ANGLES = (-60, -45, -30, -15, 0, 15, 30, 45, 60)
"""Angles by which the test images are turned, in degrees."""

ZOOMS = (1.25, 1.5, 2.0)
"""How much larger the middle of the test images is shown."""

RIMS: Mapping[str, Rim] = {"black": 0.0, "mean": None, "own": "own"}
"""What comes into view where test images are moved by `RIM_SHIFT` pixels."""

RIM_SHIFT = 4

WATCHED = 1000
"""How many test images are moved, turned and enlarged: the first."""


@cache
def photographs() -> Data:
    """Load the 50,000 photographs from which each seed draws, and 5,000 test images.

    They are drawn at random: where the images come from a folder, they are sorted by class.
    """
    return colour.pool().subset(test=5000, seed=0)


@cache
def garments() -> Data:
    """Load the 10,000 garments from which each seed draws, and 5,000 test images."""
    return load_data("fashion-mini")


@cache
def digits() -> Data:
    """Load the 1,000 digits from which each seed draws, and 797 test images."""
    return load_data("digits")


PHOTOGRAPHS = OwnImages(photographs, train=4000)
GARMENTS_DATA = OwnImages(garments, train=2000)
DIGITS_DATA = OwnImages(digits, train=600)


def shifted(pixels: int) -> str:
    """Return the name of the accuracy on test images that are moved to the right."""
    return f"accuracy_shift_{pixels:+d}"


def at_angle(degrees: int) -> str:
    """Return the name of the accuracy on test images that are turned."""
    return f"accuracy_angle_{degrees:+d}"


def at_zoom(factor: float) -> str:
    """Return the name of the accuracy on test images that are enlarged."""
    return f"accuracy_zoom_{100 * factor:.0f}"


def with_rim(fill: str) -> str:
    """Return the name of the accuracy on moved test images with one of `RIMS`."""
    return f"accuracy_rim_{fill}"


def recall(name: str, mirrored: bool = False) -> str:
    """Return the name of the share of a class that is answered right."""
    return f"recall_{name}{'_mirrored' if mirrored else ''}"


def views(data: Data, rim: Rim) -> dict[str, Tensor]:
    """Move, turn and enlarge the first test images, by the name of the metric.

    Args:
        data: whose test images.
        rim: what comes into view: see `moved`.
    """
    images = data.test.images[:WATCHED].cpu()
    return {
        **{shifted(pixels): moved(images, pixels, fill=rim) for pixels in SHIFTS},
        **{at_angle(degrees): turned(images, degrees, fill=rim) for degrees in ANGLES},
        **{at_zoom(factor): enlarged(images, factor) for factor in ZOOMS},
    }


@cache
def views_of_photographs() -> dict[str, Tensor]:
    """Make the views of photographs once for all runs, further ones with each of `RIMS`."""
    images = photographs().test.images[:WATCHED]
    return views(photographs(), "own") | {
        with_rim(name): moved(images, RIM_SHIFT, fill=fill) for name, fill in RIMS.items()
    }


@cache
def views_of_garments() -> dict[str, Tensor]:
    """Make the views of garments once for all runs; their background is black."""
    return views(garments(), 0.0)


def under_views(run: Run, data: Data, seen: Mapping[str, Tensor]) -> Figures:
    """Keep the final metrics, the accuracy on training images as they are and on moved, turned,
    enlarged and mirrored test images, and how often an image and its mirror image get the same
    answer."""
    labels = data.test.labels[:WATCHED].cpu()
    answers = predict(run.model, data).argmax(dim=1)
    flipped = in_place_of_test(data, data.test.images.flip(-1), data.test.labels)
    mirrored = predict(run.model, flipped).argmax(dim=1)
    truth = data.test.labels.to(answers.device)
    return final_metrics(run, data) | {
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "accuracy_mirrored": (mirrored == truth).float().mean().item(),
        "same_mirrored": (mirrored == answers).float().mean().item(),
        **{
            name: evaluate(
                run.model, in_place_of_test(data, images[: len(labels)], labels)
            ).accuracy
            for name, images in seen.items()
        },
    }


def on_photographs(run: Run, data: Data) -> Figures:
    """Keep what `under_views` says of photographs."""
    return under_views(run, data, views_of_photographs())


def on_garments(run: Run, data: Data) -> Figures:
    """Keep what `under_views` says of garments, and which share of each class is answered right,
    as it is and mirrored."""
    return under_views(run, data, views_of_garments()) | by_class(run, data)


def by_class(run: Run, data: Data) -> Figures:
    """Keep which share of each class is answered right, as it is and mirrored."""
    flipped = in_place_of_test(data, data.test.images.flip(-1), data.test.labels)
    figures = {}
    for mirrored, seen in ((False, data), (True, flipped)):
        hits = predict(run.model, seen).argmax(dim=1).cpu() == data.test.labels.cpu()
        for number, name in enumerate(data.classes):
            chosen = data.test.labels.cpu() == number
            figures[recall(name, mirrored)] = hits[chosen].float().mean().item()
    return figures


def taken_for(digit: str, other: str) -> str:
    """Return the name of the share of a digit that is answered as another."""
    return f"{digit}_taken_for_{other}"


def on_digits(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the share of each digit that is answered right, and the share that
    is taken for each other one."""
    answers, labels = predict(run.model, data).argmax(dim=1).cpu(), data.test.labels.cpu()
    taken = {
        taken_for(data.classes[one], data.classes[other]): (
            (answers[labels == one] == other).float().mean().item()
        )
        for one, other in permutations(range(data.num_classes), 2)
    }
    return (
        final_metrics(run, data)
        | {"train_accuracy": evaluate(run.model, data, "train").accuracy}
        | by_class(run, data)
        | taken
    )


def points(name: str, label: str) -> Metric:
    """Return a metric that is a share of right answers."""
    return Metric(name, label, better="higher", unit="points")


MOVED_METRICS = (
    *STANDARD,
    Metric("train_accuracy", "accuracy on the training images as they are", unit="points"),
    points("accuracy_mirrored", "accuracy on mirrored test images"),
    Metric("same_mirrored", "same answer for an image and its mirror image", unit="points"),
    *(points(shifted(by), f"accuracy, moved by {by} pixels") for by in SHIFTS),
    *(points(at_angle(by), f"accuracy, turned by {by}°") for by in ANGLES),
    *(points(at_zoom(by), f"accuracy, enlarged {by} times") for by in ZOOMS),
)
RIM_METRICS = tuple(
    points(with_rim(fill), f"accuracy, moved by {RIM_SHIFT} pixels, rim: {fill}") for fill in RIMS
)


def class_metrics(classes: tuple[str, ...]) -> tuple[Metric, ...]:
    """Return the metrics of each class."""
    return tuple(
        points(recall(name, mirrored), f"right answers, {name}{', mirrored' * mirrored}")
        for mirrored in (False, True)
        for name in classes
    )


def photo_recipe(augment: Callable, epochs: int = SHORT, lr: float = BASELINE.lr) -> Recipe:
    """Return the recipe of all arms on photographs, with an augmentation and a length."""
    return Recipe(
        epochs=epochs,
        batch_size=125,
        lr=lr,
        augment=augment,
        schedule=linear_decay(epochs),
    )


CROP_AND_MIRROR = Compose(RandomCrop(), HorizontalFlip())

AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "crop": RandomCrop(),
    "mirror": HorizontalFlip(),
    "crop and mirror": CROP_AND_MIRROR,
    "crop, mean fill, and mirror": Compose(RandomCrop(fill=None), HorizontalFlip()),
    "rotation": Rotation(),
    "crop, mirror and rotation": Compose(RandomCrop(), HorizontalFlip(), Rotation()),
    "resized crop and mirror": Compose(RandomResizedCrop(), HorizontalFlip()),
}
"""What the arms do to photographs."""

NONE, BOTH, MEAN_FILL = "none", "crop and mirror", "crop, mean fill, and mirror"
ROTATED, RESIZED = "crop, mirror and rotation", "resized crop and mirror"


def long(name: str) -> str:
    """Return what an arm of the long runs is called."""
    return f"{name}, {LONG} epochs"


def at_rate(lr: float, epochs: int = SHORT) -> str:
    """Return what the network without augmentation is called at another learning rate."""
    return f"{NONE if epochs == SHORT else long(NONE)}, lr {lr}"


def garment_recipe(augment: Callable, epochs: int) -> Recipe:
    """Return the recipe of all arms on garments: the course's learning rate and schedule."""
    return Recipe(epochs=epochs, batch_size=100, augment=augment, schedule=linear_decay(epochs))


CLASSES = BUNDLED["fashion-mini"]

GARMENT_AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "mirror": HorizontalFlip(),
    "crop": RandomCrop(),
    "small crop": RandomCrop(padding=1),
}
"""What the arms do to garments; the small crop moves by one pixel."""

GARMENT_ARMS = {10: tuple(GARMENT_AUGMENTS), 40: ("none", "crop")}
"""Which of them there are, by the length in epochs."""


def garment_arm(name: str, epochs: int) -> str:
    """Return what an arm on garments is called."""
    return f"{name}, {epochs} epochs"


GARMENTS = StudyPlan(
    path=RESULTS / "geometry-garments.jsonl",
    recipes={
        garment_arm(name, epochs): garment_recipe(GARMENT_AUGMENTS[name], epochs)
        for epochs, names in GARMENT_ARMS.items()
        for name in names
    },
    data=GARMENTS_DATA,
    seeds=10,
    measure=on_garments,
    metrics=(*MOVED_METRICS, *class_metrics(CLASSES)),
)
"""Crop and mirror apart, where every image stands in the middle and shoes face left."""


def half_turns(images: Tensor) -> Tensor:
    """Turn each image upside down with probability 1/2: (B, C, H, W) in and out."""
    chosen = (torch.rand(len(images)) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(-2, -1), images)


DIGIT_AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "mirror": HorizontalFlip(),
    "small turns": Rotation(15, interpolation="bilinear"),
    "half turns": half_turns,
    "all turns": Rotation(180, interpolation="bilinear"),
}
"""What the arms do to digits; small turns are the control of the others."""

DIGIT_EPOCHS = 20

DIGITS = StudyPlan(
    path=RESULTS / "geometry-digits.jsonl",
    recipes={
        name: Recipe(
            epochs=DIGIT_EPOCHS,
            batch_size=50,
            augment=augment,
            schedule=linear_decay(DIGIT_EPOCHS),
        )
        for name, augment in DIGIT_AUGMENTS.items()
    },
    data=DIGITS_DATA,
    seeds=10,
    measure=on_digits,
    metrics=(
        *STANDARD,
        Metric("train_accuracy", "accuracy on the training images as they are", unit="points"),
        *class_metrics(tuple("0123456789")),
        *(
            Metric(taken_for(*pair), f"{pair[0]} taken for {pair[1]}", "lower", "points")
            for pair in permutations("0123456789", 2)
        ),
    ),
)
"""Invariances that are false for some digits."""

PLAN = StudyPlan(
    path=RESULTS / "geometry.jsonl",
    recipes={
        **{name: photo_recipe(way) for name, way in AUGMENTS.items() if name != RESIZED},
        **{long(name): photo_recipe(AUGMENTS[name], LONG) for name in (NONE, BOTH, ROTATED)},
        long(RESIZED): photo_recipe(AUGMENTS[RESIZED], LONG),
        **{
            at_rate(lr, epochs): photo_recipe(identity, epochs, lr)
            for epochs, rates in OTHER_LRS.items()
            for lr in rates
        },
    },
    data=PHOTOGRAPHS,
    seeds=10,
    measure=on_photographs,
    metrics=(*MOVED_METRICS, *RIM_METRICS),
    headline=Headline(
        long(BOTH), "accuracy", f"4,000 photographs, {LONG} epochs", against=long(NONE)
    ),
    rivals=(
        Headline(
            long(BOTH),
            "accuracy",
            "neither, twice the learning rate",
            against=at_rate(0.2, LONG),
        ),
        Headline(BOTH, "accuracy", f"neither, {SHORT} epochs each", against=NONE),
        Headline(
            BOTH, "accuracy", f"after {SHORT} epochs only, and {LONG} without", against=long(NONE)
        ),
        Headline(BOTH, "accuracy", "padding in the mean colour", against=MEAN_FILL),
        Headline(long(BOTH), "accuracy", "a rotation besides", against=long(ROTATED)),
        Headline(long(BOTH), "accuracy", "resized crop and mirror", against=long(RESIZED)),
    ),
    beside=(GARMENTS, DIGITS),
)
"""Crop and mirror on photographs. Declared before the runs, and after a look at one further seed,
which showed that 15 epochs are few for crop and mirror."""
