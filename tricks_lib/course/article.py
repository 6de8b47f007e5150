"""The code of the article that the course began with, character by character as it was printed.

It is kept as text, since most of it does not run. The page book/article.ipynb runs it and shows
what happens; `article.txt` beside this file holds it, with a section for each trick.
"""

import re
from importlib.resources import files

from IPython.display import Markdown

__all__ = ["printed", "show_printed"]

SECTION = re.compile(r"^## (\w+)\n```\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def printed(slug: str) -> str:
    """Return the article's code on one trick, as printed.

    Args:
        slug: name of the trick, such as "warmup".

    Raises:
        ValueError: if the article prints no code on it, or none that the course has read.

    Source: NKvision428 2019, https://github.com/NKvision428/share-code.
    """
    text = files("tricks_lib.course").joinpath("article.txt").read_text(encoding="utf-8")
    sections = dict(SECTION.findall(text))
    if slug not in sections:
        raise ValueError(f"expected one of {', '.join(sections)}, got {slug!r}")
    return sections[slug]


def show_printed(slug: str) -> Markdown:
    """Show the article's code on one trick under a line that unfolds it.

    Args:
        slug: as in `printed`.

    Raises:
        ValueError: as `printed`.
    """
    return Markdown(
        "<details><summary>The code as printed</summary>\n\n"
        f"```python\n{printed(slug)}```\n\n</details>"
    )
