"""Colour shift and PCA colour on small photographs, judged in their own light and in others.

3,000 images of CIFAR-10, of which each seed draws its own from the 50,000, with crops and mirror
images in every arm. Test images are shown as they are, under three coloured lights, and darker and
brighter. These runs were made on a CPU.

The rivals are what takes the light out of an image without any augmentation: a network that sees
grey, and one that standardises the channels of each image. Two controls say what to hold against
the augmentations: one that draws lights as the tests do, and shifts of the size of PCA colour in
directions of no meaning.

Beside it, garments whose light tells their class: five kinds stand under a lamp, five in the shade,
and the lights of the test images are drawn by lot.

The images come from `load_data("cifar10")`, or from where the standing setting *colour* takes them.

Chapter: notebooks/13_color.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from tricks_lib.augment import ColorShift, Compose, HorizontalFlip, PCAColor, RandomCrop, identity
from tricks_lib.augment.pca_color import (
    IMAGENET_EIGENVALUES,
    IMAGENET_EIGENVECTORS,
    principal_colors,
)
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.course.standing import colour
from tricks_lib.lab.data import Data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

from .lights import (
    COLOURED,
    LIGHTS,
    RandomLight,
    garments_by_lamp,
    grey_network,
    in_light,
    standardizing_network,
)

RESULTS = Path(__file__).with_name("results")

EPOCHS = 20
TRIES = (0.1, 0.4, 1.6)
"""Learning rates that are tried for the network without colour shifts."""

LR = 0.4
"""The best of the recorded search; a test holds the two together."""


@cache
def pool() -> Data:
    """Load the 50,000 photographs from which each seed draws, and 2,000 test images, drawn at
    random: in a folder they stand in the order of their classes."""
    return colour.pool().subset(test=2000, seed=0)


DATA = OwnImages(pool, train=3000, validation=2000)
"""Each seed has its own 3,000 training images, and 2,000 others for choices."""

CROP, MIRROR = RandomCrop(), HorizontalFlip()


def recipe(*shifts: Callable, lr: float = LR, **others) -> Recipe:
    """Return the recipe that all arms share: crop, mirror, and then shifts of colour."""
    return replace(
        Recipe(
            epochs=EPOCHS,
            batch_size=100,
            lr=lr,
            augment=Compose(CROP, MIRROR, *shifts),
            schedule=linear_decay(EPOCHS),
        ),
        **others,
    )


def shift(amount: float, hue: float = 0.0) -> ColorShift:
    """Return a colour shift with the same amount for brightness, contrast and saturation."""
    return ColorShift(amount, amount, amount, hue)


OWN_EIGENVALUES = (0.1718, 0.0125, 0.0026)
OWN_EIGENVECTORS = (
    (-0.5576, 0.7030, -0.4415),
    (-0.5767, 0.0545, 0.8151),
    (-0.5971, -0.7091, -0.3750),
)
"""What `principal_colors` finds in the 50,000 photographs; the record has those of each seed."""

EVEN = (sum(value**2 for value in IMAGENET_EIGENVALUES) / 3) ** 0.5
"""The eigenvalue, three times, with which shifts are as large in all directions together."""

UNTURNED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

NONE, SHIFT, PCA = "none", "colour shift 0.4", "PCA colour 0.1"
HUE, FULL_HUE = "colour shift 0.4, hue 0.1", "colour shift 0.4, hue 0.5"
PCA_OWN, PCA_LARGE, EVEN_LARGE = "PCA colour 0.1, own", "PCA colour 1", "even shifts 1"
LIGHT, STANDARDIZED, GREY = "random light", "each image standardised", "grey"
BEFORE, LONGER = "colour shift 0.4, before the crop", "1.5 times the epochs"


def own_light(light: str) -> str:
    """Return the name of the accuracy under one of `LIGHTS`."""
    return f"accuracy_{light}"


def under_lights(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracies under each light and the mean over the coloured ones,
    the accuracy on the training images as they are, and the principal colours of these: their
    eigenvalues, and the cosine of the first direction with ImageNet's."""
    seen = {light: evaluate(run.model, in_light(data, light)).accuracy for light in LIGHTS}
    values, vectors = principal_colors(data.train.images.cpu())
    published = vectors.new_tensor(IMAGENET_EIGENVECTORS)
    return final_metrics(run, data) | {
        **{own_light(light): accuracy for light, accuracy in seen.items()},
        "accuracy_coloured": sum(seen[light] for light in COLOURED) / len(COLOURED),
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        **{f"eigenvalue_{place + 1}": values[place].item() for place in range(3)},
        "cosine": (vectors[:, 0] @ published[:, 0]).abs().item(),
    }


