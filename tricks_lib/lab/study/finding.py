"""What a comparison found: a difference with its interval, and the word that it allows.

Chapter: notebooks/00_baseline.ipynb
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from scipy import stats

from .metric import Metric

__all__ = ["WORDS", "Difference", "Finding", "Word", "overall", "paired_difference"]

Word = Literal["helps", "hurts", "no difference seen", "makes no difference", "depends", "differs"]
"""All that a verdict can say. "differs" is for metrics of which nobody said what is better."""

WORDS: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True)
class Difference:
    """A trick against its baseline, seed by seed.

    Args:
        metric: what was compared.
        values: trick minus baseline for every seed that both finished.
        mean: mean of `values`.
        low: lower end of the confidence interval of the mean (Student's t, paired).
        high: upper end.
        diverged: runs of the trick that gave no finite number.
        diverged_baseline: runs of the baseline that gave none.
        comparisons: how many differences are read together. The intervals of all of them hold at
            once with 95 % confidence: each has the level 1 - 0.05/comparisons (Bonferroni).
    """

    metric: Metric
    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    diverged: int = 0
    diverged_baseline: int = 0
    comparisons: int = 1

    def __str__(self) -> str:
        """Return the mean with its interval; shares are in points, which are hundredths."""
        if len(self.values) < 2:
            return "no interval"
        return self.metric.show_gap(self.mean, self.low, self.high)

    @property
    def verdict(self) -> Word:
        """What may be said, read off the interval and the runs that diverged.

        - "makes no difference": the whole interval lies inside ± the smallest difference that
          matters.
        - "helps", "hurts": zero lies outside of the interval, and the metric says which way is
          better; "differs" if it does not say.
        - "no difference seen": anything else. It does not say that there is none.

        A trick that diverged in more runs than its baseline hurts, whatever its other runs did. One
        that diverged in fewer helps, unless the runs that both finished say that it hurts: then it
        "depends".
        """
        seen = self.low > 0 or self.high < 0  # never so for NaN
        improves = (self.mean > 0) == (self.metric.better == "higher")
        if self.diverged > self.diverged_baseline:
            return "hurts"
        if self.diverged < self.diverged_baseline:
            return "depends" if seen and self.metric.better and not improves else "helps"
        if self.metric.smallest and max(-self.low, self.high) < self.metric.smallest:
            return "makes no difference"
        if not seen:
            return "no difference seen"
        if self.metric.better is None:
            return "differs"
        return "helps" if improves else "hurts"


def paired_difference(
    metric: Metric,
    trick: Mapping[int, float],
    baseline: Mapping[int, float],
    *,
    comparisons: int = 1,
    diverged: int = 0,
    diverged_baseline: int = 0,
) -> Difference:
    """Compare two sets of runs by the seeds that they share.

    Args:
        metric: what is compared.
        trick: value of each seed's run with the trick.
        baseline: value of each seed's run without.
        comparisons: how many differences are read together.
        diverged: runs of the trick that gave no finite number. If because of such runs fewer than
            two seeds are shared, the interval is the whole line, and without any the mean is NaN.
        diverged_baseline: runs of the baseline that gave none.

    Raises:
        ValueError: if fewer than two seeds were run, since one pair has no spread.
    """
    seeds = sorted(trick.keys() & baseline.keys())
    values = tuple(trick[seed] - baseline[seed] for seed in seeds)
    mean, spread = mean_and_spread(values)
    if len(values) > 1:
        quantile = float(stats.t.ppf(1 - 0.025 / comparisons, df=len(values) - 1))
        reach = quantile * spread / math.sqrt(len(values))
        low, high = mean - reach, mean + reach
    elif diverged or diverged_baseline:
        low, high = -math.inf, math.inf
    else:
        raise ValueError(f"an interval needs at least 2 pairs of runs, got {len(values)}")
    return Difference(metric, values, mean, low, high, diverged, diverged_baseline, comparisons)


@dataclass(frozen=True)
class Finding:
    """What a study says in a line: the word, the difference, and where it was seen.

    Args:
        difference: the trick against its baseline.
        setting: where that was, in a few words.
        also: whether it stands against the same thing as the trick that a study is made for: what
            another trick, or the same one elsewhere, does there. Otherwise it stands against a
            rival, which `setting` names.
    """

    difference: Difference
    setting: str = ""
    also: bool = False

    @property
    def word(self) -> Word:
        """The verdict."""
        return self.difference.verdict

    @property
    def metric(self) -> Metric:
        """What was compared."""
        return self.difference.metric

    @property
    def seeds(self) -> int:
        """How many pairs of runs stand behind it."""
        return len(self.difference.values)

    @property
    def figures(self) -> str:
        """The difference in words: how much of what, over how many seeds, how many diverged."""
        text = f"{self.difference} of {self.metric.label}, {self.seeds} seeds"
        lost, lost_baseline = self.difference.diverged, self.difference.diverged_baseline
        if lost or lost_baseline:
            text += f" (diverged: {lost} runs with it, {lost_baseline} without)"
        return text

    @property
    def beside(self) -> str:
        """What it tells beside the main finding: "against: ..." of a rival, else "also: ..."."""
        return f"{'also' if self.also else 'against'}: {self.setting}"

    def __str__(self) -> str:
        """Return the finding as a line of text."""
        return f"{self.word}: {self.figures}" + (f"; {self.setting}" if self.setting else "")

    def _repr_markdown_(self) -> str:
        return str(self).replace(self.word, f"**{self.word}**", 1)


def overall(findings: Iterable[Finding]) -> Word:
    """Return what several settings say together.

    One that helps and one that hurts make "depends". Else the settings in which something was seen
    decide; where nothing was seen anywhere, it "makes no difference" only if every setting says so.

    Raises:
        ValueError: if there is no finding.
    """
    words = [finding.word for finding in findings]
    if not words:
        raise ValueError("expected at least one finding, got none")
    if "depends" in words or {"helps", "hurts"} <= set(words):
        return "depends"
    for word in ("helps", "hurts", "differs"):
        if word in words:
            return word
    return "makes no difference" if set(words) == {"makes no difference"} else "no difference seen"


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation, NaN where there are too few values for one."""
    count = len(values)
    mean = math.fsum(values) / count if count else math.nan
    if count < 2:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
