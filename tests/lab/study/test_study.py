import json
import math
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tricks_lib import Diverged, Recipe, StudyResult, cosine_decay, cross_entropy, fit, mlp, study
from tricks_lib.lab import study as module
from tricks_lib.lab.study import (
    Difference,
    estimate_seconds,
    final_metrics,
    higher_is_better,
    paired_difference,
)

BASE = Recipe(epochs=2, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))
TWO = {"plain": BASE, "slow": replace(BASE, lr=0.001)}


@pytest.fixture
def fits(monkeypatch):
    """Log every run that a study makes; `fits.stop_after` interrupts the run after so many."""

    class Log(list):
        stop_after = math.inf

    log = Log()

    def logged(recipe, data, seed=0, *rest, **options):
        if len(log) >= log.stop_after:
            raise KeyboardInterrupt
        log.append((recipe.lr, seed))
        return fit(recipe, data, seed, *rest, **options)

    monkeypatch.setattr(module, "fit", logged)
    return log


def sometimes_nan(model, images, targets):
    """Diverge from some initial weights, not from others."""
    loss, logits = cross_entropy(model, images, targets)
    return loss * (math.nan if model[-1].bias[0] > 0.1 else 1), logits


def always_nan(model, images, targets):
    loss, logits = cross_entropy(model, images, targets)
    return loss * math.nan, logits


def result_of(runs, diverged=None, **changes):
    """Build a result from figures by arm and seed, without training."""
    told = {
        "recipes": {arm: "Recipe()" for arm in runs},
        "baseline": next(iter(runs)),
        "runs": runs,
        "diverged": {arm: {} for arm in runs} | (diverged or {}),
        "provenance": {"torch": "2", "seconds": 1.5},
    }
    return StudyResult(**told | changes)


# --- What is kept of a run ---


def test_final_metrics_are_those_of_the_last_epoch(toy):
    run = fit(BASE, toy(train=50), device="cpu")  # 3 steps an epoch
    figures = final_metrics(run)
    last = run.history.epochs[-1]
    assert (figures["accuracy"], figures["nll"], figures["ece"]) == (
        last.accuracy,
        last.nll,
        last.ece,
    )
    assert figures["train_loss"] == pytest.approx(np.mean(run.history.loss[3:]), rel=1e-12)
    assert list(figures) == ["accuracy", "nll", "ece", "train_loss"]


# --- Pairs and intervals ---

figures = st.floats(-100, 100)


@given(pairs=st.lists(st.tuples(figures, figures), min_size=2, max_size=30))
def test_interval_is_that_of_the_paired_t_test(pairs):
    trick, baseline = (dict(enumerate(side)) for side in zip(*pairs, strict=True))
    found = paired_difference("accuracy", trick, baseline)
    values = [a - b for a, b in pairs]
    assert found.values == tuple(values)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-12)
    if np.std(values) > 1e-6:
        oracle = stats.ttest_rel(*zip(*pairs, strict=True)).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx(oracle, rel=1e-7, abs=1e-9)


def test_interval_by_hand():
    # Three differences 1, 2, 3: mean 2, standard error 1/√3, t(0.975; 2) = 4.3027
    found = paired_difference("nll", {0: 2.0, 1: 4.0, 2: 6.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert found.mean == 2
    assert found.low == pytest.approx(2 - 4.302653 / math.sqrt(3), rel=1e-6)
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), rel=1e-6)


def test_only_shared_seeds_are_compared_and_paired_by_number():
    found = paired_difference("nll", {3: 1.0, 1: 5.0, 7: 9.0}, {1: 4.0, 2: 0.0, 3: 3.0})
    assert found.values == (1.0, -2.0)  # seeds 1 and 3


def test_equal_differences_have_an_interval_without_width():
    same = paired_difference("accuracy", {0: 0.5, 1: 0.25}, {0: 0.5, 1: 0.25})
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert same.verdict == "no difference seen"
    better = paired_difference("accuracy", {0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25})
    assert (better.mean, better.low, better.high) == (0.25, 0.25, 0.25)
    assert better.verdict == "helps"


