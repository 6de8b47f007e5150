from dataclasses import replace
from functools import partial

import pytest

from tricks_lib import fit, small_resnet
from tricks_lib.augment import AutoAugment, Compose, HorizontalFlip, RandomCrop
from tricks_lib.ops.written import written
from tricks_lib.recipe import Recipe
from tricks_lib.recipes import small_photographs
from tricks_lib.schedules import cosine_decay


def test_it_is_a_recipe_with_four_tricks():
    recipe = small_photographs()
    assert recipe.augment == Compose(RandomCrop(), HorizontalFlip())
    assert recipe.schedule == cosine_decay(30) and recipe.optimizer == Recipe().optimizer
    for slot in ("model", "mix", "objective", "stop"):
        assert getattr(recipe, slot) == getattr(Recipe(), slot)


def test_a_long_run_takes_autoaugment_too():
    short, long = small_photographs(90), small_photographs(90, autoaugment=True)
    assert long.augment == Compose(*short.augment.steps, AutoAugment("cifar10"))
    assert replace(long, augment=short.augment) == short


@pytest.mark.parametrize("epochs", [1, 7, 90])
def test_the_learning_rate_falls_over_the_whole_run(epochs):
    recipe = small_photographs(epochs)
    assert recipe.epochs == epochs
    assert recipe.schedule(0) == 1 and recipe.schedule(epochs) == pytest.approx(0, abs=1e-9)


def test_the_network_can_be_larger_and_the_text_rebuilds_it():
    recipe = small_photographs(width=32)
    assert written(recipe.model) == written(partial(small_resnet, width=32))
    assert recipe.written().count("width=32") == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"epochs": 0}, "epochs"),
        ({"width": 0}, "width"),
        ({"width": 2.5}, "width"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": 0}, "lr"),
    ],
)
def test_a_number_out_of_its_range_is_named(wrong, told):
    with pytest.raises((ValueError, TypeError), match=told):
        small_photographs(**wrong)


def test_it_trains(toy):
    recipe = replace(small_photographs(2, width=4, lr=0.05), batch_size=16)
    run = fit(recipe, toy(), device="cpu", evaluate="end")
    assert len(run.history.loss) == 8 and run.history.lr[-1] < run.history.lr[0]


def test_it_is_the_best_of_the_recorded_study_on_validation_images():
    from tricks_lib.course.chapters.together import study as setting

    best = setting.best(setting.PLAN.recorded())
    assert setting.PLAN.recipes[best] == small_photographs(setting.LONG, setting.WIDTH)
    best = setting.best(setting.LONGEST.recorded())
    long = small_photographs(setting.LONGEST_EPOCHS, autoaugment=True)
    assert setting.LONGEST.recipes[best] == long