METRICS = (
    *STANDARD,
    Metric("accuracy_coloured", "accuracy under coloured light", "higher", "points"),
    *(Metric(own_light(light), f"accuracy, {light}", "higher", "points") for light in LIGHTS),
    Metric("train_accuracy", "accuracy on the training images, as they are", unit="points"),
)

SEARCH = StudyPlan(
    path=RESULTS / "color-search.jsonl",
    recipes={f"lr {lr}": recipe(lr=lr) for lr in TRIES},
    data=DATA,
    seeds=(100, 101, 102),
    on="validation",
)
"""The learning rate, for the network without shifts of colour, on validation images."""

RECIPES = {
    NONE: recipe(),
    SHIFT: recipe(shift(0.4)),
    "colour shift 0.2": recipe(shift(0.2)),
    "colour shift 0.8": recipe(shift(0.8)),
    HUE: recipe(shift(0.4, 0.1)),
    FULL_HUE: recipe(shift(0.4, 0.5)),
    BEFORE: recipe(augment=Compose(shift(0.4), CROP, MIRROR)),
    PCA: recipe(PCAColor(0.1)),
    PCA_OWN: recipe(PCAColor(0.1, OWN_EIGENVALUES, OWN_EIGENVECTORS)),
    PCA_LARGE: recipe(PCAColor(1.0)),
    EVEN_LARGE: recipe(PCAColor(1.0, (EVEN, EVEN, EVEN), UNTURNED)),
    LIGHT: recipe(RandomLight()),
    STANDARDIZED: recipe(model=standardizing_network),
    GREY: recipe(model=grey_network),
    LONGER: recipe(epochs=3 * EPOCHS // 2, schedule=linear_decay(3 * EPOCHS // 2)),
}

AGAIN = StudyPlan(
    path=RESULTS / "color-again.jsonl",
    recipes={arm: RECIPES[arm] for arm in (NONE, SHIFT)},
    data=DATA,
    seeds=range(10, 15),
    measure=under_lights,
    metrics=METRICS,
)
"""The headline with five new seeds, since the first five left zero out only just."""

# --- Garments whose light tells their class ---


def on_both(run: Run, data: Data) -> Figures:
    """Keep the final metrics on test images, whose light is drawn by lot, and the accuracy on
    validation images, whose light tells their class as in training."""
    validation = evaluate(run.model, data, "validation").accuracy
    return final_metrics(run, data) | {"validation_accuracy": validation}


def tied(augment: Callable = identity, **others) -> Recipe:
    """Return the recipe for garments under two lights: no crop and no mirror."""
    return Recipe(
        epochs=15,
        batch_size=50,
        lr=0.1,
        augment=augment,
        schedule=linear_decay(15),
        **others,
    )


TIED = StudyPlan(
    path=RESULTS / "color-tied.jsonl",
    recipes={
        NONE: tied(),
        SHIFT: tied(shift(0.4)),
        HUE: tied(shift(0.4, 0.1)),
        FULL_HUE: tied(shift(0.4, 0.5)),
        PCA: tied(PCAColor(0.1)),
        PCA_LARGE: tied(PCAColor(1.0)),
        EVEN_LARGE: tied(PCAColor(1.0, (EVEN, EVEN, EVEN), UNTURNED)),
        LIGHT: tied(RandomLight()),
        STANDARDIZED: tied(model=standardizing_network),
        GREY: tied(model=grey_network),
    },
    data=OwnImages(garments_by_lamp, train=500, validation=1000),
    seeds=10,
    measure=on_both,
    metrics=(
        *STANDARD,
        Metric("validation_accuracy", "accuracy in the light of training", "higher", "points"),
    ),
)
"""500 garments under two lights that tell the class."""

PLAN = StudyPlan(
    path=RESULTS / "color.jsonl",
    recipes=RECIPES,
    data=DATA,
    seeds=10,
    measure=under_lights,
    metrics=METRICS,
    headline=Headline(
        SHIFT,
        "accuracy_coloured",
        "3,000 photographs, test images under coloured light; five further seeds show no "
        "difference",
    ),
    rivals=(
        Headline(
            SHIFT,
            "accuracy_coloured",
            "each image standardised, under coloured light",
            against=STANDARDIZED,
        ),
        Headline(
            SHIFT,
            "accuracy_coloured",
            "a network that sees grey, under coloured light",
            against=GREY,
        ),
        Headline(SHIFT, "accuracy", "1.5 times the epochs, in their own light", against=LONGER),
        Headline(SHIFT, "accuracy", "test images in their own light"),
        Headline(PCA, "accuracy_coloured", "PCA colour, under coloured light"),
    ),
    tuning=SEARCH,
    beside=(AGAIN, TIED),
)
