"""The file of a study. Its arms are plain functions here, since nothing has to be trained."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from textwrap import dedent

import pytest
from filelock import FileLock

from tricks_lib.lab.study import STANDARD, Metric, StudyResult, migrate, study
from tricks_lib.lab.study import run as module


def figures(arm, seed):
    return {"accuracy": 0.5 + 0.01 * seed + arm / 3, "arm": arm, "seed": seed}


def plain(seed):
    return figures(0, seed)


def trick(seed):
    return figures(1, seed)


def third(seed):
    return figures(2, seed)


TWO = {"plain": plain, "trick": trick}


@pytest.fixture(autouse=True)
def runs(monkeypatch):
    """Arm and seed of every run that is made; `stop_after` so many the study is interrupted."""

    class Log(list):
        stop_after = math.inf

    log, finite = Log(), module._finite

    def logged(found):
        if len(log) >= log.stop_after:
            raise KeyboardInterrupt
        log.append((found["arm"], found["seed"]))
        return finite(found)

    monkeypatch.setattr(module, "_finite", logged)
    return log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "result.jsonl"


def lines(path):
    """The lines of a file, each strict JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    text = Path(path).read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.split("\n")[:-1]]


def left_in(folder):
    """The files in a folder, without the locks."""
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock"))


# --- Lines ---


def test_a_head_a_line_for_each_arm_and_one_for_each_run(path, runs):
    result = study(TWO, seeds=2, path=path)
    head, *rest = lines(path)
    assert head["study"] == 2
    assert head["asked"]["baseline"] == "plain"
    assert head["metrics"] == [asdict(metric) for metric in STANDARD]
    assert [line["arm"] for line in rest[:2]] == ["plain", "trick"]
    assert {line["arm"]: line["code"] for line in rest[:2]} == result.provenance["code"]
    assert [(line["figures"]["arm"], line["seed"]) for line in rest[2:]] == runs
    assert all(line["figures"] == result.runs[line["run"]][line["seed"]] for line in rest[2:])
    assert StudyResult.load(path) == result


def test_a_run_is_in_the_file_as_soon_as_it_is_over(path, monkeypatch):
    seen = []
    finite = module._finite

    def looking(found):
        seen.append(sum("run" in line for line in lines(path)))
        return finite(found)

    monkeypatch.setattr(module, "_finite", looking)
    study(TWO, seeds=2, path=path)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["größer", "a\u2028b", "a\x85b", "a\nb", "\x1e", '"'])
def test_an_arm_may_have_any_name(path, name, runs):
    arms = {name: plain, "trick": trick}
    result = study(arms, seeds=2, path=path)
    assert StudyResult.load(path) == result
    assert study(arms, seeds=2, path=path) == result
    assert len(runs) == 4


# --- Interruption ---


@pytest.mark.parametrize("finished", range(7))
def test_an_interrupted_study_goes_on(path, runs, finished):
    undisturbed = study(TWO, seeds=3)
    runs.clear()
    if finished < 6:
        runs.stop_after = finished
        with pytest.raises(KeyboardInterrupt):
            study(TWO, seeds=3, path=path)
        assert len(runs) == finished
        assert sum("run" in line for line in lines(path)) == finished
    else:
        study(TWO, seeds=3, path=path)
    runs.stop_after = math.inf
    result = study(TWO, seeds=3, path=path)
    assert len(runs) == len(set(runs)) == 6  # none was made twice
    assert result.runs == undisturbed.runs
    assert StudyResult.load(path).runs == result.runs
    assert left_in(path.parent) == ["result.jsonl"]


@pytest.mark.parametrize("cut", range(1, 40))
def test_half_a_last_line_is_dropped(path, runs, cut):
    whole = study(TWO, seeds=2, path=path)
    runs.clear()
    stored = path.read_bytes()
    path.write_bytes(stored[:-cut])
    kept = StudyResult.load(path)
    assert sum(map(len, kept.runs.values())) == 3
    assert study(TWO, seeds=2, path=path).runs == whole.runs
    assert len(runs) == 1
    assert len(lines(path)) == 1 + 2 + 4


