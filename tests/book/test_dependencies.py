"""A page is run again when something that its notebook uses changes: then always, and only then."""

import json
import linecache
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from course_ext.dependencies import UNFINISHED, Dependencies
from tricks_lib.course.card import card
from tricks_lib.course.chapter import chapter
from tricks_lib.course.standing.comparisons import SETTINGS, result

ROOT = Path(__file__).parents[2]

PACKAGE = {
    "__init__.py": """
        from importlib import import_module
        from typing import TYPE_CHECKING

        from . import augment, mix
        from .augment import *
        from .mix import *
        from .recipe import Recipe

        if TYPE_CHECKING:
            from .lab.train import fit

        __all__ = ["Recipe", "fit", *augment.__all__, *mix.__all__]

        def __getattr__(name):
            return getattr(import_module(".lab.train", __name__), name)
    """,
    "recipe.py": "Recipe = dict",
    "augment/__init__.py": """
        from .crop import RandomCrop
        from .cutout import Cutout as Cutout, cut_out

        __all__ = ["RandomCrop", "Cutout", "cut_out"]
    """,
    "augment/crop.py": "from ..ops import pixels\nRandomCrop = pixels.SIZE",
    "augment/cutout.py": "Cutout = cut_out = None",
    "mix/__init__.py": 'from .mixup import Mixup\n\n__all__ = ["Mixup"]',
    "mix/mixup.py": "def Mixup():\n    from ..ops.pixels import SIZE\n    return SIZE",
    "ops/__init__.py": "",
    "ops/pixels.py": "SIZE = 28",
    "lab/__init__.py": '"""The laboratory."""',
    "lab/train.py": "from ..recipe import Recipe\nfit = Recipe",
    "lab/data/__init__.py": "from .load import load_data\nfrom .toys import toy",
    "lab/data/load.py": "load_data = None",
    "lab/data/toys.py": "toy = None",
    "lab/data/mini/sheet.png": "pixels",
    "course/__init__.py": "",
    "course/card.py": """
        from importlib import import_module
        from .standing.comparisons import finding

        def card(slug):
            return import_module(f"tricks_lib.course.chapters.{slug}"), finding(slug)
    """,
    "course/chapter.py": "def chapters():\n    return []",
    "course/standing/__init__.py": "",
    "course/standing/comparisons.py": """
        from importlib import import_module
        from ..chapter import chapters

        COMPARISONS = {"ricap": "RICAP"}

        def finding(slug):
            return import_module(f"{__package__}.{'garments'}"), chapters()
    """,
    "course/standing/garments.py": "from ...mix import Mixup\nfrom .arms import arms",
    "course/standing/arms.py": "arms = 1",
    "course/standing/other.py": "other = 1",
    "course/standing/results/garments.jsonl": "{}",
    "course/chapters/__init__.py": "",
    "course/chapters/cutout/__init__.py": 'CHAPTER = ("Cutout", ["mixup"])',
    "course/chapters/cutout/study.py": "from ....augment import Cutout\nPLAN = Cutout",
    "course/chapters/cutout/results/cutout.jsonl": "{}",
    "course/chapters/mixup/__init__.py": 'CHAPTER = "Mixup"',
    "course/chapters/mixup/study.py": "PLAN = None",
}
NOTEBOOKS = {
    "07_cutout": "from tricks_lib import Cutout\nfrom tricks_lib.course.card import card",
    "09_mixup": "from tricks_lib import Mixup, fit",
    "11_plain": "import math",
}


def write_notebook(path, source):
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": "0",
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**whole, "nbformat_minor": 5}), encoding="utf-8")
    return path


@pytest.fixture
def book(tmp_path):
    """Lay out a small package with notebooks; return a function that says which of them changed."""
    for name, text in PACKAGE.items():
        path = tmp_path / "tricks_lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        inner = lines[1:] if text.startswith("\n") else lines
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in inner), encoding="utf-8")
    for name, source in NOTEBOOKS.items():
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", source)

    def fingerprints():
        found = Dependencies(tmp_path)
        return {n: found.fingerprint(tmp_path / "notebooks" / f"{n}.ipynb") for n in NOTEBOOKS}

    def changed_by(file, text):
        before = fingerprints()
        path = tmp_path / "tricks_lib" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        after = fingerprints()
        return [name for name in NOTEBOOKS if before[name] != after[name]]

    return changed_by


