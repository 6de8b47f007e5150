"""No stale page: what was run under other files is run again, and what fails is never kept."""

import nbformat
import pytest

from course_ext.execution import Ledger, run_all

CELL = nbformat.v4.new_code_cell


@pytest.fixture
def notebooks(tmp_path):
    paths = {name: tmp_path / f"{name}.ipynb" for name in ("a", "b")}
    for name, path in paths.items():
        nbformat.write(nbformat.v4.new_notebook(cells=[CELL(f"print('{name}')")]), path)
    return paths


def ran(ledger, path):
    ledger.add(path, nbformat.read(path, as_version=4), seconds=1.0)


def names(paths):
    return [path.stem for path in paths]


def test_what_was_run_under_the_same_files_is_kept(tmp_path, notebooks):
    now = {path: "1" for path in notebooks.values()}
    ledger = Ledger(tmp_path / "cache")
    assert names(ledger.update(now)) == ["a", "b"]
    for path in notebooks.values():
        ran(ledger, path)
    assert Ledger(tmp_path / "cache").update(now) == []


def test_a_change_drops_those_that_depend_on_it_alone(tmp_path, notebooks):
    now = {path: "1" for path in notebooks.values()}
    ledger = Ledger(tmp_path / "cache")
    ledger.update(now)
    for path in notebooks.values():
        ran(ledger, path)
    now[notebooks["a"]] = "2"
    assert names(ledger.update(now)) == ["a"]
    with pytest.raises(KeyError):
        ledger.cache.match_cache_notebook(nbformat.read(notebooks["a"], as_version=4))
    assert ledger.cache.match_cache_notebook(nbformat.read(notebooks["b"], as_version=4))
    # It stays dropped until it has been run, however often one tries; going back does not help.
    assert names(ledger.update(now)) == ["a"]
    now[notebooks["a"]] = "1"
    assert names(ledger.update(now)) == ["a"]


def test_changed_cells_are_run(tmp_path, notebooks):
    now = {path: "1" for path in notebooks.values()}
    ledger = Ledger(tmp_path / "cache")
    ledger.update(now)
    for path in notebooks.values():
        ran(ledger, path)
    nbformat.write(nbformat.v4.new_notebook(cells=[CELL("print('new')")]), notebooks["b"])
    assert names(ledger.update(now)) == ["b"]


def test_executions_that_the_ledger_does_not_know_are_dropped(tmp_path, notebooks):
    ledger = Ledger(tmp_path / "cache")
    ran(ledger, notebooks["a"])
    assert names(ledger.update({notebooks["a"]: "1"})) == ["a"]


def test_notebooks_with_the_same_cells_share_an_execution_that_is_right_for_both(tmp_path):
    paths = [tmp_path / f"{name}.ipynb" for name in ("a", "b")]
    for path in paths:
        nbformat.write(nbformat.v4.new_notebook(cells=[CELL("show()")]), path)
    ledger = Ledger(tmp_path / "cache")
    ledger.update(dict.fromkeys(paths, "1"))
    ran(ledger, paths[0])
    assert ledger.update(dict.fromkeys(paths, "1")) == []
    assert names(ledger.update({paths[0]: "1", paths[1]: "2"})) == ["a", "b"]


def test_run_all_keeps_what_went_well_and_reports_the_rest_every_time(tmp_path):
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    show = "import os\nprint(os.environ['OMP_NUM_THREADS'], os.path.basename(os.getcwd()))"
    for path, source in ((good, show), (bad, "1 / 0")):
        kernel = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=[CELL(source)], metadata=kernel), path)
    now = {good: "1", bad: "1"}
    ledger = Ledger(tmp_path / "cache")
    for waiting in (["good", "bad"], ["bad"]):
        paths = ledger.update(now)
        assert names(paths) == waiting
        problems = run_all(paths, ledger, lambda path: True, timeout=60, jobs=2, say=str)
        assert len(problems) == 1
        assert "bad.ipynb" in problems[0] and "ZeroDivisionError" in problems[0]
    _, executed = ledger.cache.merge_match_into_notebook(nbformat.read(good, as_version=4))
    assert executed.cells[0].outputs[0].text == f"1 {tmp_path.name}\n"


def test_a_file_that_changes_meanwhile_is_a_problem(tmp_path, notebooks):
    ledger = Ledger(tmp_path / "cache")
    now = {notebooks["a"]: "1"}
    paths = ledger.update(now)
    problems = run_all(paths, ledger, lambda path: False, timeout=60, jobs=1, say=str)
    assert "changed while it ran" in problems[0]
    assert names(ledger.update(now)) == ["a"]
