"""What every chapter's exercises share: asking, drawing inputs, answering.

A check raises what is wrong. It draws its inputs afresh each time, so that nobody passes with a
table of the answers, and leaves the caller's random numbers as they are. A chapter imports all that
its checks need from here; how answers are compared stands in `comparing.py` and `judging.py`.

Chapter: notebooks/00_baseline.ipynb
"""

import functools
import html
import inspect
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from .comparing import Wrong, difference, expect, is_number, named, number_of
from .judging import Function, NotTried, agree, explain, no_loop, still_dots, untouched, without

__all__ = [
    "Answer",
    "Draws",
    "Exercise",
    "Exercises",
    "Function",
    "Judge",
    "Prediction",
    "Wrong",
    "agree",
    "difference",
    "expect",
    "named",
    "no_loop",
    "number_of",
    "untouched",
    "without",
]

T = TypeVar("T")

Judge = Callable[..., Any]
"""Looks at an answer, and raises `Wrong` if it is not right. It returns nothing."""


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
        return _box(repr(self), "right" if self.right else "wrong" if self.tried else "open")


def _box(text: str, kind: str) -> str:
    """Show a line on a ground whose colour says how it went."""
    # Dark letters on a light ground of their own: readable in either mode of page and notebook.
    colours = {"right": "#d7f0e4", "wrong": "#fbe3d6", "open": "#e8e8e8"}
    return (
        f'<div class="check check-{kind}" style="background: {colours[kind]}; color: #1a1a1a; '
        f'padding: 0.4em 0.8em; border-radius: 4px; white-space: pre-wrap">'
        f"{html.escape(text)}</div>"
    )


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    Args:
        title: what it is about, in a few words.
        judge: raises what is wrong.
        domain: which arguments a function will be given, in a sentence that also stands in the
            notebook; needed where a function is asked for.
    """

    title: str
    judge: Judge
    domain: str = ""

    @functools.cached_property
    def asked(self) -> dict[str, Any]:
        """What the judge takes, with the kind of each: `Function`, `Draws`, a class or anything."""
        parameters = inspect.signature(self.judge, eval_str=True).parameters
        return {name: parameter.annotation for name, parameter in parameters.items()}

    @property
    def parts(self) -> list[str]:
        """Names of what the learner hands in."""
        return [name for name, kind in self.asked.items() if kind is not Draws]


class Exercises:
    """The exercises of a chapter, in order.

    A judge says by its annotations what it wants: `Function` is a function of the learner's,
    `Draws` the source of fresh inputs, any other class the class of the answer. A chapter's file
    `exercises.py` has, beside `check`, answers to each exercise: `RIGHT` with one that must pass,
    `WRONG` with some that a learner may well give, each with a part of what it must be told. A
    tuple is an answer of several parts.

        check = Exercises()

        @check.exercise("the area of a square", domain="`side` is at least 0.")
        def _(area: Function, draws: Draws):
            cases = [(0,), (1,), (draws.number(1, 9),)]
            agree(area, lambda side: side**2, cases, "Multiply the side with itself.")

        RIGHT = {1: lambda side: side * side}
        WRONG = {1: [(lambda side: 4 * side, "Multiply"), (lambda side: None, "a `return`")]}
    """

    def __init__(self) -> None:
        self.judges: list[Exercise] = []

    def exercise(self, title: str, domain: str = "") -> Callable[[Judge], Judge]:
        """Register the next exercise: the decorated function looks at the answer."""

        def register(judge: Judge) -> Judge:
            self.judges.append(Exercise(title, judge, domain))
            return judge

        return register

    def __call__(self, number: int, *answer: Any, seed: int | None = None) -> Answer:
        """Judge an answer.

        Args:
            number: which exercise, from 1.
            *answer: what the learner found; a `...` among it, or a function that still returns
                one, means not tried yet.
            seed: draws the same inputs again; other ones at each call by default.

        Returns:
            The verdict, which shows itself when it is the last value of a cell. An error that
            the learner's own function raises becomes part of it.

        Raises:
            ValueError: if there is no such exercise.
            TypeError: if the check returns something, which is an error of the check.
        """
        if number not in range(1, len(self.judges) + 1):
            raise ValueError(f"expected an exercise from 1 to {len(self.judges)}, got {number!r}")
        exercise = self.judges[number - 1]
        name = f"Exercise {number} ({exercise.title})"
        if not answer or any(map(still_dots, answer)):
            return Answer(name, tried=False)
        draws = Draws(random.SystemRandom().randrange(10**6) if seed is None else seed)
        try:
            with _random_numbers_kept(), torch.enable_grad():
                returned = exercise.judge(**_handed_in(exercise, number, answer, draws))
        except NotTried:
            return Answer(name, tried=False)
        except Wrong as wrong:
            again = f" (check({number}, ..., seed={draws.seed}) repeats these inputs.)"
            return Answer(name, problem=f"{wrong}{again if draws.hidden else ''}")
        except Exception as error:  # whatever an object of the learner's may do
            return Answer(name, problem=explain(error))
        if returned is not None:
            raise TypeError(
                f"the check of {name} returned {returned!r}: a check raises what is wrong, with "
                "expect(...), agree(...) or Wrong(...), and returns nothing"
            )
        return Answer(name)


def _handed_in(
    exercise: Exercise, number: int, answer: Sequence[Any], draws: "Draws"
) -> dict[str, Any]:
    """Give each part of an answer its name, and see whether it is of the kind that is asked."""
    if len(answer) != len(exercise.parts):
        raise Wrong(
            f"The answer has {number_of(len(exercise.parts), 'part')}, and you handed in "
            f"{len(answer)}: check({', '.join([str(number), *exercise.parts])})."
        )
    parts = iter(answer)
    return {
        name: draws if kind is Draws else _of_kind(name, kind, next(parts))
        for name, kind in exercise.asked.items()
    }


def _of_kind(name: str, kind: Any, part: Any) -> Any:
    if kind is Function:
        return Function(name, part)
    if not inspect.isclass(kind) or kind is inspect.Parameter.empty or isinstance(part, kind):
        return part
    if inspect.isclass(part):
        called = f"{part.__name__}(...)"
        raise Wrong(f"You handed in the class {part.__name__} itself: call it, {called}.")
    raise Wrong(f"Expected a {kind.__name__}(...), got {named(part)}.")


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Leave the three global generators where they were, whatever is drawn meanwhile."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)


class Draws:
    """Inputs that nobody knows in advance, from a generator of their own.

    Numbers are short, since messages show them.

    Args:
        seed: the same one draws the same inputs.
    """

    def __init__(self, seed: int):
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)
        self.hidden = False
        """Whether something was drawn that no message can show."""

    def number(self, low: float, high: float, digits: int = 3) -> float:
        """Draw a number between two others, with so many digits after the point."""
        share = torch.rand((), generator=self.generator, dtype=torch.float64).item()
        return round(low + (high - low) * share, digits)

    def scale(self, low: float, high: float) -> float:
        """Draw a positive number, equally likely in each power of ten, with three digits."""
        return float(f"{math.exp(self.number(math.log(low), math.log(high), 9)):.3g}")

    def count(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def normal(self, *shape: int) -> Tensor:
        """Draw normal numbers, float64."""
        self.hidden = True
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape: int) -> Tensor:
        """Draw numbers from 0 to 1, float64."""
        self.hidden = True
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def rows(self, count: int, classes: int) -> Tensor:
        """Draw rows of probabilities, none of them zero, float64 (count, classes)."""
        return (2 * self.normal(count, classes)).softmax(dim=1)

    def whole(self, low: int, high: int, *shape: int) -> Tensor:
        """Draw a tensor of whole numbers from `low` to `high`, both included."""
        self.hidden = True
        return torch.randint(low, high + 1, shape, generator=self.generator)

    def order(self, count: int) -> Tensor:
        """Draw an order of the numbers below `count` that leaves none of two or more in place."""
        self.hidden = True
        order = torch.randperm(count, generator=self.generator)
        partner = torch.empty_like(order)
        partner[order] = order.roll(1)  # a single ring
        return partner

    def until(self, draw: Callable[[], T], fits: Callable[[T], bool]) -> T:
        """Draw again until it fits, such as is far enough from where rounding decides."""
        while not fits(drawn := draw()):
            pass
        return drawn

    def built(self, build: Callable[[], T]) -> T:
        """Call what draws from torch's global generator, such as the weights of a network."""
        self.hidden = True
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.count(0, 10**6))
            return build()


