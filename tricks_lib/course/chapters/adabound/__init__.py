"""Chapter 04: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/04_adabound.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.optimizers import adabound
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Start as Adam; a limit of ten times the learning rate ends as SGD with momentum 0.9."""
    return replace(
        recipe,
        lr=1e-3,
        optimizer=partial(adabound, final_lr=10 * recipe.lr, weight_decay=5e-4),
    )


CHAPTER = Chapter(
    __name__,
    number=4,
    title="AdaBound, read critically",
    claim="An optimizer that starts as Adam and ends as SGD reaches a higher accuracy than SGD.",
    plan=PLAN,
    before="Chapters 00 and 01; momentum.",
    minutes=50,
    seconds=60,
    switch=switch,
)
