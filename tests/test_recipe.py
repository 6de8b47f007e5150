import math
import pickle
import re
from dataclasses import FrozenInstanceError, fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import tricks_lib
from tricks_lib import Recipe, cosine_decay, gradual_warmup, mlp, small_resnet, step_decay
from tricks_lib.ops.written import written

NAMES = vars(tricks_lib) | {"partial": partial}
SLOTS = ["model", "augment", "mix", "objective", "optimizer", "schedule", "stop"]


class OwnNetwork(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()


def own_augment(images):
    return images.flip(-1)


class Augmenter:
    def flip(self, images):
        return images.flip(-1)


def test_slots_are_those_of_the_course():
    assert [field.name for field in fields(Recipe)] == ["epochs", "batch_size", "lr", *SLOTS]


def test_a_recipe_is_a_value():
    recipe = Recipe(epochs=3, schedule=cosine_decay(3))
    assert recipe == Recipe(epochs=3, schedule=cosine_decay(3)) != Recipe(epochs=3)
    assert len({recipe, Recipe(epochs=3, schedule=cosine_decay(3)), Recipe()}) == 2
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    with pytest.raises(FrozenInstanceError):
        recipe.lr = 1
    assert replace(recipe, lr=0.3) == Recipe(epochs=3, lr=0.3, schedule=cosine_decay(3))


def test_repr_shows_what_was_changed():
    assert repr(Recipe()) == "Recipe()"
    recipe = Recipe(
        epochs=4,
        lr=0.05,
        model=partial(small_resnet, width=8, depths=(1, 2)),
        schedule=gradual_warmup(1, cosine_decay(3)),
    )
    assert repr(recipe) == (
        "Recipe(epochs=4, lr=0.05, model=partial(small_resnet, width=8, depths=(1, 2)), "
        "schedule=gradual_warmup(length=1, then=cosine_decay(length=3, final=0.0), start=0.0))"
    )
    assert repr(Recipe(augment=own_augment, model=OwnNetwork)) == (
        f"Recipe(model={__name__}.OwnNetwork, augment={__name__}.own_augment)"
    )


@given(
    epochs=st.integers(1, 10**6),
    batch_size=st.integers(1, 10**6),
    lr=st.floats(0, 1e6, exclude_min=True),
    model=st.sampled_from([small_resnet, mlp]),
    schedule=st.sampled_from([step_decay([1, 2.5]), gradual_warmup(1 / 3, cosine_decay(0.1))]),
)
def test_repr_rebuilds_the_recipe(epochs, batch_size, lr, model, schedule):
    recipe = Recipe(epochs, batch_size, lr, model, schedule=schedule)
    assert eval(repr(recipe), NAMES) == recipe


def test_repr_rebuilds_partials():
    recipe = Recipe(model=partial(partial(mlp, hidden=(8,)), size=5))
    rebuilt = eval(repr(recipe), NAMES)
    assert rebuilt.model.func is mlp
    assert rebuilt.model.keywords == {"hidden": (8,), "size": 5}
    assert repr(rebuilt) == repr(recipe)
    assert written(partial(mlp, 3, classes=2)) == "partial(mlp, 3, classes=2)"


def test_a_record_keeps_what_repr_shows():
    recipe = Recipe(epochs=4, augment=own_augment, schedule=step_decay([1]))
    assert recipe.written() == repr(recipe)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda images: images, "a lambda cannot be written down: give it a name with def"),
        (partial(lambda images, by: images, by=2), "a lambda cannot be written down"),
        (Augmenter().flip, r"Augmenter object at 0x.* cannot be written down"),
    ],
    ids=["lambda", "partial of a lambda", "method of an object without a repr"],
)
def test_a_recipe_that_nothing_rebuilds_can_be_shown_but_not_recorded(value, message):
    recipe = Recipe(epochs=2, augment=value)
    assert repr(recipe) == f"Recipe(epochs=2, augment={value!r})"
    with pytest.raises(ValueError, match=message):
        recipe.written()


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, True, np.int64(0), np.float64(2)])
def test_counts_are_whole_numbers(name, value):
    message = re.escape(f"{name} must be a whole number of at least 1, got {value!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    "lr", [0, -0.1, math.nan, math.inf, -math.inf, np.float32(math.inf), "0.1", None, True, 1j]
)
def test_the_rate_is_finite_and_above_zero(lr):
    message = re.escape(f"lr must be a finite number > 0, got {lr!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        Recipe(lr=lr)


def test_numbers_of_numpy_are_numbers():
    recipe = Recipe(epochs=np.int64(3), batch_size=np.uint8(16), lr=np.float64(0.2))
    assert recipe == Recipe(epochs=3, batch_size=16, lr=0.2)
    assert recipe.written() == "Recipe(epochs=3, batch_size=16, lr=0.2)"
    assert [type(recipe.epochs), type(recipe.batch_size)] == [int, int]  # none overflows later
    assert type(Recipe(lr=np.float16(0.1)).lr) is float
    assert repr(Recipe(epochs=10**400)) == f"Recipe(epochs={10**400})"


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("value", [None, 0.1, "mixup"])
def test_slots_hold_what_can_be_called(slot, value):
    with pytest.raises(TypeError, match=rf"^{slot} must be callable, such as \w.*, got {value!r}$"):
        Recipe(**{slot: value})


@pytest.mark.parametrize("slot", SLOTS)
def test_a_class_is_a_model_but_no_other_trick(slot):
    if slot == "model":
        assert Recipe(model=OwnNetwork).model is OwnNetwork
    else:
        with pytest.raises(TypeError, match=rf"^{slot} must be callable, such as .*, got <class"):
            Recipe(**{slot: OwnNetwork})
    with pytest.raises(TypeError, match=r"such as constant\(\), got <class .*cosine_decay'>$"):
        Recipe(schedule=cosine_decay)
