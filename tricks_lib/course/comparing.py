"""An answer compared with the right one: what differs, in a sentence.

Chapter: notebooks/00_baseline.ipynb
"""

import inspect
import numbers
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Wrong", "difference", "expect", "is_number", "named", "number_of"]


class Wrong(Exception):
    """Why an answer is wrong: a sentence for the learner."""


def expect(
    found: Any,
    wanted: Any,
    hint: str,
    tolerance: float = 1e-6,
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """Compare a text, a number, or any arrangement of numbers with the right one.

    Args:
        found: the learner's.
        wanted: the right one. Where it is a tensor with dimensions, a tensor is asked for; where it
            is a list or a tuple, a tensor or an array will do as well.
        hint: what to think about if they differ; it should not give the answer away.
        tolerance: allowed difference, relative to `wanted` where that is above 1.
        mistakes: answers that are known to be wrong, each under the sentence that is said of it
            instead of the hint.

    Raises:
        Wrong: if they differ.
    """
    told = difference(found, wanted, tolerance)
    if told is None:
        return
    for sentence, mistake in (mistakes or {}).items():
        if difference(found, mistake, tolerance) is None:
            raise Wrong(f"{told} {sentence}")
    raise Wrong(f"{told} {hint}")


def difference(found: Any, wanted: Any, tolerance: float = 1e-6) -> str | None:
    """Say in a sentence how something differs from what is wanted; None if it does not.

    Raises:
        Wrong: if it is of another kind, so that there is nothing to compare.
    """
    if isinstance(wanted, str):
        if not isinstance(found, str):
            raise Wrong(f"Expected a text, got {named(found)}.")
        return None if found == wanted else f"Got {found!r}."
    if isinstance(wanted, Tensor) and wanted.ndim and not isinstance(found, Tensor):
        raise Wrong(f"Expected a tensor of shape {tuple(wanted.shape)}, got {named(found)}.")
    theirs, ours = _numbers(found), _numbers(wanted)
    if ours is None:
        raise TypeError(f"a right answer is a text or made of numbers, got {wanted!r}")
    if theirs is None or theirs.ndim != ours.ndim:
        call = ": hand in what it returns" if inspect.isroutine(found) else ""
        raise Wrong(f"Expected {_arranged(ours)}, got {named(found)}{call}.")
    if theirs.shape != ours.shape:
        return f"Expected {_arranged(ours)}, got {named(found)}."
    wrong = (~_near(theirs, ours, tolerance)).nonzero()
    if not len(wrong):
        return None
    if ours.ndim == 0:
        return _between_numbers(theirs.item(), ours.item(), tolerance)
    place = tuple(wrong[0].tolist())
    where = f"at index {place[0] if len(place) == 1 else place}"
    value = f"{theirs[place].item():.6g}"
    if len(wrong) == 1:
        return f"1 of {number_of(ours.numel(), 'number')} is wrong: {where} it is {value}."
    return f"{len(wrong)} of {ours.numel()} numbers are wrong: the first, {where}, is {value}."


def _between_numbers(found: float, wanted: float, tolerance: float) -> str:
    allowed = tolerance * max(1.0, abs(wanted))
    if tolerance >= 1e-4 and abs(found - wanted) <= 5 * allowed:  # worked out by hand, and rounded
        return f"Got {found:.6g}, which is close, but more than {allowed:.2g} off."
    return f"Got {found:.6g}."


def _near(found: Tensor, wanted: Tensor, tolerance: float) -> Tensor:
    near = (found - wanted).abs() <= tolerance * wanted.abs().clamp(min=1)  # never so for NaN
    # Any finite number would be within a tolerance relative to infinity.
    near = near.where(~wanted.isinf(), found == wanted)
    return near.where(~wanted.isnan(), found.isnan())  # of a mistake: no right answer is NaN


def _numbers(value: Any) -> Tensor | None:
    """Make a float64 tensor of a number, or of an arrangement of numbers; None of anything else."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Tensor):
        is_real = value.dtype != torch.bool and not value.is_complex()
        return value.detach().double() if is_real else None
    value = _listed(value)
    return None if -1 in _shape(value) else torch.tensor(value, dtype=torch.float64)


def _listed(value: Any) -> Any:
    """Turn sequences, and the tensors and arrays in them, into lists."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.tolist()
    return list(map(_listed, value)) if isinstance(value, list | tuple | range) else value


def is_number(value: Any) -> bool:
    """Tell whether something is a real number; a boolean is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists of numbers; a -1 is in it for what is none."""
    if not isinstance(value, list):
        return () if is_number(value) else (-1,)
    inner = {_shape(part) for part in value} or {()}
    return (len(value), *inner.pop()) if len(inner) == 1 else (-1,)


def _arranged(right: Tensor) -> str:
    """Say what an answer should look like."""
    if right.ndim == 0:
        return "a number"
    if right.ndim > 1:
        return f"a tensor of shape {tuple(right.shape)}"
    return number_of(len(right), "number") if len(right) else "an empty list"


def number_of(count: int, thing: str) -> str:
    """Count things: "1 part", "2 parts"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def named(value: Any) -> str:
    """Say briefly what a value is."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, str):
        return f"the text {value!r}"
    if inspect.isclass(value):
        return f"the class {value.__name__} itself"
    if isinstance(value, Tensor) and value.ndim:
        return f"a tensor of shape {tuple(value.shape)}"
    if inspect.isroutine(value):
        return "a function" if value.__name__ == "<lambda>" else f"the function {value.__name__}"
    return textwrap.shorten(repr(value), 80, placeholder=" ...")
