"""Learning-rate decay: step, cosine, straight line, and cosine with warm restarts.

Every schedule here starts at the factor 1. Time is in the unit of the lengths (see
`warmup.py`).

Chapter: notebooks/03_decay.ipynb
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from ..ops.arguments import as_number, keep_number
from ..ops.stateless import Stateless

__all__ = ["cosine_decay", "cosine_restarts", "linear_decay", "step_decay"]


@dataclass(frozen=True, slots=True)
class step_decay(Stateless):
    """Multiply the learning rate by `gamma` at every milestone.

    Args:
        milestones: times of the drops, increasing and at least 0.
        gamma: factor of one drop, in (0, 1].

    Raises:
        ValueError: if the milestones are negative, not finite or do not increase, or if `gamma` is
            outside (0, 1].
        TypeError: if one of them is no number.

    Source: He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2.
    """

    milestones: tuple[float, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        """Check the parameters once; a list of milestones becomes a tuple."""
        try:
            given = tuple(self.milestones)
        except TypeError:
            raise TypeError(
                f"milestones must be numbers such as (30, 60), got {self.milestones!r}"
            ) from None
        milestones = tuple(as_number("each of milestones", milestone, 0) for milestone in given)
        if any(later <= earlier for earlier, later in pairwise(milestones)):
            raise ValueError(f"milestones must increase, got {milestones}")
        object.__setattr__(self, "milestones", milestones)
        keep_number(self, "gamma", 0, 1, above=True)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`; the drop is in force from its milestone on."""
        return self.gamma ** sum(milestone <= time for milestone in self.milestones)


@dataclass(frozen=True, slots=True)
class cosine_decay(Stateless):
    """Fall from 1 to `final` along half a cosine over `length`, then stay there.

    Args:
        length: duration of the fall, above 0, in the unit of `time`.
        final: factor from `length` on, in [0, 1].

    Raises:
        ValueError: if `length` is not above 0 or not finite, or `final` is outside [0, 1].
        TypeError: if one of them is no number.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5; He, T. et al. 2019,
        arXiv:1812.01187, equation 1.
    """

    length: float
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        keep_number(self, "length", 0, above=True)
        keep_number(self, "final", 0, 1)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        return _half_cosine(min(time / self.length, 1.0), self.final)


@dataclass(frozen=True, slots=True)
class linear_decay(Stateless):
    """Fall from 1 to `final` in a straight line over `length`, then stay there.

    Args:
        length: duration of the fall, above 0, in the unit of `time`.
        final: factor from `length` on, in [0, 1].

    Raises:
        ValueError: if `length` is not above 0 or not finite, or `final` is outside [0, 1].
        TypeError: if one of them is no number.
    """

    length: float
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        keep_number(self, "length", 0, above=True)
        keep_number(self, "final", 0, 1)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        return 1 - (1 - self.final) * min(time / self.length, 1.0)


@dataclass(frozen=True, slots=True)
class cosine_restarts(Stateless):
    """Cosine decay that starts again from 1 at the end of every period.

    Args:
        period: duration of the first period, above 0, in the unit of `time`.
        multiplier: each period is this many times as long as the one before, at least 1.
        final: factor that each period falls to, in [0, 1].

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, section 3 (T_0, T_mult).
    """

    period: float
    multiplier: float = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters once."""
        keep_number(self, "period", 0, above=True)
        keep_number(self, "multiplier", 1)
        keep_number(self, "final", 0, 1)

    def __call__(self, time: float) -> float:
        """Return the factor at `time`."""
        period = self.period
        if self.multiplier == 1:
            return _half_cosine(time % period / period, self.final)
        # The first n periods last period·(multiplier^n - 1)/(multiplier - 1) together. Jump to one
        # too early and count the rest off: a logarithm alone would round at the restarts.
        growth = self.multiplier - 1
        skipped = max(0, int(math.log1p(time / period * growth) / math.log1p(growth)) - 1)
        period *= self.multiplier**skipped
        time -= (period - self.period) / growth
        while time >= period:
            time -= period
            period *= self.multiplier
        return _half_cosine(time / period, self.final)


def _half_cosine(progress: float, final: float) -> float:
    """Fall from 1 at progress 0 to `final` at progress 1."""
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))
