"""Weight decay where images are few: how strong, for which parameters, under which optimizer.

1,000 training images, of which each seed draws its own from the 10,000 that come with the package,
24 epochs, batch normalisation. Weight decay changes which learning rate is best, so every strength
has the same learning rates to choose from, on validation images, and so has the network without
decay; Adam and AdamW have grids of their own. The search keeps all of its runs: the grids are what
the chapter shows.

The rivals cost no penalty: to stop early by validation images, a network with half the channels,
and a lower learning rate. Whether decay works through the weights whose size the network does not
feel is asked by four further arms: decay on those weights alone, on all others alone, no decay with
the length of those weights held where it began, and decay on all but biases and normalisation
layers.

L1 is measured beside, on a network without batch normalisation: as a subgradient and as a proximal
step.

Chapter: notebooks/14_weight_decay.ipynb
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.models import mlp, small_resnet
from tricks_lib.objectives import L1Penalty
from tricks_lib.objectives.l1_penalty import soft_threshold
from tricks_lib.ops.weights import weights_of
from tricks_lib.optimizers import adam, adamw, sgd, sgd_no_bias_decay
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay
from tricks_lib.stopping import EarlyStopping

RESULTS = Path(__file__).with_name("results")

EPOCHS = 24
"""Length of a run; an epoch has 20 steps."""

MOMENTUM = 0.9
"""The momentum of every run with SGD."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=1000, validation=2000)
"""Each seed has its own 1,000 training images, and 2,000 others to choose and to stop by."""


def recipe(lr: float, optimizer: Callable = sgd, **slots: Any) -> Recipe:
    """Return the recipe that all arms share, with a learning rate, an optimizer, other slots."""
    return Recipe(
        epochs=EPOCHS,
        batch_size=50,
        lr=lr,
        schedule=linear_decay(EPOCHS),
        optimizer=optimizer,
        **slots,
    )


OPTIMIZERS: dict[str, Callable] = {"SGD": sgd, "Adam, L2": adam, "AdamW": adamw}
"""The three ways to decay that are searched; SGD and Adam add λw to the gradient."""

RATES = {
    "SGD": (0.025, 0.05, 0.1, 0.2, 0.4),
    "Adam, L2": (1e-3, 3e-3, 1e-2, 3e-2),
    "AdamW": (1e-3, 3e-3, 1e-2, 3e-2),
}
"""The learning rates that are tried with every strength."""

DECAYS = {
    "SGD": (0.0, 5e-4, 2e-3, 8e-3, 3.2e-2),
    "Adam, L2": (0.0, 1e-3, 5e-3, 2.5e-2),
    "AdamW": (0.3, 1.0, 3.0),
}
"""The strengths λ that are tried. Adam without decay and AdamW without decay are the same."""


def tried(way: str, decay: float, lr: float) -> str:
    """Return what an arm of the search is called."""
    return f"{way}, decay {decay:g}, lr {lr:g}"


TRIES = {
    (way, decay): {
        tried(way, decay, lr): recipe(lr, partial(OPTIMIZERS[way], weight_decay=decay))
        for lr in RATES[way]
    }
    for way, decays in DECAYS.items()
    for decay in decays
}
"""The tries by way and strength: a learning rate is chosen for each."""

NORMS = "norm_by_epoch"
"""The curve of every run: the length of its scale-free weights after each epoch."""


def scale_free(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights whose size the network does not feel: in `small_resnet` batch
    normalisation follows every convolution."""
    return [
        layer.weight  # type: ignore[misc]
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d)
    ]


def length(weights: list[nn.Parameter]) -> float:
    """Return the Euclidean length of weights, taken as one long vector."""
    return torch.stack([weight.detach().square().sum() for weight in weights]).sum().sqrt().item()


def with_snapshots(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the network after every epoch."""
    return fit(recipe, data, snapshots=range(1, recipe.epochs + 1), **how)


def figures(run: Run, data: Data) -> Figures:
    """Keep the metrics, the accuracy on the training images, the length of the scale-free weights
    after each epoch, and that of the classifier's at the end."""
    norms = [round(length(scale_free(model)), 4) for model in run.snapshots.values()]
    return final_metrics(run, data) | {
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "head_norm": length([run.model.head.weight]),  # type: ignore[union-attr, list-item]
        NORMS: norms,
    }


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
    Metric("head_norm", "length of the weights of the last layer"),
)

SEARCH = StudyPlan(
    path=RESULTS / "weight_decay-search.jsonl",
    recipes={name: recipe for tries in TRIES.values() for name, recipe in tries.items()},
    data=DATA,
    seeds=(100, 101, 102),
    measure=figures,
    metrics=METRICS,
    on="validation",
    train=with_snapshots,
)
"""Every strength with every learning rate, on validation images alone."""

