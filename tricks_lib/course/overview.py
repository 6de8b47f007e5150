"""All tricks in one look: what was found of each in the standing settings and in its own.

The landing page, the README and their picture are made from this.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ..lab.study import Finding, Word, overall
from .chapter import Chapter, chapters
from .standing.comparisons import SETTINGS, comparisons, finding

__all__ = ["OWN", "Entry", "alt_text", "entries", "forest", "ranked"]

OWN = "own"
"""What the settings of the chapters' own studies are called together."""


@dataclass(frozen=True)
class Entry:
    """A chapter with all that was found of its trick.

    Args:
        chapter: the chapter.
        standing: by the name of a standing setting, what it found; None where it has no record.
        own: what the chapter's own study found; None where there is no trick.
        rivals: what it found against the cheapest things that do the same work.
    """

    chapter: Chapter
    standing: Mapping[str, Finding | None]
    own: Finding | None
    rivals: Sequence[Finding] = ()

    @property
    def findings(self) -> dict[str, Finding]:
        """All that was found, by the name of the setting."""
        every = {**self.standing, "its own setting": self.own}
        return {setting: found for setting, found in every.items() if found}

    @property
    def word(self) -> Word | None:
        """The verdict of all settings together, by the rule of `overall`; None without any."""
        return overall(self.findings.values()) if self.findings else None

    @property
    def agreeing(self) -> int:
        """In how many settings the verdict is that of all together; 0 where it depends."""
        return sum(found.word == self.word for found in self.findings.values())


def entries() -> list[Entry]:
    """Return all chapters with what was found, in the order of the course."""
    found = []
    for one in chapters():
        declared = one.plan.declared()
        standing = {name: finding(one.slug, name) for name in SETTINGS}
        found.append(Entry(one, standing, declared[0] if declared else None, declared[1:]))
    return found


def ranked(setting: str) -> dict[str, Finding]:
    """Return what a setting found of every trick in test accuracy, the largest gain first, by the
    trick's name; for `OWN`, what each chapter found in its own setting."""
    if setting == OWN:
        return _largest_first({one.chapter.title: one.own for one in entries()})
    found = {
        comparison.named or comparison.arm: finding(slug, setting)
        for slug, comparison in comparisons().items()
    }
    return _largest_first(found)


def _largest_first(found: Mapping[str, Finding | None]) -> dict[str, Finding]:
    told = {name: one for name, one in found.items() if one and one.metric.name == "accuracy"}
    return dict(sorted(told.items(), key=lambda item: -item[1].difference.mean))


def forest(setting: str) -> Figure:
    """Draw all tricks of a setting: the mean of each with its interval, in points.

    Raises:
        ValueError: if nothing is recorded yet.
    """
    import matplotlib.pyplot as plt

    from ..lab.figures import difference_dots, use_style

    with plt.rc_context():
        use_style()
        figure, ax = plt.subplots(figsize=(5, 2))
        difference_dots(ax, ranked(setting), seeds=False)
        plt.close(figure)
    return figure


def alt_text(setting: str) -> str:
    """Say in words what `forest` draws."""
    told = ranked(setting)
    by_word: dict[str, list[str]] = {}
    for name, found in told.items():
        by_word.setdefault(found.word, []).append(f"{name} {100 * found.difference.mean:+.1f}")
    groups = "; ".join(f"{word}: {', '.join(names)}" for word, names in by_word.items())
    where = "each in its chapter's own setting" if setting == OWN else f"in the setting {setting}"
    return f"Differences in test accuracy in points, {where}, with their intervals. {groups}."
