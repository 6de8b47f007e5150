"""Chapter 16: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/16_early_stopping.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.stopping.early_stopping import EarlyStopping

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """TODO say what it turns on, and with which setting: a published one, fit to the image size."""
    return replace(recipe, stop=EarlyStopping())


CHAPTER = Chapter(
    __name__,
    number=16,
    title="Early stopping",
    claim="Stop when validation stops improving.",
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
