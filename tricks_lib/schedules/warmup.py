"""Warmup: a small learning rate for the first steps of training.

A schedule is a function of time that returns a factor on the learning rate. Time is in whatever
unit the lengths were given in: the engine counts fractional epochs, a test may count steps. The
names are in lower case because a schedule is used like a function (as `functools.partial` is);
it is a frozen dataclass so that its `repr` rebuilds it, and `Stateless`, so that a checkpoint of
PyTorch's `LambdaLR` neither holds it nor overwrites it.

Chapter: notebooks/01_warmup.ipynb
"""

import math
from dataclasses import dataclass
from numbers import Real

from ..ops.arguments import keep_number
from ..ops.stateless import Stateless
from ..protocols import Schedule

__all__ = ["constant", "constant_warmup", "gradual_warmup"]


@dataclass(frozen=True, slots=True)
class constant(Stateless):
    """The factor 1 at every time: the learning rate as it was given."""

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        return 1.0


@dataclass(frozen=True, slots=True)
class constant_warmup(Stateless):
    """Hold a small factor for `length`, then jump to `then`.

    Args:
        length: duration of the warmup, at least 0, in the unit of `time`.
        start: factor during the warmup, at least 0 (0.1 for a tenth of the target).
        then: schedule that takes over when the warmup ends, at its own time 0.

    Raises:
        ValueError: if `length` or `start` is negative or not finite.
        TypeError: if one of them is no number, or `then` is no schedule, but for example
            `cosine_decay` without its brackets.

    Source: He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2.
    """

    length: float
    start: float
    then: Schedule = constant()

    def __post_init__(self) -> None:
        """Check the parameters once."""
        _check(self)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        return self.start if time < self.length else self.then(time - self.length)


@dataclass(frozen=True, slots=True)
class gradual_warmup(Stateless):
    """Rise in a straight line from the factor `start` to 1 over `length`, then follow `then`.

    The ramp meets `then` without a jump when `then` begins at 1, as every decay of this package
    does. Goyal's ramp from the learning rate of one worker to that of k is `start=1/k`. With
    `start=0` the learning rate of the first step is 0: nothing moves. He et al. 2019 count from 1
    instead, so that step t of m has the factor (t + 1)/m: in steps that is `length=m - 1,
    start=1/m`.

    Args:
        length: duration of the ramp, at least 0, in the unit of `time`.
        then: schedule that takes over when the warmup ends, at its own time 0.
        start: factor at time 0, at least 0.

    Raises:
        ValueError: if `length` or `start` is negative or not finite.
        TypeError: if one of them is no number, or `then` is no schedule, but for example
            `cosine_decay` without its brackets.

    Source: Goyal et al. 2017, arXiv:1706.02677, section 2.2; He, T. et al. 2019,
        arXiv:1812.01187, section 3.1.
    """

    length: float
    then: Schedule = constant()
    start: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        _check(self)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        if time < self.length:
            return self.start + (1 - self.start) * time / self.length
        return self.then(time - self.length)


def _check(warmup: constant_warmup | gradual_warmup) -> None:
    keep_number(warmup, "length", 0)
    keep_number(warmup, "start", 0)
    if not _is_schedule(warmup.then):
        raise TypeError(
            f"then must be a schedule, such as cosine_decay(length=9), got {warmup.then!r}, "
            "which gives no factor at time 0"
        )


def _is_schedule(then: object) -> bool:
    """Ask for the first factor: what builds a schedule instead of being one would otherwise fail
    only when the warmup is over."""
    try:
        factor = then(0.0)  # type: ignore[operator]
    except Exception:
        return False
    return isinstance(factor, Real) and 0 <= float(factor) < math.inf
