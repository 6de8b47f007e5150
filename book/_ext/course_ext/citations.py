"""Works are cited by plain links, [Zhang et al. 2018](../book/references.md#zhang2018mixup).

JupyterLab shows them as they are. They lead to anchors on the page of the references,
`<a id="zhang2018mixup"></a>`, which tools/references.py writes there.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

ANCHOR = re.compile(r'<a id="([^"]+)">')


def open_anchors_to_links(app: Sphinx, doctree: nodes.document) -> None:
    """Let links in Markdown lead to the anchors of a page, as they lead to its headings."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in doctree.findall(nodes.raw):
        slugs.update({key: (0, key, key) for key in ANCHOR.findall(raw.astext())})
