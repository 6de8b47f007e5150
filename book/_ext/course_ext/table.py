"""The table of tricks on the landing page."""

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tricks_lib.course.chapter import Chapter, chapters, planned
from tricks_lib.course.planned import Planned
from tricks_lib.lab.study import Word

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
    """`{tricks-table}`: a row for each chapter, with the verdict of its recorded study."""

    def run(self) -> list[nodes.Node]:
        """Build the table; a result that is missing or outdated is a warning."""
        self.env.note_reread()  # results may have changed though this page did not
        entries: list[Chapter | Planned] = [*chapters(), *planned()]
        rows = "\n".join(map(self._row, sorted(entries, key=lambda entry: entry.number)))
        text = f"| | Trick | The claim | What we measured |\n|---|---|---|---|\n{rows}"
        holder = nodes.container(classes=["tricks-table"])
        self.state.nested_parse(text.splitlines(), self.content_offset, holder)
        return [holder]

    def _row(self, entry: Chapter | Planned) -> str:
        if isinstance(entry, Planned):
            title, measured = entry.title, _span("planned", "planned")
        else:
            title, measured = f"[{entry.title}]({entry.notebook})", self._measured(entry)
        return f"| {entry.number:02d} | {title} | {entry.claim} | {measured} |"

    def _measured(self, chapter: Chapter) -> str:
        try:
            finding = chapter.finding()
            recorded = chapter.plan.recorded()
        except (OSError, ValueError, KeyError) as error:
            log.warning("no verdict on %s: %s", chapter.slug, error, location=self.get_location())
            return _span("planned", "not recorded")
        if finding is None:
            spread = recorded.spread(recorded.baseline)
            label = recorded.metric("accuracy").label
            return f"{spread} {label}, {len(recorded.values(recorded.baseline))} seeds"
        # The punctuation is for those who hear the page, or read it without its style sheet.
        return "".join(
            [
                _span(f"verdict {BADGES[finding.word]}", finding.word),
                _span("visually-hidden", ": "),
                finding.figures,
                _span("visually-hidden", "; "),
                _span("setting", finding.setting),
            ]
        )


def _span(classes: str, text: str) -> str:
    return f'<span class="{classes}">{text}</span>'
