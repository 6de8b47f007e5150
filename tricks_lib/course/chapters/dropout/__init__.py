"""Chapter 15: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/15_dropout.ipynb
"""

from dataclasses import replace
from functools import partial

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.models import small_resnet
from tricks_lib.recipe import Recipe

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Switch units off with the paper's probability, 0.5: of the residual network the features
    before the classifier, of the fully connected one all hidden units."""
    if recipe.model is small_resnet:  # the line that the card shows
        return replace(recipe, model=partial(small_resnet, dropout=0.5))
    return replace(recipe, model=partial(recipe.model, dropout=0.5))  # type: ignore[call-arg]


CHAPTER = Chapter(
    __name__,
    number=15,
    title="Dropout",
    claim="A network that memorises does better on new images if units are switched off at random "
    "in training.",
    says="Switch units off at random in every training step, and none at test time.",
    plan=PLAN,
    before="Chapter 00, best also 14; mean and variance of independent random numbers. A fold uses "
    "the logarithm of softmax.",
    minutes=60,
    minutes_for_all=110,
    seconds=40,
    switch=switch,
    use="a large fully connected network memorises and the run cannot be shortened; try fewer "
    "epochs, a lower learning rate or weight decay first.",
    avoid="runs are short, and the network is still learning its training images.",
    start="p = 0.5 after the hidden layers of a fully connected network, the paper's.",
    plain="nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.5), "
    "nn.Linear(512, 10))",
    papers="A convolutional network on CIFAR-10 without augmentation, test error: 14.51 % without, "
    "10.41 % with dropout ([Lin et al. 2013](book/references.md#lin2013network)).",
)
