"""The page "What helps when", and the sheet to print that the built site has beside it."""

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tricks_lib.course.helps import overview, section, sheet

log = logging.getLogger(__name__)
PAGE = "book/what-helps"
SHEET = "cheat-sheet.html"
"""Its place in the built site."""


class WhatHelps(SphinxDirective):
    """`{what-helps} over-fitting`: all that is said of a symptom; without a name, the table."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Build it; a result that is missing or outdated is a warning."""
        self.env.note_reread()  # results may have changed though this page did not
        name = self.arguments[0] if self.arguments else ""
        try:
            text = section(name) if name else overview()
        except (OSError, ValueError, KeyError) as error:
            log.warning("no advice: %s", error, location=self.get_location())
            return []
        holder = nodes.container(classes=["what-helps" if name else "symptoms"])
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, holder)
        return [holder]


def write_sheet(app: Sphinx, exception: Exception | None) -> None:
    """Write the sheet into the site that has the page."""
    if exception is None and app.builder.format == "html" and PAGE in app.env.found_docs:
        (Path(app.outdir) / SHEET).write_text(sheet(f"{PAGE}.html"), encoding="utf-8")


def register(app: Sphinx) -> None:
    """Add both."""
    app.add_css_file("helps.css")
    app.add_directive("what-helps", WhatHelps)
    app.connect("build-finished", write_sheet)
