"""Ask whether the tests of devices find what they are for.

python tools/mutants.py [FILE ...]

In a copy of the library, each move to a device, each argument `device=` and each `non_blocking=` is
taken out, one at a time, and `tests/contracts/test_device.py` is run: about half a minute for each.
What it says to have survived is either another way to say the same, or a test that is missing.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOTS = ("augment", "mix", "objectives", "optimizers", "models", "ops")
LAB = ("tricks_lib/lab/steps.py", "tricks_lib/lab/data/splits.py")
TEST = "tests/contracts/test_device.py"


@dataclass(frozen=True)
class Mutant:
    """A source with one thing taken out.

    Args:
        line: where, from 1.
        old: the expression that was there.
        new: what is there instead.
        source: the whole text.
    """

    line: int
    old: str
    new: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Make all mutants of a source, in the order of their lines."""
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)
    tensors = {
        argument.arg
        for argument in ast.walk(tree)
        if isinstance(argument, ast.arg) and argument.annotation is not None
        if ast.unparse(argument.annotation) == "Tensor"
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.end_col_offset or 0)):
        assert call.end_lineno is not None and call.end_col_offset is not None
        start = sum(map(len, lines[: call.lineno - 1])) + call.col_offset
        end = sum(map(len, lines[: call.end_lineno - 1])) + call.end_col_offset
        old = source.encode()[start:end].decode()
        for new in others(call, tensors):
            changed = source.encode()[:start] + new.encode() + source.encode()[end:]
            yield Mutant(call.lineno, old, new, changed.decode())


def others(call: ast.Call, tensors: set[str]) -> Iterator[str]:
    """Write a call in each way that has one thing less.

    Args:
        call: what is called, with what.
        tensors: names of tensors, since `x.to(images)` moves too.
    """
    keywords = {keyword.arg: keyword for keyword in call.keywords}
    if isinstance(call.func, ast.Attribute) and call.func.attr == "to":
        # Without a device there is nothing to wait for.
        kept = [k for name, k in keywords.items() if name not in ("device", "non_blocking")]
        arguments: list[ast.expr] = []
        for argument in call.args:
            if ast.unparse(argument) in tensors:
                arguments.append(ast.Attribute(argument, "dtype"))
            elif "device" not in ast.unparse(argument):
                arguments.append(argument)
        if arguments != call.args or "device" in keywords:
            if arguments or kept:
                yield ast.unparse(ast.Call(call.func, arguments, kept))
            else:
                yield ast.unparse(call.func.value)
    elif "device" in keywords:
        kept = [keyword for keyword in call.keywords if keyword.arg != "device"]
        yield ast.unparse(ast.Call(call.func, call.args, kept))
    if "non_blocking" in keywords:
        kept = [keyword for keyword in call.keywords if keyword.arg != "non_blocking"]
        yield ast.unparse(ast.Call(call.func, call.args, kept))


def is_found(copy: Path) -> bool:
    """Run the tests in a copy of the project; say whether one failed, or could not be imported."""
    command = [sys.executable, *f"-m pytest {TEST} -x -q --tb=no -p no:cacheprovider".split()]
    # A mutant may be as old and as long as the source before it: nothing may be compiled for later.
    settings = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=copy, env=settings, capture_output=True).returncode != 0


def main(names: list[str]) -> int:
    """Try the mutants of some files, or of all that hold tricks and take steps."""
    found = [path for slot in SLOTS for path in sorted((ROOT / "tricks_lib" / slot).glob("*.py"))]
    files = [Path(name).resolve() for name in names] or [*found, *(ROOT / name for name in LAB)]
    survived = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("tricks_lib", "tests", "book"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if is_found(copy):
            print(f"{TEST} fails before anything is taken out: mend that first.")
            return 2
        for file in files:
            name = file.relative_to(ROOT)
            source = file.read_text(encoding="utf-8")
            for mutant in mutants(source):
                (copy / name).write_text(mutant.source, encoding="utf-8")
                tried += 1
                if not is_found(copy):
                    survived += 1
                    print(f"{name}:{mutant.line}: {mutant.old}  ->  {mutant.new}", flush=True)
            (copy / name).write_text(source, encoding="utf-8")
    print(f"{tried - survived} of {tried} found.")
    return bool(survived)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
