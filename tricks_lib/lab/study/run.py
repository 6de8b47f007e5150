"""Did it help? Recipes compared over paired seeds, each run kept as soon as it is over.

Chapter: notebooks/00_baseline.ipynb
"""

import math
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from operator import index
from pathlib import Path
from typing import Any, Protocol

import torch
from joblib import Parallel, delayed

from ...ops.written import written
from ...recipe import Recipe
from .. import metrics as scoring
from .. import steps as engine
from ..data import Data
from ..distributed import workers
from ..progress import Bar, progress
from ..steps import pick_device, steps_per_epoch
from ..train import Diverged, Evaluate, History, Run, fit
from .cluster import Cluster, sources
from .code import code_hash
from .metric import STANDARD, Metric, by_name
from .record import Recorder
from .result import Figures, StudyResult

__all__ = ["OwnImages", "Train", "estimate_seconds", "final_metrics", "study"]

ENGINE = (
    engine.Training,
    engine.RandomState,
    engine.batches,
    engine.steps_per_epoch,
    engine.precision,
    Data.normalize,
    Data.subset,
    History.epoch_losses,
    fit,
    scoring.evaluate,
    scoring.predict,
    scoring.score,
    scoring.calibration_error,
    scoring._sum_in_bins,
)
"""The code of the lab on which the numbers of every run depend."""


class Train(Protocol):
    """What makes a run in a study: `fit`, or a function that calls it."""

    __name__: str

    def __call__(
        self,
        recipe: Recipe,
        data: Data,
        *,
        seed: int,
        device: torch.device,
        evaluate: Evaluate,
        on: str,
    ) -> Run:
        """Return the run."""


@dataclass(frozen=True)
class OwnImages:
    """Data of which each seed draws its own training images.

    With the same images for every seed an interval speaks of one sample; with these it speaks of
    the method. All arms of a seed share the draw.

    Args:
        load: a function with a name that returns the whole of the data.
        train: how many training images each seed draws.
        wrong_labels: share of their labels to replace by wrong ones, in [0, 1]; the seed fixes
            which.
        validation: how many further images each seed draws for choices made during training; 0
            leaves the validation split, if there is one, as it is.
    """

    load: Callable[[], Data]
    train: int
    wrong_labels: float = 0.0
    validation: int = 0

    def __call__(self, seed: int) -> Data:
        """Return the data of one seed."""
        data = self.load().subset(train=self.train + self.validation, seed=seed)
        if self.validation:
            data = data.hold_out(self.validation, seed=seed)
        return data.with_label_noise(self.wrong_labels, seed) if self.wrong_labels else data


def final_metrics(run: Run, data: Data) -> Figures:
    """Keep the metrics of the network and the mean training loss of the epoch it comes from."""
    losses = run.history.epoch_losses()
    last = -1 if run.history.kept is None else run.history.kept
    return asdict(run.final) | {"train_loss": losses[last]}


