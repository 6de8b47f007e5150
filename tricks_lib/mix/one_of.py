"""A choice among mixtures, made anew for every batch.

Chapter: notebooks/09_mixup.ipynb
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_count, check_number
from ..ops.mixing import rows_for
from ..ops.written import written
from ..protocols import Mix

__all__ = ["one_of"]


class one_of:
    """Mix each batch by one of several mixtures: `one_of(Mixup(0.2), CutMix(1.0), p=(0.3, 0.7))`.

    `keep` among them leaves a batch as it is.

    Args:
        *mixes: what is chosen from, (images, targets) -> (images, targets).
        p: probability of each, which sum to 1; None for equal ones.
        num_classes: K, which is needed where targets come as labels, here or in a mixture.

    Shape: images (B, C, H, W), and target rows (B, K) or labels (B,); the images come back in the
        same shape, the targets as rows.

    Raises:
        TypeError: if a mixture cannot be called, or a parameter is of another type.
        ValueError: if there is no mixture, `p` is not one probability for each, or mixtures have
            other numbers of classes.

    Source: Touvron et al. 2021, arXiv:2012.12877, whose code trains with what is here
        `one_of(Mixup(0.8), CutMix(1.0))`.
    """

    class Draw(NamedTuple):
        """What is random about one batch: which mixture, counted from 0, and what that one drew.

        A mixture without a method `draw` has None here, and draws when it is applied.
        """

        chosen: int
        draw: Any

    def __init__(
        self, *mixes: Mix, p: Sequence[float] | None = None, num_classes: int | None = None
    ):
        for mix in mixes:
            if not callable(mix) or isinstance(mix, type):
                raise TypeError(f"mixes must be mixtures, such as Mixup(0.2), got {mix!r}")
        if not mixes:
            raise ValueError("mixes must be one mixture or more, got none")
        if num_classes is not None:
            check_count("num_classes", num_classes)
        self.mixes = mixes
        self.p = _probabilities(p, len(mixes))
        self.num_classes = num_classes
        said = [num_classes, *(getattr(mix, "num_classes", None) for mix in mixes)]
        known = sorted({count for count in said if count is not None})
        if len(known) > 1:
            raise ValueError(f"num_classes must be the same for all mixtures, got {known}")
        self._classes = known[0] if known else None

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return images and targets mixed by one of the mixtures."""
        rows = rows_for(images, targets, self._classes)
        return self.apply(images, rows, self.draw(images.shape))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Choose a mixture, and let it draw for images of a shape (B, C, H, W), on the CPU, from
        torch's generator or the given one."""
        number = torch.rand((), dtype=torch.float64, generator=generator).item()
        ends = itertools.accumulate(self.p)
        # Rounded probabilities may sum to a little less than 1: the last one takes the rest.
        last = max(place for place, share in enumerate(self.p) if share > 0)
        chosen = next((place for place, end in enumerate(ends) if number < end), last)
        draws = getattr(self.mixes[chosen], "draw", None)
        return self.Draw(chosen, draws(shape, generator=generator) if draws else None)

    def apply(self, images: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return images and targets mixed by what was drawn."""
        rows = rows_for(images, targets, self._classes)
        mix: Any = self.mixes[draw.chosen]
        return mix.apply(images, rows, draw.draw) if hasattr(mix, "draw") else mix(images, rows)

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        said = [_text(mix) for mix in self.mixes]
        if self.p != _probabilities(None, len(self.mixes)):
            said.append(f"p={self.p!r}")
        if self.num_classes is not None:
            said.append(f"num_classes={self.num_classes}")
        return f"one_of({', '.join(said)})"

    def __eq__(self, other: object) -> bool:
        """Compare the mixtures and the parameters."""
        return isinstance(other, one_of) and self._parts() == other._parts()

    def __hash__(self) -> int:
        """Hash the mixtures and the parameters."""
        return hash(self._parts())

    def _parts(self) -> tuple:
        return self.mixes, self.p, self.num_classes


def _probabilities(p: Sequence[float] | None, count: int) -> tuple[float, ...]:
    if p is None:
        return (1 / count,) * count
    if not isinstance(p, tuple | list):
        raise TypeError(f"p must be one probability for each of {count} mixtures, got {p!r}")
    if len(p) != count:
        raise ValueError(f"p must be one probability for each of {count} mixtures, got {p!r}")
    for probability in p:
        check_number("each number of p", probability, 0, 1)
    if not math.isclose(sum(p), 1, rel_tol=1e-6):
        raise ValueError(
            f"p must sum to 1, got {p!r}; `keep` as one of the mixtures leaves batches as they are"
        )
    return tuple(float(probability) for probability in p)


def _text(mix: Mix) -> str:
    try:
        return written(mix)
    except ValueError:  # such as a lambda; a record refuses it
        return repr(mix)
