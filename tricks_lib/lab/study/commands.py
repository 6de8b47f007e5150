"""Did it help, in any training script? Two or more commands compared over paired seeds.

A command is a line for a terminal with `{seed}` in it. It is run with every seed, each time in a
process of its own, and tells its result in its output: in a line of JSON, or wherever a pattern
finds it. So a script needs nothing of this package.

Chapter: notebooks/20_own_images.ipynb
"""

import hashlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from ..progress import progress
from .metric import Metric, by_name
from .record import Recorder
from .result import StudyResult, Table

__all__ = ["SEED", "Command", "Comparison", "Failed", "compare_commands", "figures_of"]

SEED = "{seed}"
"""Stands in a command for the number that fixes what is random in it."""

SCRIPTS = (".py", ".sh", ".yaml", ".yml", ".toml")
"""Endings of the files that say what a command does: a change of one makes it another command."""

NAME = re.compile(r"[\w+-][\w.+ -]*")
"""What an arm may be called: its name is part of the names of files."""

PATIENCE = 5.0
"""Seconds that a command has to end in when it is told to; then it is killed."""


@dataclass(frozen=True)
class Command:
    """A line for a terminal that makes one run.

    Args:
        text: the line, with `{seed}` where the seed belongs; nothing else in it is replaced, so
            that it may hold other braces.
        shell: whether a shell reads it, with its pipes and variables. Otherwise it is divided into
            words as a shell would, and the first is the program.

    Raises:
        ValueError: if it has no `{seed}`, or its quotation marks do not match.
    """

    text: str
    shell: bool = False

    def __post_init__(self) -> None:
        """Check once."""
        if SEED not in self.text:
            raise ValueError(
                f"expected {SEED} in every command, where its seed belongs, got {self.text!r}: "
                "without it all runs would be the same"
            )
        if not self.shell:
            try:
                shlex.split(self.text)
            except ValueError as error:
                raise ValueError(f"cannot divide {self.text!r} into words: {error}") from error

    def filled(self, seed: int) -> str | list[str]:
        """Return the line with a seed, or its words where no shell reads it."""
        if self.shell:
            return self.text.replace(SEED, str(seed))
        # First divided, so that a seed is never more than part of one word.
        return [word.replace(SEED, str(seed)) for word in shlex.split(self.text)]

    def code(self) -> str:
        """Return a hash of the scripts that the command names, as far as they lie in files.

        What these import is not seen.
        """
        digest = hashlib.sha256()
        for word in re.split(r"[\s=]+", self.text) if self.shell else shlex.split(self.text):
            file = Path(word.rpartition("=")[2])
            if file.suffix in SCRIPTS and file.is_file():
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def __str__(self) -> str:
        """Return the line."""
        return self.text


@dataclass(frozen=True)
class Failed:
    """A run that gave no result.

    Args:
        arm: what the command is called.
        seed: the seed it was run with.
        why: what happened, in a line.
        log: the file with all that it wrote to where errors go, or else to its output.
        unread: whether it came to a good end, and only its result was not to be found.
    """

    arm: str
    seed: int
    why: str
    log: Path
    unread: bool = False

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.arm}, seed {self.seed}: {self.why} (its output: {self.log})"


