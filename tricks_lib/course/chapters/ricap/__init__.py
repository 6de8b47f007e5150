"""Chapter 10: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/10_ricap.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.mix import RICAP
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Patch every image from crops of four, with the paper's shape."""
    return replace(recipe, mix=RICAP(beta=0.3))


CHAPTER = Chapter(
    __name__,
    number=10,
    title="RICAP",
    claim="Trained on patchworks of four images, a network does better on whole ones.",
    says="Train on patchworks of four random crops, with their labels mixed by area.",
    plan=PLAN,
    before="Chapters 00 and 05, and best 09; independent random numbers. A fold uses the gamma "
    "function.",
    minutes=60,
    minutes_for_all=120,
    seconds=60,
    switch=switch,
    use="labels are doubtful and the run is long; try crop and mirror, and stopping early, first.",
    avoid="runs are short, or a crop misses what the label is about.",
    start="β = 0.3, the paper's.",
    plain="x = torch.cat([torch.cat(crops[:2], 3), torch.cat(crops[2:], 3)], 2)",
    papers="WideResNet-28-10 on CIFAR-10, test error: 3.89 % without, 2.85 ± 0.06 % with RICAP; on "
    "ImageNet a gain of 0.8 points after 100 epochs and 1.5 after 200 "
    "([Takahashi et al. 2020](book/references.md#takahashi2020data), the authors' README).",
)
