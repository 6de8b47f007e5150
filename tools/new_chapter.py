"""Lay out a new chapter: every file it needs, with what must be said marked TODO.

    python tools/new_chapter.py grid_mask augment --title "GridMask"

Writes the trick, its contract, its test, the chapter's folder and both notebooks, and touches no
file that is there. The tests name every TODO that is left.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).with_name("templates")

FIELDS = {
    "augment": "augment",
    "mix": "mix",
    "objectives": "objective",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "stopping": "stop",
    "models": "model",
}
"""The field of `Recipe` that takes the values of each folder."""


def main(arguments: list[str] | None = None) -> int:
    """Write the files; say in one line what is wrong with the names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("slug", help="one name for trick, chapter and notebook, such as grid_mask")
    parser.add_argument("slot", choices=FIELDS, help="folder of the trick")
    parser.add_argument("--title", help="what the page is called; made from the slug by default")
    parser.add_argument("--number", type=int, help="place in the course; the next by default")
    options = parser.parse_args(arguments)
    try:
        written = lay_out(ROOT, options.slug, options.slot, options.title, options.number)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(path.relative_to(ROOT).as_posix() for path in written))
    print(f"\nNow fill in every TODO; `make check CHAPTER={options.slug}` names those left.")
    return 0


def lay_out(
    root: Path, slug: str, slot: str, title: str | None = None, number: int | None = None
) -> list[Path]:
    """Write a chapter's files below a checkout, and return them.

    Raises:
        ValueError: if the slug is no name, or a file of the chapter is there already.
    """
    if not slug.isidentifier() or slug != slug.lower() or slug.startswith("_"):
        raise ValueError(f"the slug is a name in lower case such as grid_mask, got {slug!r}")
    claim = "TODO what is said of the trick, in a sentence."
    for entry in planned(root):
        if entry["slug"] == slug:
            title, number, claim = (
                title or entry["title"],
                number or entry["number"],
                entry["claim"],
            )
    words = names(slug, slot, title, number or next_number(root), claim)
    # A trick that is there already gets its chapter; its own files stay as they are.
    known = (root / f"tricks_lib/{slot}/{slug}.py").exists()
    files = chapter_files(root, slug, words)
    if not known:
        files |= trick_files(root, slug, slot, words)
    there = [path.relative_to(root).as_posix() for path in files if path.exists()]
    if there:
        raise ValueError(f"{', '.join(there)} is there already: choose another slug")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / f"tricks_lib/course/chapters/{slug}/results").mkdir(exist_ok=True)
    return list(files)


def names(slug: str, slot: str, title: str | None, number: int, claim: str) -> dict[str, str]:
    """Return what the templates put in place of their $names."""
    title = title or slug.replace("_", " ").capitalize()
    cls = "".join(part.capitalize() for part in slug.split("_"))
    called = slot in ("optimizers", "models")
    lower = called or slot == "schedules"
    value_name = slug if lower else cls
    value = {"optimizers": slug, "models": slug, "schedules": f"{slug}(recipe.epochs)"}
    in_study = {**value, "schedules": f"{slug}(4)"}
    return {
        "slug": slug,
        "slot": slot,
        "field": FIELDS[slot],
        "title": title,
        "claim": claim,
        "cls": cls,
        "imports": ", ".join(
            sorted(["fit", value_name], key=lambda name: (name[0].islower(), name))
        ),
        "value_name": value_name,
        "value": value.get(slot, f"{cls}()"),
        "study_value": in_study.get(slot, f"{cls}()"),
        "arm": slug.replace("_", " "),
        "number": f"{number:02d}",
        "plain_number": str(number),
        "notebook": f"notebooks/{number:02d}_{slug}.ipynb",
    }


def trick_files(root: Path, slug: str, slot: str, words: dict[str, str]) -> dict[Path, str]:
    """Return the files of the trick itself, with their texts."""
    return {
        root / f"tricks_lib/{slot}/{slug}.py": fill(f"trick/{slot}", words),
        root / f"tests/contracts/{slot}/{slug}.py": fill(f"case/{slot}", words),
        root / f"tests/{slot}/test_{slug}.py": fill("test", words),
    }


def chapter_files(root: Path, slug: str, words: dict[str, str]) -> dict[Path, str]:
    """Return the files of the chapter, with their texts."""
    folder = root / "tricks_lib/course/chapters" / slug
    in_study = words | {"value": words["study_value"]}
    solutions = words["notebook"].replace("notebooks/", "notebooks/solutions/")
    return {
        folder / "__init__.py": fill("chapter/__init__", words),
        folder / "study.py": fill("chapter/study", in_study),
        folder / "exercises.py": fill("chapter/exercises", words),
        folder / "claims.py": fill("chapter/claims", words),
        folder / "references.bib": fill("chapter/references", words),
        folder / "glossary.md": fill("chapter/glossary", words),
        root / words["notebook"]: notebook("chapter", words),
        root / solutions: notebook("solutions", words),
    }


def fill(template: str, words: dict[str, str]) -> str:
    """Return a template with the chapter's names in it."""
    text = Template((TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)
    # Where the trick's import belongs in the alphabet depends on its slot.
    imports = re.compile(r"(?:^from tricks_lib\S* import [^(\n]+\n)+", flags=re.M)
    return imports.sub(lambda block: "".join(sorted(block[0].splitlines(True))), text)


def notebook(template: str, words: dict[str, str]) -> str:
    """Return a notebook made of a template: cells stand between lines of `%%`."""
    cells = []
    stem = Path(words["notebook"]).stem
    prefix = stem if template == "chapter" else f"solutions-{stem}"
    for place, part in enumerate(fill(f"notebook/{template}", words).split("\n%% ")):
        kind, _, source = part.removeprefix("%% ").partition("\n")
        cell: dict = {
            "cell_type": "markdown" if kind == "markdown" else "code",
            "id": f"{prefix}-{place:02d}",
            "metadata": {},
            "source": source.strip("\n").splitlines(keepends=True),
        }
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
        if kind == "folded":
            cell["metadata"] = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def next_number(root: Path) -> int:
    """Return the number after the last notebook and the last plan."""
    taken = [int(path.name[:2]) for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb")]
    return max([*taken, *(entry["number"] for entry in planned(root))], default=-1) + 1


def planned(root: Path) -> list[dict]:
    """Return the chapters that are still to be written, as `course/planned.py` lists them."""
    sys.path.insert(0, str(root))
    try:
        from tricks_lib.course.planned import PLANNED
    finally:
        sys.path.remove(str(root))
    return [vars(entry) for entry in PLANNED]


if __name__ == "__main__":
    sys.exit(main())
