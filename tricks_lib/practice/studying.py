"""A study of tricks on images of your own, from the question to the report.

Chapter: notebooks/20_own_images.ipynb
"""

import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..lab.data import Data, load_data
from ..lab.distributed import workers
from ..lab.steps import device_by_default, pick_device
from ..lab.study import ACCURACY, StudyResult, study
from ..lab.train import Run, fit
from ..models import small_resnet
from ..protocols import ModelFactory
from ..recipe import Recipe
from .arms import arms, arms_that_fit, strength
from .defaults import baseline, plan_in_words, with_validation
from .estimate import images_looked_at, run_seconds, study_seconds, threads_of_torch
from .measure import METRICS, VALIDATION_ACCURACY, with_details
from .names import BASELINE
from .reading import Reading, read
from .report import write_report
from .saved import load_network, save_network
from .watching import Watch, length

__all__ = ["Question", "answer", "best_seed", "data_and_network", "train_again", "working"]

RUNS, NETWORK = "runs.jsonl", "network.pt"
"""Files of the runs and of the best network, in the folder that keeps what a study makes."""

SCORES = ("accuracy", "nll", "ece", VALIDATION_ACCURACY.name)
"""Figures of its run that the network is saved with."""


@dataclass(frozen=True)
class Question:
    """What a study of your own is asked.

    Args:
        data: folder of images, or name of a data set.
        tricks: arms: names of tricks, or combinations such as "mixup+label_smoothing".
        only_fitting: whether to leave out, with a word, tricks that do not fit the network, instead
            of refusing them.
        model: "small_resnet", or the name of one of torchvision's networks.
        pretrained: whether it starts from trained weights.
        weights: a file with them; None for torchvision's.
        image_size: height and width of the images of a folder, in pixels; None for the usual.
        group_by: regular expression for what the names of files that belong together share, where
            a folder is divided; None divides image by image.
        skip_bad: leave out images that cannot be read.
        seeds: runs of each arm.
        epochs: passes over the images; None for what suits their number. So are `batch_size`, in
            images, and `lr`.
        workers: runs made side by side.
        ray: address of a Ray cluster to make them on; None for this machine.
        device: where to train; None for the best there is.
        threads: threads of torch on the CPU.
        smallest: smallest difference of accuracy that would matter, as a share.
        out: folder to keep everything in; None keeps nothing.
        fresh: make the runs in `out` again.
        command: what was typed, for the report.
    """

    data: str | Path
    tricks: list[str]
    only_fitting: bool = False
    model: str = "small_resnet"
    pretrained: bool = False
    weights: Path | None = None
    image_size: int | None = None
    group_by: str | None = None
    skip_bad: bool = False
    seeds: int = 5
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    workers: int = 1
    ray: str | None = None
    device: str | None = None
    threads: int = 1
    smallest: float = 0.003
    out: Path | None = None
    fresh: bool = False
    command: str = ""


def answer(question: Question) -> Reading:
    """Make the study, print what it says, and write report and network into its folder.

    Returns:
        The reading of the study.

    Raises:
        ValueError: if something was asked that cannot be, or the folder holds the runs of another
            question.
        OSError: if data, weights or the folder cannot be read or written.
    """
    device = working(question.device)
    data, model = data_and_network(question)
    usual = baseline(
        data,
        epochs=question.epochs,
        batch_size=question.batch_size,
        lr=question.lr,
        model=model,
        pretrained=getattr(model, "pretrained", False),
    )
    print(data, plan_in_words(usual, data), sep="\n", flush=True)
    with threads_of_torch(question.threads), device_by_default(device):
        recipes = _arms(question, usual, data)
    with _folder(question.out) as folder:
        result = _study(question, recipes, data, device, folder / RUNS)
    strengths = {name: strength(recipe, usual) for name, recipe in recipes.items()}
    reading = _read(question, result, data, model, strengths)
    print(reading)
    if question.out:
        if not workers().rank:  # of several under `torchrun` the first writes for all
            report = write_report(question.out, result, reading, data, question.command)
            print(f"The report is {report}, the runs are in {question.out / RUNS}.", flush=True)
        print(_keep_best(question, result, reading, recipes, data, device))
    return reading


def working(name: str | None) -> torch.device:
    """Return a device that this machine has.

    Raises:
        ValueError: if it has no such device.
    """
    device = pick_device(name)
    try:
        torch.zeros(1, device=device).item()  # torch knows names of devices that are not there
    except Exception as error:  # each kind of device refuses in its own way
        reason, _, _ = str(error).replace("\n", " ").partition(". ")
        raise ValueError(f"cannot compute on {name!r}: {reason}") from error
    return device


