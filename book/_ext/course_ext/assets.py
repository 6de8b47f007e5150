"""Pages that ask nobody: widgets and mathematics from files of the site."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

log = logging.getLogger(__name__)
VENDOR = Path(__file__).parents[3] / ".vendor"
WIDGETS, MATHS = "ipywidgets/embed.js", "mathjax/tex-chtml-full.js"


def use_offline_assets(app: Sphinx, config: Config) -> None:
    """Point widgets and mathematics at files of the site, if they were fetched."""
    if all((VENDOR / path).exists() for path in (WIDGETS, MATHS)):
        config.nb_ipywidgets_js = {WIDGETS: {}}
        config.mathjax_path = MATHS
    else:
        log.info("No files in .vendor: the pages will load widgets and mathematics from a CDN.")


def copy_offline_assets(app: Sphinx, exception: Exception | None) -> None:
    """Copy the fetched files into the site."""
    if exception is None and app.builder.format == "html" and VENDOR.exists():
        for folder in (Path(WIDGETS).parent, Path(MATHS).parent):
            source, target = VENDOR / folder, Path(app.outdir) / "_static" / folder
            if source.exists():
                shutil.copytree(source, target, dirs_exist_ok=True)
