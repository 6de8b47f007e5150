"""Chapter 01: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/01_warmup.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import gradual_warmup, linear_decay

from .claims import GOYAL
from .study import HASTY, HELD, PLAN, WARM

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Rise for a tenth of the training, then let the learning rate fall to zero in a straight
    line."""
    return replace(
        recipe, schedule=gradual_warmup(0.1 * recipe.epochs, linear_decay(0.9 * recipe.epochs))
    )


def printed(arm: str) -> str:
    """Return an error of Goyal et al. 2017 with its deviation, as in their table."""
    error, deviation = GOYAL[arm]
    return f"{error:.2f} ± {deviation:.2f}"


CHAPTER = Chapter(
    __name__,
    number=1,
    title="Warmup",
    claim="At a learning rate that is too large for the first steps, gradual warmup ends at a "
    "higher test accuracy than no warmup.",
    says="Start with a small learning rate and raise it to the full one over the first part of "
    "training.",
    plan=PLAN,
    before="Chapter 00; the derivative of a parabola; what an eigenvalue of a matrix is. One fold "
    "uses complex numbers.",
    minutes=60,
    minutes_for_all=150,
    seconds=40,
    seconds_on_gpu=9,
    switch=switch,
    use="the loss rises in the first steps, as it may with large batches and a learning rate "
    "scaled up for them, and you want to keep that learning rate.",
    avoid="a smaller learning rate will do (try that first: in the chapter's own setting 0.2 does "
    "better), or the first steps are stable anyway.",
    start="a straight line from near zero over 5 of 120 epochs (He et al. 2019), or over a tenth "
    "of a short run.",
    plain="SequentialLR(opt, [LinearLR(opt, 1 / 16, total_iters=15), "
    "CosineAnnealingLR(opt, T_max=45)], milestones=[15])",
    papers="ResNet-50 on ImageNet, batches of 8,192, top-1 error over five runs: "
    f"{printed(WARM)} % with gradual warmup, {printed(HASTY)} % without, {printed(HELD)} % with "
    "constant warmup ([Goyal et al. 2017](book/references.md#goyal2017accurate)). The first warmup "
    "of all did not change the final accuracy "
    "([He et al. 2016](book/references.md#he2016deep)).",
)
