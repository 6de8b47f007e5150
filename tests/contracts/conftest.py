import functools
import pkgutil
import random

import numpy as np
import pytest
import torch

import tricks_lib
from tricks_lib.recipe import source


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
