"""Batch normalisation against the same network without it, each with a learning rate of its own.

A network without normalisation cannot use the learning rates that one with it can, so a comparison
at one learning rate says little. Here every way of normalising is tried with the same eight
learning rates. Each seed draws its own 2,000 training images, chooses the learning rate on its own
1,000 validation images, and is scored on the same 5,000 test images; what all eight gave is kept
too. The cheapest rivals of batch normalisation stand beside it: He's initialisation, residual
branches that begin at zero, warmup, all three without normalisation; and group normalisation,
which needs no batch.

Further studies ask for the reasons. SURFACE looks at how far a step along the gradient still lowers
the loss, with the batch's statistics moving as the weights move, and held fixed at the same
weights. LENGTHS lets the weights grow, or does not. GHOST changes how many images share
statistics, and nothing else. LONG trains four times as long. SMALL trains on
batches that are really small. STATISTICS scores one
network with statistics from several sources.

Chapter: notebooks/18_batch_norm.ipynb
"""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import update_bn

from tricks_lib.augment import Compose, Cutout, HorizontalFlip, RandomCrop
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.landscape import gradient
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Diverged, Run, fit
from tricks_lib.mix import Mixup
from tricks_lib.models import ResidualBlock, he_, initialized, small_resnet
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, gradual_warmup, linear_decay

RESULTS = Path(__file__).with_name("results")

EPOCHS = 10
"""Length of a run: 150 batches of 128 images."""

MIDDLE = 0.2
"""The learning rate in the middle of those that every way of normalising is tried with."""

FACTORS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0, 32.0)
"""The learning rates that are tried, as multiples of the middle one: 0.025 to 1.6, and 6.4."""

TRAINS = math.log(10) / 2
"""A run has trained if its mean loss in the last epoch, in nats, is below half of that of a guess
among ten classes."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=2000, validation=1000)
FEW_DATA = OwnImages(pool, train=1000, validation=1000)


# --- Networks ---


def with_norms(model: nn.Module, norms: Mapping[str, nn.Module]) -> nn.Module:
    """Put other layers in the place of the batch normalisations of a network.

    Args:
        model: changed in place.
        norms: the new layers, by the names of the old ones.
    """
    for name, norm in norms.items():
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, norm)
    return model


def batch_norms(model: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Return the batch normalisations of a network, by name."""
    parts = model.named_modules()
    return {name: part for name, part in parts if isinstance(part, nn.BatchNorm2d)}


def group_norm(channels: int, classes: int, groups: int = 4) -> nn.Module:
    """Build `small_resnet` with group normalisation: each image has means and variances of its own,
    one for each group of channels.

    Source: Wu & He 2018, arXiv:1803.08494.
    """
    model = small_resnet(channels, classes)
    olds = batch_norms(model).items()
    return with_norms(model, {k: nn.GroupNorm(groups, old.num_features) for k, old in olds})


