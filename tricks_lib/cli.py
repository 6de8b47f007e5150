"""The command line: measure tricks on your own images, or record the course's studies.

    python -m tricks_lib study --data PATH --tricks warmup,mixup --seeds 5
    python -m tricks_lib record warmup
    python -m tricks_lib chapters

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import io
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import torch
from scipy import stats

from .course.baseline import BASELINE
from .course.chapter import Chapter, chapter, chapters, found
from .course.plan import StudyPlan
from .course.standing.comparisons import SETTINGS
from .course.standing.comparisons import plan as standing_plan
from .lab.data import Data, DataUnavailable, Split, load_data
from .lab.metrics import evaluate
from .lab.steps import pick_device, steps_per_epoch
from .lab.study import (
    ACCURACY,
    STANDARD,
    Figures,
    Metric,
    StudyResult,
    estimate_seconds,
    final_metrics,
    study,
)
from .lab.train import Run
from .recipe import Recipe
from .schedules import linear_decay
from .stopping import never

__all__ = ["main"]

STEPS = 400
"""Steps that a network on images of your own takes at least: on 244 images of two classes, 10 steps
learnt nothing, and 150 to 800 learnt the same."""

STEPS_PER_EPOCH = 16
"""Batches that few images are divided into, so that the last, incomplete one leaves few out."""

SMALLEST_BATCH = 16
"""Images in a batch where there are too few for `STEPS_PER_EPOCH` batches."""

STANDING = "standing"
"""What `record` calls the settings in which all tricks stand together."""

TRAIN_ACCURACY = Metric("train_accuracy", "training accuracy", "higher", "points")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the user's making become one line and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack "×", or a name be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    options = argparse.Namespace()
    try:
        _parser().parse_args(arguments, options)
        options.command(options)
    except (ValueError, OSError, DataUnavailable, torch.OutOfMemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = getattr(options, "out", True)
        hint = "The same command goes on from here." if resumes else "With --out it could go on."
        print(f"\nStopped. {hint}", file=sys.stderr)
        return 130
    return 0


def tricks() -> dict[str, Chapter]:
    """Return the chapters whose trick can be switched on, by their slugs."""
    return {entry.slug: entry for entry in chapters() if entry.switch}


# --- What was asked ---


class _Parser(argparse.ArgumentParser):
    """A parser that raises its complaints, so that they are printed like all others."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help shows the options)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m tricks_lib", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    own = commands.add_parser("study", help="compare tricks on a data set or a folder of images")
    own.add_argument("--data", default="fashion-mini", help="name, or folder with train/ and test/")
    own.add_argument(
        "--tricks",
        type=_tricks,
        required=True,
        help=f"separated by commas, out of: {', '.join(tricks())}",
    )
    own.add_argument(
        "--seeds", type=_whole(2), default=5, help="runs of each recipe, 2 or more (default: 5)"
    )
    own.add_argument(
        "--epochs",
        type=_whole(1),
        help=f"default: what makes {STEPS} steps, and {BASELINE.epochs} or more",
    )
    own.add_argument(
        "--batch-size",
        type=_whole(1),
        help=f"default: {BASELINE.batch_size}; less where there are few images",
    )
    own.add_argument("--lr", type=_rate, default=BASELINE.lr, help="default: %(default)s")
    own.add_argument(
        "--device", type=_device, help="cuda, mps or cpu; by default the best there is"
    )
    own.add_argument("--threads", type=_whole(1, 1024), default=1, help="of the CPU (default: 1)")
    _add_jobs(own)
    own.add_argument("--out", type=Path, help="file to keep the runs in, and to resume from")
    own.add_argument("--fresh", action="store_true", help="make all runs of --out again")
    own.set_defaults(command=_study)

    course = commands.add_parser("record", help="record the course's studies")
    course.add_argument(
        "chapters",
        nargs="*",
        help=f"which; all by default: {', '.join(found())}; or {STANDING}: the settings that hold "
        "all tricks, of which one needs CIFAR-10",
    )
    _add_jobs(course)
    how = course.add_mutually_exclusive_group()
    how.add_argument("--fresh", action="store_true", help="make all runs again, not the missing")
    how.add_argument(
        "--verify",
        action="store_true",
        help="after a change of the code that changes no number: run the first seed of every arm "
        "again, and note in the record that its numbers are the same",
    )
    course.set_defaults(command=_record)

    listed = commands.add_parser("chapters", help="list the chapters and what they found")
    listed.set_defaults(command=_list)
    return parser


