"""Chapter 04: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/04_adabound.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.optimizers import adabound
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Start as Adam; a limit of ten times the learning rate ends as SGD with momentum 0.9."""
    return replace(
        recipe,
        lr=1e-3,
        optimizer=partial(adabound, final_lr=10 * recipe.lr, weight_decay=5e-4),
    )


CHAPTER = Chapter(
    __name__,
    number=4,
    title="AdaBound, read critically",
    claim="An optimizer that starts as Adam and ends as SGD reaches a higher accuracy than SGD.",
    says="Start as Adam and end as SGD: bounds around each weight's learning rate close on one "
    "value.",
    plan=PLAN,
    before="Chapters 00 and 01; momentum, a running average.",
    minutes=50,
    minutes_for_all=100,
    seconds=60,
    switch=switch,
    use="the run is long, you would use Adam, and can search two more numbers; in no setting of "
    "ours was it seen to pay.",
    avoid="your SGD or Adam is tuned already.",
    start="both learning rates and the speed searched, the speed from 1 / steps on; as published: "
    "0.001, a limit of 0.1, a speed of 0.001.",
    plain="adabound.AdaBound(model.parameters(), lr=1e-3, final_lr=0.1)",
    papers="ResNet-34 on CIFAR-10, one run each, test accuracy at the end: AdaBound 94.86 %, SGD "
    "92.64 % (94.64 % at its best) "
    "([Luo et al. 2019](book/references.md#luo2019adaptive), the authors' stored curves).",
)