class GhostNorm(nn.BatchNorm2d):
    """Batch normalisation over parts of a batch, as each of several workers does it.

    Args:
        channels: C.
        images: how many images of a batch share their statistics; None for all.

    Shape: float (B, C, H, W) -> the same; B is a multiple of `images`.
    """

    def __init__(self, channels: int, images: int | None):
        super().__init__(channels)
        self.images = images

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each part by its own statistics; in evaluation mode, by the averages kept."""
        if not self.training or self.images is None or len(x) <= self.images:
            return super().forward(x)
        parts = x.float().unflatten(0, (-1, self.images))
        variance, mean = torch.var_mean(parts, dim=(1, 3, 4), correction=0, keepdim=True)
        normal = (parts - mean) / (variance + self.eps).sqrt()
        count = parts[0].numel() / parts.shape[2]
        with torch.no_grad():
            unbiased = variance * count / (count - 1)
            self.running_mean.lerp_(mean.mean(0).flatten(), self.momentum)  # type: ignore[union-attr,arg-type]
            self.running_var.lerp_(unbiased.mean(0).flatten(), self.momentum)  # type: ignore[union-attr,arg-type]
        scaled = normal.flatten(0, 1) * self.weight[:, None, None] + self.bias[:, None, None]
        return scaled.to(x.dtype)


def ghost_norm(channels: int, classes: int, images: int) -> nn.Module:
    """Build `small_resnet` with batch normalisation over parts of so many images."""
    model = small_resnet(channels, classes)
    olds = batch_norms(model).items()
    return with_norms(model, {k: GhostNorm(old.num_features, images) for k, old in olds})


def slow_averages(channels: int, classes: int, momentum: float = 0.01) -> nn.Module:
    """Build `small_resnet` whose running statistics take in little of each batch."""
    model = small_resnet(channels, classes)
    for norm in batch_norms(model).values():
        norm.momentum = momentum
    return model


def start_as_shortcut_(model: nn.Module) -> nn.Module:
    """Set the last convolution of each residual block to zero, so that the block begins as its
    shortcut: zero-gamma for a network without a gamma."""
    for block in model.modules():
        if isinstance(block, ResidualBlock):
            nn.init.zeros_(block.conv2.weight)
            if block.conv2.bias is not None:
                nn.init.zeros_(block.conv2.bias)
    return model


PLAIN_NET = partial(small_resnet, batch_norm=False)


# --- Which learning rate ---


@dataclass(frozen=True)
class BestRun(Run):
    """The best of some runs that differ in their learning rates alone.

    Args:
        tries: of each learning rate: itself, the mean loss of the last epoch in nats, and the
            accuracy on validation and on test images. A run that diverged has an infinite loss and
            the accuracy 0.
    """

    tries: tuple[tuple[float, float, float, float], ...] = ()


def at_the_best_rate(
    recipe: Recipe, data: Data, factors: tuple[float, ...] = FACTORS, **how: Any
) -> BestRun:
    """Train with several learning rates, and return the run that is best on validation images.

    Args:
        recipe: how to train, but for the learning rate.
        data: what to train on, with validation images.
        factors: the learning rates to try, as multiples of the recipe's.
        how: as in `fit`.

    Raises:
        Diverged: if no loss stayed finite.
    """
    best: tuple[float, float] = (-1.0, 0.0)
    chosen, failed, tries = None, None, []
    for factor in factors:
        own = replace(recipe, lr=factor * recipe.lr)
        try:
            run = fit(own, data, **how)
        except Diverged as error:
            failed = error
            tries.append((own.lr, math.inf, 0.0, 0.0))
            continue
        found, test = evaluate(run.model, data, "validation"), evaluate(run.model, data)
        tries.append((own.lr, run.history.epoch_losses()[-1], found.accuracy, test.accuracy))
        if (found.accuracy, -found.nll) > best:
            best, chosen = (found.accuracy, -found.nll), run
    if chosen is None:
        assert failed is not None
        raise failed
    parts = {one.name: getattr(chosen, one.name) for one in fields(chosen)}
    return BestRun(**parts, tries=tuple(tries))


def of_all_rates(run: Run, data: Data) -> Figures:
    """Keep the metrics of the best run, also with statistics made afresh; its learning rate; the
    largest one that trained; and what all of them gave, in their order."""
    assert isinstance(run, BestRun)
    again = evaluate(afresh(run.model, data), data)
    return final_metrics(run, data) | {
        "rate": run.recipe.lr,
        "largest_rate": max((lr for lr, loss, *_ in run.tries if loss < TRAINS), default=0.0),
        **{f"{name}{AFRESH}": value for name, value in asdict(again).items()},
        "rates": [lr for lr, *_ in run.tries],
        "train_losses": [loss for _, loss, *_ in run.tries],
        "validation_accuracies": [accuracy for *_, accuracy, _ in run.tries],
        "accuracies": [accuracy for *_, accuracy in run.tries],
    }


# --- Statistics from elsewhere ---

AFRESH, ON_BATCHES, HELD = "_afresh", "_on_batches", "_held"
"""Endings of metrics: with statistics of the plain training images, made again for the last
weights; with those of test batches of 128; with those of the batch at hand, held fixed."""


def afresh(model: nn.Module, data: Data) -> nn.Module:
    """Return a copy of a network whose running statistics are those of the training images as they
    are, in batches of 500, for its last weights."""
    copy = deepcopy(model)
    for norm in batch_norms(copy).values():
        if isinstance(norm, GhostNorm):
            norm.images = None
    update_bn(map(data.normalize, data.train.images.split(500)), copy)
    return copy.eval()


@torch.no_grad()
def right_on_batches(model: nn.Module, data: Data, order: Tensor, size: int) -> float:
    """Return the share of test images that a network in *training* mode answers rightly, each batch
    normalised by its own statistics.

    Args:
        model: left as it is.
        data: where the test images come from.
        order: numbers of test images, in the order in which to deal them, (N,).
        size: images in a batch; an incomplete last one is left out.
    """
    copy = deepcopy(model).train()
    hits, size = [], min(size, len(order))
    for picked in order.to(data.device).split(size):
        if len(picked) == size:
            answers = copy(data.normalize(data.test.images[picked])).argmax(dim=1)
            hits.append((answers == data.test.labels[picked]).float())
    return torch.cat(hits).mean().item()


LOOKED_AT = 2560
"""How many test images are answered in training mode: twenty batches of 128."""


def by_source_of_statistics(run: Run, data: Data) -> Figures:
    """Keep the metrics with the running statistics and with those made afresh; and the accuracy in
    training mode, on test images in batches of 128 and of 4, and in batches of one class."""
    some = torch.arange(min(LOOKED_AT, len(data.test)))
    by_class = torch.sort(data.test.labels.cpu(), stable=True).indices
    pure = torch.cat([by_class[data.test.labels.cpu()[by_class] == c][:256] for c in range(10)])
    again = evaluate(afresh(run.model, data), data)
    return final_metrics(run, data) | {
        **{f"{name}{AFRESH}": value for name, value in asdict(again).items()},
        f"accuracy{ON_BATCHES}": right_on_batches(run.model, data, some, 128),
        "accuracy_on_fours": right_on_batches(run.model, data, some, 4),
        "accuracy_on_one_class": right_on_batches(run.model, data, pure, 128),
    }


# --- The surface of the loss ---

LOOKS = (1, 4, EPOCHS)
"""After how many epochs the surface is looked at."""

DOUBLINGS = tuple(k / 2 for k in range(-16, 17))
"""Steps along the gradient that are tried, as powers of two."""


def with_looks(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the networks to look at."""
    looks = [epochs for epochs in LOOKS if epochs <= recipe.epochs]
    return fit(recipe, data, snapshots=looks, **how)