def study(
    arms: Mapping[str, Recipe | Callable[[int], Figures]],
    data: Data | Callable[[int], Data] | None = None,
    seeds: int | Iterable[int] | Mapping[str, Iterable[int]] = 5,
    *,
    baseline: str | None = None,
    measure: Callable[[Run, Data], Figures] = final_metrics,
    metrics: Iterable[Metric] = STANDARD,
    evaluate: Evaluate = "end",
    on: str = "test",
    train: Train = fit,
    device: str | torch.device | None = None,
    threads: int = 1,
    jobs: int = 1,
    ray: str | None = None,
    path: str | os.PathLike | None = None,
    fresh: bool = False,
) -> StudyResult:
    """Run every arm with the same seeds and compare each with the baseline.

    An arm is a recipe; or any function of your own, seed -> metrics, so that the harness serves
    runs that are not the course's.

    Args:
        arms: recipes, or functions with a name, by what to call them.
        data: what to train and test on; a function with a name, seed -> data, where each seed has
            its own (see `OwnImages`); None where no arm is a recipe.
        seeds: how many seeds (0, 1, …), or which; or which by arm.
        baseline: the arm to compare with; the first by default.
        measure: what to keep of a run; a function with a name, (run, data) -> metrics.
        metrics: what the numbers mean; of one that is not among them, a difference may be seen,
            but never helps or hurts.
        evaluate: when each run is scored: see `fit`.
        on: the split to score.
        train: makes a run; takes the arguments of `fit`.
        device: where to train; the best there is by default.
        threads: threads of torch on the CPU meanwhile. Another number is another order of sums,
            and so other networks; it is part of the question.
        jobs: how many runs to make side by side, each in a process of its own. Their figures are
            the same as one after another. Small networks leave most of a GPU idle: there, or with
            a core for each thread of each job, many take little longer than one.
        ray: address of a Ray cluster to make the runs on: "auto" for the one that this machine
            belongs to, "HOST:PORT", or "local" for one on this machine alone. Each run takes
            `threads` processors and, where the cluster has GPUs and `device` is no other, a GPU,
            which it shares with `jobs - 1` others. Runs that are lost with a machine are made
            again, and the figures are those of one process on such a machine. All machines need
            the same Python, torch and version of this package, which is checked, and your own
            modules where they can be imported: those beside your script travel with
            `ray.init(ADDRESS, runtime_env={"working_dir": "."})` before this call.
        path: file for the runs, JSON Lines. Each is appended when it is over, so that the same
            call after an interruption goes on where it stopped; only missing runs are made. The
            file may hold further arms and seeds.
        fresh: make all runs again, in a file beside it (`.new`) that replaces it when all are made;
            interrupted, the same call goes on.

    Returns:
        The result, with the arms that were asked for; a run that diverged, or gave a number that
        is not finite, is recorded as such, not dropped.

    Raises:
        ValueError: if there are no arms or seeds, if an arm or the code that it uses cannot be
            written down, if `path` holds the answer to another question, or another process is
            recording there; or if `jobs` is below 1, or above it under `torchrun`, or Ray is not
            installed or another machine of its cluster has other versions.
        TypeError: if `measure` returns what is no number.
        ConnectionError: if there is no Ray cluster at the address.
        ChildProcessError: if a process that made runs was killed from outside. The finished runs
            are in the file.
    """
    baseline = baseline or next(iter(arms), "")
    wanted = _pairs(arms, seeds)
    if baseline not in arms:
        raise ValueError(f"expected the baseline among {list(arms)}, got {baseline!r}")
    if jobs < 1:
        raise ValueError(f"expected jobs >= 1, got {jobs}")
    team = workers()
    if (jobs > 1 or ray is not None) and team.size > 1:
        raise ValueError("under torchrun the workers share each run: expected jobs=1 and ray=None")
    cluster = Cluster(ray, threads, jobs) if ray is not None else None
    device, metrics = pick_device(device) if cluster is None or device else None, tuple(metrics)
    recipes = {arm: as_text(recipe) for arm, recipe in arms.items()}
    codes = {arm: code_hash(recipe) for arm, recipe in arms.items()}
    trains = any(isinstance(recipe, Recipe) for recipe in arms.values())
    if trains and data is None:
        raise ValueError("expected data to train on, got None")
    there = None
    if cluster:
        gpu = device.type == "cuda" if device else None
        there = cluster.ask(_here, device and device.type, threads, gpu=gpu)
        there.check(sources())
    device = torch.device(there.device) if there else pick_device(device)
    asked = {"baseline": baseline, **(there or _here(device, threads)).told}
    if trains and data is not None:
        asked |= {**_about(data), "evaluate": evaluate, "on": on}
        asked |= {"measure": _called(measure), "measure_code": code_hash(measure)}
        asked |= {"train": _called(train), "train_code": code_hash(train)}
        asked |= {"engine": code_hash(*ENGINE)}

    target = Path(path).expanduser() if path else None
    recorder = None
    if target and team.rank == 0:
        recorder = Recorder(target, asked, metrics, recipes, codes, fresh=fresh)
    result = StudyResult(
        recipes=recipes,
        baseline=baseline,
        runs={arm: {} for arm in arms},
        diverged={arm: {} for arm in arms},
        provenance=asked | {"code": codes, "seconds": 0.0},
        metrics=by_name(metrics),
    )
    # The first worker knows what is there; all of them make the same runs, and return the same.
    recorded = team.share_value(StudyResult.load(recorder.path) if recorder else None)
    if recorded:
        _take_over(result, recorded)
    missing = [(arm, seed) for arm, seed in wanted if seed not in result.runs[arm]]
    make = _Making(data, device, evaluate, on, train, measure, threads)
    tasks = [(arm, seed, arms[arm]) for arm, seed in missing]
    spread = cluster and there and make.spread(cluster, there, tasks)
    with (
        recorder or nullcontext(),
        progress(len(missing), "study", "run") as bar,
        closing(spread or make.all(tasks, jobs, bar)) as made,  # whatever happens here
    ):
        for arm, seed, found, seconds in made:
            if "diverged" in found:
                result.diverged[arm][seed] = found["diverged"]
            result.runs[arm][seed] = found.get("figures")
            result.provenance["seconds"] = round(result.provenance["seconds"] + seconds, 3)
            if recorder:
                recorder.add(arm, seed, seconds, **found)
            bar.update()
    return result


