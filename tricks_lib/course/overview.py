"""All tricks in one look: what was found of each in the standing settings and in its own.

The landing page, the README and their picture are made from this.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from ..lab.study import Finding, Word, overall
from .chapter import Chapter, chapters
from .standing.comparisons import SETTINGS, comparisons, finding, result

__all__ = ["Entry", "alt_text", "entries", "forest", "ranked"]


@dataclass(frozen=True)
class Entry:
    """A chapter with all that was found of its trick.

    Args:
        chapter: the chapter.
        standing: by the name of a standing setting, what it found; None where it has no record.
        own: what the chapter's own study found; None where there is no trick.
    """

    chapter: Chapter
    standing: Mapping[str, Finding | None]
    own: Finding | None

    @property
    def findings(self) -> dict[str, Finding]:
        """All that was found, by the name of the setting."""
        every = {**self.standing, "its own setting": self.own}
        return {setting: found for setting, found in every.items() if found}

    @property
    def word(self) -> Word | None:
        """The verdict of all settings together, by the rule of `overall`; None without any."""
        return overall(self.findings.values()) if self.findings else None


def entries() -> list[Entry]:
    """Return all chapters with what was found, in the order of the course."""
    return [
        Entry(one, {name: finding(one.slug, name) for name in SETTINGS}, one.finding())
        for one in chapters()
    ]


def ranked(setting: str) -> dict[str, Finding]:
    """Return what a standing setting found of every trick, the largest gain first, by its name."""
    found = {
        comparison.named or comparison.arm: finding(slug, setting)
        for slug, comparison in comparisons().items()
    }
    told = {name: one for name, one in found.items() if one}
    return dict(sorted(told.items(), key=lambda item: -item[1].difference.mean))


def forest(setting: str) -> Figure:
    """Draw all tricks of a standing setting: the mean of each with its interval, in points.

    Raises:
        ValueError: if nothing is recorded yet.
    """
    import matplotlib.pyplot as plt

    from ..lab.figures import difference_dots, use_style

    with plt.rc_context():
        use_style()
        figure, ax = plt.subplots(figsize=(5, 3))
        difference_dots(ax, ranked(setting), seeds=False)
        plt.close(figure)
    return figure


def alt_text(setting: str) -> str:
    """Say in words what `forest` draws."""
    told = ranked(setting)
    recorded = result(setting)
    by_word: dict[str, list[str]] = {}
    for name, found in told.items():
        by_word.setdefault(found.word, []).append(f"{name} {100 * found.difference.mean:+.1f}")
    groups = "; ".join(f"{word}: {', '.join(names)}" for word, names in by_word.items())
    count = len(recorded.seeds) if recorded else 0
    return (
        f"Differences in test accuracy in the setting {setting}, in points, with intervals that "
        f"hold all at once, {count} seeds. {groups}."
    )
