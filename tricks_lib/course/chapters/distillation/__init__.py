"""Chapter 06: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/06_distillation.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.objectives import Distillation
from tricks_lib.recipe import Recipe

from .study import OTHER_START, PLAN
from .teachers import trained

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Train a teacher by the same recipe first, and let the next network listen to it. A teacher
    that saw more images does more: see the chapter."""
    teacher = trained(recipe, data, seed=OTHER_START)
    return replace(recipe, objective=Distillation(teacher, temperature=4.0, alpha=0.9))


CHAPTER = Chapter(
    __name__,
    number=6,
    title="Knowledge distillation",
    claim="A network that learns from another one's probabilities does better than with labels "
    "alone.",
    says="Train a network, the student, on the probabilities that another one, the teacher, gives "
    "to all classes, beside the labels.",
    plan=PLAN,
    before="Chapter 00; e^x ≈ 1 + x for small x. The text quotes the gradient of the cross-entropy "
    "from chapter 05, and introduces the Kullback-Leibler divergence.",
    minutes=60,
    minutes_for_all=130,
    seconds=40,
    switch=switch,
    use="you have few labels, and a network that saw many more images than you have; best on many "
    "images without labels.",
    avoid="the teacher saw no more than the student, or your labels are many: no gain in accuracy "
    "was seen there.",
    start="T = 4, α = 0.9; tune the learning rate anew.",
    plain="F.kl_div((z / T).log_softmax(1), (r / T).log_softmax(1), reduction='batchmean', "
    "log_target=True) * T**2",
    papers="Top-1 accuracy on ImageNet: ResNet-50-D 78.31 to 78.67 %, Inception-V3 78.40 to "
    "78.26 %, MobileNet 72.93 to 71.97 % ([He et al. 2019](book/references.md#he2019bag)). Test "
    "errors on MNIST: 146 alone, 74 with a teacher that has 67 "
    "([Hinton et al. 2015](book/references.md#hinton2015distilling), as quoted in public notes).",
)
