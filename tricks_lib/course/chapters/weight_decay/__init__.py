"""Chapter 14: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/14_weight_decay.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.optimizers.weight_decay import sgd_no_bias_decay
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """TODO say what it turns on, and with which setting: a published one, fit to the image size."""
    return replace(recipe, optimizer=partial(sgd_no_bias_decay, weight_decay=5e-4))


CHAPTER = Chapter(
    __name__,
    number=14,
    title="Weight decay: L2, L1, decoupled",
    claim="Keep the weights small.",
    says="TODO what the trick does, in plain words, for the landing page.",
    plan=PLAN,
    use="TODO when to use it, in a line.",
    avoid="TODO when not to, in a line.",
    start="TODO a setting to try first.",
    plain="TODO the line of plain PyTorch or torchvision",
    papers="TODO what the papers report, with [author year](book/references.md#key).",
    before="TODO what a reader should know.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    switch=switch,
)
