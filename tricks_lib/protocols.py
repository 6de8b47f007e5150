"""The slots of a `Recipe` as types: what goes in, what comes out, in which shapes.

They are protocols: nothing inherits from them. A function, a `functools.partial` or an object with
`__call__` fits a slot if it takes these arguments, whatever it calls them, and a type checker says
so before anything runs.

B is the number of images in a batch, C their channels, H and W their height and width, K the number
of classes. Everything random is drawn from torch's generator, so that a seed repeats a run, and
what was handed in is never changed in place.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Generator, Tensor, nn
from torch.optim import Optimizer

__all__ = [
    "Augment",
    "Mix",
    "ModelFactory",
    "Objective",
    "OptimizerFactory",
    "RandomAugment",
    "RandomMix",
    "Schedule",
    "StoppingRule",
]


class ModelFactory(Protocol):
    """(channels, classes) -> a network, such as `small_resnet`.

    The network maps normalised float images (B, C, H, W) to logits (B, K). It is fresh at every
    call: in training mode, on the CPU, with its first weights just drawn.
    """

    def __call__(self, channels: int, classes: int, /) -> nn.Module:
        """Build a network for images of `channels` channels and `classes` classes."""


class Augment(Protocol):
    """images -> images, such as `Cutout(size=8)`.

    uint8 (B, C, H, W) -> the same shape and type; each image gets a draw of its own, and its label
    stays right.

    A value that also has a method `with_mean` is asked by `fit`, which hands it the data set's mean
    colour, (C,) in [0, 1], for a copy of itself that uses this colour.
    """

    def __call__(self, images: Tensor, /) -> Tensor:
        """Return augmented images."""


class Mix(Protocol):
    """(images, targets) -> (images, targets), such as `Mixup(alpha=0.2)`.

    Normalised float images (B, C, H, W) and rows of probabilities (B, K) -> the same shapes; each
    row still sums to 1. Used by hand, those of this package take labels too.
    """

    def __call__(self, images: Tensor, targets: Tensor, /) -> tuple[Tensor, Tensor]:
        """Return mixed images, and the targets that belong to them."""


class RandomAugment(Augment, Protocol):
    """An augmentation whose random numbers can be drawn beforehand: all of this package.

    `augment(images)` is `augment.apply(images, augment.draw(images.shape))`. A draw that is kept
    shows, tests or repeats what happened to a batch.
    """

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Any:
        """Draw all that is random for images of this shape, (B, C, H, W) or (C, H, W).

        It is drawn on the CPU, from torch's generator or the given one. What comes back is a tuple
        whose fields are named after the arguments of the pure function that applies it.
        """

    def apply(self, images: Tensor, draw: Any, /) -> Tensor:
        """Return images augmented by what was drawn; nothing else is random."""


class RandomMix(Mix, Protocol):
    """A mixture whose random numbers can be drawn beforehand: all of this package.

    `mix(images, targets)` is `mix.apply(images, targets, mix.draw(images.shape))`. A draw that is
    kept shows, tests or repeats what happened to a batch.
    """

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Any:
        """Draw all that is random for images of this shape, (B, C, H, W).

        It is drawn on the CPU, from torch's generator or the given one. What comes back is a tuple
        whose fields are named after the arguments of the pure function that applies it, or None
        for a batch that is left as it is.
        """

    def apply(self, images: Tensor, targets: Tensor, draw: Any, /) -> tuple[Tensor, Tensor]:
        """Return images and targets mixed by what was drawn; nothing else is random."""


class Objective(Protocol):
    """(model, images, targets) -> (loss, logits), such as `supervised(LabelSmoothingLoss(0.1))`.

    The model, float images (B, C, H, W) and rows of probabilities (B, K) -> what is minimised, a
    scalar with its gradient, and the model's logits (B, K).
    """

    def __call__(
        self, model: nn.Module, images: Tensor, targets: Tensor, /
    ) -> tuple[Tensor, Tensor]:
        """Run the model; return the loss and the logits."""


class OptimizerFactory(Protocol):
    """(model, learning rate) -> an optimizer over the model's parameters, such as `sgd`.

    The learning rate is the recipe's; the schedule's factor multiplies it from the first step on.
    """

    def __call__(self, model: nn.Module, lr: float, /) -> Optimizer:
        """Build the optimizer."""


class Schedule(Protocol):
    """time -> factor on the learning rate, such as `cosine_decay(length=10)`.

    A pure function. In a recipe, time is counted in epochs, 0 at the first step, and goes on within
    an epoch; the factor is a finite number of at least 0.
    """

    def __call__(self, time: float, /) -> float:
        """Return the factor at `time`."""


class StoppingRule(Protocol):
    """validation losses -> whether to stop, such as `EarlyStopping(patience=5)`.

    The losses, in nats, are one for each epoch so far, the last one last. The same losses get the
    same answer: a rule keeps nothing between calls.
    """

    def __call__(self, losses: Sequence[float], /) -> bool:
        """Say whether to stop after these losses."""
