"""The wheel as others get it: torch alone, then with an extra, in fresh environments.

torch is not downloaded again. A fresh environment sees links to those distributions of this one
that pip would have installed for it, by the requirements written in the wheel, and to no others.
"""

import functools
import shutil
import subprocess
import sys
import textwrap
import venv
import zipfile
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[2]
COMING_AND_GOING = "__pycache__", ".ipynb_checkpoints", "*.lock", "*.new"
"""Of Python, of Jupyter, of a study that is being recorded."""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, which leaves no build folder in the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "tricks_lib", source / "tricks_lib", ignore=shutil.ignore_patterns(*COMING_AND_GOING)
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", str(source), "--no-deps", "--wheel-dir", str(folder))
    [built] = folder.glob("*.whl")
    return built


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def environment(wheel, tmp_path_factory):
    """Return a function of an extra: a way to run code where the wheel has that extra."""

    @functools.cache
    def made(extra):
        folder = tmp_path_factory.mktemp(extra or "bare")
        venv.create(folder / "venv", symlinks=True)
        [python] = (folder / "venv").glob("*/python")
        pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
        [site] = (folder / "venv").glob("lib/python*/site-packages")
        [metadata] = site.glob("tricks_lib-*.dist-info")
        borrow(wanted(PathDistribution(metadata), {extra}), folder / "borrowed")
        (site / "borrowed.pth").write_text(f"{folder / 'borrowed'}\n")
        elsewhere = folder / "elsewhere"  # not a checkout
        elsewhere.mkdir()

        def run(code):
            script = elsewhere / "script.py"
            script.write_text(textwrap.dedent(code))
            return subprocess.run(
                [python, "-I", script], cwd=elsewhere, capture_output=True, text=True, timeout=300
            )

        return run

    return made


def wanted(root, extras):
    """Names of all distributions that pip would install for one, itself not among them."""
    names, todo = set(), [(root, extras)]
    seen = set()
    while todo:
        found, extras = todo.pop()
        for line in found.requires or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
                continue
            key = (name, frozenset(requirement.extras))
            if key in seen:
                continue
            seen.add(key)
            if name == canonicalize_name(root.name):
                todo.append((root, set(requirement.extras)))
            else:
                names.add(name)
                todo.append((distribution(name), {"", *requirement.extras}))
    return names


def borrow(names, folder):
    """Link what the distributions have installed into a folder."""
    folder.mkdir()
    for name in names:
        found = distribution(name)
        tops = {path.parts[0] for path in found.files or ()} - {"..", "__pycache__"}
        for top in tops:
            link = folder / top
            if not link.exists():
                link.symlink_to(found.locate_file(top))


def test_the_wheel_has_every_file_of_the_package(wheel):
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tricks_lib").rglob("*")
        if path.is_file() and not any(map(path.match, COMING_AND_GOING))
        if "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("tricks_lib/")}
    assert not there - packed, f"not in the wheel, see package-data: {sorted(there - packed)}"
    assert not packed - there
    assert "tricks_lib/py.typed" in packed


def test_it_has_a_version_and_asks_for_torch_alone(wheel):
    version = wheel.name.split("-")[1]
    assert f'__version__ = "{version}"' in (ROOT / "tricks_lib" / "__init__.py").read_text()
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode().splitlines()
    asked = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert [line.split()[1].partition(">")[0] for line in asked] == ["torch"]


