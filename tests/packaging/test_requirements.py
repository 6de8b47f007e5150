"""Everything that is imported is declared, and everything that is declared is pinned."""

import ast
import functools
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

COMMANDS = {
    "jupyterlab",  # make lab
    "ipywidgets",  # sliders that a reader writes in JupyterLab; the course's own need none
    "jupyter-book",  # make book
    "mypy", "ruff", "pre-commit", "uv",  # make lint, the hooks, make lock
    "nbval", "pytest-cov", "pytest-xdist",  # options of pytest
}  # fmt: skip
"""What is run or plugged in, and imported by no file of ours."""


def declared(lines):
    """Names of the distributions that a list of requirements asks for; extras of ours resolved."""
    names = set()
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            for extra in requirement.extras:
                names |= declared(EXTRAS[extra])
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def lines(name):
    """The requirements in one file, with those of the files that it takes in by -r."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from lines(line.removeprefix("-r "))
        elif line and not line.startswith(("#", "-")):
            yield line


OWNERS = packages_distributions()
"""Distributions by the modules that they bring."""
TORCH = declared(PROJECT["dependencies"])
LAB = TORCH | declared(EXTRAS["lab"])
COURSE = TORCH | declared(EXTRAS["course"])
ON_DEMAND = declared(EXTRAS["heic"]) | declared(EXTRAS["ray"])
"""What a part of the lab imports when it is asked for, and says how to install where it is not."""
BOOK = declared(lines("requirements.txt"))
ALL = declared(lines("requirements-dev.txt"))


def sources(path):
    """The Python of a file: all of it, or the code cells of a notebook without their magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = (c for c in json.loads(text)["cells"] if c["cell_type"] == "code")
    return re.sub(r"^\s*[!%].*$", "", "\n".join("".join(c["source"]) for c in cells), flags=re.M)


def modules(path):
    """Modules of other people that a file imports, at its top or inside functions."""
    beside = [*path.parent.glob("*.py"), *ROOT.glob("tools/*.py")]
    ours = {"tricks_lib", "course_ext", *(file.stem for file in beside)}
    names = set()
    for node in ast.walk(ast.parse(sources(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names - ours - set(sys.stdlib_module_names)


@functools.cache
def imported(path):
    """Distributions that a file imports."""
    return {canonicalize_name(OWNERS.get(name, [name])[0]) for name in modules(path)}


PACKAGE = ROOT / "tricks_lib"
PYTHON = sorted(PACKAGE.rglob("*.py"))
IN_LAB = [p for p in PYTHON if p.is_relative_to(PACKAGE / "lab")]
IN_COURSE = [
    p for p in PYTHON for part in ("course", "practice") if p.is_relative_to(PACKAGE / part)
]
ON_TOP = [*sorted((PACKAGE / "cli").glob("*.py")), PACKAGE / "__main__.py"]
CORE = [p for p in PYTHON if p not in {*IN_LAB, *IN_COURSE, *ON_TOP}]
NOTEBOOKS = [p for p in ROOT.glob("notebooks/**/*.ipynb") if ".ipynb_checkpoints" not in p.parts]
PARTS = {
    "the tricks": (CORE, LAB, "the extra [lab] in pyproject.toml"),
    "the lab": (IN_LAB, LAB | ON_DEMAND, "the extra [lab] in pyproject.toml"),
    "the course": (IN_COURSE + ON_TOP, COURSE, "the extra [course] in pyproject.toml"),
    "the notebooks": (NOTEBOOKS, BOOK, "requirements.txt"),
    "the book": ([*ROOT.glob("book/_ext/**/*.py")], BOOK, "requirements.txt"),
    "the tests": (
        [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")], ALL, "requirements-dev.txt",
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_what_is_imported_is_declared(part):
    files, allowed, where = PARTS[part]
    missing = {
        f"{path.relative_to(ROOT).as_posix()} imports {name}"
        for path in files
        for name in imported(path) - allowed
    }
    assert not missing, f"not in {where}: {sorted(missing)}"


@pytest.mark.parametrize("path", sorted(ROOT.glob("tools/*.py")), ids=lambda path: path.stem)
def test_a_tool_says_what_it_needs_beyond_the_requirements(path):
    said = (ast.get_docstring(ast.parse(sources(path))) or "").lower()
    # By the name in the code: of what is not installed, nobody can tell the distribution.
    beyond = {
        name for name in modules(path) if not {*map(canonicalize_name, OWNERS.get(name, []))} & ALL
    }
    silent = [name for name in sorted(beyond) if name not in said]
    assert not silent, f"the docstring of {path.name} does not name {silent}"


def test_what_is_declared_is_used():
    files = [path for group, _, _ in PARTS.values() for path in group]
    used = set().union(*map(imported, files))
    idle = ALL - used - COMMANDS
    assert not idle, f"in the requirements, and imported by no file: {sorted(idle)}"
    assert COMMANDS <= ALL, f"COMMANDS names what no requirements file has: {COMMANDS - ALL}"


def test_the_extras_are_among_the_requirements_of_the_course():
    assert COURSE <= BOOK, f"requirements.txt lacks {sorted(COURSE - BOOK)}"


# --- The lock file ---


def pins(file_lines):
    """Name -> version of requirements that are pinned; markers are left out."""
    found = {}
    for line in file_lines:
        requirement = Requirement(line.partition(" #")[0])
        [pin] = requirement.specifier
        assert pin.operator == "==", f"{line} is not pinned"
        found.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return found


LOCKED = pins(lines("requirements.lock"))


def test_every_direct_requirement_is_locked_at_its_own_version():
    for name, versions in pins(lines("requirements-dev.txt")).items():
        assert LOCKED.get(name) == versions, (
            f"{name} is {versions} in the requirements and {LOCKED.get(name)} in"
            " requirements.lock: run `make lock`"
        )


def test_requirements_are_installed_under_the_lock():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "-c requirements.lock" in text.splitlines()


def test_the_lock_names_no_place():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|--index|--find-links|file:|/", re.sub(r"(?m)^ *#.*$", "", text))


def test_the_lock_works_without_cuda():
    """What torch brings for CUDA on Linux is asked for nowhere else."""
    for line in lines("requirements.lock"):
        if re.match(r"nvidia-|cuda-|triton", line):
            assert "sys_platform == 'linux'" in line, f"{line} would be wanted on every system"


def test_versions_agree_with_the_ranges_of_the_package():
    for line in [*PROJECT["dependencies"], *EXTRAS["lab"], *EXTRAS["course"]]:
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            for version in LOCKED[canonicalize_name(requirement.name)]:
                assert requirement.specifier.contains(version), f"{line}, locked at {version}"