@pytest.mark.parametrize(
    ("file", "affected"),
    [
        ("augment/cutout.py", ["07_cutout"]),  # through two re-exports
        ("mix/mixup.py", ["09_mixup"]),
        ("augment/crop.py", []),  # beside what is used, imported by the package alone
        ("ops/pixels.py", ["09_mixup"]),  # imported inside a function
        ("lab/train.py", ["09_mixup"]),  # loaded by the package at its first use
        ("recipe.py", ["09_mixup"]),  # by what that imports
        ("course/card.py", ["07_cutout"]),
        ("course/chapters/cutout/study.py", ["07_cutout"]),  # found, not imported
        ("course/chapters/cutout/results/cutout.jsonl", ["07_cutout"]),
        ("course/chapters/cutout/results/another.jsonl", ["07_cutout"]),
        ("course/chapters/cutout/results/cutout.jsonl.lock", []),
        ("course/chapters/mixup/study.py", ["09_mixup"]),  # not of the chapter that names it
        ("course/chapters/mixup/__init__.py", ["07_cutout", "09_mixup"]),  # its title is shown
        ("course/standing/results/garments.jsonl", ["07_cutout"]),  # the card shows it
        ("course/standing/results/colour.jsonl", ["07_cutout"]),
        ("course/standing/garments.py", ["07_cutout"]),  # found by name
        ("course/standing/arms.py", ["07_cutout"]),  # by what is found by name
        ("course/standing/other.py", []),  # not named
        ("course/chapters/grid_mask/__init__.py", ["07_cutout"]),  # takes part by itself
        ("course/chapters/grid_mask/study.py", []),
        ("course/chapters/ricap/__init__.py", []),  # took part before it was a chapter
        ("lab/data/mini/sheet.png", []),  # nobody loads data
    ],
)
def test_an_edit_concerns_those_who_use_it(book, file, affected):
    assert book(file, "EDITED = 1") == affected


def test_passing_on_one_more_name_concerns_nobody(book):
    text = PACKAGE["mix/__init__.py"] + "\nfrom .ricap import RICAP\n__all__ += ['RICAP']\n"
    assert book("mix/__init__.py", text) == []


def test_a_trick_that_is_exported_because_its_file_is_there(book, tmp_path):
    text = PACKAGE["mix/__init__.py"] + "\nfrom ..ops import added\n__all__ += added(__name__)\n"
    assert book("mix/__init__.py", text) == []
    assert book("mix/one_more.py", "def OneMore():\n    return 1\n") == []
    for source in ("from tricks_lib import OneMore", "from tricks_lib.mix import OneMore"):
        write_notebook(tmp_path / "notebooks" / "11_plain.ipynb", source)
        assert book("mix/one_more.py", f"def OneMore():\n    return {len(source)}\n") == [
            "11_plain"
        ]
        assert book("mix/mixup.py", f"Mixup = {len(source)}") == ["09_mixup"]


def test_passing_on_a_name_from_elsewhere_concerns_its_users(book, tmp_path):
    (tmp_path / "tricks_lib" / "mix" / "other.py").write_text("Mixup = 2")
    text = PACKAGE["mix/__init__.py"].replace(".mixup", ".other")
    assert book("mix/__init__.py", text) == ["09_mixup"]


def test_a_package_that_does_something_concerns_all_who_pass_it(book):
    assert book("mix/__init__.py", PACKAGE["mix/__init__.py"] + "\nprint()") == ["09_mixup"]
    doing = "import torch\ntorch.set_num_threads(1)"
    assert book("lab/__init__.py", doing) == ["09_mixup"]


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("import tricks_lib\ntricks_lib.Mixup", "ops/pixels.py"),
        ("import tricks_lib as t", "augment/crop.py"),
        ("from tricks_lib import *", "augment/cutout.py"),
        ("from tricks_lib import unheard_of", "augment/crop.py"),
        ("from tricks_lib import augment", "augment/crop.py"),
        ("import tricks_lib.mix.mixup", "mix/mixup.py"),
        ("from tricks_lib.lab import data", "lab/data/toys.py"),
        ("from tricks_lib.lab.data import load_data", "lab/data/mini/sheet.png"),
        ('card("mixup")', "course/chapters/mixup/study.py"),
        ('main(["study", "--tricks", "cutout,mixup"])', "course/chapters/mixup/study.py"),
        ("run('study --tricks cutout+mixup,ricap -o x')", "course/chapters/mixup/study.py"),
        ("run('study --tricks  \"cutout, no_mixup\"')", "course/chapters/mixup/study.py"),
        ('run(["python", "-m", "tricks_lib"])', "augment/crop.py"),
        ('run("-m", "tricks_lib.augment.crop")', "ops/pixels.py"),
        ("!python -m tricks_lib study", "augment/crop.py"),
        ("%run -m tricks_lib.cli", "augment/crop.py"),
        ("%%bash\npython -m tricks_lib study", "augment/crop.py"),
    ],
)
def test_no_way_of_using_a_file_is_overlooked(book, tmp_path, source, file):
    write_notebook(tmp_path / "notebooks" / "11_plain.ipynb", source)
    assert "11_plain" in book(file, "EDITED = 1")


