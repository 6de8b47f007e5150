"""RICAP: patch four random crops into one image, and mix the labels by area.

Chapter: notebooks/10_ricap.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops.arguments import check_number
from ..ops.mixing import beta, check_mixable
from ..ops.pixels import take_rows

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
) -> tuple[Tensor, Tensor]:
    """Patch each new image from crops of four images: top left, top right, bottom left, bottom
    right, which meet at the boundary.

    Args:
        images: (B, C, H, W), uint8 or float.
        targets: rows of probabilities, float (B, K).
        partners: which image each patch is cropped from, int (4, B).
        boundary: (h, w), row and column at which the patches meet, 0 ... H and 0 ... W.
        origins: (y, x) of the four crops in the images they come from.

    Returns:
        Images, and targets with the share of the area that each patch has.

    Raises:
        TypeError: if targets are labels.
        ValueError: if a shape is wrong or a crop reaches over the border.

    Source: Takahashi, Matsubara, Uehara 2018, arXiv:1811.09030, section 3 and figure 1.
    """
    check_mixable(images, targets)
    height, width = images.shape[-2:]
    if partners.shape != (4, len(images)) or len(origins) != 4:
        raise ValueError(
            f"expected partners (4, {len(images)}) and 4 origins, got {tuple(partners.shape)} and "
            f"{len(origins)}"
        )
    if not (0 <= boundary[0] <= height and 0 <= boundary[1] <= width):
        raise ValueError(f"boundary must lie in 0 ... {height}, 0 ... {width}, got {boundary}")
    partners = partners.to(images.device, non_blocking=True)
    patched, mixed = torch.empty_like(images), torch.zeros_like(targets)
    corners = [(y, x) for y in (0, boundary[0]) for x in (0, boundary[1])]
    sizes = patch_sizes(boundary, height, width)
    for partner, (top, left), (y, x), (h, w) in zip(partners, corners, origins, sizes, strict=True):
        if not (0 <= y <= height - h and 0 <= x <= width - w):
            raise ValueError(
                f"a crop of {h}×{w} at {(y, x)} reaches over an image of {height}×{width}"
            )
        if not h * w:
            continue
        crops = images[:, :, y : y + h, x : x + w].contiguous()
        patched[:, :, top : top + h, left : left + w] = take_rows(crops, partner)
        mixed.add_(targets.index_select(0, partner), alpha=h * w / (height * width))
    return patched, mixed


@dataclass(frozen=True)
class RICAP:
    """Patch four random crops into each image (random image cropping and patching).

    The boundary is drawn from Beta(beta, beta) on both axes and rounded to a pixel, the place of
    each crop is uniform; both are the same for the whole batch, as in the authors' code, while
    each patch has a permutation of its own. A patch may be empty.

    Args:
        beta: shape of the Beta distribution, above 0; the paper has 0.3. A small one leaves one
            image with nearly all of the area, a large one gives each a quarter.

    Shape: images (B, C, H, W), uint8 or float, and target rows (B, K), returned in the same shapes.

    Raises:
        ValueError, TypeError: if `beta` is out of its range.

    Source: Takahashi, Matsubara, Uehara 2018, arXiv:1811.09030.
    """

    beta: float = 0.3

    def __post_init__(self) -> None:
        """Check the parameter once."""
        check_number("beta", self.beta, 0, above=True)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return patched images and mixed targets."""
        check_mixable(images, targets)
        height, width = images.shape[-2:]
        boundary = round(height * beta(self.beta)), round(width * beta(self.beta))
        origins = [
            (int(torch.randint(height - h + 1, ())), int(torch.randint(width - w + 1, ())))
            for h, w in patch_sizes(boundary, height, width)
        ]
        partners = torch.stack([torch.randperm(len(images)) for _ in range(4)])
        return patch(images, targets, partners, boundary, origins)
