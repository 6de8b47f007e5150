"""Chapter 03: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/03_decay.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import cosine_decay

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Let the learning rate fall along half a cosine."""
    return replace(recipe, schedule=cosine_decay(recipe.epochs))


CHAPTER = Chapter(
    __name__,
    number=3,
    title="Step, cosine, restarts",
    claim="A learning rate that falls to zero ends with a higher accuracy than a constant one.",
    says="Let the learning rate fall to zero by the end of training: in steps, or along a cosine.",
    plan=PLAN,
    before="Chapters 00 and 01; means and variances. Folds use a derivative and an integral.",
    minutes=60,
    minutes_for_all=120,
    seconds=60,
    switch=switch,
    use="the length of the training is fixed beforehand.",
    avoid="the length is not known, or the run may stop early: then average the weights of the "
    "last epochs.",
    start="half a cosine, or a straight line, to zero; tune the learning rate at the start.",
    plain="torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * steps)",
    papers="Cosine in place of steps, top-1 accuracy on ImageNet: +0.75 points for ResNet-50-D, "
    "+0.69 for Inception-V3, +0.93 for MobileNet ([He et al. 2019](book/references.md#he2019bag)). "
    "WRN-28-10 on CIFAR-10, test error, median of five runs: 4.24 % with steps, 3.86 % with one "
    "cosine, 4.03 % with restarts "
    "([Loshchilov and Hutter 2017](book/references.md#loshchilov2017sgdr)).",
)
