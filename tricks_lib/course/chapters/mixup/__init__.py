"""Chapter 09: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/09_mixup.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.mix import Mixup
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Blend every image with another one, by a weight that is mostly near 0 or 1."""
    return replace(recipe, mix=Mixup(alpha=0.2))


CHAPTER = Chapter(
    __name__,
    number=9,
    title="Mixup",
    claim="Trained on blends of two images and their labels, a network does better on whole ones.",
    says="Train on blends of two images, with the same blend of their labels.",
    plan=PLAN,
    before="Chapters 00 and 05; an integral of λ log λ. Two folds use the gamma function and point "
    "masses.",
    minutes=60,
    minutes_for_all=150,
    seconds=60,
    seconds_on_gpu=18,
    switch=switch,
    use="the network has memorised its training images and is over-confident; compare it with a "
    "temperature and with CutMix.",
    avoid="training images are still being learnt (short runs; crop and mirror), or a blend of two "
    "classes looks like a third.",
    start="α = 0.2. (The paper has 1 for CIFAR-10, with networks that fit their training images.)",
    plain="images, targets = v2.MixUp(alpha=0.2, num_classes=10)(images, labels)",
    papers="PreAct-ResNet-18 on CIFAR-10, test error: 5.6 % without mixup, 4.2 % with "
    "([Zhang et al. 2018](book/references.md#zhang2018mixup), as quoted in public notes). "
    "ResNet-50 on ImageNet: 23.68 % without, 22.58 % with mixup, 21.40 % with CutMix "
    "([Yun et al. 2019](book/references.md#yun2019cutmix), the authors' README).",
)