@dataclass(frozen=True)
class Comparison:
    """What the runs of several commands say.

    Args:
        result: the runs; the first command is what the others are compared with.
        metric: what was read, and what it means.
        failed: runs that gave no result: they are not among those of the result, and the same call
            makes them again.
    """

    result: StudyResult
    metric: Metric
    failed: tuple[Failed, ...] = ()

    def table(self) -> Table:
        """Lay out mean ± standard deviation of every command, its difference and its verdict."""
        result, name = self.result, self.metric.name
        gaps = self._differences()
        together = f", simultaneous over {len(gaps)}" if len(gaps) > 1 else ""
        rows = []
        for arm, runs in result.runs.items():
            values = list(result.values(arm, name).values())
            row = [arm, str(len(values)), _spread(values), "", ""]
            if lost := len(runs) - len(values):
                row[1] += f" ({lost} diverged)"
            if gap := gaps.get(arm):
                ends = (gap.mean, gap.low, gap.high)
                shown = [_shown(end, _digits(gap.values), "+") for end in ends]
                row[3] = f"{shown[0]} [{shown[1]}, {shown[2]}]"
                row[4] = gap.verdict
            rows.append(row)
        gap_from = f"difference from {result.baseline} [95 % interval{together}]"
        return Table(["command", "runs", f"{self.metric.label}, mean ± sd", gap_from, "word"], rows)

    def __str__(self) -> str:
        """Return the table, and below it what its words leave open."""
        lines = [str(self.table())]
        gaps = self._differences()
        if not gaps:
            lines.append("An interval needs two seeds that both commands finished.")
        if self.metric.better is None and any(gap.verdict == "differs" for gap in gaps.values()):
            lines.append(
                f'"differs": nobody said which way {self.metric.name} is better (--better higher, '
                "or lower)."
            )
        if any(gap.verdict == "no difference seen" for gap in gaps.values()):
            lines.append(
                '"no difference seen" does not say that there is none: more seeds see more.'
            )
        return "\n".join(lines)

    def _differences(self) -> dict[str, Any]:
        result = self.result
        base = result.runs[result.baseline].keys()
        arms = [arm for arm in result.runs if arm != result.baseline]
        paired = [arm for arm in arms if len(base & result.runs[arm].keys()) > 1]
        return {
            arm: result.difference(arm, self.metric.name, comparisons=len(paired)) for arm in paired
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold: None stands for a number that is not finite."""
        result, name = self.result, self.metric.name
        arms = {
            arm: {
                "command": result.recipes[arm],
                "values": {str(seed): run and run.get(name) for seed, run in sorted(runs.items())},
                "mean": _finite(result.mean(arm, name)),
                "diverged": sorted(set(runs) - set(result.values(arm, name))),
            }
            for arm, runs in result.runs.items()
        }
        differences = {
            arm: {
                "word": gap.verdict,
                "mean": _finite(gap.mean),
                "low": _finite(gap.low),
                "high": _finite(gap.high),
                "confidence": 0.95,
                "simultaneous_over": gap.comparisons,
                "pairs": len(gap.values),
                "values": list(gap.values),
                "diverged": gap.diverged,
                "diverged_baseline": gap.diverged_baseline,
            }
            for arm, gap in self._differences().items()
        }
        failed = [
            {"arm": f.arm, "seed": f.seed, "why": f.why, "log": str(f.log)} for f in self.failed
        ]
        metric = {"name": name, "better": self.metric.better, "smallest": self.metric.smallest}
        return {
            "metric": metric,
            "baseline": result.baseline,
            "arms": arms,
            "differences": differences,
            "failed": failed,
            "seconds": result.provenance["seconds"],
        }

    def plot(self, path: str | os.PathLike) -> None:
        """Draw every pair as a line from command to command, and the differences with intervals.

        Args:
            path: the file; its ending says which kind, such as `.png` or `.svg`.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from ..figures import BLUE, GREY, RED, difference_dots

        result, name, gaps = self.result, self.metric.name, self._differences()
        arms = list(result.runs)
        figure = Figure(
            figsize=(7.0, 3.2 + 0.7 * max(1, len(gaps))), layout="constrained", facecolor="white"
        )
        FigureCanvasAgg(figure)
        heights = [3.0, 0.8 * max(1, len(gaps)) + 0.4] if gaps else [3.0]
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        of_arm = {arm: result.values(arm, name) for arm in arms}
        for seed in sorted(set().union(*of_arm.values())):
            line = [of_arm[arm].get(seed, math.nan) for arm in arms]
            panels[0].plot(range(len(arms)), line, "o-", color=BLUE, alpha=0.5, ms=4, lw=1)
        means = [result.mean(arm, name) for arm in arms]
        panels[0].plot(range(len(arms)), means, "D", color=RED, ms=7, label="mean")
        panels[0].set_xticks(range(len(arms)), arms)
        panels[0].set_xlim(-0.4, len(arms) - 0.6)
        panels[0].set_ylabel(self.metric.axis)
        panels[0].legend(frameon=False)
        panels[0].set_title("a line is a seed", fontsize="medium", color=GREY)
        if gaps:
            difference_dots(panels[1], gaps, numbers=False)
            panels[1].set_xlabel(f"difference from {result.baseline}, with its 95 % interval")
        for panel in panels:
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(alpha=0.3)
        figure.savefig(path, dpi=150)


def compare_commands(
    commands: Mapping[str, Command | str],
    metric: Metric,
    seeds: int = 5,
    *,
    pattern: str | None = None,
    workers: int = 1,
    timeout: float | None = None,
    folder: str | os.PathLike | None = None,
    fresh: bool = False,
    say: Callable[[str], None] | None = None,
) -> Comparison:
    """Run commands with the same seeds and compare each with the first.

    The runs are made seed by seed, so that whatever the machine does meanwhile meets all commands.
    Each command finds its place among those that run side by side, from 0, in the variable
    `TRICKS_WORKER` of its environment: for a script that chooses a GPU.

    Args:
        commands: lines with `{seed}`, by what to call them; the first is the baseline.
        metric: what to read, and which way is better. Its name is a key of the last line of JSON
            in the output that has it; `validation.top1` is a key within a key.
        seeds: how many: 0, 1, …
        pattern: a regular expression instead: group 1 of its last match is the number. It is looked
            for in the output, and then in what was written to where errors go.
        workers: how many runs to make side by side.
        timeout: seconds after which a run is ended, and has failed.
        folder: where to keep the runs (`runs.jsonl`) and all that the commands wrote (`logs/`).
            The same call goes on from there, and with more seeds makes only the new runs.
        fresh: make all runs again.
        say: takes a line about each run that is over; by default it goes to where errors go.

    Returns:
        The comparison. A result that is not finite counts as a run that diverged.

    Raises:
        ValueError: if the arguments do not fit together, the folder holds runs of other commands,
            or the first run that a command made gave no result: nothing more is tried then.
    """
    arms = {name: _command(text) for name, text in commands.items()}
    _check(arms, seeds, pattern, workers, timeout)
    target = Path(folder).expanduser() if folder else None
    if target and target.exists() and not target.is_dir():
        raise NotADirectoryError(f"expected a folder to keep the runs in, got the file {target}")
    texts = {arm: f"{command}{' (shell)' * command.shell}" for arm, command in arms.items()}
    codes = {arm: command.code() for arm, command in arms.items()}
    asked = {"baseline": next(iter(arms)), "read": pattern or "JSON"}
    recorder = None
    if target:
        recorder = Recorder(target / "runs.jsonl", asked, [metric], texts, codes, fresh=fresh)
    result = StudyResult(
        recipes=texts,
        baseline=asked["baseline"],
        runs={arm: {} for arm in arms},
        diverged={arm: {} for arm in arms},
        provenance=asked | {"code": codes, "seconds": 0.0},
        metrics=by_name([metric]),
    )
    failed: list[Failed] = []
    logs = target / "logs" if target else Path(tempfile.mkdtemp(prefix="compare-"))
    makes = _Runs(arms, logs, metric.name, re.compile(pattern) if pattern else None, timeout)
    try:
        with recorder or nullcontext(), _stopped_like_ctrl_c():
            if recorder:
                _take_over(result, StudyResult.load(recorder.path), metric.name, seeds)
            _make_missing(makes, result, seeds, workers, recorder, failed, say)
            if failed and fresh:
                raise _Incomplete  # the runs of before stay where they are until all are there
    except _Incomplete:
        pass
    finally:
        if not target and not failed:
            shutil.rmtree(logs, ignore_errors=True)
    return Comparison(result, metric, tuple(failed))


class _Incomplete(Exception):
    """Some runs gave no result."""


def _make_missing(
    makes: "_Runs",
    result: StudyResult,
    seeds: int,
    workers: int,
    recorder: Recorder | None,
    failed: list[Failed],
    say: Callable[[str], None] | None,
) -> None:
    """Make the runs that the result lacks, and put them into it; note those that failed."""
    name = makes.metric
    missing = [(arm, s) for s in range(seeds) for arm in makes.arms if s not in result.runs[arm]]
    started = time.monotonic()
    with progress(len(missing), "compare", "run") as bar:
        for count, (arm, seed, found, seconds) in enumerate(makes.all(missing, workers), 1):
            bar.update()
            if isinstance(found, Failed):
                failed.append(found)
                lost = sum(failure.arm == arm for failure in failed)
                if not result.runs[arm] and (found.unread or lost > 1):
                    raise ValueError(f"no run of this command gives a result: {found}")
                told = f"FAILED: {found}"
            else:
                result.runs[arm][seed] = found
                whole = result.provenance["seconds"] + seconds
                result.provenance["seconds"] = round(whole, 3)
                if recorder:
                    recorder.add(arm, seed, seconds, figures=found)
                value = found[name]
                shown = f"{value:.6g}" if value is not None else "not finite: it diverged"
                told = f"{arm}, seed {seed}: {name} {shown}"
            left = (time.monotonic() - started) / count * (len(missing) - count)
            rest = f", about {_length(left)} left" if left >= 1 else ""
            line = f"[{count}/{len(missing)}] {told} ({_length(seconds)}{rest})"
            if say:
                say(line)
            else:
                bar.write(line, file=sys.stderr)


def figures_of(
    output: str, name: str, pattern: re.Pattern[str] | None = None, errors: str = ""
) -> dict[str, float | None]:
    """Read the numbers of a run out of what it wrote.

    Args:
        output: what it wrote to its standard output.
        name: the number that is asked for.
        pattern: finds it in the text; without one it is read from JSON.
        errors: what it wrote to its standard error, where only the pattern looks.

    Returns:
        The number by its name, and the other numbers of the same line of JSON; None stands for one
        that is not finite.

    Raises:
        ValueError: if it is not there, or is no number.
    """
    if pattern is not None:
        matches = list(pattern.finditer(output)) or list(pattern.finditer(errors))
        if not matches:
            raise ValueError(f"nothing in its output matches {pattern.pattern!r}")
        text = matches[-1][1]
        try:
            return {name: _finite(float(text))}
        except (TypeError, ValueError):
            raise ValueError(f"{pattern.pattern!r} found {text!r}, which is no number") from None
    values = list(_json_in(output))
    for value in reversed(values):
        try:
            number = _within(value, name)
        except LookupError:
            continue
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"expected a number, got {name}={number!r}")
        entry = value[-1] if isinstance(value, list) else value
        kept = {
            key: _finite(other)
            for key, other in entry.items()
            if isinstance(other, int | float) and not isinstance(other, bool)
        }
        return kept | {name: _finite(number)}
    if not values:
        raise ValueError(f'no line of JSON in its output, such as {{"{name}": 0.9}}')
    last = values[-1][-1] if isinstance(values[-1], list) else values[-1]
    raise ValueError(f"no {name!r} in the JSON of its output, which ends with {', '.join(last)}")


