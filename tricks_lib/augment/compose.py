"""Several augmentations, one after the other, as one value for the recipe.

Chapter: notebooks/12_geometry.ipynb
"""

from typing import Any, Self

from torch import Generator, Tensor

from ..ops import fast
from ..ops.pixels import on_batches
from ..ops.transform import RandomTransform
from ..protocols import Augment

__all__ = ["Compose"]


class Compose(RandomTransform):
    """Apply augmentations in the order given: `Compose(RandomCrop(4), HorizontalFlip())`.

    torchvision's class of this name does the same; this one has a `repr` that rebuilds it and
    hands the data set's mean colour on to its parts.

    Args:
        *steps: augmentations, images -> images.

    Raises:
        TypeError: if a step cannot be called.
    """

    def __init__(self, *steps: Augment):
        for step in steps:
            if not callable(step) or isinstance(step, type):
                raise TypeError(
                    f"steps must be augmentations, such as HorizontalFlip(), got {step!r}"
                )
        self.steps = steps

    def draw(
        self, shape: tuple[int, ...], *, generator: Generator | None = None
    ) -> tuple[Any, ...]:
        """Draw for each step, of images of a shape (B, C, H, W) or (C, H, W); None for a step that
        cannot draw beforehand.
        """
        draws = []
        for step in self.steps:
            draw = getattr(step, "draw", None)
            draws.append(draw(shape, generator=generator) if draw else None)
            shape = _shape_after(step, shape)
        return tuple(draws)

    def apply(self, images: Tensor, draw: tuple[Any, ...]) -> Tensor:
        """Do to the images what was drawn for each step."""
        return _in_turn(images, self.steps, draw)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape in which images of a shape come back: a step may scale them."""
        for step in self.steps:
            shape = _shape_after(step, shape)
        return shape

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        names = (getattr(step, "__qualname__", None) or repr(step) for step in self.steps)
        return f"Compose({', '.join(names)})"

    def __eq__(self, other: object) -> bool:
        """Compare the steps."""
        return isinstance(other, Compose) and self.steps == other.steps

    def __hash__(self) -> int:
        """Hash the steps."""
        return hash(self.steps)

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return type(self)(
            *(step.with_mean(mean) if hasattr(step, "with_mean") else step for step in self.steps)
        )


def _shape_after(step: Augment, shape: tuple[int, ...]) -> tuple[int, ...]:
    after: tuple[int, ...] = getattr(step, "output_shape", tuple)(shape)
    return after


@on_batches
def _in_turn(images: Tensor, steps: tuple[Augment, ...], draws: tuple[Any, ...]) -> Tensor:
    """Take the steps; what one of ours has made is a copy, and the next may write into it."""
    result, ours = images, False
    for step, drawn in zip(steps, draws, strict=True):
        if drawn is None:  # nobody knows whose memory such a step returns
            result, ours = step(result), False
        elif ours and hasattr(step, "write") and _in_place(result):
            step.write(result, drawn)
        else:
            result = step.apply(result, drawn)  # type: ignore[attr-defined]
            # Several steps may be none that copies.
            ours = isinstance(step, RandomTransform) and not isinstance(step, Compose)
    return result


def _in_place(images: Tensor) -> bool:
    """Whether to write into images saves time: large ones, of which few pixels change."""
    return fast.wanted(images) and fast.by_slices(images) and images.is_contiguous()