def good(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


BARE = """
    import pkgutil
    from dataclasses import replace
    from importlib import import_module
    from importlib.util import find_spec

    MISSING = ["numpy", "torchvision", "scipy", "matplotlib", "PIL", "tqdm", "IPython"]
    assert not [name for name in MISSING if find_spec(name)], "the environment is not bare"

    import torch
    import tricks_lib

    # Every module below the lab, and every public name.
    above = tuple(f"tricks_lib.{name}" for name in ("lab", "course", "practice", "cli"))
    for module in pkgutil.walk_packages(tricks_lib.__path__, "tricks_lib."):
        if not module.name.startswith(above):
            if not module.name.endswith("__main__"):
                import_module(module.name)

    recipe = tricks_lib.Recipe(
        epochs=2,
        lr=0.01,
        augment=tricks_lib.Compose(tricks_lib.RandomCrop(2), tricks_lib.Cutout(size=8)),
        mix=tricks_lib.Mixup(alpha=0.2),
        objective=tricks_lib.supervised(tricks_lib.LabelSmoothingLoss(0.1)),
        optimizer=tricks_lib.adabound,
        schedule=tricks_lib.gradual_warmup(length=1, then=tricks_lib.linear_decay(length=1)),
        stop=tricks_lib.EarlyStopping(patience=1),
    )
    recipe = replace(recipe, batch_size=16)
    text = recipe.written()
    assert eval(text, dict(vars(tricks_lib))).written() == text

    torch.manual_seed(0)
    images = torch.randint(0, 256, (16, 1, 28, 28), dtype=torch.uint8)
    targets = torch.eye(10)[torch.arange(16) % 10]
    model = recipe.model(1, 10)
    optimizer = recipe.optimizer(model, recipe.lr * recipe.schedule(0.5))
    before = [weight.clone() for weight in model.parameters()]
    mixed = recipe.mix(recipe.augment(images).float() / 255, targets)
    loss, logits = recipe.objective(model, *mixed)
    loss.backward()
    optimizer.step()
    assert logits.shape == (16, 10) and loss.isfinite()
    assert any((a != b).any() for a, b in zip(before, model.parameters()))
    assert recipe.stop([1.0, 2.0])
"""


def test_every_trick_works_with_torch_alone(environment):
    good(environment("")(BARE))


NAMES = """
    import tricks_lib

    for name in ("fit", "study", "load_data", "evaluate"):
        try:
            getattr(tricks_lib, name)
        except ImportError as error:
            assert f"{name} belongs to the lab" in str(error), error
            assert "pip install 'tricks-lib[lab]'" in str(error), error
        else:
            raise AssertionError(f"{name} works without the lab")
"""


def test_the_lab_says_what_to_install(environment):
    good(environment("")(NAMES))


STUDY = """
    import pkgutil
    from dataclasses import replace
    from importlib import import_module
    from importlib.util import find_spec
    from pathlib import Path

    assert not [name for name in {missing} if find_spec(name)], "more than the extra brings"

    import tricks_lib
    from tricks_lib import Recipe, Mixup, fit, load_data, study
    from tricks_lib import lab

    for module in pkgutil.walk_packages(lab.__path__, "tricks_lib.lab."):
        import_module(module.name)

    for name in ("fashion-mini", "digits"):
        data = load_data(name)
        assert len(data.train.images)
    plain = Recipe(epochs=1, batch_size=512)
    recipes = {{"plain": plain, "mixup": replace(plain, mix=Mixup(alpha=0.2))}}
    result = study(recipes, data, seeds=2, path="runs.jsonl")
    assert len(Path("runs.jsonl").read_text().splitlines()) >= 4
    again = study(recipes, data, seeds=2, path="runs.jsonl")
    assert again.values("mixup") == result.values("mixup")
    print(result.difference("mixup"))
"""


@pytest.mark.parametrize(
    ("extra", "missing"),
    [
        ("lab", ["IPython", "ipywidgets", "sklearn", "skimage", "torchmetrics"]),
        ("course", ["sklearn", "skimage", "torchmetrics"]),
    ],
)
def test_the_lab_trains_and_keeps_a_study_in_a_file(environment, extra, missing):
    good(environment(extra)(STUDY.format(missing=missing)))


COURSE = """
    from importlib import import_module
    import pkgutil

    import tricks_lib.course
    from tricks_lib.course.card import card
    from tricks_lib.course.chapter import chapter, chapters
    from tricks_lib.course.photographs import photographs
    from tricks_lib.lab.study import WORDS

    for module in pkgutil.walk_packages(tricks_lib.course.__path__, "tricks_lib.course."):
        import_module(module.name)

    found = chapter("warmup")
    finding = found.finding()
    assert finding.word in WORDS
    text = card("warmup").data
    assert f"**{finding.word}**" in text and finding.figures in text, text
    for each in chapters():
        assert len(each.plan.recorded().seeds) > 1
    assert photographs().shape[1] == 3
    print(finding)
"""


def test_the_course_shows_cards_and_records_outside_a_checkout(environment):
    assert "seeds" in good(environment("course")(COURSE))
