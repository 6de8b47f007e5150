import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tricks_lib.lab.study import (
    ACCURACY,
    ECE,
    NLL,
    TRAIN_LOSS,
    WORDS,
    Difference,
    Finding,
    Metric,
    overall,
    paired_difference,
)
from tricks_lib.lab.study.finding import mean_and_spread

F1 = Metric("f1", unit="points")
numbers = st.floats(-100, 100)
pairs_of_runs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30)


def gap(low, high, metric=ACCURACY, **lost):
    """A difference with this interval."""
    mean = (low + high) / 2
    return Difference(metric, (mean, mean), mean, low, high, **lost)


# --- Pairs and intervals ---


@pytest.mark.parametrize("comparisons", [1, 2, 7])
@given(pairs=pairs_of_runs)
def test_interval_is_that_of_the_paired_t_test(pairs, comparisons):
    trick, baseline = (dict(enumerate(side)) for side in zip(*pairs, strict=True))
    found = paired_difference(ACCURACY, trick, baseline, comparisons=comparisons)
    values = [a - b for a, b in pairs]
    assert found.values == tuple(values)
    assert found.comparisons == comparisons
    assert found.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-12)
    if np.std(values) > 1e-6:
        test = stats.ttest_rel(*zip(*pairs, strict=True))
        oracle = test.confidence_interval(1 - 0.05 / comparisons)  # Bonferroni
        assert (found.low, found.high) == pytest.approx(oracle, rel=1e-7, abs=1e-9)


def test_interval_by_hand():
    # Three differences 1, 2, 3: mean 2, standard error 1/√3, t(0.975; 2) = 4.3027
    found = paired_difference(NLL, {0: 2.0, 1: 4.0, 2: 6.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert found.mean == 2
    assert found.low == pytest.approx(2 - 4.302653 / math.sqrt(3), rel=1e-6)
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), rel=1e-6)


def test_only_shared_seeds_are_compared_and_paired_by_number():
    found = paired_difference(NLL, {3: 1.0, 1: 5.0, 7: 9.0}, {1: 4.0, 2: 0.0, 3: 3.0})
    assert found.values == (1.0, -2.0)  # seeds 1 and 3


def test_equal_differences_have_an_interval_without_width():
    same = paired_difference(NLL, {0: 0.5, 1: 0.25}, {0: 0.5, 1: 0.25})
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert same.verdict == "no difference seen"  # nobody said how much of it would matter
    assert paired_difference(ACCURACY, {0: 0.5, 1: 0.25}, {0: 0.5, 1: 0.25}).verdict == (
        "makes no difference"
    )
    better = paired_difference(ACCURACY, {0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25})
    assert (better.mean, better.low, better.high) == (0.25, 0.25, 0.25)
    assert better.verdict == "helps"


@pytest.mark.parametrize("trick", [{}, {0: 0.5}, {0: 0.5, 9: 0.6}])
def test_one_pair_has_no_interval(trick):
    with pytest.raises(ValueError, match=r"^an interval needs at least 2 pairs of runs, got [01]$"):
        paired_difference(ACCURACY, trick, {0: 0.4, 1: 0.5})


def test_mean_and_spread_of_few_values():
    assert mean_and_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_and_spread([4.0]) == pytest.approx((4.0, math.nan), nan_ok=True)
    assert mean_and_spread([]) == pytest.approx((math.nan, math.nan), nan_ok=True)


# --- The word ---


@pytest.mark.parametrize(
    ("metric", "low", "high", "word"),
    [
        (ACCURACY, 0.001, 0.02, "helps"),
        (ACCURACY, -0.02, -0.001, "hurts"),
        (ACCURACY, 0.0, 0.02, "no difference seen"),  # zero belongs to the interval
        (ACCURACY, -0.02, 0.0, "no difference seen"),
        (ACCURACY, -0.01, 0.01, "no difference seen"),
        (ACCURACY, math.nan, math.nan, "no difference seen"),
        (ACCURACY, -math.inf, math.inf, "no difference seen"),
        (NLL, 0.001, 0.02, "hurts"),
        (NLL, -0.02, -0.001, "helps"),
        (NLL, -0.02, 0.0, "no difference seen"),
        (NLL, -1e-9, 1e-9, "no difference seen"),  # small, but nobody said what is small
        (ECE, 5e-324, 1.0, "hurts"),
        (TRAIN_LOSS, -1.0, -5e-324, "helps"),
        (F1, 0.1, 0.2, "differs"),
        (F1, -0.2, -0.1, "differs"),
        (F1, -0.2, 0.1, "no difference seen"),
    ],
)
def test_word_is_read_off_the_interval(metric, low, high, word):
    assert gap(low, high, metric).verdict == word
    assert word in WORDS


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.0029, 0.0029, "makes no difference"),
        (0.001, 0.002, "makes no difference"),  # seen, and too small for anybody
        (-0.003, 0.001, "no difference seen"),  # its end belongs to the interval
        (-0.001, 0.003, "no difference seen"),
        (-0.0031, 0.001, "no difference seen"),
        (0.001, 0.0031, "helps"),
        (-0.0031, -0.001, "hurts"),
    ],
)
def test_inside_the_smallest_that_matters_it_makes_no_difference(low, high, word):
    metric = Metric("share", better="higher", unit="points", smallest=0.003)
    assert gap(low, high, metric).verdict == word


