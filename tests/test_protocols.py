"""The slots as a type checker sees them: every trick fits its slot, and no other's."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import tricks_lib
from tricks_lib import Recipe, protocols

REPOSITORY = Path(tricks_lib.__file__).parents[1]

PROTOCOL_OF = {
    "augment": "Augment",
    "mix": "Mix",
    "objectives": "Objective",
    "schedules": "Schedule",
    "stopping": "StoppingRule",
}
"""Of the slots whose classes are values for it, once they have their parameters."""

RANDOM = {"augment": "RandomAugment", "mix": "RandomMix"}
"""Of the slots whose classes also draw before they apply."""

HEAD = """
from functools import partial

import torch.nn.functional as F

import tricks_lib
from tricks_lib.augment import *
from tricks_lib.mix import *
from tricks_lib.models import *
from tricks_lib.objectives import *
from tricks_lib.optimizers import *
from tricks_lib.protocols import *
from tricks_lib.schedules import *
from tricks_lib.stopping import *

model: ModelFactory
augment: Augment
mix: Mix
objective: Objective
optimizer: OptimizerFactory
schedule: Schedule
stop: StoppingRule
random_augment: RandomAugment
random_mix: RandomMix
"""

FITTING = """\
augment = identity
augment = Compose(RandomCrop(4), HorizontalFlip(), identity)
mix = keep
mix = one_of(Mixup(0.2), keep, p=(0.5, 0.5))
random_mix = Mixup(0.2, num_classes=10, p=0.5)
random_mix = one_of(Mixup(0.2), keep)
objective = cross_entropy
objective = supervised(LabelSmoothingLoss(0.1))
objective = supervised(F.cross_entropy)
objective = L1Penalty(1e-5, Distillation(small_resnet(1, 10)))
optimizer = sgd
optimizer = sgd_no_bias_decay
optimizer = adam
optimizer = adamw
optimizer = adabound
optimizer = partial(adabound, final_lr=0.2)
schedule = gradual_warmup(1, then=cosine_decay(9))
schedule = lambda epochs: 0.5
stop = never
model = small_resnet
model = partial(small_resnet, width=32)
model = mlp
model = partial(initialized, build=mlp, init=he_)
""".splitlines()

REFUSED = """\
augment = Mixup()
augment = Cutout
augment = Compose(Mixup())
mix = Cutout(8)
mix = one_of(Cutout(8))
random_mix = keep
random_augment = identity
objective = F.cross_entropy
objective = L1Penalty(1e-5, F.cross_entropy)
optimizer = AdaBound
schedule = cosine_decay
schedule = linear_scaling(0.1, 512)
schedule = gradual_warmup(1, then=cosine_decay)
stop = EarlyStopping
model = initialized
model = SmallResNet
""".splitlines()


def classes(slot):
    package = import_module(f"tricks_lib.{slot}")
    return [name for name in package.__all__ if inspect.isclass(getattr(package, name))]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """Check lines of code all at once; return what is said of each that is complained about."""
    lines = [*HEAD.splitlines(), *FITTING, *REFUSED]
    for slot, protocol in PROTOCOL_OF.items():
        for name in classes(slot):
            lines.append(f"def of_{name}(value: tricks_lib.{name}) -> {protocol}: return value")
            if slot == "mix":
                lines.append(
                    f"def random_{name}(value: tricks_lib.{name}) -> RandomMix: return value"
                )
    file = tmp_path_factory.mktemp("types") / "own.py"
    file.write_text("\n".join(lines))
    options = ["--config-file", "pyproject.toml", "--follow-imports", "silent"]
    command = [sys.executable, "-m", "mypy", *options, str(file)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    found = re.findall(r"own\.py:(\d+): error: (.*)", done.stdout)
    assert found, f"mypy refused nothing, though some lines do not fit: {done.stdout}{done.stderr}"
    return {lines[int(number) - 1]: said for number, said in found}


def test_every_trick_fits_its_slot(complaints):
    assert {line: said for line, said in complaints.items() if line not in REFUSED} == {}


@pytest.mark.parametrize("line", REFUSED)
def test_what_does_not_fit_is_refused(line, complaints):
    assert re.match("Incompatible types in assignment|Argument .* incompatible", complaints[line])


def test_there_is_a_protocol_for_each_slot_of_a_recipe():
    slots = [field.type for field in fields(Recipe)[3:]]
    assert slots == [getattr(protocols, slot.__name__) for slot in slots]
    assert {slot.__name__ for slot in slots} | set(RANDOM.values()) == set(protocols.__all__)


def test_there_is_one_definition_of_a_schedule():
    then = next(field for field in fields(tricks_lib.gradual_warmup) if field.name == "then")
    assert then.type is protocols.Schedule


def test_the_package_says_that_it_is_typed():
    assert (Path(tricks_lib.__file__).parent / "py.typed").is_file()
