"""What every schedule promises."""

import copy
import io
import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

from tricks_lib import gradual_warmup

from .discovery import files_of, in_slot, text_of
from .parameters import idle_parameters

SCHEDULES = {text_of(build(1.0)): build for _, build in in_slot("schedules")}
FOLLOWED = {text: build for text, build in SCHEDULES.items() if hasattr(build(1.0), "then")}

every = pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)
lengths = st.floats(1e-3, 1e5) | st.integers(1, 10**6)
times = st.floats(0, 1e12) | st.integers(0, 10**12)


@every
@given(length=lengths, time=times)
def test_factor_is_a_finite_number_of_at_least_zero(build, length, time):
    factor = build(length)(time)
    assert isinstance(factor, float), "a factor is a float"
    assert math.isfinite(factor), "a factor is infinite or NaN"
    assert factor >= 0, "a factor is below zero"


@every
@given(length=lengths, asked=st.lists(times, max_size=8), time=times)
def test_only_time_matters(build, length, asked, time):
    schedule, twin = build(length), build(length)
    for other in asked:
        schedule(other)
    assert schedule(time) == twin(time), "what was asked before changes the answer"
    assert schedule == twin, "a schedule keeps something between calls"


@every
@given(length=lengths)
def test_it_is_a_value(build, length, rebuild):
    schedule = build(length)
    assert hash(schedule) == hash(build(length)), "equal schedules have equal hashes"
    for copied in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)):
        assert copied == schedule, "a schedule equals its copy: use @dataclass(frozen=True)"
        assert hash(copied) == hash(schedule)
    rebuilt = rebuild(schedule)
    assert type(rebuilt) is type(schedule)
    assert rebuilt == schedule, "what a record holds builds another schedule"
    for field in fields(schedule):
        with pytest.raises(FrozenInstanceError):
            setattr(schedule, field.name, 1)


@pytest.mark.parametrize("trick", files_of("schedules"))
def test_every_parameter_does_something(trick):
    idle = list(idle_parameters(trick, lambda schedule: [schedule(t / 4) for t in range(80)]))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


def tell_time(time):
    return time


@pytest.mark.parametrize("build", FOLLOWED.values(), ids=FOLLOWED)
@given(length=st.floats(1e-3, 1e3), after=st.floats(0, 1e3))
def test_what_follows_starts_at_its_own_time_0(build, length, after):
    schedule = replace(build(length), then=tell_time)
    assert schedule(length) == 0, "what follows begins at its own time 0"
    assert schedule(length + after) == pytest.approx(after, abs=1e-9)
    # Before, it is not asked: this would be a negative factor.
    assert schedule(math.nextafter(length, 0)) >= 0, "what follows is asked before its time"


def checkpoint_of(*parts):
    """The states, as a file holds them that is read without running code in it."""
    file = io.BytesIO()
    torch.save([part.state_dict() for part in parts], file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def start(schedule):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    return optimizer, LambdaLR(optimizer, schedule)


@every
def test_it_fits_into_lambda_lr(build):
    schedule, rates = build(3), []

    def follow(optimizer, scheduler, steps):
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()

    optimizer, scheduler = start(schedule)
    follow(optimizer, scheduler, 5)
    checkpoint = checkpoint_of(optimizer, scheduler)
    optimizer, scheduler = start(schedule)
    optimizer.load_state_dict(checkpoint[0])
    scheduler.load_state_dict(checkpoint[1])
    follow(optimizer, scheduler, 5)
    expected = [0.3 * schedule(step) for step in range(10)]
    assert rates == expected, "torch's scheduler follows other rates, resumed after five steps"


@every
@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_does_not_rewrite_it(build, nested):
    def make(length):
        return gradual_warmup(length, then=build(length)) if nested else build(length)

    schedule = make(3)
    _, scheduler = start(schedule)
    # As a file of another run has it, or one of a version whose schedules had a dictionary.
    (other,) = checkpoint_of(start(make(5))[1])
    by_name = {"length": 7.0, "period": 7.0, "final": 0.5, "start": 0.5, "then": None}
    for state in (other, other | {"lr_lambdas": [by_name]}):
        scheduler.load_state_dict(state)
        assert scheduler.lr_lambdas == [schedule], "a checkpoint put another schedule in its place"
        assert schedule == make(3), (
            "loading a checkpoint of LambdaLR wrote into a frozen schedule: derive it from "
            "tricks_lib.ops.stateless.Stateless, with @dataclass(frozen=True, slots=True)"
        )


@every
@given(length=st.integers(1, 100), time=st.integers(0, 200))
def test_numbers_may_be_numpys(build, length, time):
    expected = build(length)
    for kind in (np.int16, np.int64, np.float32, np.float64):
        schedule = build(kind(length))
        assert schedule(time) == expected(time), f"{kind.__name__} gives another factor"
        numbers = [value for value in vars_of(schedule) if isinstance(value, np.generic)]
        assert numbers == [], "numpy's numbers are to become Python's: keep_number does it"
    assert expected(np.int64(time)) == expected(time)


def vars_of(schedule):
    """All that a schedule holds, and what its parts hold."""
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            yield part
            yield from vars_of(part) if hasattr(part, "__dataclass_fields__") else ()


SETTINGS = [
    pytest.param(build, field.name, id=f"{text}, {field.name}")
    for text, build in SCHEDULES.items()
    for field in fields(build(1.0))
]


@pytest.mark.parametrize(("build", "name"), SETTINGS)
@pytest.mark.parametrize("value", ["5", None, math.nan, math.inf, -math.inf, True, [None], 1j])
def test_what_is_no_setting_is_refused_by_name(build, name, value):
    with pytest.raises((TypeError, ValueError), match=rf"\b{name} must (be|increase)"):
        replace(build(1.0), **{name: value})