def hold_statistics(model: nn.Module, images: Tensor) -> nn.Module:
    """Return a copy of a network in evaluation mode that has the statistics of one batch: its
    answers for this batch are the same, but the statistics no longer move with the weights."""
    copy = deepcopy(model).train()
    norms = batch_norms(copy).values()
    counts: dict[nn.Module, int] = {}
    for norm in norms:
        norm.momentum = 1.0
        norm.register_forward_pre_hook(
            lambda part, given: counts.update({part: given[0].numel() // given[0].shape[1]})
        )
    with torch.no_grad():
        copy(images)
        for norm in norms:  # back to the biased variance, which training mode divides by
            norm.running_var *= 1 - 1 / counts[norm]  # type: ignore[operator,assignment]
            norm._forward_pre_hooks.clear()
    return copy.eval()


def along_the_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Any]:
    """Walk down along the gradient of the loss on some images, and look how far it falls.

    Args:
        model: in the mode in which it is to be looked at; left as it is, but for running
            statistics.
        images: normalised, float (B, C, H, W).
        labels: (B,).

    Returns:
        Under "losses" the loss at each of `DOUBLINGS`, the step being 2 to this power times the
        gradient, and under "loss" that at the start; under "turns" the cosine between the gradient
        there and at the start. "doublings" is the largest of them up to which every step lowers the
        loss; "length" the length of that step as a share of that of the weights, and "slope" the
        length of the gradient, both as powers of two.
    """
    before = [p for p in model.parameters() if p.requires_grad]
    start = [p.detach().clone() for p in before]
    loss = F.cross_entropy(model(images), labels)
    slope = gradient(model, loss).detach()
    sizes = [p.numel() for p in before]
    parts = [g.view_as(p) for g, p in zip(slope.split(sizes), before, strict=True)]
    losses, turns = [], []
    for power in DOUBLINGS:
        with torch.no_grad():
            for p, old, part in zip(before, start, parts, strict=True):
                p.copy_(old - 2.0**power * part)
        there = F.cross_entropy(model(images), labels)
        losses.append(there.item())
        turns.append(F.cosine_similarity(gradient(model, there), slope, dim=0).item())
    with torch.no_grad():
        for p, old in zip(before, start, strict=True):
            p.copy_(old)
    lower = [found < loss.item() for found in losses]
    last = DOUBLINGS[max(0, lower.index(False) - 1)] if False in lower else DOUBLINGS[-1]
    weights = math.sqrt(sum(old.square().sum().item() for old in start))
    steep = slope.norm().item()
    return {
        "loss": loss.item(),
        "losses": [float(f"{found:.4g}") for found in losses],
        "turns": [round(turn, 3) for turn in turns],
        "doublings": last,
        "slope": math.log2(steep),
        "length": last + math.log2(steep / weights),
    }


def the_surface(run: Run, data: Data) -> Figures:
    """Keep what `along_the_gradient` finds on 512 training images, with the network in training
    mode and with its statistics held: the numbers of each look, and the mean over the looks."""
    images, labels = data.normalize(data.train.images[:512]), data.train.labels[:512]
    found: Figures = {}
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False):
        for ending in ("", HELD) if batch_norms(run.model) else ("",):
            looks = []
            for network in run.snapshots.values():
                model = hold_statistics(network, images) if ending else deepcopy(network).train()
                looks.append(along_the_gradient(model, images, labels))
            for name in ("doublings", "length", "slope", "loss"):
                values = [look[name] for look in looks]
                found[f"{name}{ending}"] = sum(values) / len(values)
                found[f"each_{name}{ending}"] = values
            for name in ("losses", "turns"):
                found[f"{name}{ending}"] = [look[name] for look in looks]
    return found


