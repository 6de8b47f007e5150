"""Chapter 13: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/13_color.ipynb
"""

from dataclasses import replace

from tricks_lib.augment import ColorShift
from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """TODO say what it turns on, and with which setting: a published one, fit to the image size."""
    return replace(recipe, augment=ColorShift())


CHAPTER = Chapter(
    __name__,
    number=13,
    title="Colour shift and PCA colour",
    claim="Show every image in another light.",
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
