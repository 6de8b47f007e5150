"""Chapter 05: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/05_label_smoothing.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Give a tenth of every target to all classes alike."""
    return replace(recipe, objective=supervised(LabelSmoothingLoss(epsilon=0.1)))


CHAPTER = Chapter(
    __name__,
    number=5,
    title="Label smoothing",
    claim="Targets that leave a little to every class make a network better calibrated.",
    plan=PLAN,
    before="Chapters 00 and 01; logarithms.",
    minutes=50,
    seconds=60,
    switch=switch,
)
