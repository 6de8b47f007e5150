"""Dropout where a large network learns wrong labels, and where it has none to learn.

1,000 training images, of which each seed draws its own from the 10,000 that come with the package.
In the chapter's setting 400 of them have a wrong label, and a fully connected network of two hidden
layers has the time to learn them all; beside it stands the same with right labels, and the course's
residual network with both.

The cheapest rivals against wrong labels are to learn less in another way: for fewer epochs, with a
lower learning rate, with fewer units, with more weight decay. Each has one number, chosen by five
tries on validation images, whose labels are right. Dropout has its published 0.5, which nothing
chose.

Chapter: notebooks/15_dropout.ipynb
"""

import math
from copy import deepcopy
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import best_temperature, evaluate, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import mlp, small_resnet
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

LONG = 60
"""Length of the long runs, in epochs; without dropout the wrong labels are learnt by then."""

LR = 0.05
"""The learning rate of all arms, except where it is what is chosen."""

RATES = (0.3, 0.5, 0.7)
"""The probabilities with which units are switched off."""

TRIES: dict[str, tuple[float, ...]] = {
    "epochs": (2, 4, 8, 15, 30),
    "lr": (0.001, 0.002, 0.005, 0.01, 0.02),
    "units": (8, 16, 32, 64, 128),
    "weight decay": (0.005, 0.01, 0.02, 0.05, 0.1),
    "dropout": (0.1, 0.3, 0.5, 0.7, 0.9),
    "epochs with dropout 0.5": (4, 8, 15, 30, LONG),
}
"""What is tried of each rival, without dropout; of dropout; and of both together."""

CHOSEN: dict[str, float] = {
    "epochs": 8,
    "lr": 0.005,
    "units": 128,
    "weight decay": 0.05,
    "dropout": 0.7,
    "epochs with dropout 0.5": 15,
}
"""The best of each row of the recorded search: a test holds it to that."""

MASKS = 50
"""How many networks with units switched off are averaged."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and 3,000 test images."""
    return load_data("fashion-mini").subset(test=3000)


WRONG = OwnImages(pool, train=1000, validation=1000, wrong_labels=0.4)
"""Of the 1,000 training images of a seed, 400 have a wrong label; the others' labels are right."""

RIGHT = OwnImages(pool, train=1000, validation=1000)


def recipe(
    dropout: float = 0.0,
    epochs: int = LONG,
    lr: float = LR,
    units: int = 512,
    weight_decay: float = 5e-4,
) -> Recipe:
    """Return the recipe of the fully connected network.

    Args:
        dropout: probability that a hidden unit is switched off.
        epochs: length.
        lr: learning rate, from which a straight line leads to zero.
        units: of each of the two hidden layers.
        weight_decay: strength of the L2 penalty; the course's by default.
    """
    return Recipe(
        epochs=epochs,
        batch_size=100,
        lr=lr,
        model=partial(mlp, hidden=(units, units), dropout=dropout),
        optimizer=partial(sgd, weight_decay=weight_decay),
        schedule=linear_decay(epochs),
    )


def variant(knob: str, value: float) -> Recipe:
    """Return the recipe with another number in one place, one of `TRIES`."""
    return {
        "epochs": lambda: recipe(epochs=int(value)),
        "lr": lambda: recipe(lr=value),
        "units": lambda: recipe(units=int(value)),
        "weight decay": lambda: recipe(weight_decay=value),
        "dropout": lambda: recipe(dropout=value),
        "epochs with dropout 0.5": lambda: recipe(dropout=0.5, epochs=int(value)),
    }[knob]()


def tried(knob: str, value: float) -> str:
    """Return what an arm with another number is called."""
    if knob == "epochs with dropout 0.5":
        return f"dropout 0.5, {value:g} epochs"
    return f"{value:g} {knob}" if knob in ("epochs", "units") else f"{knob} {value:g}"


