"""What every augmentation promises. A new one is added to AUGMENTATIONS, and nowhere else."""

import pickle

import pytest
import torch
from torchvision.transforms import v2

from tricks_lib import Recipe, augment, identity

AUGMENTATIONS = [
    identity,
]

every = pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=repr)
shapes = pytest.mark.parametrize(
    "shape", [(16, 3, 32, 32), (5, 1, 28, 28), (1, 3, 9, 14), (3, 32, 32), (1, 28, 28)], ids=str
)


def pictures(shape):
    draws = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, generator=draws, dtype=torch.uint8)


def test_list_is_complete(assert_complete):
    assert_complete(augment, AUGMENTATIONS)
    assert Recipe().augment in AUGMENTATIONS


@every
@shapes
def test_shape_and_type_stay(augmentation, shape):
    augmented = augmentation(pictures(shape))
    assert augmented.shape == shape
    assert augmented.dtype == torch.uint8


@every
@shapes
def test_inputs_are_untouched(augmentation, shape):
    images = pictures(shape)
    augmentation(images)
    assert torch.equal(images, pictures(shape))


@every
def test_a_seed_of_torch_repeats_it(augmentation, repeat):
    images = pictures((16, 3, 32, 32))
    first, second = repeat(lambda: augmentation(images))
    assert torch.equal(first, second)


@every
def test_memory_layout_does_not_matter(augmentation, repeat):
    images = pictures((8, 3, 32, 32))
    other = images.contiguous(memory_format=torch.channels_last)
    plain, _ = repeat(lambda: augmentation(images))
    channels_last, _ = repeat(lambda: augmentation(other))
    assert torch.equal(plain, channels_last)


@every
def test_it_fits_into_compose(augmentation):
    pipeline = v2.Compose([augmentation, v2.ToDtype(torch.float32, scale=True)])
    assert pipeline(pictures((3, 32, 32))).shape == (3, 32, 32)


@every
def test_it_is_a_value(augmentation, rebuild, repeat):
    images = pictures((8, 3, 32, 32))
    expected, _ = repeat(lambda: augmentation(images))
    for twin in (rebuild(augmentation), pickle.loads(pickle.dumps(augmentation))):
        found, _ = repeat(lambda twin=twin: twin(images))
        assert torch.equal(found, expected)
