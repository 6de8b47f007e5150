"""The landing page: the table of tricks, and the picture of all of them."""

import os
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tricks_lib.course.chapter import planned
from tricks_lib.course.helps import BADGES
from tricks_lib.course.overview import OWN, Entry, alt_text, entries, forest, ranked
from tricks_lib.course.standing.comparisons import (
    AGAINST,
    BASELINE,
    SETTINGS,
    described,
    note,
    result,
)
from tricks_lib.lab.study import Finding, Word

log = logging.getLogger(__name__)


class TricksTable(SphinxDirective):
    """`{tricks-table}`: a row for each chapter with a trick, a cell for each setting."""

    def run(self) -> list[nodes.Node]:
        """Build the table; a result that is missing or outdated is a warning."""
        self.env.note_reread()  # results may have changed though this page did not
        try:
            every = [entry for entry in entries() if entry.chapter.switch]
        except (OSError, ValueError, KeyError) as error:
            log.warning("no verdicts: %s", error, location=self.get_location())
            return []
        # A setting that is still being recorded has no column yet.
        shown = [name for name in SETTINGS if any(entry.standing[name] for entry in every)]
        head = ["Trick", *map(_heading, shown), "In its own setting", "What papers report"]
        rows = [_row(entry, shown) for entry in every]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows]
        to_come = ", ".join(f"{entry.number:02d} {entry.title}" for entry in planned())
        lines += ["", f"To come: {to_come}."] if to_come else []
        holder = nodes.container(classes=["tricks-table"])
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


def _row(entry: Entry, shown: list[str]) -> str:
    chapter = entry.chapter
    named = f"[{chapter.number:02d} {chapter.title}]({chapter.notebook})"
    together = _together(entry) if shown else ""
    cells = [f"{named}<br>{chapter.says or chapter.claim}{together}"]
    for name in shown:
        noted = note(chapter.slug, name)
        cells += [_told(entry.standing[name]) + (_span("setting", noted) if noted else "")]
    cells += [_own(entry), chapter.papers]
    return f"| {' | '.join(cells)} |"


def _together(entry: Entry) -> str:
    """Say in how many of the settings the trick does what its verdict says; in half of them or less
    is no colour of its own."""
    count, every = entry.agreeing, len(entry.findings)
    if entry.word is None:
        return ""
    style = BADGES[entry.word if 2 * count > every else "depends"]
    told = f"{entry.word} in {count} of {every} settings" if count else entry.word
    return _span("together", _span(f"verdict {style}", told))


def _heading(setting: str) -> str:
    """Say once what all cells of a standing setting share."""
    found = result(setting)
    seeds = len(found.values(BASELINE)) if found else 0
    return f"In *{setting}*: points of test accuracy, {seeds} seeds"


def _told(found: Finding | None) -> str:
    if found is None:
        return _span("planned", "not recorded yet")
    unit = f" {found.metric.unit}"  # stands in the heading
    return _badge(found.word) + _span("numbers", str(found.difference).removesuffix(unit))


def _own(entry: Entry) -> str:
    """Say what the chapter found; of the rivals the words, since the card has the numbers."""
    if entry.own is None:
        return ""
    told = _badge(entry.own.word) + _span("numbers", entry.own.figures)
    told += _span("visually-hidden", "; ") + _span("setting", entry.own.setting)
    for rival in entry.rivals:
        head = "Also" if rival.also else "Against"
        told += _span("rival", f"{head} {rival.setting}: <strong>{rival.word}</strong>.")
    return told


def _badge(word: Word) -> str:
    # The punctuation is for those who hear the page, or read it without its style sheet.
    return _span(f"verdict {BADGES[word]}", word) + _span("visually-hidden", ": ")


def _span(classes: str, text: str) -> str:
    return f'<span class="{classes}">{text}</span>'


class StandingSettings(SphinxDirective):
    """`{standing-settings}`: what the standing settings are, and how well their baselines do."""

    def run(self) -> list[nodes.Node]:
        """Build a list of them."""
        self.env.note_reread()
        lines = [f"- *{name}*: {described(name)}." for name in SETTINGS]
        holder = nodes.container()
        self.state.nested_parse(StringList(lines), self.content_offset, holder)
        return holder.children


class TricksForest(SphinxDirective):
    """`{tricks-forest} garments own`: the picture of all tricks in the first of these settings that
    is recorded, drawn when the page is built."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw the picture; a setting without a record is left out."""
        self.env.note_reread()
        recorded = [setting for setting in self.arguments if ranked(setting)]
        if not recorded:
            return []
        setting = recorded[0]
        folder = Path(self.env.app.outdir).parent / ".drawn"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"forest-{setting}.png"
        picture = forest(setting)
        picture.savefig(path, dpi=160)
        wide, high = picture.get_size_inches()
        # Room for the picture before it is loaded, or what stands below it jumps.
        room = f"<style>figure.forest-{setting} img {{ aspect-ratio: {wide} / {high}; }}</style>"
        place = os.path.relpath(path, self.env.srcdir).replace(os.sep, "/")
        image = nodes.image(uri=f"/{place}", alt=alt_text(setting), classes=["forest"])
        figure = nodes.figure("", image, classes=["forest", f"forest-{setting}"])
        where = "each in its chapter's own setting" if setting == OWN else f"all in {setting}"
        told = f"What a trick changes, in points of test accuracy, {where}."
        figure += nodes.caption("", told if setting == OWN else f"{told} {AGAINST}")
        return [nodes.raw("", room, format="html"), figure]
