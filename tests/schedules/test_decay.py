import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    MultiStepLR,
    StepLR,
)

from tricks_lib.schedules import cosine_decay, cosine_restarts, linear_decay, step_decay

LR = 0.4

lengths = st.integers(1, 50)
finals = st.floats(0, 1)


def same(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


def ours(schedule, steps):
    return [LR * schedule(step) for step in range(steps)]


# --- Steps ---


@pytest.mark.parametrize("gamma", [0.1, 0.2, 0.5])
def test_step_decay_is_step_lr(rates, gamma):
    oracle = rates(lambda o: StepLR(o, step_size=30, gamma=gamma), 120, LR)
    assert ours(step_decay((30, 60, 90), gamma), 120) == same(oracle)


@given(
    milestones=st.sets(st.integers(1, 40), max_size=5).map(sorted),
    gamma=st.floats(0, 1, exclude_min=True),
)
def test_step_decay_is_multi_step_lr(rates, milestones, gamma):
    oracle = rates(lambda o: MultiStepLR(o, milestones, gamma), 45, LR)
    assert ours(step_decay(milestones, gamma), 45) == same(oracle)


def test_step_decay_drops_at_its_milestones():
    schedule = step_decay([1.5, 3])
    assert [schedule(t) for t in (0, 1.49, 1.5, 2.99, 3, 1e9)] == same([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert schedule == step_decay((1.5, 3))  # a list is taken, a tuple is kept


@pytest.mark.parametrize(
    ("milestones", "error", "message"),
    [
        ((2, 1), ValueError, r"milestones must increase, got \(2, 1\)"),
        ((1, 1), ValueError, r"milestones must increase, got \(1, 1\)"),
        ((-1, 2), ValueError, "each of milestones must be a number >= 0, got -1"),
        ((1, math.nan), ValueError, "each of milestones must be a number >= 0, got nan"),
        ((1, math.inf), ValueError, "each of milestones must be a number >= 0, got inf"),
        ("36", TypeError, "each of milestones must be a number >= 0, got '3'"),
        (30, TypeError, r"milestones must be numbers such as \(30, 60\), got 30"),
        (np.array(30), TypeError, r"milestones must be numbers such as \(30, 60\), got array"),
    ],
)
def test_step_decay_wants_milestones_in_order(milestones, error, message):
    with pytest.raises(error, match=f"^{message}"):
        step_decay(milestones)


def test_step_decay_takes_an_array_of_milestones():
    assert step_decay(np.array([30, 60])) == step_decay((30, 60))
    assert list(map(type, step_decay(np.array([30, 60])).milestones)) == [int, int]


@pytest.mark.parametrize("gamma", [0, -0.1, 1.1, float("nan")])
def test_step_decay_wants_a_factor_that_lowers(gamma):
    with pytest.raises(ValueError, match=rf"^gamma must be a number > 0 and <= 1, got {gamma}$"):
        step_decay((1,), gamma)


# --- Cosine and straight line ---


@given(length=lengths, final=finals)
def test_cosine_decay_is_cosine_annealing_lr(rates, length, final):
    steps = length + 1  # after that PyTorch's cosine rises again
    oracle = rates(lambda o: CosineAnnealingLR(o, length, eta_min=final * LR), steps, LR)
    assert ours(cosine_decay(length, final), steps) == same(oracle)


@given(length=lengths, final=finals)
def test_linear_decay_is_linear_lr(rates, length, final):
    oracle = rates(lambda o: LinearLR(o, 1.0, final, total_iters=length), length + 10, LR)
    assert ours(linear_decay(length, final), length + 10) == same(oracle)


@pytest.mark.parametrize("decay", [cosine_decay, linear_decay])
@given(length=st.floats(1e-3, 1e6), final=finals, share=st.floats(0, 1), after=st.floats(1, 1e6))
def test_smooth_decays_fall_and_stay(decay, length, final, share, after):
    schedule = decay(length, final)
    assert schedule(0) == same(1)
    assert schedule(length / 2) == same((1 + final) / 2)
    assert schedule(share * length) <= schedule(0.5 * share * length) + 1e-12
    assert schedule(length * after) == same(final)
    # Both are symmetric about their middle.
    assert schedule(share * length) + schedule((1 - share) * length) == same(1 + final)


def test_cosine_decay_is_flat_at_both_ends_and_steepest_in_the_middle():
    schedule, length, h = cosine_decay(10), 10, 1e-6

    def slope(time):
        return (schedule(time + h) - schedule(time - h)) / (2 * h)

    assert slope(h) == pytest.approx(0, abs=1e-5)
    assert slope(length - h) == pytest.approx(0, abs=1e-5)
    assert slope(length / 2) == pytest.approx(-math.pi / (2 * length), rel=1e-8)


# --- Restarts ---


@given(period=st.integers(1, 20), multiplier=st.integers(1, 4), final=finals)
def test_restarts_are_those_of_pytorch(rates, period, multiplier, final):
    def scheduler(optimizer):
        return CosineAnnealingWarmRestarts(optimizer, period, multiplier, eta_min=final * LR)

    schedule = cosine_restarts(period, multiplier, final)
    assert ours(schedule, 120) == same(rates(scheduler, 120, LR))


def counted(schedule, time):
    """Count the periods off one by one, in exact arithmetic."""
    time, period = Fraction(time), Fraction(schedule.period)
    while time >= period:
        time -= period
        period *= Fraction(schedule.multiplier)
    return 0.5 * (1 + math.cos(math.pi * float(time / period)))


@given(
    period=st.sampled_from([0.5, 1, 3, 7.25, 10]),
    multiplier=st.sampled_from([1, 1.125, 1.25, 1.5, 2, 2.0, 3, 10]),
    quarters=st.integers(0, 4000),
)
@example(period=1, multiplier=2, quarters=4 * 1023)  # restarts, where rounding shows
@example(period=0.5, multiplier=3, quarters=2 * 364)
@example(period=10, multiplier=10, quarters=4 * 110)
@example(period=1, multiplier=1, quarters=4000)
def test_restarts_agree_with_counting(period, multiplier, quarters):
    schedule = cosine_restarts(period, multiplier)
    assert schedule(quarters / 4) == pytest.approx(counted(schedule, quarters / 4), abs=1e-9)


@given(cycles=st.integers(0, 2**48), share=st.sampled_from([0, 0.25, 0.5, 0.75]))
def test_restarts_of_one_length_neither_drift_nor_crawl(cycles, share):
    schedule = cosine_restarts(3.0)
    assert schedule(3.0 * (cycles + share)) == schedule(3.0 * share)


@pytest.mark.parametrize("multiplier", [2, 2.0, 3])
@pytest.mark.parametrize("cycle", range(0, 30, 3))
def test_growing_restarts_are_exact(multiplier, cycle):
    schedule = cosine_restarts(1, multiplier)
    begin = sum(multiplier**earlier for earlier in range(cycle))
    assert schedule(begin) == 1.0
    assert schedule(begin + 0.5 * multiplier**cycle) == same(0.5)
    just_before = math.nextafter(begin, 0)
    assert cycle == 0 or schedule(just_before) < 1e-6


def test_restarts_that_barely_grow_do_not_crawl():
    schedule = cosine_restarts(1.0, 1 + 1e-9)
    assert schedule(4_000_000.0) == pytest.approx(counted_by_sum(4_000_000.0, 1e-9), abs=1e-3)
    assert 0 <= schedule(1e12) <= 1


def counted_by_sum(time, growth):
    """Where a cosine with period (1 + growth)^n stands: n solves (1 + growth)^n = 1 + growth·t."""
    cycles = math.log1p(time * growth) / math.log1p(growth)
    return 0.5 * (1 + math.cos(math.pi * (cycles % 1)))


# --- Bad input ---


@pytest.mark.parametrize(
    ("schedule", "name"),
    [(cosine_decay, "length"), (linear_decay, "length"), (cosine_restarts, "period")],
)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_decays_want_a_length(schedule, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number > 0, got {value}$"):
        schedule(value)


@pytest.mark.parametrize("schedule", [cosine_decay, linear_decay, cosine_restarts])
@pytest.mark.parametrize("final", [-0.1, 1.1, float("nan")])
def test_decays_want_a_final_factor(schedule, final):
    with pytest.raises(ValueError, match=f"^final must be a number >= 0 and <= 1, got {final}$"):
        schedule(5, final=final)


@pytest.mark.parametrize("multiplier", [0.99, 0, -2, float("nan")])
def test_restarts_never_come_faster(multiplier):
    with pytest.raises(ValueError, match=f"^multiplier must be a number >= 1, got {multiplier}$"):
        cosine_restarts(5, multiplier)
