"""Four shapes of the learning rate, the average of weights in place of a decay, and restarts.

1,200 training images, of which each seed draws its own from the 10,000 that come with the package;
15 epochs. Every shape has five learning rates to choose from, and the constant one seven, on
validation images; the steps have two sets of milestones, and both go on. The cheapest rival of a
decay is a constant learning rate whose last weights are averaged: it has a search of its own as
well. Longer runs are in the standing settings.

Chapter: notebooks/03_decay.ipynb
"""

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.ensemble import Ensemble, average_weights
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import Figures, OwnImages, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, cosine_decay, cosine_restarts, linear_decay, step_decay

RESULTS = Path(__file__).with_name("results")

EPOCHS = 15
"""Length of a run; an epoch has 24 steps."""

TENTHS, FIFTHS = "step", "step by fifths"
SHAPES = ("constant", TENTHS, FIFTHS, "linear", "cosine")
"""The shapes that are compared."""

RATES = {
    "constant": (0.0125, 0.025, 0.05, 0.1, 0.2, 0.00625, 0.4),
    TENTHS: (0.025, 0.05, 0.1, 0.2, 0.4),
    FIFTHS: (0.025, 0.05, 0.1, 0.2, 0.4),
    "linear": (0.025, 0.05, 0.1, 0.2, 0.4),
    "cosine": (0.025, 0.05, 0.1, 0.2, 0.4),
}
"""Learning rates at the start that are tried, for each shape. The constant one began with 0.0125 to
0.2; the lowest was the best, and the highest with averaged weights, so both ends were added."""


def schedule(shape: str, epochs: int):
    """Return the schedule of a shape that ends with the run.

    The steps are those of He et al. 2016 for CIFAR-10, a tenth at a half and at three quarters; the
    steps by fifths are those of Zagoruyko and Komodakis 2016 (60, 120 and 160 of 200 epochs).
    """
    if shape == TENTHS:
        return step_decay((epochs / 2, 3 * epochs / 4))
    if shape == FIFTHS:
        return step_decay((0.3 * epochs, 0.6 * epochs, 0.8 * epochs), gamma=0.2)
    if shape == "constant":
        return constant()
    return {"linear": linear_decay, "cosine": cosine_decay}[shape](epochs)


def recipe(shape: str, epochs: int, lr: float) -> Recipe:
    """Return the recipe that all arms share, with its shape, length and learning rate."""
    return Recipe(epochs=epochs, batch_size=50, lr=lr, schedule=schedule(shape, epochs))


def arm(shape: str) -> str:
    """Return what an arm is called."""
    return f"{shape}, {EPOCHS} epochs"


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=1200)
SEARCHED = OwnImages(pool, train=1200, validation=3000)
"""What the search trains on, and chooses by."""


def tried(shape: str, lr: float) -> str:
    """Return what an arm of the search is called."""
    return f"{arm(shape)}, lr {lr}"


TRIES = {
    shape: {tried(shape, lr): recipe(shape, EPOCHS, lr) for lr in RATES[shape]} for shape in SHAPES
}
"""The tries of each shape."""

AVERAGED, ENSEMBLE = "_averaged", "_ensemble"
"""Endings of the metrics of the averaged weights, and of the ensemble of the snapshots."""

BY_EPOCH = 500
"""How many of the test images follow a run, epoch by epoch."""


def with_snapshots(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the network after every epoch."""
    return fit(recipe, data, snapshots=range(1, recipe.epochs + 1), **how)


def second_half(run: Run) -> list:
    """Return the networks after the epochs of the second half of a run: the last 8 of 15."""
    return [network for epoch, network in run.snapshots.items() if epoch > run.recipe.epochs // 2]


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


def search_figures(run: Run, data: Data) -> Figures:
    """Keep the metrics on the validation images, and at a constant learning rate also those of the
    averaged weights."""
    return final_metrics(run, data) | of_averaged(run, data, "validation")


def of_averaged(run: Run, data: Data, split: str) -> Figures:
    """Return the metrics of the averaged weights, for a constant learning rate; else nothing."""
    if run.recipe.schedule != constant():
        return {}
    found = evaluate(average_weights(second_half(run), data), data, split)
    return {f"{name}{AVERAGED}": value for name, value in asdict(found).items()}


def figures(run: Run, data: Data) -> Figures:
    """Keep the metrics on the test images; of the averaged weights at a constant learning rate; of
    the ensemble of a network from each period, with restarts; and the accuracy after each epoch, on
    the first of the test images."""
    found = final_metrics(run, data) | of_averaged(run, data, "test")
    ends = ends_of_periods(run.recipe)
    if len(ends) > 1:
        together = evaluate(Ensemble(*(run.snapshots[end] for end in ends)), data)
        found |= {f"{name}{ENSEMBLE}": value for name, value in asdict(together).items()}
    few = data.subset(test=min(BY_EPOCH, len(data.test)))
    curve = [round(evaluate(network, few).accuracy, 5) for network in run.snapshots.values()]
    return found | {"accuracy_by_epoch": curve}


SEARCH = StudyPlan(
    path=RESULTS / "decay-search.jsonl",
    recipes={name: recipe for tries in TRIES.values() for name, recipe in tries.items()},
    data=SEARCHED,
    seeds=(100, 101),
    measure=search_figures,
    on="validation",
    train=with_snapshots,
)
"""Learning rates, on validation images alone."""

CHOSEN = {
    "constant": 0.0125,
    TENTHS: 0.2,
    FIFTHS: 0.2,
    "linear": 0.2,
    "cosine": 0.2,
}
"""The best learning rate of each shape in the recorded search; of equal ones, that with the lower
NLL. A test holds the two together."""

AVERAGED_LR = 0.2
"""The same for the averaged weights at a constant learning rate: they stand noise that a last
network does not."""


def chosen(shape: str) -> Recipe:
    """Return the recipe of a shape at its best learning rate."""
    return recipe(shape, EPOCHS, CHOSEN[shape])


NOISY = f"{arm('constant')}, lr {AVERAGED_LR}"
"""The runs whose weights are averaged."""

WEIGHTS = "constant, weights averaged"
RESTARTS = "restarts 5 + 5 + 5"
SNAPSHOTS = f"{RESTARTS}, ensemble"

PLAN = StudyPlan(
    path=RESULTS / "decay.jsonl",
    recipes={
        **{arm(shape): chosen(shape) for shape in SHAPES},
        NOISY: recipe("constant", EPOCHS, AVERAGED_LR),
        RESTARTS: replace(chosen("cosine"), schedule=cosine_restarts(period=5)),
    },
    data=DATA,
    seeds=10,
    measure=figures,
    train=with_snapshots,
    headline=Headline(
        arm("cosine"), "accuracy", "1,200 images, 15 epochs, against a constant learning rate"
    ),
    rivals=(
        Headline(
            arm("cosine"),
            "accuracy",
            "a constant learning rate with averaged weights",
            against=WEIGHTS,
        ),
        Headline(arm("cosine"), "accuracy", "a straight line to zero", against=arm("linear")),
        Headline(arm("cosine"), "accuracy", "steps, each a tenth", against=arm(TENTHS)),
        Headline(arm("cosine"), "accuracy", "steps, each a fifth", against=arm(FIFTHS)),
    ),
    derived={WEIGHTS: (NOISY, AVERAGED), SNAPSHOTS: (RESTARTS, ENSEMBLE)},
    tuning=SEARCH,
)
