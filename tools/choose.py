"""Write into a standing setting what its recorded search chose.

python tools/choose.py colour

Between `record` of the search and of the arms: the arms are recorded with these tries, and a test
holds the two together.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

from tricks_lib.course.standing.comparisons import SETTINGS

CHOSEN = re.compile(r"^CHOSEN = \{\n.*?^\}\n", re.DOTALL | re.MULTILINE)
"""The dictionary in the module of a setting."""


def with_choice(text: str, chosen: dict[str, str]) -> str:
    """Return the source of a setting's module with another choice.

    Args:
        text: the source.
        chosen: the arm of each group.

    Raises:
        ValueError: if the source has no `CHOSEN`.
    """
    lines = "".join(
        f'    {"BASELINE" if group == "baseline" else chr(34) + group + chr(34)}: "{arm}",\n'
        for group, arm in chosen.items()
    )
    found = CHOSEN.subn(lambda _: f"CHOSEN = {{\n{lines}}}\n", text)
    if found[1] != 1:
        raise ValueError("expected one `CHOSEN = {...}` in the module of the setting")
    return found[0]


def main(arguments: list[str]) -> int:
    """Choose for the settings that are named."""
    for name in arguments:
        if name not in SETTINGS:
            print(f"error: expected one of {SETTINGS}, got {name!r}", file=sys.stderr)
            return 2
        module = import_module(f"tricks_lib.course.standing.{name}")
        path = Path(str(module.__file__))
        chosen = module.SETTING.choose()
        path.write_text(with_choice(path.read_text("utf-8"), chosen), encoding="utf-8")
        print(f"{name}: {', '.join(chosen.values())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
