"""The landing page: the table of tricks, and the picture of all of them."""

import os
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tricks_lib.course.chapter import planned
from tricks_lib.course.overview import Entry, alt_text, entries, forest, ranked
from tricks_lib.course.standing.comparisons import SETTINGS
from tricks_lib.lab.study import Finding, Word

log = logging.getLogger(__name__)
BADGES: dict[Word, str] = {
    "helps": "verdict-helps",
    "hurts": "verdict-hurts",
    "no difference seen": "verdict-none",
    "makes no difference": "verdict-none",
    "depends": "verdict-depends",
    "differs": "verdict-depends",
}
"""How the style sheet calls a verdict."""


class TricksTable(SphinxDirective):
    """`{tricks-table}`: a row for each chapter with a trick, a cell for each setting."""

    def run(self) -> list[nodes.Node]:
        """Build the table; a result that is missing or outdated is a warning."""
        self.env.note_reread()  # results may have changed though this page did not
        try:
            rows = [_row(entry) for entry in entries() if entry.chapter.switch]
        except (OSError, ValueError, KeyError) as error:
            log.warning("no verdicts: %s", error, location=self.get_location())
            return []
        head = ["Trick", "All together", *(f"In *{name}*" for name in SETTINGS)]
        head += ["In its own setting", "What papers report"]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows]
        to_come = ", ".join(f"{entry.number:02d} {entry.title}" for entry in planned())
        lines += ["", f"To come: {to_come}."] if to_come else []
        holder = nodes.container(classes=["tricks-table"])
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


def _row(entry: Entry) -> str:
    chapter = entry.chapter
    named = f"[{chapter.number:02d} {chapter.title}]({chapter.notebook})"
    cells = [
        f"{named}<br>{chapter.says or chapter.claim}",
        _badge(entry.word) if entry.word else "",
        *(_cell(name, entry.standing[name]) for name in SETTINGS),
        _cell("its own setting", entry.own, setting=True),
        _label("papers") + chapter.papers if chapter.papers else "",
    ]
    return f"| {' | '.join(cells)} |"


def _cell(name: str, found: Finding | None, *, setting: bool = False) -> str:
    if found is None:
        return _label(name) + _span("planned", "not recorded yet")
    told = [_label(name), _badge(found.word), _span("numbers", found.figures)]
    if setting:
        told += [_span("visually-hidden", "; "), _span("setting", found.setting)]
    return "".join(told)


def _badge(word: Word) -> str:
    # The punctuation is for those who hear the page, or read it without its style sheet.
    return _span(f"verdict {BADGES[word]}", word) + _span("visually-hidden", ": ")


def _label(name: str) -> str:
    """Name the column in the cell, for a narrow page, which shows the cells below each other."""
    return _span("cell-label", f"{name}: ")


def _span(classes: str, text: str) -> str:
    return f'<span class="{classes}">{text}</span>'


class TricksForest(SphinxDirective):
    """`{tricks-forest} garments`: the picture of all tricks in a standing setting, drawn when the
    page is built."""

    required_arguments = 1
    option_spec: ClassVar[dict] = {"caption": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Draw the picture; a setting without a record is left out."""
        self.env.note_reread()
        setting = self.arguments[0]
        if not ranked(setting):
            return []
        folder = Path(self.env.app.outdir).parent / ".drawn"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"forest-{setting}.png"
        forest(setting).savefig(path, dpi=160)
        place = os.path.relpath(path, self.env.srcdir).replace(os.sep, "/")
        image = nodes.image(uri=f"/{place}", alt=alt_text(setting), classes=["forest"])
        figure = nodes.figure("", image, classes=["forest"])
        if caption := self.options.get("caption"):
            parsed, messages = self.state.inline_text(caption, self.lineno)
            figure += nodes.caption("", "", *parsed)
            return [figure, *messages]
        return [figure]
