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
    says="Hide a square of every training image, at a place drawn anew each time.",
    plan=PLAN,
    before="Chapter 00; sums, and means of independent draws. One fold uses Bayes' rule, another "
    "one variances.",
    minutes=60,
    minutes_for_all=130,
    seconds=60,
    switch=switch,
    use="something like the square may stand in front of the objects. On whole images: perhaps, in "
    "a long run on few images.",
    avoid="a small part decides the label; and not on top of crop and mirror before the training "
    "images are learnt: there it cost accuracy.",
    start="a square of half the image's side, in the mean colour; the authors take a quarter for "
    "CIFAR-100.",
    plain="v2.RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))  # after Normalize; the "
    "square is never cut off",
    papers="ResNet-18 with crop and mirror, test error over five runs: CIFAR-10 4.72 % without, "
    "3.99 % with; CIFAR-100 22.46 % without, 21.96 % with "
    "([DeVries and Taylor 2017](book/references.md#devries2017improved), the authors' README).",
)
