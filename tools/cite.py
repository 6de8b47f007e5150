"""Write citations as plain links, which JupyterLab shows too.

Usage: python tools/cite.py KEY ...            print the links to these works
       python tools/cite.py NOTEBOOK.ipynb ... replace {cite}`key` in notebooks (and .md pages)

A work is called by author and year: [Zhang et al. 2018](../book/references.md#zhang2018mixup).
Where a line of a list begins with the authors and the year themselves, these become the link.
"""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from pybtex.database import Entry, parse_file  # type: ignore[import-untyped]
from pybtex.richtext import Text  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "references.md"
ROLE = re.compile(r" ?\{cite(?::\w+)?\}`([^`]+)`")
# "- Zhang, Cisse (2018), section 3: what it is about {cite}`zhang2018mixup`."
LISTED = re.compile(r"^- ([^:\[\]`]+? \(\d{4}\))(.*?) \{cite(?::\w+)?\}`([^`,]+)`", flags=re.M)


def main(arguments: list[str]) -> int:
    """Do what the usage says; return 1 if a work is not known."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for argument in arguments:
            if argument.endswith((".ipynb", ".md")):
                rewrite(Path(argument).resolve())
            else:
                print(link(argument, ROOT / "notebooks"))
    except KeyError as error:
        print(f"No bibliography has {error}.", file=sys.stderr)
        return 1
    return 0


def rewrite(path: Path) -> None:
    """Replace the roles in one file; a notebook keeps its form."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                source = linked("".join(cell["source"]), path.parent)
                cell["source"] = source.splitlines(keepends=True)
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    else:
        text = linked(text, path.parent)
    path.write_text(text, encoding="utf-8")


def linked(text: str, folder: Path) -> str:
    """Return Markdown with its roles replaced by links, for a file in that folder."""

    def listed(match: re.Match) -> str:
        name, rest, key = match.groups()
        return f"- {link(key.strip(), folder, name)}{rest}"

    def mentioned(match: re.Match) -> str:
        links = [link(key.strip(), folder) for key in match[1].split(",")]
        inner = ", ".join(links)
        # Inside parentheses or at the beginning of a line they need none of their own.
        return inner if text[match.start() - 1] in "(\n" else f" ({inner})"

    text = LISTED.sub(listed, text)
    return ROLE.sub(mentioned, text)


def link(key: str, folder: Path, name: str | None = None) -> str:
    """Return the link to a work, from a file in that folder."""
    target = Path(os.path.relpath(PAGE, folder)).as_posix()
    return f"[{name or label(works()[key])}]({target}#{key})"


def label(work: Entry) -> str:
    """Return author and year, such as Zhang et al. 2018."""
    people = work.persons.get("author") or work.persons["editor"]
    names = [str(Text.from_latex(" ".join([*p.prelast_names, *p.last_names]))) for p in people]
    if len(names) > 2:
        names = [f"{names[0]} et al."]
    return f"{' and '.join(names)} {work.fields['year']}"


def bibliographies() -> list[Path]:
    """Return the book's own bibliography and those of the chapters."""
    chapters = (ROOT / "tricks_lib" / "course" / "chapters").glob("*/references.bib")
    return [PAGE.with_suffix(".bib"), *sorted(chapters)]


@cache
def works() -> dict[str, Entry]:
    """Return all works that the course knows, by their keys."""
    files = [parse_file(path, bib_format="bibtex") for path in bibliographies()]
    return {key: entry for file in files for key, entry in file.entries.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
