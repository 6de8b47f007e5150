"""Policies of one's own: how they are drawn at random, and the one that this chapter's search kept.

Chapter: notebooks/11_autoaugment.ipynb
"""

import torch
from torch import Generator

from tricks_lib.augment.autoaugment import NAMES, WITH_MAGNITUDE, Operation, Policy

__all__ = ["FOUND", "OPERATIONS", "PAIRS", "draw_operation", "draw_policy", "one_operation"]

OPERATIONS = NAMES[1:]
"""The 14 operations of the search: all but Identity."""

PAIRS = 5
"""Sub-policies in one policy of the search, as in the paper."""


def draw_operation(generator: Generator) -> Operation:
    """Draw an operation, one of 11 probabilities and one of 10 magnitudes, all equally likely."""
    which, tenths, index = (
        int(torch.randint(most, (), generator=generator)) for most in (len(OPERATIONS), 11, 10)
    )
    name = OPERATIONS[which]
    return name, tenths / 10, index if name in WITH_MAGNITUDE else None


def draw_policy(seed: int, pairs: int = PAIRS) -> Policy:
    """Draw a policy of so many pairs of operations.

    Args:
        seed: fixes the policy.
        pairs: how many.
    """
    draws = torch.Generator().manual_seed(seed)
    return tuple((draw_operation(draws), draw_operation(draws)) for _ in range(pairs))


def one_operation(name: str, probability: float, magnitude: int | None) -> Policy:
    """Return a policy of a single operation: the second of its only pair is never applied."""
    return (((name, probability, magnitude), ("Identity", 0.0, None)),)


FOUND: Policy = draw_policy(1)
"""What the search of this chapter kept: the pairs of its five best policies, the best first. A test
holds it to the recorded search."""
