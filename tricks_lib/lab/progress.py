"""One progress bar: seen by a person at a terminal or in Jupyter, by nobody else."""

import os
import sys

from tqdm import tqdm

__all__ = ["progress"]


def progress(total: int, description: str, unit: str) -> tqdm:
    """Open a bar that leaves nothing behind and stays silent where nobody watches.

    `TQDM_DISABLE=1` silences it everywhere, as the book and the tests do; of the workers under
    `torchrun` only the first shows it. The text bar is used in Jupyter too: the widget bar would
    stay in the published page.

    Args:
        total: how many units the work has.
        description: what is being done.
        unit: name of one unit, such as "step".
    """
    return tqdm(total=total, desc=description, unit=unit, leave=False, disable=not _watched())


def _watched() -> bool:
    if os.environ.get("TQDM_DISABLE") or os.environ.get("RANK", "0") != "0":
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules
