"""What a training step is: the only place that defines it.

`fit`, the look at the landscape and the benchmark of the data path all take their steps here.

Chapter: notebooks/00_baseline.ipynb
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from ..recipe import Recipe
from .data import Data
from .distributed import Workers, workers

__all__ = [
    "Step",
    "Training",
    "batches",
    "device_by_default",
    "memory_layout",
    "pick_device",
    "precision",
    "steps_per_epoch",
]


@dataclass(frozen=True)
class Step:
    """A training step that was just taken.

    Args:
        number: which one, from 0.
        epoch: number of its epoch, from 0.
        lr: learning rate that it took.
        loss: training loss on its batch before the update, in nats: a scalar on the device, the
            mean over the workers.
        ends_epoch: whether it is the last of its epoch.
    """

    number: int
    epoch: int
    lr: float
    loss: Tensor
    ends_epoch: bool


class Training:
    """A fresh network on its way through a recipe, one step at each turn of a `for` loop.

        training = Training(recipe, data, seed=0)
        for step in training:
            print(step.number, step.loss.item(), training.lr)  # training.model is at hand

    On one machine, with the same number of threads, the same seed gives the same numbers. Between
    two steps the caller may look at the network, draw random numbers, or leave the loop: the
    training has a random state of its own, which neither sees nor moves the caller's. Under
    `torchrun` the workers share each batch.

    Args:
        recipe: how to train.
        data: what to train on.
        seed: fixes everything random: initial weights, order of the images, draws of the tricks,
            from torch, numpy and `random`.
        device: where to train; by default CUDA, then MPS, then the CPU, whichever is there.

    Attributes:
        model: the network, in training mode while the loop runs.
        optimizer: what the recipe built for it.
        data: the data, on the device.
        per_epoch: steps in one epoch.
        team: the workers that train together.

    Raises:
        ValueError: if the batch cannot be shared among the workers.
    """

    def __init__(
        self, recipe: Recipe, data: Data, *, seed: int = 0, device: str | torch.device | None = None
    ):
        self.recipe, self.seed, self.team = recipe, seed, workers()
        self.device = pick_device(device)
        self.data = data.to(self.device)
        self.per_epoch = steps_per_epoch(recipe, data)
        self.random = RandomState(seed, self.device)
        self.order = torch.Generator().manual_seed(seed)  # apart from what the tricks draw
        with self.random, _deterministic():
            model = recipe.model(data.channels, data.num_classes).to(self.device)
            self.layout = memory_layout(model, self.device)
            self.model: nn.Module = model.to(memory_format=self.layout)
            self.optimizer = recipe.optimizer(self.model, recipe.lr)
            self.scheduler = LambdaLR(
                self.optimizer, lambda step: recipe.schedule(step / self.per_epoch)
            )
        if not self.model.training:
            self.model.train()
        # A part that its maker froze in evaluation mode is not among them, and stays so.
        self.training_parts = [part for part in self.model.modules() if part.training]
        self.network = self.team.share(self.model, self.device)
        self.random = RandomState(seed + self.team.rank, self.device)  # apart from what it drew
        augment = recipe.augment
        bind: Callable[[Tensor], Any] | None = getattr(augment, "with_mean", None)
        self.augment = bind(self.data.mean) if bind else augment

    @property
    def lr(self) -> float:
        """The learning rate that the next step takes."""
        return float(self.optimizer.param_groups[0]["lr"])

    def __iter__(self) -> Iterator[Step]:
        """Take one step after another, to the end of the recipe."""
        number = 0
        for epoch in range(self.recipe.epochs):
            for part in self.training_parts:  # an evaluation may have left another mode
                part.training = True
            dealt = batches(self.data, self.recipe.batch_size, self.order, self.team)
            for place, (images, targets) in enumerate(dealt, start=1):
                lr = self.lr
                with self.random, _deterministic():
                    loss = self.update(*self.prepare(images, targets))
                yield Step(number, epoch, lr, self.team.mean(loss), place == self.per_epoch)
                number += 1

    def prepare(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Augment, normalise and mix a batch, in the memory format that convolutions want.

        Args:
            images: uint8 (B, C, H, W).
            targets: rows of probabilities, float (B, K).
        """
        images = self.data.normalize(self.augment(images))
        images, targets = self.recipe.mix(images, targets)
        return images.contiguous(memory_format=self.layout), targets

    def update(self, images: Tensor, targets: Tensor) -> Tensor:
        """Go forward, backward, and one step down, with what `prepare` returned.

        Returns:
            The loss before the update, a scalar on the device.
        """
        with precision(self.device):
            loss, _ = self.recipe.objective(self.network, images, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.detach()


def batches(
    data: Data, size: int, order: torch.Generator, team: Workers | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Go through the training images once, in random order.

    An incomplete last batch is left out, so that every step averages over equally many images.

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


_BY_DEFAULT: ContextVar[torch.device | None] = ContextVar("device", default=None)


@contextmanager
def device_by_default(device: torch.device) -> Iterator[None]:
    """Let `pick_device` choose a device inside, so that a trick's switch trains where the study
    does. It does not reach other threads and processes."""
    token = _BY_DEFAULT.set(device)
    try:
        yield
    finally:
        _BY_DEFAULT.reset(token)


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """Return `device`, or that of `device_by_default`, or the best there is: CUDA, then MPS, then
    the CPU.

    Raises:
        ValueError: if torch knows no such device.
    """
    if device is None:
        device = _BY_DEFAULT.get()
    if device is None:
        if torch.cuda.is_available():
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        else:
            device = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"expected a device such as 'cuda' or 'cpu', got {device!r}") from error


def memory_layout(model: nn.Module, device: torch.device) -> torch.memory_format:
    """Choose how weights and images lie in memory: by pixel, which convolutions want, unless the
    network has a layer for which that is not safe.

    On a CPU a 1×1 convolution with a stride and 2 to 7 input channels, its images by pixel, makes
    oneDNN write beyond its memory: the process dies, or gradients are wrong in silence (oneDNN
    issue 6035).
    """
    unsafe = device.type == "cpu" and any(
        layer.kernel_size == (1, 1)
        and layer.stride != (1, 1)
        and layer.in_channels < 8 * layer.groups
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d)
    )
    return torch.contiguous_format if unsafe else torch.channels_last


