"""A new chapter is laid out whole, and what is laid out keeps every promise from the start."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from new_chapter import FIELDS, lay_out, main  # noqa: E402


@pytest.mark.parametrize("slot", FIELDS)
def test_everything_that_a_chapter_needs_is_there(tmp_path, slot):
    written = {path.relative_to(tmp_path).as_posix() for path in lay_out(tmp_path, "my_own", slot)}
    folder = "tricks_lib/course/chapters/my_own"
    assert written == {
        f"tricks_lib/{slot}/my_own.py",
        f"tests/contracts/{slot}/my_own.py",
        f"tests/{slot}/test_my_own.py",
        *(f"{folder}/{part}.py" for part in ("__init__", "study", "exercises", "claims")),
        f"{folder}/references.bib",
        f"{folder}/glossary.md",
        "notebooks/21_my_own.ipynb",
        "notebooks/solutions/21_my_own.ipynb",
    }
    assert (tmp_path / folder / "results").is_dir()


@pytest.mark.parametrize("slot", FIELDS)
def test_it_can_be_read_and_says_what_is_to_do(tmp_path, slot):
    for path in lay_out(tmp_path, "my_own", slot):
        text = path.read_text(encoding="utf-8")
        assert "TODO" in text or path.name.startswith("21_"), f"nothing to say in {path.name}?"
        assert "$" not in text, f"a name was not filled in in {path}"
        if path.suffix == ".py":
            ast.parse(text)
        if path.suffix == ".ipynb":
            nbformat.validate(nbformat.reads(text, as_version=4))


def test_a_chapter_that_was_planned_keeps_its_place(tmp_path):
    written = lay_out(tmp_path, "dropout", "models")
    assert tmp_path / "notebooks/15_dropout.ipynb" in written
    chapter = tmp_path / "tricks_lib/course/chapters/dropout/__init__.py"
    assert 'claim="Switch units off at random."' in chapter.read_text(encoding="utf-8")


def test_a_trick_that_is_there_gets_its_chapter_and_stays_as_it_is(tmp_path):
    trick = tmp_path / "tricks_lib/mix/ricap.py"
    trick.parent.mkdir(parents=True)
    trick.write_text("# as it was\n")
    written = lay_out(tmp_path, "ricap", "mix")
    assert trick.read_text() == "# as it was\n"
    assert tmp_path / "notebooks/10_ricap.ipynb" in written
    assert not any("contracts" in path.parts for path in written)


def test_nothing_is_overwritten(tmp_path, capsys):
    first = {path: path.read_text() for path in lay_out(tmp_path, "my_own", "mix")}
    with pytest.raises(ValueError, match="is there already: choose another slug"):
        lay_out(tmp_path, "my_own", "mix", number=21)
    assert {path: path.read_text() for path in first} == first


@pytest.mark.parametrize("slug", ["GridMask", "grid-mask", "_grid", "3d", "../x", ""])
def test_a_slug_is_a_name(tmp_path, slug, capsys):
    with pytest.raises(ValueError, match="the slug is a name in lower case such as grid_mask"):
        lay_out(tmp_path, slug, "augment")
    assert list(tmp_path.iterdir()) == []


def test_mistakes_become_one_line(capsys):
    assert main(["GridMask", "augment"]) == 2
    assert capsys.readouterr().err.startswith("error: the slug is a name in lower case")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and its contracts, with a chapter of a new augmentation."""
    copy = tmp_path_factory.mktemp("course")
    for name in ("tricks_lib", "tests", "notebooks", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "_toc.yml", "Makefile"):
        shutil.copy(ROOT / name, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    lay_out(copy, "grid_mask", "augment", title="GridMask")
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    assert changed == [], "a shared file was touched"
    return copy


def run(copy, *command):
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_what_is_laid_out_keeps_the_contracts(copy):
    done = run(copy, "-m", "pytest", "tests/contracts", "-k", "GridMask or grid_mask")
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_it_is_found_everywhere(copy):
    code = """
import tricks_lib
from tricks_lib.practice.names import trick_names
from tricks_lib.course.chapter import chapter, found
from tricks_lib.course.baseline import BASELINE
assert "grid_mask" in found() and "grid_mask" in trick_names()
assert tricks_lib.GridMask().p == 0.5 and "GridMask" in tricks_lib.__all__
entry = chapter("grid_mask")
assert "GridMask()" in entry.switched_on()
data = entry.plan.of_seed(0).subset(train=64, test=20)
assert tricks_lib.fit(entry.switch(tricks_lib.Recipe(epochs=1), data), data, device="cpu")
"""
    done = run(copy, "-c", code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_todo_that_is_left_is_named(copy):
    done = run(copy, "-m", "pytest", "tests/course", "-k", "grid_mask and left_to_do")
    assert done.returncode == 1
    assert "grid_mask/study.py" in done.stdout, done.stdout[-3000:]


def test_notebooks_of_a_new_chapter_have_the_form_of_the_others():
    cells = json.loads((ROOT / "notebooks/01_warmup.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    template = (ROOT / "tools/templates/notebook/chapter.txt").read_text(encoding="utf-8")
    headings = [re.findall(r"^## .+$", text, flags=re.M) for text in (template, prose)]
    assert headings[0] == headings[1]
