import enum
import functools
import math
import random
import sys
from collections import namedtuple
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tricks_lib import (
    Compose,
    Cutout,
    Distillation,
    HorizontalFlip,
    Mixup,
    Recipe,
    constant,
    constant_warmup,
    gradual_warmup,
    linear_decay,
    mlp,
    supervised,
)
from tricks_lib.ops.written import same, written

HERE = __name__
WAY_OUT = "settings as `functools.partial"

Size = namedtuple("Size", "height width")


class Mode(enum.Enum):
    SOFT = 1
    HARD = 2


class Level(enum.IntEnum):
    LOW = 1


@dataclass(frozen=True)
class Flip:
    times: int = 1

    def __call__(self, images):
        return images.flip(-1)

    def twice(self, images):
        return images

    @classmethod
    def never(cls, images):
        return images

    @staticmethod
    def always(images):
        return images


@dataclass(frozen=True, repr=False)
class Quiet:
    """A dataclass whose `repr` is that of every object."""

    times: int = 1


@dataclass
class Counting:
    """A dataclass with a state that its text does not show."""

    times: int = 1
    seen: int = field(default=0, init=False, repr=False, compare=False)


@dataclass(slots=True)
class Slotted:
    """The same without a `__dict__`."""

    times: int = 1
    seen: int = field(default=0, init=False, repr=False, compare=False)


@dataclass(frozen=True)
class Hidden:
    """A dataclass that keeps a setting to itself."""

    times: int = 1
    secret: int = field(default=0, repr=False)


class Plain:
    """An object that says how to rebuild it, and does not say all."""

    def __init__(self, times=1):
        self.times = times
        self.seen = 0

    def __repr__(self):
        return f"Plain({self.times})"

    def apply(self, images):
        return images


class Circle:
    def __init__(self):
        self.me = self

    def __repr__(self):
        return "Circle()"


def made_elsewhere():
    return partial(mlp, hidden=(3,))


def maker(times):
    def inside(images):
        return images * times

    return inside


def wrapped_twice(function):
    @functools.wraps(function)
    def wrapper(images):
        return function(function(images))

    return wrapper


@wrapped_twice
def decorated(images):
    return images


def touched(value):
    """Give an object a state that it does not begin with."""
    value.seen = 5
    return value


# --- What has a text ---