# --- Plans ---

BASE = Recipe(epochs=EPOCHS, batch_size=128, lr=MIDDLE, schedule=linear_decay(EPOCHS))
BARE = replace(BASE, model=PLAIN_NET)
NORM, NONE, GROUP = "batch norm", "none", "group norm"
HE, SHORTCUT, WARM = "none, He", "none, zero branches", "none, warmup"

WAYS = {
    NONE: BARE,
    NORM: BASE,
    GROUP: replace(BASE, model=group_norm),
    HE: replace(BASE, model=partial(initialized, build=PLAIN_NET, init=he_)),
    SHORTCUT: replace(BASE, model=partial(initialized, build=PLAIN_NET, init=start_as_shortcut_)),
    WARM: replace(BARE, schedule=gradual_warmup(2, then=linear_decay(EPOCHS - 2))),
}
"""The ways to train that are compared, by name, each with the middle learning rate."""

AFRESH_METRIC = Metric(
    f"accuracy{AFRESH}", "test accuracy, statistics made afresh", "higher", "points"
)
OF_RATES = (
    *STANDARD,
    Metric("rate", "chosen learning rate"),
    Metric("largest_rate", "largest learning rate that trains"),
    AFRESH_METRIC,
)

SMALL_FACTORS = (0.5, 1.0, 2.0)
SMALL_MIDDLES = {2: 0.025, 16: 0.1}
"""Batches that are really small, and the middle of the learning rates that are tried with them."""


def of_size(name: str, size: int) -> str:
    """Return what an arm with batches of a size is called."""
    return f"{name}, batches of {size}"


SMALL = StudyPlan(
    path=RESULTS / "batch_norm-small.jsonl",
    recipes={
        of_size(name, size): replace(
            WAYS[name], epochs=1, batch_size=size, lr=lr, schedule=linear_decay(1)
        )
        for size, lr in SMALL_MIDDLES.items()
        for name in (NORM, GROUP)
    },
    data=FEW_DATA,
    seeds=5,
    train=partial(at_the_best_rate, factors=SMALL_FACTORS),  # type: ignore[arg-type]
    measure=of_all_rates,
    metrics=OF_RATES,
    derived={
        f"{of_size(NORM, size)}, afresh": (of_size(NORM, size), AFRESH) for size in SMALL_MIDDLES
    },
)
"""Batches of 2 and of 16, 1,000 images seen once."""

GHOSTS = (128, 32, 8, 4, 2)
"""How many of the 128 images of a batch share statistics."""


def over(images: int) -> str:
    """Return what an arm with statistics over so many images is called."""
    return f"over {images} images"


GHOST = StudyPlan(
    path=RESULTS / "batch_norm-ghost.jsonl",
    recipes={
        **{over(n): replace(BASE, model=partial(ghost_norm, images=n)) for n in GHOSTS},
        GROUP: WAYS[GROUP],
    },
    data=DATA,
    seeds=10,
    measure=by_source_of_statistics,
    metrics=(*STANDARD, AFRESH_METRIC),
    derived={f"{over(n)}, afresh": (over(n), AFRESH) for n in GHOSTS},
)
"""The batch of the gradient stays 128, and the number of images that share statistics falls."""

SOURCES: dict[str, dict[str, Any]] = {
    "plain": {},
    "constant rate": {"schedule": constant()},
    "slow averages": {"model": slow_averages},
    "mixup": {"mix": Mixup(alpha=1.0)},
    "crop and mirror": {"augment": Compose(RandomCrop(), HorizontalFlip())},
    "Cutout": {"augment": Cutout(size=14)},
}

STATISTICS = StudyPlan(
    path=RESULTS / "batch_norm-statistics.jsonl",
    recipes={name: replace(BASE, **slots) for name, slots in SOURCES.items()},
    data=DATA,
    seeds=10,
    measure=by_source_of_statistics,
    metrics=(
        *STANDARD,
        AFRESH_METRIC,
        Metric(f"accuracy{ON_BATCHES}", "accuracy in training mode, batches of 128", unit="points"),
        Metric("accuracy_on_fours", "accuracy in training mode, batches of 4", unit="points"),
        Metric("accuracy_on_one_class", "accuracy in training mode, one class", unit="points"),
    ),
    derived={f"{name}, afresh": (name, AFRESH) for name in SOURCES},
)
"""One network, and statistics from several sources."""

