"""Label smoothing where a network is over-confident, where it is not, and on wrong labels.

The same five shares of smoothing in four settings: a perceptron that memorises 1,000 images;
the course's network, with batch normalisation, on 8,000 images for 4 epochs, which is well
calibrated; the same network on 1,000 images for 30 epochs, which is over-confident; and the
perceptron again with 40 % of its labels wrong. Each seed draws its own training images.

The rival of smoothing is one number, a temperature found on validation images after training
(Guo et al. 2017). It needs no runs of its own: each run keeps its metrics at its best temperature.

Three studies stand beside the four: how long the network is trained, a perceptron whose weights
decay, and how tight the classes lie in the layer before the last.

Chapter: notebooks/05_label_smoothing.ipynb
"""

from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import best_temperature, predict, reliability, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import mlp
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

EPSILONS = (0.0, 0.05, 0.1, 0.2, 0.4)
EPOCHS = (4, 8, 15)
"""Lengths of training that stand beside the 30 epochs of the setting "overtrained"."""


def smoothed(epsilon: float) -> supervised:
    """Return the objective with this share of smoothing; 0 is plain cross-entropy."""
    return supervised(LabelSmoothingLoss(epsilon))


def perceptron(epsilon: float, weight_decay: float = 0.0) -> Recipe:
    """Return the recipe of the network that memorises: 60 epochs, by default no weight decay."""
    return Recipe(
        epochs=60,
        batch_size=64,
        model=mlp,
        objective=smoothed(epsilon),
        optimizer=partial(sgd, weight_decay=weight_decay),
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


def arms(recipe, epsilons=EPSILONS, **settings) -> dict[str, Recipe]:
    """Return a recipe for each share of smoothing, by name."""
    return {f"ε = {epsilon:g}": recipe(epsilon, **settings) for epsilon in epsilons}


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


MANY = OwnImages(pool, train=8000, validation=2000)
FEW = OwnImages(pool, train=1000, validation=2000)
WRONG_LABELS = OwnImages(pool, train=1000, validation=2000, wrong_labels=0.4)
"""400 of the 1,000 training labels are wrong; those of the other images stay right."""


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


TEMPERED = "_tempered"
"""Ending of the metrics at the best temperature."""


def calibration(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images, the same at the best temperature, their bins of confidence,
    the two by which one would choose on validation images, accuracy and gap of the logits on
    training images."""
    logits = {split: predict(run.model, data, split).cpu() for split in data.splits}
    labels = {split: data.splits[split].labels.cpu() for split in data.splits}
    temperature = best_temperature(logits["validation"], labels["validation"])
    tempered = score(logits["test"] / temperature, labels["test"])
    chosen_by = score(logits["validation"], labels["validation"])
    bins = reliability(logits["test"], labels["test"])
    return final_metrics(run, data) | {
        "confidence": logits["test"].softmax(dim=1).amax(dim=1).mean().item(),
        "temperature": temperature,
        **{f"{name}{TEMPERED}": value for name, value in asdict(tempered).items()},
        "nll_validation": chosen_by.nll,
        "ece_validation": chosen_by.ece,
        "train_accuracy": score(logits["train"], labels["train"]).accuracy,
        "logit_gap": logit_gap(logits["train"], labels["train"]).mean().item(),
        **{f"bin_{name}": [round(x, 5) for x in row.tolist()] for name, row in bins.items()},
    }


def features(model: nn.Sequential, data: Data, split: str) -> Tensor:
    """Return what a perceptron's last layer is given for each image, (N, features)."""
    with torch.no_grad():
        found: Tensor = model[:-1](data.normalize(data.splits[split].images))
    return found


def seen_by_softmax(model: nn.Sequential) -> Tensor:
    """Return an orthonormal basis, (features, K - 1), of the directions in which the weight vectors
    of a perceptron's K classes differ.

    Softmax depends on differences of logits alone, and so on features in these directions alone.
    """
    last = model[-1]
    assert isinstance(last, nn.Linear)
    rows = last.weight.detach()
    basis: Tensor = torch.linalg.qr((rows - rows.mean(0)).T[:, :-1]).Q
    return basis


def tightness(points: Tensor, labels: Tensor) -> float:
    """Return how tight the clouds of the classes are: the mean squared distance of a point to the
    centre of its class, over that of the classes' centres to the mean of all centres.

    Args:
        points: float (N, D), with at least one point of each class.
        labels: classes 0 ... K - 1, whole numbers (N,).
    """
    classes = range(int(labels.max()) + 1)
    centres = torch.stack([points[labels == k].mean(0) for k in classes])
    within = (points - centres[labels]).pow(2).sum(1).mean()
    return (within / (centres - centres.mean(0)).pow(2).sum(1).mean()).item()


def clouds(run: Run, data: Data) -> Figures:
    """Keep how tight the clouds are that softmax sees, on training and on test images."""
    model, data = run.model.cpu().eval(), data.to("cpu")
    assert isinstance(model, nn.Sequential)
    seen = seen_by_softmax(model)
    return {
        f"clouds_{split}": tightness(features(model, data, split) @ seen, data.splits[split].labels)
        for split in ("train", "test")
    }


METRICS = (
    *STANDARD,
    Metric("confidence", "mean confidence on test images", unit="points"),
    Metric("temperature", "best temperature"),
    Metric("nll_validation", "validation NLL", "lower", "nats"),
    Metric("ece_validation", "validation calibration error", "lower", "points"),
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
    Metric("logit_gap", "gap of the logits on training images"),
)

HARD, TRICK = "ε = 0", "ε = 0.1"
RIVAL, BOTH = "hard labels, a temperature", "ε = 0.1, a temperature"


def setting(
    name: str, recipes: dict[str, Recipe], data: OwnImages, where: str, seeds: int = 10, **others
) -> StudyPlan:
    """Return the plan of one setting, in which ε = 0.1 is compared with hard labels, and with the
    rival, hard labels with a temperature."""
    return StudyPlan(
        path=RESULTS / f"{name}.jsonl",
        recipes=recipes,
        data=data,
        seeds=seeds,
        measure=calibration,
        metrics=METRICS,
        headline=Headline(TRICK, "ece", where),
        rivals=(Headline(TRICK, "ece", "hard labels with a temperature", against=RIVAL),),
        derived={RIVAL: (HARD, TEMPERED), BOTH: (TRICK, TEMPERED)},
        **others,
    )


CALIBRATED = setting(
    "label_smoothing-calibrated",
    arms(convolutional, epochs=4, batch_size=128),
    MANY,
    "a well calibrated network: the course's, 8,000 images, 4 epochs",
)
"""The course's network on enough images for a short time."""

OVERTRAINED = setting(
    "label_smoothing-overtrained",
    arms(convolutional, epochs=30, batch_size=64),
    FEW,
    "an overtrained network: the course's, 1,000 images, 30 epochs",
)
"""The course's network on few images for a long time."""

NOISY = setting(
    "label_smoothing-noisy",
    arms(perceptron),
    WRONG_LABELS,
    "wrong labels: a perceptron on 1,000 images, 400 of them with a wrong label",
    seeds=20,
)
"""The perceptron on wrong labels. With ten seeds the interval of the accuracy only just left zero
out; so ten further ones were run."""

DECAYED = setting(
    "label_smoothing-decayed",
    arms(perceptron, (0.0, 0.1), weight_decay=5e-4),
    FEW,
    "a perceptron that memorised 1,000 images, with weight decay 5e-4",
)
"""Whether the perceptron is over-confident only for want of the course's weight decay."""

LENGTHS = StudyPlan(
    path=RESULTS / "label_smoothing-lengths.jsonl",
    recipes={
        f"{name}, {epochs} epochs": convolutional(epsilon, epochs, batch_size=64)
        for epochs in EPOCHS
        for name, epsilon in ((HARD, 0.0), (TRICK, 0.1))
    },
    data=FEW,
    seeds=10,
    measure=calibration,
    metrics=METRICS,
)
"""The network and the images of the setting "overtrained", trained for less long: how
over-confident a network is, and what smoothing then does to it, with nothing else changed."""

CLOUDS = StudyPlan(
    path=RESULTS / "label_smoothing-clouds.jsonl",
    recipes=arms(perceptron, (0.0, 0.1)),
    data=FEW,
    seeds=5,
    measure=clouds,
    metrics=(
        Metric("clouds_train", "size of the clouds of training images"),
        Metric("clouds_test", "size of the clouds of test images"),
    ),
    evaluate=None,
)
"""How tight the classes lie in the layer before the last, and on which images."""

PLAN = setting(
    "label_smoothing",
    arms(perceptron),
    FEW,
    "a perceptron that memorised 1,000 images",
    beside=(CALIBRATED, OVERTRAINED, NOISY, DECAYED, LENGTHS, CLOUDS),
)
"""The perceptron that memorises."""
