"""Tables that a chapter computes, seen at once or when they are unfolded.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Sequence

from IPython.display import Markdown

__all__ = ["folded", "table"]


def table(rows: Sequence[Sequence[str]]) -> Markdown:
    """Lay out a table.

    Args:
        rows: of cells; the first is the head.
    """
    return Markdown(_lines(rows))


def folded(summary: str, rows: Sequence[Sequence[str]], text: str = "") -> Markdown:
    """Lay out a table that is seen when it is unfolded.

    Args:
        summary: what is seen before.
        rows: of cells; the first is the head.
        text: what stands above the table.
    """
    inside = f"{text}\n\n{_lines(rows)}"
    return Markdown(f"<details><summary>{summary}</summary>\n\n{inside}\n\n</details>")


def _lines(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
