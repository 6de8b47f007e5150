"""Whole recipes by name: what was measured best, several tricks at once.

A recipe here is a value like any other: change a slot with `dataclasses.replace`, or take another
length or another size of network by its arguments.

    fit(small_photographs(epochs=30), data, seed=0)
    fit(small_photographs(epochs=90, autoaugment=True), data, seed=0)

Chapter: notebooks/19_together.ipynb
"""

from functools import partial

from .augment import AutoAugment, Compose, HorizontalFlip, RandomCrop
from .models import small_resnet
from .ops.arguments import check_count
from .protocols import Augment
from .recipe import Recipe
from .schedules import cosine_decay

__all__ = ["small_photographs"]


def small_photographs(
    epochs: int = 30,
    width: int = 16,
    *,
    autoaugment: bool = False,
    batch_size: int = 50,
    lr: float = 0.2,
) -> Recipe:
    """Return a recipe for about a thousand small photographs: crop and mirror, cosine decay, weight
    decay, and AutoAugment where the run is long.

    Chapter 19 built a recipe up from none to eight tricks, on 1,000 photographs of 32×32 pixels. At
    30 epochs it was best, on validation images, without AutoAugment, and at 90 with it. No strength
    was tuned. Further tricks lowered the accuracy at both lengths: add them one at a time, and
    measure. The photographs were CIFAR-10's, with which the policy of AutoAugment was found.

    Args:
        epochs: length of the run, at least 1; the learning rate falls to zero over it.
        width: channels of the network's first stage, at least 1.
        autoaugment: whether to apply AutoAugment's policy for CIFAR-10 after crop and mirror, to
            images of one or three channels.
        batch_size: images in a step, at least 1.
        lr: learning rate at the start, above 0; scale it if you change the batch much.

    Raises:
        ValueError, TypeError: if a number is out of its range.
    """
    check_count("epochs", epochs)
    check_count("width", width)
    steps: list[Augment] = [RandomCrop(), HorizontalFlip()]
    if autoaugment:
        steps.append(AutoAugment("cifar10"))
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        model=small_resnet if width == 16 else partial(small_resnet, width=width),
        augment=Compose(*steps),
        schedule=cosine_decay(epochs),
    )
