"""AutoAugment: a policy of augmentations that a search has found.

Chapter: notebooks/11_autoaugment.ipynb
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops import tones
from ..ops.arguments import check_count, check_number
from ..ops.color import check_finite
from ..ops.pixels import (
    Fill,
    batch_size,
    check_channels,
    check_draws,
    check_fill,
    check_inside,
    fill_color,
    mean_fill,
    on_batches,
    take_rows,
)
from ..ops.transform import RandomTransform
from ..ops.warp import move
from .color import adjust_brightness, adjust_contrast, adjust_saturation

__all__ = [
    "GEOMETRIC",
    "NAMES",
    "POLICIES",
    "SIGNED",
    "TONAL",
    "AutoAugment",
    "Operation",
    "Policy",
    "apply_operations",
    "largest",
    "magnitudes",
    "matrix",
]

Operation = tuple[str, float, int | None]
"""Name, probability, and index 0 ... 9 of the magnitude, None for an operation without one."""

Policy = tuple[tuple[Operation, Operation], ...]

POLICIES: dict[str, Policy] = {
    "cifar10": (
        (("Invert", 0.1, None), ("Contrast", 0.2, 6)),
        (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
        (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
        (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.5, None), ("Equalize", 0.9, None)),
        (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
        (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
        (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
        (("Equalize", 0.6, None), ("Equalize", 0.5, None)),
        (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
        (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
        (("Equalize", 0.3, None), ("AutoContrast", 0.4, None)),
        (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
        (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
        (("Solarize", 0.5, 2), ("Invert", 0.0, None)),
        (("Equalize", 0.2, None), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.2, None), ("Equalize", 0.6, None)),
        (("Color", 0.9, 9), ("Equalize", 0.6, None)),
        (("AutoContrast", 0.8, None), ("Solarize", 0.2, 8)),
        (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
        (("Solarize", 0.4, 5), ("AutoContrast", 0.9, None)),
        (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.9, None), ("Solarize", 0.8, 3)),
        (("Equalize", 0.8, None), ("Invert", 0.1, None)),
        (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, None)),
    ),
    "svhn": (
        (("ShearX", 0.9, 4), ("Invert", 0.2, None)),
        (("ShearY", 0.9, 8), ("Invert", 0.7, None)),
        (("Equalize", 0.6, None), ("Solarize", 0.6, 6)),
        (("Invert", 0.9, None), ("Equalize", 0.6, None)),
        (("Equalize", 0.6, None), ("Rotate", 0.9, 3)),
        (("ShearX", 0.9, 4), ("AutoContrast", 0.8, None)),
        (("ShearY", 0.9, 8), ("Invert", 0.4, None)),
        (("ShearY", 0.9, 5), ("Solarize", 0.2, 6)),
        (("Invert", 0.9, None), ("AutoContrast", 0.8, None)),
        (("Equalize", 0.6, None), ("Rotate", 0.9, 3)),
        (("ShearX", 0.9, 4), ("Solarize", 0.3, 3)),
        (("ShearY", 0.8, 8), ("Invert", 0.7, None)),
        (("Equalize", 0.9, None), ("TranslateY", 0.6, 6)),
        (("Invert", 0.9, None), ("Equalize", 0.6, None)),
        (("Contrast", 0.3, 3), ("Rotate", 0.8, 4)),
        (("Invert", 0.8, None), ("TranslateY", 0.0, 2)),
        (("ShearY", 0.7, 6), ("Solarize", 0.4, 8)),
        (("Invert", 0.6, None), ("Rotate", 0.8, 4)),
        (("ShearY", 0.3, 7), ("TranslateX", 0.9, 3)),
        (("ShearX", 0.1, 6), ("Invert", 0.6, None)),
        (("Solarize", 0.7, 2), ("TranslateY", 0.6, 7)),
        (("ShearY", 0.8, 4), ("Invert", 0.8, None)),
        (("ShearX", 0.7, 9), ("TranslateY", 0.8, 3)),
        (("ShearY", 0.8, 5), ("AutoContrast", 0.7, None)),
        (("ShearX", 0.7, 2), ("Invert", 0.1, None)),
    ),
    "imagenet": (
        (("Posterize", 0.4, 8), ("Rotate", 0.6, 9)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
        (("Posterize", 0.6, 7), ("Posterize", 0.6, 6)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Equalize", 0.4, None), ("Rotate", 0.8, 8)),
        (("Solarize", 0.6, 3), ("Equalize", 0.6, None)),
        (("Posterize", 0.8, 5), ("Equalize", 1.0, None)),
        (("Rotate", 0.2, 3), ("Solarize", 0.6, 8)),
        (("Equalize", 0.6, None), ("Posterize", 0.4, 6)),
        (("Rotate", 0.8, 8), ("Color", 0.4, 0)),
        (("Rotate", 0.4, 9), ("Equalize", 0.6, None)),
        (("Equalize", 0.0, None), ("Equalize", 0.8, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Rotate", 0.8, 8), ("Color", 1.0, 2)),
        (("Color", 0.8, 8), ("Solarize", 0.8, 7)),
        (("Sharpness", 0.4, 7), ("Invert", 0.6, None)),
        (("ShearX", 0.6, 5), ("Equalize", 1.0, None)),
        (("Color", 0.4, 0), ("Equalize", 0.6, None)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
    ),
}
"""The published policies. Each sub-policy has two operations, one after the other."""

GEOMETRIC = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")

TONAL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Brightness": lambda images, amount: adjust_brightness(images, 1 + amount),
    "Color": lambda images, amount: adjust_saturation(images, 1 + amount),
    "Contrast": lambda images, amount: adjust_contrast(images, 1 + amount),
    "Sharpness": lambda images, amount: tones.sharpen(images, 1 + amount),
    "Posterize": tones.posterize,
    "Solarize": lambda images, share: tones.solarize(images, 255 * share),
    "AutoContrast": lambda images, _: tones.auto_contrast(images),
    "Equalize": lambda images, _: tones.equalize(images),
    "Invert": lambda images, _: tones.invert(images),
}
"""What each other operation does to images, uint8 (B, C, H, W), and amounts, float64 (B,)."""

NAMES = ("Identity", *GEOMETRIC, *TONAL)
"""All operations: a draw has their numbers in this list."""

SIGNED = (*GEOMETRIC, "Brightness", "Color", "Contrast", "Sharpness")
"""Operations that go either way."""


# --- How much ---


def largest(height: int, width: int) -> dict[str, float]:
    """Return the magnitude of index 9 of each operation that has one, in images of a size.

    Shears are in pixels across for each pixel down, translations in pixels (the search used images
    of 331), rotations in degrees; Brightness to Sharpness change a factor of 1 by so much;
    Posterize takes away so many bits; Solarize inverts the brightest so large a share of all
    values.
    """
    return {
        "ShearX": 0.3,
        "ShearY": 0.3,
        "TranslateX": 150 / 331 * width,
        "TranslateY": 150 / 331 * height,
        "Rotate": 30.0,
        "Brightness": 0.9,
        "Color": 0.9,
        "Contrast": 0.9,
        "Sharpness": 0.9,
        "Posterize": 4.0,
        "Solarize": 1.0,
    }


WITH_MAGNITUDE = frozenset(largest(1, 1))


@functools.lru_cache(maxsize=64)
def magnitudes(
    space: Callable[[int, int], dict[str, float]], bins: int, height: int, width: int
) -> Tensor:
    """Return how much each index means to each operation: `bins` equal steps from none to the
    largest, in single precision, since pixels are counted by rounding down.

    Args:
        space: `largest`, or another function with the same keys.
        bins: number of indices, at least 2.
        height: of the images.
        width: of the images.

    Returns:
        float64 (2, operations, bins): the operations in the order of `NAMES`, the signed ones
        first one way and then the other. Of Posterize it is the bits that are kept, of Solarize
        the share of 255 from which it inverts, of an operation without magnitude 0.
    """
    table = torch.zeros(2, len(NAMES), bins, dtype=torch.float64)
    for name, most in space(height, width).items():
        steps = torch.linspace(0.0, most, bins, dtype=torch.float32)
        if name == "Posterize":
            steps = 8 - steps.round()
        elif name == "Solarize":
            steps = torch.linspace(most, 0.0, bins, dtype=torch.float32)
        table[0, NAMES.index(name)] = steps
        table[1, NAMES.index(name)] = -steps if name in SIGNED else steps
    return table


# --- What is done ---


def matrix(name: str, amount: float, height: int, width: int) -> list[list[float]]:
    """Return the map of a geometric operation, from a place to where its pixel comes from.

    Coordinates are in pixels from the centre of the image, x to the right, y down. Shears leave
    the first row or column in its place; translations are whole pixels.
    """
    if name == "ShearX":
        return [[1.0, amount, amount * height / 2], [0.0, 1.0, 0.0]]
    if name == "ShearY":
        return [[1.0, 0.0, 0.0], [amount, 1.0, amount * width / 2]]
    if name == "TranslateX":
        return [[1.0, 0.0, -float(int(amount))], [0.0, 1.0, 0.0]]
    if name == "TranslateY":
        return [[1.0, 0.0, 0.0], [0.0, 1.0, -float(int(amount))]]
    angle = math.radians(amount)
    return [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]]


@on_batches
def apply_operations(
    images: Tensor, operation: Tensor, amount: Tensor, *, fill: Fill = 0.0
) -> Tensor:
    """Do to each image what was drawn for it, one operation after the other.

    For each step the batch is sorted by operation, so that the images of an operation are
    neighbours and are treated together. Operations and amounts are read, so leave them on the CPU,
    where they are drawn: a device would be waited for.

    Args:
        images: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        operation: numbers in `NAMES`, int (B, n) for n steps.
        amount: how much of it, (B, n), as in `magnitudes`, with its sign.
        fill: colour that geometric operations bring into view: a number, one number per channel,
            or None for the mean colour of the images.

    Returns:
        As `images`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    if images.dtype != torch.uint8:
        raise TypeError(
            f"operations on the values of bytes take uint8 images, got {images.dtype}; "
            "augment images before they become floats"
        )
    check_channels(images)
    check_draws(images, "steps", operation=operation, amount=amount)
    if operation.shape != amount.shape:
        raise ValueError(
            "operation and amount must have one shape (B, steps), got "
            f"{tuple(operation.shape)} and {tuple(amount.shape)}"
        )
    operation, amount = operation.cpu(), amount.cpu().double()
    check_inside("operation", operation, 0, len(NAMES) - 1)
    check_finite("amount", amount)
    color = fill_color(fill, images)
    order = torch.arange(len(images))
    for step in range(operation.shape[1]):
        number, resort = operation[order, step].sort(stable=True)
        order = order[resort]
        images = take_rows(images, resort.to(images.device, non_blocking=True))
        much = amount[order, step]
        ends = torch.searchsorted(number, torch.arange(len(NAMES) + 1)).tolist()
        groups = {name: slice(*ends[n : n + 2]) for n, name in enumerate(NAMES)}
        moved = slice(groups[GEOMETRIC[0]].start, groups[GEOMETRIC[-1]].stop)
        if moved.start < moved.stop:
            images[moved] = _move(images[moved], number[moved], much[moved], color)
        for name, group in groups.items():
            if name in TONAL and group.start < group.stop:
                images[group] = TONAL[name](images[group], much[group])
    return take_rows(images, order.argsort().to(images.device, non_blocking=True))