def _pairs(arms: Mapping, seeds: int | Iterable[int] | Mapping) -> list[tuple[str, int]]:
    """Return the arms and seeds to run: seed by seed, so that early results can be compared.

    Whole numbers of numpy become Python's, which a line of JSON can hold.
    """
    if isinstance(seeds, Mapping):
        if set(seeds) != set(arms):
            raise ValueError(
                f"expected seeds of each arm, {list(arms)}, got those of {list(seeds)}"
            )
        of_arm = {arm: [index(seed) for seed in seeds[arm]] for arm in arms}
    else:
        same = [index(seed) for seed in (range(seeds) if isinstance(seeds, int) else seeds)]
        of_arm = dict.fromkeys(arms, same)
    every = list(dict.fromkeys(seed for chosen in of_arm.values() for seed in chosen))
    if not arms or not every:
        raise ValueError(f"expected arms and seeds, got {list(arms)} and {every}")
    return [(arm, seed) for seed in every for arm in arms if seed in of_arm[arm]]


def as_text(recipe: Recipe | Callable) -> str:
    """Return the expression that rebuilds an arm."""
    return recipe.written() if isinstance(recipe, Recipe) else written(recipe)


def _called(function: Callable) -> str:
    """Return the name of a function, or what makes it where it has none, as a partial."""
    return getattr(function, "__name__", "") or written(function)


