import ast
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import tricks_lib
from tricks_lib import Recipe
from tricks_lib.studies import CHAPTERS

PACKAGE = Path(tricks_lib.__file__).parent
REPOSITORY = PACKAGE.parent
SLOTS = ["augment", "mix", "objectives", "optimizers", "schedules", "models", "stopping"]

FILES = sorted(PACKAGE.rglob("*.py"))
TRICKS = [file for file in FILES if file.parent.name in SLOTS and file.name != "__init__.py"]
KNOWS_TRICKS = ["checks", "cli.py"]  # of lab/: what asks about a trick, and what runs one by name
LAB = [
    file
    for file in FILES
    if file.is_relative_to(PACKAGE / "lab")
    and file.relative_to(PACKAGE / "lab").parts[0] not in KNOWS_TRICKS
]
NOTEBOOKS = {chapter.notebook: chapter for chapter in CHAPTERS}
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(file):
    """Full names of what a file imports: modules, and what is taken from them."""
    here = ["tricks_lib", *file.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def under(package, names):
    return [name for name in names if name == package or name.startswith(f"{package}.")]


# --- Who knows whom ---


@pytest.mark.parametrize("file", TRICKS, ids=name_of)
def test_tricks_know_nothing_of_the_laboratory(file):
    for package in ("lab", "studies", "recipe"):
        assert under(f"tricks_lib.{package}", imports(file)) == []


@pytest.mark.parametrize("file", LAB, ids=name_of)
def test_the_laboratory_knows_no_trick(file):
    imported = list(imports(file))
    for package in (*SLOTS, "studies"):
        assert under(f"tricks_lib.{package}", imported) == []
    assert "tricks_lib" not in imported
    taken = {name.removeprefix("tricks_lib.") for name in imported if name.count(".") == 1}
    assert not taken & (set(vars(tricks_lib)) - {"recipe", "lab"})  # from .. import a_trick


def names_of_tricks():
    """Public names of the slots' packages, without the empty values that a recipe starts from."""
    names = set()
    for slot in SLOTS:
        package = import_module(f"tricks_lib.{slot}")
        for name, value in vars(package).items():
            if not name.startswith("_") and value.__class__.__name__ != "module":
                names.add(name)
    empty = [field.default for field in fields(Recipe)[3:]]
    return names - {getattr(value, "__name__", type(value).__name__) for value in empty}


@pytest.mark.parametrize("file", LAB, ids=name_of)
def test_the_laboratory_names_no_trick(file):
    said = set()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Name):
            said.add(node.id)
        elif isinstance(node, ast.Attribute):
            said.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.add(node.value)  # a registry of strings
    assert not said & names_of_tricks()


def test_tricks_have_names():
    assert {"gradual_warmup", "cosine_decay", "mlp"} <= names_of_tricks()
    assert "small_resnet" not in names_of_tricks()


# --- From code to chapter ---


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_last_line_of_a_module_names_its_chapter(file):
    text = ast.get_docstring(parse(file)) or ""
    named = re.findall(r"Chapter:\s*(.*)", text)
    if file in TRICKS:
        assert named, "a trick says where it is taught"
    if named:
        assert [text.splitlines()[-1]] == [f"Chapter: {notebook}" for notebook in named]
        assert named[0] in NOTEBOOKS
        if file.parent.name == "studies" and file.stem in {chapter.slug for chapter in CHAPTERS}:
            assert NOTEBOOKS[named[0]].slug == file.stem


# --- Docstrings ---


def public(file):
    """Everything public that a file defines, with its methods; `__call__` and its like included."""

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                special = re.fullmatch(r"__\w+__", child.name) and child.name != "__init__"
                if special or not child.name.startswith("_"):
                    yield f"{prefix}{child.name}", child
                    if isinstance(child, ast.ClassDef):
                        yield from walk(child, f"{prefix}{child.name}.")

    return walk(parse(file), "")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_everything_public_has_a_docstring(file):
    if file.stat().st_size:
        assert ast.get_docstring(parse(file)), "the module"
    assert [name for name, node in public(file) if not ast.get_docstring(node)] == []


# --- The course itself: red until a chapter marked written=True has all its parts ---


@pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.slug)
class TestWrittenChapters:
    def test_notebook(self, chapter):
        assert (REPOSITORY / chapter.notebook).is_file()

    def test_solutions(self, chapter):
        notebook = REPOSITORY / chapter.notebook
        assert (notebook.parent / "solutions" / notebook.name).is_file()

    def test_results(self, chapter):
        result = chapter.plan.recorded()  # of this plan, whole
        assert result.baseline == next(iter(chapter.plan.recipes))
        if chapter.arm:
            assert result.verdict(chapter.arm, chapter.metric)
