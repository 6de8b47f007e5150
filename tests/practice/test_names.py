import subprocess
import sys

import pytest

from tricks_lib.course.chapter import chapters
from tricks_lib.lab.networks import NAMES
from tricks_lib.practice.names import (
    chapter_names,
    model_names,
    parse,
    removable_names,
    trick_names,
)


def test_names_that_are_read_are_those_that_are_imported():
    assert chapter_names() == [entry.slug for entry in chapters()]
    assert trick_names() == [entry.slug for entry in chapters() if entry.switch]
    assert removable_names() == [f"no_{entry.slug}" for entry in chapters() if entry.off]
    assert parse("no_weight_decay,mixup+no_batch_norm") == [
        "no_weight_decay",
        "mixup+no_batch_norm",
    ]
    with pytest.raises(ValueError, match="did you mean no_weight_decay"):
        parse("no_weight_decy")


def test_networks_that_are_read_are_those_that_torchvision_has():
    assert sorted(model_names()) == sorted(NAMES)


def test_reading_names_loads_nothing():
    script = (
        "import sys\n"
        "from tricks_lib.practice.names import parse\n"
        "parse('mixup+cutout')\n"
        "print([name for name in ('torch', 'numpy', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        ("warmup", ["warmup"]),
        (" mixup , cutout ,", ["mixup", "cutout"]),
        ("mixup+label_smoothing", ["mixup+label_smoothing"]),
        ("cutout, mixup + cutout", ["cutout", "mixup+cutout"]),
        ("mixup,mixup", ["mixup"]),
        ("mixup+cutout,cutout+mixup", ["mixup+cutout", "cutout+mixup"]),  # another order
    ],
)
def test_arms_are_read(text, arms):
    assert parse(text) == arms


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("warmup,mixupp", "expected tricks out of warmup, .*; got 'mixupp'; did you mean mixup?"),
        ("mixup+cutoff", "got 'cutoff'; did you mean cutout?"),
        ("mixup+", "got ''"),
        ("baseline", "got 'baseline'"),  # it is there anyway
        (",", "got ','"),
        ("mixup+cutout+mixup", "expected each trick once in a combination, got 'mixup"),
    ],
)
def test_what_is_no_arm_is_refused(text, message):
    with pytest.raises(ValueError, match=message.replace("+", r"\+").replace("?", r"\?")):
        parse(text)
