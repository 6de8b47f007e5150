from dataclasses import replace

import pytest
import torch

from tricks_lib.lab.data import Split
from tricks_lib.models import small_resnet
from tricks_lib.practice.defaults import baseline, plan_in_words, with_validation


@pytest.mark.parametrize("count", [8, 20, 244, 1000, 2047, 2048, 10_000, 60_000])
def test_few_images_make_enough_steps_and_few_are_left_out(toy, count):
    recipe = baseline(toy(train=count))
    steps = count // recipe.batch_size
    assert steps * recipe.epochs >= 400
    assert recipe.epochs >= 10
    assert min(count, 16) <= recipe.batch_size <= 128
    assert count - steps * recipe.batch_size <= count / 16
    assert f"length={recipe.epochs}," in repr(recipe.schedule)
    if count == 244:
        assert (recipe.batch_size, recipe.epochs) == (16, 27)
    if count == 10_000:
        assert (recipe.batch_size, recipe.epochs) == (128, 10)  # the course's own


@pytest.mark.parametrize(
    ("asked", "batch_size", "epochs"),
    [
        ({"batch_size": 61}, 61, 100),
        ({"epochs": 3}, 16, 3),
        ({"epochs": 3, "batch_size": 500}, 500, 3),
    ],
)
def test_what_is_asked_for_is_kept(toy, asked, batch_size, epochs):
    recipe = baseline(toy(train=244), **asked)
    assert (recipe.batch_size, recipe.epochs) == (batch_size, epochs)
    assert baseline(toy(), lr=0.03, pretrained=True).lr == 0.03
    assert baseline(toy(), model=small_resnet).model is small_resnet


def test_fine_tuning_starts_with_a_smaller_learning_rate(toy):
    assert baseline(toy()).lr == 0.1
    assert baseline(toy(), pretrained=True).lr == 0.01


def test_large_images_come_in_small_batches(toy):
    small, large = (baseline(toy(train=2048, test=4, size=size)) for size in (64, 224))
    assert (small.batch_size, large.batch_size) == (128, 32)
    assert large.epochs == 10


def test_steps_and_images_left_out_are_told(toy):
    recipe = baseline(toy(), epochs=1, batch_size=12)
    assert plan_in_words(recipe, toy()) == (
        "1 epochs of 5 × 12 images, 5 steps, learning rate 0.1 at the start; each epoch leaves out "
        "4 images."
    )
    assert "leaves out" not in plan_in_words(baseline(toy()), toy())


# --- Images to choose by ---


def labelled(toy, *counts):
    """Toy data with so many training images of each class, each image with a colour of its own."""
    labels = torch.cat([torch.full((count,), place) for place, count in enumerate(counts)])
    images = torch.zeros(len(labels), 1, 8, 8, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(len(labels)) % 256
    images[:, 0, 0, 1] = torch.arange(len(labels)) // 256
    return replace(toy(classes=len(counts)), train=Split(images, labels))


def colours(split):
    return (split.images[:, 0, 0, 0].int() + 256 * split.images[:, 0, 0, 1].int()).tolist()


@pytest.mark.parametrize(
    ("counts", "held"),
    [
        ((120, 120), [24, 24]),
        ((400, 12), [80, 2]),
        ((3, 2, 400), [1, 1, 80]),
        ((1, 5), [0, 1]),
        ((2, 2), [1, 1]),
    ],
)
def test_a_fifth_of_every_class_is_held_out(toy, counts, held):
    whole = labelled(toy, *counts)
    data = with_validation(whole)
    assert data.validation.labels.bincount(minlength=len(counts)).tolist() == held
    assert sorted(colours(data.train) + colours(data.validation)) == list(range(sum(counts)))
    assert colours(data.train) == sorted(colours(data.train))  # in the order they had
    assert data.test is whole.test
    again = with_validation(whole)
    assert colours(again.validation) == colours(data.validation)  # the same for all arms
    if sum(counts) > 100:
        other = with_validation(whole, seed=1)
        assert colours(other.validation) != colours(data.validation)


def test_a_validation_split_of_its_own_is_taken(toy):
    data = toy().hold_out(7)
    assert with_validation(data) is data


def test_too_few_images_to_hold_any_out_are_refused(toy):
    with pytest.raises(ValueError, match="expected a class of 2 or more training images"):
        with_validation(labelled(toy, 1, 1))
