"""What the course adds to Sphinx: fresh executions, chapters' own words, pages made for reading.

COURSE_EXECUTE=off in the environment builds the pages without running a notebook; JOBS says how
many run at a time.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from . import sources
from .assets import VENDOR, copy_offline_assets, leave_out_mathematics, use_offline_assets
from .buttons import drop_buttons_without_an_address
from .captions import set_captions
from .citations import open_anchors_to_links
from .dependencies import Dependencies
from .execution import Ledger, run_all
from .exercises import frame_exercises, link_solutions
from .finish import finish_page
from .icons import STYLE_SHEET, write_icons

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[3]
GLOSSARY = "book/glossary"
JOBS = "2"


def configure(app: Sphinx, config: Config) -> None:
    """Say where executions are kept, and what every page shares."""
    if os.environ.get("COURSE_EXECUTE") == "off":
        config.nb_execution_mode = "off"
    config.nb_execution_cache_path = str(Path(app.outdir).parent / ".execution")
    config.templates_path.append(str(Path(__file__).parent / "templates"))
    # Where the frame of all pages changes, all are read again; so where a chapter is new.
    frame = [ROOT / "_toc.yml", ROOT / "_config.yml", ROOT / "book" / "_static", VENDOR]
    extension = Path(__file__).parent
    names = sorted(path.name for path in ROOT.glob("notebooks/**/[0-9]*.ipynb"))
    config.course_state = " ".join([_digest(*frame, extension, *sources.glossaries()), *names])


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Read a page again if what its notebook depends on is not what it was at the last reading."""
    if app.config.nb_execution_mode == "off":
        return []
    now = fingerprints(env)
    before = getattr(env, "course_fingerprints", {})
    env.course_fingerprints = {name: now[name][1] for name in now}  # type: ignore[attr-defined]
    return [name for name in now if before.get(name) != now[name][1]]


def execute(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Run the notebooks whose outputs may differ from the cached ones.

    Raises:
        ExtensionError: if a cell fails.
    """
    if app.config.nb_execution_mode == "off":
        return
    now = dict(fingerprints(env).values())
    ledger = Ledger(Path(app.config.nb_execution_cache_path))
    waiting = ledger.update(now)
    if not waiting:
        return
    log.info("Running %d of %d notebooks ...", len(waiting), len(now))
    problems = run_all(
        waiting,
        ledger,
        unchanged=lambda path: dependencies().fingerprint(path) == now[path],
        timeout=app.config.nb_execution_timeout,
        jobs=int(os.environ.get("JOBS", JOBS)),
        say=log.info,
    )
    if problems:
        raise ExtensionError("\n\n".join(problems))


def dependencies() -> Dependencies:
    """Return what notebooks depend on, as the files are now."""
    return Dependencies(ROOT, shared=[ROOT / "requirements.txt", ROOT / "requirements.lock"])


def fingerprints(env: BuildEnvironment) -> dict[str, tuple[Path, str]]:
    """Return file and fingerprint for each page that is a notebook."""
    present = dependencies()
    paths = {name: Path(env.doc2path(name)) for name in sorted(env.found_docs)}
    return {
        name: (path, present.fingerprint(path))
        for name, path in paths.items()
        if path.suffix == ".ipynb"
    }


def add_chapters_words(app: Sphinx, name: str, source: list[str]) -> None:
    """Merge the chapters' glossaries into the page of the glossary."""
    if name == GLOSSARY:
        source[0] = sources.with_chapters(source[0])


def remove_orphans(app: Sphinx, exception: Exception | None) -> None:
    """Remove pages of an earlier build whose source is gone, which Sphinx leaves in the site."""
    if exception is None and app.builder.name == "html":
        for page in Path(app.outdir).glob("[!_]*/**/*.html"):
            name = page.relative_to(app.outdir).with_suffix("").as_posix()
            if name not in app.env.found_docs:
                page.unlink()


def _digest(*places: Path) -> str:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*") if place.is_dir() else [place]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    # Needs tricks_lib; the processes that run notebooks do not.
    from . import helps
    from .table import StandingSettings, TricksForest, TricksTable

    app.add_config_value("course_state", "", "env", str)
    app.add_js_file("course.js")
    app.add_css_file("course.css")
    app.add_css_file("reading.css")
    app.add_css_file(STYLE_SHEET)
    app.add_css_file("landing.css")
    app.add_directive("tricks-table", TricksTable)
    app.add_directive("standing-settings", StandingSettings)
    app.add_directive("tricks-forest", TricksForest)
    helps.register(app)
    # Before a page is read ...
    app.connect("config-inited", use_offline_assets)
    app.connect("config-inited", drop_buttons_without_an_address)
    app.connect("config-inited", configure)
    app.connect("env-get-outdated", find_outdated)
    app.connect("env-before-read-docs", execute)
    app.connect("source-read", add_chapters_words)
    # ... when it has been read ...
    app.connect("doctree-read", set_captions)
    app.connect("doctree-read", frame_exercises)
    app.connect("doctree-read", open_anchors_to_links)
    app.connect("doctree-resolved", link_solutions)
    # ... and when it is written.
    app.connect("html-page-context", leave_out_mathematics, priority=900)
    app.connect("html-page-context", finish_page, priority=900)
    app.connect("build-finished", copy_offline_assets)
    app.connect("build-finished", remove_orphans)
    app.connect("build-finished", write_icons)
    return {"version": "3", "parallel_read_safe": True, "parallel_write_safe": True}
