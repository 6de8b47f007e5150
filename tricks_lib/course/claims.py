"""What a chapter says, as data: one test holds all chapters to it.

A chapter's file `claims.py` has a list `CLAIMS`. A claim is of one of three kinds: *how much* (a
number), *which way* (an order) or *why* (a mechanism); or it is *quoted* from somebody else. It is
checked against the records, the paper or a computation, and against the words that rest on it.

    CLAIMS = [
        Helps(PLAN, "gradual warmup"),
        Orders(PLAN, ("modest rate", "gradual warmup", "no warmup")),
        Says("a gain of {:.1f} points", lambda: 100 * gap.mean),
        Printed("| no warmup | 24.84 ± 0.37 |", source="Goyal et al. 2017, table 1"),
    ]
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from ..lab.study import Difference, StudyResult, Word
from .plan import StudyPlan

__all__ = [
    "Claim",
    "Differs",
    "Helps",
    "Holds",
    "Hurts",
    "Kind",
    "MakesNoDifference",
    "NoneSeen",
    "Orders",
    "Printed",
    "Says",
    "Text",
    "Within",
]

Kind = Literal["how much", "which way", "why", "quoted"]
"""What sort of thing is said; each needs its own sort of proof."""


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
        return _in_one_line(words) in _in_one_line(self.whole)

    def sentences(self, *sections: str) -> list[str]:
        """Return the lines of prose under some headings: a line is a sentence.

        Captions, which say how to read a figure, are left out, and so is what stands in quotation
        marks: somebody else says it.

        Args:
            *sections: headings of the second level.
        """
        found, inside, caption = [], False, False
        for line in self.prose.splitlines():
            if line.startswith("## "):
                inside = line.removeprefix("## ") in sections
            caption = bool(re.match(r"\*(?!\*)", line)) or (caption and bool(line))
            if inside and not caption:
                found.append(re.sub(r'"[^"]*"|`[^`]*`', "", line))
            caption = caption and not line.rstrip().endswith("*")
        return found


def _in_one_line(words: str) -> str:
    return " ".join(words.split())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that a chapter says.

    Args:
        carries: words of the chapter that rest on it, letter by letter. If they are changed, the
            claim must be looked at again.
    """

    kind: ClassVar[Kind]

    carries: str = ""

    def __str__(self) -> str:
        """Return the claim as a line of text."""
        return f"{self.kind}: {self._told()}"

    def _told(self) -> str:
        return self.carries

    def check(self, text: Text) -> None:
        """Compare it with what is known, and look for the words that rest on it.

        Args:
            text: the chapter that makes the claim.

        Raises:
            AssertionError: if it does not hold, with a sentence.
        """
        assert text.has(self.carries), f"the chapter no longer says: {self.carries}"
        self.compare(text)

    def compare(self, text: Text) -> None:
        """Compare it with what is known; raise `AssertionError` with a sentence."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Verdict(Claim):
    """What a recorded comparison says in a word.

    Args:
        plan: the study.
        arm: the arm.
        metric: name of the metric.
        baseline: the arm that it is compared with; the study's baseline by default.
        by: how far from zero the whole interval lies at least, in the metric's own numbers.
        comparisons: how many differences are read together.
    """

    kind = "which way"
    word: ClassVar[Word]

    plan: StudyPlan
    arm: str
    metric: str = "accuracy"
    baseline: str | None = None
    by: float = 0.0
    comparisons: int = 1

    def difference(self) -> Difference:
        """Return what was recorded."""
        return self.plan.recorded().difference(
            self.arm, self.metric, self.baseline, comparisons=self.comparisons
        )

    def _told(self) -> str:
        baseline = self.baseline or next(iter(self.plan.recipes))
        return f"{self.word}, {self.metric} of {self.arm!r} against {baseline!r}, {self.plan.name}"

    def compare(self, text: Text) -> None:
        """Compare the recorded verdict with the claimed one, and with the words that it carries."""
        gap = self.difference()
        assert gap.verdict == self.word, f"the record says {gap.verdict!r}, {gap}"
        nearest = min(abs(gap.low), abs(gap.high))
        assert nearest >= self.by, f"the interval comes within {self.by} of zero: {gap}"
        opposite = {"helps": "hurt", "hurts": "help"}.get(self.word, "")
        said = re.findall("help|hurt", self.carries)
        assert set(said) != {opposite}, f"the chapter says the opposite: {self.carries}"


@dataclass(frozen=True)
class Helps(_Verdict):
    """An arm is better than its baseline."""

    word = "helps"


@dataclass(frozen=True)
class Hurts(_Verdict):
    """An arm is worse than its baseline."""

    word = "hurts"


@dataclass(frozen=True)
class Differs(_Verdict):
    """An arm differs from its baseline in a metric that is neither good nor bad."""

    word = "differs"


@dataclass(frozen=True)
class NoneSeen(_Verdict):
    """No difference was seen, and none may be claimed."""

    word = "no difference seen"


@dataclass(frozen=True)
class MakesNoDifference(_Verdict):
    """The difference is smaller than what would matter."""

    word = "makes no difference"


@dataclass(frozen=True)
class Orders(Claim):
    """Arms stand in an order by their means, the largest first.

    Args:
        plan: the study.
        arms: their names.
        metric: name of the metric.
    """

    kind = "which way"

    plan: StudyPlan
    arms: Sequence[str]
    metric: str = "accuracy"

    def _told(self) -> str:
        return f"{self.metric} falls from {' to '.join(map(repr, self.arms))}, {self.plan.name}"

    def compare(self, text: Text) -> None:
        """Compare the order of the means."""
        means = {arm: self.plan.recorded().mean(arm, self.metric) for arm in self.arms}
        found = sorted(means, key=lambda arm: means[arm], reverse=True)
        assert found == list(self.arms), f"the record has the order {found}: {means}"


@dataclass(frozen=True)
class Within(Claim):
    """A number that is worked out from a record lies in a range.

    Args:
        sentence: what the number is.
        plan: the study.
        number: works it out from the recorded result.
        low: smallest value that the chapter allows.
        high: largest.
    """

    kind = "how much"

    sentence: str
    plan: StudyPlan
    number: Callable[[StudyResult], float]
    low: float = -math.inf
    high: float = math.inf

    def _told(self) -> str:
        return f"{self.sentence}: {self.low:g} to {self.high:g}, {self.plan.name}"

    def compare(self, text: Text) -> None:
        """Compare the number with its range."""
        found = self.number(self.plan.recorded())
        assert self.low <= found <= self.high, f"the record gives {found:.6g}"


@dataclass(frozen=True)
class Says(Claim):
    """Words of the chapter with numbers in them, each as the records or a computation give it.

    Args:
        words: the sentence as a format string, such as "from {:.1f} to {:.1f} %".
        numbers: works out what belongs into it.
    """

    kind = "how much"

    words: str
    numbers: Callable[[], Sequence[float | str] | float | str]

    def _told(self) -> str:
        return self.words

    def compare(self, text: Text) -> None:
        """Look for the sentence with the numbers of today."""
        numbers = self.numbers()
        if isinstance(numbers, str) or not isinstance(numbers, Sequence):
            numbers = (numbers,)
        wanted = self.words.format(*numbers)
        assert text.has(wanted), f"by the records of today the chapter should say: {wanted}"


@dataclass(frozen=True)
class Printed(Claim):
    """Words or numbers that somebody else has printed, quoted as they are.

    Args:
        words: as they stand in the chapter, a row of a table, say.
        source: where they come from.
    """

    kind = "quoted"

    words: str
    source: str

    def _told(self) -> str:
        return f"{self.words} ({self.source})"

    def compare(self, text: Text) -> None:
        """Look for them in the chapter."""
        assert text.has(self.words), "the chapter does not say so"


@dataclass(frozen=True)
class Holds(Claim):
    """Anything else that a chapter says: a function that asserts it.

    Args:
        sentence: what is claimed, for the message.
        test: raises `AssertionError` where it does not hold.
    """

    kind = "why"

    sentence: str
    test: Callable[[], None]

    def _told(self) -> str:
        return self.sentence

    def compare(self, text: Text) -> None:
        """Run the function."""
        self.test()
