"""What is kept of every run on images of your own: enough to say what to do now.

Chapter: notebooks/20_own_images.ipynb
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..lab.data import Data
from ..lab.metrics import evaluate, predict
from ..lab.study import STANDARD, Figures, Metric, final_metrics
from ..lab.train import Run

__all__ = [
    "BALANCED_ACCURACY",
    "METRICS",
    "TRAIN_ACCURACY",
    "VALIDATION_ACCURACY",
    "pack",
    "unpack",
    "with_details",
]

TRAIN_ACCURACY = Metric("train_accuracy", "training accuracy", "higher", "points")
VALIDATION_ACCURACY = Metric("validation_accuracy", "validation accuracy", "higher", "points")
BALANCED_ACCURACY = Metric("balanced_accuracy", "balanced accuracy", "higher", "points")

METRICS = (*STANDARD, TRAIN_ACCURACY, VALIDATION_ACCURACY, BALANCED_ACCURACY)
"""What the numbers of `with_details` mean: hand it to `study` together with it."""

MOST_TRAINING_IMAGES = 10_000
"""Of more training images, so many drawn ones tell the training accuracy to half a point."""

MOST_CLASSES = 200
"""Of more classes, no confusion matrix is kept: one line of the record would have megabytes."""

BITS = 48
"""Answers in one number of `pack`: every program that reads JSON keeps 53 bits exactly."""


def with_details(run: Run, data: Data) -> Figures:
    """Keep what every study keeps, and what a practitioner asks next.

    Each image of the test, training and validation split is looked at once more.

    Returns:
        What `final_metrics` returns, and:

        - `train_accuracy`: share of the training images that are answered rightly, without
          augmentation; of more than 10,000, of that many drawn ones;
        - `validation_accuracy`: likewise, if there is a validation split;
        - `balanced_accuracy`: mean over the classes of the share of their test images that are
          answered rightly: 1/K for whoever names one class for all images;
        - `confusion`: how many test images of each class (rows) were taken for which (columns),
          (K, K), for up to 200 classes;
        - `right`: which test images were answered rightly, in their order, as `pack` writes it;
        - `curve`: mean training loss of each epoch, in nats.
    """
    few = data
    if len(data.train) > MOST_TRAINING_IMAGES:
        few = data.subset(train=MOST_TRAINING_IMAGES, seed=0)
    figures = final_metrics(run, data)
    figures["train_accuracy"] = evaluate(run.model, few, "train").accuracy
    if data.validation is not None:
        figures["validation_accuracy"] = evaluate(run.model, data, "validation").accuracy

    logits, labels = predict(run.model, data, "test").cpu(), data.test.labels.cpu()
    answered = ~logits.isnan().any(dim=1)  # a network that answers nothing is wrong
    confusion = count_answers(
        labels[answered], logits[answered].argmax(dim=1), classes=data.num_classes
    )
    images = labels.bincount(minlength=data.num_classes)
    recall = confusion.diag()[images > 0] / images[images > 0]
    figures["balanced_accuracy"] = recall.double().mean().item()
    if data.num_classes <= MOST_CLASSES:
        figures["confusion"] = confusion.tolist()
    figures["right"] = pack((logits.argmax(dim=1) == labels) & answered)
    figures["curve"] = run.history.epoch_losses()
    return figures


def count_answers(labels: Tensor, answers: Tensor, *, classes: int) -> Tensor:
    """Count how many images of each class (rows) were taken for which (columns).

    Args:
        labels: int64 (N,), the class of each image.
        answers: int64 (N,), what it was taken for.
        classes: K, how many there are.

    Returns:
        int64 (K, K).
    """
    pairs = (labels * classes + answers).bincount(minlength=classes * classes)
    return pairs.view(classes, classes)


def pack(right: Tensor) -> list[int]:
    """Write yes and no, one for each image, as whole numbers of 48 bits: short in a file.

    Args:
        right: bool (N,). Image i is bit i % 48 of number i // 48.
    """
    bits = torch.zeros(-(-len(right) // BITS) * BITS, dtype=torch.int64)
    bits[: len(right)] = right
    numbers: list[int] = (bits.view(-1, BITS) << torch.arange(BITS)).sum(dim=1).tolist()
    return numbers


def unpack(numbers: Sequence[int], count: int) -> np.ndarray:
    """Undo `pack`: bool (count,)."""
    bits = np.asarray(numbers, dtype=np.int64)[:, None] >> np.arange(BITS) & 1
    return bits.ravel()[:count].astype(bool)
