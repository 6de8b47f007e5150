"""Chapter 02: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_scaling

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Take batches four times as large, and scale the learning rate with them."""
    return replace(
        recipe,
        batch_size=4 * recipe.batch_size,
        lr=linear_scaling(recipe.lr, 4 * recipe.batch_size, reference=recipe.batch_size),
    )


CHAPTER = Chapter(
    __name__,
    number=2,
    title="Linear scaling",
    claim="With k times the batch, k times the learning rate ends with a higher accuracy than the "
    "unchanged one.",
    says="With k times as many images in a batch, take k times the learning rate.",
    plan=PLAN,
    before="Chapters 00 and 01; means and variances. Folds use covariances.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    switch=switch,
    use="batches must be large, to fill several devices, the run still has many steps, and there "
    "is no time to tune.",
    avoid="small batches fit; the run has few steps; or you can try a few learning rates at the "
    "large batch.",
    start="k times the *lowest* learning rate that is good at the small batch, with warmup; then "
    "try half and a quarter of that.",
    plain="torch.optim.SGD(model.parameters(), lr=0.1 * batch_size / 256, momentum=0.9)",
    papers="ResNet-50 on ImageNet, top-1 error over five runs: 23.60 ± 0.12 % with batches of 256; "
    "with 8,192 images 23.74 ± 0.09 % at 32 times the learning rate, 26.22 ± 0.03 % at the root of "
    "32 times, 41.67 ± 0.10 % at the unchanged one "
    "([Goyal et al. 2017](book/references.md#goyal2017accurate)).",
)
