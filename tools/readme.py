"""Write into README.md, between two marks, what was found of each trick; and draw its picture.

python tools/readme.py            the list
python tools/readme.py --picture  also book/images/tricks.png
"""

import sys
from pathlib import Path

from tricks_lib.course.chapter import planned
from tricks_lib.course.overview import OWN, Entry, entries, forest, ranked
from tricks_lib.course.standing.comparisons import SETTINGS, note
from tricks_lib.lab.study import Finding

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "book" / "images" / "tricks.png"
BEGIN, END = "<!-- chapters: written by tools/readme.py -->", "<!-- end of chapters -->"


def listed() -> str:
    """Return the table: the chapters with what was found where, and those to come in a line."""
    every = entries()
    # A setting that is still being recorded has no column yet.
    shown = [name for name in SETTINGS if any(entry.standing[name] for entry in every)]
    head = ["Chapter", *(f"in *{name}*" for name in shown), "in its own setting", "against"]
    rows = [_row(entry, shown) for entry in every]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows]
    to_come = ", ".join(f"{entry.number:02d} {entry.title}" for entry in planned())
    return "\n".join([*lines, *(["", f"To come: {to_come}."] if to_come else [])])


def _row(entry: Entry, shown: list[str]) -> str:
    chapter = entry.chapter
    found = {name: entry.standing[name] for name in shown}
    cells = [f"[{chapter.number:02d} {chapter.title}]({chapter.notebook})"]
    cells += [
        f"{one.word} {one.difference}{note(chapter.slug, name)}" if one else ""
        for name, one in found.items()
    ]
    cells += [f"*{entry.own.word}* ({entry.own.setting})" if entry.own else ""]
    cells += ["; ".join(f"{_beside(rival)}: *{rival.word}*" for rival in entry.rivals)]
    return f"| {' | '.join(cells)} |"


def _beside(found: Finding) -> str:
    """Name a rival; of what stands against no rival, say so."""
    return f"also {found.setting}" if found.also else found.setting


def with_list(text: str) -> str:
    """Return the README with the list of today.

    Raises:
        ValueError: if the marks are not there.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"expected the marks {BEGIN!r} and {END!r} in README.md")
    return f"{head}{BEGIN}\n\n{listed()}\n\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """Write it where it changed."""
    if "--picture" in arguments:
        setting = next(name for name in (*SETTINGS, OWN) if ranked(name))
        forest(setting).savefig(PICTURE, dpi=160)
        print(f"{PICTURE.relative_to(ROOT)} is drawn.")
    text = README.read_text(encoding="utf-8")
    new = with_list(text)
    if new != text:
        README.write_text(new, encoding="utf-8")
        print("README.md: the list of chapters is new.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