SAME_RATE = 0.1
"""Learning rate of the networks whose surface is looked at; all of them train with it."""

SURFACE = StudyPlan(
    path=RESULTS / "batch_norm-surface.jsonl",
    recipes={
        name: replace(WAYS[name], lr=SAME_RATE, schedule=constant())
        for name in (NONE, NORM, GROUP, HE)
    },
    data=DATA,
    seeds=10,
    measure=the_surface,
    metrics=(
        Metric("doublings", "largest step that lowers the loss, power of two"),
        Metric("length", "its length as a share of the weights', power of two"),
        Metric("slope", "length of the gradient, power of two"),
    ),
    evaluate=None,
    train=with_looks,
    derived={f"{NORM}, held": (NORM, HELD)},
)
"""How far the gradient can be followed. The control has the same weights, the same loss and the
same answers, and statistics that are held fixed."""

# --- The length of the weights ---


def held_lengths(model: nn.Module, lr: float) -> Optimizer:
    """Build the course's optimizer, and after each step bring every convolution's weights back to
    the length that they had at first."""
    optimizer = sgd(model, lr)
    weights = [part.weight for part in model.modules() if isinstance(part, nn.Conv2d)]
    lengths = [weight.detach().norm() for weight in weights]

    @torch.no_grad()
    def bring_back(*_: Any) -> None:
        for weight, length in zip(weights, lengths, strict=True):
            weight.mul_(length / weight.norm())

    optimizer.register_step_post_hook(bring_back)
    return optimizer


def with_length(run: Run, data: Data) -> Figures:
    """Keep the metrics, and the length of all weights of convolutions together."""
    weights = [part.weight for part in run.model.modules() if isinstance(part, nn.Conv2d)]
    squares = sum(weight.detach().square().sum().item() for weight in weights)
    return final_metrics(run, data) | {"length": math.sqrt(squares)}


LENGTH_RATES = (0.2, 1.6, 6.4)
FREE, HELD_LENGTHS = "free", "held"


def at_rate(name: str, lr: float) -> str:
    """Return what an arm with a learning rate is called."""
    return f"{name}, lr {lr}"


LENGTHS = StudyPlan(
    path=RESULTS / "batch_norm-lengths.jsonl",
    recipes={
        at_rate(name, lr): replace(BASE, lr=lr, optimizer=optimizer)
        for lr in LENGTH_RATES
        for name, optimizer in ((FREE, sgd), (HELD_LENGTHS, held_lengths))
    },
    data=DATA,
    seeds=10,
    measure=with_length,
    metrics=(*STANDARD, Metric("length", "length of the convolutions' weights")),
)
"""With batch normalisation, weights that may grow and weights that may not: growing, they shorten
their own steps."""

LONG_EPOCHS = 40
LONG_FACTORS = (1 / 4, 1 / 2, 1.0, 2.0)


def longer(recipe: Recipe) -> Recipe:
    """Return the same recipe, four times as long."""
    return replace(recipe, epochs=LONG_EPOCHS, schedule=linear_decay(LONG_EPOCHS))


LONG = StudyPlan(
    path=RESULTS / "batch_norm-long.jsonl",
    recipes={name: longer(WAYS[name]) for name in (NONE, NORM, GROUP)},
    data=DATA,
    seeds=5,
    train=partial(at_the_best_rate, factors=LONG_FACTORS),  # type: ignore[arg-type]
    measure=of_all_rates,
    metrics=OF_RATES,
)
"""Four times as long: what is left of the lead."""

PLAN = StudyPlan(
    path=RESULTS / "batch_norm.jsonl",
    recipes=WAYS,
    data=DATA,
    seeds=10,
    train=at_the_best_rate,
    measure=of_all_rates,
    metrics=OF_RATES,
    headline=Headline(
        NORM, "accuracy", "2,000 images, 10 epochs, against none, each at its best learning rate"
    ),
    rivals=(
        Headline(NORM, "accuracy", "initialisation by He, no normalisation", against=HE),
        Headline(
            NORM, "accuracy", "branches that begin at zero, no normalisation", against=SHORTCUT
        ),
        Headline(NORM, "accuracy", "warmup, no normalisation", against=WARM),
        Headline(NORM, "accuracy", "group normalisation", against=GROUP),
    ),
    beside=(LONG, SMALL, GHOST, STATISTICS, SURFACE, LENGTHS),
)
