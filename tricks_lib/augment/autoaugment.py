"""AutoAugment: a policy of augmentations that a search has found.

Chapter: notebooks/11_autoaugment.ipynb
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from ..ops import tones
from ..ops.pixels import (
    Fill,
    batch_size,
    check_channels,
    check_fill,
    fill_color,
    in_parts,
    mean_fill,
    on_batches,
    take_rows,
)
from ..ops.warp import sources, take
from .color import adjust_brightness, adjust_contrast, adjust_saturation

__all__ = [
    "GEOMETRIC",
    "NAMES",
    "POLICIES",
    "SIGNED",
    "TONAL",
    "AutoAugment",
    "Operation",
    "Plan",
    "apply",
    "magnitude",
    "matrix",
]

Operation = tuple[str, float, int | None]

POLICIES: dict[str, tuple[tuple[Operation, Operation], ...]] = {
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
"""The published policies. Each sub-policy has two operations, one after the other, each with its
name, its probability and the index 0 ... 9 of its magnitude."""

SIGNED = {
    "ShearX": 0.3,  # pixels across for each pixel down
    "ShearY": 0.3,
    "TranslateX": 150 / 331,  # share of the width; the search used images of 331 pixels
    "TranslateY": 150 / 331,
    "Rotate": 30.0,  # degrees
    "Brightness": 0.9,  # the factor is 1 plus or minus this
    "Color": 0.9,
    "Contrast": 0.9,
    "Sharpness": 0.9,
}
"""Operations that go either way, with the magnitude of index 9; index 0 has none."""

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
"""What each other operation does to images, uint8 (B, C, H, W), and magnitudes, float64 (B,)."""

NAMES = (*GEOMETRIC, *TONAL)


def magnitude(name: str, index: int | None) -> float:
    """Return what an index 0 ... 9 means to an operation: the size of a signed one without its
    sign, the bits that Posterize keeps, the share of 255 from which Solarize inverts, and 0 for
    an operation without magnitude.
    """
    if index is None:
        return 0.0
    if name == "Posterize":
        return float(8 - round(index * 4 / 9))
    if name == "Solarize":
        return torch.linspace(1.0, 0.0, 10)[index].item()
    return torch.linspace(0.0, SIGNED[name], 10)[index].item()


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
        return [[1.0, 0.0, -float(int(amount * width))], [0.0, 1.0, 0.0]]
    if name == "TranslateY":
        return [[1.0, 0.0, 0.0], [0.0, 1.0, -float(int(amount * height))]]
    angle = math.radians(amount)
    return [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be done to each image of a batch.

    Args:
        operation: index into `NAMES`, -1 for nothing, int (B, 2): first and second.
        sub_policy: which pair was drawn, int (B,).
        negative: whether a signed operation goes the other way, bool (B, 2).
    """

    operation: Tensor
    sub_policy: Tensor
    negative: Tensor


@dataclass(frozen=True)
class AutoAugment:
    """Apply one of 25 pairs of operations to each image, each operation with its own probability.

    The names, probabilities and magnitudes are the published ones, as torchvision has them, and
    every operation gives torchvision's result bit by bit; the whole batch is done at once.

    Args:
        policy: "cifar10", "svhn" or "imagenet".
        fill: colour that geometric operations bring into view, in 0 ... 255: a number, one number
            per channel, or None for the data set's mean colour, which `fit` fills in (called by
            hand, None is the mean colour of the images at hand). torchvision's default is 0.

    Shape: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels, returned unchanged in shape and
        type. Operations such as Posterize and Equalize are about bytes, so floats are refused.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Cubuk, Zoph, Mané, Vasudevan, Le 2019, arXiv:1805.09501, tables 7 to 9.
    """

    policy: Literal["cifar10", "svhn", "imagenet"] = "cifar10"
    fill: Fill = None

    def __post_init__(self) -> None:
        """Check the parameters once."""
        if self.policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {self.policy!r}")
        check_fill(self.fill)

    def __call__(self, images: Tensor) -> Tensor:
        """Return augmented images."""
        return apply(images, self.draw(batch_size(images)), self.policy, self.fill)

    def draw(self, count: int) -> Plan:
        """Draw what to do to `count` images."""
        table = _table(self.policy)
        sub_policy = torch.randint(len(POLICIES[self.policy]), (count,))
        chance, direction = torch.rand(2, count, 2)
        happens = chance < table.probability[sub_policy]
        return Plan(table.operation[sub_policy].where(happens, -1), sub_policy, direction < 0.5)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self


