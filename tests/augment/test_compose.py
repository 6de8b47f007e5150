"""Compose against torchvision's class of this name, from the same draws."""

import pytest
import torch
from torchvision.transforms import v2

from tricks_lib import (
    Compose,
    Cutout,
    HorizontalFlip,
    RandomCrop,
    RandomErasing,
    RandomResizedCrop,
    Rotation,
)

STEPS = [RandomCrop(3), HorizontalFlip(), Rotation(20, fill=9), Cutout(4, fill=0)]
IMAGES = torch.arange(6 * 3 * 12 * 10, dtype=torch.float32).view(6, 3, 12, 10)


@pytest.mark.parametrize("count", range(1, 5))
def test_it_is_torchvisions(count):
    torch.manual_seed(0)
    found = Compose(*STEPS[:count])(IMAGES)
    torch.manual_seed(0)
    assert torch.equal(found, v2.Compose(STEPS[:count])(IMAGES))


def test_the_order_is_the_order_given():
    def add_one(images):
        return images + 1

    def double(images):
        return 2 * images

    assert torch.equal(Compose(add_one, double)(IMAGES), 2 * (IMAGES + 1))
    assert torch.equal(Compose(double, add_one)(IMAGES), 2 * IMAGES + 1)


@pytest.mark.parametrize("size", [12, 90])
def test_it_writes_into_copies_of_its_own_only(size):
    images = torch.rand(3, 3, size, size)
    kept = images.clone()

    def view(images):
        return images[...]

    for steps in ([view, *STEPS], [STEPS[1], view, *STEPS], [Compose(view), *STEPS[1:]]):
        torch.manual_seed(0)
        found = Compose(*steps)(images)
        assert torch.equal(images, kept)
        torch.manual_seed(0)
        assert torch.equal(found, v2.Compose(steps)(kept.clone()))
    seen = []
    Compose(*STEPS[:2], lambda images: seen.append(images) or images, *STEPS[2:])(images)
    torch.manual_seed(0)
    middle = seen[0].clone()
    Compose(HorizontalFlip(1.0), Cutout(4, fill=0))(seen[0])
    assert torch.equal(seen[0], middle)


@pytest.mark.parametrize("size", [16, 20, (9, 30)])
@pytest.mark.parametrize("shape", [(64, 3, 48, 40), (3, 48, 40)])
def test_what_follows_a_scaled_crop_is_drawn_for_its_size(shape, size):
    images = torch.ones(shape)
    high, wide = (size, size) if isinstance(size, int) else size
    steps = RandomErasing(1.0, fill=0), Cutout(4, fill=0)
    for scaled in (RandomResizedCrop(size), Compose(HorizontalFlip(), RandomResizedCrop(size))):
        found = Compose(scaled, *steps)(images)
        assert found.shape == (*shape[:-2], high, wide)
        assert scaled.output_shape(shape) == found.shape
    _, _, holes = Compose(scaled, *steps).draw((2000, 3, 48, 40))
    assert (holes.y.max(), holes.x.max()) == (high - 1, wide - 1)


def test_a_draw_repeats_it():
    trick = Compose(*STEPS, Compose(HorizontalFlip()))
    draw = trick.draw(IMAGES.shape)
    assert torch.equal(trick.apply(IMAGES, draw), trick.apply(IMAGES, draw))
    same = [trick.draw(IMAGES.shape, generator=torch.Generator().manual_seed(1)) for _ in "ab"]
    assert torch.equal(*(trick.apply(IMAGES, draw) for draw in same))


def test_of_nothing_is_nothing():
    assert torch.equal(Compose()(IMAGES), IMAGES)


def test_it_compares_by_its_steps():
    assert Compose(*STEPS) == Compose(*STEPS)
    assert hash(Compose(*STEPS)) == hash(Compose(*STEPS))
    assert Compose(*STEPS) != Compose(*reversed(STEPS))
    assert Compose(*STEPS) != STEPS


def test_the_mean_colour_reaches_steps_within_steps():
    mean = torch.tensor([0.2, 0.4, 0.6])
    inner = Compose(Rotation(20, fill=None), Cutout(4, fill=5))
    bound = Compose(HorizontalFlip(), inner).with_mean(mean)
    color = (51, 102, 153)
    assert bound == Compose(HorizontalFlip(), Compose(Rotation(20, fill=color), Cutout(4, fill=5)))


@pytest.mark.parametrize("step", [HorizontalFlip, "flip", None])
def test_a_step_is_an_augmentation(step):
    message = r"steps must be augmentations, such as HorizontalFlip\(\), got"
    with pytest.raises(TypeError, match=message):
        Compose(HorizontalFlip(), step)