@dataclass(frozen=True, eq=False)
class _Making:
    """How a study makes one run; the arguments are those of `study`."""

    data: Data | Callable[[int], Data] | None
    device: torch.device
    evaluate: Evaluate
    on: str
    train: Train
    measure: Callable[[Run, Data], Figures]
    threads: int

    def all(
        self, tasks: list[tuple[str, int, Recipe | Callable]], jobs: int, bar: Bar
    ) -> Generator[tuple[str, int, dict[str, Any], float], None, None]:
        """Yield what came of every task as soon as it is over."""
        if jobs > 1:
            pool = Parallel(jobs, return_as="generator_unordered", pre_dispatch=2 * jobs)
            try:
                here = os.getpid()
                yield from pool(delayed(self.beside)(here, *task) for task in tasks)
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    f"one of {jobs} processes that made runs was killed from outside, as a machine "
                    "does that runs out of memory. The finished runs are kept if a file was named, "
                    "and the same call goes on from there; fewer at once need less memory"
                ) from error
            return
        kept: list[Any] = []
        with _threads(self.threads):
            for arm, seed, recipe in tasks:
                bar.set_postfix_str(f"{arm}, seed {seed}")
                yield self.one(arm, seed, recipe, kept)

    def spread(
        self, cluster: Cluster, there: "_Here", tasks: list[tuple[str, int, Recipe | Callable]]
    ) -> Generator[tuple[str, int, dict[str, Any], float], None, None]:
        """Yield what came of every task on the machines of a cluster as soon as it is over."""
        run = partial(_run_there, replace(self, data=None), there)
        yield from cluster.all(run, tasks, self.data, gpu=self.device.type == "cuda")

    def beside(
        self, maker: int, arm: str, seed: int, recipe: Recipe | Callable
    ) -> tuple[str, int, dict[str, Any], float]:
        """Make a run in a worker of the process with the number `maker`.

        A terminal sends Ctrl-C to both. The maker stops its workers, so they need not hear it, and
        print nothing.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        if os.getpid() != maker and in_main_thread:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self.alone(arm, seed, recipe)

    def alone(
        self, arm: str, seed: int, recipe: Recipe | Callable
    ) -> tuple[str, int, dict[str, Any], float]:
        """Make a run in a process of its own, where nobody sees its progress."""
        os.environ["TQDM_DISABLE"] = "1"
        with _threads(self.threads):
            return self.one(arm, seed, recipe, _KEPT)

    def one(
        self, arm: str, seed: int, recipe: Recipe | Callable, kept: list[Any]
    ) -> tuple[str, int, dict[str, Any], float]:
        """Make a run: its arm, its seed, what to record of it, and the seconds it took.

        Args:
            arm: what the recipe is called.
            seed: number that fixes everything random.
            recipe: recipe, or function, seed -> metrics.
            kept: the data of the last run, which all arms of a seed share.
        """
        started = time.perf_counter()
        found: dict[str, Any]
        try:
            if isinstance(recipe, Recipe):
                if not kept or kept[0] != (self.data, seed):
                    kept[:] = [(self.data, seed), _of_seed(self.data, seed, self.device)]
                data = kept[1]
                run = self.train(
                    recipe,
                    data,
                    seed=seed,
                    device=self.device,
                    evaluate=self.evaluate,
                    on=self.on,
                )
                found = {"figures": _finite(self.measure(run, data))}
            else:
                found = {"figures": _finite(recipe(seed))}
        except Diverged as error:
            found = {"diverged": error.step}
        return arm, seed, found, round(time.perf_counter() - started, 3)


_KEPT: list[Any] = []
"""The data of the last run, in a process that makes runs for another."""


def _of_seed(data: Any, seed: int, device: torch.device) -> Data:
    found: Data = data if isinstance(data, Data) else data(seed)
    return found.to(device)


def _about(data: Data | Callable[[int], Data]) -> dict[str, Any]:
    """Say which data it is."""
    shown = data if isinstance(data, Data) else data(0)
    sizes = f"{len(shown.train)} training and {len(shown.test)} test images"
    about: dict[str, Any] = {"data": f"{shown.name}, {sizes}"}
    about |= {"data_fingerprint": shown.fingerprint()}
    about |= {"mean": shown.mean.tolist(), "std": shown.std.tolist()}  # images seen otherwise
    if not isinstance(data, Data):
        about |= {"images": "drawn by each seed", "data_code": code_hash(data)}
    return about


@dataclass(frozen=True)
class _Here:
    """What of a machine the numbers of a run depend on.

    Args:
        device: where it trains.
        told: what a record says of it.
        sources: hash of the source of this package.
    """

    device: str
    told: dict[str, Any]
    sources: str

    def check(self, expected: str) -> None:
        """Refuse a machine with another source."""
        if self.sources != expected:
            raise ValueError(
                f"a machine of the cluster ({platform.node()}) has another version of "
                "tricks_lib than the one that asks: install the same on all of them"
            )


@cache
def _here(device: torch.device | str | None, threads: int) -> _Here:
    """Say what of this machine the numbers of a run depend on."""
    found = pick_device(device)
    name = torch.cuda.get_device_name(found) if found.type == "cuda" else platform.machine()
    told = {
        "device": f"{found.type} ({name})",
        "threads": threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return _Here(found.type, told, sources())


def _run_there(
    make: _Making, asked: _Here, data: Data | None, arm: str, seed: int, recipe: Recipe | Callable
) -> tuple[str, int, dict[str, Any], float]:
    """Make a run on a machine of a cluster, if it is one like that which was asked first."""
    mine = _here(asked.device, make.threads)
    mine.check(asked.sources)
    if mine.told != asked.told:
        raise ValueError(
            f"the machines of the cluster differ, {mine.told} and {asked.told}, and so would the "
            "numbers of their runs: choose those of one kind"
        )
    return replace(make, data=data).alone(arm, seed, recipe)


def _take_over(result: StudyResult, recorded: StudyResult) -> None:
    """Put the runs of earlier calls into the result, for the arms that were asked for."""
    for arm in result.runs:
        result.runs[arm].update(recorded.runs[arm])
        result.diverged[arm].update(recorded.diverged[arm])
    result.provenance["seconds"] = recorded.provenance["seconds"]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _finite(figures: Figures) -> Figures:
    """Return metrics as plain numbers and lists; None stands for one that is not finite.

    Raises:
        TypeError: if something is no number.
    """

    def plain(value: Any, name: str) -> Any:
        if hasattr(value, "tolist"):  # tensors and arrays
            value = value.tolist()
        if isinstance(value, list | tuple):
            return [plain(part, name) for part in value]
        if isinstance(value, bool) or value is None or not isinstance(value, int | float):
            raise TypeError(f"expected numbers or lists of numbers, got {name}={value!r}")
        return value if math.isfinite(value) else None

    return {name: plain(value, name) for name, value in figures.items()}


def estimate_seconds(
    recipes: Mapping[str, Recipe],
    data: Data,
    seeds: int | Sequence[int],
    *,
    evaluate: Evaluate = "end",
    on: str = "test",
    device: str | torch.device | None = None,
    threads: int = 1,
) -> float:
    """Guess how long a study will take, from a few steps and one evaluation of each recipe.

    Args:
        recipes: by arm.
        data: what to train and test on; where each seed has its own, that of one of them.
        seeds: how many, or which.
        evaluate: when each run is scored.
        on: the split to score.
        device: where to train.
        threads: threads of torch on the CPU.
    """
    total, runs = 0.0, seeds if isinstance(seeds, int) else len(seeds)
    scored = scoring.choose_split(data, on) if evaluate else data.test
    for recipe in recipes.values():
        few = data.subset(train=min(4 * recipe.batch_size, len(data.train)))
        some = few.subset(**{on: min(500, len(scored))}) if evaluate and on != "train" else few
        probe = replace(recipe, epochs=1, lr=1e-6, stop=Recipe().stop)  # too small to diverge
        with _threads(threads):
            fit(probe, some, device=device)  # the first run also warms up
            training = fit(probe, some, device=device).seconds
            both = fit(probe, some, device=device, evaluate="end", on=on).seconds
        evaluation = max(0.0, both - training) * len(scored) / len(scoring.choose_split(some, on))
        training *= steps_per_epoch(recipe, data) / steps_per_epoch(recipe, some)
        times = {"every epoch": recipe.epochs, "end": 1, None: 0}[evaluate]
        total += runs * (recipe.epochs * training + times * evaluation)
    return total
