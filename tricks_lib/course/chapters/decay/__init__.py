"""Chapter 03: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/03_decay.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import cosine_decay

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Let the learning rate fall along half a cosine."""
    return replace(recipe, schedule=cosine_decay(recipe.epochs))


CHAPTER = Chapter(
    __name__,
    number=3,
    title="Step, cosine, restarts",
    claim="A learning rate that falls to zero ends with a higher accuracy than a constant one.",
    plan=PLAN,
    before="Chapters 00 and 01; sums and a derivative.",
    minutes=45,
    seconds=60,
    switch=switch,
)
