"""Write book/references.md: every work of the bibliographies, where the links of pages lead.

python tools/references.py

JupyterLab, GitHub and the site all show the page as it is. A link such as
[Zhang et al. 2018](../book/references.md#zhang2018mixup) finds the anchor before the work's entry.
"""

import re
import sys
from typing import Any, ClassVar

from cite import PAGE, ROOT, label, works
from pybtex.backends.markdown import Backend  # type: ignore[import-untyped]
from pybtex.database import Entry  # type: ignore[import-untyped]
from pybtex.style.formatting.plain import Style  # type: ignore[import-untyped]
from pybtex.style.template import field, sentence  # type: ignore[import-untyped]

HEAD = """\
# References

The works that the chapters and pages cite.

<!-- written by tools/references.py: make references -->

"""


class TitlesAsTheyAre(Style):
    """The style that BibTeX calls plain, but it leaves capital letters in titles alone."""

    def format_title(self, entry: Entry, which_field: str, as_sentence: bool = True) -> Any:
        """Return the template of a title."""
        title = field(which_field)
        return sentence[title] if as_sentence else title


class ReadableMarkdown(Backend):
    """Markdown that is read as text too: on one line, and escaped only where it must be."""

    symbols: ClassVar = {**Backend.symbols, "ndash": "–", "newblock": " "}

    def format_str(self, text: str) -> str:
        """Escape what would mean something in Markdown, in formulas or in HTML."""
        return re.sub(r"([\\`*_\[\]<>$])", r"\\\1", text).replace("&", "&amp;")


def page() -> str:
    """Return the page: a list of the works, by authors and year."""
    backend = ReadableMarkdown()
    entries = TitlesAsTheyAre().format_entries(works().values())
    found = {entry.key: entry.text.render(backend) for entry in entries}
    named = sorted((label(work), key) for key, work in works().items())
    lines = [f'- <a id="{key}"></a>**{name}.** {found[key]}\n' for name, key in named]
    return HEAD + "".join(lines)


def main() -> int:
    """Write it where it changed."""
    text = page()
    if PAGE.read_text(encoding="utf-8") != text:
        PAGE.write_text(text, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} has the works of today.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
