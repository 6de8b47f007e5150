"""What is mended in the HTML of a page, where Sphinx has no other place for it."""

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

FITS_A_TELEPHONE = 40
"""Characters of the longest row that still stand side by side on a narrow screen."""
MOST_COLUMNS = 7
"""A table with more is one of numbers to be compared along a row: it scrolls in its own frame."""

TABLE = re.compile(r'<table class="([^"]*)">(.*?)</table>', flags=re.S)
ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", flags=re.S)
CELL = re.compile(r"<(t[dh])([^>]*)>(.*?)</\1>", flags=re.S)
MATHS = re.compile(r'<span class="math notranslate nohighlight">\\\((.*?)\\\)</span>', flags=re.S)
EMPTY_HEAD = re.compile(r'<th class="head[^"]*">(?:<p></p>|\s)*</th>')


def finish_page(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Mend the body of a page."""
    if "body" not in context:
        return
    body = TABLE.sub(_table, context["body"])
    # The words that are seen are the name of a fold: "Show the code".
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = MATHS.sub(_room, body)
    # A permalink repeats what its heading says; the Tab key passes over it.
    body = body.replace('<a class="headerlink"', '<a tabindex="-1" class="headerlink"')
    context["body"] = body


def _table(match: re.Match) -> str:
    """Give each cell of a table the heading of its column, which a telephone shows beside it."""
    classes, inner = match[1], match[2]
    head, found, rows = inner.partition("</thead>")
    if not found:
        return match[0]
    labels = [_text(cell[2]) for cell in CELL.findall(head)]
    if not any(labels):
        return f'<table class="{classes} bare">{rows}</table>'  # a heading of nothing says nothing
    if stacks(labels, [[_text(cell[2]) for cell in CELL.findall(r)] for r in ROW.findall(rows)]):
        classes += " stacks"
        rows = ROW.sub(lambda row: row[0].replace(row[1], _labelled(row[1], labels)), rows)
    head = EMPTY_HEAD.sub("<td></td>", head)
    return f'<table class="{classes}">{head}</thead>{rows}</table>'


def stacks(labels: list[str], rows: list[list[str]]) -> bool:
    """Whether a table has more in a row than fits a telephone, but is no matrix of numbers."""
    widths = [max(map(len, column)) for column in zip(labels, *rows, strict=False)]
    return 2 < len(labels) <= MOST_COLUMNS and sum(widths) > FITS_A_TELEPHONE


def _room(match: re.Match) -> str:
    """Say how large a formula in a line will be, so that the page keeps the room free for it."""
    span = match[0].removeprefix("<span ")
    height = 2.2 if "frac" in match[1] else 1.2
    room = f"--width: {width(html.unescape(match[1])):.1f}em; --height: {height}em"
    return f'<span style="{room}" {span}'


def width(tex: str) -> float:
    """Estimate the width of a formula, in the size of the letters around it."""
    tex = re.sub(r"\\[,;!: ]|\\(?:left|right|big|text|mathrm|operatorname|mathbf|hat|bar)", "", tex)
    fraction = re.compile(r"\\[dt]?frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))")
    tex = fraction.sub(lambda m: max((m[1] or m[2]), (m[3] or m[4]), key=len), tex)
    tex = re.sub(r"\\[a-zA-Z]+", "x", tex)
    small = sum(len(part) for part in re.findall(r"[_^](?:\{([^{}]*)\}|\w)", tex))
    signs = len(re.findall(r"[=+<>-]", tex))
    return 0.55 * len(re.sub(r"[{}_^\s]", "", tex)) - 0.2 * small + 0.8 * signs


def _labelled(row: str, labels: list[str]) -> str:
    names = iter(labels)

    def label(cell: re.Match) -> str:
        name = html.escape(next(names, ""))
        return f'<{cell[1]}{cell[2]} data-label="{name}">{cell[3]}</{cell[1]}>'

    return CELL.sub(label, row)


def _text(markup: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", "", markup).split()))