def _move(images: Tensor, number: Tensor, much: Tensor, color: Tensor) -> Tensor:
    """Shear, translate or rotate each image. Where each pixel comes from is not kept: maps of all
    operations for large images would take hundreds of megabytes."""
    height, width = images.shape[-2:]
    moves = zip(number.tolist(), much.tolist(), strict=True)
    rows = [matrix(NAMES[number], amount, height, width) for number, amount in moves]
    matrices = torch.tensor(rows, dtype=torch.float32).to(images.device, non_blocking=True)
    return move(images, matrices, color=color)


# --- Policies ---


@dataclass(frozen=True)
class AutoAugment(RandomTransform):
    """Apply one pair of operations to each image, each operation with its own probability.

    The names, probabilities and magnitudes are the published ones, as torchvision has them, and
    every operation gives torchvision's result, within one level by rounding; the whole batch is
    done at once.

    Args:
        policy: "cifar10", "svhn" or "imagenet", of 25 pairs each, or pairs of your own, as
            `POLICIES` has them: `(((name, probability, magnitude), (name, probability,
            magnitude)), ...)` with names from `NAMES` and an index 0 ... 9 for the magnitude, None
            for an operation without one.
        fill: colour that geometric operations bring into view, in 0 ... 255: a number, one number
            per channel, or None for the data set's mean colour, which `fit` fills in (called by
            hand, None is the mean colour of the images at hand). torchvision's default is 0.

    Shape: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels, returned unchanged in shape and
        type. Operations such as Posterize and Equalize are about bytes, so floats are refused.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Cubuk, Zoph, Mané, Vasudevan, Le 2019, arXiv:1805.09501, tables 7 to 9.
    """

    policy: str | Policy = "cifar10"
    fill: Fill = None

    class Draw(NamedTuple):
        """What is random about some images: arguments of `apply_operations`."""

        operation: Tensor
        amount: Tensor

    def __post_init__(self) -> None:
        """Check the parameters once."""
        if not isinstance(self.policy, str):
            object.__setattr__(self, "policy", _checked(self.policy))
        elif self.policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {self.policy!r}")
        check_fill(self.fill)

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw two operations for each image of a shape (B, C, H, W) or (C, H, W), on the CPU."""
        count, table = batch_size(shape), _table(self.policy)
        pair = torch.randint(len(table.operation), (count,), generator=generator)
        chance, direction = torch.rand(2, count, 2, dtype=torch.float32, generator=generator)
        operation = table.operation[pair].where(chance < table.probability[pair], 0)
        way = (direction < 0.5).long()
        amount = magnitudes(largest, 10, *shape[-2:])[way, operation, table.magnitude[pair]]
        return self.Draw(operation, amount)

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Apply the operations that were drawn, and return the images."""
        return apply_operations(images, *draw, fill=self.fill)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self


