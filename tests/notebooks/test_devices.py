"""On a machine with an accelerator the networks are there, and the data of a notebook is not."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("notebooks", "notebooks/solutions", "book")
    for path in ROOT.glob(f"{folder}/*.ipynb")
)


def code_of(name):
    cells = json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def left_there(source):
    """Calls of `predict` in some code whose logits may be on another device than the labels.

    `predict` answers where the network is. So its logits are moved, or the network was: all of
    `predict(run.model, data).cpu()`, `run.model.cpu()` and `run = fit(..., device="cpu")` will do.
    """
    tree = ast.parse(source)
    moved = {id(node.value) for node in ast.walk(tree) if getattr(node, "attr", "") == "cpu"}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "predict":
            continue
        network = ast.unparse(node.args[0])
        run = re.escape(network.removesuffix(".model"))
        here = rf'{re.escape(network)}\.cpu\(\)|^{run} = fit\(.*device="cpu"'
        given = isinstance(node.args[0], ast.Name)  # to a function: its caller decides
        if id(node) not in moved and not given and not re.search(here, source, re.MULTILINE):
            yield ast.unparse(node)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_logits_are_taken_to_where_the_labels_are(name):
    found = list(left_there(code_of(name)))
    assert not found, f"{name}: the logits stay where the network is, {found}: add .cpu()"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("score(predict(run.model, data), labels)", 1),
        ("logits = predict(run.model, data).cpu()", 0),
        ("run.model.cpu()\nlogits = predict(run.model, data)", 0),
        ('run = fit(recipe, data, device="cpu")\nlogits = predict(run.model, data)', 0),
        ("run = fit(recipe, data)\nlogits = predict(run.model, data)", 1),
        ("def accuracy(model):\n    return predict(model, data)", 0),
    ],
)
def test_what_is_looked_for_is_found(source, count):
    assert len(list(left_there(source))) == count
