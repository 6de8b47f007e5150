import json
import subprocess
import sys
from pathlib import Path

import pytest

from tricks_lib.lab import cli
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
    out = tmp_path / "mine.json"
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
        (("--tricks", "warmup", "--seeds", "1"), "at least 2 seeds, got 1"),
        (("--tricks", "warmup", "--lr", "0"), "lr must be > 0"),
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
    extra = ("--out", str(tmp_path / "o.json")) if out else ()
    assert run("study", *QUICK, *extra) == 130
    assert hint in capsys.readouterr().err


def test_record_refuses_what_is_no_chapter(capsys):
    assert run("record", "warmup", "cooldown") == 2
    assert "got ['cooldown']" in capsys.readouterr().err


class Plan:
    """A plan that only logs what is asked of it."""

    def __init__(self, slug, calls, *others):
        self.slug, self.calls = slug, calls
        self.path = Path(f"{slug}.json")
        self.parts = [*others, self]

    def estimate_seconds(self):
        self.calls.append(f"estimate {self.slug}")
        return 600

    def record(self):
        self.calls.append(f"record {self.slug}")
        return "the table"


def test_record_estimates_all_before_it_makes_any(capsys, monkeypatch):
    calls, written = [], [chapter for chapter in cli.CHAPTERS if chapter.written]
    plan = property(lambda chapter: Plan(chapter.slug, calls))
    monkeypatch.setattr(cli.CHAPTERS[0].__class__, "plan", plan)
    assert run("record") == 0
    slugs = [chapter.slug for chapter in written]
    assert calls == [f"estimate {slug}" for slug in slugs] + [f"record {slug}" for slug in slugs]
    text = capsys.readouterr().out
    assert "warmup: about 10 minutes" in text
    assert f"all together: about {10 * len(slugs)} minutes" in text
    assert text.count("the table") == len(slugs)


def test_all_studies_of_a_chapter_are_recorded_in_order(monkeypatch):
    calls = []
    plan = property(lambda chapter: Plan("x", calls, Plan("x-tuning", calls)))
    monkeypatch.setattr(cli.CHAPTERS[0].__class__, "plan", plan)
    assert run("record", "warmup") == 0
    assert calls == ["estimate x-tuning", "estimate x", "record x-tuning", "record x"]


def test_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "tricks_lib", "--help"], capture_output=True, text=True, check=True
    )
    assert "record" in done.stdout


def test_recorded_files_are_strict_json():
    def no_constant(name):
        raise AssertionError(name)

    for plan in (part for c in cli.CHAPTERS if c.written for part in c.plan.parts):
        json.loads(plan.path.read_text(encoding="utf-8"), parse_constant=no_constant)
