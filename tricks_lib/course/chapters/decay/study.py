"""Constant learning rate, steps, line, cosine and restarts, each tuned, at three budgets.

Every shape gets six tries at every budget, judged on validation images over two seeds
(`TUNING`); the winners then meet over ten other seeds on test images (`PLAN`). A shape that cuts
the learning rate in steps spends its tries on three learning rates times two sets of milestones,
the others on six learning rates. The restarts, of the longest budget only, take the learning rate
of the tuned cosine; two of their settings are those of Loshchilov and Hutter 2017,
arXiv:1608.03983, Table 1, cut to 15 epochs.

Chapter: notebooks/03_decay.ipynb
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.ensemble import Ensemble
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, cosine_decay, cosine_restarts, linear_decay, step_decay

RESULTS = Path(__file__).with_name("results")

BUDGETS = (2, 5, 15)
"""Durations of a run, in epochs."""

RATES = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2)

MILESTONES = {
    "a tenth at 1/2 and 3/4": ((1 / 2, 3 / 4), 0.1),
    "a fifth at 3, 6 and 8 tenths": ((0.3, 0.6, 0.8), 0.2),
}
"""Drops as shares of the run, with the factor of each: those of He et al. 2016 for CIFAR-10,
and those of Zagoruyko and Komodakis 2016 (60, 120, 160 of 200 epochs)."""


def recipe(epochs: int, lr: float, schedule) -> Recipe:
    """Return the recipe that all arms share, with its length, learning rate and schedule."""
    return Recipe(epochs=epochs, batch_size=64, lr=lr, schedule=schedule)


def tries(shape: str, epochs: int) -> dict[str, Recipe]:
    """Return the six tries of one shape at one budget, by name."""
    if shape == "step":
        return {
            f"step, {epochs} epochs, rate {lr}, {name}": recipe(
                epochs, lr, step_decay(tuple(epochs * share for share in shares), gamma)
            )
            for lr in (0.025, 0.05, 0.1)
            for name, (shares, gamma) in MILESTONES.items()
        }
    schedule = {
        "constant": constant(),
        "linear": linear_decay(epochs),
        "cosine": cosine_decay(epochs),
    }[shape]
    return {f"{shape}, {epochs} epochs, rate {lr}": recipe(epochs, lr, schedule) for lr in RATES}


GROUPS = {
    f"{shape}, {epochs} epochs": tries(shape, epochs)
    for epochs in BUDGETS
    for shape in ("constant", "step", "linear", "cosine")
}
"""The tries of each shape at each budget."""


@cache
def data() -> Data:
    """Load 3,000 training images, 2,000 for choices (validation) and 2,000 to judge by (test)."""
    return load_data("fashion-mini").hold_out(2000).subset(train=3000, test=2000)


TUNING = StudyPlan(
    path=RESULTS / "decay-tuning.jsonl",
    recipes={name: recipe for group in GROUPS.values() for name, recipe in group.items()},
    data=data,
    seeds=(100, 101),
    on="validation",
)

TIED = (
    "cosine, 5 epochs, rate 0.025",
    "cosine, 5 epochs, rate 0.05",
    "step, 15 epochs, rate 0.1, a tenth at 1/2 and 3/4",
    "step, 15 epochs, rate 0.025, a fifth at 3, 6 and 8 tenths",
)
"""Tries that were equal over the two seeds of the search."""

TIES = StudyPlan(
    path=RESULTS / "decay-ties.jsonl",
    recipes={name: TUNING.recipes[name] for name in TIED},
    data=data,
    seeds=range(102, 108),
    on="validation",
)

CHOSEN = {
    group: f"{group}, rate {choice}"
    for group, choice in {
        "constant, 2 epochs": "0.1",
        "step, 2 epochs": "0.05, a tenth at 1/2 and 3/4",
        "linear, 2 epochs": "0.05",
        "cosine, 2 epochs": "0.05",
        "constant, 5 epochs": "0.025",
        "step, 5 epochs": "0.05, a tenth at 1/2 and 3/4",
        "linear, 5 epochs": "0.05",
        "cosine, 5 epochs": "0.05",
        "constant, 15 epochs": "0.025",
        "step, 15 epochs": "0.1, a tenth at 1/2 and 3/4",
        "linear, 15 epochs": "0.2",
        "cosine, 15 epochs": "0.2",
    }.items()
}
"""The best try of each shape in the recorded search, where two tied with further seeds; a test
holds them together."""


def with_restarts(**settings) -> Recipe:
    """Return the tuned cosine of the longest budget with restarts instead."""
    cosine = GROUPS["cosine, 15 epochs"][CHOSEN["cosine, 15 epochs"]]
    return replace(cosine, schedule=cosine_restarts(**settings))


def ends_of_periods(recipe: Recipe) -> list[int]:
    """Return after how many epochs the learning rate is at its lowest: at the end of every period
    of restarts, else at the end of the run."""
    if not isinstance(recipe.schedule, cosine_restarts):
        return [recipe.epochs]
    ends: list[int] = []
    period = recipe.schedule.period
    while sum(ends[-1:]) + period <= recipe.epochs:
        ends.append(round(sum(ends[-1:]) + period))
        period *= recipe.schedule.multiplier
    return ends


def with_snapshots(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the network at the end of every period."""
    return fit(recipe, data, snapshots=ends_of_periods(recipe), **how)


def ensemble_of_snapshots(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the test accuracy after each epoch, and the metrics of the ensemble
    of all snapshots, which is the network itself where there is only one."""
    together = evaluate(Ensemble(*run.snapshots.values()), data)
    return final_metrics(run, data) | {
        "ensemble_accuracy": together.accuracy,
        "ensemble_nll": together.nll,
        "accuracy_by_epoch": [round(metrics.accuracy, 5) for metrics in run.history.epochs],
    }


TOGETHER = (
    Metric("ensemble_accuracy", "test accuracy of the ensemble", "higher", "points"),
    Metric("ensemble_nll", "test negative log-likelihood of the ensemble", "lower", "nats"),
)

PLAN = StudyPlan(
    path=RESULTS / "decay.jsonl",
    recipes={
        group: GROUPS[group][CHOSEN[group]]
        for group in sorted(GROUPS, key=lambda group: group != "constant, 15 epochs")
    }
    | {
        "restarts 5 + 5 + 5": with_restarts(period=5),
        "restarts 1 + 2 + 4 + 8": with_restarts(period=1, multiplier=2),
    },
    data=data,
    seeds=10,
    measure=ensemble_of_snapshots,
    metrics=(*STANDARD, *TOGETHER),
    evaluate="every epoch",
    headline=Headline(
        "cosine, 15 epochs",
        "accuracy",
        "cosine against a constant learning rate, both tuned, 15 epochs",
    ),
    rivals=(
        Headline(
            "cosine, 15 epochs", "accuracy", "a straight line to zero", against="linear, 15 epochs"
        ),
        Headline("cosine, 15 epochs", "accuracy", "tuned steps", against="step, 15 epochs"),
    ),
    train=with_snapshots,
    tuning=TUNING,
    ties=TIES,
)
