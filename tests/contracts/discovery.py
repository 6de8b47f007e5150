"""The tricks that there are, and the case of each, found by the names of their files."""

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import tricks_lib
from tricks_lib import Recipe
from tricks_lib.ops.written import written

from .cases import AugmentCase, Case
from .parameters import maker_of, settings_of, values_of

PACKAGE = Path(tricks_lib.__file__).parent
HERE = Path(__file__).parent


DEFAULTS = {
    maker_of(field.default).__module__.split(".")[1]: field.default
    for field in fields(Recipe)
    if callable(field.default)
}
"""Folder of each slot -> what a recipe has there if nothing is said."""

NOTHING = [DEFAULTS[slot] for slot in ("augment", "mix", "stopping")]
"""Values that leave things as they are."""

CASES = {"augment": AugmentCase}
"""Slots that have more to say than a `Case` can."""

# --- Files ---


@dataclass(frozen=True)
class Trick:
    """A file of tricks, and beside it the file of its case."""

    slot: str
    name: str

    def __str__(self) -> str:
        return f"{self.slot}/{self.name}"

    @property
    def file(self) -> str:
        return f"tricks_lib/{self.slot}/{self.name}.py"

    @property
    def case_file(self) -> str:
        return f"tests/contracts/{self.slot}/{self.name}.py"

    @property
    def module(self) -> ModuleType:
        """The module; in its package, a function of the same name may hide it."""
        import_module(name := f"tricks_lib.{self.slot}.{self.name}")
        return sys.modules[name]

    def load(self) -> Case:
        """Import the case.

        Raises:
            LookupError: if there is none; the message says what to write.
        """
        kind = CASES.get(self.slot, Case)
        if not (HERE / self.slot / f"{self.name}.py").is_file():
            raise LookupError(
                f"{self.file} has no case. Write {self.case_file} with a CASE = {kind.__name__}"
                f"(examples=..., calls=..., wrong=...). {self._short_one()}"
            )
        try:
            module = import_module(f"{__package__}.{self.slot}.{self.name}")
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise LookupError(
                f"{self.case_file} cannot be imported: {type(error).__name__}: {error} "
                f"({Path(place.filename).name}, line {place.lineno})"
            ) from error
        case = getattr(module, "CASE", None)
        if not isinstance(case, kind):
            raise LookupError(
                f"{self.case_file} needs CASE, one value of the type {kind.__name__}; it has "
                f"{type(case).__name__}. {self._short_one()}"
            )
        for problem in self._problems(case):
            raise LookupError(f"{self.case_file}: {problem}")
        return case

    def _problems(self, case: Case) -> Iterator[str]:
        """Say why the contracts cannot be held against a case."""
        if not case.examples and not case.no_examples and self.slot in DEFAULTS:
            yield "give CASE examples for the slot, or say in no_examples why there are none"
        for example in case.examples:
            name = getattr(example, "__name__", type(example).__name__)
            if isinstance(example, type) or not callable(example):
                yield f"the example {name} cannot be called as a value of the slot can"
            try:
                for value in values_of(self.slot, [example]):
                    settings_of(value, self.slot)
            except AttributeError as error:
                yield f"a value keeps each parameter under its name, as a dataclass does: {error}"
            except Exception as error:
                yield f"the example {name} cannot be used: {type(error).__name__}: {error}"
        for call in case.calls:
            try:
                call.arguments(2)
            except Exception as error:
                yield f"the arguments of a call fail: {type(error).__name__}: {error}"

    @cached_property
    def case(self) -> Case | None:
        """The case, or None where `load` has something to say."""
        try:
            return self.load()
        except LookupError:
            return None

    @property
    def names(self) -> dict[str, Any]:
        """What the file of the case defines and imports."""
        return vars(import_module(f"{__package__}.{self.slot}.{self.name}"))

    @property
    def values(self) -> list[Any]:
        """The examples, as values of the slot."""
        return values_of(self.slot, self.case.examples)

    def public(self) -> Iterator[Callable]:
        """Public functions and classes that the file defines."""
        for name, thing in vars(self.module).items():
            own = getattr(thing, "__module__", None) == self.module.__name__
            if own and not name.startswith("_") and isinstance(thing, FunctionType | type):
                yield thing

    def _short_one(self) -> str:
        """Name the shortest case of the slot that says something of everything."""
        if LOOKING:  # another trick without a case asks what there is
            return ""
        LOOKING.append(self)
        try:
            return self._shortest()
        finally:
            LOOKING.clear()

    def _shortest(self) -> str:
        others = [t for t in TRICKS if t.slot == self.slot and t != self and t.case]
        full = [t for t in others if t.case.examples and t.case.wrong]
        full = [t for t in full if t.case.calls] or full

        def length(trick: Trick) -> int:
            return (HERE / trick.slot / f"{trick.name}.py").stat().st_size

        return f"A short one to look at: {min(full, key=length).case_file}" if full else ""


LOOKING: list[Trick] = []
"""The trick that looks for a case to show."""


def names_in(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


# --- What there is ---

TRICKS = [Trick(slot, name) for slot in DEFAULTS for name in names_in(PACKAGE / slot)]
"""Every file of every slot."""

WITH_CASE = [trick for trick in TRICKS if trick.case]
"""Those that the contracts can be held against; `test_cases.py` fails for the others."""

OPERATIONS = [Trick("ops", name) for name in names_in(HERE / "ops")]
"""Files of what tricks share that have a case; it has calls alone."""

NOT_TRICKS = [
    Trick(folder.name, name)
    for folder in sorted(HERE.iterdir())
    if folder.is_dir()
    for name in names_in(folder)
    if not (PACKAGE / folder.name / f"{name}.py").is_file()
]
"""Cases of files that are not there."""


# --- Examples, for parametrize ---


def text_of(value: Any) -> str:
    """Return the text that stands for a value in the name of a test: the same in each process."""
    try:
        return written(value)
    except ValueError:
        return f"{maker_of(value).__name__} without a text"


def in_slot(slot: str) -> list[tuple[Any, Any]]:
    """List each example of a slot with its case."""
    tricks = [trick for trick in WITH_CASE if trick.slot == slot]
    return [(trick.case, example) for trick in tricks for example in trick.case.examples]


def declared(slot: str, what: str) -> list[Any]:
    """List what the cases of a slot say under a name, all together."""
    tricks = [trick for trick in WITH_CASE if trick.slot == slot]
    return [value for trick in tricks for value in getattr(trick.case, what)]


def each(slot: str, but: list[Any] | None = None) -> list:
    """List the examples of a slot for `parametrize`, without some."""
    return [
        pytest.param(example, id=text_of(example))
        for _, example in in_slot(slot)
        if not any(example is other for other in but or [])
    ]


def files_of(slot: str) -> list:
    """List the files of a slot that have examples for `parametrize`."""
    return [
        pytest.param(trick, id=str(trick))
        for trick in WITH_CASE
        if trick.slot == slot and trick.case.examples
    ]
