import sys
import types

import pytest

from tricks_lib.lab.progress import progress


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)


def watch_at_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def watch_in_jupyter(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))


def run_a_bar():
    """Return whether the bar was to be seen."""
    with progress(3, "training", "step") as bar:
        seen = not bar.disable
        for _ in range(3):
            bar.update()
    return seen


@pytest.mark.parametrize("watch", [watch_at_a_terminal, watch_in_jupyter])
def test_a_person_sees_the_bar_and_nothing_stays(watch, monkeypatch, capsys):
    watch(monkeypatch)
    assert run_a_bar()
    shown = capsys.readouterr()
    assert "training" in shown.err
    assert shown.out == ""
    assert shown.err.rpartition("\r")[2].strip() == ""  # the last thing is an empty line


def test_nobody_else_sees_it(capsys):
    assert not run_a_bar()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "value"), [("TQDM_DISABLE", "1"), ("RANK", "1")])
def test_it_can_be_silenced(name, value, monkeypatch, capsys):
    watch_at_a_terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    assert not run_a_bar()
    assert capsys.readouterr() == ("", "")


def test_the_first_worker_shows_it(monkeypatch):
    watch_at_a_terminal(monkeypatch)
    monkeypatch.setenv("RANK", "0")
    assert run_a_bar()
