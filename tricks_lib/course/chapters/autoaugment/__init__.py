"""Chapter 11: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/11_autoaugment.ipynb
"""

from dataclasses import replace

from tricks_lib.augment import AutoAugment
from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Apply to each image one of the 25 pairs that the paper found for CIFAR-10."""
    return replace(recipe, augment=AutoAugment("cifar10"))


CHAPTER = Chapter(
    __name__,
    number=11,
    title="AutoAugment",
    claim="A policy that was searched for makes a network better than none does, and better than "
    "one that nobody searched for.",
    says="Change each training image by a pair of operations, drawn from a list that a search has "
    "found.",
    plan=PLAN,
    before="Chapter 00; probabilities of independent events; what a variance is, for one fold.",
    minutes=60,
    minutes_for_all=120,
    seconds=60,
    switch=switch,
    use="the network memorises its training images, and you have looked at what every operation "
    "does to your labels.",
    avoid="an operation changes the label; where training is short or the network small, measure "
    "it first.",
    start="the policy of the data set that is most like yours, beside TrivialAugment, which has "
    "nothing to tune.",
    plain="x = [v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)(image) for image in x]",
    papers="Wide ResNet on CIFAR-10, test error: 3.87 % without, 3.08 % with Cutout, 2.68 % with "
    "AutoAugment and Cutout ([Cubuk et al. 2019](book/references.md#cubuk2019autoaugment), the "
    "version of 2018).",
)
