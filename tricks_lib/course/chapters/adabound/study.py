"""AdaBound against SGD and Adam: all three tuned, and all three as the authors set them.

Tuned: eight recorded tries for each optimizer on validation images over two seeds (`TUNING`), the
same schedule for all, then ten other seeds on test images (`PLAN`). SGD and Adam spend their tries
on eight learning rates; AdaBound, which has more to choose, on two learning rates times two limits
times two speeds at which the bounds close in: the authors' own, made for runs of 78 thousand steps,
and one fifty times as fast, since these runs have a thousand. A first pass of AdaBound, which was
not recorded, had the learning rate 0.003 in place of 0.01: twelve settings were tried in all.

As published: the authors' settings and their schedule, one drop to a tenth at three quarters of
the run (Luo, Xiong, Liu, Sun 2019, arXiv:1902.09843, and their code for CIFAR-10). Weight
decay is 5e-4 for all, as theirs is.

Chapter: notebooks/04_adabound.ipynb
"""

from functools import cache, partial
from pathlib import Path

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import Figures, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.optimizers import adabound, adam, sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay, step_decay

RESULTS = Path(__file__).with_name("results")

EPOCHS = 8
DECAY = 5e-4
"""Strength of the L2 penalty, the same for all."""

ADAM = partial(adam, weight_decay=DECAY)
FALL = linear_decay(EPOCHS)


def bounded(**settings):
    """Return AdaBound with the common weight decay, for the slot `optimizer`."""
    return partial(adabound, weight_decay=DECAY, **settings)


def recipe(optimizer, lr: float, schedule=FALL) -> Recipe:
    """Return the recipe that all arms share: 125 steps an epoch, since the bounds take their time
    in steps."""
    return Recipe(epochs=EPOCHS, batch_size=16, lr=lr, optimizer=optimizer, schedule=schedule)


GROUPS = {
    "SGD": {
        f"SGD, rate {lr}": recipe(sgd, lr)
        for lr in (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
    },
    "Adam": {
        f"Adam, rate {lr}": recipe(ADAM, lr)
        for lr in (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
    },
    "AdaBound": {
        f"AdaBound, rate {lr}, limit {final}, gamma {gamma}": recipe(
            bounded(final_lr=final, gamma=gamma), lr
        )
        for lr in (0.001, 0.01)
        for final in (0.1, 1.0)
        for gamma in (0.001, 0.05)
    },
}
"""The tries of each optimizer."""


@cache
def data() -> Data:
    """Load 2,000 training images, 2,000 for choices (validation) and 2,000 to judge by (test)."""
    return load_data("fashion-mini").hold_out(2000).subset(train=2000, test=2000)


TUNING = StudyPlan(
    path=RESULTS / "adabound-tuning.jsonl",
    recipes={name: recipe for group in GROUPS.values() for name, recipe in group.items()},
    data=data,
    seeds=(100, 101),
    on="validation",
)

TIED = (
    "AdaBound, rate 0.01, limit 1.0, gamma 0.001",
    "AdaBound, rate 0.01, limit 1.0, gamma 0.05",
)
"""Tries that were equal over the two seeds of the search."""

TIES = StudyPlan(
    path=RESULTS / "adabound-ties.jsonl",
    recipes={name: TUNING.recipes[name] for name in TIED},
    data=data,
    seeds=range(102, 108),
    on="validation",
)

CHOSEN = {
    "SGD": "SGD, rate 0.08",
    "Adam": "Adam, rate 0.02",
    "AdaBound": "AdaBound, rate 0.01, limit 1.0, gamma 0.001",
}
"""The best try of each optimizer in the recorded search; a test holds the two together."""

DROP = step_decay((0.75 * EPOCHS,))
"""The authors' schedule: a tenth of the learning rate for the last quarter."""


def accuracy_by_epoch(run: Run, data: Data) -> Figures:
    """Keep the final metrics and the test accuracy after each epoch."""
    accuracies = [round(metrics.accuracy, 5) for metrics in run.history.epochs]
    return final_metrics(run, data) | {"accuracy_by_epoch": accuracies}


PLAN = StudyPlan(
    path=RESULTS / "adabound.jsonl",
    recipes={f"{name}, tuned": GROUPS[name][CHOSEN[name]] for name in GROUPS}
    | {
        "SGD, as published": recipe(sgd, 0.1, DROP),
        "Adam, as published": recipe(ADAM, 0.001, DROP),
        "AdaBound, as published": recipe(bounded(), 0.001, DROP),
        "AMSBound, as published": recipe(bounded(amsbound=True), 0.001, DROP),
    },
    data=data,
    seeds=10,
    measure=accuracy_by_epoch,
    evaluate="every epoch",
    headline=Headline(
        "AdaBound, tuned",
        "accuracy",
        "against SGD, both tuned, 1,000 steps, five comparisons read together; read alone, this "
        "one would be a hint in its favour",
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
    tuning=TUNING,
    ties=TIES,
)