@pytest.mark.parametrize("trick", [{}, {0: 0.5}, {0: 0.5, 9: 0.6}])
def test_one_pair_has_no_interval(trick):
    with pytest.raises(ValueError, match=r"^an interval needs at least 2 pairs of runs, got [01]$"):
        paired_difference("accuracy", trick, {0: 0.4, 1: 0.5})


def test_too_few_pairs_because_of_divergence():
    found = paired_difference("nll", {}, {0: 0.4, 1: 0.5}, diverged=2, diverged_baseline=0)
    assert found.verdict == "diverges"
    assert math.isnan(found.mean)
    found = paired_difference("nll", {0: 0.1, 1: 0.2}, {1: 0.5}, diverged=0, diverged_baseline=1)
    assert (found.low, found.high, found.verdict) == (-math.inf, math.inf, "no difference seen")
    assert found.mean == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("metric", "low", "high", "verdict"),
    [
        ("accuracy", 0.001, 0.02, "helps"),
        ("accuracy", -0.02, -0.001, "hurts"),
        ("accuracy", 0.0, 0.02, "no difference seen"),  # zero belongs to the interval
        ("accuracy", -0.02, 0.0, "no difference seen"),
        ("accuracy", -0.01, 0.01, "no difference seen"),
        ("accuracy", math.nan, math.nan, "no difference seen"),
        ("validation_accuracy", 0.001, 0.02, "helps"),
        ("nll", 0.001, 0.02, "hurts"),
        ("nll", -0.02, -0.001, "helps"),
        ("nll", -0.02, 0.0, "no difference seen"),
        ("ece", 5e-324, 1.0, "hurts"),
        ("train_loss", -1.0, -5e-324, "helps"),
    ],
)
def test_verdict_is_read_off_the_interval(metric, low, high, verdict):
    mean = (low + high) / 2
    assert Difference(metric, (mean, mean), mean, low, high).verdict == verdict


@pytest.mark.parametrize(
    ("diverged", "diverged_baseline", "verdict"),
    [(1, 0, "diverges"), (3, 2, "diverges"), (1, 1, "helps"), (0, 2, "helps")],
)
def test_verdict_counts_what_diverged(diverged, diverged_baseline, verdict):
    gap = Difference("accuracy", (0.1, 0.1), 0.1, 0.05, 0.15, diverged, diverged_baseline)
    assert gap.verdict == verdict


def test_the_good_direction():
    assert [higher_is_better(m) for m in ("accuracy", "validation_accuracy")] == [True, True]
    assert not any(map(higher_is_better, ["nll", "ece", "train_loss", "peak_loss"]))


# --- Running ---


def test_every_recipe_is_run_with_every_seed(toy, fits):
    data = toy()
    result = study(TWO, data, seeds=3, device="cpu")
    assert sorted(fits) == [(lr, seed) for lr in (0.001, 0.05) for seed in range(3)]
    assert result.seeds == [0, 1, 2]
    assert result.baseline == "plain"
    for arm, recipe in TWO.items():
        assert result.recipes[arm] == repr(recipe)
        for seed in range(3):
            expected = final_metrics(fit(recipe, data, seed, "cpu"))
            assert result.runs[arm][seed] == expected
    gap = result.difference("slow", "nll")
    assert gap.values == tuple(
        result.runs["slow"][seed]["nll"] - result.runs["plain"][seed]["nll"] for seed in range(3)
    )
    assert result.verdict("slow", "nll") == gap.verdict
    other_way = result.difference("plain", "nll", baseline="slow")
    assert other_way.values == tuple(-value for value in gap.values)


def test_a_recipe_against_itself_makes_no_difference(toy):
    result = study({"one": BASE, "same": BASE}, toy(), seeds=2, device="cpu")
    assert result.difference("same", "nll").values == (0.0, 0.0)
    assert result.verdict("same", "nll") == "no difference seen"


