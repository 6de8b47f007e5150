"""What a chapter says, as data: one test holds all chapters to it.

A chapter's file `claims.py` has a list `CLAIMS`. Each claim is of one of three kinds, *how much* (a
number), *which way* (an order) and *why* (a mechanism), and is checked against the records, the
paper or a computation; `check` raises `AssertionError` with a sentence where it does not hold.

    CLAIMS = [
        Helps(PLAN, "gradual warmup", why="the card's first line"),
        Orders(PLAN, ("modest rate", "gradual warmup", "no warmup")),
        Printed('"no warmup": (24.84, 0.37)', source="Goyal et al. 2017, table 1"),
    ]
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..lab.study import Difference, StudyResult, Word
from .plan import StudyPlan

__all__ = [
    "AtLeast",
    "Claim",
    "Differs",
    "Helps",
    "Holds",
    "Hurts",
    "MakesNoDifference",
    "NoneSeen",
    "Orders",
    "Printed",
    "Says",
    "Text",
]


class Text:
    """The words and code of a notebook.

    Args:
        path: the notebook.
    """

    def __init__(self, path: Path):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells]
        kinds = [cell["cell_type"] for cell in cells]
        self.whole = "\n".join(sources)
        self.prose = "\n".join(s for s, k in zip(sources, kinds, strict=True) if k == "markdown")
        self.code = "\n".join(s for s, k in zip(sources, kinds, strict=True) if k == "code")

    def has(self, words: str) -> bool:
        """Tell whether these words stand in it, however the lines are broken."""
        return " ".join(words.split()) in " ".join(self.whole.split())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that a chapter says.

    Args:
        why: which sentence of the chapter it carries, for the message.
    """

    why: str = ""

    def check(self, text: Text) -> None:
        """Compare it with what is known.

        Args:
            text: the chapter that makes the claim.

        Raises:
            AssertionError: if it does not hold, with a sentence.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class _Verdict(Claim):
    """What a recorded comparison says in a word.

    Args:
        plan: the study.
        arm: the arm.
        metric: name of the figure.
        baseline: the arm that it is compared with; the study's baseline by default.
        by: how far from zero the whole interval lies at least, in the metric's own numbers.
    """

    plan: StudyPlan
    arm: str
    metric: str = "accuracy"
    baseline: str | None = None
    by: float = 0.0

    word: Word = "depends"

    def difference(self) -> Difference:
        """Return what was recorded."""
        return self.plan.recorded().difference(self.arm, self.metric, self.baseline)

    def check(self, text: Text) -> None:
        """Compare the recorded verdict with the claimed one."""
        gap = self.difference()
        told = f"{self.arm} against {self.baseline or self.plan.recorded().baseline}, {self.metric}"
        assert gap.verdict == self.word, (
            f"the chapter says {self.word!r} of {told}, the record says {gap.verdict!r}, {gap} "
            f"({self.why})"
        )
        nearest = min(abs(gap.low), abs(gap.high))
        assert nearest >= self.by, f"the interval of {told} comes within {self.by} of zero: {gap}"


@dataclass(frozen=True)
class Helps(_Verdict):
    """An arm is better than its baseline."""

    word: Word = "helps"


@dataclass(frozen=True)
class Hurts(_Verdict):
    """An arm is worse than its baseline."""

    word: Word = "hurts"


@dataclass(frozen=True)
class Differs(_Verdict):
    """An arm differs from its baseline in a figure that is neither good nor bad."""

    word: Word = "differs"


@dataclass(frozen=True)
class NoneSeen(_Verdict):
    """No difference was seen, and none may be claimed."""

    word: Word = "no difference seen"


@dataclass(frozen=True)
class MakesNoDifference(_Verdict):
    """The difference is smaller than what would matter."""

    word: Word = "makes no difference"


@dataclass(frozen=True)
class Orders(Claim):
    """Arms stand in an order by their means, the largest first.

    Args:
        plan: the study.
        arms: their names.
        metric: name of the figure.
    """

    plan: StudyPlan
    arms: Sequence[str]
    metric: str = "accuracy"

    def check(self, text: Text) -> None:
        """Compare the order of the means."""
        means = {arm: self.plan.recorded().mean(arm, self.metric) for arm in self.arms}
        found = sorted(means, key=lambda arm: means[arm], reverse=True)
        assert found == list(self.arms), (
            f"the chapter has {self.metric} in the order {list(self.arms)}, the record in {found}: "
            f"{means} ({self.why})"
        )


@dataclass(frozen=True)
class AtLeast(Claim):
    """A number that is worked out from a record lies in a range.

    Args:
        plan: the study.
        number: works it out from the recorded result.
        low: smallest value that the sentence allows.
        high: largest.
    """

    plan: StudyPlan
    number: Callable[[StudyResult], float]
    low: float
    high: float = float("inf")

    def check(self, text: Text) -> None:
        """Compare the number with its range."""
        found = self.number(self.plan.recorded())
        assert self.low <= found <= self.high, (
            f"expected {self.low} to {self.high}, the record gives {found} ({self.why})"
        )


@dataclass(frozen=True)
class Says(Claim):
    """Words of the chapter with numbers in them, each as the records or a computation give it.

    Args:
        words: the sentence as a format string, such as "from {:.1f} to {:.1f} %".
        numbers: works out what belongs into it.
    """

    words: str
    numbers: Callable[[], Sequence[float] | float]

    def check(self, text: Text) -> None:
        """Look for the sentence with the numbers of today."""
        numbers = self.numbers()
        if not isinstance(numbers, Sequence):
            numbers = (numbers,)
        wanted = self.words.format(*numbers)
        assert text.has(wanted), f"the chapter should say: {wanted} ({self.why})"


@dataclass(frozen=True)
class Printed(Claim):
    """Words or numbers that somebody else has printed, quoted as they are.

    Args:
        words: as they stand in the chapter, a row of a table, say.
        source: where they come from.
    """

    words: str
    source: str

    def check(self, text: Text) -> None:
        """Look for them in the chapter."""
        assert text.has(self.words) or re.search(re.escape(self.words), text.whole), (
            f"the chapter should quote {self.source}: {self.words}"
        )


@dataclass(frozen=True)
class Holds(Claim):
    """Anything else that a chapter says: a function that asserts it.

    Args:
        sentence: what is claimed.
        test: raises `AssertionError` where it does not hold; takes the text of the chapter.
    """

    sentence: str
    test: Callable[[Text], None]

    def check(self, text: Text) -> None:
        """Run the function."""
        self.test(text)
