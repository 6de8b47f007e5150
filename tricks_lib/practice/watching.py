"""What a study has found so far, told while it runs: to a person, a log file or a pipe.

Chapter: notebooks/20_own_images.ipynb
"""

import json
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..lab.study import ACCURACY
from .names import BASELINE

__all__ = ["Watch", "length"]

EVERY = 0.5
"""Seconds between two looks at the file of the runs."""


class Watch:
    """Tells of every run as soon as it stands in the file of the runs, inside `with`.

    The file is what one process, many, or a cluster write their runs to: whoever reads it need not
    know who made them.

    Args:
        path: the file; it may come later.
        missing: the runs that will be made, as pairs of an arm and a seed.
        one_run: seconds that a run of each arm is thought to take, to weigh what is left.
    """

    def __init__(
        self, path: Path, missing: Collection[tuple[str, int]], one_run: Mapping[str, float]
    ):
        self.path, self.one_run = path, one_run
        self.missing, self.made, self.made_seconds = set(missing), 0, 0.0
        self.total = len(self.missing)
        self.found: dict[str, dict[int, float]] = {}
        self.read = 0
        self.started = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watch":
        """Begin to watch."""
        self.started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Tell of the last runs, and stop."""
        self._over.set()
        self._thread.join()
        self.look()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Tell of the runs that came since the last look."""
        for line in self._new_lines():
            if "run" not in line:  # the head, or what an arm is
                continue
            arm, seed = line["run"], line["seed"]
            figures = line.get("figures") or {}
            if figures.get(ACCURACY.name) is not None:
                self.found.setdefault(arm, {})[seed] = figures[ACCURACY.name]
            if (arm, seed) in self.missing:
                self.missing.remove((arm, seed))
                self.made += 1
                self.made_seconds += self.one_run.get(arm, 1.0)
                _tell(f"[{self.made}/{self.total}] {arm}, seed {seed}: {self._told(figures)}")
                if self.missing and not any(other == seed for _, other in self.missing):
                    _tell(self.so_far())

    def _new_lines(self) -> list[dict[str, Any]]:
        """Return the lines that were written to their end since the last look."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self.read)
            whole, end, _ = file.read().rpartition(b"\n")
        self.read += len(whole + end)
        return [json.loads(line) for line in whole.split(b"\n") if line]

    def _told(self, figures: Mapping[str, Any]) -> str:
        accuracy = figures.get(ACCURACY.name)
        told = "diverged" if accuracy is None else f"accuracy {ACCURACY.show(accuracy)}"
        return f"{told}; {self.left()}"

    def left(self) -> str:
        """Say how long the rest will take, at the pace of what is made."""
        if not self.missing:
            return "that was the last"
        spent = time.monotonic() - self.started
        ahead = sum(self.one_run.get(arm, 1.0) for arm, _ in self.missing)
        return f"about {length(spent * ahead / self.made_seconds)} left"

    def so_far(self) -> str:
        """Say in a line what the finished runs show, without a verdict: it would be too early."""
        base = self.found.get(BASELINE, {})
        if not base:
            return "so far: no run of the baseline has come to its end"
        shown = []
        for arm, found in self.found.items():
            both = found.keys() & base.keys()
            if arm != BASELINE and both:
                gap = sum(found[seed] - base[seed] for seed in both) / len(both)
                shown.append(f"{arm} {100 * gap:+.2f}")
        mean = sum(base.values()) / len(base)
        seeds = f"{len(base)} seed{'s' * (len(base) > 1)}"
        points = f"; {', '.join(shown)} points" if shown else ""
        return f"so far, {seeds}: {BASELINE} {ACCURACY.show(mean)}{points}"


def length(seconds: float) -> str:
    """Write a length of time for people."""
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            digits = 1 if unit == "hours" and seconds < 10 * size else 0
            return f"{seconds / size:.{digits}f} {unit}"
    whole = max(1, round(seconds))
    return "1 second" if whole == 1 else f"{whole} seconds"


def _tell(line: str) -> None:
    """Write a line above the bar, if one is shown."""
    tqdm.write(line, file=sys.stderr)
    sys.stderr.flush()