WRITTEN = [
    (3, "3"),
    (True, "True"),
    (None, "None"),
    ("it's", '"it\'s"'),
    (b"\x00", "b'\\x00'"),
    (1e-5, "1e-05"),
    (-0.0, "-0.0"),
    (math.inf, "float('inf')"),
    (math.nan, "float('nan')"),
    ((1,), "(1,)"),
    ((), "()"),
    ([1, (2.5, "x")], "[1, (2.5, 'x')]"),
    ({"a": [1], 2: None}, "{'a': [1], 2: None}"),
    (np.float64(0.1), "0.1"),
    (np.int64(7), "7"),
    (np.float32(0.5), "0.5"),
    (torch.float64, "torch.float64"),
    (mlp, "mlp"),
    (Mixup(alpha=0.2), "Mixup(alpha=0.2)"),
    (
        Compose(HorizontalFlip(), Cutout(8)),
        "Compose(HorizontalFlip(p=0.5), Cutout(size=8, holes=1, fill=None))",
    ),
    (partial(partial(mlp, hidden=(2,)), size=np.int8(5)), "partial(mlp, hidden=(2,), size=5)"),
    (Cutout(8), "Cutout(size=8, holes=1, fill=None)"),
    (
        gradual_warmup(1, then=constant()),
        "gradual_warmup(length=1, then=constant(), start=0.0)",
    ),
    (partial(mlp, hidden=(8, 4)), "partial(mlp, hidden=(8, 4))"),
    (partial(mlp, 3, classes=[2]), "partial(mlp, 3, classes=[2])"),
    (supervised(nn.CrossEntropyLoss()), "supervised(loss=CrossEntropyLoss())"),
    (math.sqrt, "math.sqrt"),
    (len, "len"),
    (Flip, f"{HERE}.Flip"),
    (Flip(2), f"{HERE}.Flip(times=2)"),
    (Flip(2).twice, f"{HERE}.Flip(times=2).twice"),
    (Flip.never, f"{HERE}.Flip.never"),
    (Flip.always, f"{HERE}.Flip.always"),
    (Quiet(2), f"{HERE}.Quiet(times=2)"),
    (Counting(2), f"{HERE}.Counting(times=2)"),
    (Slotted(2), f"{HERE}.Slotted(times=2)"),
    (Mode.HARD, f"{HERE}.Mode.HARD"),
    (partial(mlp, hidden=Level.LOW), f"partial(mlp, hidden={HERE}.Level.LOW)"),
    (Plain(3), "Plain(3)"),
    (Size(2, 3), "Size(height=2, width=3)"),
    (decorated, f"{HERE}.decorated"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_a_value_is_written_as_one_would_type_it(value, text):
    assert written(value) == text


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=plain)
def test_plain_values_come_back_from_their_text(value):
    rebuilt = eval(written(value), {})
    assert same(rebuilt, value)
    assert repr(rebuilt) == repr(value)  # zeros and their signs, whole numbers and floats


# --- What has none ---

REFUSED = {
    "a lambda": lambda images: images,
    "a lambda in a partial": partial(lambda images, by: images, by=2),
    "a lambda in an object": gradual_warmup(1, then=lambda time: 1.0),
    "a closure": maker(0),
    "a lambda in a pipeline": Compose(Cutout(8), lambda images: images),
    "a closure in a partial": partial(maker(9), times=2),
    "a network": Distillation(mlp(1, 4)),
    "a loss with a setting": supervised(nn.CrossEntropyLoss(label_smoothing=0.1)),
    "a loss with weights": supervised(nn.CrossEntropyLoss(weight=torch.ones(3))),
    "a loss in a list": [nn.CrossEntropyLoss(label_smoothing=0.1)],
    "an object with a state": touched(Plain(3)),
    "a dataclass with a state": touched(Counting(3)),
    "a dataclass of slots with a state": touched(Slotted(3)),
    "a dataclass with a setting it does not show": Hidden(secret=1),
    "a method of an object with a state": touched(Plain(3)).apply,
    "an object without a text": object(),
    "a circle": Circle(),
    "a tensor": torch.arange(3),
    "an array": np.arange(3),
    "an array of objects": partial(mlp, hidden=np.array([1, 2])),
    "a generator": torch.Generator(),
    "a random state": random.Random(0).random,
    "a file": sys.stdout,
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_what_no_text_rebuilds_is_refused(value):
    with pytest.raises(ValueError, match="cannot be written down"):
        written(value)


@pytest.mark.parametrize("of", [0.1, 0.9])
def test_two_losses_of_one_text_are_both_refused_with_the_way_out(of):
    with pytest.raises(ValueError, match=WAY_OUT):
        written(supervised(nn.CrossEntropyLoss(label_smoothing=of)))


def test_two_teachers_of_one_architecture_are_both_refused():
    for _ in range(2):
        with pytest.raises(ValueError, match="make what has to be trained inside `train`"):
            written(Distillation(mlp(1, 4)))


def test_a_name_that_means_something_else_by_now_is_refused(monkeypatch):
    old = made_elsewhere
    assert written(old) == f"{HERE}.made_elsewhere"
    monkeypatch.setattr(sys.modules[HERE], "made_elsewhere", maker(1))
    with pytest.raises(ValueError, match="this name means something else now"):
        written(old)


@pytest.mark.parametrize("times", [0, 9])
def test_functions_made_by_one_function_are_all_refused(times):
    with pytest.raises(ValueError, match=r"maker.<locals>.inside cannot .* made inside another"):
        written(maker(times))


def test_a_method_of_what_was_changed_is_refused_and_of_what_was_not_is_written():
    assert written(Plain(3).apply) == "Plain(3).apply"
    with pytest.raises(ValueError, match="gives something else"):
        written(touched(Plain(3)).apply)


def test_writing_draws_nothing():
    network = supervised(nn.Linear(2, 2))
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="cannot be written down"):
        written(network)
    assert torch.equal(torch.get_rng_state(), before)


# --- Sameness ---


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (math.inf, -math.inf, False),
        (10**400, 10**401, False),  # too large for a float
        (10**400, math.nan, False),
        (0.1, np.float64(0.1), True),
        ([1, 2], (1, 2), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (torch.zeros(2), torch.zeros(2), True),
        (torch.zeros(2), torch.zeros(2, 1), False),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64), False),
        (nn.Dropout(0.5), nn.Dropout(0.5), True),
        (nn.Dropout(0.5), nn.Dropout(0.4), False),
        (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1), False),
        (partial(mlp, hidden=(1,)), partial(mlp, hidden=(1,)), True),
        (partial(mlp, hidden=(1,)), partial(mlp, hidden=[1]), False),
        (partial(mlp, hidden=(1,)), partial(mlp, 1, hidden=(1,)), False),
        (Flip(1).twice, Flip(1).twice, True),
        (Flip(1).twice, Flip(2).twice, False),
        (Flip.never, Flip.never, True),
        (Level.LOW, 1, False),
        (maker(0), maker(0), False),
        (Slotted(1), Slotted(1), True),
        (Slotted(1), touched(Slotted(1)), False),
        (Counting(1), touched(Counting(1)), False),
    ],
)
def test_sameness_is_of_all_that_a_value_holds(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_a_recipe_inside_something_is_written_with_all_its_schedules_name():
    recipe = Recipe(schedule=constant_warmup(1, 1.0, linear_decay(3)))
    assert written(recipe) == recipe.written()
    assert written({"student": recipe}) == f"{{'student': {recipe.written()}}}"
