"""Several augmentations, one after the other, as one value for the recipe.

Chapter: notebooks/12_geometry.ipynb
"""

from typing import Self

from torch import Tensor

from ..protocols import Augment

__all__ = ["Compose"]


class Compose:
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

    def __call__(self, images: Tensor) -> Tensor:
        """Return augmented images."""
        for step in self.steps:
            images = step(images)
        return images

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
