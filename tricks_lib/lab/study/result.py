"""Did it help? Recipes compared over paired seeds, with intervals, recorded so that all can check.

Chapter: notebooks/00_baseline.ipynb
"""

import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from scipy import stats

from ..recipe import Recipe
from .data import Data
from .progress import progress
from .train import Diverged, Run, fit, pick_device, steps_per_epoch

Figures = dict[str, float | list[float]]
"""What is kept of one run: numbers by name, or a list for a curve."""


def final_metrics(run: Run) -> Figures:
    """Keep the metrics after the last epoch and the mean training loss of that epoch."""
    last_epoch = run.history.loss[-(len(run.history.loss) // run.recipe.epochs) :]
    return asdict(run.final) | {"train_loss": sum(last_epoch) / len(last_epoch)}


@dataclass(frozen=True)
class Difference:
    """A trick against its baseline, seed by seed.

    Args:
        metric: what was compared.
        values: trick minus baseline for every seed that both finished.
        mean: mean of `values`.
        low: lower end of the 95 % confidence interval of the mean (Student's t, paired).
        high: upper end.
        diverged: runs of the trick whose loss became infinite.
        diverged_baseline: runs of the baseline that did.
    """

    metric: str
    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    diverged: int = 0
    diverged_baseline: int = 0

    def __str__(self):
        """Return the mean with its interval; shares are in points, which are hundredths."""
        if len(self.values) < 2:  # the others diverged
            return "no interval"
        if not self.values:
            return "-"
        scale, form, unit = (100, "+.2f", " points") if _is_share(self.metric) else (1, "+.3f", "")
        mean, low, high = (f"{scale * x:{form}}" for x in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]{unit}"

    @property
    def verdict(self) -> str:
        """One of "helps", "hurts", "no difference seen", "diverges".

        It is read off the interval: "helps" or "hurts" only if zero lies outside. A trick that
        diverged in more runs than its baseline gets "diverges", whatever its other runs did.
        """
        if self.diverged > self.diverged_baseline:
            return "diverges"
        if not (self.low > 0 or self.high < 0):
            return "no difference seen"
        return "helps" if (self.mean > 0) == higher_is_better(self.metric) else "hurts"


def higher_is_better(metric: str) -> bool:
    """Tell the good direction: up for an accuracy, down for a loss or an error."""
    return "accuracy" in metric


def paired_difference(
    metric: str, trick: Mapping[int, float], baseline: Mapping[int, float], **diverged: int
) -> Difference:
    """Compare two sets of runs by the seeds that they share.

    Args:
        metric: name of what is compared.
        trick: figure of each seed's run with the trick.
        baseline: figure of each seed's run without.
        **diverged: `diverged` and `diverged_baseline` of `Difference`. If because of them fewer
            than two seeds are shared, the interval is the whole line, and without any the mean
            is NaN.

    Raises:
        ValueError: if fewer than two seeds were run, since one pair has no spread.
    """
    seeds = sorted(trick.keys() & baseline.keys())
    values = tuple(trick[seed] - baseline[seed] for seed in seeds)
    mean, spread = _mean_and_spread(values)
    if len(values) > 1:
        reach = float(stats.t.ppf(0.975, df=len(values) - 1)) * spread / math.sqrt(len(values))
        low, high = mean - reach, mean + reach
    elif any(diverged.values()):
        low, high = -math.inf, math.inf
    else:
        raise ValueError(f"an interval needs at least 2 pairs of runs, got {len(values)}")
    return Difference(metric, values, mean, low, high, **diverged)


@dataclass(frozen=True)
class StudyResult:
    """Recorded runs of several recipes over the same seeds.

    Args:
        recipes: the expression that rebuilds each recipe, by the name of its arm.
        baseline: the arm that the others are compared with.
        runs: by arm, then seed, the figures kept of the run; None for a run that diverged.
        diverged: by arm, then seed, the step at which a run diverged.
        provenance: data set, device, versions, seconds.
    """

    recipes: dict[str, str]
    baseline: str
    runs: dict[str, dict[int, Figures | None]]
    diverged: dict[str, dict[int, int]]
    provenance: dict

    @property
    def seeds(self) -> list[int]:
        """Seeds that every arm was run with."""
        return sorted(set.intersection(*(set(runs) for runs in self.runs.values())))

    def values(self, arm: str, metric: str = "accuracy") -> dict[int, float]:
        """Return one figure of every finished run of an arm, by seed.

        Raises:
            KeyError: if there is no such arm, or its runs hold no such figure.
        """
        if arm not in self.runs:
            raise KeyError(f"expected one of the arms {list(self.runs)}, got {arm!r}")
        finished = {seed: run for seed, run in sorted(self.runs[arm].items()) if run is not None}
        for run in finished.values():
            if metric not in run:
                raise KeyError(f"expected one of the figures {list(run)}, got {metric!r}")
        return {seed: run[metric] for seed, run in finished.items()}

    def mean(self, arm: str, metric: str = "accuracy") -> float:
        """Return the average of `values`; NaN if no run of the arm finished."""
        return _mean_and_spread(list(self.values(arm, metric).values()))[0]

    def difference(
        self, arm: str, metric: str = "accuracy", baseline: str | None = None
    ) -> Difference:
        """Compare an arm with the baseline (or with another arm) over the shared seeds."""
        baseline = baseline or self.baseline
        return paired_difference(
            metric,
            self.values(arm, metric),
            self.values(baseline, metric),
            diverged=len(self.diverged[arm]),
            diverged_baseline=len(self.diverged[baseline]),
        )

    def spread(self, arm: str, metric: str = "accuracy") -> str:
        """Return the mean ± the standard deviation over the finished runs of an arm, as text."""
        return _summary(metric, list(self.values(arm, metric).values()))

    def verdict(self, arm: str, metric: str = "accuracy") -> str:
        """Return the verdict on an arm: see `Difference.verdict`."""
        return self.difference(arm, metric).verdict

    def table(self, *metrics: str) -> "Table":
        """Lay out mean ± standard deviation of every arm, with its difference and verdict.

        Args:
            *metrics: figures to show; by default accuracy alone.
        """
        rows = []
        for arm in self.runs:
            for metric in metrics or ("accuracy",):
                values = list(self.values(arm, metric).values())
                row = [arm, metric, str(len(values)), _summary(metric, values), "", ""]
                if self.diverged[arm]:
                    row[2] += f" ({len(self.diverged[arm])} diverged)"
                shared = self.runs[arm].keys() & self.runs[self.baseline].keys()
                if arm != self.baseline and len(shared) > 1:
                    gap = self.difference(arm, metric)
                    row[4:] = [str(gap), gap.verdict]
                rows.append(row)
        header = ["recipe", "figure", "runs", "mean ± sd", "difference [95 % interval]", "verdict"]
        return Table(header, rows)

    def __str__(self):
        """Return the table of the first figure that is a number."""
        return str(self.table(self._first_figure()))

    def _repr_markdown_(self) -> str:
        return self.table(self._first_figure())._repr_markdown_()

    def _first_figure(self) -> str:
        run = next((run for runs in self.runs.values() for run in runs.values() if run), {})
        numbers = (name for name, figure in run.items() if not isinstance(figure, list))
        return next(numbers, "accuracy")

    def plot(self, metric: str = "accuracy", ax=None):
        """Draw a dot for every run and the mean with its 95 % interval for every arm."""
        import matplotlib.pyplot as plt

        from .figures import seed_dots

        ax = ax or plt.gca()
        percent = 100 if _is_share(metric) else 1
        seed_dots(
            ax,
            {arm: [percent * v for v in self.values(arm, metric).values()] for arm in self.runs},
        )
        ax.set_xlabel(f"{metric} (%)" if percent == 100 else metric)
        return ax

    def save(self, path: str | os.PathLike) -> None:
        """Write to a JSON file; an interruption leaves the file as it was."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".tmp")
        draft.write_text(_one_line_per_run(asdict(self)) + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "StudyResult":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it does not hold a study.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            for name in ("runs", "diverged"):
                stored[name] = {
                    arm: {int(seed): value for seed, value in by_seed.items()}
                    for arm, by_seed in stored[name].items()
                }
            return cls(**stored)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} does not hold a recorded study: {error}") from error


@dataclass(frozen=True)
class Table:
    """A table of text that shows itself at a terminal and in Jupyter."""

    header: list[str]
    rows: list[list[str]]

    def __str__(self):
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


def study(
    recipes: Mapping[str, Recipe],
    data: Data,
    seeds: int | Iterable[int] = 5,
    *,
    baseline: str | None = None,
    measure: Callable[[Run], Figures] = final_metrics,
    train: Callable[..., Run] | None = None,
    device: str | torch.device | None = None,
    path: str | os.PathLike | None = None,
    fresh: bool = False,
) -> StudyResult:
    """Run every recipe with the same seeds and compare each with the baseline.

    Args:
        recipes: recipes by the names of their arms.
        data: what to train and test on.
        seeds: how many seeds (0, 1, …), or which.
        baseline: the arm to compare with; the first by default.
        measure: what to keep of a run; a function with a name, run -> figures.
        train: makes a run; a function with a name, (recipe, data, seed, device) -> run; `fit` by
            default.
        device: where to train; the best there is by default.
        path: JSON file for the result. Every finished run is written beside it at once
            (`*.partial.json`), so that the same call after an interruption goes on where it
            stopped. If the file already answers the same question, only missing runs are made.
        fresh: make a complete file's runs again from nothing (an interrupted one still goes on).

    Returns:
        The result; a run that diverged is recorded as diverged, not dropped.

    Raises:
        ValueError: if there are no recipes or seeds, if a recipe cannot be written down, or if
            `path` holds the answer to another question.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not recipes or not seeds:
        raise ValueError(f"expected recipes and seeds, got {list(recipes)} and {seeds}")
    baseline = baseline or next(iter(recipes))
    if baseline not in recipes:
        raise ValueError(f"expected the baseline among {list(recipes)}, got {baseline!r}")
    device, train = pick_device(device), train or fit
    result = StudyResult(
        recipes={arm: repr(recipe) for arm, recipe in recipes.items()},
        baseline=baseline,
        runs={arm: {} for arm in recipes},
        diverged={arm: {} for arm in recipes},
        provenance=_provenance(data, device, measure, train),
    )
    path = Path(path) if path else None
    result = _resume(result, path, fresh)
    wanted = [(arm, seed) for seed in seeds for arm in recipes if seed not in result.runs[arm]]
    data = data.to(device)
    with progress(len(wanted), "study", "run") as bar:
        for arm, seed in wanted:
            bar.set_postfix_str(f"{arm}, seed {seed}")
            started = time.perf_counter()
            try:
                result.runs[arm][seed] = measure(train(recipes[arm], data, seed, device))
            except Diverged as error:
                result.runs[arm][seed] = None
                result.diverged[arm][seed] = error.step
            seconds = result.provenance["seconds"] + time.perf_counter() - started
            result.provenance["seconds"] = round(seconds, 2)
            if path:
                result.save(_partial(path))
            bar.update()
    if path:
        result.save(path)
        _partial(path).unlink(missing_ok=True)
    return result


def estimate_seconds(
    recipes: Mapping[str, Recipe],
    data: Data,
    seeds: int,
    device: str | torch.device | None = None,
) -> float:
    """Guess how long a study will take, from a few steps and one evaluation of each recipe."""
    total = 0.0
    for recipe in recipes.values():
        few = data.subset(
            train=min(4 * recipe.batch_size, len(data.train)), test=min(500, len(data.test))
        )
        probe = replace(recipe, epochs=1, lr=1e-6)  # too small to diverge
        fit(probe, few, device=device, evaluate_on=None)  # the first run also warms up
        training = fit(probe, few, device=device, evaluate_on=None).seconds
        evaluation = max(0.0, fit(probe, few, device=device).seconds - training)
        training *= steps_per_epoch(recipe, data) / steps_per_epoch(recipe, few)
        evaluation *= len(data.test) / len(few.test)
        total += seeds * recipe.epochs * (training + evaluation)
    return total


def _provenance(data: Data, device: torch.device, measure: Callable, train: Callable) -> dict:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    sizes = f"{len(data.train)} training and {len(data.test)} test images"
    return {
        "data": f"{data.name}, {sizes}",
        "data_fingerprint": data.fingerprint(),
        "measure": measure.__name__,
        "train": train.__name__,
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "seconds": 0.0,
    }


def _partial(path: Path) -> Path:
    return path.with_suffix(".partial.json")


def _resume(new: StudyResult, path: Path | None, fresh: bool) -> StudyResult:
    """Return what earlier calls left of the same study, or `new` if there is nothing."""
    if path and _partial(path).exists():
        old = StudyResult.load(_partial(path))
        if _question(old) == _question(new):
            return old
    if path and path.exists() and not fresh:
        old = StudyResult.load(path)
        if _question(old) != _question(new):
            raise ValueError(
                f"{path} holds another study (other recipes, data, measure, device or versions): "
                "give another path, or fresh=True to replace it"
            )
        return old
    return new


def _question(result: StudyResult) -> tuple:
    provenance = {k: v for k, v in result.provenance.items() if k != "seconds"}
    return result.recipes, result.baseline, provenance


def _is_share(metric: str) -> bool:
    return any(word in metric for word in ("accuracy", "ece", "confidence"))


def _mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation, NaN where there are too few values for one."""
    numbers = torch.tensor(values, dtype=torch.float64)
    return numbers.mean().item(), numbers.std().item() if len(values) > 1 else math.nan


def _summary(metric: str, values: list[float]) -> str:
    if not values:
        return "-"
    factor, digits, unit = (100, 2, " %") if _is_share(metric) else (1, 3, "")
    mean, spread = _mean_and_spread(values)
    text = f"{factor * mean:.{digits}f}"
    if len(values) > 1:
        text += f" ± {factor * spread:.{digits}f}"
    return text + unit


def _one_line_per_run(stored: dict) -> str:
    """Write JSON with a line for each run, so that a change of the record reads well in a diff."""
    runs = stored.pop("runs")
    head = json.dumps(stored, indent=1, ensure_ascii=False).removesuffix("\n}")
    arms = []
    for arm, by_seed in runs.items():
        lines = [f'   "{seed}": {json.dumps(by_seed[seed])}' for seed in sorted(by_seed)]
        arms.append(f"  {json.dumps(arm)}: {{\n" + ",\n".join(lines) + "\n  }")
    return head + ',\n "runs": {\n' + ",\n".join(arms) + "\n }\n}"
