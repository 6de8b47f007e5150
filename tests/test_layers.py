"""The house: who may import whom, what names no trick, and where a file says it is taught."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import tricks_lib
from tricks_lib import Recipe
from tricks_lib.course.chapter import found, planned

PACKAGE = Path(tricks_lib.__file__).parent
ROOT = PACKAGE.parent
SLOTS = ["augment", "mix", "objectives", "optimizers", "schedules", "models", "stopping"]

FLOORS = [
    [*SLOTS, "ops", "protocols"],
    ["recipe", "adapters", "recipes"],
    ["lab"],
    ["course"],
    ["practice"],
    ["course.chapters"],
    ["cli", "__main__", ""],
]
"""From the ground up. On the top floor is also the package's own `__init__`, the front door."""

FILES = sorted(PACKAGE.rglob("*.py"))
TRICKS = [file for file in FILES if file.parent.name in SLOTS and file.name != "__init__.py"]
LAB = [file for file in FILES if file.is_relative_to(PACKAGE / "lab")]
CHAPTERS = [
    file
    for file in FILES
    if file.is_relative_to(PACKAGE / "course" / "chapters" / file.parent.name)
    and file.parent.name in found()
]


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def module_of(file):
    """Its name inside the package: "lab.study.run"; "" is the package itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports(file) -> frozenset[str]:
    """Modules of this package that a file imports, wherever in it, by their names inside it."""
    return frozenset(_imports(file))


def _imports(file) -> Iterator[str]:
    package = ["tricks_lib", *filter(None, module_of(file).split("."))]
    if file.name != "__init__.py":
        package.pop()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top, _, inside = alias.name.partition(".")
                if top == "tricks_lib":
                    yield inside
        elif isinstance(node, ast.ImportFrom):
            source = node.module.split(".") if node.module else []
            if node.level:
                source = package[: len(package) - node.level + 1] + source
            if source[0] == "tricks_lib":
                for alias in node.names:
                    taken = ".".join([*source[1:], alias.name])
                    yield taken if taken in MODULES else ".".join(source[1:])


def floor_of(module):
    """How high a module lives, by the longest name that fits."""
    fits = {
        name: floor
        for floor, names in enumerate(FLOORS)
        for name in names
        if module == name or (name and module.startswith(f"{name}."))
    }
    assert fits, (
        f"tricks_lib/{module.replace('.', '/')} has no place in the house: put it into a package, "
        "or give it a floor in this test and in the map of the code"
    )
    return fits[max(fits, key=len)]


# --- Who knows whom ---


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_arrows_go_down(file):
    mine = floor_of(module_of(file))
    up = sorted(module for module in imports(file) if floor_of(module) > mine)
    assert not up, (
        f"{name_of(file)} imports {', '.join(f'tricks_lib.{m}'.rstrip('.') for m in up)}, which "
        f"lives higher up. From the ground: {' < '.join(names[0] for names in FLOORS)}"
    )


def test_no_module_imports_itself_by_a_detour():
    graph = {}
    for module, file in MODULES.items():
        try:
            graph[module] = imports(file)
        except SyntaxError:
            continue  # the tests of that file say so
    circle = circle_in(graph)
    assert not circle, f"these import each other in a circle: {' -> '.join(circle)}"


def circle_in(graph):
    """The names along a circle of arrows, the first again at the end; [] if there is none."""
    done = set()

    def walk(module, way):
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph.get(module, ())):
            if circle := walk(other, [*way, module]):
                return circle
        done.add(module)
        return []

    for module in sorted(graph):
        if circle := walk(module, []):
            return circle
    return []


@pytest.mark.parametrize(
    ("file", "imported"),
    [
        ("__main__.py", {"cli"}),
        ("course/plan.py", {"lab.study", "lab.study.record", "recipe"}),  # from ..lab.study import
        ("lab/study/run.py", {"lab.metrics", "lab.steps"}),  # from .. import metrics as scoring
        ("course/chapters/warmup/study.py", {"course.plan", "lab.data"}),  # from tricks_lib...
    ],
)
def test_imports_are_read_in_every_form(file, imported):
    assert imported <= imports(PACKAGE / file)


def test_circles_are_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}) == ["b", "c", "d", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("file", LAB, ids=name_of)
def test_the_lab_imports_no_trick(file):
    tricks = sorted(m for m in imports(file) if m.partition(".")[0] in SLOTS)
    assert not tricks, f"{name_of(file)} imports {tricks}: the lab takes tricks out of a recipe"


def names_of_tricks():
    """Public names of the slots' packages, without the empty values that a recipe starts from."""
    names = {name for slot in SLOTS for name in import_module(f"tricks_lib.{slot}").__all__}
    empty = [field.default for field in fields(Recipe)[3:]]
    return names - {getattr(value, "__name__", type(value).__name__) for value in empty}