@given(low=numbers, width=st.floats(0, 100), diverged=st.integers(0, 3), before=st.integers(0, 3))
def test_without_a_direction_no_interval_helps_or_hurts(low, width, diverged, before):
    word = gap(low, low + width, F1).verdict
    assert word in ("differs", "no difference seen", "makes no difference")
    # Only a run that gave no number is worse than one that did, whatever the metric.
    lost = gap(low, low + width, F1, diverged=diverged, diverged_baseline=before).verdict
    if diverged == before:
        assert lost == word
    else:
        assert lost == ("hurts" if diverged > before else "helps")


@pytest.mark.parametrize(
    ("interval", "diverged", "diverged_baseline", "word"),
    [
        ((0.05, 0.15), 1, 0, "hurts"),
        ((0.05, 0.15), 3, 2, "hurts"),
        ((0.05, 0.15), 1, 1, "helps"),
        ((0.05, 0.15), 0, 2, "helps"),
        ((-0.15, 0.15), 0, 2, "helps"),  # a rescue
        ((-0.001, 0.001), 0, 2, "helps"),
        ((-0.15, -0.05), 0, 2, "depends"),  # rescues some runs, costs the others
        ((-0.15, -0.05), 2, 2, "hurts"),
        ((-math.inf, math.inf), 0, 5, "helps"),
        ((-math.inf, math.inf), 5, 5, "no difference seen"),
        ((-math.inf, math.inf), 5, 0, "hurts"),
    ],
)
def test_word_counts_what_diverged(interval, diverged, diverged_baseline, word):
    found = gap(*interval, diverged=diverged, diverged_baseline=diverged_baseline)
    assert found.verdict == word


def test_too_few_pairs_because_of_divergence():
    found = paired_difference(NLL, {}, {0: 0.4, 1: 0.5}, diverged=2)
    assert math.isnan(found.mean)
    assert (found.low, found.high, found.verdict) == (-math.inf, math.inf, "hurts")
    found = paired_difference(NLL, {0: 0.1, 1: 0.2}, {1: 0.5}, diverged_baseline=1)
    assert (found.low, found.high, found.verdict) == (-math.inf, math.inf, "helps")
    assert found.mean == pytest.approx(-0.3)
    assert str(found) == "no interval"


# --- Findings ---


def test_a_finding_says_how_much_of_what_and_where():
    found = Finding(
        paired_difference(ACCURACY, {0: 0.85, 1: 0.88}, {0: 0.80, 1: 0.82}), "10 epochs"
    )
    assert (found.word, found.metric, found.seeds) == ("no difference seen", ACCURACY, 2)
    assert found.figures == "+5.50 [-0.85, +11.85] points of test accuracy, 2 seeds"
    assert str(found) == f"no difference seen: {found.figures}; 10 epochs"
    assert str(Finding(found.difference)) == f"no difference seen: {found.figures}"


def test_a_finding_tells_of_the_runs_that_diverged():
    rescued = Finding(paired_difference(NLL, {0: 0.4, 1: 0.5}, {}, diverged_baseline=2))
    assert rescued.word == "helps"
    assert rescued.figures == (
        "no interval of test negative log-likelihood, 0 seeds (diverged: 0 runs with it, 2 without)"
    )
    some = Finding(gap(0.05, 0.15, diverged=3, diverged_baseline=1))
    assert some.word == "hurts"
    assert some.figures.endswith(", 2 seeds (diverged: 3 runs with it, 1 without)")


HELPS, HURTS = gap(0.01, 0.02), gap(-0.02, -0.01)
UNSEEN, EQUAL, DIFFERS = gap(-0.02, 0.02), gap(-0.001, 0.001), gap(0.01, 0.02, F1)
DEPENDS = gap(-0.15, -0.05, diverged_baseline=2)


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        ([HELPS], "helps"),
        ([HELPS, UNSEEN, EQUAL], "helps"),
        ([UNSEEN, HURTS, EQUAL], "hurts"),
        ([HELPS, HURTS], "depends"),
        ([HURTS, UNSEEN, HELPS], "depends"),
        ([DEPENDS, UNSEEN], "depends"),
        ([UNSEEN, DIFFERS], "differs"),
        ([EQUAL, EQUAL], "makes no difference"),
        ([EQUAL, UNSEEN], "no difference seen"),
        ([UNSEEN], "no difference seen"),
    ],
)
def test_what_several_settings_say_together(differences, word):
    assert overall(map(Finding, differences)) == word
    assert overall([*map(Finding, reversed(differences))]) == word


def test_no_setting_says_nothing():
    with pytest.raises(ValueError, match=r"^expected at least one finding, got none$"):
        overall([])
