"""AdaBound against SGD and Adam: all three tuned, and all three as the authors set them.

2,000 training images, of which each seed draws its own from the 10,000 that come with the package;
8 epochs of 125 steps, since the bounds take their time in steps.

Tuned: twelve recorded tries for each optimizer, on validation images (`SEARCH`), the same schedule
for all, then other seeds on test images (`PLAN`). SGD spends its tries on six learning rates times
two momenta, Adam on six learning rates times two values of beta1 (0.9, and 0.99 as in the authors'
own rows of Adam for ResNet), AdaBound on three learning rates times two limits times two speeds at
which the bounds close in: the authors' own, made for runs of 78 thousand steps, and one fifty times
as fast, since these runs have a thousand.

As published: the authors' settings and their schedule, one drop to a tenth at three quarters of
the run (Luo, Xiong, Liu, Sun 2019, arXiv:1902.09843, and their code for CIFAR-10). Weight
decay is 5e-4 for all, as theirs is.

Two arms are the control of "begins as Adam, ends as SGD": the tuned AdaBound whose bounds never
close, and the one whose bounds are closed from the start.

Chapter: notebooks/04_adabound.ipynb
"""

from functools import cache, partial
from pathlib import Path

import torch
from torch import nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import Figures, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.optimizers import adabound, adam, sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay, step_decay

RESULTS = Path(__file__).with_name("results")

EPOCHS = 8
DECAY = 5e-4
"""Strength of the L2 penalty, the same for all."""

FALL = linear_decay(EPOCHS)


def bounded(**settings):
    """Return AdaBound with the common weight decay, for the slot `optimizer`."""
    return partial(adabound, weight_decay=DECAY, **settings)


def slow_adam(model: nn.Module, lr: float) -> torch.optim.Adam:
    """Build Adam with beta1 = 0.99, as in the authors' own rows, and the common weight decay."""
    return torch.optim.Adam(model.parameters(), lr, betas=(0.99, 0.999), weight_decay=DECAY)


def adaptive(beta1: float = 0.9):
    """Return Adam with the common weight decay, for the slot `optimizer`."""
    return {0.9: partial(adam, weight_decay=DECAY), 0.99: slow_adam}[beta1]


def recipe(optimizer, lr: float, schedule=FALL) -> Recipe:
    """Return the recipe that all arms share: 125 steps an epoch, since the bounds take their time
    in steps."""
    return Recipe(epochs=EPOCHS, batch_size=16, lr=lr, optimizer=optimizer, schedule=schedule)


def tried(lr: float, limit: float, gamma: float) -> str:
    """Return what a try of AdaBound is called."""
    return f"AdaBound, lr {lr}, limit {limit}, gamma {gamma}"


GROUPS = {
    "SGD": {
        f"SGD, lr {lr}, momentum {momentum}": recipe(
            partial(sgd, momentum=momentum, weight_decay=DECAY), lr
        )
        for lr in (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
        for momentum in (0.9, 0.95)
    },
    "Adam": {
        f"Adam, lr {lr}, beta1 {beta1}": recipe(adaptive(beta1), lr)
        for lr in (0.001, 0.002, 0.005, 0.01, 0.02, 0.04)
        for beta1 in (0.9, 0.99)
    },
    "AdaBound": {
        tried(lr, limit, gamma): recipe(bounded(final_lr=limit, gamma=gamma), lr)
        for lr in (0.003, 0.01, 0.03)
        for limit in (1.0, 3.0)
        for gamma in (0.001, 0.05)
    },
}
"""The tries of each optimizer, equally many."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=2000)
SEARCHED = OwnImages(pool, train=2000, validation=3000)
"""What the search trains on, and chooses by."""

SEARCH = StudyPlan(
    path=RESULTS / "adabound-search.jsonl",
    recipes={name: recipe for group in GROUPS.values() for name, recipe in group.items()},
    data=SEARCHED,
    seeds=(100, 101, 102),
    on="validation",
)
"""All tries, on validation images alone."""

CHOSEN = {
    "SGD": "SGD, lr 0.08, momentum 0.9",
    "Adam": "Adam, lr 0.01, beta1 0.9",
    "AdaBound": "AdaBound, lr 0.003, limit 1.0, gamma 0.001",
}
"""The best try of each optimizer in the recorded search; of equal ones, that with the lower NLL. A
test holds the two together."""

DROP = step_decay((0.75 * EPOCHS,))
"""The authors' schedule: a tenth of the learning rate for the last quarter."""


def accuracy_by_epoch(run: Run, data: Data) -> Figures:
    """Keep the final metrics and the test accuracy after each epoch."""
    accuracies = [round(metrics.accuracy, 5) for metrics in run.history.epochs]
    return final_metrics(run, data) | {"accuracy_by_epoch": accuracies}


def with_gamma(gamma: float) -> Recipe:
    """Return the tuned AdaBound with bounds that close at another speed."""
    tuned = GROUPS["AdaBound"][CHOSEN["AdaBound"]]
    assert isinstance(tuned.optimizer, partial)
    limit = tuned.optimizer.keywords["final_lr"]
    return recipe(bounded(final_lr=limit, gamma=gamma), tuned.lr)


TUNED = {f"{name}, tuned": GROUPS[name][CHOSEN[name]] for name in GROUPS}
NEVER, AT_ONCE = "AdaBound, never closing", "AdaBound, closed at once"

AGAIN = StudyPlan(
    path=RESULTS / "adabound-again.jsonl",
    recipes=TUNED,
    data=DATA,
    seeds=range(10, 20),
    measure=accuracy_by_epoch,
    evaluate="every epoch",
)
"""The tuned optimizers with ten further seeds."""

PLAN = StudyPlan(
    path=RESULTS / "adabound.jsonl",
    recipes=TUNED
    | {
        "SGD, as published": recipe(partial(sgd, weight_decay=DECAY), 0.1, DROP),
        "Adam, as published": recipe(adaptive(), 0.001, DROP),
        "Adam, beta1 0.99, as published": recipe(adaptive(0.99), 0.001, DROP),
        "AdaBound, as published": recipe(bounded(), 0.001, DROP),
        "AMSBound, as published": recipe(bounded(amsbound=True), 0.001, DROP),
        NEVER: with_gamma(1e-12),
        AT_ONCE: with_gamma(1e12),
    },
    data=DATA,
    seeds=10,
    measure=accuracy_by_epoch,
    evaluate="every epoch",
    headline=Headline(
        "AdaBound, tuned", "accuracy", "2,000 images, 1,000 steps, against SGD, both tuned"
    ),
    rivals=(
        Headline("AdaBound, tuned", "accuracy", "tuned Adam", against="Adam, tuned"),
        *(
            Headline(
                f"{arm}, as published", "accuracy", setting, against=f"{against}, as published"
            )
            for arm, against, setting in (
                ("AdaBound", "SGD", "SGD, both as published"),
                ("AdaBound", "Adam", "Adam, both as published"),
                ("AMSBound", "SGD", "SGD, with AMSBound, both as published"),
            )
        ),
    ),
    tuning=SEARCH,
    beside=(AGAIN,),
)