class _Table(NamedTuple):
    """A policy as tensors (n, 2): of each sub-policy its first and its second operation."""

    operation: Tensor  # number in NAMES
    probability: Tensor
    magnitude: Tensor  # its index; 0 for none


@functools.lru_cache(maxsize=16)
def _table(policy: str | Policy) -> _Table:
    pairs = POLICIES[policy] if isinstance(policy, str) else policy
    return _Table(
        torch.tensor([[NAMES.index(name) for name, _, _ in pair] for pair in pairs]),
        torch.tensor([[p for _, p, _ in pair] for pair in pairs], dtype=torch.float32),
        torch.tensor([[index or 0 for _, _, index in pair] for pair in pairs]),
    )


def _checked(policy: Any) -> Policy:
    """Return a policy of one's own, with tuples of Python's values, once it is found right.

    Raises:
        ValueError, TypeError: if something in it is wrong.
    """
    pair_of = "pairs of operations (name, probability, magnitude)"
    if not isinstance(policy, tuple | list):
        names = ", ".join(POLICIES)
        raise TypeError(f"policy must be one of {names}, or {pair_of}, got {policy!r}")
    if not policy:
        raise ValueError(f"policy must have one or more {pair_of}, got none")
    for pair in policy:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"policy must be {pair_of}, got {pair!r} among them")
    return tuple((_operation(first), _operation(second)) for first, second in policy)


def _operation(operation: Any) -> Operation:
    if not isinstance(operation, tuple | list) or len(operation) != 3:
        raise ValueError(
            "an operation of policy must be (name, probability, magnitude), such as "
            f'("Rotate", 0.7, 2), got {operation!r}'
        )
    name, probability, index = operation
    if name not in NAMES:
        raise ValueError(f"an operation of policy must be one of {', '.join(NAMES)}, got {name!r}")
    check_number(f"the probability of {name} in policy", probability, 0, 1)
    if name in WITH_MAGNITUDE:
        check_count(f"the magnitude of {name} in policy", index, 0)
        if index > 9:
            raise ValueError(
                f"the magnitude of {name} in policy must be an index 0 ... 9, got {index!r}"
            )
        return name, float(probability), int(index)
    if index is not None:
        raise ValueError(f"{name} in policy has no magnitude: it must be None, got {index!r}")
    return name, float(probability), None