def test_a_file_cut_anywhere_is_made_whole_again(path, runs):
    whole = study(TWO, seeds=1, path=path)
    stored = path.read_bytes()
    for length in range(0, len(stored), 17):
        path.write_bytes(stored[:length])
        assert study(TWO, seeds=1, path=path).runs == whole.runs
        assert len(lines(path)) == 1 + 2 + 2


KILLED = """
    import os, sys, time
    from tricks_lib.lab.study import study

    def slow(seed):
        if seed == 2 and os.environ.get("WAIT"):
            print("waiting", flush=True)
            time.sleep(60)
        return {"accuracy": seed / 10}

    if __name__ == "__main__":
        result = study({"slow": slow}, seeds=4, path=sys.argv[1])
        print(sorted(result.runs["slow"].items()))
"""


def test_killed_it_loses_the_run_in_progress_and_no_other(tmp_path, path):
    script = tmp_path / "script.py"
    script.write_text(dedent(KILLED))
    command, environment = [sys.executable, script, path], os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment | {"WAIT": "1"}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "waiting\n"
        other = subprocess.run(command, env=environment, capture_output=True, text=True)
        process.send_signal(signal.SIGKILL)
    assert other.returncode == 1
    assert f"ValueError: another process is recording to {path}" in other.stderr
    assert StudyResult.load(path).seeds == [0, 1]
    first = lines(path)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    expected = [(seed, {"accuracy": seed / 10}) for seed in range(4)]
    assert again.stdout == f"{expected}\n"
    assert lines(path)[: len(first)] == first
    assert len(lines(path)) == len(first) + 2


# --- More of the same ---


def test_more_seeds_and_more_arms_need_only_the_missing_runs(path, runs):
    study(TWO, seeds=2, path=path)
    seconds = StudyResult.load(path).provenance["seconds"]
    runs.clear()
    result = study(TWO, seeds=[1, 5], path=path)
    assert runs == [(0, 5), (1, 5)]
    assert result.seeds == [0, 1, 5]
    assert result.provenance["seconds"] >= seconds
    runs.clear()
    wider = study(TWO | {"third": third}, seeds=2, path=path)
    assert runs == [(2, 0), (2, 1)]
    assert wider.runs["plain"] == result.runs["plain"]
    assert wider.runs["third"] == {seed: third(seed) for seed in range(2)}


def test_fewer_arms_are_returned_and_none_is_lost(path, runs):
    study(TWO | {"third": third}, seeds=2, path=path)
    before, made = path.read_bytes(), list(runs)
    result = study({"plain": plain, "third": third}, seeds=2, path=path)
    assert list(result.runs) == list(result.recipes) == ["plain", "third"]
    assert list(result.provenance["code"]) == ["plain", "third"]
    assert runs == made
    assert path.read_bytes() == before


def test_each_arm_may_have_seeds_of_its_own(path, runs):
    result = study(TWO, seeds={"plain": range(3), "trick": [2]}, path=path)
    assert sorted(runs) == [(0, 0), (0, 1), (0, 2), (1, 2)]
    assert result.seeds == [2]


# --- Other questions ---


def trick_changed(seed):
    return figures(1, seed) | {"more": 1}


trick_changed.__qualname__ = trick_changed.__name__ = "trick"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "trick"}, r"another study \(baseline: 'plain', now 'trick'\): give another"),
        ({"threads": 2}, r"another study \(threads: 1, now 2\): give another path, or fresh=True"),
        ({"arms": {"plain": plain, "trick": third}}, r"another 'trick', .*trick, now .*third: "),
        ({"arms": {"plain": trick, "trick": plain}}, r"another 'plain', .*plain, now .*trick: "),
    ],
)
def test_the_answer_to_another_question_is_neither_used_nor_lost(path, runs, change, message):
    asked = {"arms": TWO, "seeds": 1, "path": path}
    study(**asked)
    before = path.read_bytes()
    runs.clear()
    with pytest.raises(ValueError, match=rf"result\.jsonl holds (runs of )?{message}"):
        study(**asked | change)
    assert runs == []
    assert path.read_bytes() == before
    replaced = study(**asked | change, fresh=True)
    assert len(runs) == 2
    assert StudyResult.load(path) == replaced


