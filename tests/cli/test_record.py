import json
from pathlib import Path

import pytest

from tricks_lib.cli import record
from tricks_lib.course.chapter import chapters
from tricks_lib.course.plan import StudyPlan


class Plan:
    """A plan that only logs what is asked of it."""

    def __init__(self, name, calls, *others):
        self.name, self.calls = name, calls
        self.path = Path(f"{name}.jsonl")
        self.parts = [*others, self]

    def estimate_seconds(self):
        self.calls.append(f"estimate {self.name}")
        return 600

    def record(self, *, fresh, jobs):
        told = f"record {self.name}" + " again" * fresh
        self.calls.append(told if jobs == 1 else f"{told}, {jobs} side by side")
        return "the table"

    def verify(self):
        self.calls.append(f"verify {self.name}")


@pytest.fixture
def logged(monkeypatch):
    """Every chapter has a plan that only logs, and a search before it."""
    calls = []
    stand_in = lambda slug: [Plan(slug, calls, Plan(f"{slug}-tuning", calls))]  # noqa: E731
    monkeypatch.setattr(record, "plans_of", stand_in)
    monkeypatch.setattr(record, "chapter_names", lambda: ["one", "two"])
    return calls


def test_record_refuses_what_is_no_chapter(run, capsys):
    assert run("record", "warmup", "cooldown") == 2
    assert "got ['cooldown']" in capsys.readouterr().err


def test_record_knows_the_standing_settings(run, monkeypatch):
    made = []
    monkeypatch.setattr(record, "_record_one", lambda plan, options: made.append(plan.name))
    monkeypatch.setattr(StudyPlan, "estimate_seconds", lambda plan: 1.0)
    assert run("record", "standing") == 0
    assert made == ["garments-search", "garments", "colour-search", "colour"]


def test_record_knows_every_chapter():
    for entry in chapters():
        assert record.plans_of(entry.slug) == [entry.plan]


def test_record_estimates_all_before_it_makes_any(run, logged, capsys):
    assert run("record") == 0
    names = ["one-tuning", "one", "two-tuning", "two"]
    assert logged == [f"estimate {name}" for name in names] + [f"record {name}" for name in names]
    text = capsys.readouterr().out
    assert "one: about 10 minutes" in text
    assert "all together: about 40 minutes" in text
    assert text.count("the table") == 4


def test_record_can_make_all_runs_again_or_confirm_them(run, logged, capsys):
    assert run("record", "two", "--fresh") == 0
    assert logged[-2:] == ["record two-tuning again", "record two again"]
    assert run("record", "two", "--workers", "3") == 0
    assert logged[-1] == "record two, 3 side by side"
    assert "on this machine one after another, less with 3 side by side" in capsys.readouterr().out
    logged.clear()
    assert run("record", "two", "--verify") == 0
    assert logged == ["verify two-tuning", "verify two"]
    assert "two.jsonl: the first seed of every arm gives" in capsys.readouterr().out


def test_an_interrupted_record_goes_on(run, capsys, monkeypatch):
    def interrupted(slug):
        raise KeyboardInterrupt

    monkeypatch.setattr(record, "plans_of", interrupted)
    assert run("record", "warmup") == 130
    assert capsys.readouterr().err == "\nStopped. The same command goes on from here.\n"


def test_recorded_files_are_strict_json():
    def no_constant(name):
        raise AssertionError(name)

    for plan in (part for entry in chapters() for part in entry.plan.parts):
        for line in plan.path.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=no_constant)
