"""Captions of figures, with numbers that the text can refer to.

In a notebook a caption is a paragraph in italics right after the cell that draws the figure:
`*Figure 3. Look at ...*`. JupyterLab shows it as it is. In the page it is set as a caption, and
wherever the text says Figure 3, that leads to it.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

from .exercises import filled, is_cell

NUMBERED = re.compile(r"(Figure (\d+(?:\.\d+)?))\.\s*")
MENTIONED = re.compile(r"\bFigure (\d+(?:\.\d+)?)(?!\d)")


def set_captions(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the captions of a page, and lead to the numbered ones from the text."""
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if isinstance(words := next(iter(filled(paragraph)), None), nodes.emphasis):
            _set_caption(paragraph, words)
    numbers = {node["figure"] for node in doctree.findall(nodes.paragraph) if "figure" in node}
    for text in list(doctree.findall(nodes.Text)):
        if MENTIONED.search(text) and not _is_apart(text):
            text.parent.replace(text, _linked(text.astext(), numbers))


def anchor(number: str) -> str:
    """Return the id of a figure, such as figure-3."""
    return f"figure-{number.replace('.', '-')}"


def _set_caption(paragraph: nodes.paragraph, words: nodes.emphasis) -> None:
    match = NUMBERED.match(words.astext())
    is_whole = len(filled(paragraph)) == 1
    if not is_whole or not (match or _follows_cell(paragraph)):
        return
    children = filled(words)
    if match and isinstance(children[0], nodes.Text):
        rest = children[0].astext()[match.end() :]
        children[0:1] = [nodes.strong("", f"{match[1]}."), nodes.Text(f" {rest}")]
        paragraph["ids"].append(anchor(match[2]))
        paragraph["figure"] = match[2]
    paragraph["classes"].append("caption-of-figure")
    paragraph.clear()
    paragraph.extend(children)


def _follows_cell(paragraph: nodes.paragraph) -> bool:
    position = paragraph.parent.index(paragraph)
    return position > 0 and is_cell(paragraph.parent[position - 1])


def _is_apart(text: nodes.Text) -> bool:
    """Whether the words stand where no link may be: code, a heading, a link, a caption's number."""
    apart = (nodes.literal, nodes.literal_block, nodes.raw, nodes.title, nodes.reference)
    node = text.parent
    if isinstance(node, nodes.strong) and "figure" in getattr(node.parent, "attributes", {}):
        return True
    while node is not None:
        # A link that is not resolved yet is a pending_xref.
        if isinstance(node, apart) or type(node).__name__ == "pending_xref":
            return True
        node = node.parent
    return False


def _linked(text: str, numbers: set[str]) -> list[nodes.Node]:
    parts: list[nodes.Node] = []
    end = 0
    for match in MENTIONED.finditer(text):
        if match[1] in numbers:
            parts.append(nodes.Text(text[end : match.start()]))
            link = nodes.reference("", match[0], refid=anchor(match[1]), internal=True)
            parts.append(link)
            end = match.end()
    return [*parts, nodes.Text(text[end:])]
