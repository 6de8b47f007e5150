"""The recipe that the course compares with, unless a chapter says otherwise.

Chapter: notebooks/00_baseline.ipynb
"""

from ..recipe import Recipe
from ..schedules import linear_decay

__all__ = ["BASELINE"]

BASELINE = Recipe(epochs=10, lr=0.1, schedule=linear_decay(length=10))
"""Ten epochs, a learning rate that falls to zero in a straight line, and no trick."""
