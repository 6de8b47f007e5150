"""How to train on images of your own where nobody has said how: defaults that follow the folder.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..course.baseline import BASELINE
from ..lab.data import Data
from ..lab.steps import steps_per_epoch
from ..protocols import ModelFactory
from ..recipe import Recipe
from ..schedules import linear_decay

__all__ = ["FINE_TUNING_LR", "STEPS", "baseline", "plan_in_words", "with_validation"]

STEPS = 400
"""Steps that a network on images of your own takes at least: on 244 images of two classes, 10 steps
learnt nothing, and 150 to 800 learnt the same."""

STEPS_PER_EPOCH = 16
"""Batches that few images are divided into, so that the last, incomplete one leaves few out."""

SMALLEST_BATCH = 16
"""Images in a batch where there are too few for `STEPS_PER_EPOCH` batches."""

LARGE_IMAGE = 96
"""Side in pixels from which on a batch is smaller: its memory grows with the area."""

BATCH_OF_LARGE_IMAGES = 32

FINE_TUNING_LR = 0.01
"""Learning rate for a network that has learnt already, a tenth of that for a fresh one: a large one
undoes in the first steps what was learnt. Where to start, and no more: nothing was measured here,
and the best one is another for each set of images (Li et al. 2020, arXiv:2002.11770, abstract)."""

SHARE_HELD_OUT = 0.2
"""Share of the training images that choices are made on, where a folder has no validation split."""


def baseline(
    data: Data,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    model: ModelFactory | None = None,
    pretrained: bool = False,
) -> Recipe:
    """Return the course's baseline, in steps that suit the number and the size of the images.

    Few images are divided into 16 batches, but of 16 images at least; the epochs make at least 400
    steps, and 10 or more. The learning rate falls to zero in a straight line.

    Args:
        data: what to train on.
        epochs: passes over the training images, if they are to be others.
        batch_size: images in a step, likewise.
        lr: learning rate at the start, likewise.
        model: (channels, classes) -> a network; the course's by default.
        pretrained: whether the network has learnt already: then the learning rate is smaller.
    """
    count = len(data.train)
    largest = BATCH_OF_LARGE_IMAGES if min(data.image_size) >= LARGE_IMAGE else BASELINE.batch_size
    batches = min(STEPS_PER_EPOCH, max(1, count // SMALLEST_BATCH))
    batch_size = batch_size or min(largest, max(1, count // batches))
    steps = max(1, count // batch_size)
    epochs = epochs or max(BASELINE.epochs, math.ceil(STEPS / steps))
    return replace(
        BASELINE,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr or (FINE_TUNING_LR if pretrained else BASELINE.lr),
        schedule=linear_decay(epochs),
        model=model or BASELINE.model,
    )


def plan_in_words(recipe: Recipe, data: Data) -> str:
    """Say how long the training is and what it leaves out, in a line.

    Args:
        recipe: how to train.
        data: what to train on.
    """
    steps, count = steps_per_epoch(recipe, data), len(data.train)
    size = min(recipe.batch_size, count)
    left_out = count - steps * size
    return (
        f"{recipe.epochs} epochs of {steps} × {size} images, {recipe.epochs * steps} steps, "
        f"learning rate {recipe.lr:g} at the start"
        + (f"; each epoch leaves out {left_out} images." if left_out else ".")
    )


def with_validation(data: Data, share: float = SHARE_HELD_OUT, seed: int = 0) -> Data:
    """Return data with images to make choices on: its own, or a share of each class's training
    images. The test images choose nothing.

    Args:
        data: with a validation split or without.
        share: of the training images of each class, rounded, that is held out.
        seed: fixes which ones.

    Returns:
        The same data if it has a validation split. Else data whose `train` and `validation`
        together are its `train`, each in the order it had.

    Raises:
        ValueError: if there are too few images to hold any out.
    """
    if data.validation is not None:
        return data
    labels, draws = data.train.labels.cpu(), torch.Generator().manual_seed(seed)
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(data.num_classes):
        there = (labels == label).nonzero().flatten()
        order = there[torch.randperm(len(there), generator=draws)]
        held[order[: _held_out(len(there), share)]] = True
    if not held.any():
        raise ValueError(
            f"expected a class of 2 or more training images, to hold some out for choices, got "
            f"{len(labels)} images of {data.num_classes} classes: add images, or a folder "
            "validation/"
        )

    def picked(chosen: Tensor) -> Any:
        return data.train.pick(chosen.nonzero().flatten().to(data.device))

    return replace(data, train=picked(~held), validation=picked(held))


def _held_out(count: int, share: float) -> int:
    """Return how many images of a class to hold out: one of two at least, and never all."""
    return min(max(round(share * count), 1), count - 1) if count > 1 else 0
