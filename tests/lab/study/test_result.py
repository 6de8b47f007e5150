import json
import math

import matplotlib.pyplot as plt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tricks_lib.lab.study import STANDARD, Metric, StudyResult
from tricks_lib.lab.study import result as module


def result_of(runs, diverged=None, **changes):
    """Build a result from figures by arm and seed, without training."""
    told = {
        "recipes": {arm: "Recipe()" for arm in runs},
        "baseline": next(iter(runs)),
        "runs": runs,
        "diverged": {arm: {} for arm in runs} | (diverged or {}),
        "provenance": {"torch": "2", "seconds": 1.5, "code": dict.fromkeys(runs, "0123")},
    }
    told["provenance"]["baseline"] = told["baseline"]
    return StudyResult(**told | changes)


TOLD = result_of(
    {
        "plain": {0: {"accuracy": 0.80, "nll": 0.50}, 1: {"accuracy": 0.82, "nll": 0.60}},
        "trick": {0: {"accuracy": 0.85, "nll": 0.50}, 1: {"accuracy": 0.88, "nll": 0.70}},
    }
)


def five(start, step=0.0, **more):
    """Five runs with slightly different figures."""
    return {seed: {"accuracy": start + step * seed} | more for seed in range(5)}


# --- Figures ---


def test_values_by_seed():
    assert TOLD.values("plain") == {0: 0.80, 1: 0.82}
    assert TOLD.mean("plain") == pytest.approx(0.81)
    assert TOLD.mean("trick", "nll") == pytest.approx(0.60)
    assert TOLD.values("trick", "nll") == {0: 0.50, 1: 0.70}
    with pytest.raises(KeyError, match=r"expected one of the arms \['plain', 'trick'\], got 'x'"):
        TOLD.values("x")
    with pytest.raises(
        KeyError, match=r"expected one of the metrics \['accuracy', 'nll'\], got 'x'"
    ):
        TOLD.values("plain", "x")


def test_seeds_are_those_that_every_arm_has():
    assert result_of({"a": {2: {}, 0: {}, 1: {}}, "b": {1: {}, 2: None}}).seeds == [1, 2]


def test_a_metric_is_what_was_declared():
    f1 = Metric("f1", "F1", "higher", "points")
    assert TOLD.metric("accuracy") is STANDARD[0]
    assert TOLD.metric("recent_loss") == Metric("recent_loss")
    assert result_of({"a": {0: {}}}, metrics={"f1": f1}).metric("f1") is f1


def test_what_nobody_declared_neither_helps_nor_hurts():
    result = result_of({"plain": five(0.5, f1=0.9), "trick": five(0.5, f1=0.5)})
    assert result.verdict("trick", "f1") == "differs"
    declared = result_of(result.runs, metrics={"f1": Metric("f1", better="higher")})
    assert declared.verdict("trick", "f1") == "hurts"
    assert "0.900" in str(result.table("f1"))  # no share, as far as anybody knows


def test_a_difference_and_a_spread_as_text():
    # t(0.975; 1) = 12.706; differences 5 and 6 points, 0 and 0.1 nats
    assert str(TOLD.difference("trick")) == "+5.50 [-0.85, +11.85] points"
    assert str(TOLD.difference("trick", "nll")) == "+0.050 [-0.585, +0.685]"
    assert TOLD.spread("plain") == "81.00 ± 1.41 %"
    assert TOLD.spread("trick", "nll") == "0.600 ± 0.141"


# --- Divergence ---


def test_a_rescue_helps_and_the_reverse_hurts():
    lost = dict.fromkeys(range(5))
    steps = {"trick": dict.fromkeys(range(5), 7)}
    rescue = result_of({"plain": lost, "trick": five(0.8)}, {"plain": steps["trick"]})
    assert rescue.verdict("trick") == "helps"
    gap = rescue.difference("trick")
    assert (gap.diverged, gap.diverged_baseline, gap.values) == (0, 5, ())
    reverse = result_of({"plain": five(0.8), "trick": lost}, steps)
    assert reverse.verdict("trick") == "hurts"
    assert reverse.values("trick") == {}
    assert math.isnan(reverse.mean("trick"))
    assert reverse.spread("trick") == "-"
    assert reverse.table().rows[1] == [
        *("trick", "accuracy", "0 (5 diverged)", "-", "no interval", "hurts")
    ]
    both = result_of({"plain": lost, "trick": lost}, steps | {"plain": steps["trick"]})
    assert both.verdict("trick") == "no difference seen"
    assert "0 (5 diverged)" in str(both)


