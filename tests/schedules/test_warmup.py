import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.scheduler import CosineLRScheduler
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

from tricks_lib.schedules import (
    constant,
    constant_warmup,
    cosine_decay,
    gradual_warmup,
    step_decay,
)

LR = 3.2  # Goyal et al.: 0.1 for 256 images, k = 32 times as many


def same(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


def ours(schedule, steps):
    return [LR * schedule(step) for step in range(steps)]


@given(time=st.floats(0, 1e12))
def test_constant_is_one(time):
    assert constant()(time) == 1.0


@given(warmup=st.integers(1, 25), workers=st.integers(2, 64))
def test_constant_warmup_is_constant_lr(rates, warmup, workers):
    oracle = rates(lambda o: ConstantLR(o, factor=1 / workers, total_iters=warmup), 30, LR)
    assert ours(constant_warmup(warmup, start=1 / workers), 30) == same(oracle)


@given(warmup=st.integers(1, 25), workers=st.integers(2, 64))
def test_gradual_warmup_is_linear_lr(rates, warmup, workers):
    oracle = rates(lambda o: LinearLR(o, 1 / workers, 1.0, total_iters=warmup), 30, LR)
    assert ours(gradual_warmup(warmup, start=1 / workers), 30) == same(oracle)


@given(warmup=st.integers(2, 25))
def test_warmup_counted_from_one_is_linear_lr(rates, warmup):
    # He, T. et al. 2019: step t = 1 .. m has t/m of the rate.
    schedule = gradual_warmup(warmup - 1, start=1 / warmup)
    oracle = rates(lambda o: LinearLR(o, 1 / warmup, 1.0, total_iters=warmup - 1), 30, LR)
    assert ours(schedule, 30) == same(oracle)
    assert [schedule(step) for step in range(warmup)] == same(
        [(step + 1) / warmup for step in range(warmup)]
    )


@given(warmup=st.integers(1, 20), decay=st.integers(1, 40), workers=st.integers(2, 64))
def test_gradual_warmup_and_cosine_is_sequential_lr(rates, warmup, decay, workers):
    def sequence(optimizer):
        rise = LinearLR(optimizer, 1 / workers, 1.0, total_iters=warmup)
        fall = CosineAnnealingLR(optimizer, T_max=decay)
        return SequentialLR(optimizer, [rise, fall], milestones=[warmup])

    schedule = gradual_warmup(warmup, cosine_decay(decay), start=1 / workers)
    steps = warmup + decay + 1  # after that PyTorch's cosine rises again
    assert ours(schedule, steps) == same(rates(sequence, steps, LR))
    assert schedule(warmup) == 1.0
    assert schedule(warmup + decay) == 0.0


@given(warmup=st.integers(1, 20), decay=st.integers(1, 40))
def test_gradual_warmup_and_cosine_is_timm_with_prefix(warmup, decay):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], LR)
    scheduler = CosineLRScheduler(
        optimizer, t_initial=decay, warmup_t=warmup, warmup_lr_init=0, warmup_prefix=True
    )
    oracle = []
    for step in range(warmup + decay + 5):
        oracle.append(optimizer.param_groups[0]["lr"])
        scheduler.step(step + 1)
    assert ours(gradual_warmup(warmup, cosine_decay(decay)), warmup + decay + 5) == same(oracle)


def test_closed_forms_by_hand():
    goyal = gradual_warmup(5, start=0.25)
    assert [goyal(t) for t in (0, 1, 2.5, 4, 5, 90)] == same([0.25, 0.4, 0.625, 0.85, 1, 1])
    from_zero = gradual_warmup(4)
    assert [from_zero(t) for t in (0, 1, 3, 4)] == [0, 0.25, 0.75, 1]
    resnet = constant_warmup(400, start=0.1)
    assert [resnet(t) for t in (0, 399.99, 400, 1e6)] == [0.1, 0.1, 1, 1]


@given(length=st.floats(0.01, 1e4), start=st.floats(0, 1), share=st.floats(0, 1))
def test_gradual_warmup_rises_from_start_to_one(length, start, share):
    schedule = gradual_warmup(length, start=start)
    early, late = schedule(0.5 * share * length), schedule(share * length)
    assert start - 1e-12 <= early <= late + 1e-12
    assert late <= 1 + 1e-12
    assert schedule(0) == same(start)


@given(time=st.floats(0, 1e6))
def test_no_warmup_is_what_follows(time):
    then = cosine_decay(7, final=0.1)
    assert constant_warmup(0, start=0.1, then=then)(time) == then(time)
    assert gradual_warmup(0, then)(time) == then(time)


@pytest.mark.parametrize("warmup", [constant_warmup, gradual_warmup])
@pytest.mark.parametrize("name", ["length", "start"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_warmup_says_what_it_expected(warmup, name, value):
    arguments = {"length": 5, "start": 0.1, name: value}
    with pytest.raises(ValueError, match=f"^{name} must be a number >= 0, got {value}$"):
        warmup(**arguments)


def build_decay(length):
    return cosine_decay(length)


@pytest.mark.parametrize("warmup", [constant_warmup, gradual_warmup])
@pytest.mark.parametrize(
    "then",
    [
        0.1,
        None,
        "cosine_decay(9)",
        cosine_decay,
        step_decay,
        gradual_warmup,
        constant,
        partial(cosine_decay, final=0.1),
        build_decay,
        lambda time: math.nan,
        lambda time: None,
    ],
)
def test_warmup_wants_a_schedule_to_follow(warmup, then):
    message = r"^then must be a schedule, such as cosine_decay\(length=9\), got .*at time 0$"
    with pytest.raises(TypeError, match=message):
        warmup(length=5, start=0.1, then=then)
