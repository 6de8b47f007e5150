"""Chapter 01: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/01_warmup.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import gradual_warmup, linear_decay

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Rise for a tenth of the training, then let the rate fall to zero in a straight line."""
    return replace(
        recipe, schedule=gradual_warmup(0.1 * recipe.epochs, linear_decay(0.9 * recipe.epochs))
    )


CHAPTER = Chapter(
    __name__,
    number=1,
    title="Warmup",
    claim="A small learning rate for the first steps lets a large one work afterwards.",
    plan=PLAN,
    before="Chapter 00; derivatives.",
    minutes=45,
    seconds=60,
    switch=switch,
)
