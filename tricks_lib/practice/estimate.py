"""How long a study will take: from a few steps of each arm, and what is done already.

Chapter: notebooks/20_own_images.ipynb
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch

from ..lab.data import Data
from ..lab.distributed import workers
from ..lab.metrics import evaluate
from ..lab.steps import Training, pick_device
from ..ops.written import written
from ..recipe import Recipe
from ..stopping import never
from .measure import MOST_TRAINING_IMAGES

__all__ = ["images_looked_at", "run_seconds", "side_by_side", "study_seconds", "threads_of_torch"]

WARM_UP = 2
"""Steps that are not counted: the first ones choose kernels, and fetch memory."""

ENOUGH = 0.4
"""Seconds of steps after which their mean is known well enough."""

FEW = 256
"""Images on which an evaluation is timed."""

START_OF_A_PROCESS = 6.0
"""Seconds that a process of its own needs before its first run, to load torch."""


def run_seconds(
    recipes: Mapping[str, Recipe],
    data: Data,
    *,
    device: str | torch.device | None = None,
    threads: int = 1,
    images: int,
) -> dict[str, float]:
    """Guess how long one run of each arm takes, from a few of its steps and a small evaluation.

    A run that stops early is counted as if it went on to its end.

    Args:
        recipes: by arm.
        data: what they are trained and scored on.
        device: where.
        threads: threads of torch on the CPU.
        images: how many are looked at when a run is over, see `images_looked_at`.

    Returns:
        Seconds, by arm.
    """
    device = pick_device(device)
    evaluations: dict[str, float] = {}
    found = {}
    with threads_of_torch(threads):
        for arm, recipe in recipes.items():
            probe = replace(recipe, lr=min(recipe.lr, 1e-6))
            started = time.perf_counter()
            training = Training(probe, data, device=device)  # too small a step to diverge
            built = time.perf_counter() - started
            step = _seconds_of_a_step(training)
            network = written(recipe.model)
            if network not in evaluations:
                evaluations[network] = _seconds_of_an_image(training)
            image = evaluations[network]
            looks = 0
            if recipe.stop is not never and data.validation is not None:
                looks = len(data.validation) * recipe.epochs
            found[arm] = built + recipe.epochs * training.per_epoch * step
            found[arm] += image * (images + looks)
    return found


def study_seconds(
    one_run: Mapping[str, float],
    missing: Mapping[str, int],
    *,
    workers: int = 1,
    threads: int = 1,
    device: str | torch.device | None = None,
) -> float:
    """Guess how long the runs that are missing take together.

    Args:
        one_run: seconds of a run, by arm.
        missing: how many runs each arm lacks.
        workers: how many are made side by side.
        threads: threads of torch in each.
        device: where they are made.
    """
    total = sum(one_run[arm] * count for arm, count in missing.items())
    beside = side_by_side(sum(missing.values()), workers, threads, pick_device(device))
    return total / beside + (START_OF_A_PROCESS if workers > 1 and total else 0.0)


def side_by_side(runs: int, workers: int, threads: int, device: torch.device) -> float:
    """Guess how many times faster runs get side by side: not beyond the cores that there are."""
    cores = max(1, (os.cpu_count() or 1) // threads) if device.type == "cpu" else workers
    return max(1, min(runs, workers, cores))


def images_looked_at(data: Data) -> int:
    """Return how many images `with_details` looks at: the test images twice."""
    validation = len(data.validation) if data.validation is not None else 0
    return 2 * len(data.test) + min(len(data.train), MOST_TRAINING_IMAGES) + validation


def _seconds_of_a_step(training: Training) -> float:
    """Return the mean time of a few steps, without the first."""
    taken, started = 0, time.perf_counter()
    for number, step in enumerate(training, start=1):
        step.loss.item()  # waits for the device
        if number <= WARM_UP:
            started = time.perf_counter()
            continue
        taken += 1
        # Workers that take a step together must also stop together.
        if workers().share_value(time.perf_counter() - started > ENOUGH):
            break
    spent = time.perf_counter() - started
    return spent / taken if taken else 0.0


def _seconds_of_an_image(training: Training) -> float:
    """Return how long it takes to score an image."""
    few = training.data.subset(test=min(FEW, len(training.data.test)))
    evaluate(training.model, few)  # the first also warms up
    started = time.perf_counter()
    evaluate(training.model, few)
    return (time.perf_counter() - started) / len(few.test)


@contextmanager
def threads_of_torch(count: int) -> Iterator[None]:
    """Let torch compute with so many threads on the CPU meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