@on_batches
def apply(images: Tensor, plan: Plan, policy: str, fill: Fill = 0.0) -> Tensor:
    """Do to each image what was drawn for it.

    For each of the two steps the batch is sorted by operation, so that the images of an operation
    are neighbours and are treated together. The plan is on the CPU: to sort by it does not wait
    for the device.

    Args:
        images: uint8 (B, C, H, W) or (C, H, W) with 1 or 3 channels.
        plan: for as many images.
        policy: name of the policy that the plan was drawn from.
        fill: as in `AutoAugment`.

    Returns:
        As `images`.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"AutoAugment takes uint8 images, got {images.dtype}")
    check_channels(images)
    table, color = _table(policy), fill_color(fill, images)
    order = torch.arange(len(images))
    for step in (0, 1):
        operation, resort = plan.operation[order, step].sort(stable=True)
        order = order[resort]
        images = take_rows(images, resort.to(images.device, non_blocking=True))
        sub_policy, negative = plan.sub_policy[order], plan.negative[order, step]
        amount = table.amount[sub_policy, step]
        amount = torch.where(negative & table.signed[sub_policy, step], -amount, amount)
        map_number = table.map_number[sub_policy, step] + negative.long()

        ends = torch.searchsorted(operation, torch.arange(len(NAMES) + 1)).tolist()
        moved = slice(ends[0], ends[len(GEOMETRIC)])
        if moved.start < moved.stop:
            images[moved] = _move(images[moved], map_number[moved], policy, color)
        for name, *where in zip(NAMES, ends[:-1], ends[1:], strict=True):
            group = slice(*where)
            if name in TONAL and group.start < group.stop:
                images[group] = TONAL[name](images[group], amount[group])
    return take_rows(images, order.argsort().to(images.device, non_blocking=True))


def _move(images: Tensor, map_number: Tensor, policy: str, color: Tensor) -> Tensor:
    maps = _maps(policy, *images.shape[-2:], images.device)
    return _gather(images, map_number.to(images.device, non_blocking=True), maps=maps, color=color)


@in_parts
def _gather(images: Tensor, map_number: Tensor, *, maps: Tensor, color: Tensor) -> Tensor:
    return take(images, maps[map_number], color)


@dataclass(frozen=True, eq=False)
class _Table:
    """A policy as tensors (25, 2): for each sub-policy its first and its second operation."""

    operation: Tensor  # index into NAMES
    probability: Tensor
    amount: Tensor
    signed: Tensor
    map_number: Tensor  # row of `_maps`, the next row is for the other sign


@functools.cache
def _table(policy: str) -> _Table:
    rows = POLICIES[policy]
    first_map: dict[tuple[str, int | None], int] = {
        operation: 2 * number for number, operation in enumerate(_geometric(policy))
    }

    def column(value: Callable[[str, float, int | None], float], dtype: torch.dtype) -> Tensor:
        return torch.tensor([[value(*operation) for operation in row] for row in rows], dtype=dtype)

    return _Table(
        column(lambda name, p, index: NAMES.index(name), torch.long),
        column(lambda name, p, index: p, torch.float32),
        column(lambda name, p, index: magnitude(name, index), torch.float64),
        column(lambda name, p, index: name in SIGNED, torch.bool),
        column(lambda name, p, index: first_map.get((name, index), 0), torch.long),
    )


def _geometric(policy: str) -> list[tuple[str, int]]:
    """List the different geometric operations of a policy."""
    operations = [operation for row in POLICIES[policy] for operation in row]
    return sorted({(n, i) for n, _, i in operations if n in GEOMETRIC and i is not None})


@functools.lru_cache(maxsize=8)
def _maps(policy: str, height: int, width: int, device: torch.device) -> Tensor:
    """Work out once where every pixel of each geometric operation comes from, both ways."""
    matrices = [
        matrix(name, sign * magnitude(name, index), height, width)
        for name, index in _geometric(policy)
        for sign in (1, -1)
    ]
    return sources(torch.tensor(matrices), height, width).to(device)
