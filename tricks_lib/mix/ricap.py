"""RICAP: patch four random crops into one image, and mix the labels by area.

Chapter: notebooks/10_ricap.ipynb
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..ops.arguments import check_number
from ..ops.mixing import (
    beta,
    check_mixture,
    check_partner,
    check_point,
    left_alone,
    place,
    rows_for,
    share,
    short_text,
    unmixed,
)

__all__ = ["RICAP", "Point", "patch", "patch_sizes"]

Point = tuple[int, int]


def patch_sizes(boundary: Point, height: int, width: int) -> list[Point]:
    """Return (height, width) of the four patches: top left, top right, bottom left, bottom right.

    Args:
        boundary: (h, w), the row and the column at which the patches meet.
        height: of the image, H.
        width: of the image, W.

    Source: Takahashi, Matsubara, Uehara 2018, arXiv:1811.09030, section 3.
    """
    h, w = boundary
    return [(h, w), (h, width - w), (height - h, w), (height - h, width - w)]


def patch(
    images: Tensor,
    targets: Tensor,
    partners: Tensor,
    boundary: Point,
    origins: list[Point],
    *,
    num_classes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Patch each new image from crops of four images: top left, top right, bottom left, bottom
    right, which meet at the boundary.

    Args:
        images: (B, C, H, W), uint8 or float.
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        partners: which image each patch is cropped from, 0 ... B - 1, int (4, B).
        boundary: (h, w), row and column at which the patches meet, 0 ... H and 0 ... W.
        origins: (y, x) of the four crops in the images they come from.
        num_classes: K, which labels need.

    Returns:
        Images, and targets as rows (B, K), with the share of the area that each patch has.

    Raises:
        TypeError: if targets are labels without `num_classes`.
        ValueError: if a shape is wrong, a crop reaches over the border or a partner is not in the
            batch; partners on a device are not read, since that would wait for it.

    Source: Takahashi, Matsubara, Uehara 2018, arXiv:1811.09030, section 3 and figure 1.
    """
    rows = rows_for(images, targets, num_classes)
    check_point("boundary", boundary)
    (batch, _, height, width), (h, w) = images.shape, boundary
    if len(origins) != 4:
        raise ValueError(f"expected 4 origins, one for each patch, got {len(origins)}")
    partners = check_partner(partners, (4, batch), images)
    if not (0 <= h <= height and 0 <= w <= width):
        raise ValueError(f"boundary must lie in 0 ... {height}, 0 ... {width}, got {boundary}")
    patched, mixed = torch.empty_like(images), torch.zeros_like(rows)
    boxes = [(0, h, 0, w), (0, h, w, width), (h, height, 0, w), (h, height, w, width)]
    for partner, box, origin in zip(partners, boxes, origins, strict=True):
        check_point("each of the origins", origin)
        (y, x), (top, bottom, left, right) = origin, box
        size = bottom - top, right - left
        if not (0 <= y <= height - size[0] and 0 <= x <= width - size[1]):
            raise ValueError(
                f"a crop of {size[0]}×{size[1]} at {origin} reaches over an image of "
                f"{height}×{width}"
            )
        patched = place(patched, images, partner, box, origin)
        area = size[0] * size[1] / (height * width)
        mixed = mixed + rows.index_select(0, partner) * share(area, rows)
    return patched, mixed


@dataclass(frozen=True, repr=False)
class RICAP:
    """Patch four random crops into each image (random image cropping and patching).

    The boundary is drawn from Beta(beta, beta) on both axes and rounded to a pixel, the place of
    each crop is uniform; both are the same for the whole batch, as in the authors' code, while
    each patch has a permutation of its own. A patch may be empty.

    Args:
        beta: shape of the Beta distribution, above 0; the paper has 0.3. A small one leaves one
            image with nearly all of the area, a large one gives each a quarter.
        num_classes: K, which is needed where targets come as labels.
        p: probability that a batch is patched at all.

    Shape: images (B, C, H, W), uint8 or float, and target rows (B, K) or labels (B,); the images
        come back in the same shape, the targets as rows.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Takahashi, Matsubara, Uehara 2018, arXiv:1811.09030.
    """

    beta: float = 0.3
    num_classes: int | None = None
    p: float = 1.0

    class Draw(NamedTuple):
        """What is random about one batch: arguments of `patch`."""

        partners: Tensor
        boundary: Point
        origins: list[Point]

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("beta", self.beta, 0, above=True)
        check_mixture(self.num_classes, self.p)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return patched images and mixed targets."""
        rows = rows_for(images, targets, self.num_classes)
        return self.apply(images, rows, self.draw(images.shape))

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw | None:
        """Draw for images of a shape (B, C, H, W), on the CPU, from torch's generator or the given
        one; None says that the batch is left as it is."""
        if left_alone(self.p, generator):
            return None

        def below(end: int) -> int:
            return int(torch.randint(end, (), generator=generator))

        count, _, height, width = shape
        h = round(height * beta(self.beta, generator))
        w = round(width * beta(self.beta, generator))
        sizes = patch_sizes((h, w), height, width)
        origins = [
            (below(height - rows + 1), below(width - columns + 1)) for rows, columns in sizes
        ]
        partners = [torch.randperm(count, generator=generator) for _ in range(4)]
        return self.Draw(torch.stack(partners), (h, w), origins)

    def apply(self, images: Tensor, targets: Tensor, draw: Draw | None) -> tuple[Tensor, Tensor]:
        """Return images and targets patched by what was drawn."""
        if draw is None:
            return unmixed(images, rows_for(images, targets, self.num_classes))
        return patch(images, targets, *draw, num_classes=self.num_classes)

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        return short_text(self)
