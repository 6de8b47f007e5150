"""What `import` brings: public names that are no modules, none forgotten, and torch alone."""

import ast
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import tricks_lib

PACKAGE = Path(tricks_lib.__file__).parent
SLOTS = ["augment", "mix", "objectives", "optimizers", "schedules", "models", "stopping"]
TORCH_ALONE = [*SLOTS, "ops", "protocols", "recipe"]

STEPS = {
    "augment": {"color_shifts", "largest", "magnitudes", "matrix", "rectangles", "widest"},
    "mix": {"box_around", "patch_sizes"},
    "optimizers": {"bounds"},
}
"""Steps of a derivation, which no recipe takes: they are imported from the file of their trick."""

FILES = [
    file
    for name in TORCH_ALONE
    for file in sorted([*(PACKAGE / name).glob("*.py"), *PACKAGE.glob(f"{name}.py")])
]
MODULES = [file for file in FILES if file.stem not in ("__init__", "recipe")]

slots = pytest.mark.parametrize("slot", SLOTS)


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def module_of(file):
    """Import a file: a function of the same name may hide it in its package."""
    return import_module(".".join(["tricks_lib", *file.relative_to(PACKAGE).with_suffix("").parts]))


def parse(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def defined(file):
    """Public functions and classes that a file defines."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = {node.name for node in parse(file).body if isinstance(node, kinds)}
    return {name for name in found if not name.startswith("_")}


def assigned(file):
    """All names that a file gives a value at its top."""
    for node in parse(file).body:
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


def brought(package):
    """What `from package import *` brings."""
    names = {}
    exec(f"from {package.__name__} import *", names)
    return names.keys() - {"__builtins__"}


def modules_among(package, names):
    return [name for name in names if isinstance(getattr(package, name), ModuleType)]


# --- Nothing is forgotten ---


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_file_lists_its_public_names(file):
    module = module_of(file)
    assert hasattr(module, "__all__"), f"{name_of(file)} has no __all__"
    listed = set(module.__all__)
    for name in sorted(defined(file) - listed):
        pytest.fail(
            f"{name} is missing in __all__ of {name_of(file)}: "
            "list it there, or begin its name with an underscore"
        )
    for name in sorted(listed - defined(file) - set(assigned(file))):
        pytest.fail(f"__all__ of {name_of(file)} lists {name}, which is not defined there")


@slots
def test_a_package_exports_all_that_its_files_define(slot):
    exported = set(import_module(f"tricks_lib.{slot}").__all__) | STEPS.get(slot, set())
    for file in sorted((PACKAGE / slot).glob("*.py")):
        for name in sorted(defined(file) - exported):
            pytest.fail(
                f"{name} of {name_of(file)} is not exported: import it in {slot}/__init__.py and "
                "list it in __all__ there, or begin its name with an underscore"
            )


def test_what_stays_in_its_file_is_there_and_only_there():
    for slot, names in STEPS.items():
        files = (PACKAGE / slot).glob("*.py")
        assert names <= set.union(*map(defined, files)), "no longer defined: take it off STEPS"
        exported = import_module(f"tricks_lib.{slot}").__all__
        assert not names & set(exported), "exported now: take it off STEPS"


def test_the_library_exports_what_its_slots_do():
    exported = Counter(
        name for slot in SLOTS for name in import_module(f"tricks_lib.{slot}").__all__
    )
    assert [name for name, count in exported.items() if count > 1] == [], "exported twice"
    public = Counter(tricks_lib.__all__)
    assert [name for name, count in public.items() if count > 1] == [], "listed twice"
    assert exported.keys() - public.keys() == set(), "not exported by tricks_lib"
    for name in public.keys() - exported.keys() - {"Recipe", "__version__"}:
        home = getattr(tricks_lib, name).__module__
        assert home.startswith("tricks_lib.lab."), f"{name} comes from {home}"


# --- No module is a public name ---


@slots
def test_a_public_name_of_a_slot_is_a_class_or_a_function(slot):
    package = import_module(f"tricks_lib.{slot}")
    assert modules_among(package, package.__all__) == []
    for name in package.__all__:
        assert callable(getattr(package, name))
        assert getattr(package, name) is getattr(tricks_lib, name)


@pytest.mark.parametrize("name", ["", *(f".{name}" for name in TORCH_ALONE if name != "recipe")])
def test_a_star_brings_what_is_listed_and_no_module(name):
    package = import_module(f"tricks_lib{name}")
    assert brought(package) == set(package.__all__)
    assert modules_among(package, package.__all__) == []


# --- Torch alone ---


def imported(file):
    """Where each import of a file leads, from the top: ("torch", "nn"), ("tricks_lib", "ops")."""
    here = ["tricks_lib", *file.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((node, [*base, *name.split(".")]) for name in names)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_trick_imports_torch_alone(file):
    for node, (top, *inside) in imported(file):
        if top == "tricks_lib":
            allowed = inside[:1] and inside[0] in TORCH_ALONE
        else:
            allowed = top == "torch" or top in sys.stdlib_module_names
        if not allowed:
            pytest.fail(
                f"{name_of(file)}, line {node.lineno}: `{ast.unparse(node)}`. A trick needs torch "
                f"alone: Python's own modules, torch, and {', '.join(TORCH_ALONE)} of this package"
            )


WITHOUT_EXTRAS = """
import importlib, sys

for name in ("IPython", "PIL", "ipywidgets", "matplotlib", "numpy", "scipy", "torchvision", "tqdm"):
    sys.modules[name] = None  # as if it were not installed
for name in sys.argv[1:]:
    importlib.import_module(name)

import torch
from tricks_lib import AutoAugment, Compose, Mixup, RandomCrop, RandomErasing, Recipe

recipe = Recipe(augment=Compose(RandomCrop(2), RandomErasing(), AutoAugment()), mix=Mixup())
model = recipe.model(3, 10)
optimizer = recipe.optimizer(model, recipe.lr)
images = recipe.augment(torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8))
images, targets = recipe.mix(images / 255, torch.eye(10)[:4])
loss, _ = recipe.objective(model, images, targets)
loss.backward()
optimizer.step()
assert not recipe.stop([loss.item()])
"""


def test_a_step_of_training_needs_torch_alone():
    names = [
        f"tricks_lib.{name_of(file).removesuffix('.py').replace('/', '.')}" for file in MODULES
    ]
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *names]
    done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
