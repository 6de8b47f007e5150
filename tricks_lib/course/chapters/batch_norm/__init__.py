"""Chapter 18: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/18_batch_norm.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.models import small_resnet
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "off", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Follow every convolution of the course's network by batch normalisation."""
    return replace(recipe, model=partial(small_resnet, batch_norm=True))


def off(recipe: Recipe, data: Data) -> Recipe:
    """Leave the layers out of a network that can do without them."""
    return replace(recipe, model=partial(recipe.model, batch_norm=False))  # type: ignore[call-arg]


CHAPTER = Chapter(
    __name__,
    number=18,
    title="Batch normalisation",
    claim="Give every channel mean 0 and standard deviation 1, and larger learning rates train.",
    says="Bring every channel to mean 0 and standard deviation 1 over the batch, then let the "
    "network learn a scale and a shift.",
    plan=PLAN,
    use="you train a convolutional network on shuffled batches, above all where time is short.",
    avoid="the images of a batch belong together (frames of a video, one class), or come one by "
    "one.",
    start="after each convolution, before the activation, with PyTorch's defaults; tune the "
    "learning rate anew.",
    plain="nn.Sequential(nn.Conv2d(16, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU())",
    papers="On ImageNet the same accuracy with 14 times fewer training steps "
    "([Ioffe and Szegedy 2015](book/references.md#ioffe2015batch), abstract); in batches of 2, an "
    "error 10.6 points lower with group normalisation "
    "([Wu and He 2018](book/references.md#wu2018group), abstract).",
    before="Chapter 00; mean and variance; the chain rule. Chapter 17 helps.",
    minutes=60,
    minutes_for_all=110,
    seconds=40,
    switch=switch,
    off=off,
)