def test_seeds_and_baseline_can_be_chosen(toy, fits):
    result = study(TWO, toy(), seeds=(seed for seed in (11, 4)), baseline="slow", device="cpu")
    assert {seed for _, seed in fits} == {4, 11}
    assert result.seeds == [4, 11]
    assert result.baseline == "slow"
    assert result.difference("plain").mean == -result.difference("slow", baseline="plain").mean


def test_measure_says_what_is_kept(toy):
    def first_loss(run):
        return {"first_loss": run.history.loss[0], "curve": run.history.loss}

    result = study({"plain": BASE}, toy(), [6], measure=first_loss, device="cpu")
    run = fit(BASE, toy(), 6, "cpu")
    assert result.runs == {
        "plain": {6: {"first_loss": run.history.loss[0], "curve": run.history.loss}}
    }
    assert result.provenance["measure"] == "first_loss"


def test_divergence_is_recorded(toy):
    data = toy()
    recipes = {"plain": BASE, "breaks": replace(BASE, objective=sometimes_nan)}
    result = study(recipes, data, seeds=10, device="cpu")
    finished = {}
    for seed in range(10):
        try:
            finished[seed] = fit(recipes["breaks"], data, seed, "cpu").final.nll
            assert result.runs["breaks"][seed]["nll"] == finished[seed]
        except Diverged as error:
            assert result.runs["breaks"][seed] is None
            assert result.diverged["breaks"][seed] == error.step
    assert 2 <= len(finished) <= 8
    assert result.values("breaks", "nll") == finished
    assert len(result.diverged["breaks"]) == 10 - len(finished)
    assert result.diverged["plain"] == {}
    assert result.seeds == list(range(10))
    gap = result.difference("breaks", "nll")  # from the pairs that both finished
    assert len(gap.values) == len(finished)
    assert (gap.diverged, gap.diverged_baseline) == (10 - len(finished), 0)
    assert result.verdict("breaks") == "diverges"
    assert f" {len(finished)} ({10 - len(finished)} diverged) " in str(result)


def test_when_everything_diverges_it_is_told(toy):
    broken = replace(BASE, objective=always_nan)
    result = study({"plain": BASE, "broken": broken}, toy(), seeds=2, device="cpu")
    assert result.values("broken") == {}
    assert math.isnan(result.mean("broken"))
    assert result.verdict("broken") == "diverges"
    assert result.table("nll").rows[1] == [
        *("broken", "nll", "0 (2 diverged)", "-", "no interval", "diverges")
    ]
    rescued = study({"broken": broken, "plain": BASE}, toy(), seeds=2, device="cpu")
    assert rescued.verdict("plain") == "no difference seen"
    nothing = study({"broken": broken, "twin": broken}, toy(), seeds=2, device="cpu")
    assert "0 (2 diverged)" in str(nothing)
    assert nothing.verdict("twin") == "no difference seen"


def test_provenance_tells_where_the_figures_come_from(toy):
    data = toy(train=48, test=20)
    told = study({"plain": BASE}, data, seeds=2, device="cpu").provenance
    assert told["data"] == "toy, 48 training and 20 test images"
    assert told["data_fingerprint"] == data.fingerprint()
    assert told["device"].startswith("cpu (")
    assert told["threads"] == torch.get_num_threads()
    assert told["torch"] == torch.__version__
    assert told["measure"] == "final_metrics"
    assert told["seconds"] > 0
    assert told["seconds"] == round(told["seconds"], 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, 3), r"^expected recipes and seeds, got \[\] and \[0, 1, 2\]$"),
        ((TWO, 0), r"^expected recipes and seeds, got \['plain', 'slow'\] and \[\]$"),
        ((TWO, []), r"^expected recipes and seeds, got \['plain', 'slow'\] and \[\]$"),
    ],
)
def test_study_wants_recipes_and_seeds(toy, arguments, message):
    recipes, seeds = arguments
    with pytest.raises(ValueError, match=message):
        study(recipes, toy(), seeds)


def test_study_says_what_cannot_be(toy, fits):
    with pytest.raises(
        ValueError, match=r"^expected the baseline among \['plain', 'slow'\], got 'x'$"
    ):
        study(TWO, toy(), baseline="x")
    with pytest.raises(ValueError, match="a lambda cannot be written down"):
        study({"plain": replace(BASE, augment=lambda images: images)}, toy())
    assert fits == []


