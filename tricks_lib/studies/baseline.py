"""How far one seed moves the answer: twenty runs of the baseline beside twenty of a near twin.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import replace

from ..lab.data import load_data
from ..recipe import Recipe
from ..schedules import linear_decay
from .plan import StudyPlan

BASELINE = Recipe(epochs=10, lr=0.1, schedule=linear_decay(length=10))
"""The recipe that the course compares with, unless a chapter says otherwise."""

PLAN = StudyPlan(
    slug="baseline",
    recipes={
        "baseline": BASELINE,
        "half the rate": replace(BASELINE, lr=0.05),
    },
    data=load_data,
    seeds=20,
)
