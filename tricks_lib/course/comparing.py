"""An answer beside the right one: what differs, in a sentence.

Chapter: notebooks/00_baseline.ipynb
"""

import inspect
import math
import numbers
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
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
        hint: what to think of again if they differ; it should not give the answer away.
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
    theirs, ours = _plain(found), _plain(wanted)
    shape, theirs_shape = _shape(ours), _shape(theirs)
    if len(theirs_shape) != len(shape) or -1 in theirs_shape:
        call = ": hand in what it returns" if inspect.isroutine(found) else ""
        raise Wrong(f"Expected {_arranged(shape)}, got {named(found)}{call}.")
    if shape == ():
        return _between_numbers(theirs, ours, tolerance)
    if theirs_shape != shape:
        return f"Expected {_arranged(shape)}, got {named(found)}."
    pairs = list(zip(np.ndindex(*shape), _flat(theirs), _flat(ours), strict=True))
    wrong = [(place, value) for place, value, right in pairs if not _near(value, right, tolerance)]
    if not wrong:
        return None
    place, value = wrong[0]
    where = f"at index {place[0] if len(place) == 1 else place}"
    if len(wrong) == 1:
        return f"1 of {number_of(len(pairs), 'number')} is wrong: {where} it is {value:.6g}."
    return f"{len(wrong)} of {len(pairs)} numbers are wrong: the first, {where}, is {value:.6g}."


def _between_numbers(found: float, wanted: float, tolerance: float) -> str | None:
    if _near(found, wanted, tolerance):
        return None
    allowed = tolerance * max(1.0, abs(wanted))
    if tolerance >= 1e-4 and abs(found - wanted) <= 5 * allowed:  # worked out by hand, and rounded
        return f"Got {found:.6g}, which is close, but more than {allowed:.2g} off."
    return f"Got {found:.6g}."


def _near(found: float, wanted: float, tolerance: float) -> bool:
    if math.isnan(wanted):  # of a mistake: no right answer is
        return math.isnan(found)
    if math.isinf(wanted):  # any finite number would be within a tolerance relative to infinity
        return found == wanted
    return abs(found - wanted) <= tolerance * max(1.0, abs(wanted))  # never so for NaN


def _plain(value: Any) -> Any:
    """Turn tensors, arrays and tuples, and what is in them, into numbers and lists."""
    if isinstance(value, Tensor):
        return value.detach().tolist()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(map(_plain, value)) if isinstance(value, list | tuple | range) else value


def is_number(value: Any) -> bool:
    """Tell whether something is a real number; a truth value is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists of numbers: () for a number, (-1,) for what is neither."""
    if not isinstance(value, list):
        return () if is_number(value) else (-1,)
    inner = {_shape(part) for part in value} or {()}
    return (len(value), *inner.pop()) if len(inner) == 1 else (-1,)


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _arranged(shape: tuple[int, ...]) -> str:
    assert -1 not in shape, "the right answer is not made of numbers"
    if not shape:
        return "a number"
    if len(shape) > 1:
        return f"a tensor of shape {shape}"
    return number_of(shape[0], "number") if shape[0] else "an empty list"


def number_of(count: int, thing: str) -> str:
    """Count things: "1 part", "2 parts"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def named(value: Any) -> str:
    """Say what a value is, shortly."""
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
