"""Dropout: TODO where it is measured, and against which rival.

Chapter: notebooks/15_dropout.ipynb
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import OwnImages
from tricks_lib.models.dropout import dropout
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

WITHOUT = Recipe(epochs=4, batch_size=64, schedule=linear_decay(4))


@cache
def data() -> Data:
    """TODO say which images, and why as many: 8,000 to draw from, 2,000 to judge by."""
    return load_data("fashion-mini").subset(test=2000)


PLAN = StudyPlan(
    path=RESULTS / "dropout.jsonl",
    recipes={
        "none": WITHOUT,
        "dropout": replace(WITHOUT, model=dropout),
        # TODO the cheapest rival that does the same job.
    },
    data=OwnImages(data, train=1000),
    seeds=5,
    headline=Headline("dropout", "accuracy", "TODO the setting in a few words"),
    rivals=(),  # TODO the trick against its cheapest rival: Headline(..., against="...")
)
