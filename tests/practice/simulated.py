"""Studies that nobody trained: their answers are drawn, so that what is true of them is known."""

import numpy as np
import torch

from tricks_lib.lab.data import Data, Split
from tricks_lib.lab.study import StudyResult
from tricks_lib.practice.measure import METRICS, count_answers, pack


def images_of(labels):
    return Split(torch.zeros((len(labels), 1, 4, 4), dtype=torch.uint8), labels)


def some_data(classes=("cat", "dog"), counts=None, each=200, validation=True, name="pets"):
    """Data of which only the labels matter; `counts` are the images of each class."""
    counts = counts or [each] * len(classes)
    labels = torch.arange(len(classes)).repeat_interleave(torch.tensor(counts))
    return Data(
        name,
        train=images_of(labels),
        test=images_of(labels),
        validation=images_of(labels) if validation else None,
        classes=tuple(classes),
        mean=torch.tensor([0.5]),
        std=torch.tensor([0.5]),
    )


def figures(labels, answers, classes, **more):
    """What `with_details` keeps of a run with these answers."""
    labels, answers = torch.as_tensor(labels), torch.as_tensor(answers)
    confusion = count_answers(labels, answers, classes=classes)
    accuracy = (labels == answers).double().mean().item()
    return {
        "accuracy": accuracy,
        "nll": 1.2 - accuracy,
        "ece": 0.05 * accuracy,
        "train_loss": 0.1,
        "train_accuracy": accuracy,
        "balanced_accuracy": (confusion.diag() / labels.bincount()).double().mean().item(),
        "confusion": confusion.tolist(),
        "right": pack(labels == answers),
        "curve": [2.0, 1.0, 0.5],
    } | more


def result_of(runs, diverged=None):
    """A study of these runs, by arm, then seed; the first arm is the baseline."""
    baseline = next(iter(runs))
    return StudyResult(
        recipes={arm: f"Recipe(epochs=3, lr={number + 1})" for number, arm in enumerate(runs)},
        baseline=baseline,
        runs=runs,
        diverged=diverged or {arm: {} for arm in runs},
        provenance={
            "baseline": baseline,
            "device": "cpu (x86_64)",
            "threads": 1,
            "torch": "2.11",
            "python": "3.12",
            "data_fingerprint": "0123456789abcdef",
            "seconds": 120.0 * sum(map(len, runs.values())),
        },
        metrics={metric.name: metric for metric in METRICS},
    )


def with_accuracies(arms, **more):
    """A study of which only the test accuracies are known, by arm, one for each seed."""
    return result_of(
        {
            arm: {
                seed: {"accuracy": value, "nll": 0.5, "ece": 0.05, "train_accuracy": 0.95} | more
                for seed, value in enumerate(values)
            }
            for arm, values in arms.items()
        }
    )


def simulated(effects, data, seeds=5, base=0.85, spread=0.01, start=0):
    """A study whose arms answer so much more than the baseline, by arm, with noise of seeds."""
    draws = np.random.default_rng(start)
    labels, classes = data.test.labels.numpy(), data.num_classes
    hard = draws.random(len(labels))  # some images are hard for every network
    runs = {arm: {} for arm in effects}
    for seed in range(seeds):
        for arm, effect in effects.items():
            skill = base + effect + draws.normal(0, spread)
            own = draws.random(len(labels))
            right = np.where(draws.random(len(labels)) < 0.9, hard, own) < skill
            wrong = (labels + draws.integers(1, classes, len(labels))) % classes
            more = {"validation_accuracy": skill} if data.validation else {}
            answers = np.where(right, labels, wrong)
            runs[arm][seed] = figures(labels, answers, classes, **more)
    return result_of(runs)
