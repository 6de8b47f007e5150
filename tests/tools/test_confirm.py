"""The tool that proves a change of the code harmless: what it compares, and what it refuses."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import confirm  # noqa: E402

FIGURES = {"none": [{"accuracy": 0.5}, None, [1.0, 0.5]], "warmup": [None, 7, [0.0, 1.0]]}


@pytest.fixture
def stamped(monkeypatch):
    """Let nothing be trained, checked out or written; return what would have been stamped."""
    calls = []
    monkeypatch.setattr(confirm, "git", lambda *arguments: "0123456789abcdef")
    monkeypatch.setattr(confirm.subprocess, "run", lambda command, **_: calls.append(command[-3:]))
    return calls


def answers(monkeypatch, before, now):
    given = {True: now, False: before}
    monkeypatch.setattr(confirm, "ask", lambda tree, *_: given[tree == confirm.ROOT])


def test_the_same_figures_are_noted_with_the_proof(stamped, monkeypatch):
    answers(monkeypatch, FIGURES, FIGURES)
    assert confirm.confirm("warmup", 2, None) == []
    assert [part[:2] for part in stamped] == [["warmup", "warmup"], ["warmup", "warmup-curvature"]]
    how = stamped[0][2]
    assert "the code of 0123456789ab and today's gave the same figures" in how
    assert "2 epochs" in how


@pytest.mark.parametrize(
    "now",
    [
        FIGURES | {"none": [{"accuracy": 0.5000001}, None, [1.0, 0.5]]},
        FIGURES | {"none": [{"accuracy": 0.5}, None, [1.0, 0.4]]},
        FIGURES | {"warmup": [None, 6, [0.0, 1.0]]},
        {"none": FIGURES["none"]},
        {},
    ],
    ids=["a figure", "a learning rate", "a step", "an arm", "nothing"],
)
def test_a_difference_is_not_stamped(stamped, monkeypatch, now):
    answers(monkeypatch, FIGURES, now)
    trouble, *_ = confirm.confirm("warmup", 2, None)
    assert trouble.startswith("warmup.jsonl: today's code gives other figures for [")
    assert stamped == []


@pytest.mark.parametrize(
    ("chapter", "files"),
    [
        ("adabound", ["adabound-search", "adabound", "adabound-again"]),
        ("decay", ["decay-search", "decay"]),
    ],
)
def test_a_search_is_confirmed_before_what_it_chose(stamped, monkeypatch, chapter, files):
    answers(monkeypatch, FIGURES, FIGURES)
    assert confirm.confirm(chapter, 2, None) == []
    assert [file for _, file, _ in stamped] == files
