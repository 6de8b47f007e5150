"""Label smoothing where a network is over-confident, where it is not, and on wrong labels.

The same five shares of smoothing in four settings: a perceptron that memorises 1,000 images;
the course's network, with batch normalisation, on 8,000 images for 4 epochs, which is well
calibrated; the same network on 1,000 images for 30 epochs, which is not; and the perceptron
again with 40 % of its labels wrong. Beside each stands the calibration that one number, a
temperature found on validation images, gives without any smoothing (Guo et al. 2017).

Chapter: notebooks/05_label_smoothing.ipynb
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

from torch import Tensor

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import best_temperature, predict, reliability, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import mlp
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

EPSILONS = (0.0, 0.05, 0.1, 0.2, 0.4)


def smoothed(epsilon: float) -> supervised:
    """Return the objective with this share of smoothing; 0 is plain cross-entropy."""
    return supervised(LabelSmoothingLoss(epsilon))


def perceptron(epsilon: float) -> Recipe:
    """Return the recipe of the network that memorises: 60 epochs, no weight decay."""
    return Recipe(
        epochs=60,
        batch_size=64,
        model=mlp,
        objective=smoothed(epsilon),
        optimizer=partial(sgd, weight_decay=0.0),
        schedule=linear_decay(60),
    )


def convolutional(epsilon: float, epochs: int, batch_size: int) -> Recipe:
    """Return the recipe of the course's network, which has batch normalisation."""
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        objective=smoothed(epsilon),
        schedule=linear_decay(epochs),
    )


def arms(recipe, **settings) -> dict[str, Recipe]:
    """Return a recipe for each share of smoothing, by name."""
    return {f"ε = {epsilon:g}": recipe(epsilon, **settings) for epsilon in EPSILONS}


@cache
def many() -> Data:
    """Load 8,000 images to train on, 2,000 for choices (validation), 5,000 to judge by (test)."""
    return load_data("fashion-mini").hold_out(2000)


@cache
def few() -> Data:
    """Load 1,000 of the 8,000 training images, and the same others."""
    return many().subset(train=1000)


@cache
def wrong_labels() -> Data:
    """Load the 1,000 training images with wrong labels on 400 of them; the others stay right."""
    return few().with_label_noise(0.4)


def logit_gap(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how far the logit of the label lies above the mean of the other classes'.

    Args:
        logits: float (N, K).
        labels: integer classes (N,).

    Returns:
        float (N,).
    """
    own = logits.gather(1, labels[:, None])[:, 0]
    return own - (logits.sum(dim=1) - own) / (logits.shape[1] - 1)


def calibration(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images, the same at the best temperature, their bins of confidence,
    accuracy and gap of the logits on training images."""
    logits = {split: predict(run.model, data, split).cpu() for split in data.splits}
    labels = {split: data.splits[split].labels.cpu() for split in data.splits}
    temperature = best_temperature(logits["validation"], labels["validation"])
    tempered = score(logits["test"] / temperature, labels["test"])
    bins = reliability(logits["test"], labels["test"])
    return final_metrics(run, data) | {
        "confidence": logits["test"].softmax(dim=1).amax(dim=1).mean().item(),
        "temperature": temperature,
        **{f"{name}_tempered": value for name, value in asdict(tempered).items()},
        "train_accuracy": score(logits["train"], labels["train"]).accuracy,
        "logit_gap": logit_gap(logits["train"], labels["train"]).mean().item(),
        **{f"bin_{name}": [round(x, 5) for x in row.tolist()] for name, row in bins.items()},
    }


METRICS = (
    *STANDARD,
    Metric("confidence", "mean confidence on test images", unit="points"),
    Metric("temperature", "best temperature"),
    Metric("accuracy_tempered", "test accuracy at the best temperature", "higher", "points"),
    Metric("nll_tempered", "test NLL at the best temperature", "lower", "nats"),
    Metric("ece_tempered", "calibration error at the best temperature", "lower", "points"),
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
    Metric("logit_gap", "gap of the logits on training images"),
)


def setting(name: str, recipes: dict[str, Recipe], load: Callable[[], Data], **others) -> StudyPlan:
    """Return the plan of one setting: ten seeds of each arm."""
    return StudyPlan(
        path=RESULTS / f"{name}.jsonl",
        recipes=recipes,
        data=load,
        seeds=10,
        measure=calibration,
        metrics=METRICS,
        **others,
    )


HONEST = setting("label_smoothing-honest", arms(convolutional, epochs=4, batch_size=128), many)
"""The course's network on enough images for a short time."""

OVERTRAINED = setting(
    "label_smoothing-overtrained", arms(convolutional, epochs=30, batch_size=64), few
)
"""The course's network on few images for a long time."""

NOISY = setting("label_smoothing-noisy", arms(perceptron), wrong_labels)
"""The perceptron on wrong labels."""

PLAN = setting(
    "label_smoothing",
    arms(perceptron),
    few,
    headline=Headline(
        "ε = 0.1",
        "ece",
        "a perceptron that memorised 1,000 images; a well calibrated network it makes worse",
    ),
    beside=(HONEST, OVERTRAINED, NOISY),
)
