import sys
import types

import pytest

from tricks_lib.lab import progress as module
from tricks_lib.lab.progress import progress, running


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)


def watch_at_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


class Handle:
    def __init__(self, shown):
        self.shown = shown

    def update(self, data, raw):
        assert raw
        self.shown.append(data)


@pytest.fixture
def cell(monkeypatch):
    """Everything a cell of JupyterLab shows in its one output; each is in place of the last."""
    outputs, shown = [], []

    def display(data, raw, display_id):
        assert raw and display_id
        outputs.append(data)
        shown.append(data)
        return Handle(shown)

    fake = types.ModuleType("IPython.display")
    fake.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    yield shown
    assert len(outputs) <= 1


def run_a_bar():
    """Return whether the bar was to be seen."""
    with progress(3, "training", "step") as bar:
        seen = not bar.disable
        for _ in range(3):
            bar.update()
    return seen


def test_a_person_sees_the_bar_and_nothing_stays(monkeypatch, capsys):
    watch_at_a_terminal(monkeypatch)
    assert run_a_bar()
    shown = capsys.readouterr()
    assert "training" in shown.err
    assert shown.out == ""
    assert shown.err.rpartition("\r")[2].strip() == ""  # the last thing is an empty line


def wait(bar):
    """Make it as if the work had taken long."""
    bar.start_t -= 10
    bar.last_print_t -= 5


def test_in_jupyter_it_is_an_output_that_ends_empty(cell, capsys):
    with progress(3, "<training>", "step") as bar:
        wait(bar)
        bar.update(2)
        assert "&lt;training&gt;" in cell[-1]["text/html"]
        assert "2/3" in cell[-1]["text/plain"]
    assert cell[-1] == {"text/html": "", "text/plain": ""}
    assert capsys.readouterr() == ("", "")  # JupyterLab shows stderr on pink


def test_in_jupyter_short_work_has_no_bar(cell, capsys):
    assert run_a_bar()
    assert cell == []
    assert capsys.readouterr() == ("", "")


def test_what_else_shows_the_progress_takes_the_bar_away(cell):
    with progress(3, "training", "step") as bar:
        wait(bar)
        bar.update()
        assert running() is bar
        running().hide()
        assert cell[-1]["text/plain"] == ""
        bar.update()
        assert cell[-1]["text/plain"] == ""
        assert running() is bar


@pytest.mark.parametrize("seen", [False, True])
def test_the_innermost_work_is_the_one_that_runs(seen, monkeypatch, capsys):
    if seen:
        watch_at_a_terminal(monkeypatch)
    assert running() is None
    with progress(5, "study", "run") as outer:
        with pytest.raises(KeyboardInterrupt), progress(7, "training", "step"):
            assert running().total == 7
            raise KeyboardInterrupt
        assert running() is outer
        assert running().total == 5
    assert running() is None
    assert module._OPEN == []


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
