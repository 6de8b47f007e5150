"""The training loop of every chapter.

Chapter: notebooks/00_baseline.ipynb
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from ..recipe import Recipe
from .data import Data
from .distributed import Workers, workers
from .metrics import Metrics, choose_split, evaluate
from .progress import progress


@dataclass
class History:
    """What happened during a run.

    Args:
        loss: training loss of each step, on the batch before its update, in nats.
        lr: learning rate of each step.
        epochs: metrics after each epoch; empty where none were asked for.
        validation: loss on the validation split after each epoch, in nats; empty where the recipe
            has no rule to stop by.
        kept: number of the epoch whose weights the network has, from 0; None for the last.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    epochs: list[Metrics] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: int | None = None


@dataclass(frozen=True)
class Run:
    """A training run: what was asked, what came of it.

    Args:
        recipe: how it was trained.
        seed: number that fixed the initial weights, the order of the images and the tricks' draws.
        model: the trained network, in evaluation mode, on the device it was trained on.
        history: losses and rates per step, metrics per epoch.
        seconds: wall-clock time.
        snapshots: copies of the network on the way, in evaluation mode, by the number of epochs
            that they were trained for; empty where none were asked for.
    """

    recipe: Recipe
    seed: int
    model: nn.Module
    history: History
    seconds: float
    snapshots: dict[int, nn.Module] = field(default_factory=dict)

    @property
    def final(self) -> Metrics:
        """Metrics of the network: after the last epoch, or after the one whose weights were kept.

        Raises:
            ValueError: if the run was not evaluated.
        """
        if not self.history.epochs:
            raise ValueError("this run was not evaluated: it was made with evaluate_on=None")
        return self.history.epochs[-1 if self.history.kept is None else self.history.kept]


class Diverged(ArithmeticError):
    """The training loss became infinite or not a number.

    Args:
        recipe: how the run was trained.
        history: what was recorded up to and including the step that failed.
        steps_per_epoch: steps in one epoch, to say where it happened.
    """

    def __init__(self, recipe: Recipe, history: History, steps_per_epoch: int):
        self.recipe = recipe
        self.history = history
        self.step = len(history.loss) - 1
        super().__init__(
            f"the loss became {history.loss[-1]} at step {self.step} "
            f"(epoch {self.step / steps_per_epoch:.2f}, learning rate {history.lr[-1]:.4g}): "
            "try a smaller learning rate, or warmup"
        )


