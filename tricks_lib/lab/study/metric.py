"""What a number of a study means: its name, its unit, and which way is better.

Chapter: notebooks/00_baseline.ipynb
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["ACCURACY", "ECE", "NLL", "POINT", "STANDARD", "TRAIN_LOSS", "Metric", "by_name"]

POINT = 0.01
"""One point: a hundredth, as from 88 % to 89 %."""


@dataclass(frozen=True)
class Metric:
    """A number that is kept of every run, and how to read it.

    Args:
        name: its key among the numbers of a run.
        label: what a sentence calls it, such as "test accuracy".
        better: whether a higher or a lower value is better. None where neither is, or nobody has
            said: then a difference may be seen, but never helps or hurts.
        unit: "points" for a share between 0 and 1, which is shown in per cent and its differences
            in points; "nats"; or nothing.
        smallest: smallest difference that would matter to somebody, in the metric's own numbers.
            An interval inside ± this says that there is no difference worth having. By default
            0.3 points for a share; None, for other units, never says so.

    Raises:
        ValueError: if `better` or `unit` is something else, or `smallest` is not above 0.
    """

    name: str
    label: str = ""
    better: Literal["higher", "lower"] | None = None
    unit: Literal["points", "nats", ""] = ""
    smallest: float | None = None

    def __post_init__(self) -> None:
        """Check once, and fill in what follows."""
        if self.better not in ("higher", "lower", None):
            raise ValueError(f"better must be 'higher', 'lower' or None, got {self.better!r}")
        if self.unit not in ("points", "nats", ""):
            raise ValueError(f"unit must be 'points', 'nats' or '', got {self.unit!r}")
        if self.smallest is not None and not self.smallest > 0:
            raise ValueError(f"smallest must be > 0, got {self.smallest!r}")
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))
        if self.smallest is None and self.unit == "points":
            object.__setattr__(self, "smallest", 0.3 * POINT)

    @property
    def scale(self) -> float:
        """Factor from the metric's own numbers to those that are shown."""
        return 100.0 if self.unit == "points" else 1.0

    @property
    def axis(self) -> str:
        """What stands along an axis of values, such as "test accuracy (%)"."""
        shown = {"points": " (%)", "nats": " (nats)", "": ""}[self.unit]
        return self.label + shown

    def show(self, value: float, spread: float = math.nan) -> str:
        """Write a value for people, with ± its spread if there is one."""
        digits, unit = (2, " %") if self.unit == "points" else (3, "")
        text = f"{self.scale * value:.{digits}f}"
        if not math.isnan(spread):
            text += f" ± {self.scale * spread:.{digits}f}"
        return text + unit

    def show_gap(self, mean: float, low: float, high: float) -> str:
        """Write a difference for people, with its interval."""
        form, unit = ("+.2f", " points") if self.unit == "points" else ("+.3f", "")
        mean, low, high = (self.scale * value for value in (mean, low, high))
        return f"{mean:{form}} [{low:{form}}, {high:{form}}]{unit}"


ACCURACY = Metric("accuracy", "test accuracy", "higher", "points")
NLL = Metric("nll", "test negative log-likelihood", "lower", "nats")
ECE = Metric("ece", "calibration error", "lower", "points")
TRAIN_LOSS = Metric("train_loss", "training loss", "lower", "nats")

STANDARD = (ACCURACY, NLL, ECE, TRAIN_LOSS)
"""What `final_metrics` keeps of a run."""


def by_name(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    """Return the metrics by their names.

    Raises:
        ValueError: if two have the same name.
    """
    metrics = list(metrics)
    names = [metric.name for metric in metrics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"expected one metric of each name, got several of {twice}")
    return dict(zip(names, metrics, strict=True))
