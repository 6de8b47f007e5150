"""The card of a chapter: what is claimed, what was found where, how to use it, what it takes.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Iterator

from IPython.display import Markdown

from ..lab.study import Finding
from .chapter import Chapter, chapter
from .standing.comparisons import SETTINGS, comparisons, finding, note, rival_finding

__all__ = ["card"]


def card(slug: str) -> Markdown:
    """Return the card of a chapter; every verdict is computed from recorded studies.

    Raises:
        ValueError: if there is no such chapter.
    """
    facts = [(name, text) for name, text in _facts(chapter(slug)) if text]
    return Markdown("\n".join(["| | |", "|---|---|", *map(_row, facts)]))


def _facts(chapter: Chapter) -> Iterator[tuple[str, str]]:
    yield "Claim", chapter.claim
    for setting in SETTINGS:
        comparison = comparisons().get(chapter.slug)
        yield (
            f"Found in *{setting}*{note(chapter.slug, setting)}",
            _told(finding(chapter.slug, setting)),
        )
        if comparison and comparison.rival:
            yield f"… against: {comparison.rival}", _told(rival_finding(chapter.slug, setting))
    yield from _own(chapter)
    # Links of the landing page start at the top of the course, those of a chapter in its folder.
    yield "Papers report", chapter.papers.replace("](book/", "](../book/")
    yield "Use it when", chapter.use
    yield "Not when", chapter.avoid
    yield "Start with", chapter.start
    yield "In plain PyTorch", chapter.plain and f"`{chapter.plain}`"
    yield "In a recipe", f"`{chapter.switched_on()}`"
    yield "Know before", chapter.before
    yield "Time", _time(chapter)


def _own(chapter: Chapter) -> Iterator[tuple[str, str]]:
    """Say what the chapter's own study found, and against which rivals."""
    plan = chapter.plan
    if plan.headline is None:
        found = plan.recorded()
        label, count = found.metric("accuracy").label, len(found.values(found.baseline))
        yield "Measured here", f"{found.spread(found.baseline)} {label} over {count} seeds"
        return
    mine, *rivals = plan.declared()
    yield "Found in its own setting", f"{_told(mine)}; {mine.setting}"
    for rival in rivals:
        yield f"… {rival.beside}", _told(rival)


def _told(found: Finding | None) -> str:
    return f"**{found.word}**: {found.figures}" if found else ""


def _time(chapter: Chapter) -> str:
    text = f"{chapter.minutes} minutes for the main line"
    if chapter.minutes_for_all:
        text += f", {chapter.minutes_for_all} for everything"
    gpu = f"{chapter.seconds_on_gpu} s" if chapter.seconds_on_gpu else "not measured yet"
    return f"{text}; to run, at most {chapter.seconds} s on two CPU cores (on a GPU: {gpu})"


def _row(fact: tuple[str, str]) -> str:
    return f"| **{fact[0]}** | {fact[1]} |"
