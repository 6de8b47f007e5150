import functools
import os

import pytest
import torch
from hypothesis import settings

from tricks_lib.lab.data import Data, Split, cache, load
from tricks_lib.lab.data.splits import assemble

# The machine may be busy with something else.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

torch.set_num_threads(1)  # on tensors this small, threads only wait for each other


@pytest.fixture(scope="session")
def toy():
    """Build small data sets that a network learns in a few steps: one bright row per class."""

    def build(train=64, test=40, channels=1, classes=4, size=8):
        draws = torch.Generator().manual_seed(1)

        def split(count):
            labels = torch.arange(count) % classes
            shape = (count, channels, size, size)
            images = torch.randint(0, 128, shape, generator=draws, dtype=torch.uint8)
            images[torch.arange(count), :, labels] += 127
            images[:, 0, -1, -1] = torch.arange(count) % 256  # tells images apart
            return Split(images, labels)

        return Data(
            "toy",
            train=split(train),
            test=split(test),
            classes=tuple(f"row {row}" for row in range(classes)),
            mean=torch.full((channels,), 0.3),
            std=torch.full((channels,), 0.2),
        )

    return build


@pytest.fixture(autouse=True)
def networks_of_the_tests(tmp_path_factory, monkeypatch):
    """Keep what switches train out of the user's cache, and what is there out of the tests."""
    monkeypatch.setattr(cache, "NETWORKS", str(tmp_path_factory.getbasetemp() / "networks"))


@pytest.fixture
def photographs_or_noise():
    """CIFAR-10 where `TRICKS_CIFAR10` names it; else noise in its shape, since a test loads nothing
    from the network. Noise is called so by its data's name."""
    if os.environ.get("TRICKS_CIFAR10"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "load_published", lambda name, cache: noise(f"noise, not {name}"))
        yield


@functools.cache
def noise(name):
    """Noise in the shape of CIFAR-10, class by class as in a folder: fewer training images, as many
    test images."""
    draws = torch.Generator().manual_seed(1)

    def split(count):
        shape = (count, 3, 32, 32)
        images = torch.randint(0, 256, shape, generator=draws, dtype=torch.uint8)
        return Split(images, torch.arange(count) * 10 // count)

    return assemble(name, list("abcdefghij"), {"train": split(12_000), "test": split(10_000)})


def pytest_collection_modifyitems(items):
    """Refuse names of tests that are others in each process: pytest-xdist could not share them."""
    moving = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if moving:
        raise pytest.UsageError(f"a name holds an address in memory; give it ids: {moving[0]}")
