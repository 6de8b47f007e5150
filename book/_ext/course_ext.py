"""What the course adds to Sphinx: offline assets, a safe execution cache, the table of tricks."""

import hashlib
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tricks_lib.studies import CHAPTERS, RESULTS, Chapter

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
VENDOR = ROOT / ".vendor"
VERDICTS = {
    "helps": "verdict-helps",
    "hurts": "verdict-hurts",
    "no difference seen": "verdict-none",
    "diverges": "verdict-diverges",
}
"""How the style sheet calls a verdict."""
WIDGETS, MATHS = "ipywidgets/embed.js", "mathjax/tex-chtml-full.js"


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


def use_offline_assets(app: Sphinx, config) -> None:
    """Point widgets and mathematics at files of the site, if they were fetched."""
    if all((VENDOR / path).exists() for path in (WIDGETS, MATHS)):
        config.nb_ipywidgets_js = {WIDGETS: {}}
        config.mathjax_path = MATHS
    else:
        log.info("No files in .vendor: the pages will load widgets and mathematics from a CDN.")


def use_honest_cache(app: Sphinx, config) -> None:
    """Give the execution cache a name that changes with everything a notebook imports or loads.

    The cache itself looks at the cells alone, and would go on publishing what an older version of
    the package computed. When anything changes, pages are written anew too.
    """
    package = _fingerprint(ROOT / "tricks_lib", RESULTS, ROOT / "requirements.txt")
    caches = Path(app.outdir).parent / ".execution"
    config.nb_execution_cache_path = str(caches / package)
    for old in caches.glob("*"):
        if old.name != package:
            shutil.rmtree(old)
    frame = [ROOT / "_toc.yml", ROOT / "_config.yml", ROOT / "book" / "_static", VENDOR]
    config.course_state = package + _fingerprint(Path(__file__), *frame)


def _fingerprint(*places: Path) -> str:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*") if place.is_dir() else [place]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def copy_offline_assets(app: Sphinx, exception: Exception | None) -> None:
    """Copy the fetched files into the site."""
    if exception is None and app.builder.format == "html" and VENDOR.exists():
        for folder in (Path(WIDGETS).parent, Path(MATHS).parent):
            source, target = VENDOR / folder, Path(app.outdir) / "_static" / folder
            if source.exists():
                shutil.copytree(source, target, dirs_exist_ok=True)


def remove_orphans(app: Sphinx, exception: Exception | None) -> None:
    """Remove pages of an earlier build whose source is gone, which Sphinx leaves in the site."""
    if exception is None and app.builder.name == "html":
        for page in Path(app.outdir).glob("[!_]*/**/*.html"):
            name = page.relative_to(app.outdir).with_suffix("").as_posix()
            if name not in app.env.found_docs:
                page.unlink()


def repair_bibliography(app: Sphinx, name: str, template: str, context: dict, doctree) -> None:
    """Make citations the items of their list: docutils gives them a role that no list may hold."""
    if "citation-list" in context.get("body", ""):
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict:
    """Register all of it."""
    # Play buttons are dead where FontAwesome replaces their <i> by an <svg>; it may nest one.
    app.add_js_file(None, body="window.FontAwesomeConfig = {autoReplaceSvg: 'nest'}", priority=1)
    app.add_config_value("course_state", "", "env", str)
    app.add_js_file("course.js")
    app.add_css_file("course.css")
    app.add_directive("tricks-table", TricksTable)
    app.connect("config-inited", use_offline_assets)
    app.connect("config-inited", use_honest_cache)
    app.connect("html-page-context", repair_bibliography)
    app.connect("build-finished", copy_offline_assets)
    app.connect("build-finished", remove_orphans)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
