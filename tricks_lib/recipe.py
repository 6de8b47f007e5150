"""How to train, as one value.

Chapter: notebooks/00_baseline.ipynb
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from .augment import identity
from .mix import keep
from .models import small_resnet
from .objectives import cross_entropy
from .ops.written import same, written
from .optimizers import sgd
from .protocols import (
    Augment,
    Mix,
    ModelFactory,
    Objective,
    OptimizerFactory,
    Schedule,
    StoppingRule,
)
from .schedules import constant
from .stopping import never

__all__ = ["Recipe"]


@dataclass(frozen=True, repr=False)
class Recipe:
    """How to train: every trick of the course is a value for one of these slots.

    A lesson is one line: `dataclasses.replace(baseline, schedule=gradual_warmup(length=5))`. A
    function with other arguments than its defaults goes in as `functools.partial(small_resnet,
    width=32)`.

    Args:
        epochs: passes over the training images, at least 1.
        batch_size: images in one step, over all workers, at least 1.
        lr: learning rate that the schedule's factor multiplies, above 0.
        model: (channels, classes) -> a fresh network.
        augment: uint8 images (B, C, H, W) -> the same, labels unchanged. If it has a method
            `with_mean`, `fit` calls it with the data set's mean colour, (C,) in [0, 1], and
            uses what it returns.
        mix: (float images, target rows) -> the same shapes.
        objective: (model, images, target rows) -> (loss, logits).
        optimizer: (model, learning rate) -> Optimizer.
        schedule: time in epochs -> factor on the learning rate.
        stop: validation losses, one for each epoch so far -> whether to stop. Any other than
            `never` needs data with a validation split, and leaves the network with the weights of
            the epoch with the smallest loss.

    Raises:
        ValueError: if a number is out of range.
        TypeError: if a slot holds something that cannot be called.
    """

    epochs: int = 10
    batch_size: int = 128
    lr: float = 0.1
    model: ModelFactory = small_resnet
    augment: Augment = identity
    mix: Mix = keep
    objective: Objective = cross_entropy
    optimizer: OptimizerFactory = sgd
    schedule: Schedule = constant()  # noqa: RUF009 - immutable
    stop: StoppingRule = never

    def __post_init__(self) -> None:
        """Check every slot once."""
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
            object.__setattr__(self, name, int(value))  # numpy's may be too narrow to reckon with
        numeric = isinstance(self.lr, Real) and not isinstance(self.lr, bool)
        if not (numeric and 0 < self.lr < math.inf):
            raise ValueError(f"lr must be a finite number > 0, got {self.lr!r}")
        if not isinstance(self.lr, int | float):
            object.__setattr__(self, "lr", float(self.lr))
        for field in fields(self)[3:]:
            value = getattr(self, field.name)
            # A class of networks is a model; elsewhere a class is a value without its brackets.
            bare_class = isinstance(value, type) and field.name != "model"
            if bare_class or not callable(value):
                example = written(field.default)
                raise TypeError(f"{field.name} must be callable, such as {example}, got {value!r}")

    def __repr__(self) -> str:
        """Return `written()`, or where that is refused the same with the slots' own texts."""
        try:
            return self.written()
        except ValueError:
            return self._text(repr)

    def written(self) -> str:
        """Return the expression that rebuilds this recipe, without the slots at their default.

        Raises:
            ValueError: if a slot holds what no text rebuilds, such as a lambda or a network.
        """
        return self._text(written)

    def _text(self, of: Callable[[Any], str]) -> str:
        changed = [f for f in fields(self) if not same(getattr(self, f.name), f.default)]
        return f"Recipe({', '.join(f'{f.name}={of(getattr(self, f.name))}' for f in changed)})"
