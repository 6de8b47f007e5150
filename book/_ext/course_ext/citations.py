"""Works are cited by plain links, [Zhang et al. 2018](../book/references.md#zhang2018mixup).

JupyterLab shows them as they are; in the site each leads to the work's entry on the page of the
references. tools/cite.py writes them. The role {cite} works too.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

PAGE = "book/references"


def name_entries(app: Sphinx, config: Config) -> None:
    """Let the key of a work be the name of its entry, and author and year its mention."""
    config.bibtex_cite_id = "{key}"
    config.bibtex_reference_style = "author_year"


def list_all_works(app: Sphinx, name: str, source: list[str]) -> None:
    """List all works on the page of the references: Sphinx does not see that a link cites one."""
    if name == PAGE and ":all:" not in source[0]:
        source[0] = source[0].replace("```{bibliography}\n", "```{bibliography}\n:all:\n")


def open_entries_to_links(app: Sphinx, doctree: nodes.document) -> None:
    """Let links in Markdown lead to the entries, as they lead to headings."""
    if app.env.docname == PAGE:
        slugs = app.env.metadata[PAGE].setdefault("myst_slugs", {})
        works = app.env.get_domain("cite").bibdata.data.entries  # type: ignore[attr-defined]
        slugs.update({key: (0, key, key) for key in works})