def data_and_network(question: Question) -> tuple[Data, ModelFactory]:
    """Load the images and choose the network, each as the other needs it.

    Returns:
        Data with a validation split, normalised as the network expects it, on the CPU; and what
        builds the network.

    Raises:
        ValueError: if there is no such network, or something else that was asked for cannot be.
        OSError: if images or weights cannot be read, or weights not be downloaded.
    """
    with _warnings_in_a_line():
        if question.model == small_resnet.__name__:
            return _fitting(_ready(_loaded(question, question.image_size)), small_resnet)
        from ..lab.networks import as_pretrained, published

        trained = question.pretrained or question.weights is not None
        size = question.image_size
        if trained and size is None and _is_folder(question.data):
            size = published(question.model).native_size
        data = _ready(_loaded(question, size))
        model = published(
            question.model,
            pretrained=trained and question.weights is None,
            file=question.weights,
            image_size=min(data.image_size),
        )
        return _fitting(as_pretrained(data, model) if trained else data, model)


def _fitting(data: Data, model: ModelFactory) -> tuple[Data, ModelFactory]:
    """Return both, if the network takes such images: some shrink them until nothing is left.

    Raises:
        ValueError: if it does not.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that images are small is said when it trains
        network = model(data.channels, data.num_classes).eval()
        try:
            network(data.normalize(data.test.images[:1]))
        except RuntimeError as error:
            height, width = data.image_size
            raise ValueError(
                f"{getattr(model, 'name', 'the network')} does not take images of {height}×{width} "
                f"pixels ({error}): choose a larger --image-size, or another --model"
            ) from error
    return data, model


def _loaded(question: Question, image_size: int | None) -> Data:
    options: dict[str, Any] = {}
    if question.group_by is not None:
        options["group_by"] = question.group_by
    if question.skip_bad:
        options["skip_bad"] = True
    return load_data(question.data, image_size=image_size, **options)


def _is_folder(source: str | Path) -> bool:
    return isinstance(source, Path) or Path(source).expanduser().is_dir()


def _ready(data: Data) -> Data:
    """Hold out images for choices, if the data has none, and say so."""
    ready = with_validation(data)
    if data.validation is None and ready.validation is not None:
        count = len(ready.validation)
        print(
            f"No arm trains on {count} of the {len(data.train)} training images, the same for all: "
            "they choose the best arm, and say when to stop early. The test images choose nothing."
        )
    return ready


def _arms(question: Question, usual: Recipe, data: Data) -> dict[str, Recipe]:
    """Return the recipes of all arms, and say which tricks are left out and why."""
    if not question.only_fitting:
        return arms(question.tricks, usual, data)
    found, reasons = arms_that_fit(question.tricks, usual, data)
    for reason in reasons.values():
        print(f"left out: {reason}")
    return found


def _study(
    question: Question, recipes: Mapping[str, Recipe], data: Data, device: torch.device, path: Path
) -> StudyResult:
    """Make the runs that are missing: say before how long it takes, and meanwhile what is found.

    Raises:
        ValueError: if the file holds the runs of another question, in the command's own words.
    """
    target = path.with_name(f"{path.name}.new") if question.fresh else path
    team = workers()
    missing = team.share_value(_missing(target, recipes, question.seeds))
    seconds: dict[str, float] = {}
    if missing:
        lacking = [arm for arm in recipes if any(name == arm for name, _ in missing)]
        seconds = run_seconds(
            {arm: recipes[arm] for arm in lacking},
            data,
            device=device,
            threads=question.threads,
            images=images_looked_at(data),
        )
    print(_announced(question, recipes, missing, seconds, device), flush=True)
    there = target.exists()
    cluster: dict[str, Any] = {"ray": question.ray} if question.ray else {}
    try:
        with nullcontext() if team.rank else Watch(target, missing or (), seconds):
            return study(
                recipes,
                data,
                question.seeds,
                baseline=BASELINE,
                measure=with_details,
                metrics=METRICS,
                # A machine that only sends runs to a cluster may have no GPU itself.
                device=question.device if question.ray else device,
                threads=question.threads,
                jobs=question.workers,
                path=path,
                fresh=question.fresh,
                **cluster,
            )
    except ValueError as error:
        if not there or question.out is None:
            raise
        raise ValueError(
            f"{error}. In this command: another --out, the options that the runs in {question.out} "
            "were made with, or --fresh to make them again. Nothing was changed."
        ) from error


def _missing(path: Path, recipes: Mapping[str, Recipe], seeds: int) -> list[tuple[str, int]] | None:
    """Return the runs that a file lacks, as pairs of an arm and a seed; None if it holds what the
    study will refuse."""
    every = [(arm, seed) for seed in range(seeds) for arm in recipes]
    if not path.exists() or not path.stat().st_size:
        return every
    try:
        there = StudyResult.load(path)
    except ValueError:
        return None
    told = {arm: recipe.written() for arm, recipe in recipes.items()}
    if any(there.recipes.get(arm, text) != text for arm, text in told.items()):
        return None
    return [(arm, seed) for arm, seed in every if seed not in there.runs.get(arm, {})]


def _announced(
    question: Question,
    recipes: Mapping[str, Recipe],
    missing: list[tuple[str, int]] | None,
    seconds: Mapping[str, float],
    device: torch.device,
) -> str:
    """Say how many runs will be made, and how long they take."""
    every = len(recipes) * question.seeds
    if not missing:
        return f"All {every} runs are there already." if missing == [] else ""
    counts = {arm: sum(name == arm for name, _ in missing) for arm in seconds}
    workers, beside = question.workers, ""
    if workers > 1 and not question.ray:
        beside = f", {workers} side by side"
    total = study_seconds(seconds, counts, workers=workers, threads=question.threads, device=device)
    there = (
        f" ({every - len(missing)} of {every} are there already)" if len(missing) < every else ""
    )
    on = " on one machine such as this" if question.ray else " on this machine"
    goes_on = "; the same command goes on" if question.out else ""
    return f"{len(missing)} runs{there}: about {length(total)}{on}{beside} (Ctrl-C stops{goes_on})."


# --- What comes of it ---


def _read(
    question: Question,
    result: StudyResult,
    data: Data,
    model: ModelFactory,
    strengths: Mapping[str, str],
) -> Reading:
    """Read the study, beside what the frozen network gives where there is one."""
    frozen = None
    if getattr(model, "pretrained", False):
        from ..lab.networks import frozen_accuracy

        with _warnings_in_a_line(), threads_of_torch(question.threads):
            frozen = frozen_accuracy(data, model, device=question.device)
    return read(result, data, smallest=question.smallest, frozen=frozen, strengths=strengths)


def best_seed(result: StudyResult, arm: str) -> int:
    """Return the seed whose run did best on the validation images; of equal ones the first."""
    accuracies = result.values(arm, VALIDATION_ACCURACY.name)
    return max(accuracies, key=accuracies.__getitem__)


def _keep_best(
    question: Question,
    result: StudyResult,
    reading: Reading,
    recipes: Mapping[str, Recipe],
    data: Data,
    device: torch.device,
) -> str:
    """Save the network of the best arm, chosen by the validation images, and say so in a line.

    A study keeps figures and no networks: the run is made once more, unless its network is there.
    """
    if question.out is None or reading.best is None:
        return "No network is saved: the study names no best arm."
    seed = best_seed(result, reading.best)
    figures = result.runs[reading.best][seed] or {}
    scores = {name: figures[name] for name in SCORES}
    path, recipe = question.out / NETWORK, recipes[reading.best]
    told = f"{path} is the network of {reading.best}, seed {seed}"
    told += (
        f" ({VALIDATION_ACCURACY.show(scores[VALIDATION_ACCURACY.name])} of the validation images)"
    )
    if _is_saved(path, recipe, scores):
        return f"{told}, as it was."
    run = train_again(recipe, data, seed, device=device, threads=question.threads)
    if run.final.accuracy != scores[ACCURACY.name]:
        told += (
            f"; trained once more, it is right on {ACCURACY.show(run.final.accuracy)} of the test "
            f"images, not on {ACCURACY.show(scores[ACCURACY.name])}: this device does not repeat "
            "its sums"
        )
    if not workers().rank:
        save_network(path, run.model, recipe, data, scores=scores)
    return f"{told}. Use it with: python -m tricks_lib predict {shlex.quote(str(path))} IMAGE…"


def _is_saved(path: Path, recipe: Recipe, scores: Mapping[str, float]) -> bool:
    """Tell whether a file holds the network of this very run."""
    if not path.exists():
        return False
    try:
        saved = load_network(path)
    except (ValueError, OSError):
        return False
    return saved.recipe == repr(recipe) and dict(saved.scores) == dict(scores)


def train_again(
    recipe: Recipe,
    data: Data,
    seed: int,
    *,
    device: str | torch.device | None = None,
    threads: int = 1,
) -> Run:
    """Make a run of a study once more, for its network: a study keeps the figures alone.

    Args:
        recipe: its arm.
        data: what it was trained on.
        seed: its seed.
        device: where it was made.
        threads: threads of torch on the CPU, the same as then.
    """
    with threads_of_torch(threads):
        return fit(recipe, data, seed=seed, device=device, evaluate="end")


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Make the folder that was chosen, or one that is gone when the study is over."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="tricks_lib-") as made:
        yield Path(made)


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Tell what is odd in a line each, without the line of code that saw it."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _tell
        yield


def _tell(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)
