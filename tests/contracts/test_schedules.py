"""What every schedule promises."""

import copy
import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LambdaLR

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
    expected = [0.3 * schedule(step) for step in range(10)]
    assert rates == expected, "torch's scheduler follows other rates, resumed after five steps"
