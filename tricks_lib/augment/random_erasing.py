"""Random Erasing: hide a rectangle of random size and shape in some images.

Chapter: notebooks/08_random_erasing.ipynb
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor

from ..ops.arguments import check_number, check_range
from ..ops.pixels import (
    Fill,
    batch_size,
    check_fill,
    choose,
    fill_boxes,
    fill_color,
    in_parts,
    mean_fill,
    on_batches,
    outside,
)

__all__ = ["TRIES", "RandomErasing", "erase", "rectangles"]

TRIES = 10
"""Rectangles drawn before an image is left as it is; each fits with probability 0.95."""


def rectangles(
    area: Tensor, aspect: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Turn shares of the area and aspect ratios into sides.

    Args:
        area: share of the image to be erased, S_e/(HW), float64 of any shape.
        aspect: height of the rectangle over its width, r_e, likewise.
        height: of the image, H.
        width: of the image, W.

    Returns:
        Heights sqrt(S_e·r_e) and widths sqrt(S_e/r_e), rounded to whole pixels, and whether a
        rectangle fits: smaller than the image on both sides.

    Source: Zhong et al. 2017, arXiv:1708.04896, algorithm 1.
    """
    pixels = area * (height * width)
    high, wide = (pixels * aspect).sqrt().round(), (pixels / aspect).sqrt().round()
    return high.long(), wide.long(), (high < height) & (wide < width)


@on_batches
def erase(
    images: Tensor,
    top: Tensor,
    left: Tensor,
    high: Tensor,
    wide: Tensor,
    fill: Fill | Literal["random"] = 0.0,
) -> Tensor:
    """Paint over one rectangle per image; a rectangle without height or width erases nothing.

    Args:
        images: uint8 or float (B, C, H, W) or (C, H, W).
        top: first row, int (B,).
        left: first column, int (B,).
        high: rows, int (B,), of a rectangle inside the image.
        wide: columns, likewise.
        fill: a number, one number per channel, None for the mean colour of these images, or
            "random" for an own value in every pixel and channel: uniform over 0 ... 255 in uint8
            images, standard normal in float images.

    Returns:
        As `images`.
    """
    box = (side[:, None] for side in (top, top + high, left, left + wide))
    if fill == "random":
        return _erase_with_noise(images, *box)
    return fill_boxes(images, *box, color=None if fill == 0 else fill_color(fill, images))


@in_parts
def _erase_with_noise(
    images: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor
) -> Tensor:
    kept = outside(top, bottom, left, right, images)
    if images.dtype == torch.uint8:
        # Eight bytes for one draw. All pixels get one, which is faster than to find the erased.
        words = torch.empty(-(-images.numel() // 8), dtype=torch.int64, device=images.device)
        noise = words.random_(-(2**63), None).view(torch.uint8)[: images.numel()]
        return choose(kept, images, noise.view(images.shape))
    erased = int(((bottom - top) * (right - left)).sum()) * images.shape[1]
    noise = torch.randn(erased, dtype=images.dtype, device=images.device)
    return images.masked_scatter(~kept, noise)


@dataclass(frozen=True)
class RandomErasing:
    """Erase one rectangle in each image with probability `p`.

    Its share of the area is uniform over `area`, its aspect ratio uniform on a logarithmic scale
    over `aspect`, so that lying and standing rectangles are equally likely (torchvision and timm
    do so; the paper draws the ratio itself uniformly, which makes three in four stand). Its place
    is uniform inside the image. A rectangle that is as high or as wide as the image is drawn
    again, up to ten times.

    Args:
        p: probability, in [0, 1].
        area: smallest and largest share of the image, each in (0, 1].
        aspect: smallest and largest ratio of height to width, each above 0.
        fill: what is painted over it: "random" for an own value in every pixel and channel
            (uniform over 0 ... 255 in uint8 images, as in the paper; standard normal in float
            images, which suits normalised ones); or, in the units of the images, a number or one
            number per channel; or None for the data set's mean colour, which `fit` fills in
            (called by hand, None is the mean colour of the images at hand).

    Shape: uint8 or float (B, C, H, W) or (C, H, W), returned unchanged in shape and type.

    Raises:
        ValueError, TypeError: if a parameter is out of its range.

    Source: Zhong, Zheng, Kang, Li, Yang 2017, arXiv:1708.04896, algorithm 1.
    """

    p: float = 0.5
    area: tuple[float, float] = (0.02, 0.4)
    aspect: tuple[float, float] = (0.3, 1 / 0.3)
    fill: Fill | Literal["random"] = "random"

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("p", self.p, 0, 1)
        check_range("area", self.area, 0, 1, above=True)
        check_range("aspect", self.aspect, 0, above=True)
        if self.fill != "random":
            try:
                check_fill(self.fill)
            except TypeError as error:
                raise TypeError(f'{error}; "random" is allowed too') from None

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images, some with a rectangle erased."""
        return erase(images, *self.draw(batch_size(images), *images.shape[-2:]), self.fill)

    def draw(self, count: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw rectangles: top, left, height and width, int (count,) each.

        Where nothing is erased, height and width are 0.
        """
        high, wide = torch.zeros(2, count, dtype=torch.long)
        pending = (torch.rand(count) < self.p).nonzero().flatten()
        least, most = torch.tensor(self.area, dtype=torch.float64)
        widest, highest = torch.tensor(self.aspect, dtype=torch.float64).log()
        for _ in range(TRIES):
            area, aspect = torch.rand(2, len(pending), dtype=torch.float64)
            area = torch.lerp(least, most, area)
            aspect = torch.lerp(widest, highest, aspect).exp()
            high[pending], wide[pending], fits = rectangles(area, aspect, height, width)
            pending = pending[~fits]
            if not len(pending):
                break
        high[pending] = wide[pending] = 0
        y, x = torch.rand(2, count, dtype=torch.float64)
        return (y * (height - high + 1)).long(), (x * (width - wide + 1)).long(), high, wide

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
