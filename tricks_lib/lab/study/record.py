"""The file of a study: JSON Lines, to which each run is appended when it is over.

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
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from .metric import STANDARD, Metric, by_name
from .result import Figures, StudyResult

__all__ = ["FORMAT", "Recorder", "migrate", "read", "write"]

FORMAT = 2
"""Written into every file; the first edition's had none."""

MARKS = ("rule", "confirmed")
"""What a record says of its own history: no part of the question."""

Line = dict[str, Any]


class Recorder:
    """A study's file, open for one process at a time.

    Args:
        path: the file; its folder is made if there is none.
        asked: what every run of the study answers.
        metrics: what the figures mean.
        recipes: by arm, the text of its recipe.
        codes: by arm, the hash of the code that it reaches.

    Raises:
        ValueError: if another process is writing to the file, or it holds the answer to another
            question.
        OSError: if the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        asked: dict[str, Any],
        metrics: Iterable[Metric],
        recipes: dict[str, str],
        codes: dict[str, str],
    ):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(f"expected the path of a file, got the folder {path}")
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise ValueError(f"another process is recording to {path}") from None
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
        lines, whole = _lines(self.path) if self.path.exists() else ([], 0)
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
        self.result = read(self.path)

    def _check(
        self, lines: list[Line], asked: dict[str, Any], recipes: dict[str, str], codes: dict
    ) -> None:
        """Refuse to mix answers to different questions."""
        way_out = "give another path, or fresh=True to make all runs again"
        head = lines[0]
        if head.get("study") != FORMAT:
            raise ValueError(f"{self.path} holds no study of this format: {way_out}")
        known = head["asked"]
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

    def add(self, arm: str, seed: int, seconds: float, **found: Any) -> None:
        """Append a run: `figures=...`, or `diverged=` the step at which it did."""
        self._append({"run": arm, "seed": seed, **found, "seconds": round(seconds, 3)})

    def _append(self, line: Line) -> None:
        self._file.write(_text(line) + "\n")
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
        """Let other processes write."""
        self._file.close()
        self._lock.release()


def read(path: str | os.PathLike, metrics: Iterable[Metric] | None = None) -> StudyResult:
    """Read a study: see `StudyResult.load`."""
    path = Path(path).expanduser()
    try:
        (head, *lines), _ = _lines(path)
        arms = [line for line in lines if "arm" in line]
        runs: dict[str, dict[int, Figures | None]] = {line["arm"]: {} for line in arms}
        diverged: dict[str, dict[int, int]] = {line["arm"]: {} for line in arms}
        seconds = 0.0
        for line in lines:
            if "run" in line:
                runs[line["run"]][line["seed"]] = line.get("figures")
                if "diverged" in line:
                    diverged[line["run"]][line["seed"]] = line["diverged"]
                seconds += line.get("seconds", 0.0)
        told = metrics if metrics is not None else [Metric(**m) for m in head["metrics"]]
        asked = head["asked"]
        code = {line["arm"]: line["code"] for line in arms}
        provenance = asked | head.get("made", {}) | {"code": code}
        return StudyResult(
            recipes={line["arm"]: line["recipe"] for line in arms},
            baseline=asked["baseline"],
            runs=runs,
            diverged=diverged,
            provenance=provenance | {"seconds": round(provenance.get("seconds", 0.0) + seconds, 2)},
            metrics=by_name(told),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} does not hold a recorded study: {error}") from error


def write(result: StudyResult, path: str | os.PathLike) -> None:
    """Write a whole result at once: see `StudyResult.save`."""
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    apart = ("code", "seconds", *MARKS)
    asked = {k: v for k, v in result.provenance.items() if k not in apart}
    asked["baseline"] = result.baseline
    marks = {k: v for k, v in result.provenance.items() if k in MARKS}
    head: Line = {
        "study": FORMAT,
        "asked": asked,
        "metrics": [asdict(metric) for metric in result.metrics.values()],
        "made": {**marks, "seconds": result.provenance.get("seconds", 0.0)},
    }
    code = result.provenance.get("code", {})
    lines = [head]
    for arm, recipe in result.recipes.items():
        lines.append({"arm": arm, "recipe": recipe, "code": code.get(arm)})
    for arm, by_seed in result.runs.items():
        for seed, figures in sorted(by_seed.items()):
            run: Line = {"run": arm, "seed": seed}
            if figures is None:
                run["diverged"] = result.diverged[arm].get(seed)
            else:
                run["figures"] = figures
            lines.append(run)
    draft = path.with_name(path.name + ".tmp")
    draft.write_text("".join(_text(line) + "\n" for line in lines), encoding="utf-8")
    draft.replace(path)


def migrate(old: str | os.PathLike, metrics: Iterable[Metric] = STANDARD) -> Path:
    """Write a file of the first edition anew, its numbers unchanged, and remove it.

    Marked as recorded under the old rule: the code that it came from was not hashed, every seed had
    the same training images, and the number of threads was the machine's.

    Returns:
        The new file, `.jsonl` beside the old `.json`.

    Raises:
        ValueError: if it is no such file.
    """
    old = Path(old)
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
    new = old.with_suffix(".jsonl")
    write(result, new)
    if read(new).runs != result.runs:
        raise ValueError(f"{old} was not written to {new} as it was")
    old.unlink()
    return new


def _lines(path: Path) -> tuple[list[Line], int]:
    """Return the lines that were written to their end, and how many bytes they are."""
    stored = path.read_bytes()
    whole = stored.rfind(b"\n") + 1
    return [json.loads(line) for line in stored[:whole].decode("utf-8").splitlines()], whole


def _text(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False, allow_nan=False)
