"""Names of chapters and tricks, read without loading any: torch and its company take seconds, and
a command line that shows its help or finds a misspelt name needs none of them.

Chapter: notebooks/20_own_images.ipynb
"""

import ast
import difflib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "BASELINE",
    "OFF",
    "chapter_names",
    "model_names",
    "nearest",
    "parse",
    "removable_names",
    "trick_names",
]

CHAPTERS = Path(__file__).parents[1] / "course" / "chapters"

BASELINE = "baseline"
"""What the arm without any trick is called."""

OFF = "no_"
"""What stands before a trick that is taken out of the baseline."""


def chapter_names() -> list[str]:
    """Return the slugs of all chapters, in the order of the course."""
    return list(_chapters())


def removable_names() -> list[str]:
    """Return what a baseline usually has and can be taken out of it: "no_weight_decay"."""
    return [f"{OFF}{slug}" for slug, given in _chapters().items() if "off" in given]


def trick_names() -> list[str]:
    """Return the slugs of the chapters whose trick can be switched on, in the order of the
    course."""
    return [slug for slug, given in _chapters().items() if "switch" in given]


@cache
def _chapters() -> dict[str, set[str]]:
    """What each chapter gives by name in its `CHAPTER = Chapter(...)`, such as "switch", by
    slug."""
    found = []
    for file in CHAPTERS.glob("*/__init__.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
                continue
            if [ast.unparse(target) for target in node.targets] == ["CHAPTER"]:
                given = {part.arg: part.value for part in node.value.keywords if part.arg}
                number = ast.literal_eval(given["number"])
                found.append((number, file.parent.name, {*given}))
    return {slug: given for _, slug, given in sorted(found, key=lambda one: one[:2])}


@cache
def model_names() -> tuple[str, ...]:
    """Return the names of torchvision's classifiers, as its files register them; none where it is
    not installed."""
    there = find_spec("torchvision")
    folders = there.submodule_search_locations if there else None
    found = []
    for folder in folders or ():
        for file in sorted((Path(folder) / "models").glob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and any(
                    ast.unparse(mark) == "register_model()" for mark in node.decorator_list
                ):
                    found.append(node.name)
    return tuple(found)


def parse(text: str) -> list[str]:
    """Read arms: tricks separated by commas, and combinations of tricks joined by a plus.

        parse("mixup, cutout+label_smoothing")  # ["mixup", "cutout+label_smoothing"]
        parse("no_weight_decay")  # the baseline without what it has

    Args:
        text: what somebody wrote.

    Returns:
        The arms, each once, in the order written. In a combination the tricks are switched on from
        left to right.

    Raises:
        ValueError: if there is none, a trick is unknown, or stands twice in a combination.
    """
    arms, known = [], [*trick_names(), *removable_names()]
    for part in text.split(","):
        if not part.strip():
            continue
        tricks = [name.strip() for name in part.split("+")]
        for name in tricks:
            if name not in known:
                near = nearest(name, known)
                raise ValueError(f"expected tricks out of {', '.join(known)}; got {near}")
        twice = sorted({name for name in tricks if tricks.count(name) > 1})
        if twice:
            raise ValueError(f"expected each trick once in a combination, got {part.strip()!r}")
        arms.append("+".join(tricks))
    if not arms:
        raise ValueError(f"expected tricks out of {', '.join(known)}; got {text!r}")
    return list(dict.fromkeys(arms))


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a name in quotes, with the known one that it was perhaps meant to be."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name!r}; did you mean {near[0]}?" if near else repr(name)
