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
    """Shift brightness, contrast and saturation by up to 40 %; saturation where there is colour."""
    return replace(recipe, augment=ColorShift(brightness=0.4, contrast=0.4, saturation=0.4))


CHAPTER = Chapter(
    __name__,
    number=13,
    title="Colour shift and PCA colour",
    claim="Trained in shifted colours, a network does better on photographs under another light.",
    says="Show every training image a little brighter or darker, with another contrast, and paler "
    "or stronger in its colours.",
    plan=PLAN,
    before="Chapters 00 and 07; a covariance and its eigenvectors.",
    minutes=60,
    minutes_for_all=110,
    seconds=40,
    switch=switch,
    use="images will be darker than those to learn from; against lights of another colour, turn "
    "the hue over the whole circle, or standardise each image.",
    avoid="the label is about the colour, or images come in the light of the training images: no "
    "gain was seen there.",
    start="0.4 for brightness, contrast and saturation, and hue = 0.5 against coloured lights.",
    plain="x = torchvision.transforms.v2.ColorJitter(0.4, 0.4, 0.4)(x)",
    papers="on ImageNet PCA colour “reduces the top-1 error rate by over 1 %” "
    "([Krizhevsky et al. 2012](book/references.md#krizhevsky2012imagenet)); the amounts of 0.4 are "
    "those of [He et al. 2019](book/references.md#he2019bag), section 2.1.",
)