@pytest.mark.parametrize("file", LAB, ids=name_of)
def test_the_lab_names_no_trick(file):
    said = set()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Name):
            said.add(node.id)
        elif isinstance(node, ast.Attribute):
            said.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.add(node.value)  # a registry of strings
    named = sorted(said & names_of_tricks())
    assert not named, f"{name_of(file)} says {named}: the lab knows no trick"


def test_tricks_have_names():
    assert {"gradual_warmup", "cosine_decay", "mlp"} <= names_of_tricks()
    assert "small_resnet" not in names_of_tricks()


@pytest.mark.parametrize("file", CHAPTERS, ids=name_of)
def test_a_chapter_imports_no_other_chapter(file):
    others = [
        module
        for module in imports(file)
        if module.startswith("course.chapters.") and module.split(".")[2] != file.parent.name
    ]
    assert not others, (
        f"{name_of(file)} imports {others}: if that chapter breaks, this one does. What two "
        "chapters need belongs into course/ or lab/"
    )


# --- From code to chapter ---


def chapters_named(file):
    """The notebooks that a module's docstring names after "Chapter:", and its last line."""
    text = ast.get_docstring(parse(file)) or ""
    return re.findall(r"Chapter:\s*(.*)", text), (text.splitlines() or [""])[-1]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_last_line_of_a_module_names_its_chapter(file):
    named, last = chapters_named(file)
    if file in TRICKS:
        assert named, (
            f"the docstring of {name_of(file)} should end with a line such as "
            "'Chapter: notebooks/07_cutout.ipynb', for a trick says where it is taught"
        )
    if not named:
        return
    assert [last] == [f"Chapter: {notebook}" for notebook in named], (
        f"{name_of(file)} should name one chapter, on the last line of its docstring"
    )
    notebook = re.fullmatch(r"notebooks/\d\d_(\w+)\.ipynb", named[0])
    assert notebook, f"{name_of(file)} names {named[0]!r}, which is no name of a notebook"
    to_come = {entry.notebook for entry in planned()}
    assert (ROOT / named[0]).is_file() or named[0] in to_come, (
        f"{name_of(file)} names {named[0]}, which is neither there nor planned"
    )
    if (ROOT / named[0]).is_file():
        assert notebook[1] in found(), f"{named[0]} has no folder in course/chapters"


@pytest.mark.parametrize("file", CHAPTERS, ids=name_of)
def test_a_module_of_a_chapter_names_its_own_notebook(file):
    named, _ = chapters_named(file)
    own = [
        name for name in named if re.fullmatch(rf"notebooks/\d\d_{file.parent.name}.ipynb", name)
    ]
    assert own, (
        f"the docstring of {name_of(file)} should end with 'Chapter: notebooks/NN_"
        f"{file.parent.name}.ipynb', and names {named or 'no chapter'}"
    )


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
    assert ast.get_docstring(parse(file)), f"{name_of(file)} has no docstring of its own"
    without = [name for name, node in public(file) if not ast.get_docstring(node)]
    assert not without, f"{name_of(file)} has no docstring for {', '.join(without)}"
