import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from tricks_lib.lab.study import WORDS, paired_difference
from tricks_lib.practice.enough import added_margin, detectable, more_seeds, target
from tricks_lib.practice.measure import unpack
from tricks_lib.practice.reading import LEGEND, MEANINGS, Action, read
from tricks_lib.practice.report import results

from .simulated import result_of, simulated, some_data, with_accuracies

PETS = some_data(each=2000)
VERDICTS = re.compile(r"\b(helps|hurts|differs|depends|makes no difference|no difference seen)\b")
ARMS = {"baseline": 0.0, "good": 0.03, "bad": -0.06, "nothing": 0.0}


@pytest.fixture(scope="module")
def studied():
    return simulated(ARMS, PETS)


@pytest.fixture(scope="module")
def reading(studied):
    return read(studied, PETS, strengths={"good": "Good(alpha=0.2)"})


def row_of(reading, arm):
    return next(row for row in reading.rows if row.arm == arm)


def around(mean, half, count=4):
    """Values with this mean; half of the interval of one comparison is so wide."""
    signs = np.array([-1, 1] * (count // 2))
    gap = paired_difference(
        with_accuracies({"a": [0.0] * count}).metric("accuracy"),
        dict(enumerate(signs)),
        dict.fromkeys(range(count), 0),
    )
    return list(mean + signs * half / (gap.high - gap.mean))


def one_arm(mean, half, data=PETS, **options):
    """The row of an arm whose differences have this mean and this interval."""
    accuracies = {"baseline": [0.8] * 4, "trick": [0.8 + gap for gap in around(mean, half)]}
    return row_of(read(with_accuracies(accuracies), data, **options), "trick")


# --- Never a verdict on a network that has not learnt ---


def test_verdicts_are_found_where_there_are_some(reading):
    assert set(VERDICTS.findall(str(reading))) >= {"helps", "hurts"}
    assert set(WORDS) == set(MEANINGS)
    assert all(VERDICTS.fullmatch(word) for word in WORDS)


@pytest.mark.parametrize("base", [0.5, 0.2])
def test_a_network_that_has_not_learnt_gets_no_verdict_anywhere(base):
    data = some_data(each=100)
    result = simulated(ARMS, data, base=base)
    found = read(result, data, frozen=0.9, strengths={"good": "Good(alpha=0.2)"})
    assert not found.learnt.yes
    told = results(result, found, data, "study", datetime.now(UTC))
    for text in (str(found), found._repr_markdown_(), json.dumps(told), repr(found)):
        assert not VERDICTS.search(text)
    assert "has not learnt" in str(found)
    assert found.todo == found.learnt.advice != ()
    assert found.best is None
    assert all(row.word is row.action is row.difference is None for row in found.rows)
    assert [row.arm for row in found.rows] == list(ARMS)


def test_one_that_has_gets_its_verdicts(reading, studied):
    assert reading.learnt.yes
    assert row_of(reading, "good").word == "helps"
    assert row_of(reading, "bad").word == "hurts"
    assert row_of(reading, "baseline").word is None
    for row in reading.rows[1:]:
        assert row.word == studied.differences()[row.arm].verdict


# --- The numbers ---


def test_the_numbers_are_those_of_the_study(reading, studied):
    for row in reading.rows:
        assert row.accuracy.mean == studied.mean(row.arm)
        assert row.nll.mean == studied.mean(row.arm, "nll")
        assert row.ece.mean == studied.mean(row.arm, "ece")
    for arm, gap in studied.differences().items():
        row = row_of(reading, arm)
        assert (row.difference.low, row.difference.high) == (gap.low, gap.high)
        assert row.difference.comparisons == 3
        nll = studied.differences("nll")[arm]
        assert (row.nll_difference.mean, row.nll_difference.low) == (nll.mean, nll.low)
    assert studied.spread("good") in str(reading)
    assert str(studied.differences()["good"]) in str(reading)
    assert "Good(alpha=0.2)" in str(reading)


def test_all_that_is_printed_is_explained(reading):
    text = str(reading)
    for name, legend in LEGEND.items():
        assert f"{name}: {legend}" in text
    for row in reading.rows[1:]:
        assert MEANINGS[row.word] in text
    assert "3 comparisons are read together" in text
    assert "± the smallest" not in text or "makes no difference" in text


def test_the_smallest_difference_that_matters_is_the_readers():
    assert one_arm(0.001, 0.004).word == "no difference seen"
    assert one_arm(0.001, 0.004, smallest=0.01).word == "makes no difference"
    for wrong in (0, -1, 1, float("nan")):
        with pytest.raises(ValueError, match="smallest must be a share above 0"):
            read(with_accuracies({"baseline": [0.8, 0.8]}), PETS, smallest=wrong)
    with pytest.raises(ValueError, match="frozen must be an accuracy"):
        read(with_accuracies({"baseline": [0.8, 0.8]}), PETS, frozen=93)


def test_what_the_study_could_see_is_said(reading):
    row = row_of(reading, "nothing")
    spread = np.std(row.difference.values, ddof=1)
    assert row.detectable == pytest.approx(detectable(spread, 5, comparisons=3))
    spreads = [np.var(r.difference.values, ddof=1) for r in reading.rows[1:]]
    assert reading.detectable == pytest.approx(
        detectable(np.sqrt(np.mean(spreads)), 5, comparisons=3)
    )
    assert f"{100 * reading.detectable:.2f} points is seen in four of five" in reading.power


def test_the_error_of_the_images_stands_beside_that_of_the_seeds(reading, studied):
    row = row_of(reading, "good")
    assert row.paired_images
    assert (row.only_arm - row.only_baseline) / len(PETS.test) == pytest.approx(row.difference.mean)
    bare = {
        arm: {seed: {k: v for k, v in run.items() if k != "right"} for seed, run in runs.items()}
        for arm, runs in studied.runs.items()
    }
    bound = row_of(read(replace(studied, runs=bare), PETS), "good")
    assert not bound.paired_images
    assert bound.only_arm is None
    assert bound.image_margin > row.image_margin


# --- What to do now ---


def test_every_arm_is_told_what_to_do(reading):
    assert [row.arm for row in reading.rows if not row.sentence] == ["baseline"]
    assert row_of(reading, "good").action == "keep"
    assert row_of(reading, "bad").action == "leave"
    actions = [get_args(Action).index(row.action) for row in reading.advised]
    assert actions == sorted(actions)
    for row in reading.rows[1:]:
        assert f"{row.arm}: {row.sentence}" in str(reading)


def test_keep_it_and_leave_it():
    many = some_data(each=100_000)
    keep, leave = one_arm(0.02, 0.01, many), one_arm(-0.02, 0.01, many)
    assert (keep.word, keep.action) == ("helps", "keep")
    assert keep.sentence.startswith("Keep it: it is better by 2.00 points. The seeds leave ± 1.00")
    assert (leave.word, leave.action) == ("hurts", "leave")
    assert leave.sentence.startswith("Leave it: it is worse by 2.00 points.")
    assert keep.settle is leave.settle is None


@pytest.mark.parametrize(
    ("mean", "half", "told"),
    [
        (0.02, 0.01, "Take weight_decay out: without it, the network is better by 2.00 points."),
        (-0.02, 0.01, "Keep weight_decay: without it, the network is worse by 2.00 points."),
        (0.001, 0.001, "Choose freely: .* simpler recipe is the one without weight_decay."),
        (0.01, 0.015, "Settle it with .* Until then keep weight_decay."),
        (0.001, 0.2, "Keep weight_decay: more than 100 further seeds"),
    ],
)
def test_what_the_baseline_has_is_kept_or_taken_out(mean, half, told):
    gaps = around(mean, half)
    arms = {"baseline": [0.8] * 4, "no_weight_decay": [0.8 + gap for gap in gaps]}
    found = read(with_accuracies(arms), some_data(each=5_000_000))
    assert re.match(told, row_of(found, "no_weight_decay").sentence)


def test_a_small_help_is_called_small():
    row = one_arm(0.0025, 0.001, some_data(each=500_000))
    assert row.action == "keep"
    assert row.sentence.startswith("Keep it if it costs you nothing: it is better by 0.25 points, ")
    assert "less than the 0.3 points that matter to you" in row.sentence


def test_whoever_lies_within_the_smallest_difference_makes_none():
    row = one_arm(0.001, 0.001)
    assert (row.word, row.action) == ("makes no difference", "choose freely")
    assert "within ± 0.3 points" in row.sentence


def test_more_seeds_are_asked_for_where_they_settle_it():
    many = some_data(each=1_000_000)
    row = one_arm(0.01, 0.015, many, minutes_per_run=2.0)
    assert (row.word, row.action) == ("no difference seen", "more seeds")
    assert row.settle.half == target(row.difference.mean, 0.003) == pytest.approx(0.01)
    assert row.settle.seeds == more_seeds(row.difference.values, row.settle.half)
    assert row.settle.minutes == 4 * row.settle.seeds  # the arm and the baseline
    assert f"Settle it with {row.settle.seeds} more seeds (about " in row.sentence
    assert "1.00 points or less" in row.sentence


def test_minutes_are_those_of_the_runs_that_were_made():
    assert read(with_accuracies({"baseline": [0.8] * 4}), PETS).minutes_per_run == 2.0
    result = replace(with_accuracies({"baseline": [0.8, 0.8], "x": [0.9, 0.8]}), provenance={})
    assert read(result, PETS).minutes_per_run is None


def test_what_no_seeds_settle_is_left_out():
    row = one_arm(0.001, 0.2, some_data(each=10_000_000))
    assert row.settle.seeds is None
    assert row.action == "leave"
    assert "more than 100 further seeds" in row.sentence


def test_a_small_test_set_is_called_small():
    few = some_data(each=75)
    row = one_arm(0.01, 0.015, few)
    assert row.action == "more test images"
    assert row.image_margin > row.settle.half
    assert "test set is too small to settle it: however many seeds, the choice" in row.sentence
    assert row.settle.images > 150
    row = one_arm(0.03, 0.01, few)
    assert (row.word, row.action) == ("helps", "more test images")
    assert row.sentence.startswith("Keep it for now, but your test set is too small to be sure")
    row = one_arm(-0.03, 0.01, few)
    assert row.sentence.startswith("Leave it for now, but your test set is too small to be sure")


def test_runs_that_diverged_are_a_reason():
    finished = with_accuracies({"baseline": [0.8, 0.81, 0.8], "x": [0.8, 0.81, 0.8]}).runs
    lost = {**finished["x"], 0: None}
    row = row_of(read(result_of({"baseline": finished["baseline"], "x": lost}), PETS), "x")
    assert (row.word, row.action, row.diverged) == ("hurts", "leave", 1)
    assert "1 of its runs diverged, of the baseline's 0" in row.sentence
    row = row_of(read(result_of({"baseline": lost, "x": finished["x"]}), PETS), "x")
    assert (row.word, row.action) == ("helps", "keep")
    worse = {seed: run | {"accuracy": run["accuracy"] - 0.1} for seed, run in finished["x"].items()}
    row = row_of(read(result_of({"baseline": lost, "x": worse}), PETS), "x")
    assert (row.word, row.action) == ("depends", "look closer")


@pytest.mark.parametrize("rest", [{0: None, 1: None}, {0: None}])
def test_an_arm_that_never_finishes_is_left(rest):
    runs = with_accuracies({"baseline": [0.8, 0.81]}).runs | {"x": rest}
    reading = read(result_of(runs), PETS)
    row = row_of(reading, "x")
    assert row.action == ("leave" if len(rest) == 2 else "more seeds")
    assert str(reading)


def test_one_seed_is_no_comparison():
    found = read(with_accuracies({"baseline": [0.8], "x": [0.9]}), PETS)
    assert row_of(found, "x").word is None
    assert "two seeds" in row_of(found, "x").sentence
    assert str(found)


# --- By class ---


def test_the_best_arm_is_chosen_by_validation_images_alone(studied):
    runs = {
        arm: {s: run | {"validation_accuracy": 0.9 + (arm == "bad")} for s, run in of_arm.items()}
        for arm, of_arm in studied.runs.items()
    }
    found = read(replace(studied, runs=runs), PETS)
    assert found.best == "bad"  # by the test images it is the worst
    assert "By the validation images the best arm is bad" in str(found)


def test_of_equals_the_baseline_is_the_best(studied):
    runs = {
        arm: {seed: run | {"validation_accuracy": 0.9} for seed, run in of_arm.items()}
        for arm, of_arm in studied.runs.items()
    }
    found = read(replace(studied, runs=runs), PETS)
    assert found.best == "baseline"
    assert all(row.best is None and row.difference is None for row in found.classes)


def test_without_validation_images_no_arm_is_the_best():
    data = some_data(each=1000, validation=False)
    found = read(simulated(ARMS, data), data)
    assert found.best is None
    assert "no validation images" in str(found)
    assert all(row.best is None for row in found.classes)


def test_recall_by_class(reading, studied):
    assert reading.best == "good"
    for row in reading.classes:
        mine, best = (
            [studied.runs[arm][seed]["confusion"][row.number][row.number] / row.images
             for seed in studied.seeds]
            for arm in ("baseline", "good")
        )  # fmt: skip
        assert row.baseline[0] == pytest.approx(np.mean(mine))
        assert row.best[0] == pytest.approx(np.mean(best))
        assert row.baseline[1] < row.baseline[0] < row.baseline[2]
        assert row.difference.mean == pytest.approx(np.mean(best) - np.mean(mine))
        assert row.difference.comparisons == 2
    assert "simultaneous over 2" in str(reading.class_table())


def test_an_interval_that_says_nothing_of_a_share_is_not_printed():
    ten = [f"class {number}" for number in range(10)]
    data = some_data(ten, each=20)
    studied = simulated({"baseline": 0.0, "good": 0.03}, data)
    two = {arm: {seed: runs[seed] for seed in (0, 1)} for arm, runs in studied.runs.items()}
    found = read(result_of(two), data)
    assert found.best == "good"
    text = str(found.class_table())
    assert "too few seeds for an interval" in text
    for low, high in re.findall(r"\[([-+.\d]+), ([-+.\d]+)\]", text + str(found.confused_table())):
        assert float(high) - float(low) < 200, "shares differ by 100 points at most"
    assert "[0.0, 100.0]" not in text


def test_seeds_and_images_together(reading, studied):
    row = row_of(reading, "good")
    of_seeds = row.difference.high - row.difference.mean
    right = {
        arm: np.stack([unpack(studied.runs[arm][seed]["right"], 4000) for seed in studied.seeds])
        for arm in ("baseline", "good")
    }
    added = added_margin(right["good"], right["baseline"], comparisons=3)
    assert row.both_margin == pytest.approx(math.hypot(of_seeds, added))
    assert of_seeds <= row.both_margin <= math.hypot(of_seeds, row.image_margin)
    assert f"both together ± {100 * row.both_margin:.2f} points" in row.sentence


def test_the_most_confused_pairs_are_summed_over_seeds():
    data = some_data(("cat", "dog", "fox"), each=100)
    base = simulated({"baseline": 0.0}, data).runs["baseline"]
    runs = {
        seed: run | {"confusion": [[90 - seed, 0, 10 + seed], [1, 99, 0], [0, 5, 95]]}
        for seed, run in base.items()
    }
    first, second, third = read(result_of({"baseline": runs}), data).confused
    assert (first.true, first.taken_for, first.count) == ("cat", "fox", 60)
    assert first.share[0] == pytest.approx(0.12)
    assert first.share[1] < 0.12 < first.share[2]
    assert (second.true, second.taken_for, second.count) == ("fox", "dog", 25)
    assert (third.true, third.taken_for, third.count) == ("dog", "cat", 5)


def test_a_class_without_test_images_has_no_row():
    data = some_data(("cat", "dog", "fox"), counts=[100, 100, 1])
    data = replace(data, test=data.test.pick(data.test.labels.lt(2).nonzero().flatten()))
    found = read(simulated({"baseline": 0.0, "x": 0.05}, data), data)
    assert [row.name for row in found.classes] == ["cat", "dog"]
    assert found.classes[0].difference.comparisons == 2


def test_names_do_not_break_a_table():
    data = some_data(('<b>&"', "a|b*c_[d]"), each=500)
    text = read(simulated({"baseline": 0.0, "x": 0.05}, data), data)._repr_markdown_()
    rows = [line for line in text.splitlines() if line.startswith("|") and "a\\|b" in line]
    assert rows
    assert all("<b>" not in line for line in text.splitlines())


# --- Honest? ---


def test_tricks_that_do_nothing_seldom_seem_to():
    """Six arms that are the baseline again: a study says of any of them in at most 5 % that it
    helps or hurts."""
    draws, wrong, alone = np.random.default_rng(0), 0, 0
    few = some_data(each=100)
    for _ in range(300):
        arms = {name: 0.9 + draws.normal(0, 0.01, 5) for name in ("baseline", *"abcdef")}
        found = read(with_accuracies(arms), few)
        wrong += bool({row.word for row in found.rows} & {"helps", "hurts"})
        result = with_accuracies(arms)
        alone += any(result.verdict(arm) in ("helps", "hurts") for arm in "abcdef")
    # The share of 300 studies scatters about the true one: it must not be clearly above 5 %.
    assert 0 < wrong <= stats.binom.ppf(0.95, 300, 0.05)
    assert alone / 300 > 0.12  # what the intervals of single comparisons would have said


def test_seeds_that_were_told_settle_it_where_the_difference_stays():
    """Studies that were told how many seeds more: their interval is as narrow as it was said."""
    draws, kept, told = np.random.default_rng(1), 0, 0
    many = some_data(each=1_000_000)
    for _ in range(250):
        base, gaps = 0.8 + draws.normal(0, 0.01, 5), draws.normal(0.008, 0.008, 5)
        row = row_of(read(with_accuracies({"baseline": base, "x": base + gaps}), many), "x")
        if row.action != "more seeds":
            continue
        told += 1
        later = [*gaps, *draws.normal(0.008, 0.008, row.settle.seeds)]
        gap = paired_difference(
            row.difference.metric, dict(enumerate(later)), dict.fromkeys(range(len(later)), 0.0)
        )
        kept += gap.high - gap.mean <= row.settle.half
    assert told > 60
    assert kept / told > 0.75