def test_a_figure_that_is_not_finite_counts_as_a_run_that_diverged():
    runs = {"plain": five(0.8), "trick": five(0.8) | {2: {"accuracy": None}}}
    gap = result_of(runs).difference("trick")
    assert (len(gap.values), gap.diverged, gap.diverged_baseline) == (4, 1, 0)
    assert gap.verdict == "hurts"
    assert result_of(runs).table().rows[1][2] == "4 (1 diverged)"


def test_runs_of_seeds_that_are_not_shared_are_not_counted():
    runs = {"plain": five(0.8), "trick": five(0.8) | {9: None}}
    assert result_of(runs, {"trick": {9: 3}}).difference("trick").diverged == 0


# --- Several arms ---

SEVERAL = result_of(
    {
        "plain": five(0.80),
        "one": five(0.80, 0.004),
        "two": five(0.81, 0.001),
        "three": five(0.79, 0.002),
    }
)


def test_differences_of_several_arms_hold_at_once():
    alone, together = SEVERAL.difference("one"), SEVERAL.differences()
    assert list(together) == ["one", "two", "three"]
    assert {gap.comparisons for gap in together.values()} == {3}
    assert together["one"] == SEVERAL.difference("one", comparisons=3)
    assert together["one"].low < alone.low < alone.high < together["one"].high
    assert list(SEVERAL.differences(arms=["two", "three"], baseline="one")) == ["two", "three"]
    assert SEVERAL.differences(arms=["two"])["two"] == SEVERAL.difference("two")
    assert (
        SEVERAL.difference("one", baseline="two").mean
        == -SEVERAL.difference("two", baseline="one").mean
    )


def test_a_declared_comparison_keeps_its_own_interval_in_the_table():
    alone, wide = SEVERAL.difference("one"), SEVERAL.differences()
    assert [row[4] for row in SEVERAL.table().rows] == ["", *map(str, wide.values())]
    assert "[95 % intervals, simultaneous over 3]" in SEVERAL.table().header[4]
    declared = result_of(SEVERAL.runs, declared={("one", "accuracy"): 1})
    shown = [row[4:] for row in declared.table().rows]
    assert shown[1] == [str(alone), f"{alone.verdict} (declared)"]
    assert shown[2:] == [row[4:] for row in SEVERAL.table().rows[2:]]
    assert "simultaneous over 3; declared: alone]" in declared.table().header[4]
    other = result_of(SEVERAL.runs, declared={("one", "nll"): 1})
    assert str(other.table()) == str(SEVERAL.table())


def test_comparisons_declared_together_have_their_common_interval_in_the_table():
    two = SEVERAL.difference("one", comparisons=2)
    asked = {("one", "accuracy"): 2, ("two", "accuracy"): 2}
    declared = result_of(SEVERAL.runs, declared=asked).table()
    assert declared.rows[1][4:] == [str(two), f"{two.verdict} (declared)"]
    assert [row[5].endswith(" (declared)") for row in declared.rows] == [False, True, True, False]
    assert "simultaneous over 3; declared: over 2]" in declared.header[4]
    # As many as the table compares: then nothing is special about them.
    all_three = result_of(SEVERAL.runs, declared={("one", "accuracy"): 3})
    assert str(all_three.table()) == str(SEVERAL.table())


# --- Tables ---


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
        "| recipe | metric | runs | mean ± sd | difference [95 % interval] | verdict |"
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


@pytest.mark.parametrize(
    ("metric", "label"),
    [("accuracy", "test accuracy (%)"), ("nll", "test negative log-likelihood (nats)")],
)
def test_plot_draws_on_the_axes_it_is_given(metric, label):
    figure, ax = plt.subplots()
    assert TOLD.plot(metric, ax) is ax
    assert ax.get_xlabel() == label
    shown = [text.get_text() for text in ax.get_yticklabels()]
    assert any("trick" in text for text in shown)
    plt.close(figure)


# --- Files ---

names = st.text(min_size=1, max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)
figures = st.dictionaries(
    names, numbers | st.none() | st.lists(numbers | st.none(), max_size=3), max_size=3
)