DECAY, LR = 8e-3, 0.1
"""Strength and learning rate of the arms with SGD, by a first look at two seeds; the search says
what others would have been worth. All arms with SGD have this learning rate, so that they differ in
the decay alone; no decay is also run at the four others, of which the search chooses one."""

COMMON = 5e-4
"""The strength that is usual for CIFAR."""

ADAM_DECAY = {"Adam, L2": 5e-3, "AdamW": 1.0}
ADAM_LR = {"Adam, L2": 3e-3, "AdamW": 1e-2}
ADAM_LR_WITHOUT = 3e-3
"""Strength and learning rate of the arms with Adam in `PLAN`, by a first look at one seed: the
search chose others, with which `UNDER_ADAM` was made."""

ADAM_CHOSEN = {"Adam, none": (0.0, 3e-3), "Adam, L2": (5e-3, 1e-2), "AdamW": (3.0, 1e-2)}
"""Strength and learning rate of the arms of `UNDER_ADAM`: the best of the recorded search; a test
holds them to it."""


class HeldSGD(torch.optim.SGD):
    """SGD that puts some weights back to the length that they had at first, after every step.

    Args:
        model: network whose parameters are updated.
        lr: learning rate.
        held: the weights whose length is held, each by itself.
    """

    def __init__(self, model: nn.Module, lr: float, held: list[nn.Parameter]):
        super().__init__(model.parameters(), lr, momentum=MOMENTUM)
        self.held = [(weight, weight.detach().norm()) for weight in held]

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take a step, then scale the held weights."""
        loss = super().step(closure)
        for weight, size in self.held:
            weight.mul_(size / weight.norm())
        return loss


def held_sgd(model: nn.Module, lr: float) -> HeldSGD:
    """Build SGD without decay, with the scale-free weights held at the length of their start."""
    return HeldSGD(model, lr, scale_free(model))


def _split_sgd(model: nn.Module, lr: float, decayed: list[nn.Parameter], decay: float) -> Any:
    chosen = set(decayed)
    groups = [
        {"params": decayed, "weight_decay": decay},
        {"params": [p for p in model.parameters() if p not in chosen], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr, momentum=MOMENTUM)


def sgd_scale_free(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Build SGD that decays the scale-free weights alone."""
    return _split_sgd(model, lr, scale_free(model), weight_decay)


