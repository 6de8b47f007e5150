"""`study`: compare tricks on a data set, or on a folder of images of your own.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from scipy import stats

from ..course.baseline import BASELINE
from ..lab.data import Data, Split, load_data
from ..lab.metrics import evaluate
from ..lab.steps import pick_device, steps_per_epoch
from ..lab.study import (
    ACCURACY,
    STANDARD,
    Figures,
    Metric,
    StudyResult,
    estimate_seconds,
    final_metrics,
    study,
)
from ..lab.train import Run
from ..recipe import Recipe
from ..schedules import linear_decay
from ..stopping import never
from .arguments import add_jobs, announce, device, rate, some_tricks, tricks, whole

__all__ = ["add", "run"]

STEPS = 400
"""Steps that a network on images of your own takes at least: on 244 images of two classes, 10 steps
learnt nothing, and 150 to 800 learnt the same."""

STEPS_PER_EPOCH = 16
"""Batches that few images are divided into, so that the last, incomplete one leaves few out."""

SMALLEST_BATCH = 16
"""Images in a batch where there are too few for `STEPS_PER_EPOCH` batches."""

TRAIN_ACCURACY = Metric("train_accuracy", "training accuracy", "higher", "points")


def add(commands: Any) -> None:
    """Say what may be asked."""
    own = commands.add_parser("study", help="compare tricks on a data set or a folder of images")
    own.add_argument("--data", default="fashion-mini", help="name, or folder with train/ and test/")
    own.add_argument(
        "--tricks",
        type=some_tricks,
        required=True,
        help=f"separated by commas, out of: {', '.join(tricks())}",
    )
    own.add_argument(
        "--seeds", type=whole(2), default=5, help="runs of each recipe, 2 or more (default: 5)"
    )
    own.add_argument(
        "--epochs",
        type=whole(1),
        help=f"default: what makes {STEPS} steps, and {BASELINE.epochs} or more",
    )
    own.add_argument(
        "--batch-size",
        type=whole(1),
        help=f"default: {BASELINE.batch_size}; less where there are few images",
    )
    own.add_argument("--lr", type=rate, default=BASELINE.lr, help="default: %(default)s")
    own.add_argument("--device", type=device, help="cuda, mps or cpu; by default the best there is")
    own.add_argument("--threads", type=whole(1, 1024), default=1, help="of the CPU (default: 1)")
    add_jobs(own)
    own.add_argument("--out", type=Path, help="file to keep the runs in, and to resume from")
    own.add_argument("--fresh", action="store_true", help="make all runs of --out again")
    own.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Compare the tricks that were asked for."""
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
    on, threads = pick_device(options.device), options.threads
    seconds = estimate_seconds(recipes, data, options.seeds, device=on, threads=threads)
    announce("study", seconds, options.jobs)
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
