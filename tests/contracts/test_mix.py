"""What every mixing trick promises. A new one is added to MIXES, and nowhere else."""

import pickle

import pytest
import torch
from torch.utils.data import DataLoader, default_collate

from tricks_lib import Recipe, keep, mix

MIXES = [
    keep,
]

every = pytest.mark.parametrize("trick", MIXES, ids=repr)
sizes = pytest.mark.parametrize("shape", [(16, 3, 32, 32), (5, 1, 28, 28), (1, 3, 9, 14)], ids=str)


def batch(shape):
    draws = torch.Generator().manual_seed(0)
    labels = torch.randint(10, shape[:1], generator=draws)
    return torch.randn(shape, generator=draws), torch.eye(10)[labels]


def test_list_is_complete(assert_complete):
    assert_complete(mix, MIXES)
    assert Recipe().mix in MIXES


@every
@sizes
def test_shapes_and_types_stay(trick, shape):
    images, targets = trick(*batch(shape))
    assert (images.shape, targets.shape) == (shape, (shape[0], 10))
    assert images.dtype == targets.dtype == torch.float32


@every
@sizes
def test_targets_stay_distributions(trick, shape):
    torch.manual_seed(1)
    _, targets = trick(*batch(shape))
    assert (targets >= 0).all()
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(shape[0]))


@every
@sizes
def test_inputs_are_untouched(trick, shape):
    images, targets = batch(shape)
    trick(images, targets)
    assert torch.equal(images, batch(shape)[0])
    assert torch.equal(targets, batch(shape)[1])


@every
def test_pixels_stay_between_the_darkest_and_the_brightest(trick):
    images, targets = batch((16, 3, 32, 32))
    mixed, _ = trick(images, targets)
    assert images.min() - 1e-5 <= mixed.min()
    assert mixed.max() <= images.max() + 1e-5


@every
def test_a_seed_of_torch_repeats_it(trick, repeat):
    images, targets = batch((16, 3, 32, 32))
    first, second = repeat(lambda: trick(images, targets))
    assert all(map(torch.equal, first, second))


@every
def test_it_fits_into_a_collate_function(trick):
    images, targets = batch((8, 3, 32, 32))
    pairs = list(zip(images, targets, strict=True))
    loader = DataLoader(pairs, batch_size=4, collate_fn=lambda part: trick(*default_collate(part)))
    for mixed, rows in loader:
        assert (mixed.shape, rows.shape) == ((4, 3, 32, 32), (4, 10))


@every
def test_it_is_a_value(trick, rebuild, repeat):
    images, targets = batch((8, 3, 32, 32))
    expected, _ = repeat(lambda: trick(images, targets))
    for twin in (rebuild(trick), pickle.loads(pickle.dumps(trick))):
        found, _ = repeat(lambda twin=twin: twin(images, targets))
        assert all(map(torch.equal, found, expected))
