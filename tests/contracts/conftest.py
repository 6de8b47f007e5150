import functools
import pkgutil
import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import tricks_lib
from tricks_lib.recipe import source

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def module_of(trick):
    """Name of the file that a trick comes from: "cutout" for tricks_lib/augment/cutout.py."""
    if isinstance(trick, functools.partial):
        return module_of(trick.func)
    home = trick if hasattr(trick, "__qualname__") else type(trick)
    return home.__module__.rpartition(".")[2]


@pytest.fixture(scope="session")
def assert_complete():
    """Check that a list has an entry from every file of its package."""

    def check(package, tricks, without=()):
        files = {module.name for module in pkgutil.iter_modules(package.__path__)}
        assert {module_of(trick) for trick in tricks} == files - set(without)

    return check


@pytest.fixture(scope="session")
def rebuild():
    """Evaluate what a record holds of a trick, with the names that the package exports."""
    names = vars(tricks_lib) | {"partial": functools.partial}
    return lambda trick: eval(source(trick), names)


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
def device(request):
    """Every device that there is."""
    return torch.device(request.param)


@pytest.fixture
def without_waiting():
    """Fail as soon as something inside waits for a CUDA device; a CPU never waits."""

    def call(function, device):
        if device.type != "cuda":
            return function()
        function()  # the first call may choose kernels
        torch.cuda.set_sync_debug_mode("error")
        try:
            return function()
        finally:
            torch.cuda.set_sync_debug_mode("default")

    return call


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