def sgd_others(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Build SGD that decays all parameters but the scale-free weights: the last layer, and the
    gains and offsets of batch normalisation."""
    free = set(scale_free(model))
    others = [parameter for parameter in model.parameters() if parameter not in free]
    return _split_sgd(model, lr, others, weight_decay)


NONE, ALL, WEAK = "none", "decay", "decay 5e-4"
STOPPED, NARROW = "none, stopped early", "none, half the channels"
WEIGHTS, FREE, OTHERS = "decay, weights only", "decay, convolutions only", "decay, all the others"
HELD = "none, lengths held"
ADAM, ADAM_L2, ADAMW = "Adam, none", "Adam, L2", "AdamW"

WITHOUT = partial(sgd, weight_decay=0.0)


def without(lr: float) -> str:
    """Return the name of the arm without decay at a learning rate of the search."""
    return NONE if lr == LR else f"{NONE}, lr {lr:g}"


def _adam_arm(way: str) -> Recipe:
    return recipe(ADAM_LR[way], partial(OPTIMIZERS[way], weight_decay=ADAM_DECAY[way]))


RECIPES = {
    NONE: recipe(LR, WITHOUT),
    ALL: recipe(LR, partial(sgd, weight_decay=DECAY)),
    WEAK: recipe(LR, partial(sgd, weight_decay=COMMON)),
    STOPPED: recipe(LR, WITHOUT, stop=EarlyStopping(patience=5)),
    NARROW: recipe(LR, WITHOUT, model=partial(small_resnet, width=8)),
    **{without(lr): recipe(lr, WITHOUT) for lr in RATES["SGD"] if lr != LR},
    WEIGHTS: recipe(LR, partial(sgd_no_bias_decay, weight_decay=DECAY)),
    FREE: recipe(LR, partial(sgd_scale_free, weight_decay=DECAY)),
    OTHERS: recipe(LR, partial(sgd_others, weight_decay=DECAY)),
    HELD: recipe(LR, held_sgd),
    ADAM: recipe(ADAM_LR_WITHOUT, partial(adam, weight_decay=0.0)),
    ADAM_L2: _adam_arm("Adam, L2"),
    ADAMW: _adam_arm("AdamW"),
}
"""All arms."""

AGAIN = StudyPlan(
    path=RESULTS / "weight_decay-again.jsonl",
    recipes={name: RECIPES[name] for name in (NONE, ALL)},
    data=DATA,
    seeds=range(10, 20),
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
)
"""The headline's arms with ten new seeds."""

UNDER_ADAM = StudyPlan(
    path=RESULTS / "weight_decay-adam.jsonl",
    recipes={
        name: recipe(lr, partial(adamw if name == ADAMW else adam, weight_decay=decay))
        for name, (decay, lr) in ADAM_CHOSEN.items()
    },
    data=DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    headline=Headline(
        ADAMW,
        "accuracy",
        "1,000 images, 24 epochs, against the L2 penalty in the gradient of Adam",
        against=ADAM_L2,
    ),
    rivals=(Headline(ADAMW, "accuracy", "Adam without decay"),),
)
"""Adam without decay, with L2 and decoupled, each as the search prefers it; recorded on a CPU. The
same question with the arms of `PLAN`, whose settings a first look had chosen, was one of the
comparisons declared there."""

STRENGTHS = (1e-4, 3e-4)
"""Strengths of the L1 penalty."""

SPARSE_LR = 0.05
"""Learning rate of the fully connected network."""


class ProximalSGD(torch.optim.SGD):
    """SGD, and after every step a soft threshold for the weights.

    Momentum makes the pull of a penalty in the gradient 1/(1 - momentum) times as strong in the
    long run, so the threshold is that much larger as well.

    Args:
        model: network whose parameters are updated.
        lr: learning rate.
        strength: of the L1 penalty.
    """

    def __init__(self, model: nn.Module, lr: float, strength: float):
        super().__init__(model.parameters(), lr, momentum=MOMENTUM)
        self.strength, self.penalised = strength, weights_of(model)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take a step, then move every weight towards zero."""
        loss = super().step(closure)
        amount = self.param_groups[0]["lr"] * self.strength / (1 - MOMENTUM)
        for weight in self.penalised:
            weight.copy_(soft_threshold(weight, amount))
        return loss


def proximal_sgd(model: nn.Module, lr: float, strength: float) -> ProximalSGD:
    """Build SGD with the proximal step of an L1 penalty."""
    return ProximalSGD(model, lr, strength)


def zeros_too(run: Run, data: Data) -> Figures:
    """Keep the metrics, the accuracy on the training images, and the shares of the weights that are
    exactly zero, and below a thousandth."""
    weights: Tensor = torch.cat([weight.detach().flatten() for weight in weights_of(run.model)])
    return final_metrics(run, data) | {
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "zeros": (weights == 0).float().mean().item(),
        "near_zero": (weights.abs() < 1e-3).float().mean().item(),
    }


def dense(optimizer: Callable, **slots: Any) -> Recipe:
    """Return the recipe of the fully connected network."""
    return recipe(SPARSE_LR, optimizer, model=mlp, **slots)


def subgradient(strength: float) -> str:
    """Return the name of the arm with the penalty in the loss."""
    return f"L1 {strength:g}, subgradient"


def proximal(strength: float) -> str:
    """Return the name of the arm with the soft threshold."""
    return f"L1 {strength:g}, proximal"


L2 = "L2"

SPARSE = StudyPlan(
    path=RESULTS / "weight_decay-sparse.jsonl",
    recipes={
        NONE: dense(WITHOUT),
        L2: dense(partial(sgd, weight_decay=DECAY)),
        **{subgradient(one): dense(WITHOUT, objective=L1Penalty(one)) for one in STRENGTHS},
        **{proximal(one): dense(partial(proximal_sgd, strength=one)) for one in STRENGTHS},
    },
    data=DATA,
    seeds=10,
    measure=zeros_too,
    metrics=(
        *STANDARD,
        Metric("train_accuracy", "accuracy on the training images", unit="points"),
        Metric("zeros", "weights that are exactly zero", unit="points"),
        Metric("near_zero", "weights below a thousandth", unit="points"),
    ),
)
"""L1 on a fully connected network, by subgradient and by proximal step."""

PLAN = StudyPlan(
    path=RESULTS / "weight_decay.jsonl",
    recipes=RECIPES,
    data=DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    headline=Headline(ALL, "accuracy", "1,000 images, 24 epochs, SGD, learning rate 0.1"),
    rivals=(
        Headline(ALL, "accuracy", "no decay, stopped early", against=STOPPED),
        Headline(ALL, "accuracy", "no decay, half the channels", against=NARROW),
        Headline(ALL, "accuracy", "no decay, half the learning rate", against=without(LR / 2)),
    ),
    tuning=SEARCH,
    beside=(UNDER_ADAM, AGAIN, SPARSE),
)