def _json_in(text: str) -> Iterator[Any]:
    """Yield the objects, and the lists of them, that begin a line of a text; one may go over many
    lines."""
    decoder, end = json.JSONDecoder(), 0
    for match in re.finditer(r"(?:^|[\r\n])[ \t]*(?=[{\[])", text):
        if match.end() < end:
            continue  # inside of the last one
        try:
            value, end = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(value[-1] if isinstance(value, list) and value else value, dict):
            yield value


def _within(value: Any, name: str) -> Any:
    """Return what a name stands for: a key, or keys joined by dots; of a list, in its last entry.

    Raises:
        LookupError: if there is none.
    """
    if isinstance(value, list):
        value = value[-1]
    if not isinstance(value, dict):
        raise KeyError(name)
    if name in value:
        return value[name]
    first, _, rest = name.partition(".")
    if not rest:
        raise KeyError(name)
    return _within(value[first], rest)


def _command(text: Command | str) -> Command:
    return text if isinstance(text, Command) else Command(text)


def _check(
    arms: Mapping[str, Command],
    seeds: int,
    pattern: str | None,
    workers: int,
    timeout: float | None,
) -> None:
    if len(arms) < 2:
        raise ValueError(f"expected two or more commands, got {list(arms)}")
    if wrong := [name for name in arms if not NAME.fullmatch(name)]:
        raise ValueError(f"expected names of letters, digits and spaces, got {wrong}")
    for what, number in (("seeds", seeds), ("workers", workers)):
        if number < 1:
            raise ValueError(f"expected {what} >= 1, got {number}")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"expected timeout > 0 seconds, got {timeout}")
    if pattern is not None:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"cannot read the pattern {pattern!r}: {error}") from error
        if not groups:
            raise ValueError(
                f"expected a pattern with a group, as in 'accuracy: ([0-9.]+)', got {pattern!r}"
            )


