"""The exercise that chapters share: compare two recipes by `study`, and read the interval.

The right answer, the mistakes that a learner may well make and what each is told are the same for
every trick; a chapter says how its two arms are made, and what else can go wrong with those.

Chapter: notebooks/00_baseline.ipynb
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from statistics import mean, variance
from typing import Any

from scipy.stats import t

from ..lab.study import Difference, StudyResult
from .exercises import Draws, Function, agree

__all__ = ["OwnInterval"]

Compare = Callable[..., StudyResult]
"""Makes the study of two arms, the baseline first, from what the learner's function is given."""

Ends = tuple[float, float]

TASKS = 8
"""How many tasks are kept, each with its data."""


@dataclass(frozen=True, eq=False)
class OwnInterval:
    """An exercise that asks for the two ends of an interval, as shares of the test images.

    Args:
        compare: what the learner should do: (..., seeds) -> the study. Its parameters name the
            arguments in messages; lists come as tuples.
        hint: how to go about it, in a sentence.
        trick: what the second arm is called in messages.
        baseline: what the first arm is called in messages.
        others: answers to other questions, from the same arguments, each under the sentence that
            tells what was done.
    """

    compare: Compare
    hint: str
    trick: str
    baseline: str = "the baseline"
    others: Mapping[str, Compare] = field(default_factory=dict)

    def judge(self, answer: Function, draws: Draws, task: Callable[[], Sequence[Any]]) -> None:
        """Compare the learner's function with the right one on arguments that are drawn.

        Args:
            answer: the learner's.
            draws: source of random numbers.
            task: draws the arguments. It is asked again while a mistake would give the right
                answer by chance.
        """
        agree(
            answer,
            self.right,
            [self._drawn(draws, task)],
            self.hint,
            parts=("lower end", "upper end"),
            tolerance=1e-9,
            mistakes=self.mistakes,
        )

    def _drawn(self, draws: Draws, task: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Draw a task on which the mistakes tell; the same one for the same seed, so that many
        answers can be judged by few studies."""
        kept = self._tasks
        if draws.seed not in kept:
            if len(kept) >= TASKS:
                del kept[next(iter(kept))]
            kept[draws.seed] = draws.until(task, self.tells), draws.hidden
        found, draws.hidden = kept[draws.seed]
        return found

    @cached_property
    def _tasks(self) -> dict[int, tuple[Sequence[Any], bool]]:
        return {}

    @cached_property
    def right(self) -> Callable[..., Ends]:
        """The right answer, with the parameters of `compare`."""

        def ends(*task: Any) -> Ends:
            return _ends(self._difference(self.compare, task))

        ends.__signature__ = inspect.signature(self.compare)  # type: ignore[attr-defined]
        return ends

    @cached_property
    def mistakes(self) -> dict[str, Callable[..., Ends]]:
        """Functions that are known to be wrong, each under the sentence that says so."""

        def asked_otherwise(compare: Compare) -> Callable[..., Ends]:
            return lambda *task: _ends(self._difference(compare, task))

        return {
            f"That is {self.baseline} minus {self.trick}: the first arm is the baseline.": (
                self._turned_round
            ),
            "These are points: the difference holds shares, 0.01 for a point.": self._in_points,
            "The upper end comes last.": lambda *task: self.right(*task)[::-1],
            **{told: asked_otherwise(compare) for told, compare in self.others.items()},
            "That takes the two arms as if they had nothing in common: subtract seed by seed "
            "first.": self._unpaired,
        }

    @property
    def wrong(self) -> list[tuple[Callable[..., Any], str]]:
        """Answers that must fail, each with what it must be told."""
        return [
            *((answer, told) for told, answer in self.mistakes.items()),
            (lambda *task: (-0.02, 0.01), self.hint),
            (lambda *task: self._difference(self.compare, task), "Expected 2 results"),
            (lambda *task: self.right(*task)[0], "Expected 2 results"),
            (lambda *task: None, "is there a `return`?"),
        ]

    def tells(self, task: Sequence[Any]) -> bool:
        """Tell whether no mistake gives the right answer by chance."""
        low, high = right = self.right(*task)
        clear = abs(low + high) > 1e-3 and high - low > 1e-3
        return clear and all(
            math.dist(right, mistake(*task)) > 1e-6 for mistake in self.mistakes.values()
        )

    def _study(self, compare: Compare, task: Sequence[Any]) -> StudyResult:
        return _made(compare, *(tuple(one) if isinstance(one, list) else one for one in task))

    def _difference(self, compare: Compare, task: Sequence[Any]) -> Difference:
        found = self._study(compare, task)
        _, trick = found.runs
        return found.difference(trick)

    def _turned_round(self, *task: Any) -> Ends:
        low, high = self.right(*task)
        return -high, -low

    def _in_points(self, *task: Any) -> Ends:
        low, high = self.right(*task)
        return 100 * low, 100 * high

    def _unpaired(self, *task: Any) -> Ends:
        found = self._study(self.compare, task)
        theirs, ours = ([*found.values(arm).values()] for arm in found.runs)
        n = len(ours)
        reach = float(t.ppf(0.975, 2 * n - 2)) * math.sqrt((variance(ours) + variance(theirs)) / n)
        gap = mean(ours) - mean(theirs)
        return gap - reach, gap + reach


@lru_cache(maxsize=128)
def _made(compare: Compare, *task: Any) -> StudyResult:
    """Make a study once, however often it is asked for."""
    return compare(*task)


def _ends(found: Difference) -> Ends:
    return found.low, found.high
