import json
import subprocess
import sys
from pathlib import Path

import pytest

from tricks_lib import cli
from tricks_lib.course.chapter import Chapter, chapter, chapters
from tricks_lib.lab.study import StudyResult


def run(*arguments):
    return cli.main(list(arguments))


@pytest.fixture
def few(toy, monkeypatch):
    """Toy data in place of whatever is asked for, and what was asked for."""
    asked = []
    monkeypatch.setattr(cli, "load_data", lambda source: asked.append(source) or toy())
    return asked


QUICK = ("--tricks", "warmup", "--seeds", "2", "--epochs", "1", "--batch-size", "8")


def test_study_of_own_pictures_prints_estimate_and_verdicts(few, capsys, tmp_path):
    out = tmp_path / "mine.jsonl"
    assert run("study", "--data", "pets", *QUICK, "--device", "cpu", "--out", str(out)) == 0
    assert few == ["pets"]
    text = capsys.readouterr().out
    assert "study: about" in text
    for metric in ("accuracy", "nll", "ece"):
        assert text.count(f"  {metric} ") >= 2
    result = StudyResult.load(out)
    assert list(result.runs) == ["baseline", "warmup"]
    assert result.seeds == [0, 1]
    assert "gradual_warmup" in result.recipes["warmup"]
    assert "epochs=1" in result.recipes["baseline"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tricks", "warmup,mixupp"), r"got ['mixupp']"),
        (("--tricks", ","), "expected tricks out of"),
        (("--tricks", "warmup", "--seeds", "1"), "an interval needs at least 2, got 1"),
        (("--tricks", "warmup", "--epochs", "0"), "epochs takes at least 1, got 0"),
        (("--tricks", "warmup", "--batch-size", "0"), "batch-size takes at least 1, got 0"),
        (("--tricks", "warmup", "--lr", "0"), "lr must be a finite number > 0"),
        (("--tricks", "warmup", "--lr", "inf"), "lr must be a finite number > 0"),
        (("--tricks", "warmup", "--device", "gpu"), "expected a device such as 'cuda' or 'cpu'"),
    ],
)
def test_mistakes_become_one_line(few, capsys, arguments, message):
    assert run("study", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_missing_folder_is_told(capsys, tmp_path):
    assert run("study", "--data", str(tmp_path / "nowhere"), "--tricks", "warmup") == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "hint"), [(True, "goes on from here"), (False, "With --out")])
def test_interruption_says_whether_it_can_go_on(few, capsys, monkeypatch, tmp_path, out, hint):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "study", interrupted)
    extra = ("--out", str(tmp_path / "o.jsonl")) if out else ()
    assert run("study", *QUICK, *extra) == 130
    assert hint in capsys.readouterr().err


def test_record_refuses_what_is_no_chapter(capsys):
    assert run("record", "warmup", "cooldown") == 2
    assert "got ['cooldown']" in capsys.readouterr().err


class Plan:
    """A plan that only logs what is asked of it."""

    headline = None

    def __init__(self, name, calls, *others):
        self.name, self.calls = name, calls
        self.path = Path(f"{name}.jsonl")
        self.parts = [*others, self]

    def estimate_seconds(self):
        self.calls.append(f"estimate {self.name}")
        return 600

    def record(self, *, fresh):
        self.calls.append(f"record {self.name}" + " again" * fresh)
        return "the table"

    def verify(self):
        self.calls.append(f"verify {self.name}")


@pytest.fixture
def logged(monkeypatch):
    """Every chapter has a plan that only logs, and a search before it."""
    calls = []

    def stand_in(slug):
        plan = Plan(slug, calls, Plan(f"{slug}-tuning", calls))
        return Chapter(f"chapters.{slug}", 0, slug, "A claim.", plan, "", 1, 1)

    monkeypatch.setattr(cli, "chapter", stand_in)
    monkeypatch.setattr(cli, "chapters", lambda: [stand_in("one"), stand_in("two")])
    monkeypatch.setattr(cli, "found", lambda: ["one", "two"])
    monkeypatch.setattr(cli, "tricks", dict)
    return calls


def test_record_estimates_all_before_it_makes_any(logged, capsys):
    assert run("record") == 0
    names = ["one-tuning", "one", "two-tuning", "two"]
    assert logged == [f"estimate {name}" for name in names] + [f"record {name}" for name in names]
    text = capsys.readouterr().out
    assert "one: about 10 minutes" in text
    assert "all together: about 40 minutes" in text
    assert text.count("the table") == 4


def test_record_can_make_all_runs_again_or_confirm_them(logged, capsys):
    assert run("record", "two", "--fresh") == 0
    assert logged[-2:] == ["record two-tuning again", "record two again"]
    logged.clear()
    assert run("record", "two", "--verify") == 0
    assert logged == ["verify two-tuning", "verify two"]
    assert "two.jsonl: the first seed of every arm gives" in capsys.readouterr().out


def test_chapters_lists_what_was_found(capsys):
    assert run("chapters") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(chapters())
    assert f"01 warmup: {chapter('warmup').finding()}" in lines


def test_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "tricks_lib", "--help"], capture_output=True, text=True, check=True
    )
    assert "record" in done.stdout


def test_recorded_files_are_strict_json():
    def no_constant(name):
        raise AssertionError(name)

    for plan in (part for entry in chapters() for part in entry.plan.parts):
        for line in plan.path.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=no_constant)