def _take_over(result: StudyResult, recorded: StudyResult, name: str, seeds: int) -> None:
    """Put the runs of earlier calls into the result, as far as they were asked for."""
    for arm in result.runs:
        for seed, run in sorted(recorded.runs[arm].items()):
            if run is not None and name not in run:
                raise ValueError(
                    f"the runs of {arm} that are there hold {', '.join(run)}, and no {name!r}: "
                    "give one of these, or make all runs again"
                )
            if seed < seeds:
                result.runs[arm][seed] = run
    result.provenance["seconds"] = recorded.provenance["seconds"]


@dataclass
class _Child:
    """A command that runs."""

    arm: str
    seed: int
    place: int
    process: subprocess.Popen
    files: tuple[TextIO, TextIO]
    late: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def signal(self, number: int) -> None:
        """Tell it something, and all that it started."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, number)  # it leads a group of its own
            else:
                self.process.kill()

    def close(self) -> None:
        for file in self.files:
            file.close()


def _end(children: Sequence[_Child]) -> None:
    """End processes, and whatever they started: kindly at first."""
    try:
        for child in children:
            child.signal(signal.SIGTERM)
        limit = time.monotonic() + PATIENCE
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, limit - time.monotonic()))
    finally:  # also if somebody cannot wait
        for child in children:
            child.signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            child.process.wait()
            child.close()


@dataclass(frozen=True)
class _Runs:
    """How the runs are made."""

    arms: Mapping[str, Command]
    logs: Path
    metric: str
    pattern: re.Pattern[str] | None
    timeout: float | None

    def all(
        self, tasks: Sequence[tuple[str, int]], workers: int
    ) -> Iterator[tuple[str, int, dict[str, float | None] | Failed, float]]:
        """Yield what came of every run as soon as it is over; left early, it ends the others."""
        waiting, running = deque(tasks), list[_Child]()
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    taken = {child.place for child in running}
                    place = next(p for p in range(workers) if p not in taken)
                    running.append(self._start(*waiting.popleft(), place))
                over = [child for child in running if self._is_over(child)]
                for child in over:
                    running.remove(child)
                    child.close()
                    yield child.arm, child.seed, self._read(child), child.seconds
                if not over:
                    time.sleep(0.02)
        finally:
            _end(running)

    def _start(self, arm: str, seed: int, place: int) -> _Child:
        command = self.arms[arm]
        outputs = [log.open("w", encoding="utf-8") for log in self._logs(arm, seed)]
        try:
            process = subprocess.Popen(
                command.filled(seed),
                shell=command.shell,
                stdin=subprocess.DEVNULL,
                stdout=outputs[0],
                stderr=outputs[1],
                env=os.environ | {"TRICKS_WORKER": str(place)},
                start_new_session=True,  # so that all that it starts can be ended with it
            )
        except OSError as error:
            for file in outputs:
                file.close()
            raise ValueError(f"cannot run {command.text!r}: {error}") from error
        return _Child(arm, seed, place, process, (outputs[0], outputs[1]))

    def _logs(self, arm: str, seed: int) -> tuple[Path, Path]:
        stem = f"{arm}-seed-{seed}"
        return self.logs / f"{stem}.out", self.logs / f"{stem}.err"

    def _is_over(self, child: _Child) -> bool:
        if self.timeout is not None and child.seconds > self.timeout:
            child.late = child.process.poll() is None
            _end([child])
            return True
        return child.process.poll() is not None

    def _read(self, child: _Child) -> dict[str, float | None] | Failed:
        """Return the numbers of a run that is over."""
        out, err = self._logs(child.arm, child.seed)
        output, errors = (log.read_text(encoding="utf-8", errors="replace") for log in (out, err))
        status = child.process.returncode
        unread = False
        if child.late:
            why = f"took longer than {self.timeout:g} s"
        elif status < 0:
            why = f"was killed by signal {-status}"
        elif status:
            why = f"ended with exit status {status}"
        else:
            try:
                return figures_of(output, self.metric, self.pattern, errors)
            except ValueError as error:
                why, unread = str(error), True
        said = err if errors.strip() else out
        tail = _tail(errors) or _tail(output)
        return Failed(child.arm, child.seed, why + (f": {tail}" if tail else ""), said, unread)


def _tail(text: str, most: int = 200) -> str:
    """Return the last line of a text that says something, cut to a length."""
    lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
    return lines[-1][-most:] if lines else ""


def _length(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def _stopped_like_ctrl_c() -> Iterator[None]:
    """Let what a queue of jobs sends, or a terminal that is closed, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    ends = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    # One that is ignored, as `nohup` does, stays so.
    before = {number: signal.getsignal(number) for number in ends}
    for number, does in before.items():
        if does == signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, does in before.items():
            signal.signal(number, does)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _digits(values: Sequence[float]) -> int:
    """Return how many decimals to show: two that the spread of the values leaves in doubt."""
    spread = max(values, default=0.0) - min(values, default=0.0)
    largest = spread or max(map(abs, values), default=0.0)
    return min(12, max(0, 1 - math.floor(math.log10(largest)))) if largest else 1


def _shown(value: float, digits: int, sign: str = "") -> str:
    return f"{value:{sign}.{digits}f}"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    digits, mean = _digits(values), math.fsum(values) / len(values)
    if len(values) < 2:
        return _shown(mean, digits)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return f"{_shown(mean, digits)} ± {_shown(spread, digits)}"
