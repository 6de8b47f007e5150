"""What every chapter's exercises share: asking, comparing, answering.

Chapter: notebooks/00_baseline.ipynb
"""

import functools
import html
import inspect
import math
import numbers
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Answer", "Exercises", "Judge", "expect"]

Judge = Callable[..., str | None]
"""Looks at an answer: None if it is right, else what is wrong, in a sentence."""


@dataclass(frozen=True)
class Answer:
    """What became of one attempt.

    Args:
        exercise: number and title.
        tried: False while the answer is still `...`.
        problem: what is wrong; None if nothing is.
    """

    exercise: str
    tried: bool = True
    problem: str | None = None

    @property
    def right(self) -> bool:
        """Whether the exercise is solved."""
        return self.tried and self.problem is None

    def __repr__(self) -> str:
        """Return the answer as a line of text."""
        if not self.tried:
            return f"… {self.exercise}: not tried yet. Replace the ... and run the cell again."
        if self.problem is None:
            return f"✓ {self.exercise}: right."
        return f"✗ {self.exercise}: not yet. {self.problem}"

    def _repr_html_(self) -> str:
        kind = "right" if self.right else "wrong" if self.tried else "open"
        # Dark letters on a light ground of their own: readable in either mode of page and notebook.
        colours = {"right": "#d7f0e4", "wrong": "#fbe3d6", "open": "#e8e8e8"}
        return (
            f'<div class="check check-{kind}" style="background: {colours[kind]}; color: #1a1a1a; '
            f'padding: 0.4em 0.8em; border-radius: 4px; white-space: pre-wrap">'
            f"{html.escape(repr(self))}</div>"
        )


class NotTried(Exception):
    """The learner's function still returns `...`."""


class Exercises:
    """The exercises of a chapter, in order.

    A chapter's file `exercises.py` has, beside `check`, answers to each: `RIGHT` with one that
    must pass, `WRONG` with some that a learner may well give, each with a part of what it must be
    told. A tuple is an answer of several parts.

        check = Exercises()

        @check.exercise("a number by hand")
        def _(answer):
            return expect(answer, 0.375, "Start is 1/16.")

        RIGHT = {1: 6 / 16}
        WRONG = {1: [(1 / 3, "Start is"), ("0.375", "Expected a number")]}
    """

    def __init__(self) -> None:
        self.judges: list[tuple[str, Judge]] = []

    def exercise(self, title: str) -> Callable[[Judge], Judge]:
        """Register the next exercise: the decorated function looks at the answer."""

        def register(judge: Judge) -> Judge:
            self.judges.append((title, judge))
            return judge

        return register

    def __call__(self, number: int, *answer: Any) -> Answer:
        """Judge an answer.

        Args:
            number: which exercise, from 1.
            *answer: what the learner found; a `...` among it, or a function that still returns
                one, means not tried yet.

        Returns:
            The verdict, which shows itself when it is the last value of a cell. An error that
            the learner's own function raises becomes part of it.

        Raises:
            ValueError: if there is no such exercise.
        """
        if number not in range(1, len(self.judges) + 1):
            raise ValueError(f"expected an exercise from 1 to {len(self.judges)}, got {number!r}")
        title, judge = self.judges[number - 1]
        name = f"Exercise {number} ({title})"
        if not answer or any(part is ... for part in answer):
            return Answer(name, tried=False)
        try:
            return Answer(name, problem=judge(*map(_asking, answer)))
        except NotTried:
            return Answer(name, tried=False)
        except Exception as error:  # whatever a learner's code may do
            return Answer(name, problem=_explain(error))


def _asking(answer: Any) -> Any:
    """Let a function of the learner's say by returning `...` that it is not written yet."""
    if not inspect.isfunction(answer):
        return answer

    @functools.wraps(answer)
    def ask(*arguments: Any, **named: Any) -> Any:
        found = answer(*arguments, **named)
        if found is ...:
            raise NotTried
        return found

    return ask


def expect(found: Any, wanted: Any, hint: str, tolerance: float = 1e-6) -> str | None:
    """Compare a number, or a sequence of numbers, with the right one.

    Args:
        found: the learner's.
        wanted: the right one.
        hint: what to think of again if they differ; it should not give the answer away.
        tolerance: allowed difference, relative to `wanted` where that is above 1.

    Returns:
        None if they agree, else a sentence.
    """
    found, wanted = _plain(found), _plain(wanted)
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return f"Expected {len(wanted)} numbers, got {found!r}. {hint}"
        wrong = [
            place
            for place, (ours, theirs) in enumerate(zip(wanted, found, strict=True))
            if expect(theirs, ours, hint, tolerance)
        ]
        if wrong:
            off = f"{len(wrong)} of {len(wanted)} entries are off"
            return f"{off}, the first at index {wrong[0]}. {hint}"
        return None
    if isinstance(found, bool) or not isinstance(found, numbers.Real):
        return f"Expected a number, got {found!r}. {hint}"
    if math.isinf(wanted):  # any finite number would be within a tolerance relative to infinity
        right = found == wanted
    else:
        right = abs(found - wanted) <= tolerance * max(1.0, abs(wanted))  # never so for NaN
    return None if right else f"Got {found:.6g}. {hint}"


def _plain(value: Any) -> Any:
    """Turn tensors, arrays and tuples into numbers and lists."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, tuple | range) else value


NOT_THEIRS = (
    Path(__file__).parents[1],
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")),
)
"""Folders of code that a learner did not write: this package, Python, and what is installed."""


def _explain(error: Exception) -> str:
    """Say what was raised, and on which line of the learner's own code."""
    theirs = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).is_relative_to(folder) for folder in NOT_THEIRS)
    ]
    where = f" in line {theirs[-1].lineno} of your cell ({theirs[-1].line})" if theirs else ""
    return f"Your answer raised {type(error).__name__}: {error}{where}."