# --- Interruption ---


@pytest.mark.parametrize("finished", range(7))
def test_an_interrupted_study_goes_on(toy, fits, tmp_path, finished):
    path = tmp_path / "deep" / "down" / "result.json"
    arguments = {"data": toy(), "seeds": 3, "device": "cpu", "path": path}
    undisturbed = study(TWO, toy(), 3, device="cpu")
    fits.clear()
    if finished < 6:
        fits.stop_after = finished
        with pytest.raises(KeyboardInterrupt):
            study(TWO, **arguments)
        assert len(fits) == finished
        assert not path.exists()
    else:
        study(TWO, **arguments)
    fits.stop_after = math.inf
    result = study(TWO, **arguments)
    assert len(fits) == len(set(fits)) == 6  # none was made twice
    assert result.runs == undisturbed.runs
    assert StudyResult.load(path) == result
    assert [entry.name for entry in path.parent.iterdir()] == ["result.json"]


def test_more_seeds_need_only_the_missing_runs(toy, fits, tmp_path):
    path = tmp_path / "result.json"
    study(TWO, toy(), 2, device="cpu", path=path)
    seconds = StudyResult.load(path).provenance["seconds"]
    fits.clear()
    result = study(TWO, toy(), [1, 5], device="cpu", path=path)
    assert sorted(fits) == [(0.001, 5), (0.05, 5)]
    assert result.seeds == [0, 1, 5]
    assert result.provenance["seconds"] >= seconds
    assert StudyResult.load(path) == result


def test_fresh_makes_a_finished_study_again_but_goes_on_with_an_interrupted_one(
    toy, fits, tmp_path
):
    path = tmp_path / "result.json"
    arguments = {"data": toy(), "seeds": 2, "device": "cpu", "path": path}
    study(TWO, **arguments)
    before = path.read_text()
    fits.clear()
    fits.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        study(TWO, **arguments, fresh=True)
    assert path.read_text() == before
    fits.stop_after = math.inf
    study(TWO, **arguments, fresh=True)
    assert len(fits) == 4
    study(TWO, **arguments, fresh=True)
    assert len(fits) == 8


def doubled(run):
    return {"accuracy": 2 * run.final.accuracy}


@pytest.mark.parametrize(
    "change",
    [
        {"recipes": {"plain": BASE, "slow": replace(BASE, lr=0.002)}},
        {"recipes": {"plain": BASE}},
        {"recipes": {"plain": BASE, "other name": TWO["slow"]}},
        {"baseline": "slow"},
        {"measure": doubled},
        {"data": {"train": 60}},
    ],
    ids=repr,
)
def test_the_answer_to_another_question_is_neither_used_nor_lost(toy, fits, tmp_path, change):
    path = tmp_path / "result.json"
    arguments = {"recipes": TWO, "data": toy(), "seeds": 1, "device": "cpu", "path": path}
    study(**arguments)
    before = path.read_text()
    fits.clear()
    arguments |= change | ({"data": toy(**change["data"])} if "data" in change else {})
    with pytest.raises(ValueError, match=r"result.json holds another study \(other recipes, data"):
        study(**arguments)
    assert fits == []
    assert path.read_text() == before
    replaced = study(**arguments, fresh=True)
    assert len(fits) == len(arguments["recipes"])
    assert StudyResult.load(path) == replaced


def test_runs_of_another_interrupted_study_are_not_used(toy, fits, tmp_path):
    path = tmp_path / "result.json"
    fits.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        study(TWO, toy(), 1, device="cpu", path=path)
    fits.stop_after = math.inf
    other = {"plain": replace(BASE, epochs=1), "slow": TWO["slow"]}
    result = study(other, toy(), 1, device="cpu", path=path)
    assert len(fits) == 1 + 2
    assert result.runs["plain"][0] == final_metrics(fit(other["plain"], toy(), 0, "cpu"))


# --- Files ---

