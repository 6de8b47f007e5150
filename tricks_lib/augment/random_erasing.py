"""Random Erasing: hide a rectangle of random size and shape in some images.

Chapter: notebooks/08_random_erasing.ipynb
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import torch
from torch import Generator, Tensor

from ..ops import fast
from ..ops.arguments import check_number, check_range
from ..ops.pixels import (
    Fill,
    batch_size,
    check_draws,
    check_fill,
    check_inside,
    fill_color,
    mean_fill,
    on_batches,
)
from ..ops.transform import RandomTransform

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
    *,
    fill: Fill | Literal["random"] = 0.0,
    seed: int | None = None,
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
        seed: fixes the values of "random"; None draws them from torch's generator.

    Returns:
        As `images`.

    Raises:
        TypeError: if a side is no tensor.
        ValueError: if there is not one rectangle for each image, or one leaves its image.
    """
    check_draws(images, top=top, left=left, high=high, wide=wide)
    for name, side in (("top", top), ("high", high)):
        check_inside(name, side, 0, images.shape[-2])
    for name, side in (("left", left), ("wide", wide)):
        check_inside(name, side, 0, images.shape[-1])
    check_inside("top + high", top + high, 0, images.shape[-2])
    check_inside("left + wide", left + wide, 0, images.shape[-1])
    box = tuple(side[:, None] for side in (top, top + high, left, left + wide))
    if fast.wanted(images) or (fill == "random" and not torch.compiler.is_compiling()):
        return _erase(images, box, fill, seed)  # noise is put in, which keeps the gradient
    value = _noise(images, seed) if fill == "random" else fill_color(fill, images)
    top, bottom, left, right = (
        side.to(images.device, non_blocking=True)[:, :, None, None] for side in box
    )
    rows = torch.arange(images.shape[-2], device=images.device)[:, None]
    columns = torch.arange(images.shape[-1], device=images.device)
    erased = (top <= rows) & (rows < bottom) & (left <= columns) & (columns < right)
    return torch.where(erased, value, images)


def _erase(
    images: Tensor,
    box: tuple[Tensor, ...],
    fill: Fill | Literal["random"],
    seed: int | None,
    into: Tensor | None = None,
) -> Tensor:
    if fill == "random":
        return fast.fill_boxes_with_noise(
            images, *box, generator=_noise_of(images, seed), into=into
        )
    return fast.fill_boxes(images, *box, color=fill_color(fill, images), into=into)


def _noise(images: Tensor, seed: int | None) -> Tensor:
    """Draw a value for every pixel and channel."""
    noise, generator = torch.empty_like(images), _noise_of(images, seed)
    if images.dtype == torch.uint8:
        return noise.random_(generator=generator)
    return noise.normal_(generator=generator)


def _noise_of(images: Tensor, seed: int | None) -> Generator | None:
    return None if seed is None else Generator(images.device).manual_seed(seed)


@dataclass(frozen=True)
class RandomErasing(RandomTransform):
    """Erase one rectangle in each image with probability `p`.

    Its share of the area is uniform over `area`, its aspect ratio uniform on a logarithmic scale
    over `aspect`, so that lying and standing rectangles are equally likely (torchvision and timm
    do so; the paper draws the ratio itself uniformly, which makes three in four stand). Its place
    is uniform inside the image. A rectangle that is as high or as wide as the image is drawn
    again, up to ten times.

    Args:
        p: probability, in [0, 1].
        area: smallest and largest share of the image, in (0, 1]; the smallest below 1, since a
            rectangle as large as the image is never taken.
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

    class Draw(NamedTuple):
        """What is random about a batch: arguments of `erase`."""

        top: Tensor
        left: Tensor
        high: Tensor
        wide: Tensor
        seed: int | None = None

    def __post_init__(self) -> None:
        """Check the parameters once."""
        check_number("p", self.p, 0, 1)
        check_range("area", self.area, 0, 1, above=True)
        if self.area[0] == 1:
            raise ValueError(
                f"area must begin below 1, got {self.area!r}: a rectangle as large as the image "
                "is never taken"
            )
        check_range("aspect", self.aspect, 0, above=True)
        if self.fill != "random":
            try:
                check_fill(self.fill)
            except TypeError as error:
                raise TypeError(f'{error}; "random" is allowed too') from None

    def draw(self, shape: tuple[int, ...], *, generator: Generator | None = None) -> Draw:
        """Draw rectangles for images of a shape (B, C, H, W) or (C, H, W).

        Where nothing is erased, height and width are 0.

        Raises:
            ValueError: if no rectangle of these areas and aspect ratios fits into such an image.
        """
        count, (height, width) = batch_size(shape), shape[-2:]
        self._check_fit(height, width)
        high, wide = torch.zeros(2, count, dtype=torch.long)
        chance = torch.rand(count, generator=generator, dtype=torch.float32)
        pending = (chance < self.p).nonzero().flatten()
        least, most = torch.tensor(self.area, dtype=torch.float64)
        widest, highest = torch.tensor(self.aspect, dtype=torch.float64).log()
        for _ in range(TRIES):
            area, aspect = torch.rand(2, len(pending), generator=generator, dtype=torch.float64)
            area = torch.lerp(least, most, area)
            aspect = torch.lerp(widest, highest, aspect).exp()
            high[pending], wide[pending], fits = rectangles(area, aspect, height, width)
            pending = pending[~fits]
            if not len(pending):
                break
        high[pending] = wide[pending] = 0
        y, x = torch.rand(2, count, generator=generator, dtype=torch.float64)
        top, left = (y * (height - high + 1)).long(), (x * (width - wide + 1)).long()
        seed = None
        if self.fill == "random":
            seed = int(torch.randint(2**62, (), generator=generator))
        return self.Draw(top, left, high, wide, seed)

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the images, with the rectangles that were drawn erased."""
        *box, seed = draw
        return erase(images, *box, fill=self.fill, seed=seed)

    def write(self, images: Tensor, draw: Draw) -> None:
        """Do the same to contiguous images (B, C, H, W) in their place."""
        top, left, high, wide, seed = draw
        box = tuple(side[:, None] for side in (top, top + high, left, left + wide))
        _erase(images, box, self.fill, seed, into=images)

    def _check_fit(self, height: int, width: int) -> None:
        """Refuse areas and aspect ratios of which no rectangle is smaller than the image."""
        low, high = self.aspect
        aspect = min(max(height / width, low), high)  # the one nearest to the image's own
        pixels = self.area[0] * height * width
        if (
            round(math.sqrt(pixels * aspect)) >= height
            or round(math.sqrt(pixels / aspect)) >= width
        ):
            raise ValueError(
                f"no rectangle of area {self.area} and aspect {self.aspect} is smaller than an "
                f"image of {height}×{width}"
            )

    def with_mean(self, mean: Tensor) -> Self:
        """Return the same with the data set's mean colour, (C,) in [0, 1], for `fill=None`."""
        return replace(self, fill=mean_fill(mean)) if self.fill is None else self
