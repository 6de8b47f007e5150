"""What a chapter of the course is, and which there are: a folder in `chapters/` is a chapter."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..lab.data import Data
from ..lab.study import Finding
from ..recipe import Recipe
from .plan import StudyPlan
from .planned import PLANNED, Planned

__all__ = ["CHAPTERS", "Chapter", "Switch", "chapter", "chapters", "found", "planned"]

CHAPTERS = Path(__file__).with_name("chapters")
"""The folder of the chapters."""

Switch = Callable[[Recipe, Data], Recipe]
"""Turns a trick on in any recipe: (recipe, data) -> recipe."""


@dataclass(frozen=True)
class Chapter:
    """A chapter: what it claims, what it measures, what it takes. Its text is its notebook.

    Args:
        package: `__name__` of its folder; the last part is the slug, its name everywhere.
        number: place in the course.
        title: what the page is called.
        claim: what is said of the trick, in a sentence; the study says whether it holds here.
        says: what the trick does, in plain words that need no symbol; by default the claim.
        plan: what it measures, with the headline declared in it.
        before: what a reader should know.
        minutes: time to read the main line and work through it.
        seconds: time to run it on two CPU cores.
        switch: a function with a name that turns the trick on in any recipe, for any data: the card
            shows its last line, the command line runs it. None where there is no trick.
        off: a function that takes the trick out of a recipe that has it, as the command line does
            for `no_weight_decay`. None for tricks that a baseline usually lacks.
        line: what the card shows where there is no switch.
        seconds_on_gpu: time that it took on one NVIDIA H200; 0 if nobody has measured it.
        minutes_for_all: time for the main line, the folds and all exercises; 0 if not said.
        use: when to use it, in a line.
        avoid: when not to, in a line.
        start: a setting to try first.
        plain: the line of plain PyTorch or torchvision that does it.
        papers: what the papers report, in a line, with a link to each.
    """

    package: str
    number: int
    title: str
    claim: str
    plan: StudyPlan
    before: str
    minutes: int
    seconds: int
    switch: Switch | None = None
    off: Switch | None = None
    line: str = ""
    says: str = ""
    seconds_on_gpu: int = 0
    minutes_for_all: int = 0
    use: str = ""
    avoid: str = ""
    start: str = ""
    plain: str = ""
    papers: str = ""

    @property
    def slug(self) -> str:
        """The one name of folder, notebook, solutions and records."""
        return self.package.rpartition(".")[2]

    @property
    def notebook(self) -> str:
        """Path of the notebook in the repository."""
        return f"notebooks/{self.number:02d}_{self.slug}.ipynb"

    @property
    def solutions(self) -> str:
        """Path of the notebook with the solutions to its exercises."""
        return self.notebook.replace("notebooks/", "notebooks/solutions/")

    @property
    def folder(self) -> Path:
        """Where everything is that belongs to the chapter but the notebooks."""
        return CHAPTERS / self.slug

    def part(self, name: str) -> ModuleType:
        """Import a file of its folder: "study", "exercises", "claims"."""
        return import_module(f"{self.package}.{name}")

    def finding(self) -> Finding | None:
        """Say what the recorded study found; None where there is no trick."""
        return self.plan.finding()

    def switched_on(self) -> str:
        """Return the code that turns the trick on: the very expression that `switch` returns."""
        if self.switch is None:
            return self.line
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.switch)))
        returned = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
        value = returned[-1].value
        return ast.unparse(value) if value else ""


def found() -> list[str]:
    """Return the slugs of all chapters, without importing any."""
    return sorted(file.parent.name for file in CHAPTERS.glob("*/__init__.py"))


@cache
def chapter(slug: str) -> Chapter:
    """Import a chapter.

    Raises:
        ValueError: if there is no such chapter.
    """
    if slug not in found():
        raise ValueError(f"expected one of {found()}, got {slug!r}")
    value: Chapter = import_module(f"{__package__}.chapters.{slug}").CHAPTER
    return value


def chapters() -> list[Chapter]:
    """Import all chapters, in the order of the course."""
    return sorted(map(chapter, found()), key=lambda chapter: chapter.number)


def planned() -> list[Planned]:
    """Return the chapters that are still to be written."""
    return [entry for entry in PLANNED if entry.slug not in found()]
