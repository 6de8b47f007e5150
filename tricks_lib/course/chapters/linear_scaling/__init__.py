"""Chapter 02: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_scaling

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Take batches four times as large, and scale the learning rate with them."""
    return replace(
        recipe,
        batch_size=4 * recipe.batch_size,
        lr=linear_scaling(recipe.lr, 4 * recipe.batch_size, reference=recipe.batch_size),
    )


CHAPTER = Chapter(
    __name__,
    number=2,
    title="Linear scaling",
    claim="With k times the batch, k times the learning rate ends with a lower training loss than "
    "the unchanged one.",
    plan=PLAN,
    before="Chapters 00 and 01; mean and variance.",
    minutes=50,
    seconds=60,
    switch=switch,
)
