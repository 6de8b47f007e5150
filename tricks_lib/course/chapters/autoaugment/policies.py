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


FOUND: Policy = (
    # policy 3
    (("Equalize", 0.8, None), ("AutoContrast", 0.6, None)),
    (("TranslateX", 0.3, 1), ("Contrast", 0.8, 1)),
    (("Contrast", 0.4, 6), ("Posterize", 0.3, 4)),
    (("Color", 0.5, 6), ("Invert", 0.1, None)),
    (("TranslateX", 0.5, 7), ("Equalize", 0.4, None)),
    # policy 12
    (("Brightness", 0.1, 2), ("Posterize", 0.0, 6)),
    (("AutoContrast", 0.1, None), ("Sharpness", 0.9, 3)),
    (("Sharpness", 0.0, 9), ("TranslateY", 0.1, 7)),
    (("Equalize", 0.7, None), ("ShearY", 0.2, 4)),
    (("Invert", 0.1, None), ("Contrast", 0.5, 6)),
    # policy 16
    (("Contrast", 0.8, 5), ("Brightness", 0.9, 3)),
    (("Rotate", 0.6, 9), ("Rotate", 0.9, 0)),
    (("Rotate", 0.8, 2), ("Solarize", 0.7, 8)),
    (("Sharpness", 0.2, 9), ("TranslateY", 0.8, 2)),
    (("Color", 0.8, 9), ("AutoContrast", 0.8, None)),
    # policy 4
    (("Solarize", 0.1, 1), ("TranslateY", 0.4, 6)),
    (("Posterize", 1.0, 2), ("Contrast", 0.3, 6)),
    (("Brightness", 0.1, 0), ("Contrast", 0.7, 3)),
    (("Rotate", 0.5, 8), ("Color", 0.1, 4)),
    (("TranslateX", 1.0, 1), ("Sharpness", 0.8, 7)),
    # policy 13
    (("Solarize", 0.5, 4), ("Solarize", 0.1, 6)),
    (("Sharpness", 0.2, 4), ("TranslateX", 0.8, 6)),
    (("Rotate", 0.2, 4), ("Equalize", 0.2, None)),
    (("AutoContrast", 0.8, None), ("AutoContrast", 0.4, None)),
    (("Rotate", 0.0, 5), ("Brightness", 0.0, 4)),
)
"""What the search of this chapter kept: the pairs of its five best policies, the best first. A test
holds it to the recorded search."""