def precision(device: torch.device) -> AbstractContextManager:
    """Compute in bfloat16 where the hardware has it, in float32 elsewhere."""
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16)


class RandomState:
    """The state of every generator that a run may draw from, in force inside `with`.

    What is drawn inside goes on where the last `with` left off; outside, the caller's generators
    are as they were. Covered are torch on the CPU and on the device, numpy, and `random`.

    Args:
        seed: where the generators start.
        device: whose generator is covered beside the CPU's.
    """

    def __init__(self, seed: int, device: torch.device):
        self.device = device
        before = self._read()
        try:
            torch.default_generator.manual_seed(seed)  # torch.manual_seed reaches every device
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            elif device.type != "cpu":
                getattr(torch, device.type).manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            self.inside = self._read()
        finally:
            self._write(before)
        self.outside: list[tuple] = []

    def __enter__(self) -> None:
        """Put the training's state in force."""
        self.outside.append(self._read())
        self._write(self.inside)

    def __exit__(self, *error: object) -> None:
        """Put the caller's state back, and remember the training's."""
        self.inside = self._read()
        self._write(self.outside.pop())

    def _read(self) -> tuple:
        return torch.get_rng_state(), self._on_device(), np.random.get_state(), random.getstate()

    def _write(self, state: tuple) -> None:
        cpu, on_device, numpy, python = state
        torch.set_rng_state(cpu)
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(on_device, self.device)
        elif self.device.type != "cpu":
            getattr(torch, self.device.type).set_rng_state(on_device)
        np.random.set_state(numpy)
        random.setstate(python)

    def _on_device(self) -> Tensor | None:
        """Return the state of the device's generator; None for the CPU, which has one already."""
        if self.device.type == "cuda":
            return torch.cuda.get_rng_state(self.device)
        if self.device.type == "cpu":
            return None
        state: Tensor = getattr(torch, self.device.type).get_rng_state()
        return state


@contextmanager
def _deterministic() -> Iterator[None]:
    """Choose kernels that repeat themselves."""
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True):
        yield