def _add_jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--jobs",
        type=_whole(1, 1024),
        default=1,
        help="runs made side by side, each in a process of its own (default: 1)",
    )


def _whole(least: int, most: int = 1_000_000) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            if least <= int(text) <= most:
                return int(text)
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least} to {most}, got {text!r}"
        )

    return read


def _rate(text: str) -> float:
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a finite number > 0, got {text!r}")


def _tricks(text: str) -> list[str]:
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(chosen) - set(tricks()))
    if unknown or not chosen:
        raise argparse.ArgumentTypeError(
            f"expected tricks out of {list(tricks())}, got {unknown or text!r}"
        )
    return chosen


def _device(text: str) -> torch.device:
    try:
        device = pick_device(text)
        torch.zeros(1, device=device).item()  # torch knows names of devices that are not there
    except Exception as error:  # each kind of device refuses in its own way
        reason, _, _ = str(error).replace("\n", " ").partition(". ")
        raise argparse.ArgumentTypeError(f"cannot compute on {text!r}: {reason}") from error
    return device


# --- Tricks on images of your own ---


def _study(options: argparse.Namespace) -> None:
    if options.fresh and not options.out:
        raise ValueError("--fresh makes the runs of a file again: it needs --out")
    data = _load(options.data)
    recipes = _recipes(data, options)
    if data.validation is None and any(recipe.stop is not never for recipe in recipes.values()):
        held_out = max(1, len(data.train) // 5)
        data = data.hold_out(held_out)
        recipes = _recipes(data, options)
        print(f"No arm trains on {held_out} of the training images: they say when to stop.")
    _describe(data, recipes["baseline"])
    device, threads = pick_device(options.device), options.threads
    seconds = estimate_seconds(recipes, data, options.seeds, device=device, threads=threads)
    _announce("study", seconds, options.jobs)
    result = _run(recipes, data, options)
    learnt, told = _learnt(result, data)
    table = result.table("accuracy", "nll", "ece")
    if not learnt:
        table = replace(table, header=table.header[:-1], rows=[row[:-1] for row in table.rows])
    print(told, table, sep="\n")
    if options.out:
        print(f"The runs are in {options.out}.")


def _recipes(data: Data, options: argparse.Namespace) -> dict[str, Recipe]:
    """Return the baseline, and the same with each trick switched on."""
    baseline = _baseline(data, options)
    known = tricks()
    recipes = {"baseline": baseline}
    for name in options.tricks:
        switch = known[name].switch
        recipes[name] = switch(baseline, data) if switch else baseline
    return recipes


def _load(source: str) -> Data:
    """Load data; what is odd about it is told in a line each, without the line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            return load_data(source)
        finally:
            for warning in caught:
                print(f"warning: {warning.message}", file=sys.stderr)


def _baseline(data: Data, options: argparse.Namespace) -> Recipe:
    """Return the course's baseline, in steps that suit the number of images."""
    count = len(data.train)
    batches = min(STEPS_PER_EPOCH, max(1, count // SMALLEST_BATCH))
    batch_size = options.batch_size or min(BASELINE.batch_size, count // batches)
    steps = max(1, count // batch_size)
    epochs = options.epochs or max(BASELINE.epochs, math.ceil(STEPS / steps))
    return replace(
        BASELINE,
        epochs=epochs,
        batch_size=batch_size,
        lr=options.lr,
        schedule=linear_decay(epochs),
    )


def _describe(data: Data, baseline: Recipe) -> None:
    steps, count = steps_per_epoch(baseline, data), len(data.train)
    size = min(baseline.batch_size, count)
    left_out = count - steps * size
    print(data)
    print(
        f"{baseline.epochs} epochs of {steps} × {size} images, {baseline.epochs * steps} steps"
        + (f"; each epoch leaves out {left_out} images." if left_out else ".")
    )


def _run(recipes: dict[str, Recipe], data: Data, options: argparse.Namespace) -> StudyResult:
    """Make the runs; where the file holds others, say what to do in the command's own words."""
    holds_runs = options.out is not None and options.out.expanduser().exists()
    try:
        return study(
            recipes,
            data,
            options.seeds,
            measure=with_train_accuracy,
            metrics=(*STANDARD, TRAIN_ACCURACY),
            device=options.device,
            threads=options.threads,
            jobs=options.jobs,
            path=options.out,
            fresh=options.fresh,
        )
    except ValueError as error:
        if not holds_runs:
            raise
        raise ValueError(
            f"{error}. In this command: --out with another file, the options that the runs in "
            "this one were made with, or --fresh to make them again. Nothing was changed."
        ) from error


def with_train_accuracy(run: Run, data: Data) -> Figures:
    """Keep what every study keeps, and the accuracy on the training images."""
    accuracy = evaluate(run.model, data, "train").accuracy
    return final_metrics(run, data) | {TRAIN_ACCURACY.name: accuracy}


def _learnt(result: StudyResult, data: Data) -> tuple[bool, str]:
    """Say whether the baseline learnt: a trick cannot be judged by a network that only guesses."""
    test, train = (result.mean(result.baseline, name) for name in ("accuracy", "train_accuracy"))
    if math.isnan(test):
        return False, "Every run of the baseline diverged: no verdict. Try a smaller --lr."
    told = (
        f"The baseline is right on {ACCURACY.show(test)} of the test images and "
        f"{ACCURACY.show(train)} of the training images; naming one class for all of them is right "
        f"on {ACCURACY.show(_commonest(data.test))} and {ACCURACY.show(_commonest(data.train))}."
    )
    if _beats_one_class(test, data.test):
        return True, f"{told} It has learnt."
    if _beats_one_class(train, data.train):
        advice = "It has learnt about its training images only: it needs more of them"
    else:
        advice = "It has not even learnt its training images: try more --epochs or another --lr"
    return False, f"{told} On the test images that is not clearly better: no verdict. {advice}."


def _commonest(split: Split) -> float:
    """Return the share of the class with the most images."""
    return int(split.labels.bincount().max()) / len(split)


def _beats_one_class(accuracy: float, split: Split) -> bool:
    """Tell whether guesses as good as naming one class get such an accuracy in under 5 %."""
    hits = round(accuracy * len(split))
    return bool(stats.binom.sf(hits - 1, len(split), _commonest(split)) < 0.05)


# --- The course's studies ---


def _record(options: argparse.Namespace) -> None:
    unknown = sorted(set(options.chapters) - {*found(), STANDING})
    if unknown:
        raise ValueError(f"expected chapters out of {[*found(), STANDING]}, got {unknown}")
    chosen = options.chapters or [entry.slug for entry in chapters()]
    plans = [part for slug in chosen for plan in _plans(slug) for part in plan.parts]
    if not options.verify:
        seconds = [plan.estimate_seconds() for plan in plans]
        for plan, estimate in zip(plans, seconds, strict=True):
            _announce(plan.name, estimate, options.jobs)
        if len(plans) > 1:
            _announce("all together", sum(seconds), options.jobs)
    for plan in plans:
        _record_one(plan, options)


def _plans(slug: str) -> list[StudyPlan]:
    """Return the plan of a chapter, or those of the standing settings."""
    return [*map(standing_plan, SETTINGS)] if slug == STANDING else [chapter(slug).plan]


def _record_one(plan: StudyPlan, options: argparse.Namespace) -> None:
    if options.verify:
        plan.verify()
        print(f"{plan.path.name}: the first seed of every arm gives the recorded numbers.")
        return
    print(f"\nRecording {plan.name} to {plan.path.name} …", flush=True)
    print(plan.record(fresh=options.fresh, jobs=options.jobs))


def _list(options: argparse.Namespace) -> None:
    for entry in chapters():
        print(f"{entry.number:02d} {entry.slug}: {entry.finding() or entry.claim}")


def _announce(what: str, seconds: float, jobs: int) -> None:
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    # How much of it is saved depends on the machine's cores, or on what its GPU has left.
    beside = f" one after another, less with {jobs} side by side" if jobs > 1 else ""
    print(f"{what}: about {length} on this machine{beside} (Ctrl-C stops).", flush=True)
