"""The file of a study: JSON Lines, to which each run is appended when it is finished.

    {"study": 2, "asked": {...}, "metrics": [...]}         what every run answers
    {"arm": "warmup", "recipe": "Recipe(...)", "code": …}  one for each arm
    {"run": "warmup", "seed": 0, "figures": {...}, ...}    one for each run

A line is written and flushed at once, so that a killed process loses the run in progress and no
other. A last line without an end is what was left of that one, and is dropped.

Chapter: notebooks/00_baseline.ipynb
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import AcquireReturnProxy, FileLock, Timeout

from .metric import Metric

__all__ = ["FORMAT", "MARKS", "Line", "Recorder", "alone", "lines_of", "text_of"]

FORMAT = 2
"""Written into every file; the first edition's had none."""

MARKS = ("rule", "confirmed")
"""What a record says of its own history: no part of the question."""

Line = dict[str, Any]
"""What stands in a line of the file."""


def alone(target: Path) -> AcquireReturnProxy:
    """Keep other processes from writing to a study's file: inside `with`, or until it is released.

    Raises:
        ValueError: if another process is writing to it.
    """
    try:
        return FileLock(target.with_name(f".{target.name}.lock"), timeout=0).acquire()
    except Timeout:
        raise ValueError(f"another process is recording to {target}") from None


class Recorder:
    """A study's file, open for one process at a time.

    Args:
        target: the file; its folder is made if there is none.
        asked: what every run of the study answers.
        metrics: what the numbers mean.
        recipes: by arm, the text of its recipe.
        codes: by arm, the hash of the code that it reaches.
        fresh: whether to leave the file alone, write to another beside it (`.new`), and put that
            in its place at the end.

    Attributes:
        path: the file that is written to.

    Raises:
        ValueError: if another process is writing to the file, or it holds the answer to another
            question.
        OSError: if the file cannot be written.
    """

    def __init__(
        self,
        target: Path,
        asked: dict[str, Any],
        metrics: Iterable[Metric],
        recipes: dict[str, str],
        codes: dict[str, str],
        fresh: bool = False,
    ):
        self._target = target
        self.path = target.with_name(f"{target.name}.new") if fresh else target
        target.parent.mkdir(parents=True, exist_ok=True)
        for path in {target, self.path}:
            if path.is_dir():
                raise IsADirectoryError(f"expected the path of a file, got the folder {path}")
        # One lock for both files, since a fresh one takes the place of the other.
        self._lock = alone(target).lock
        try:
            self._open(asked, metrics, recipes, codes)
        except BaseException:
            self._lock.release()
            raise

    def _open(
        self,
        asked: dict[str, Any],
        metrics: Iterable[Metric],
        recipes: dict[str, str],
        codes: dict[str, str],
    ) -> None:
        lines: list[Line] = []
        if self.path.exists():
            try:
                lines, whole = lines_of(self.path)
                mine = lines[0]["study"] == FORMAT if lines else self._starts_a_study()
            except (ValueError, KeyError, TypeError):
                mine = False
            if not mine:
                raise ValueError(f"{self.path} holds no study of this format: {self._way_out}")
            if lines:
                self._check(lines, asked, recipes, codes)
            os.truncate(self.path, whole)  # half a line, of a run that was killed
        self._file = self.path.open("a", encoding="utf-8")
        if not lines:
            told = [asdict(metric) for metric in metrics]
            self._append({"study": FORMAT, "asked": asked, "metrics": told})
        known = {line["arm"] for line in lines if "arm" in line}
        for arm, recipe in recipes.items():
            if arm not in known:
                self._append({"arm": arm, "recipe": recipe, "code": codes[arm]})

    def _check(
        self, lines: list[Line], asked: dict[str, Any], recipes: dict[str, str], codes: dict
    ) -> None:
        """Refuse to mix answers to different questions."""
        way_out = self._way_out
        known = lines[0]["asked"]
        if other := sorted(k for k in {*known, *asked} if known.get(k) != asked.get(k)):
            told = "; ".join(f"{k}: {known.get(k)!r}, now {asked.get(k)!r}" for k in other)
            raise ValueError(f"{self.path} holds another study ({told}): {way_out}")
        for line in lines:
            arm = line.get("arm")
            if arm not in recipes:
                continue
            if line["recipe"] != recipes[arm]:
                raise ValueError(
                    f"{self.path} holds runs of another {arm!r}, {line['recipe']}, now "
                    f"{recipes[arm]}: {way_out}, or another name to the arm"
                )
            if line["code"] != codes[arm]:
                raise ValueError(
                    f"{self.path} holds runs of {arm!r} from before the code that it uses was "
                    f"changed: {way_out}"
                )

    def _starts_a_study(self) -> bool:
        """Tell whether the file is empty, or all that it holds is the beginning of a head."""
        start = self.path.read_bytes()
        head = text_of({"study": FORMAT})[:-1].encode()
        return start.startswith(head) or head.startswith(start)

    @property
    def _way_out(self) -> str:
        if self.path != self._target:
            return "let the study that was interrupted there come to its end, or remove the file"
        return "give another path, or fresh=True to make all runs again"

    def add(self, arm: str, seed: int, seconds: float, **found: Any) -> None:
        """Append a run: `figures=...`, or `diverged=` the step at which it did."""
        self._append({"run": arm, "seed": seed, **found, "seconds": seconds})

    def _append(self, line: Line) -> None:
        self._file.write(text_of(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> "Recorder":
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put a fresh file that is complete in its place, and let other processes write."""
        self._file.close()
        try:
            if kind is None and self.path != self._target:
                self.path.replace(self._target)
        finally:
            self._lock.release()


def lines_of(path: Path) -> tuple[list[Line], int]:
    """Return the lines that were written to their end, and how many bytes they are."""
    stored = path.read_bytes()
    whole = stored.rfind(b"\n") + 1
    # Only a line feed ends a line: a name may hold what else Python takes for an end.
    return [json.loads(line) for line in stored[:whole].split(b"\n")[:-1]], whole


def text_of(line: Line) -> str:
    """Return a line as strict JSON, which has no number that is not finite."""
    return json.dumps(line, ensure_ascii=False, allow_nan=False)
