"""When to stop a run on wrong labels: rules, and the cheapest things that do the same work.

A perceptron on 1,000 training images, of which each seed draws its own from the 10,000 that come
with the package; 400 of them have a wrong label. Nothing in a run depends on the rule that might
have stopped it. So every run goes on to its end at a constant learning rate, its network is kept
after every epoch, and each rule is read off the losses on 1,000 validation images, whose labels are
right: where it would have stopped, and what the network of the epoch it keeps scores on the test
images.

The rivals that do the same work: a cosine over few epochs, whose length is chosen beforehand; a
stronger weight decay; a small learning rate; averaged weights. All are chosen on validation images
of other seeds. Beside them: the same with right labels; the course's network; and twenty tries, to
measure what a validation image that has chosen says too much.

Chapter: notebooks/16_early_stopping.ipynb
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.ensemble import average_weights
from tricks_lib.lab.metrics import Metrics, evaluate, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.models import mlp, small_resnet
from tricks_lib.optimizers import sgd
from tricks_lib.protocols import StoppingRule
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, cosine_decay
from tricks_lib.stopping import EarlyStopping, GeneralizationLoss

RESULTS = Path(__file__).with_name("results")

EPOCHS = 60
"""Length of a long run, in epochs of 20 steps; the wrong labels are learnt by then."""

WRONG = 0.4
"""Share of the training labels that are wrong."""

PATIENCES = (1, 3, 5, 10)
"""Epochs without improvement that are borne."""

RULES: dict[str, StoppingRule] = {
    **{f"patience {patience}": EarlyStopping(patience) for patience in PATIENCES},
    "5 % above the smallest": GeneralizationLoss(5.0),
}
"""The rules that are compared, by what an arm is called."""

FIXED = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
"""Numbers of epochs, fixed beforehand, at which the metrics are kept too."""

SIZES = (50, 200, 1000)
"""How many validation images choose."""

LR = 0.02
"""Learning rate of all arms, where none is named: see `CHOSEN`."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


@cache
def few_tests() -> Data:
    """Load the same with 1,000 images to judge by, for curves of a convolutional network."""
    return pool().subset(test=1000)


NOISY_DATA = OwnImages(pool, train=1000, wrong_labels=WRONG, validation=1000)
RIGHT_DATA = OwnImages(pool, train=1000, validation=1000)
"""The same images as in `NOISY_DATA`, with right labels."""

NETWORK_DATA = OwnImages(few_tests, train=1000, wrong_labels=WRONG, validation=1000)
NETWORK_RIGHT_DATA = OwnImages(few_tests, train=1000, validation=1000)


def recipe(epochs: int = EPOCHS, lr: float = LR, **others: Any) -> Recipe:
    """Return the recipe that all arms share, at a constant learning rate."""
    return Recipe(epochs=epochs, batch_size=50, lr=lr, model=mlp, **others)


def cosine(epochs: int, lr: float = LR, **others: Any) -> Recipe:
    """Return the same with a learning rate that falls to zero at the end."""
    return recipe(epochs, lr, schedule=cosine_decay(epochs), **others)


def decayed(weight_decay: float, lr: float = LR) -> Recipe:
    """Return the recipe with another weight decay than the course's 0.0005."""
    return recipe(lr=lr, optimizer=partial(sgd, weight_decay=weight_decay))


def with_snapshots(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the network after every epoch."""
    return fit(recipe, data, snapshots=range(1, recipe.epochs + 1), **how)


def stopped(rule: StoppingRule, losses: Sequence[float]) -> tuple[int, int]:
    """Read off the losses of a run where a rule would have stopped it.

    Args:
        rule: validation losses so far -> whether to stop.
        losses: one for each epoch of the whole run.

    Returns:
        The epoch after which it stops, or the last; and the epoch up to there with the smallest
        loss, whose network is kept. Both count from 1.
    """
    ends = range(1, len(losses) + 1)
    end = next((epoch for epoch in ends if rule(losses[:epoch])), len(losses))
    return end, best(losses[:end])


def best(losses: Sequence[float]) -> int:
    """Return the epoch with the smallest loss, from 1; the first of equal ones."""
    return 1 + min(range(len(losses)), key=losses.__getitem__)


def made_wrong(labels: Tensor, seed: int) -> Tensor:
    """Return labels of which a share of `WRONG` on average is replaced by other classes."""
    draws = torch.Generator().manual_seed(seed)
    wrong = torch.rand(len(labels), generator=draws) < WRONG
    step = torch.randint(1, 10, labels.shape, generator=draws)
    return torch.where(wrong, (labels.cpu() + step) % 10, labels.cpu())


def scores(answers: Sequence[Tensor], labels: Tensor, count: int | None = None) -> list[Metrics]:
    """Return what the network scored after each epoch.

    Args:
        answers: logits (N, K) after each epoch.
        labels: the labels (N,).
        count: how many of the images count, from the first on; all by default.
    """
    return [score(z[:count], labels[:count].to(z.device)) for z in answers]


def figures(run: Run, data: Data) -> Figures:
    """Keep the metrics on the test images at the end; at the epoch that each rule keeps; at fixed
    epochs; of the averaged weights; and the curves from which all of this was read."""
    networks, labels = run.snapshots.values(), data.splits["validation"].labels
    test = scores([predict(net, data) for net in networks], data.test.labels)
    answers = [predict(net, data, "validation") for net in networks]
    validation = scores(answers, labels)
    losses = [one.nll for one in validation]
    found = final_metrics(run, data) | {
        "validation_accuracy": validation[-1].accuracy,
        "validation_nll": validation[-1].nll,
    }

    few = {size: scores(answers, labels, size) for size in SIZES}
    misled = [one.nll for one in scores(answers, made_wrong(labels, run.seed))]
    kept = {name: stopped(rule, losses) for name, rule in RULES.items()}
    kept["best epoch"] = (len(losses), best(losses))
    for name, others in {
        "accuracy": [1 - one.accuracy for one in validation],
        "50 images": [one.nll for one in few[50]],
        "wrong labels": misled,
    }.items():
        kept[f"patience 5, {name}"] = stopped(EarlyStopping(5), others)
    end, _ = kept["patience 5"]
    kept["patience 5, last weights"] = (end, end)
    for epoch in FIXED:
        if epoch <= len(test):
            kept[f"{epoch} epochs"] = (epoch, epoch)
    for name, (ran, epoch) in kept.items():
        found |= {f"{k}_{name}": v for k, v in asdict(test[epoch - 1]).items()}
        found |= {f"epochs_{name}": ran, f"kept_{name}": epoch}
        found[f"validation_accuracy_{name}"] = validation[epoch - 1].accuracy
    if run.recipe.schedule == constant():
        last = [net for epoch, net in run.snapshots.items() if epoch > len(test) // 2]
        average = average_weights(last, data)
        for split, before in (("test", ""), ("validation", "validation_")):
            metrics = asdict(evaluate(average, data, split))
            found |= {f"{before}{k}_averaged": v for k, v in metrics.items()}

    # What the best of all epochs says too much, by how many images chose it.
    for size, chosen in few.items():
        at = best([1 - one.accuracy for one in chosen]) - 1
        found[f"optimism_{size}"] = chosen[at].accuracy - test[at].accuracy
        found[f"gap_{size}"] = chosen[-1].accuracy - test[-1].accuracy
        found[f"validation_accuracy_of_{size}"] = chosen[-1].accuracy

    curves = {
        "test_accuracy": [one.accuracy for one in test],
        "test_nll": [one.nll for one in test],
        "validation_accuracy": [one.accuracy for one in validation],
        "validation_nll": losses,
        "misled_nll": misled,
        "train_loss": run.history.epoch_losses(),
        **learnt(run, data),
    }
    for name, curve in curves.items():
        found[f"{name}_by_epoch"] = [round(value, 4) for value in curve]
    return found


def learnt(run: Run, data: Data) -> dict[str, list[float]]:
    """Return which share of the training images is answered as labelled after each epoch: where
    the label is right, and where it is wrong; and which share of the wrong is put right."""
    given, right = data.train.labels.cpu(), RIGHT_DATA(run.seed).train.labels.cpu()
    wrong = given != right
    answers = [predict(net, data, "train").argmax(1).cpu() for net in run.snapshots.values()]
    found = {"right_learnt": [(a == right)[~wrong].float().mean().item() for a in answers]}
    if wrong.any():
        found["wrong_learnt"] = [(a == given)[wrong].float().mean().item() for a in answers]
        found["wrong_put_right"] = [(a == right)[wrong].float().mean().item() for a in answers]
    return found


def without_curves(run: Run, data: Data) -> Figures:
    """Keep what `figures` does, but no curves."""
    return {k: v for k, v in figures(run, data).items() if not k.endswith("_by_epoch")}


def choices(run: Run, data: Data) -> Figures:
    """Keep the metrics at the end, and what can be chosen by: the metrics on validation images."""
    kept = {"accuracy", "nll", "ece", "train_loss"}
    found = figures(run, data)
    return {
        k: v
        for k, v in found.items()
        if k in kept or (k.startswith("validation_") and not k.endswith("_by_epoch"))
    }


METRICS = (
    *STANDARD,
    Metric("validation_accuracy", "validation accuracy", "higher", "points"),
    Metric("validation_accuracy_patience 5", "the same at the stop", "higher", "points"),
    Metric("validation_accuracy_averaged", "the same, averaged weights", "higher", "points"),
    Metric("epochs", "epochs trained"),
    Metric("kept", "epoch whose weights are kept"),
    *(
        Metric(f"{name}_{size}", f"{says}, {size} images", unit="points")
        for name, says in (("optimism", "validation minus test"), ("gap", "the same at the end"))
        for size in SIZES
    ),
)


# --- The search ---

RATES = (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04)
"""Constant learning rates that are tried."""

DECAYS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Weight decays that are tried, each at two learning rates."""

LENGTHS = (2, 4, 6, 10, 16)
COSINE_RATES = (0.01, 0.02, 0.04, 0.08)
"""Lengths of a cosine and its learning rates at the start."""


def tried(kind: str, *values: float) -> str:
    """Return what an arm of the search is called."""
    return " ".join([kind, *(f"{value:g}" for value in values)])


COSINES = {
    tried("cosine", epochs, lr): cosine(epochs, lr) for epochs in LENGTHS for lr in COSINE_RATES
}
TRIES = {
    "constant": {tried("constant", lr): recipe(lr=lr) for lr in RATES},
    "weight decay": {
        tried("weight decay", weight_decay, lr): decayed(weight_decay, lr)
        for weight_decay in DECAYS
        for lr in (0.005, 0.02)
    },
    "cosine": COSINES,
}
"""The tries of each kind."""

SEARCH = StudyPlan(
    path=RESULTS / "early_stopping-search.jsonl",
    recipes={name: one for tries in TRIES.values() for name, one in tries.items()},
    data=NOISY_DATA,
    seeds=(100, 101, 102),
    measure=choices,
    metrics=METRICS,
    train=with_snapshots,
)
"""Learning rates, weight decays, and lengths of a cosine, chosen on validation images."""

CHOSEN_COSINE = (6, 0.04)
"""Length and learning rate of the best cosine of the search."""

CHOSEN_DECAY = (0.02, 0.02)
"""Weight decay and learning rate of the best of the search."""

LOWEST = 0.00125
"""The best learning rate of the search for a run to its end, without a stop."""

CHOSEN_LENGTH = 5
"""The best number of epochs of the search at a constant learning rate of `LR`."""


# --- The study ---

TO_END = f"to the end, {EPOCHS} epochs"
COSINE = f"cosine, {EPOCHS} epochs"
SHORT = f"cosine, {CHOSEN_COSINE[0]} epochs"
DECAYED = "stronger weight decay"
LOW = "small learning rate"
AVERAGED = "averaged weights"
FIXED_LENGTH = f"{CHOSEN_LENGTH} epochs"
RESTARTED = "stop, then a cosine of that length"
STOPPED = "patience 5"
COSINE_STOPPED = f"{COSINE}, {STOPPED}"

READ_OFF = (
    *RULES,
    "best epoch",
    *(f"patience 5, {name}" for name in ("accuracy", "50 images", "wrong labels", "last weights")),
    *(f"{epochs} epochs" for epochs in FIXED),
)
"""The arms that are read off the runs to the end, by the ending of their metrics."""


def read_off(arm: str = TO_END, cosine: str = COSINE) -> dict[str, tuple[str, str]]:
    """Return the arms that need no runs of their own.

    Args:
        arm: the runs at a constant learning rate.
        cosine: those on a cosine of the same length.
    """
    return {
        **{name: (arm, f"_{name}") for name in READ_OFF},
        AVERAGED: (arm, "_averaged"),
        f"{cosine}, {STOPPED}": (cosine, f"_{STOPPED}"),
        f"{cosine}, best epoch": (cosine, "_best epoch"),
    }


def restarted(seed: int) -> Figures:
    """Let a run stop itself, and train again from the start, on a cosine as long as what it kept.

    Args:
        seed: of the data and of both runs.
    """
    data = NOISY_DATA(seed)
    first = fit(replace(recipe(), stop=EarlyStopping(5)), data, seed=seed)
    kept = (first.history.kept or 0) + 1
    second = fit(cosine(kept, CHOSEN_COSINE[1]), data, seed=seed, evaluate="end")
    epochs = len(first.history.validation) + kept
    return final_metrics(second, data) | {"epochs": epochs, "kept": kept}


RECIPES = {
    TO_END: recipe(),
    COSINE: cosine(EPOCHS),
    SHORT: cosine(*CHOSEN_COSINE),
    DECAYED: decayed(*CHOSEN_DECAY),
    LOW: recipe(lr=LOWEST),
}

AGAIN = StudyPlan(
    path=RESULTS / "early_stopping-again.jsonl",
    recipes={name: one for name, one in RECIPES.items() if name != COSINE},
    data=NOISY_DATA,
    seeds=range(10, 20),
    measure=without_curves,
    metrics=METRICS,
    train=with_snapshots,
    derived={name: of for name, of in read_off().items() if of[0] == TO_END},
)
"""The stop and its rivals with ten further seeds, declared together with the first ten."""

RIGHT = StudyPlan(
    path=RESULTS / "early_stopping-right.jsonl",
    recipes={name: RECIPES[name] for name in (TO_END, COSINE, SHORT)},
    data=RIGHT_DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    derived=read_off(),
)
"""The same images with right labels."""

TWENTY = StudyPlan(
    path=RESULTS / "early_stopping-twenty.jsonl",
    recipes=COSINES,
    data=NOISY_DATA,
    seeds=10,
    measure=choices,
    metrics=METRICS,
    train=with_snapshots,
)
"""Twenty tries on the same images: what the best of them says too much."""

NETWORK_EPOCHS = 40
NETWORK_TO_END = f"to the end, {NETWORK_EPOCHS} epochs"
NETWORK_COSINE = f"cosine, {NETWORK_EPOCHS} epochs"


def of_network(epochs: int = NETWORK_EPOCHS, **others: Any) -> Recipe:
    """Return the recipe of the course's network, which has batch normalisation."""
    return Recipe(epochs=epochs, batch_size=50, lr=0.1, model=small_resnet, **others)


NETWORK = StudyPlan(
    path=RESULTS / "early_stopping-network.jsonl",
    recipes={
        NETWORK_TO_END: of_network(),
        NETWORK_COSINE: of_network(schedule=cosine_decay(NETWORK_EPOCHS)),
        SHORT: of_network(CHOSEN_COSINE[0], schedule=cosine_decay(CHOSEN_COSINE[0])),
    },
    data=NETWORK_DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    derived=read_off(NETWORK_TO_END, NETWORK_COSINE),
)
"""The course's network on wrong labels."""

NETWORK_RIGHT = replace(
    NETWORK,
    path=RESULTS / "early_stopping-network-right.jsonl",
    data=NETWORK_RIGHT_DATA,
)
"""The same on right labels: where a stop and a cosine are at odds."""

PLAN = StudyPlan(
    path=RESULTS / "early_stopping.jsonl",
    recipes=RECIPES,
    data=NOISY_DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    headline=Headline(
        STOPPED,
        "accuracy",
        f"a perceptron on 1,000 images, 400 of them with a wrong label, against {EPOCHS} epochs",
    ),
    rivals=(
        Headline(STOPPED, "accuracy", "a cosine of chosen length", against=SHORT),
        Headline(STOPPED, "accuracy", "a stronger weight decay", against=DECAYED),
        Headline(STOPPED, "accuracy", "a small learning rate", against=LOW),
        Headline(STOPPED, "accuracy", "a number of epochs chosen before", against=FIXED_LENGTH),
        Headline(STOPPED, "accuracy", "averaged weights", against=AVERAGED),
    ),
    functions={RESTARTED: restarted},
    derived=read_off(),
    tuning=SEARCH,
    beside=(AGAIN, RIGHT, TWENTY, NETWORK, NETWORK_RIGHT),
)
