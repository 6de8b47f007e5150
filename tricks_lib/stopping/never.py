"""The empty value of the slot `stop`.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Sequence

__all__ = ["never"]


def never(losses: Sequence[float]) -> bool:
    """Train for as many epochs as the recipe says."""
    return False
