"""What chapters bring along: words that they explain, without a shared list.

A chapter's folder may hold `glossary.md`. It has the form of the entries in book/glossary.md: a
term on a line (or several that mean the same), the explanation indented below it, a blank line.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHAPTERS = ROOT / "tricks_lib" / "course" / "chapters"
FENCE = "```"


def glossaries() -> list[Path]:
    """Return the glossaries of the chapters."""
    return sorted(CHAPTERS.glob("*/glossary.md"))


def with_chapters(page: str) -> str:
    """Put the entries of the chapters at the end of the glossary of a page.

    Raises:
        ValueError: if the page has no glossary.
    """
    head, fence, tail = page.partition(f"{FENCE}{{glossary}}\n")
    body, end, rest = tail.partition(f"\n{FENCE}")
    if not fence or not end:
        raise ValueError("there is no {glossary} in the page of the glossary")
    own = [path.read_text(encoding="utf-8").strip("\n") for path in glossaries()]
    return head + fence + "\n\n".join([body.rstrip("\n"), *own]) + end + rest


def terms(text: str) -> Iterator[str]:
    """Yield the terms of entries: the lines that are not indented and not part of the fence."""
    for line in text.splitlines():
        if line.strip() and not line.startswith((" ", ":", FENCE, "#")):
            yield line.strip()
