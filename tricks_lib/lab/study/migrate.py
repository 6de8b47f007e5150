"""Records of the first edition, in the form of the second.

Chapter: notebooks/00_baseline.ipynb
"""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .metric import STANDARD, Metric, by_name
from .result import StudyResult

__all__ = ["migrate"]


def migrate(old: str | os.PathLike, metrics: Iterable[Metric] = STANDARD) -> Path:
    """Write a file of the first edition anew, its numbers unchanged, and remove it.

    Marked as recorded under the old rule: the code that it came from was not hashed, every seed had
    the same training images, and the number of threads was the machine's.

    Returns:
        The new file, `.jsonl` beside the old `.json`.

    Raises:
        ValueError: if it is no such file.
        FileExistsError: if the new file is there already: it may hold runs that the old one lacks.
    """
    old = Path(old)
    new = old.with_suffix(".jsonl")
    if new.exists():
        raise FileExistsError(f"{new} is there already: move it away, or remove {old.name}")
    try:
        stored = json.loads(old.read_text(encoding="utf-8"))
        for name in ("runs", "diverged"):
            stored[name] = {
                arm: {int(seed): value for seed, value in by_seed.items()}
                for arm, by_seed in stored[name].items()
            }
        result = replace(StudyResult(**stored), metrics=by_name(metrics))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{old} is no record of the first edition: {error}") from error
    result.provenance["rule"] = "first edition"
    result.save(new)
    if StudyResult.load(new).runs != result.runs:
        raise ValueError(f"{old} was not written to {new} as it was")
    old.unlink()
    return new