@st.composite
def results(draw):
    """Any result that could have been recorded."""
    arms = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    seeds = st.dictionaries(st.integers(-1, 2**40), st.none() | figures, max_size=3)
    runs = {arm: draw(seeds) for arm in arms}
    lost = {arm: [n for n, run in runs[arm].items() if run is None] for arm in arms}
    diverged = {arm: {n: draw(st.integers(0, 99)) for n in lost[arm]} for arm in arms}
    metrics = draw(
        st.lists(st.builds(Metric, names, names), max_size=2, unique_by=lambda m: m.name)
    )
    told = {"provenance": draw(st.dictionaries(st.sampled_from("pq"), numbers | names))}
    told["provenance"] |= {"code": {arm: draw(names) for arm in arms}, "seconds": 1.25}
    told["provenance"] |= {"baseline": arms[0], "rule": "first edition"}
    return result_of(runs, diverged, metrics={m.name: m for m in metrics}, **told)


@settings(max_examples=60)
@given(result=results())
def test_a_saved_result_comes_back_exactly(tmp_path_factory, result):
    path = tmp_path_factory.mktemp("results") / "result.jsonl"
    result.save(path)
    assert StudyResult.load(path) == result
    heads = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert heads[0]["asked"]["baseline"] == result.baseline


def test_floats_are_kept_to_the_last_bit(tmp_path):
    result = result_of({"plain": {0: {"nll": 0.1 + 0.2, "loss": [1 / 3, 5e-324]}}})
    result.save(str(tmp_path / "deep" / "result.jsonl"))
    assert StudyResult.load(tmp_path / "deep" / "result.jsonl").runs == result.runs


def test_a_file_has_one_line_for_each_run_by_number(tmp_path):
    runs = {
        "plain": {10: {"accuracy": 0.5, "loss": [2.0, 1.5]}, 2: {"accuracy": 0.25}},
        "größer": {2: None},
    }
    result_of(runs, {"größer": {2: 7}}).save(tmp_path / "result.jsonl")
    text = (tmp_path / "result.jsonl").read_text(encoding="utf-8")
    assert text.splitlines()[-3:] == [
        '{"run": "plain", "seed": 2, "figures": {"accuracy": 0.25}}',
        '{"run": "plain", "seed": 10, "figures": {"accuracy": 0.5, "loss": [2.0, 1.5]}}',
        '{"run": "größer", "seed": 2, "diverged": 7}',
    ]
    assert text.endswith("}\n")


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_is_not_written(tmp_path, figure):
    path = tmp_path / "result.jsonl"
    TOLD.save(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        result_of({"plain": {0: {"accuracy": figure}}}).save(path)
    assert StudyResult.load(path) == TOLD


def test_an_interruption_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "result.jsonl"
    TOLD.save(path)

    def interrupted(line):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "text_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SEVERAL.save(path)
    assert StudyResult.load(path) == TOLD


def test_metrics_of_a_file_can_be_read_in_another_way(tmp_path):
    path = tmp_path / "result.jsonl"
    TOLD.save(path)
    assert list(StudyResult.load(path).metrics.values()) == list(STANDARD)
    other = Metric("accuracy", "validation accuracy", "higher", "points")
    assert StudyResult.load(path, [other]).metrics == {"accuracy": other}


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]\n", "null\n", "3\n", "{}\n", '{"study": 2}\n', '{"runs": {}}\n'),
        '{"asked": {"baseline": "a"}, "metrics": []}\n{"run": "a", "seed": 0}\n',
        '{"study": 3, "asked": {"baseline": "a"}, "metrics": []}\n',
    ],
)
def test_a_file_without_a_study_is_refused(tmp_path, content):
    path = tmp_path / "result.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"result\.jsonl does not hold a recorded study: "):
        StudyResult.load(path)
    with pytest.raises(FileNotFoundError):
        StudyResult.load(tmp_path / "missing.jsonl")


# --- Arms read off another ---


def test_a_derived_arm_takes_the_metrics_with_an_ending():
    runs = {"plain": {0: {"nll": 0.5, "nll_cold": 0.4}, 1: None, 2: {"nll": 0.7, "nll_cold": 0.3}}}
    whole = result_of(runs, diverged={"plain": {1: 17}})
    found = whole.with_derived("plain, cold", "plain", "_cold")
    assert found.runs["plain, cold"] == {0: {"nll": 0.4}, 1: None, 2: {"nll": 0.3}}
    assert found.runs["plain"] == whole.runs["plain"]
    assert found.diverged["plain, cold"] == {1: 17}
    assert found.difference("plain, cold", "nll").values == pytest.approx((-0.1, -0.4))
    assert list(whole.runs) == ["plain"]
    with pytest.raises(KeyError, match="expected metrics that end in '_hot', got"):
        whole.with_derived("plain, hot", "plain", "_hot")