names = st.text(min_size=1, max_size=8)
numbers = st.floats(allow_nan=False) | st.integers(-(2**60), 2**60)
kept = st.none() | st.dictionaries(names, numbers | st.lists(numbers, max_size=3), max_size=3)
results = st.builds(
    StudyResult,
    recipes=st.dictionaries(names, names, max_size=2),
    baseline=names,
    runs=st.dictionaries(
        names, st.dictionaries(st.integers(0, 2**40), kept, max_size=3), min_size=1, max_size=3
    ),
    diverged=st.dictionaries(names, st.dictionaries(st.integers(0, 99), st.integers(0, 99))),
    provenance=st.dictionaries(names, numbers | names),
)


@settings(max_examples=40)
@given(result=results)
def test_a_saved_result_comes_back_exactly(tmp_path_factory, result):
    path = tmp_path_factory.mktemp("results") / "result.json"
    result.save(path)
    assert StudyResult.load(path) == result
    assert json.loads(path.read_text(encoding="utf-8"))["baseline"] == result.baseline


def test_floats_are_kept_to_the_last_bit(toy, tmp_path):
    result = study(TWO, toy(), 2, device="cpu")
    result.save(str(tmp_path / "result.json"))
    again = StudyResult.load(tmp_path / "result.json")
    assert again == result
    assert str(again.table("nll", "ece")) == str(result.table("nll", "ece"))


def test_a_file_has_one_line_for_each_run(tmp_path):
    runs = {
        "plain": {10: {"accuracy": 0.5, "loss": [2.0, 1.5]}, 2: {"accuracy": 0.25}},
        "größer": {2: None},
    }
    result_of(runs, {"größer": {2: 7}}).save(tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    first = lines.index('"2": {"accuracy": 0.25},')
    assert lines[first + 1] == '"10": {"accuracy": 0.5, "loss": [2.0, 1.5]}'  # by number
    assert '"2": null' in lines
    assert text.endswith("}\n")


def test_an_interruption_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    old = result_of({"plain": {0: {"accuracy": 0.5}}})
    old.save(path)

    def interrupted(stored):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_one_line_per_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result_of({"plain": {0: {"accuracy": 0.6}}}).save(path)
    assert StudyResult.load(path) == old


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", "{}", '{"runs": {}, "diverged": {}}', '{"runs": 3}']
)
def test_a_file_without_a_study_is_refused(tmp_path, content):
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"result\.json does not hold a recorded study: "):
        StudyResult.load(path)
    with pytest.raises(FileNotFoundError):
        StudyResult.load(tmp_path / "missing.json")


# --- Reading a result ---

TOLD = result_of(
    {
        "plain": {0: {"accuracy": 0.80, "nll": 0.50}, 1: {"accuracy": 0.82, "nll": 0.60}},
        "trick": {0: {"accuracy": 0.85, "nll": 0.50}, 1: {"accuracy": 0.88, "nll": 0.70}},
    }
)


def test_values_by_seed():
    assert TOLD.values("plain") == {0: 0.80, 1: 0.82}
    assert TOLD.mean("plain") == pytest.approx(0.81)
    assert TOLD.mean("trick", "nll") == pytest.approx(0.60)
    assert TOLD.values("trick", "nll") == {0: 0.50, 1: 0.70}
    with pytest.raises(KeyError, match=r"expected one of the arms \['plain', 'trick'\], got 'x'"):
        TOLD.values("x")
    with pytest.raises(
        KeyError, match=r"expected one of the figures \['accuracy', 'nll'\], got 'x'"
    ):
        TOLD.values("plain", "x")


def test_a_difference_and_a_spread_as_text():
    # t(0.975; 1) = 12.706; differences 5 and 6 points, 0 and 0.1 nats
    assert str(TOLD.difference("trick")) == "+5.50 [-0.85, +11.85] points"
    assert str(TOLD.difference("trick", "nll")) == "+0.050 [-0.585, +0.685]"
    assert TOLD.spread("plain") == "81.00 ± 1.41 %"
    assert TOLD.spread("trick", "nll") == "0.600 ± 0.141"


def test_table_as_text():
    header, *rows = str(TOLD.table("accuracy", "nll")).splitlines()
    assert header.split("  ")[0] == "recipe"
    assert [" ".join(row.split()) for row in rows] == [
        "plain accuracy 2 81.00 ± 1.41 %",
        "plain nll 2 0.550 ± 0.071",
        "trick accuracy 2 86.50 ± 2.12 % +5.50 [-0.85, +11.85] points no difference seen",
        "trick nll 2 0.600 ± 0.141 +0.050 [-0.585, +0.685] no difference seen",
    ]
    columns = [line.index("accuracy") for line in rows if "accuracy" in line]
    assert len(set(columns)) == 1
    assert str(TOLD) == str(TOLD.table()) == str(TOLD.table("accuracy"))


def test_table_in_jupyter():
    lines = TOLD.table("accuracy")._repr_markdown_().splitlines()
    assert lines[0] == (
        "| recipe | figure | runs | mean ± sd | difference [95 % interval] | verdict |"
    )
    assert lines[1] == "| --- | --- | --- | --- | --- | --- |"
    assert lines[2] == "| plain | accuracy | 2 | 81.00 ± 1.41 % |  |  |"
    assert lines[3].endswith("| +5.50 [-0.85, +11.85] points | no difference seen |")
    assert TOLD._repr_markdown_() == TOLD.table("accuracy")._repr_markdown_()


def test_table_of_single_runs_has_no_spread():
    single = result_of({"plain": {0: {"nll": 0.5}}, "trick": {0: {"nll": 0.25}}})
    assert single.table("nll").rows == [
        ["plain", "nll", "1", "0.500", "", ""],
        ["trick", "nll", "1", "0.250", "", ""],
    ]
    assert str(single) == str(single.table("nll"))  # the first figure there is


def test_a_curve_is_no_figure_for_the_table():
    curves = result_of({"plain": {0: {"loss": [2.0, 1.0], "nll": 0.5}}})
    assert str(curves) == str(curves.table("nll"))


@pytest.mark.parametrize(("metric", "label"), [("accuracy", "accuracy (%)"), ("nll", "nll")])
def test_plot_draws_on_the_axes_it_is_given(metric, label):
    figure, ax = plt.subplots()
    assert TOLD.plot(metric, ax) is ax
    assert ax.get_xlabel() == label
    shown = [text.get_text() for text in ax.get_yticklabels()]
    assert any("trick" in text for text in shown)
    plt.close(figure)


# --- Estimates ---


class Stopwatch:
    """A stand-in for `fit`: 0.1 s for each step, 2 s for an evaluation of 500 images."""

    def __call__(self, recipe, data, seed=0, device=None, evaluate_on="test"):
        steps = max(1, len(data.train) // recipe.batch_size)
        self.seconds = recipe.epochs * (
            0.1 * steps + (len(data.test) / 250 if evaluate_on else 0.0)
        )
        return self


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(("train", "test"), [(4000, 1000), (320, 500), (50, 40), (10, 3)])
def test_an_estimate_counts_steps_and_evaluations(toy, monkeypatch, seeds, train, test):
    monkeypatch.setattr(module, "fit", Stopwatch())
    recipes = {"small": replace(BASE, epochs=3), "large": replace(BASE, epochs=5, batch_size=100)}
    expected = sum(
        seeds * recipe.epochs * (0.1 * max(1, train // recipe.batch_size) + test / 250)
        for recipe in recipes.values()
    )
    data = toy(train=train, test=test)
    assert estimate_seconds(recipes, data, seeds) == pytest.approx(expected)


def test_an_estimate_really_trains(toy, fits):
    assert estimate_seconds(TWO, toy(), seeds=2, device="cpu") > 0
    assert len(fits) >= 2


def test_an_estimate_survives_recipes_that_diverge(toy):
    wild = {"wild": replace(BASE, lr=1e30, epochs=50, schedule=cosine_decay(50))}
    with pytest.raises(Diverged):
        fit(wild["wild"], toy(), device="cpu")
    assert estimate_seconds(wild, toy(), seeds=1, device="cpu") > 0
