"""Write the list of chapters into README.md, between its two marks.

python tools/readme.py
"""

import sys
from pathlib import Path

from tricks_lib.course.chapter import chapters, planned

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- chapters: written by tools/readme.py -->", "<!-- end of chapters -->"


def listed() -> str:
    """Return the list: chapters with what was found, and those to come in a line."""
    lines = []
    for entry in chapters():
        finding = entry.finding()
        told = f": *{finding.word}* ({finding.setting})" if finding else ""
        lines.append(f"- [{entry.number:02d} {entry.title}]({entry.notebook}){told}")
    to_come = ", ".join(f"{entry.number:02d} {entry.title}" for entry in planned())
    return "\n".join([*lines, "", f"To come: {to_come}."])


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


def main() -> int:
    """Write it where it changed."""
    text = README.read_text(encoding="utf-8")
    new = with_list(text)
    if new != text:
        README.write_text(new, encoding="utf-8")
        print("README.md: the list of chapters is new.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
