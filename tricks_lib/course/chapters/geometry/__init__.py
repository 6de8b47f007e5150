"""Chapter 12: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/12_geometry.ipynb
"""

from dataclasses import replace

from tricks_lib.augment import Compose, HorizontalFlip, RandomCrop
from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Move every image by up to an eighth of its side, 4 pixels of 32, and mirror every second."""
    padding = max(1, min(data.image_size) // 8)
    return replace(recipe, augment=Compose(RandomCrop(padding), HorizontalFlip()))


CHAPTER = Chapter(
    __name__,
    number=12,
    title="Crop, mirror, rotate",
    claim="Show every image anew.",
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
