"""Chapter 15: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/15_dropout.ipynb
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
    """Switch units off with the paper's probability, 0.5: of the residual network the features
    before the classifier, of the fully connected one all hidden units."""
    if recipe.model is small_resnet:  # the line that the card shows
        return replace(recipe, model=partial(small_resnet, dropout=0.5))
    return replace(recipe, model=partial(recipe.model, dropout=0.5))  # type: ignore[call-arg]


CHAPTER = Chapter(
    __name__,
    number=15,
    title="Dropout",
    claim="Switch units off at random.",
    says="Switch units off at random in every training step, and none at test time.",
    plan=PLAN,
    use="TODO when to use it, in a line.",
    avoid="TODO when not to, in a line.",
    start="p = 0.5 after the hidden layers of a fully connected network.",
    plain="nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10))",
    papers="TODO what the papers report, with [author year](book/references.md#key).",
    before="TODO what a reader should know.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    switch=switch,
)