SEARCH = StudyPlan(
    path=RESULTS / "dropout-search.jsonl",
    recipes={
        tried(knob, value): variant(knob, value)
        for knob, values in TRIES.items()
        for value in values
    },
    data=WRONG,
    seeds=(100, 101, 102),
    on="validation",
)
"""How much of each rival is best on wrong labels; the labels of the validation images, by which it
is chosen, are right."""


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


TEMPERED, ONE, MEAN = "_tempered", "_one", "_mean"
"""Endings of the metrics: at the best temperature; of one network with units switched off; of the
mean of `MASKS` such networks."""


def switching(model: nn.Module) -> nn.Module:
    """Put a network into evaluation mode, and its dropout layers alone into training mode."""
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    return model


@torch.no_grad()
def answers_of_masks(model: nn.Module, images: Tensor, masks: int = MASKS, seed: int = 0) -> Tensor:
    """Return the logarithms of the probabilities that networks with units switched off answer.

    Args:
        model: network with dropout layers, left in evaluation mode.
        images: normalised, float (B, C, H, W).
        masks: how many such networks; each image has masks of its own.
        seed: fixes the masks.

    Returns:
        float (masks, B, K).
    """
    switching(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = torch.stack([model(images).log_softmax(dim=1) for _ in range(masks)])
    model.eval()
    return found


def mean_of_networks(answers: Tensor) -> Tensor:
    """Return the logarithms (B, K) of the mean over networks of the probabilities (masks, B, K)."""
    return answers.logsumexp(dim=0) - math.log(len(answers))


def with_ending(ending: str, logits: Tensor, labels: Tensor) -> Figures:
    """Score logits, and name the metrics with an ending."""
    found = asdict(score(logits, labels.to(logits.device)))
    return {f"{name}{ending}": value for name, value in found.items()}


def of_masks(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images: as they are, at the temperature that is best on validation
    images; with dropout also of one network with units switched off, and of the mean of many."""
    logits, labels = predict(run.model, data), data.test.labels
    validation = predict(run.model, data, "validation")
    chosen = data.splits["validation"].labels.to(validation.device)
    temperature = best_temperature(validation, chosen)
    figures = {
        **final_metrics(run, data),
        "temperature": temperature,
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        **with_ending(TEMPERED, logits / temperature, labels),
    }
    if any(isinstance(layer, nn.Dropout) and layer.p for layer in run.model.modules()):
        images = data.normalize(data.test.images.to(logits.device))
        answers = answers_of_masks(run.model, images)
        figures |= with_ending(ONE, answers[0], labels)
        figures |= with_ending(MEAN, mean_of_networks(answers), labels)
    return figures


def what_was_learnt(run: Run, data: Data) -> Figures:
    """Keep also how often the network answers the given label for its own training images, where
    that is right and where it is wrong."""
    answers = predict(run.model, data, "train").argmax(dim=1).cpu()
    given, right = data.train.labels.cpu(), right_labels(data)
    wrong = given != right
    return {
        **of_masks(run, data),
        "right_learnt": (answers == right)[~wrong].float().mean().item(),
        "wrong_learnt": (answers == given)[wrong].float().mean().item(),
    }


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "training images answered as labelled", unit="points"),
    Metric("temperature", "best temperature"),
)
ON_WRONG_LABELS = (
    *METRICS,
    Metric("right_learnt", "training images with a right label, learnt", unit="points"),
    Metric("wrong_learnt", "training images with a wrong label, learnt", unit="points"),
)


def arm(dropout: float) -> str:
    """Return what an arm with dropout, or without, is called."""
    return f"dropout {dropout:g}" if dropout else "none"


NONE, HALF = arm(0), arm(0.5)
NAMES = {knob: tried(knob, value) for knob, value in CHOSEN.items()}
"""What the arms with the chosen numbers are called."""

EARLY, LOW_RATE, SMALL, DECAY, BEST_RATE, BOTH = NAMES.values()
ALL_CHOSEN = {NAMES[knob]: variant(knob, value) for knob, value in CHOSEN.items()}

TEMPERATURE = f"{NONE}, a temperature"
FORGOTTEN = f"{HALF}, eval() forgotten"
NETWORKS = f"{HALF}, mean of {MASKS} networks"

DERIVED = {
    TEMPERATURE: (NONE, TEMPERED),
    f"{HALF}, a temperature": (HALF, TEMPERED),
    FORGOTTEN: (HALF, ONE),
    NETWORKS: (HALF, MEAN),
}

AGAIN = StudyPlan(
    path=RESULTS / "dropout-again.jsonl",
    recipes={
        NONE: recipe(),
        HALF: recipe(0.5),
        **ALL_CHOSEN,
    },
    data=WRONG,
    seeds=range(10, 20),
    measure=what_was_learnt,
    metrics=ON_WRONG_LABELS,
)
"""The declared arms with ten further seeds."""

CLEAN = StudyPlan(
    path=RESULTS / "dropout-clean.jsonl",
    recipes={arm(dropout): recipe(dropout) for dropout in (0.0, *RATES)},
    data=RIGHT,
    seeds=10,
    measure=of_masks,
    metrics=METRICS,
    derived=DERIVED,
)
"""The same with right labels."""

LENGTHS = (4, 16, 64)
"""Lengths of the residual network's runs, in epochs."""


def residual(dropout: float, epochs: int) -> Recipe:
    """Return the recipe of the course's residual network, with dropout before its classifier."""
    return Recipe(
        epochs=epochs,
        batch_size=100,
        lr=0.1,
        model=partial(small_resnet, dropout=dropout),
        schedule=linear_decay(epochs),
    )


def length(dropout: float, epochs: int) -> str:
    """Return what an arm of the residual network is called."""
    return f"{arm(dropout)}, {epochs} epochs"


RESIDUAL = {
    length(dropout, epochs): residual(dropout, epochs)
    for epochs in reversed(LENGTHS)
    for dropout in (0.0, 0.5)
}

RESNET = StudyPlan(
    path=RESULTS / "dropout-resnet.jsonl",
    recipes=RESIDUAL,
    data=RIGHT,
    seeds=10,
    measure=of_masks,
    metrics=METRICS,
)
"""The residual network, short and long, with right labels."""

RESNET_WRONG = StudyPlan(
    path=RESULTS / "dropout-resnet_wrong.jsonl",
    recipes=RESIDUAL,
    data=WRONG,
    seeds=10,
    measure=what_was_learnt,
    metrics=ON_WRONG_LABELS,
)
"""The residual network, short and long, with 400 wrong labels."""


def normalised(
    channels: int, classes: int, inside: float = 0.0, last: float = 0.0, batch_norm: bool = True
) -> nn.Sequential:
    """Build a fully connected network of four hidden layers with dropout at chosen places.

    Args:
        channels: channels of the images.
        classes: number of classes.
        inside: probability after the first three hidden layers, from which further batch
            normalisations follow.
        last: probability after the fourth, from which none follows.
        batch_norm: whether the sums of each hidden layer are normalised.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = channels * 28 * 28
    for dropout in (inside, inside, inside, last):
        layers.append(nn.Linear(inputs, 256))
        if batch_norm:
            layers.append(nn.BatchNorm1d(256))
        layers += [nn.ReLU(), nn.Dropout(dropout)]
        inputs = 256
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


FRESH = "_fresh"
"""Ending of the metrics after the statistics were collected anew, with no unit switched off."""


@torch.no_grad()
def variances(model: nn.Module, images: Tensor) -> list[float]:
    """Return, for each batch normalisation, the variance of what it is given in evaluation mode
    over the variance that it remembers; both are means over its units.

    Args:
        model: network with batch normalisations.
        images: normalised, float (B, C, H, W).
    """
    ratios: list[float] = []

    def look(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen = given[0].var(dim=0).mean()
        ratios.append((seen / layer.running_var.mean()).item())  # type: ignore[operator]

    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d)]
    hooks = [layer.register_forward_pre_hook(look) for layer in norms]
    model.eval()
    model(images)
    for hook in hooks:
        hook.remove()
    return ratios


@torch.no_grad()
def with_fresh_statistics(model: nn.Module, images: Tensor) -> nn.Module:
    """Return a copy whose batch normalisations remember what they see with no unit switched off.

    Args:
        model: network with batch normalisations.
        images: the training images, normalised, float (B, C, H, W); one pass over all at once.
    """
    fresh = deepcopy(model).eval()
    for layer in fresh.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all batches: here, of one
            layer.train()
    fresh(images)
    return fresh.eval()


def of_statistics(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images as they are, and with statistics collected anew, and the
    ratios of variances on the training images, over which both kinds are collected."""
    device = next(run.model.parameters()).device
    images = data.normalize(data.train.images.to(device))
    fresh = with_fresh_statistics(run.model, images)
    return {
        **final_metrics(run, data),
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        **{f"ratio_{k}": r for k, r in enumerate(variances(run.model, images), 1)},
        **with_ending(FRESH, predict(fresh, data), data.test.labels),
    }


PLACES = {
    "batch norm": partial(normalised),
    "batch norm, dropout inside": partial(normalised, inside=0.5),
    "batch norm, dropout last": partial(normalised, last=0.5),
    "no batch norm": partial(normalised, batch_norm=False),
    "no batch norm, dropout inside": partial(normalised, batch_norm=False, inside=0.5),
    "no batch norm, dropout last": partial(normalised, batch_norm=False, last=0.5),
}
"""Where dropout stands."""

STATISTICS = (
    *STANDARD,
    Metric("train_accuracy", "training images answered as labelled", unit="points"),
    *(Metric(f"ratio_{k}", f"variance seen over remembered, layer {k}") for k in range(1, 5)),
)

WITH_NORM = tuple(name for name in PLACES if not name.startswith("no "))
"""The arms that have batch normalisations."""


def anew(name: str) -> str:
    """Return what an arm with statistics collected anew is called."""
    return f"{name}, statistics anew"


SHIFT = StudyPlan(
    path=RESULTS / "dropout-shift.jsonl",
    recipes={
        name: Recipe(epochs=30, batch_size=100, lr=LR, model=model, schedule=linear_decay(30))
        for name, model in PLACES.items()
    },
    data=RIGHT,
    seeds=10,
    measure=of_statistics,
    metrics=STATISTICS,
    derived={anew(name): (name, FRESH) for name in WITH_NORM},
)
"""Dropout before batch normalisation and after the last one, in a network of four hidden layers."""

PLAN = StudyPlan(
    path=RESULTS / "dropout.jsonl",
    recipes={
        **{arm(dropout): recipe(dropout) for dropout in (0.0, *RATES)},
        **ALL_CHOSEN,
    },
    data=WRONG,
    seeds=10,
    measure=what_was_learnt,
    metrics=ON_WRONG_LABELS,
    headline=Headline(
        HALF, "accuracy", "1,000 images, 400 of them with a wrong label, 60 epochs, no convolution"
    ),
    rivals=(
        Headline(HALF, "accuracy", "no dropout, 8 epochs", against=EARLY),
        Headline(HALF, "accuracy", "no dropout, a low learning rate", against=LOW_RATE),
        Headline(HALF, "accuracy", "no dropout, fewer units", against=SMALL),
        Headline(HALF, "accuracy", "no dropout, more weight decay", against=DECAY),
        Headline(
            BEST_RATE,
            "accuracy",
            "its best probability of five, against no dropout, 8 epochs",
            against=EARLY,
        ),
        Headline(
            BOTH,
            "accuracy",
            "each at its best length, against no dropout; ten further seeds do not show it again",
            against=EARLY,
        ),
    ),
    derived=DERIVED,
    tuning=SEARCH,
    beside=(AGAIN, CLEAN, RESNET, RESNET_WRONG, SHIFT),
)
