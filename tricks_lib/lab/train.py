"""The training loop of every chapter.

Chapter: notebooks/00_baseline.ipynb
"""

import math
import time
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from ..recipe import Recipe
from .data import Data
from .metrics import Metrics, choose_split, predict
from .metrics import evaluate as evaluate_model
from .progress import progress
from .steps import Training

__all__ = ["Diverged", "Evaluate", "History", "Run", "fit"]

Evaluate = Literal["end", "every epoch"] | None
"""When a run is scored: never, when it is over, or after every epoch."""


@dataclass
class History:
    """What happened during a run.

    Args:
        loss: training loss of each step, on the batch before its update, in nats.
        lr: learning rate of each step.
        steps_per_epoch: how many of the steps make an epoch.
        epochs: metrics after each epoch; empty where none were asked for.
        validation: loss on the validation split after each epoch, in nats; empty where the recipe
            has no rule to stop by.
        kept: number of the epoch whose weights the network has, from 0; None for the last.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    steps_per_epoch: int = 1
    epochs: list[Metrics] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: int | None = None

    def epoch_losses(self) -> list[float]:
        """Return the mean training loss of each epoch that was trained to its end, in nats."""
        size = self.steps_per_epoch
        ends = range(size, len(self.loss) + 1, size)
        return [sum(self.loss[end - size : end]) / size for end in ends]


@dataclass(frozen=True)
class Run:
    """A training run: what was asked, what came of it.

    Args:
        recipe: how it was trained.
        seed: number that fixed the initial weights, the order of the images and the tricks' draws.
        model: the trained network, in evaluation mode, on the device it was trained on.
        history: losses and learning rates per step, metrics per epoch.
        seconds: wall-clock time.
        metrics: what the network scored; None where nothing was asked for.
        snapshots: copies of the network on the way, in evaluation mode, by the number of epochs
            that they were trained for; empty where none were asked for.
    """

    recipe: Recipe
    seed: int
    model: nn.Module
    history: History
    seconds: float
    metrics: Metrics | None = None
    snapshots: dict[int, nn.Module] = field(default_factory=dict)

    @property
    def final(self) -> Metrics:
        """Metrics of the network: after the last epoch, or after the one whose weights were kept.

        Raises:
            ValueError: if the run was not evaluated.
        """
        if self.metrics is None:
            raise ValueError("this run was not evaluated: train it with evaluate='end'")
        return self.metrics


class Diverged(ArithmeticError):
    """The training loss, or what the network answers in the end, is infinite or not a number.

    Args:
        recipe: how the run was trained.
        history: what was recorded up to and including the step that failed.
        found: what is not finite, such as "the loss became nan".
    """

    def __init__(self, recipe: Recipe, history: History, found: str):
        self.recipe = recipe
        self.history = history
        self.step = len(history.loss) - 1
        super().__init__(
            f"{found} at step {self.step} (epoch {self.step / history.steps_per_epoch:.2f}, "
            f"learning rate {history.lr[-1]:.4g}): try a smaller learning rate, or warmup"
        )


def fit(
    recipe: Recipe,
    data: Data,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    evaluate: Evaluate = None,
    on: str = "test",
    watch: Callable[[History], None] | None = None,
    snapshots: Collection[int] = (),
) -> Run:
    """Train a fresh network by a recipe.

    On one machine, with the same number of threads, the same seed gives the same numbers. Two
    recipes with the same seed start from the same weights (if their models agree) and see the
    images in the same order. An incomplete last batch is left out, so that every step averages
    over equally many images. Under `torchrun` the workers share each batch.

    Args:
        recipe: how to train.
        data: what to train on.
        seed: fixes everything random; the caller's own random state is left alone.
        device: where to train; by default CUDA, then MPS, then the CPU, whichever is there.
        evaluate: when to score the network: "end", "every epoch", or None, the default, which
            looks at no test image. Nothing in the training depends on it.
        on: split to score: "test", "validation" or "train". A rule to stop by looks at
            "validation", whatever this says.
        watch: called after each epoch with the history so far, to draw or print it.
        snapshots: after how many epochs to keep a copy of the network, each from 1 to the recipe's
            epochs.

    Returns:
        The trained network with its history.

    Raises:
        Diverged: as soon as the loss is seen not to be finite, or if the network answers with
            infinite numbers after the last step.
        ValueError: if `evaluate` is something else, if `data` has no such split, or no validation
            split for a recipe that stops early, if a snapshot is asked for outside of the training,
            or if the batch cannot be shared among the workers.
    """
    started = time.perf_counter()
    stops = recipe.stop != Recipe().stop
    _check(recipe, data, evaluate, on, snapshots, stops)
    training = Training(recipe, data, seed=seed, device=device)
    model, data, team = training.model, training.data, training.team
    history = History(steps_per_epoch=training.per_epoch)
    losses = Losses(recipe, history, training.device)
    best: dict[str, Tensor] = {}
    kept: dict[int, nn.Module] = {}
    with progress(recipe.epochs * training.per_epoch, "training", "step") as bar:
        for step in training:
            losses.add(step.loss, step.lr)
            bar.update()
            if not step.ends_epoch:
                continue
            losses.read()
            team.align(model)
            if evaluate == "every epoch":
                history.epochs.append(evaluate_model(model, data, on))
            if stops:
                # The first worker's number, so that all of them stop at the same epoch.
                loss = team.share_value(evaluate_model(model, data, "validation").nll)
                history.validation.append(loss)
                if not math.isfinite(loss):
                    raise Diverged(recipe, history, f"the validation loss became {loss}")
                if history.kept is None or loss < history.validation[history.kept]:
                    history.kept = step.epoch
                    best = {name: value.clone() for name, value in model.state_dict().items()}
            if step.epoch + 1 in snapshots:
                kept[step.epoch + 1] = deepcopy(model).eval()
            if watch:
                watch(history)
            if stops and recipe.stop(history.validation):
                break
    if stops:
        model.load_state_dict(best)
    _check_answers(model, data, recipe, history)
    metrics = evaluate_model(model, data, on) if evaluate == "end" else None
    if evaluate == "every epoch":
        metrics = history.epochs[-1 if history.kept is None else history.kept]
    seconds = time.perf_counter() - started
    return Run(recipe, seed, model.eval(), history, seconds, metrics, kept)


def _check(
    recipe: Recipe,
    data: Data,
    evaluate: Evaluate,
    on: str,
    snapshots: Collection[int],
    stops: bool,
) -> None:
    """Say now, not after an epoch, what cannot be done."""
    if evaluate not in (None, "end", "every epoch"):
        raise ValueError(f"evaluate must be None, 'end' or 'every epoch', got {evaluate!r}")
    if evaluate:
        choose_split(data, on)
    if stops:
        choose_split(data, "validation")
    if any(count not in range(1, recipe.epochs + 1) for count in snapshots):
        raise ValueError(
            f"snapshots must be numbers of epochs from 1 to {recipe.epochs}, got {snapshots!r}"
        )


def _check_answers(model: nn.Module, data: Data, recipe: Recipe, history: History) -> None:
    """Look at the network after its last step: no later loss would show that it exploded there.

    Raises:
        Diverged: if it answers the first training images with numbers that are not finite.
    """
    few = data.subset(train=min(128, len(data.train)))
    if not predict(model, few, "train").isfinite().all():
        raise Diverged(recipe, history, "the network's answers are not finite after its last step,")


class Losses:
    """Collects losses without making the device wait, and stops a run whose loss is not finite.

    Reading one number from a GPU waits for all work queued before it, so losses are read in
    lots; on a CPU nothing is queued and each is read at once.

    Args:
        recipe: how the run is trained, for the message.
        history: where losses and learning rates go.
        device: where the losses come from.
    """

    def __init__(self, recipe: Recipe, history: History, device: torch.device):
        self.recipe, self.history = recipe, history
        self.lot = 1 if device.type == "cpu" else 32
        self.unread: list[tuple[Tensor, float]] = []

    def add(self, loss: Tensor, lr: float) -> None:
        """Take in the loss and the learning rate of one step."""
        self.unread.append((loss, lr))
        if len(self.unread) >= self.lot:
            self.read()

    def read(self) -> None:
        """Move what was taken in to the history.

        Raises:
            Diverged: at the first loss that is not finite.
        """
        if not self.unread:
            return
        losses = torch.stack([loss for loss, _ in self.unread]).tolist()
        for loss, (_, lr) in zip(losses, self.unread, strict=True):
            self.history.loss.append(loss)
            self.history.lr.append(lr)
            if not math.isfinite(loss):
                raise Diverged(self.recipe, self.history, f"the loss became {loss}")
        self.unread.clear()
