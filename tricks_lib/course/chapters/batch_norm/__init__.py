"""Chapter 18: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/18_batch_norm.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.models import small_resnet
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Follow every convolution of the course's network by batch normalisation."""
    return replace(recipe, model=partial(small_resnet, batch_norm=True))


CHAPTER = Chapter(
    __name__,
    number=18,
    title="Batch normalisation",
    claim="Give every channel mean 0 and deviation 1.",
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
