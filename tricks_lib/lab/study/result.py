"""The recorded runs of a study, and what they say.

Chapter: notebooks/00_baseline.ipynb
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .finding import Difference, Word, mean_and_spread, paired_difference
from .metric import STANDARD, Metric, by_name
from .record import FORMAT, MARKS, Line, lines_of, text_of

__all__ = ["Figures", "StudyResult", "Table"]

Figures = dict[str, Any]
"""What is kept of one run: numbers by name, or a list for a curve; None for what is not finite."""


@dataclass(frozen=True)
class StudyResult:
    """Recorded runs of several recipes over the same seeds.

    Args:
        recipes: the expression that rebuilds each recipe, by the name of its arm.
        baseline: the arm that the others are compared with.
        runs: by arm, then seed, the numbers kept of the run; None for a run that diverged.
        diverged: by arm, then seed, the step at which a run diverged.
        provenance: what was asked (data, measure, device, versions, hashes of code), and how long
            it took.
        metrics: what the numbers mean, by their names.
        declared: the comparisons with the baseline that were declared before the study, by arm and
            metric: how many are read together, in a study of which more is compared. The interval
            of one that was declared alone stands alone.
    """

    recipes: dict[str, str]
    baseline: str
    runs: dict[str, dict[int, Figures | None]]
    diverged: dict[str, dict[int, int]]
    provenance: dict[str, Any]
    metrics: Mapping[str, Metric] = field(default_factory=lambda: by_name(STANDARD))
    declared: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Seeds that every arm was run with."""
        return sorted(set.intersection(*(set(runs) for runs in self.runs.values())))

    def metric(self, name: str) -> Metric:
        """Return what a number means; of one that was never declared, its name alone."""
        return self.metrics.get(name, Metric(name))

    def values(self, arm: str, metric: str = "accuracy") -> dict[int, Any]:
        """Return one metric of every run of an arm that gave a finite value, by seed.

        Raises:
            KeyError: if there is no such arm, or its runs hold no such metric.
        """
        if arm not in self.runs:
            raise KeyError(f"expected one of the arms {list(self.runs)}, got {arm!r}")
        finished = {seed: run for seed, run in sorted(self.runs[arm].items()) if run is not None}
        for run in finished.values():
            if metric not in run:
                raise KeyError(f"expected one of the metrics {list(run)}, got {metric!r}")
        return {seed: run[metric] for seed, run in finished.items() if run[metric] is not None}

    def mean(self, arm: str, metric: str = "accuracy") -> float:
        """Return the average of `values`; NaN if no run of the arm finished."""
        return mean_and_spread(list(self.values(arm, metric).values()))[0]

    def difference(
        self,
        arm: str,
        metric: str = "accuracy",
        baseline: str | None = None,
        *,
        comparisons: int = 1,
    ) -> Difference:
        """Compare an arm with the baseline (or with another arm) over the shared seeds.

        One comparison that was declared before the study has an interval of 95 %. Of several that
        are read together, `differences` says how.

        Args:
            arm: name of the arm.
            metric: name of the metric.
            baseline: arm to compare with; the study's baseline by default.
            comparisons: how many differences are read together.
        """
        baseline = baseline or self.baseline
        figures = self.values(arm, metric), self.values(baseline, metric)
        both = self.runs[arm].keys() & self.runs[baseline].keys()
        lost = [len(both - found.keys()) for found in figures]
        return paired_difference(
            self.metric(metric),
            *figures,
            comparisons=comparisons,
            diverged=lost[0],
            diverged_baseline=lost[1],
        )

    def differences(
        self,
        metric: str = "accuracy",
        arms: Iterable[str] | None = None,
        baseline: str | None = None,
    ) -> dict[str, Difference]:
        """Compare several arms with the baseline, with intervals that hold all at once.

        Args:
            metric: name of the metric.
            arms: their names; by default all but the baseline.
            baseline: arm to compare with; the study's baseline by default.
        """
        baseline = baseline or self.baseline
        arms = [arm for arm in (arms or self.runs) if arm != baseline]
        return {arm: self.difference(arm, metric, baseline, comparisons=len(arms)) for arm in arms}

    def with_derived(self, name: str, arm: str, ending: str) -> "StudyResult":
        """Add an arm that needs no runs of its own: what its metrics are stands in those of another
        arm, under their names with an ending. So "at the best temperature" becomes a rival.

        Args:
            name: what the new arm is called.
            arm: the arm whose runs hold its numbers.
            ending: of the names that it takes, such as "_tempered".

        Raises:
            KeyError: if there is no such arm, or its runs hold no such metric.
        """
        taken: dict[int, Figures | None] = {}
        for seed, run in self.runs[arm].items():
            named = run and {
                k.removesuffix(ending): v for k, v in run.items() if k.endswith(ending)
            }
            if named == {}:
                raise KeyError(f"expected metrics that end in {ending!r}, got {list(run or ())}")
            taken[seed] = named
        return replace(
            self,
            recipes=self.recipes | {name: self.recipes[arm]},
            runs=self.runs | {name: taken},
            diverged=self.diverged | {name: self.diverged[arm]},
        )

    def spread(self, arm: str, metric: str = "accuracy") -> str:
        """Return the mean ± the standard deviation over the finished runs of an arm, as text."""
        values = list(self.values(arm, metric).values())
        return self.metric(metric).show(*mean_and_spread(values)) if values else "-"

    def verdict(self, arm: str, metric: str = "accuracy") -> Word:
        """Return the verdict on an arm: see `Difference.verdict`."""
        return self.difference(arm, metric).verdict

    def table(self, *metrics: str) -> "Table":
        """Lay out mean ± standard deviation of every arm, with its difference and verdict.

        Where the table compares several arms, their intervals hold all at once. A comparison that
        was declared before the study keeps the interval, and so the verdict, that it has with the
        others that were declared, and is marked: the table says of it what its finding says.

        Args:
            *metrics: metrics to show; by default accuracy alone.
        """
        metrics = metrics or ("accuracy",)
        compared = [arm for arm in self.runs if arm != self.baseline and self._pairs(arm) > 1]
        apart = {
            (arm, metric): count
            for (arm, metric), count in self.declared.items()
            if arm in compared and metric in metrics and count != len(compared)
        }
        rows = []
        for arm in self.runs:
            for metric in metrics:
                count = len(self.values(arm, metric))
                row = [arm, metric, str(count), self.spread(arm, metric), "", ""]
                if count < len(self.runs[arm]):
                    row[2] += f" ({len(self.runs[arm]) - count} diverged)"
                if arm in compared:
                    together = apart.get((arm, metric), len(compared))
                    gap = self.difference(arm, metric, comparisons=together)
                    mark = " (declared)" if (arm, metric) in apart else ""
                    row[4:] = [str(gap), gap.verdict + mark]
                rows.append(row)
        many = len(compared) > 1
        interval = f"95 % intervals, simultaneous over {len(compared)}" if many else "95 % interval"
        for count in sorted(set(apart.values())):
            interval += "; declared: " + ("alone" if count == 1 else f"over {count}")
        header = ["recipe", "metric", "runs", "mean ± sd", f"difference [{interval}]", "verdict"]
        return Table(header, rows)

    def _pairs(self, arm: str) -> int:
        return len(self.runs[arm].keys() & self.runs[self.baseline].keys())

    def __str__(self) -> str:
        """Return the table of the first metric that is a number."""
        return str(self.table(self._first_figure()))

    def _repr_markdown_(self) -> str:
        return self.table(self._first_figure())._repr_markdown_()

    def _first_figure(self) -> str:
        run = next((run for runs in self.runs.values() for run in runs.values() if run), {})
        numbers = (name for name, figure in run.items() if not isinstance(figure, list))
        return next(numbers, "accuracy")

    def plot(self, metric: str = "accuracy", ax: Any = None) -> Any:
        """Draw a dot for every run and the mean with its 95 % interval for every arm."""
        import matplotlib.pyplot as plt

        from ..figures import seed_dots

        ax = ax or plt.gca()
        shown = self.metric(metric)
        values = {arm: self.values(arm, metric).values() for arm in self.runs}
        seed_dots(ax, {arm: [shown.scale * v for v in found] for arm, found in values.items()})
        ax.set_xlabel(shown.axis)
        return ax

    def save(self, path: str | os.PathLike) -> None:
        """Write all of it to a file, a line for each run; an interruption leaves the old file."""
        path = Path(path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".tmp")
        draft.write_text("".join(text_of(line) + "\n" for line in self._lines()), encoding="utf-8")
        draft.replace(path)

    def _lines(self) -> Iterator[Line]:
        told = dict(self.provenance)
        code, seconds = told.pop("code", {}), told.pop("seconds", 0.0)
        marks = {name: told.pop(name) for name in MARKS if name in told}
        yield {
            "study": FORMAT,
            "asked": told | {"baseline": self.baseline},
            "metrics": [asdict(metric) for metric in self.metrics.values()],
            "made": marks | {"seconds": seconds},
        }
        for arm, recipe in self.recipes.items():
            yield {"arm": arm, "recipe": recipe, "code": code.get(arm)}
        for arm, by_seed in self.runs.items():
            for seed, figures in sorted(by_seed.items()):
                found = {"diverged": self.diverged[arm].get(seed)} if figures is None else {}
                yield {"run": arm, "seed": seed, **(found or {"figures": figures})}

    @classmethod
    def load(
        cls, path: str | os.PathLike, metrics: Iterable[Metric] | None = None
    ) -> "StudyResult":
        """Read what `study` or `save` wrote.

        Args:
            path: the file.
            metrics: what its numbers mean; by default what the file says.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it does not hold a study.
        """
        path = Path(path).expanduser()
        try:
            (head, *lines), _ = lines_of(path)
            if head["study"] != FORMAT:
                raise ValueError(f"expected the format {FORMAT}, got {head['study']!r}")
            arms = [line for line in lines if "arm" in line]
            made = [line for line in lines if "run" in line]
            runs: dict[str, dict[int, Figures | None]] = {line["arm"]: {} for line in arms}
            diverged: dict[str, dict[int, int]] = {line["arm"]: {} for line in arms}
            for line in made:
                runs[line["run"]][line["seed"]] = line.get("figures")
                if "diverged" in line:
                    diverged[line["run"]][line["seed"]] = line["diverged"]
            told = metrics if metrics is not None else [Metric(**m) for m in head["metrics"]]
            before = head.get("made", {})
            seconds = before.get("seconds", 0.0) + sum(line.get("seconds", 0.0) for line in made)
            return cls(
                recipes={line["arm"]: line["recipe"] for line in arms},
                baseline=head["asked"]["baseline"],
                runs=runs,
                diverged=diverged,
                provenance=head["asked"]
                | before
                | {"code": {line["arm"]: line["code"] for line in arms}}
                | {"seconds": round(seconds, 3)},
                metrics=by_name(told),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} does not hold a recorded study: {error}") from error


@dataclass(frozen=True)
class Table:
    """A table of text that shows itself at a terminal and in Jupyter."""

    header: list[str]
    rows: list[list[str]]

    def __str__(self) -> str:
        """Return the table in columns of equal width."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_markdown_(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