def fit(
    recipe: Recipe,
    data: Data,
    seed: int = 0,
    device: str | torch.device | None = None,
    evaluate_on: str | None = "test",
    watch: Callable[[History], None] | None = None,
    snapshots: Collection[int] = (),
) -> Run:
    """Train a fresh network by a recipe.

    On one machine the same seed gives the same numbers. Two recipes with the same seed start from
    the same weights (if their models agree) and see the images in the same order. An incomplete
    last batch is left out, so that every step averages over equally many images. Under `torchrun`
    the workers share each batch.

    Args:
        recipe: how to train.
        data: what to train on.
        seed: fixes everything random; the caller's own random state is left alone.
        device: where to train; by default CUDA, then MPS, then the CPU, whichever is there.
        evaluate_on: split to score after each epoch ("test", "validation", "train"), or None.
            Nothing in the training depends on it; a rule to stop by looks at "validation".
        watch: called after each epoch with the history so far, to draw or print it. It should not
            draw random numbers from torch, which the training would then miss.
        snapshots: after how many epochs to keep a copy of the network, each from 1 to the recipe's
            epochs.

    Returns:
        The trained network with its history.

    Raises:
        Diverged: as soon as the loss is seen not to be finite.
        ValueError: if `data` has no such split, or no validation split for a recipe that stops
            early, if a snapshot is asked for outside of the training, or if the batch cannot be
            shared among the workers.
    """
    started = time.perf_counter()
    device, team, history = pick_device(device), workers(), History()
    data = data.to(device)
    if evaluate_on:
        choose_split(data, evaluate_on)  # says now, not after an epoch, if there is none
    if any(count not in range(1, recipe.epochs + 1) for count in snapshots):
        raise ValueError(
            f"snapshots must be numbers of epochs from 1 to {recipe.epochs}, got {snapshots!r}"
        )
    stops = recipe.stop != Recipe().stop
    if stops:
        choose_split(data, "validation")
    augment = recipe.augment
    if hasattr(augment, "with_mean"):
        augment = augment.with_mean(data.mean)
    steps = steps_per_epoch(recipe, data)
    bar = progress(recipe.epochs * steps, "training", "step")
    with bar, repeatable(device, seed):
        model = recipe.model(data.channels, data.num_classes)
        model = model.to(device, memory_format=torch.channels_last)
        network = team.share(model, device)
        optimizer = recipe.optimizer(model, recipe.lr)
        scheduler = LambdaLR(optimizer, lambda step: recipe.schedule(step / steps))
        order = torch.Generator().manual_seed(seed)  # apart from what the tricks draw
        torch.manual_seed(seed + team.rank)  # apart from what the model drew
        losses = Losses(recipe, history, steps, device)
        best: dict[str, Tensor] = {}
        kept: dict[int, nn.Module] = {}
        for epoch in range(recipe.epochs):
            model.train()
            for images, targets in batches(data, recipe.batch_size, order, team):
                images = data.normalize(augment(images))
                images, targets = recipe.mix(images, targets)
                images = images.contiguous(memory_format=torch.channels_last)
                with precision(device):
                    loss, _ = recipe.objective(network, images, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.add(team.mean(loss.detach()), optimizer.param_groups[0]["lr"])
                scheduler.step()
                bar.update()
            losses.read()
            if evaluate_on:
                history.epochs.append(evaluate(model, data, evaluate_on))
            if stops:
                known = evaluate_on == "validation"
                scored = history.epochs[-1] if known else evaluate(model, data, "validation")
                loss = scored.nll
                history.validation.append(loss)
                if history.kept is None or loss < history.validation[history.kept]:
                    history.kept = len(history.validation) - 1
                    best = {name: value.clone() for name, value in model.state_dict().items()}
            if epoch + 1 in snapshots:
                kept[epoch + 1] = deepcopy(model).eval()
            if watch:
                watch(history)
            if stops and recipe.stop(history.validation):
                break
        if stops:
            model.load_state_dict(best)
    return Run(recipe, seed, model.eval(), history, time.perf_counter() - started, kept)


def batches(
    data: Data, size: int, order: torch.Generator, team: Workers | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Deal out the training images once, in random order.

    Args:
        data: where the images come from; everything stays on its device.
        size: images in a batch over all workers; all images if there are fewer.
        order: draws the order.
        team: the worker that takes its share of each batch; None for one worker.

    Yields:
        uint8 images (B, C, H, W) and float target rows (B, K), all zeros but for a one.
    """
    team = team or Workers()
    rows = torch.eye(data.num_classes, device=data.device)
    shuffled = torch.randperm(len(data.train), generator=order).to(data.device)
    size = min(size, len(shuffled))
    for start in range(0, len(shuffled) - size + 1, size):
        picked = team.take(shuffled[start : start + size])
        yield data.train.images[picked], rows[data.train.labels[picked]]


def steps_per_epoch(recipe: Recipe, data: Data) -> int:
    """Count the full batches in one epoch; at least one."""
    return max(1, len(data.train) // recipe.batch_size)


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """Return `device`, or the best there is: CUDA, then MPS, then the CPU."""
    if device is None:
        if torch.cuda.is_available():
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        else:
            device = "mps" if torch.backends.mps.is_available() else "cpu"
    return torch.device(device)


def precision(device: torch.device):
    """Compute in bfloat16 where the hardware has it, in float32 elsewhere."""
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16)


@contextmanager
def repeatable(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch and choose deterministic kernels inside, put the caller's state back after."""
    accelerators = [device] if device.type != "cpu" else []
    kind = device.type if accelerators else "cuda"
    cudnn = torch.backends.cudnn
    with (
        torch.random.fork_rng(devices=accelerators, device_type=kind),
        cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True),
    ):
        torch.manual_seed(seed)
        yield


class Losses:
    """Collects losses without making the device wait, and stops a run whose loss is not finite.

    Reading one number from a GPU waits for all work queued before it, so losses are read in
    lots; on a CPU nothing is queued and each is read at once.

    Args:
        recipe: how the run is trained, for the message.
        history: where losses and rates go.
        steps_per_epoch: steps in one epoch, for the message.
        device: where the losses come from.
    """

    def __init__(
        self, recipe: Recipe, history: History, steps_per_epoch: int, device: torch.device
    ):
        self.recipe, self.history, self.steps_per_epoch = recipe, history, steps_per_epoch
        self.lot = 1 if device.type == "cpu" else 32
        self.unread: list[tuple[Tensor, float]] = []

    def add(self, loss: Tensor, lr: float) -> None:
        """Take in the loss and the rate of one step."""
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
            if not abs(loss) < float("inf"):
                raise Diverged(self.recipe, self.history, self.steps_per_epoch)
        self.unread.clear()