def test_runs_of_another_interrupted_study_are_not_used(path, runs):
    runs.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        study(TWO, seeds=1, path=path)
    runs.stop_after = math.inf
    before = path.read_bytes()
    with pytest.raises(ValueError, match="holds runs of another 'plain'"):
        study({"plain": third, "trick": trick}, seeds=1, path=path)
    assert path.read_bytes() == before


def test_a_function_edited_under_its_old_name_is_another_question(path, runs, monkeypatch):
    study(TWO, seeds=1, path=path)
    monkeypatch.setattr(sys.modules[__name__], "trick", trick_changed)
    monkeypatch.setattr(trick_changed, "__module__", __name__)
    runs.clear()
    with pytest.raises(ValueError, match="'trick' from before the code that it uses was changed"):
        study({"plain": plain, "trick": trick_changed}, seeds=1, path=path)
    assert runs == []


def test_names_of_files_are_not_cut_at_their_dots(tmp_path):
    first = study({"plain": plain}, seeds=1, path=tmp_path / "lr0.1")
    second = study({"plain": trick}, seeds=1, path=tmp_path / "lr0.2")
    third_ = study({"plain": third}, seeds=1, path=tmp_path / "lr0.1.jsonl")
    assert left_in(tmp_path) == ["lr0.1", "lr0.1.jsonl", "lr0.2"]
    for name, result in (("lr0.1", first), ("lr0.2", second), ("lr0.1.jsonl", third_)):
        assert StudyResult.load(tmp_path / name) == result


# --- Fresh ---


def test_fresh_makes_all_again_and_goes_on_when_interrupted(path, runs):
    study(TWO, seeds=2, path=path)
    before = path.read_bytes()
    runs.clear()
    runs.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        study(TWO, seeds=2, path=path, fresh=True)
    assert path.read_bytes() == before
    runs.stop_after = math.inf
    result = study(TWO, seeds=2, path=path, fresh=True)
    assert len(runs) == 4
    assert StudyResult.load(path) == result
    assert left_in(path.parent) == ["result.jsonl"]
    study(TWO, seeds=2, path=path, fresh=True)
    assert len(runs) == 8


def test_another_fresh_study_does_not_destroy_an_interrupted_one(path, runs):
    study(TWO, seeds=2, path=path)
    runs.clear()
    runs.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        study(TWO, seeds=2, path=path, fresh=True)
    runs.stop_after = math.inf
    begun = path.with_name("result.jsonl.new").read_bytes()
    with pytest.raises(
        ValueError, match=r"jsonl\.new holds another study .*: let the study that was interrupted"
    ):
        study(TWO, seeds=2, path=path, baseline="trick", fresh=True)
    assert path.with_name("result.jsonl.new").read_bytes() == begun
    study(TWO, seeds=2, path=path, fresh=True)
    assert len(runs) == 4


# --- Paths ---


@pytest.mark.parametrize("fresh", [False, True])
def test_one_process_at_a_time(path, runs, fresh):
    study(TWO, seeds=1, path=path)
    before = path.read_bytes()
    with FileLock(path.with_name(".result.jsonl.lock")):
        runs.clear()
        with pytest.raises(ValueError, match=r"^another process is recording to .*result\.jsonl$"):
            study(TWO, seeds=2, path=path, fresh=fresh)
    assert runs == []
    assert path.read_bytes() == before
    assert study(TWO, seeds=2, path=path, fresh=fresh).seeds == [0, 1]


def test_a_path_begins_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = study(TWO, seeds=1, path="~/deep/down/x.jsonl")
    assert left_in(tmp_path) == ["deep"]
    assert StudyResult.load("~/deep/down/x.jsonl") == result
    result.save("~/again.jsonl")
    assert StudyResult.load(tmp_path / "again.jsonl") == result


