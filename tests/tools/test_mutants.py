"""A mutant is the source with one move to a device less."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from mutants import LAB, SLOTS, mutants  # noqa: E402


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x.to(images.device)", ["x"]),
        ("x.to(self.device)", ["x"]),
        ("x.to(device=device)", ["x"]),
        ("x.to(images.device, non_blocking=True)", ["x", "x.to(images.device)"]),
        (
            "x.to(device, torch.float32, non_blocking=True)",
            ["x.to(torch.float32)", "x.to(device, torch.float32)"],
        ),
        ("x.to(images, non_blocking=True)", ["x.to(images.dtype)", "x.to(images)"]),
        ("x.to(images.dtype)", []),
        ("x.to(torch.float32, copy=True)", []),
        ("x.to(dtype)", []),
        ("x.to(d.device).to(dtype)", ["x.to(dtype)"]),
        ("torch.arange(3, device=images.device)", ["torch.arange(3)"]),
        ("x.copy_(y, non_blocking=True)", ["x.copy_(y)"]),
        ("images.device", []),
    ],
)
def test_one_thing_is_taken_out(line, expected):
    before, after = "def größer(x, images: Tensor):\n    return (", ")  # as it is\n"
    found = list(mutants(before + line + after))
    assert [mutant.source for mutant in found] == [before + new + after for new in expected]
    assert {mutant.line for mutant in found} <= {2}


def test_a_call_over_several_lines_is_one_line_less():
    source = "y = torch.eye(\n    3,\n    device=device,\n)\nz = 1\n"
    (mutant,) = mutants(source)
    assert mutant.source == "y = torch.eye(3)\nz = 1\n"
    assert mutant.old == "torch.eye(\n    3,\n    device=device,\n)"


def test_every_file_gives_mutants_that_can_be_read():
    files = [path for slot in SLOTS for path in (ROOT / "tricks_lib" / slot).glob("*.py")]
    found = 0
    for path in [*files, *(ROOT / name for name in LAB)]:
        source = path.read_text(encoding="utf-8")
        for mutant in mutants(source):
            assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
            found += 1
    assert found > 40
