"""The table of tricks on the landing page."""

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from tricks_lib.studies import CHAPTERS, Chapter

log = logging.getLogger(__name__)
VERDICTS = {
    "helps": "verdict-helps",
    "hurts": "verdict-hurts",
    "no difference seen": "verdict-none",
    "diverges": "verdict-diverges",
}
"""How the style sheet calls a verdict."""


class TricksTable(SphinxDirective):
    """`{tricks-table}`: a row for each chapter, with the verdict of its recorded study."""

    def run(self) -> list[nodes.Node]:
        """Build the table; a result that is missing or outdated is a warning."""
        self.env.note_reread()  # results may have changed though this page did not
        rows = "\n".join(self._row(chapter) for chapter in CHAPTERS)
        text = f"| | Trick | The claim | What we measured |\n|---|---|---|---|\n{rows}"
        holder = nodes.container(classes=["tricks-table"])
        self.state.nested_parse(text.splitlines(), self.content_offset, holder)
        return [holder]

    def _row(self, chapter: Chapter) -> str:
        title = f"[{chapter.title}]({chapter.notebook})" if chapter.written else chapter.title
        return f"| {chapter.number:02d} | {title} | {chapter.claim} | {self._found(chapter)} |"

    def _found(self, chapter: Chapter) -> str:
        if not chapter.written:
            return _span("planned", "planned")
        try:
            if chapter.arm is None:
                recorded = chapter.plan.recorded()
                spread = recorded.spread(recorded.baseline)
                return f"{spread} test accuracy, {len(recorded.seeds)} seeds"
            verdict, _, found = chapter.verdict().partition(": ")
        except (OSError, ValueError, KeyError) as error:
            log.warning("no verdict on %s: %s", chapter.slug, error, location=self.get_location())
            return _span("planned", "not recorded")
        found, _, setting = found.partition("; ")
        # The punctuation is for those who hear the page, or read it without its style sheet.
        badge = _span(f"verdict {VERDICTS[verdict]}", verdict) + _span("visually-hidden", ": ")
        return badge + found + _span("visually-hidden", "; ") + _span("setting", setting)


def _span(classes: str, text: str) -> str:
    return f'<span class="{classes}">{text}</span>'
