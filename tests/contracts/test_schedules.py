"""What every schedule promises. A new one is added to SCHEDULES, and nowhere else."""

import copy
import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

from tricks_lib import (
    constant,
    constant_warmup,
    cosine_decay,
    cosine_restarts,
    gradual_warmup,
    linear_decay,
    schedules,
    step_decay,
)

SCHEDULES = {  # by name, length -> schedule
    "constant": lambda length: constant(),
    "constant_warmup": lambda length: constant_warmup(length, 0.1),
    "constant_warmup, restarts": lambda length: constant_warmup(
        length, 0.3, then=cosine_restarts(length, 1.5)
    ),
    "gradual_warmup": lambda length: gradual_warmup(length),
    "gradual_warmup, cosine": lambda length: gradual_warmup(
        length, cosine_decay(3 * length), start=1 / 3
    ),
    "step_decay": lambda length: step_decay((length, 2.5 * length), gamma=0.2),
    "step_decay, none": lambda length: step_decay(()),
    "cosine_decay": lambda length: cosine_decay(length, final=0.01),
    "linear_decay": lambda length: linear_decay(length, final=0.1),
    "cosine_restarts": lambda length: cosine_restarts(length),
    "cosine_restarts, longer": lambda length: cosine_restarts(length, multiplier=2, final=0.2),
}

FOLLOWED = {name: build for name, build in SCHEDULES.items() if hasattr(build(1.0), "then")}

every = pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)
lengths = st.floats(1e-3, 1e5) | st.integers(1, 10**6)
times = st.floats(0, 1e12) | st.integers(0, 10**12)


def test_list_is_complete(assert_complete):
    every_file = [build(1.0) for build in SCHEDULES.values()]
    assert_complete(schedules, every_file, without=["linear_scaling"])  # a rate, not a schedule


@every
@given(length=lengths, time=times)
def test_factor_is_a_finite_number_of_at_least_zero(build, length, time):
    factor = build(length)(time)
    assert isinstance(factor, float)
    assert math.isfinite(factor)
    assert factor >= 0


@every
@given(length=lengths, asked=st.lists(times, max_size=8), time=times)
def test_only_time_matters(build, length, asked, time):
    schedule, twin = build(length), build(length)
    for other in asked:
        schedule(other)
    assert schedule(time) == twin(time)
    assert schedule == twin


@every
@given(length=lengths)
def test_it_is_a_value(build, length, rebuild):
    schedule = build(length)
    assert hash(schedule) == hash(build(length))
    for copied in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)):
        assert copied == schedule
        assert hash(copied) == hash(schedule)
    rebuilt = rebuild(schedule)
    assert type(rebuilt) is type(schedule)
    assert rebuilt == schedule
    for field in fields(schedule):
        with pytest.raises(FrozenInstanceError):
            setattr(schedule, field.name, 1)


def tell_time(time):
    return time


@pytest.mark.parametrize("build", FOLLOWED.values(), ids=FOLLOWED)
@given(length=st.floats(1e-3, 1e3), after=st.floats(0, 1e3))
def test_what_follows_starts_at_its_own_time_0(build, length, after):
    schedule = replace(build(length), then=tell_time)
    assert schedule(length) == 0
    assert schedule(length + after) == pytest.approx(after, abs=1e-9)
    # Before, it is not asked: this would be a negative factor.
    assert schedule(math.nextafter(length, 0)) >= 0


@every
def test_it_fits_into_lambda_lr(build):
    schedule = build(3)
    weight = torch.zeros(1, requires_grad=True)

    def start():
        optimizer = torch.optim.SGD([weight], lr=0.3)
        return optimizer, LambdaLR(optimizer, schedule)

    def follow(optimizer, scheduler, steps):
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()

    rates = []
    optimizer, scheduler = start()
    follow(optimizer, scheduler, 5)
    checkpoint = pickle.loads(pickle.dumps((optimizer.state_dict(), scheduler.state_dict())))
    optimizer, scheduler = start()
    optimizer.load_state_dict(checkpoint[0])
    scheduler.load_state_dict(checkpoint[1])
    follow(optimizer, scheduler, 5)
    assert rates == [0.3 * schedule(step) for step in range(10)]
