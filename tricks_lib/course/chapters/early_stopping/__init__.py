"""Chapter 16: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/16_early_stopping.ipynb
"""

from dataclasses import replace

from tricks_lib.course.chapter import Chapter
from tricks_lib.lab.data import Data
from tricks_lib.recipe import Recipe
from tricks_lib.stopping import EarlyStopping

from .study import PLAN

__all__ = ["CHAPTER", "switch"]


def switch(recipe: Recipe, data: Data) -> Recipe:
    """Stop when the validation loss has not fallen for five epochs; the data needs a validation
    split."""
    return replace(recipe, stop=EarlyStopping(patience=5))


CHAPTER = Chapter(
    __name__,
    number=16,
    title="Early stopping",
    claim="Where labels are wrong, a run that stops in time ends with a higher accuracy than one "
    "that goes on.",
    says="Stop when the loss on images held back has not fallen for a while; keep the best epoch.",
    plan=PLAN,
    before="Chapter 00, and the standard deviation of a proportion. The derivation uses "
    "eigenvalues.",
    minutes=55,
    minutes_for_all=110,
    seconds=40,
    switch=switch,
    use="labels may be wrong, the network can memorise them, and nobody knows the right length.",
    avoid="the labels are right and accuracy is what counts, or the learning rate falls on a "
    "schedule: then choose its length.",
    start="a patience of 5 epochs on the validation loss; then train again, on a cosine as long as "
    "the epoch that was kept.",
    plain="if loss < smallest: smallest, best = loss, deepcopy(model.state_dict())",
    papers="1,296 runs of small networks on 12 problems: the slower rules generalise better by "
    "about 4 % on average, and train about 4 times as long "
    "([Prechelt 1998](book/references.md#prechelt1998early)).",
)
