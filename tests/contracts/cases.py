"""The words in which a trick says what the contracts are held against.

A case is data: `CASE = AugmentCase(examples=[...], calls=[...], wrong=[...])`. Images and rows to
call functions with are here too, so that a case reads as a list.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# --- What a case says ---


@dataclass(frozen=True)
class Call:
    """A call of a pure function, for any number of images.

    Args:
        function: what is called; it draws nothing.
        arguments: number of images -> arguments by name, first of all what is changed.
        gradient: names of the arguments that a gradient has to reach; the first, if nothing is
            said. There are none, (), where the result is whole numbers or statistics.
        cut: why no gradient reaches them, where that is known. A test holds that none does, so that
            the word goes with the fault.
        broken: why `torch.compile` cannot make one graph of the function; held likewise.
    """

    function: Callable
    arguments: Callable[[int], Mapping[str, Any]]
    gradient: Collection[str] | None = None
    cut: str = ""
    broken: str = ""

    def reached(self) -> Collection[str]:
        """Name the arguments that a gradient has to reach."""
        return list(self.arguments(2))[:1] if self.gradient is None else self.gradient


class Wrong:
    """One argument that has to be refused, and how the refusal begins:
    `Wrong(Cutout, ValueError, "size must be a whole number >= 1, got 0", size=0)`.

    What else has to be given stands in a partial: `Wrong(partial(Cutout, 8), ..., holes=0)`.
    """

    def __init__(self, make: Callable, error: type[Exception], says: str, /, **argument: Any):
        ((self.name, self.value),) = argument.items()
        self.make, self.error, self.says = make, error, says


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the tricks of one file are held to.

    Args:
        examples: values for the slot of the recipe; of a schedule, functions length -> schedule.
            Each parameter has two values or more among them, so that it can be seen to matter.
        no_examples: why there are none, where the file has no value for the slot.
        calls: one or more of each public function that takes tensors and is no example itself.
        wrong: one or more for each parameter of the examples and of public classes; a truth value
            needs none, since anything is true or false.
        parts: public classes that are no values for the slot, and what they are instead.
    """

    examples: Sequence[Any] = ()
    no_examples: str = ""
    calls: Sequence[Call] = ()
    wrong: Sequence[Wrong] = ()
    parts: Mapping[type, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AugmentCase(Case):
    """What augmentations are held to.

    Args:
        channels: numbers of channels that they take, all others being refused; None for any.
        bytes_only: whether float images are refused.
        noise: examples that draw noise where the images are, and so another on each device.
        resizes: examples that return images of a height and width of their own.
    """

    channels: tuple[int, ...] | None = None
    bytes_only: bool = False
    noise: Sequence[Any] = ()
    resizes: Sequence[Any] = ()


# --- What the calls are made with ---


def pictures(shape: tuple[int, ...], dtype: torch.dtype = torch.uint8) -> Tensor:
    """Draw blobs in colour, neighbours alike as in photographs: always the same for a shape."""
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand((*shape[:-2], 5, 5), generator=draws)
    batch = coarse if coarse.ndim == 4 else coarse[None]
    smooth = F.interpolate(batch, shape[-2:], mode="bilinear").view(shape)
    noisy = (smooth + 0.1 * torch.rand(shape, generator=draws)).clamp(0, 1)
    return (255 * noisy).to(torch.uint8) if dtype == torch.uint8 else noisy.to(dtype)


def some_bytes(count: int) -> Tensor:
    """Draw images, uint8 (count, 3, 12, 10)."""
    return pictures((count, 3, 12, 10))


def some_floats(count: int) -> Tensor:
    """Draw images, float (count, 3, 12, 10) in [0, 1]."""
    return pictures((count, 3, 12, 10), torch.float32)


def some_rows(count: int) -> Tensor:
    """Make target rows (count, 4), each with a one."""
    return F.one_hot(torch.arange(count) % 4, 4).float()


def some_logits(count: int) -> Tensor:
    """Draw logits (count, 4)."""
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(1))


def some_places(count: int) -> Tensor:
    """Make a row or a column for each image, 0 ... 4, int (count,)."""
    return torch.arange(count) % 5


def some_factors(count: int) -> Tensor:
    """Make a number from 0.5 to 1.5 for each image, (count,)."""
    return torch.linspace(0.5, 1.5, count)


def some_partners(count: int) -> Tensor:
    """Make a partner for each image, the one before it, int (count,)."""
    return torch.arange(count).roll(1)
