"""Chapter 09: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/09_mixup.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.mix import Mixup
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Blend every image with another one, by a weight that is uniform between 0 and 1."""
    return replace(recipe, mix=Mixup(alpha=1.0))


CHAPTER = Chapter(
    __name__,
    number=9,
    title="Mixup",
    claim="Trained on blends of two images and their labels, a network does better on whole ones.",
    plan=PLAN,
    before="Chapters 00 and 01; expectations; 05 helps.",
    minutes=50,
    seconds=60,
    switch=switch,
)
