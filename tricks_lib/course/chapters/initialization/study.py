"""Deep perceptrons from different first weights, each at the best of the same learning rates.

2,000 training images, of which each seed draws its own from the 10,000 that come with the package.
Twenty hidden layers of 100 units with ReLU and no batch normalisation, in which what a layer does
to a signal is done twenty times. The cheapest rivals of a better start keep the default of PyTorch:
batch normalisation, shortcuts, Adam, a warmup, or three times the epochs. Every way of training has
seven learning rates to choose from, on validation images. The default times √6 has the variance of
He's start and nothing else of it; He's divided by √6 has all else: the two tell whether the scale
is what counts.

Chapter: notebooks/17_initialization.ipynb
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

from torch import nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, StudyResult, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import he_, initialized, small_resnet, xavier_, zero_last_gamma_
from tricks_lib.optimizers import adam, sgd
from tricks_lib.protocols import Schedule
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import gradual_warmup, linear_decay

from .networks import deep_mlp, he_scaled, scaled, zeros_

RESULTS = Path(__file__).with_name("results")

DEPTH = 20
"""Hidden layers in the chapter's setting."""

EPOCHS = 10
"""Length of a run; an epoch has 20 steps."""

WARMUP = 2
"""Length of the warmup, in epochs."""

ROOT6 = 6**0.5
"""What PyTorch's default lacks of He's deviation."""

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Learning rates that every way of training has to choose from; with exceptions."""

NORM_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""The same number where batch normalisation stands larger ones."""

