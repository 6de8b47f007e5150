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
    claim="A network that sees every image in a new version each time does better on images that "
    "it has not seen.",
    says="Show every training image a little moved, mirrored or turned, with the same label.",
    plan=PLAN,
    use="images are photographs, in which place and direction do not matter, and the run is long.",
    avoid="place, direction or angle means something; or all images are aligned (one place, one "
    "direction) and the run is short.",
    start="padding of an eighth of the side, 4 pixels of 32, and the mirror for half of the "
    "images.",
    plain="v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()])",
    papers="ResNet-18 on CIFAR-10, test error: 10.63 ± 0.26 % without, 4.72 ± 0.21 % with crop "
    "and mirror, 5 runs ([DeVries and Taylor 2017](book/references.md#devries2017improved)).",
    before="Chapter 00; means, and that a convex function of a mean is at most the mean of the "
    "function.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    switch=switch,
)
