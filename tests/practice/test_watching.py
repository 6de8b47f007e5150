import json

import pytest

from tricks_lib.practice.watching import Watch, length


@pytest.fixture
def runs(tmp_path):
    """A file of runs, and what appends a run to it."""
    path = tmp_path / "runs.jsonl"

    def add(arm, seed, accuracy=None, end="\n"):
        figures = {"figures": {"accuracy": accuracy}} if accuracy is not None else {"diverged": 3}
        with path.open("a") as file:
            file.write(json.dumps({"run": arm, "seed": seed, **figures}) + end)

    return path, add


ALL = [(arm, seed) for seed in range(2) for arm in ("baseline", "mixup")]


def test_each_run_is_told_when_it_is_written(runs, capsys):
    path, add = runs
    watch = Watch(path, ALL, {"baseline": 10.0, "mixup": 10.0})
    watch.look()  # no file yet
    path.write_text('{"study": 1}\n{"arm": "baseline", "recipe": "Recipe()"}\n')
    watch.look()
    assert capsys.readouterr().err == ""
    add("baseline", 0, 0.5)
    add("mixup", 0, 0.525, end="")  # half a line
    watch.look()
    watch.look()
    told = capsys.readouterr().err
    assert told.startswith("[1/4] baseline, seed 0: accuracy 50.00 %; about ")
    assert told.count("\n") == 1
    with path.open("a") as file:
        file.write("\n")
    watch.look()
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("[2/4] mixup, seed 0: accuracy 52.50 %; about ")
    assert told[1] == "so far, 1 seed: baseline 50.00 %; mixup +2.50 points"
    add("mixup", 1)
    add("baseline", 1, 0.6)
    watch.look()
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("[3/4] mixup, seed 1: diverged; about ")
    assert told[1] == "[4/4] baseline, seed 1: accuracy 60.00 %; that was the last"


def test_runs_that_were_there_are_counted_and_not_told(runs, capsys):
    path, add = runs
    add("baseline", 0, 0.5)
    add("mixup", 0, 0.4)
    add("baseline", 1, 0.7)
    watch = Watch(path, [("mixup", 1), ("mixup", 2), ("baseline", 2)], {})
    add("mixup", 1, 0.8)
    watch.look()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[0].startswith("[1/3] mixup, seed 1: accuracy 80.00 %")
    assert told[1] == "so far, 2 seeds: baseline 60.00 %; mixup +0.00 points"


def test_what_comes_last_is_told_at_the_end(runs, capsys):
    path, add = runs
    with Watch(path, ALL[:1], {}):
        add("baseline", 0, 0.5)
    assert capsys.readouterr().err.count("[1/1]") == 1


def test_time_left_is_weighed_by_arm(runs, monkeypatch):
    path, add = runs
    watch = Watch(path, [("slow", 0), ("quick", 0)], {"slow": 30.0, "quick": 10.0})
    monkeypatch.setattr("time.monotonic", lambda: watch.started + 60)
    add("slow", 0, 0.5)
    watch.look()
    assert watch.left() == "about 20 seconds left"  # 60 for the slow one


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 second"),
        (42.4, "42 seconds"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (3600, "60 minutes"),
        (7200, "2.0 hours"),
        (90_000, "25 hours"),
    ],
)
def test_lengths_of_time_are_written_for_people(seconds, told):
    assert length(seconds) == told
