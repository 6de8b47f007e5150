"""Chapter 07: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/07_cutout.ipynb
"""

from dataclasses import replace

from tricks_lib.augment import Cutout
from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Hide a square of half the image's shorter side, as the paper does for CIFAR-10."""
    return replace(recipe, augment=Cutout(size=min(data.image_size) // 2))


CHAPTER = Chapter(
    __name__,
    number=7,
    title="Cutout",
    claim="Hiding a square of every training image improves the accuracy on whole test images.",
    plan=PLAN,
    before="Chapters 00 and 01; sums and probabilities.",
    minutes=50,
    seconds=60,
    switch=switch,
)