def test_requirements_concern_everybody(book, tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("torch==1")
    notebook = tmp_path / "notebooks" / "11_plain.ipynb"
    before = Dependencies(tmp_path, shared=[lock]).fingerprint(notebook)
    lock.write_text("torch==2")
    assert Dependencies(tmp_path, shared=[lock]).fingerprint(notebook) != before


def test_a_checkout_that_moves_keeps_its_fingerprints(book, tmp_path):
    name = "notebooks/09_mixup.ipynb"
    before = Dependencies(tmp_path).fingerprint(tmp_path / name)
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    shutil.copytree(tmp_path, moved)
    assert Dependencies(moved).fingerprint(moved / name) == before


# --- The course itself ---


@pytest.fixture(scope="module")
def course():
    return Dependencies(ROOT)


@pytest.mark.parametrize(
    "notebook", sorted(ROOT.glob("notebooks/[0-9]*.ipynb")), ids=lambda path: path.stem[3:]
)
def test_a_chapter_depends_on_its_folder_and_on_no_other_trick(course, notebook):
    whole = {path.relative_to(ROOT).as_posix() for path in course.files(notebook)}
    slug = notebook.stem.partition("_")[2]
    assert f"tricks_lib/course/chapters/{slug}/study.py" in whole
    assert any(f"chapters/{slug}/results/" in path for path in whole)
    assert {f"tricks_lib/course/standing/results/{name}.jsonl" for name in SETTINGS} <= whole
    assert {f"tricks_lib/course/standing/{name}.py" for name in SETTINGS} <= whole
    assert "tricks_lib/recipe.py" in whole
    if slug == "own_images":  # it runs the command `study`, which knows every trick
        assert {f"tricks_lib/cli/{name}.py" for name in ("__init__", "study", "compare")} <= whole
        assert "tricks_lib/course/chapters/mixup/study.py" in whole, "it runs `--tricks mixup`"
        return
    assert "tricks_lib/__init__.py" not in whole, "it would then depend on every trick"
    assert "tricks_lib/cli/__init__.py" not in whole


def test_an_edit_of_one_trick_concerns_the_chapters_that_use_it(course):
    files = {path.stem: course.files(path) for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    cutout = ROOT / "tricks_lib" / "augment" / "cutout.py"
    using = {name for name, whole in files.items() if cutout in whole}
    assert "07_cutout" in using
    # Chapter 00 measures in a standing setting, which holds all tricks.
    assert not using & {"01_warmup", "02_linear_scaling", "04_adabound"}


# --- What is found when it runs, and not imported ---

OPENED = []
"""Files that were opened while this listens."""
LISTENING = False


def hear(event, arguments):
    if LISTENING and event == "open" and isinstance(arguments[0], str | Path):
        OPENED.append(Path(arguments[0]))


sys.addaudithook(hear)


@contextmanager
def listening():
    global LISTENING
    OPENED.clear()
    LISTENING = True
    try:
        yield
    finally:
        LISTENING = False


@pytest.mark.parametrize(
    "notebook", sorted(ROOT.glob("notebooks/[0-9]*.ipynb")), ids=lambda path: path.stem[3:]
)
@pytest.mark.usefixtures("photographs_or_noise")
def test_what_a_chapter_finds_when_it_runs_was_foreseen(course, notebook):
    slug = notebook.stem.partition("_")[2]
    found = chapter(slug)  # imported before: an import opens the packages on the way
    found.part("exercises")
    for setting in SETTINGS:
        result(setting)  # it is refused where the code of any trick changed, and so opens all
    linecache.clearcache()
    with listening():
        card(slug)
        found.plan.of_seed()
    opened = {path for path in OPENED if path.is_relative_to(ROOT / "tricks_lib")}
    assert any(path.suffix == ".jsonl" for path in opened)
    forgotten = {path for path in opened if not path.name.endswith(UNFINISHED)}
    forgotten -= course.files(notebook)
    assert not forgotten, f"a change of these would leave the page as it is: {forgotten}"