@pytest.mark.parametrize("fresh", [False, True])
def test_where_nothing_can_be_written_no_run_is_made(tmp_path, runs, fresh):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="expected the path of a file, got the folder"):
        study(TWO, seeds=1, path=tmp_path / "folder", fresh=fresh)
    with pytest.raises(OSError, match="file"):
        study(TWO, seeds=1, path=tmp_path / "file" / "x.jsonl", fresh=fresh)
    with pytest.raises(OSError, match="name too long"):
        study(TWO, seeds=1, path=tmp_path / ("x" * 300), fresh=fresh)
    assert runs == []
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "content",
    ["mine", "mine\n", "{\n", "[]\n", "3\n", "null\n", '{"study": 1}\n', '{"runs": {}}\n'],
)
def test_a_file_that_holds_something_else_is_left_alone(path, runs, content):
    path.write_text(content)
    with pytest.raises(ValueError, match=r"result\.jsonl holds no study of this format: give"):
        study(TWO, seeds=1, path=path)
    assert runs == []
    assert path.read_text() == content
    assert study(TWO, seeds=1, path=path, fresh=True) == StudyResult.load(path)


def test_an_empty_file_is_filled(path):
    path.touch()
    assert study(TWO, seeds=1, path=path) == StudyResult.load(path)


# --- The first edition ---

OLD = """\
{
 "recipes": {
  "none": "Recipe(epochs=60, batch_size=50)",
  "mixup 1": "Recipe(epochs=60, batch_size=50, mix=Mixup(alpha=1.0))"
 },
 "baseline": "none",
 "diverged": {
  "none": {},
  "mixup 1": {"10": 7}
 },
 "provenance": {
  "data": "fashion-mini, 300 training and 5000 test images",
  "data_fingerprint": "ccfc85cafccd9e2a",
  "measure": "unmixed",
  "train": "only_at_the_end",
  "device": "cpu (x86_64)",
  "threads": 1,
  "torch": "2.14.1+cu130",
  "python": "3.11.7",
  "seconds": 364.19
 },
 "runs": {
  "none": {
   "0": {"accuracy": 0.7842, "nll": 0.8701234459877014, "confidence": 0.9034179449081421},
   "10": {"accuracy": 0.7608, "nll": 0.976819634437561, "confidence": 0.8963409066200256}
  },
  "mixup 1": {
   "0": {"accuracy": 0.766, "nll": 0.7612249851226807, "confidence": 0.787674069404602},
   "10": null
  }
 }
}
"""


def test_a_record_of_the_first_edition_keeps_its_numbers(tmp_path):
    old = tmp_path / "mixup-few.json"
    old.write_text(OLD)
    stored = json.loads(OLD)
    confidence = Metric("confidence", unit="points")
    new = migrate(old, (*STANDARD, confidence))
    assert new == tmp_path / "mixup-few.jsonl"
    assert left_in(tmp_path) == ["mixup-few.jsonl"]
    assert len(lines(new)) == 1 + 2 + 4
    result = StudyResult.load(new)
    for arm, by_seed in stored["runs"].items():
        assert result.runs[arm] == {int(seed): found for seed, found in by_seed.items()}
    assert result.diverged == {"none": {}, "mixup 1": {10: 7}}
    assert (result.recipes, result.baseline) == (stored["recipes"], "none")
    assert result.metric("confidence") == confidence
    told = result.provenance
    assert told["rule"] == "first edition"
    assert told["code"] == {"none": None, "mixup 1": None}
    assert told.items() >= stored["provenance"].items()


def test_a_record_of_the_first_edition_is_no_answer_of_today(tmp_path, runs):
    old = tmp_path / "old.json"
    old.write_text(OLD)
    before = migrate(old).read_bytes()
    with pytest.raises(ValueError, match="holds another study"):
        study({"none": plain, "mixup 1": trick}, seeds=1, path=tmp_path / "old.jsonl")
    assert runs == []
    assert (tmp_path / "old.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", OLD.replace('"baseline"', '"base"')], ids=repr
)
def test_what_is_no_record_of_the_first_edition_is_left_alone(tmp_path, content):
    old = tmp_path / "old.json"
    old.write_text(content)
    with pytest.raises(ValueError, match=r"old\.json is no record of the first edition: "):
        migrate(old)
    assert left_in(tmp_path) == ["old.json"]
    assert old.read_text() == content


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "old.jsonl"
    old.write_text(OLD)
    new.write_text("runs of a whole night")
    with pytest.raises(FileExistsError, match=r"old\.jsonl is there already"):
        migrate(old)
    assert (old.read_text(), new.read_text()) == (OLD, "runs of a whole night")
