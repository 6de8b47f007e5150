"""Pages that ask nobody: mathematics from files of the site, and no more of it than is used."""

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

log = logging.getLogger(__name__)
VENDOR = Path(__file__).parents[3] / ".vendor"
MATHS = "mathjax/startup.js"
PARTS = ["input/tex", "output/chtml", "a11y/assistive-mml"]
"""TeX in, HTML out, and the same as MathML for those who hear it. No menu: it makes every formula
a stop of the Tab key."""


def use_offline_assets(app: Sphinx, config: Config) -> None:
    """Point mathematics at files of the site, if they were fetched."""
    settings: dict[str, Any] = {}
    if (VENDOR / MATHS).exists():
        config.mathjax_path = MATHS
        settings["loader"] = {"load": PARTS}
    else:
        log.info("No files in .vendor: the pages will load mathematics from a CDN.")
        settings["options"] = {"enableMenu": False}
    config.mathjax3_config = settings


def leave_out_mathematics(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take MathJax from pages without a formula: Sphinx gives it to those above such a page too."""
    if 'class="math' not in context.get("body", "") and "script_files" in context:
        context["script_files"] = [
            script for script in context["script_files"] if not _is_mathjax(script)
        ]


def _is_mathjax(script: Any) -> bool:
    body = getattr(script, "attributes", {}).get("body") or ""
    return "mathjax" in str(getattr(script, "filename", script)).lower() or body.startswith(
        "window.MathJax"
    )


def copy_offline_assets(app: Sphinx, exception: Exception | None) -> None:
    """Copy the fetched files into the site."""
    folder = Path(MATHS).parent
    if exception is None and app.builder.format == "html" and (VENDOR / folder).exists():
        shutil.copytree(VENDOR / folder, Path(app.outdir) / "_static" / folder, dirs_exist_ok=True)
