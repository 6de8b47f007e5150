import functools
import random

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset

import tricks_lib
from tricks_lib.ops.written import written

from .device import DEVICES


@pytest.fixture(scope="session")
def rebuild():
    """Evaluate what a record holds of a trick, with the names that the package exports."""
    exported = vars(tricks_lib) | {"partial": functools.partial}

    def evaluate(trick, **names):
        try:
            text = written(trick)
        except ValueError as error:
            problem = f"A record cannot hold it. {error}"
        else:
            return eval(text, exported | names)
        pytest.fail(problem, pytrace=False)

    return evaluate


@pytest.fixture(scope="session")
def repeat():
    """Call twice from the same seed of torch, and another of every other generator."""

    def twice(call, seed=0):
        results = []
        for other in (1, 2):
            random.seed(other)
            np.random.seed(other)
            torch.manual_seed(seed)
            results.append(call())
        return results

    return twice


@pytest.fixture(params=DEVICES)
def accelerator(request):
    """Every accelerator that there is, and the one that is pretended, switched on."""
    with request.param() as accelerator:
        yield accelerator


@pytest.fixture(params=["cpu", *DEVICES], ids=lambda kind: getattr(kind, "__name__", kind))
def device(request):
    """The CPU, and the devices of all accelerators."""
    if request.param == "cpu":
        yield torch.device("cpu")
    else:
        with request.param() as accelerator:
            yield accelerator.device


class Counter(TorchDispatchMode):
    """Counts the operations that torch is asked for."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope="session")
def loops_over_images():
    """Say that there is a loop over the images, if torch is asked for more the more there are.

    A few operations more are no loop: with more images, more kinds of draws occur in a batch.
    """

    def check(name, prepare, few=512):
        counts = []
        for images in (few, 2 * few):
            call = prepare(images)
            torch.manual_seed(0)
            with Counter() as counter:
                call()
            counts.append(counter.count)
        if counts[1] - counts[0] <= few // 8:
            return None
        return (
            f"{name} loops over the images: {counts[0]} operations of torch for {few} images, "
            f"{counts[1]} for {2 * few}. Treat the batch as a whole, with one operation for all "
            "images, or an accelerator waits for Python."
        )

    return check


@pytest.fixture(scope="session")
def from_a_worker():
    """Deal out batches from another process."""

    def deal(items, collate_fn=None, size=4):
        torch.manual_seed(0)
        loader = DataLoader(items, batch_size=size, num_workers=1, collate_fn=collate_fn)
        return list(loader)

    return deal


class Treated(TensorDataset):
    """Images, each treated when it is asked for."""

    def __init__(self, treat, images):
        super().__init__(images)
        self.treat = treat

    def __getitem__(self, index):
        return self.treat(self.tensors[0][index])


@pytest.fixture(scope="session")
def treated():
    return Treated
