"""What every random augmentation is called by: draw, then apply."""

from collections.abc import Mapping
from typing import Any

from torch import Generator, Tensor

__all__ = ["RandomTransform"]


class RandomTransform:
    """An augmentation of two steps: `draw(shape)` has all the chance, `apply(images, draw)` none.

    A draw that is kept shows, tests or repeats what happened to a batch.
    """

    def __call__(self, images: Tensor, *others: Any) -> Tensor:
        """Return augmented images.

        Raises:
            TypeError: if anything comes beside images, such as labels or a whole sample.
        """
        if others or isinstance(images, Mapping | tuple | list):
            raise TypeError(
                f"{type(self).__name__} takes images and nothing else; for samples with labels use "
                f"tricks_lib.adapters.as_transform({type(self).__name__}(...))"
            )
        return self.apply(images, self.draw(_shape(images)))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Any:
        """Draw all that is random for images of a shape (B, C, H, W) or (C, H, W)."""
        raise NotImplementedError

    def apply(self, images: Tensor, draw: Any) -> Tensor:
        """Do to the images what was drawn."""
        raise NotImplementedError


def _shape(images: Tensor) -> tuple[int, ...]:
    from .pixels import check_images

    check_images(images)
    return images.shape
