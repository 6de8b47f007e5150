"""Chapter 14: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/14_weight_decay.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.optimizers import sgd
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "off", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Decay all parameters by 5e-4 under SGD, as is usual for CIFAR-10."""
    return replace(recipe, optimizer=partial(sgd, weight_decay=5e-4))


def off(recipe: Recipe, data: Data) -> Recipe:
    """Decay nothing."""
    optimizer = partial(recipe.optimizer, weight_decay=0.0)  # type: ignore[call-arg]
    return replace(recipe, optimizer=optimizer)


CHAPTER = Chapter(
    __name__,
    number=14,
    title="Weight decay: L2, L1, decoupled",
    claim="Trained with a pull of every weight towards zero, a network does better on new images.",
    says="At every step, take a small share off every weight.",
    plan=PLAN,
    use="the run is long enough to memorise its training images.",
    avoid="the run is short and the strength small: then decay has hardly begun.",
    start="λ = 5e-4 under SGD in long runs; in short ones, a λ that brings the dose (see "
    "Derivation) to 2 to 4.",
    plain="optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)",
    papers="leaving biases and normalisation layers out of the decay, ResNet-50 on ImageNet: "
    "76.37 % with decay on all, 76.03 % without these "
    "([He et al. 2019](book/references.md#he2019bag), table 4).",
    before="Chapters 00 and 03; gradients, and for the part on batch normalisation the chain rule.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    switch=switch,
    off=off,
)
