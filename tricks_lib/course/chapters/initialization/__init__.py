"""Chapter 17: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/17_initialization.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.models import he_, initialized
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Draw the first weights of the recipe's network as He et al. do."""
    return replace(recipe, model=partial(initialized, build=recipe.model, init=he_))


CHAPTER = Chapter(
    __name__,
    number=17,
    title="Initialisation",
    claim="A deep network without normalisation or shortcuts learns if its first weights keep the "
    "size of the signal from layer to layer.",
    says="Draw the first weights so large that a signal neither fades nor grows from layer to "
    "layer.",
    plan=PLAN,
    before="Chapter 00; mean and variance of a sum of independent numbers. The figures and the "
    "rivals name batch normalisation and shortcuts, which are explained where they come.",
    minutes=45,
    minutes_for_all=100,
    seconds=40,
    switch=switch,
    use="a network is deep and has neither normalisation nor shortcuts, or you write layers of "
    "your own.",
    avoid="each layer is normalised, there are shortcuts without normalisation, or weights are "
    "loaded: the start is then left as it is.",
    start="He for ReLU. On the first batch, look at the loss (near log K for K classes) and at the "
    "signal of each layer (about the same size).",
    plain='nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")',
    papers="He's start \"enables us to train extremely deep rectified models directly from "
    'scratch" ([He et al. 2015](book/references.md#he2015delving), abstract). Zero gamma (each '
    "block begins as its shortcut), ResNet-50 on ImageNet, top-1 error: 23.84 ± 0.18 % to "
    "23.60 ± 0.12 % with batches of 256 "
    "([Goyal et al. 2017](book/references.md#goyal2017accurate), table 2b).",
)