ADAM_RATES = (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
"""The same number for Adam."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=2000, validation=1000)


def recipe(
    lr: float,
    model: Callable = deep_mlp,
    epochs: int = EPOCHS,
    optimizer: Callable = sgd,
    warmup: float = 0,
) -> Recipe:
    """Return the recipe that all arms share, with what one of them changes."""
    schedule: Schedule = linear_decay(epochs - warmup)
    if warmup:
        schedule = gradual_warmup(length=warmup, then=schedule)
    return Recipe(
        epochs=epochs,
        batch_size=100,
        lr=lr,
        model=model,
        optimizer=optimizer,
        schedule=schedule,
    )


DEFAULT, XAVIER, HE, NORM = "PyTorch default", "Xavier", "He", "default + batch norm"
HE_NORM = "He + batch norm"
HALF, DOUBLE = "He × 0.5", "He × 2"
DEFAULT_UP, HE_DOWN = "default × √6", "He ÷ √6"
SHORTCUTS, HE_SHORTCUTS = "default + shortcuts", "He + shortcuts"
ADAM, WARM, LONG = "default + Adam", "default + warmup", "default, 3 times the epochs"
ZEROS = "all zeros"

WAYS: dict[str, dict] = {
    DEFAULT: {"model": deep_mlp},
    XAVIER: {"model": partial(deep_mlp, init=xavier_)},
    HE: {"model": partial(deep_mlp, init=he_)},
    NORM: {"model": partial(deep_mlp, batch_norm=True)},
    HE_NORM: {"model": partial(deep_mlp, init=he_, batch_norm=True)},
    SHORTCUTS: {"model": partial(deep_mlp, depth=DEPTH + 1, shortcuts=True)},
    HE_SHORTCUTS: {"model": partial(deep_mlp, depth=DEPTH + 1, shortcuts=True, init=he_)},
    ADAM: {"model": deep_mlp, "optimizer": adam},
    WARM: {"model": deep_mlp, "warmup": WARMUP},
    LONG: {"model": deep_mlp, "epochs": 3 * EPOCHS},
    DEFAULT_UP: {"model": partial(deep_mlp, init=partial(scaled, gain=ROOT6))},
    HE_DOWN: {"model": partial(deep_mlp, init=partial(he_scaled, gain=1 / ROOT6))},
    HALF: {"model": partial(deep_mlp, init=partial(he_scaled, gain=0.5))},
    DOUBLE: {"model": partial(deep_mlp, init=partial(he_scaled, gain=2.0))},
}
"""Ways of training 20 layers: what each changes of the recipe."""

DEPTHS = (5, 10, 30)
"""Other depths."""

STARTS: dict[str, dict] = {
    DEFAULT: {},
    XAVIER: {"init": xavier_},
    HE: {"init": he_},
    NORM: {"batch_norm": True},
}
"""What is compared at other depths."""


def at(name: str, depth: int) -> str:
    """Return what a way of training is called at another depth."""
    return f"{name}, {depth} layers"


def tanh(name: str) -> str:
    """Return what a start is called where tanh stands for ReLU."""
    return f"{name}, tanh"


DEEPER: dict[str, dict] = {
    at(name, depth): {"model": partial(deep_mlp, depth=depth, **start)}
    for depth in DEPTHS
    for name, start in STARTS.items()
}
TANH: dict[str, dict] = {
    tanh(name): {"model": partial(deep_mlp, tanh=True, **STARTS[name])}
    for name in (DEFAULT, XAVIER, HE)
}


BLOCKS = (3, 3, 3)
"""Blocks of the residual network: 20 layers, with batch normalisation and shortcuts."""

RESIDUAL, GAMMA = "residual network", "zero gamma"
RESIDUAL_RATES = (0.05, 0.1, 0.2)


def residual_network(channels: int, classes: int) -> nn.Module:
    """Build a residual network of 20 layers."""
    return small_resnet(channels, classes, depths=BLOCKS)


RESIDUALS: dict[str, Callable] = {
    RESIDUAL: residual_network,
    GAMMA: partial(initialized, build=residual_network, init=zero_last_gamma_),
}


def rates(name: str) -> tuple[float, ...]:
    """Return the learning rates that a way of training has to choose from."""
    if name in RESIDUALS:
        return RESIDUAL_RATES
    if name == ADAM:
        return ADAM_RATES
    return NORM_RATES if "norm" in name else RATES


def middle(name: str) -> float:
    """Return the middle one of the learning rates that a way of training has to choose from."""
    return rates(name)[len(rates(name)) // 2]


def tried(name: str, lr: float) -> str:
    """Return what an arm of the search is called."""
    return f"{name}, lr {lr}"


def with_validation(run: Run, data: Data) -> Figures:
    """Keep the metrics on the test images, and those to choose by, on the validation images."""
    found = evaluate(run.model, data, "validation")
    return final_metrics(run, data) | {
        f"validation_{name}": value for name, value in asdict(found).items()
    }


METRICS = (
    *STANDARD,
    Metric("validation_accuracy", "validation accuracy", unit="points", better="higher"),
    Metric("validation_nll", "validation NLL", better="lower"),
)

SEARCH = StudyPlan(
    path=RESULTS / "initialization-search.jsonl",
    recipes={
        tried(name, lr): recipe(lr, **how) for name, how in WAYS.items() for lr in rates(name)
    },
    data=DATA,
    seeds=(100, 101),
    on="validation",
)
"""Learning rates of every way of training, on validation images alone."""

LEARNT = 0.15
"""Validation accuracy below which a way of training got nowhere; guessing gives 0.1."""

CHOSEN: dict[str, float] = {
    DEFAULT: 0.01,
    XAVIER: 0.1,
    HE: 0.01,
    NORM: 0.01,
    HE_NORM: 0.03,
    SHORTCUTS: 0.1,
    HE_SHORTCUTS: 0.0003,
    ADAM: 0.01,
    WARM: 0.01,
    LONG: 0.01,
    DEFAULT_UP: 0.01,
    HE_DOWN: 0.01,
    HALF: 0.01,
    DOUBLE: 0.01,
}
"""The best learning rate of each way of training in the recorded search; a test holds them to
it. The search ran on a GPU, and the study and its repetition on a CPU."""


def best_rates(result: StudyResult, names: Iterable[str], metric: str) -> dict[str, float]:
    """Return the best learning rate of each way of training by its mean over the seeds of a grid;
    the middle one of those tried where all get nowhere.

    Args:
        result: a grid of arms, named as `tried` does.
        names: ways of training.
        metric: accuracy on validation images.
    """
    best = {}
    for name in names:
        means = {}
        for lr in rates(name):
            values = result.values(tried(name, lr), metric)
            if len(values) == len(result.runs[tried(name, lr)]):  # none diverged
                means[lr] = result.mean(tried(name, lr), metric)
        top = max(means.values(), default=0.0)
        best[name] = max(means, key=lambda lr: means[lr]) if top > LEARNT else middle(name)
    return best


def chosen(names: Iterable[str]) -> dict[str, Recipe]:
    """Return the recipes of some ways of training, each at its best learning rate."""
    return {name: recipe(CHOSEN[name], **WAYS[name]) for name in names}


AGAIN = StudyPlan(
    path=RESULTS / "initialization-again.jsonl",
    recipes=chosen((DEFAULT, HE, DEFAULT_UP, NORM, HE_NORM)),
    data=DATA,
    seeds=range(10, 20),
)
"""The headline, its closest rivals, and He's start with batch normalisation, with ten further
seeds."""

BY_DEPTH = StudyPlan(
    path=RESULTS / "initialization-depth.jsonl",
    recipes={
        tried(name, lr): recipe(lr, **how) for name, how in DEEPER.items() for lr in rates(name)
    },
    data=DATA,
    seeds=5,
    measure=with_validation,
    metrics=METRICS,
)
"""5, 10 and 30 hidden layers: the whole grid, from which the best on validation images is read."""

WITH_TANH = StudyPlan(
    path=RESULTS / "initialization-tanh.jsonl",
    recipes={
        tried(name, lr): recipe(lr, **how) for name, how in TANH.items() for lr in rates(name)
    },
    data=DATA,
    seeds=5,
    measure=with_validation,
    metrics=METRICS,
)
"""20 hidden layers with tanh in place of ReLU: the whole grid as well."""

WITH_BLOCKS = StudyPlan(
    path=RESULTS / "initialization-blocks.jsonl",
    recipes={
        tried(name, lr): recipe(lr, model)
        for name, model in RESIDUALS.items()
        for lr in rates(name)
    },
    data=DATA,
    seeds=5,
    measure=with_validation,
    metrics=METRICS,
)
"""A residual network of 20 layers: the whole grid, from which the best on validation images is
read."""

PLAN = StudyPlan(
    path=RESULTS / "initialization.jsonl",
    recipes={**chosen(WAYS), ZEROS: recipe(CHOSEN[HE], partial(deep_mlp, init=zeros_))},
    data=DATA,
    seeds=10,
    headline=Headline(HE, "accuracy", "20 layers with ReLU, no batch norm, against the default"),
    rivals=(
        Headline(HE, "accuracy", "Xavier", against=XAVIER),
        Headline(HE, "accuracy", "the default with batch norm", against=NORM),
        Headline(HE, "accuracy", "the default with shortcuts", against=SHORTCUTS),
        Headline(HE, "accuracy", "the default with Adam", against=ADAM),
        Headline(HE, "accuracy", "the default, 3 times the epochs", against=LONG),
        Headline(HE, "accuracy", "the default scaled to the same variance", against=DEFAULT_UP),
    ),
    tuning=SEARCH,
    beside=(AGAIN, BY_DEPTH, WITH_TANH, WITH_BLOCKS),
)
