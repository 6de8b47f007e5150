"""The tables at the head of a chapter's evidence, and the interval of a whole class.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Iterable, Mapping

from IPython.display import Markdown

from ..lab.study import ACCURACY, Difference, Finding, Metric, paired_difference

__all__ = ["answers", "pooled"]


def answers(*rows: tuple[str, str | Finding | Difference, str]) -> Markdown:
    """Lay out what was asked, what was found, and what to do: the first table of *Evidence*.

    Args:
        *rows: question, answer and advice, five at most. A finding or a difference is told with its
            verdict and its interval, so that no number is typed.

    Raises:
        ValueError: if there are more than five rows, which nobody keeps in mind.
    """
    if not 1 <= len(rows) <= 5:
        raise ValueError(f"expected 1 to 5 rows, got {len(rows)}")
    lines = ["| What was asked | What was found | What to do |", "|---|---|---|"]
    lines += [f"| {asked} | {_told(found)} | {advice} |" for asked, found, advice in rows]
    return Markdown("\n".join(lines))


def _told(found: str | Finding | Difference) -> str:
    if isinstance(found, Difference):
        found = Finding(found)
    return found if isinstance(found, str) else f"**{found.word}**: {found.figures}"


def pooled(
    differences: Iterable[float] | Mapping[str, float], metric: Metric = ACCURACY
) -> Finding:
    """Turn the differences of a class, one for each learner's own seed, into one finding.

    Args:
        differences: with the trick minus without, in the metric's own numbers: for accuracies in
            [0, 1], so that 0.004 is 0.4 points; by learner, or one after another.
        metric: what was compared.

    Raises:
        ValueError: if there are fewer than two, since one pair has no spread.
    """
    values = list(differences.values() if isinstance(differences, Mapping) else differences)
    gap = paired_difference(metric, dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0))
    return Finding(gap, "each learner's own seed")
