"""Chapter 08: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/08_random_erasing.ipynb
"""

from dataclasses import replace

from tricks_lib.augment import RandomErasing
from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Erase 2 to 40 % of half of the images, with random pixels, as in the paper."""
    return replace(recipe, augment=RandomErasing(p=0.5, area=(0.02, 0.4)))


CHAPTER = Chapter(
    __name__,
    number=8,
    title="Random Erasing",
    claim="Trained on images of which a rectangle is erased, a network does better on whole ones "
    "and on hidden ones.",
    says="Erase a rectangle of random size, shape and place in half of the training images.",
    plan=PLAN,
    before="Chapters 00 and 07; square roots, and the mean of a uniform distribution. One fold "
    "integrates a logarithm.",
    minutes=60,
    minutes_for_all=130,
    seconds=60,
    switch=switch,
    use="something may stand in front of the objects, or the network has memorised its training "
    "images; choose the fill after what will hide the objects.",
    avoid="a small part decides the label, training is short, or what hides the objects at test "
    "time looks unlike the fill.",
    start="p = 0.5, area 0.02 to 0.4, ratio 0.3 to 1/0.3 (the paper's), the fill by where it "
    "stands: see Derivation.",
    plain='x = torch.stack([v2.RandomErasing(0.5, (0.02, 0.4), value="random")(i) for i in x])',
    papers="ResNet-20 on Fashion-MNIST, test error: 4.39 % without, 4.02 % with; on CIFAR-10 7.21 "
    "and 6.73 % ([Zhong et al. 2020](book/references.md#zhong2020random), the authors' README).",
)
