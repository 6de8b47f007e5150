"""One progress bar: seen by a person at a terminal or in Jupyter, by nobody else."""

import html
import os
import sys
from importlib import import_module
from typing import Any

from tqdm import tqdm

__all__ = ["Bar", "progress", "running"]


class Bar(tqdm):
    """A bar that knows when it is open, and can leave the showing to something else."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        _OPEN.append(self)

    def hide(self) -> None:
        """Take the bar away for good, because something else shows how far the work is."""
        super().close()

    def close(self) -> None:
        """End the work; without `leave`, nothing of the bar stays."""
        _OPEN[:] = [bar for bar in _OPEN if bar is not self]  # tqdm's == compares screen lines
        super().close()


_OPEN: list[Bar] = []


def progress(total: int, description: str, unit: str) -> Bar:
    """Open a bar that leaves nothing behind and stays silent where nobody watches.

    `TQDM_DISABLE=1` silences it everywhere, as the book and the tests do; of the workers under
    `torchrun` only the first shows it.

    Args:
        total: how many units the work has.
        description: what is being done.
        unit: name of one unit, such as "step".
    """
    options: dict[str, Any] = {"total": total, "desc": description, "unit": unit, "leave": False}
    if "ipykernel" in sys.modules:
        # Work of two seconds needs no bar, and live curves have their first point by then.
        options |= {"file": _Cell(), "delay": 2}
    return Bar(**options, disable=not _watched())


def running() -> Bar | None:
    """Return the bar of the work that is being done, the innermost one; None if there is none.

    It is there even where nobody sees it, so that its `total` can be asked for.
    """
    return _OPEN[-1] if _OPEN else None


class _Cell:
    """A file for tqdm whose one line is an output of the cell.

    JupyterLab shows what goes to stderr on pink, and the empty line of a bar that is done too.
    An empty output has no height.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self._shown: Any = None

    def write(self, text: str) -> None:
        line = text.strip()
        data = {
            "text/html": f'<pre style="margin: 0">{html.escape(line)}</pre>' if line else "",
            "text/plain": line,
        }
        if self._shown is not None:
            self._shown.update(data, raw=True)
        elif line:
            show = import_module("IPython.display").display
            self._shown = show(data, raw=True, display_id=True)

    def flush(self) -> None:
        """Do nothing: what is written is shown at once."""


def _watched() -> bool:
    if os.environ.get("TQDM_DISABLE") or os.environ.get("RANK", "0") != "0":
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules
