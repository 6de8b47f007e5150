"""Chapter 05: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/05_label_smoothing.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.objectives import LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Give a tenth of every target to all classes alike."""
    return replace(recipe, objective=supervised(LabelSmoothingLoss(epsilon=0.1)))


CHAPTER = Chapter(
    __name__,
    number=5,
    title="Label smoothing",
    claim="Targets that leave a little to every class make an over-confident network better "
    "calibrated.",
    says="It takes a tenth of every target away from the label's class and hands it out to all "
    "classes, so that the network is never asked for certainty.",
    plan=PLAN,
    before="Chapter 00 (accuracy, calibration, intervals); softmax, logarithms, the gradient of a "
    "sum. The folds also use a variance and two lines of linear algebra.",
    minutes=60,
    minutes_for_all=120,
    seconds=60,
    seconds_on_gpu=13,
    switch=switch,
    use="the network is over-confident by ten points or so, and you cannot hold back labelled "
    "images for a temperature.",
    avoid="it is under-confident, well calibrated, or over-confident by a few points only: measure "
    "first.",
    start="ε = 0.1; 0.05 if calibration matters most.",
    plain="F.cross_entropy(logits, labels, label_smoothing=0.1)",
    papers="Top-1 accuracy on ImageNet with ε = 0.1: +0.40 points for ResNet-50-D, +0.21 for "
    "Inception-V3, +0.10 for MobileNet ([He et al. 2019](book/references.md#he2019bag)); about "
    "+0.2 for Inception-v3 ([Szegedy et al. 2016](book/references.md#szegedy2016rethinking)).",
)