@dataclass(frozen=True)
class Prediction:
    """What a learner expected, compared with what came out.

        Prediction(my_guess, "constant", options=("none", "constant", "gradual"))
        Prediction(my_lead, 0.27, within=0.25, unit="points")

    Args:
        guess: `...` if none was made.
        truth: what came out: a text, a number, a boolean, or a set of them.
        options: what could be chosen from, where there was a choice.
        within: how far off a number may be.
        unit: of the number.
    """

    guess: Any
    truth: Any
    options: Sequence[Any] = ()
    within: float = 0.0
    unit: str = ""

    @property
    def made(self) -> bool:
        """Whether there is a prediction at all."""
        return not still_dots(self.guess)

    @property
    def right(self) -> bool:
        """Whether it came true."""
        if is_number(self.guess) and is_number(self.truth):
            return abs(self.guess - self.truth) <= self.within + 1e-12
        return type(self.guess) is type(self.truth) and self.guess == self.truth

    def __str__(self) -> str:
        """Return guess and truth in a sentence or two."""
        guess, truth = self._said(self.guess), self._said(self.truth)
        if not self.made:
            return f"You made no prediction. It is {truth}."
        if self.options and self.guess not in self.options:
            choice = ", ".join(map(self._said, self.options))
            return f"You predicted {guess}, which is none of {choice}. It is {truth}."
        if not (is_number(self.guess) and is_number(self.truth) and self.within):
            return (
                f"You predicted {guess}, and {'that is right' if self.right else f'it is {truth}'}."
            )
        off = self._said(abs(self.guess - self.truth))
        return (
            f"You predicted {guess}, and it is {truth}: you were {off} off, and up to "
            f"{self._said(self.within)} counts as right."
        )

    def _said(self, value: Any) -> str:
        return f"{value:.3g} {self.unit}".strip() if is_number(value) else str(value)

    def _repr_html_(self) -> str:
        return _box(str(self), "right" if self.right else "wrong" if self.made else "open")
