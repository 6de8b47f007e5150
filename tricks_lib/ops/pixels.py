"""What several tricks need of images: checks, colours to fill with, tables of grey values."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from .arguments import check_number

__all__ = [
    "ByteColor",
    "Fill",
    "batch_size",
    "check_channels",
    "check_draws",
    "check_fill",
    "check_images",
    "check_inside",
    "fill_color",
    "histogram",
    "in_parts",
    "look_up",
    "mean_fill",
    "on_batches",
    "per_image",
    "take_rows",
]

Fill = float | tuple[float, ...] | None
_OnImages = TypeVar("_OnImages", bound=Callable[..., Tensor])

_CHUNK = 1 << 19  # pixels looked up at once: their eight-byte indices stay in the cache
_PART = 1 << 19  # pixels computed with at once, in four bytes each


def on_batches(function: _OnImages) -> _OnImages:
    """Let a function of a contiguous batch take a single image and any memory format too.

    The wrapped function gets contiguous (B, C, H, W) images. What it returns is given back in the
    shape and the memory format that the images came in.

    Raises:
        TypeError: if the images are no tensor of uint8 or floating-point numbers.
        ValueError: if they are neither (B, C, H, W) nor (C, H, W), or have no pixels.
    """

    @functools.wraps(function)
    def wrapper(images: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
        check_images(images)
        batch = images if images.ndim == 4 else images[None]
        result = function(batch.contiguous(), *arguments, **keywords).contiguous()
        if images.ndim == 3:
            return result[0]
        by_pixel = images.is_contiguous(memory_format=torch.channels_last)
        if by_pixel and not images.is_contiguous():
            return result.contiguous(memory_format=torch.channels_last)
        return result

    return cast(_OnImages, wrapper)  # takes what the function takes


def in_parts(function: _OnImages) -> _OnImages:
    """Let a function treat a large batch a few images at a time, so that what it puts aside stays
    in the cache, and only the result asks for memory of its own size.

    The wrapped function takes images (B, C, H, W), then tensors with one entry per image, then
    keywords that are the same for all images.
    """

    @functools.wraps(function)
    def wrapper(images: Tensor, *values: Tensor, **settings: Any) -> Tensor:
        limit = _PART if images.device.type == "cpu" else 64 * _PART
        count = max(1, limit // images[0].numel())
        if count >= len(images) or torch.compiler.is_compiling():
            return function(images, *values, **settings)
        for start in range(0, len(images), count):
            part = slice(start, start + count)
            treated = function(images[part], *(value[part] for value in values), **settings)
            if start == 0:
                result = treated.new_empty((len(images), *treated.shape[1:]))
            result[part] = treated
        return result

    return cast(_OnImages, wrapper)  # takes what the function takes


def check_images(images: Tensor) -> None:
    """Check that images are what an augmentation takes.

    A tensor of three dimensions is one image. A batch of grey images (B, H, W), or an image whose
    colours come last, (H, W, C), would be taken for one with very many channels, so more than four
    are refused there, and a batch (B, H, W, C) too.

    Raises:
        TypeError: if they are no tensor of uint8 or floating-point numbers.
        ValueError: if they are neither (B, C, H, W) nor (C, H, W), or have no pixels.
    """
    if not isinstance(images, Tensor):
        name = type(images).__name__
        hint = (
            "; torchvision.transforms.v2.PILToTensor() makes one of it" if "Image" in name else ""
        )
        raise TypeError(f"images must be a tensor, got {name}{hint}")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise TypeError(f"images must be uint8 or floating-point numbers, got {images.dtype}")
    shape = tuple(images.shape)
    if len(shape) not in (3, 4) or 0 in shape:
        raise ValueError(
            f"images must have the shape (B, C, H, W) or (C, H, W), none of it 0, got {shape}"
        )
    colors_last = shape[-1] in (1, 3, 4) and shape[-3] > 4
    if colors_last:
        raise ValueError(
            f"images must have their channels before height and width, got {shape}; "
            "images.movedim(-1, -3) puts them there"
        )
    if len(shape) == 3 and shape[0] > 4:
        raise ValueError(
            f"a single image (C, H, W) must have at most 4 channels, got {shape}; "
            "images[:, None] makes grey images a batch, images[None] makes one image a batch"
        )


def batch_size(shape: tuple[int, ...]) -> int:
    """Count the images of a shape: B of (B, C, H, W), 1 for a single (C, H, W)."""
    return shape[0] if len(shape) == 4 else 1


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Move one number per image to the images' device, as (B, 1, 1, 1).

    The copy does not wait for the device.

    Raises:
        TypeError: if `values` is no tensor.
        ValueError: if there is not one number per image.
    """
    check_draws(images, value=values)
    return values.to(images.device, non_blocking=True)[:, None, None, None]


def check_draws(images: Tensor, each: str = "", **draws: Tensor) -> None:
    """Check that there is one draw for each image, whatever the size of the batch.

    Args:
        images: (B, C, H, W).
        each: what there may be several of for an image; draws are then (B, n).
        **draws: what was drawn, by name.

    Raises:
        TypeError: if one is no tensor.
        ValueError: if one has another shape.
    """
    for name, values in draws.items():
        expected = f"expected {name} for each of {len(images)} images, "
        expected += f"a tensor ({len(images)}, {each})" if each else f"a tensor ({len(images)},)"
        if not isinstance(values, Tensor):
            raise TypeError(f"{expected}, got {values!r}")
        if values.ndim != 1 + bool(each) or len(values) != len(images) or 0 in values.shape:
            raise ValueError(f"{expected}, got {tuple(values.shape)}")


def check_inside(name: str, values: Tensor, low: int, high: int) -> None:
    """Check that every draw lies in low ... high. What is on a device is not read: that would wait.

    Raises:
        ValueError: if one does not.
    """
    if values.device.type != "cpu" or torch.compiler.is_compiling():
        return
    wrong = (values < low) | (values > high)
    if wrong.any():
        found = values[wrong].flatten()[0].item()
        raise ValueError(f"{name} must lie in {low} ... {high}, got {found}")


def fill_color(fill: Fill, images: Tensor) -> Tensor:
    """Turn a fill into a colour (1, C, 1, 1), or (1, 1, 1, 1) for one number, of the images' type.

    Args:
        fill: a number for all channels or one number per channel, in the units of the images;
            None for the mean colour of these images.
        images: (B, C, H, W).

    Raises:
        ValueError: if `fill` has another number of channels than the images, is no value of a byte
            for uint8 images, or is the mean of bytes for images of floats.
    """
    if fill is None:
        mean = _mean_colors(images).mean(dim=0).view(1, -1, 1, 1)
        return mean.round_().to(images.dtype) if images.dtype == torch.uint8 else mean.to(images)
    values = fill if isinstance(fill, tuple | list) else (fill,)
    if len(values) not in (1, images.shape[1]):
        raise ValueError(
            f"fill must be one number, or one for each of {images.shape[1]} channels, got {fill!r}"
        )
    precise = torch.float64 if images.dtype == torch.float64 else torch.float32
    color = torch.tensor(values, dtype=precise)
    if images.dtype == torch.uint8:
        color.round_()
        if not all(0 <= round(value) <= 255 for value in values):
            raise ValueError(f"fill must lie in 0 ... 255 for uint8 images, got {fill!r}")
    elif isinstance(fill, ByteColor):
        raise ValueError(
            f"the mean colour {tuple(fill)} is one of uint8 images, and these are {images.dtype}; "
            "augment them before they become floats, or give a fill in their units"
        )
    return color.to(images.dtype).to(images.device, non_blocking=True).view(1, -1, 1, 1)


@in_parts
def _mean_colors(images: Tensor) -> Tensor:
    return images.mean(dim=(2, 3), dtype=torch.float32)


def check_fill(fill: Fill) -> None:
    """Check a fill without knowing the images.

    Raises:
        TypeError: if it is neither None, a number, nor a tuple of numbers.
        ValueError: if a number is not finite.
    """
    if fill is None:
        return
    if isinstance(fill, tuple | list):
        if not fill:
            raise ValueError("fill must have a number for each channel, got none")
        for number in fill:
            check_number("each number of fill", number)
    elif isinstance(fill, str):
        raise TypeError(f"fill must be a number, one number per channel, or None, got {fill!r}")
    else:
        check_number("fill", fill)


class ByteColor(tuple[float, ...]):
    """A colour that is known to be in the units of uint8 images: never right for others."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the expression that rebuilds it."""
        return f"ByteColor({tuple(self)!r})"


def mean_fill(mean: Tensor) -> ByteColor:
    """Turn a data set's mean colour, in [0, 1], into a fill for its uint8 images."""
    return ByteColor(round(255 * value) for value in mean.tolist())


def take_rows(tensor: Tensor, positions: Tensor) -> Tensor:
    """Return `tensor[positions]`, a new tensor in the same memory format.

    On a CPU an index_select of short contiguous rows is a plain copy, several times faster than
    indexing; so an image is taken line by line.
    """
    if tensor.ndim == 4 and not tensor.is_contiguous():
        by_pixel = tensor.movedim(1, -1)  # how channels_last lies in memory
        if by_pixel.is_contiguous():
            return take_rows(by_pixel, positions).movedim(-1, 1)
    plain = tensor.device.type != "cpu" or tensor.ndim < 3 or not tensor.is_contiguous()
    if plain or not tensor.numel():
        return tensor.index_select(0, positions)
    lines = tensor[0].numel() // tensor.shape[-1]
    picked = positions[:, None] * lines + torch.arange(lines)
    picked = tensor.view(-1, tensor.shape[-1]).index_select(0, picked.flatten())
    return picked.view(len(positions), *tensor.shape[1:])


def look_up(images: Tensor, tables: Tensor) -> Tensor:
    """Replace every grey value by what a table says.

    torch's gather wants indices of eight bytes, eight times the size of an image; so channels are
    looked up a few at a time, and the indices never leave the cache.

    Args:
        images: uint8 (B, C, H, W).
        tables: what each value 0 ... 255 becomes, uint8 (B, C, 256) or, for all channels alike,
            (B, 1, 256).
    """
    values = images.flatten(0, 1).flatten(1)
    tables = tables.expand(-1, images.shape[1], -1).flatten(0, 1)
    result = torch.empty_like(values)
    count = max(1, _CHUNK // values.shape[1])
    for start in range(0, len(values), count):
        part = slice(start, start + count)
        result[part] = tables[part].gather(1, values[part].long())
    return result.view(images.shape)


def histogram(images: Tensor) -> Tensor:
    """Count how often each value occurs in each channel.

    Args:
        images: uint8 (B, C, H, W).

    Returns:
        int64 (B, C, 256).
    """
    rows = images.flatten(0, 1).flatten(1)
    counts = [_count(part) for part in torch.split(rows, max(1, _CHUNK // rows.shape[1]))]
    return torch.cat(counts).view(*images.shape[:2], 256)


def _count(rows: Tensor) -> Tensor:
    if rows.device.type == "cpu" and not torch.compiler.is_compiling():
        first = torch.arange(0, 256 * len(rows), 256, dtype=torch.int32)
        bins = rows + first[:, None]
        return torch.bincount(bins.flatten(), minlength=256 * len(rows)).view(-1, 256)
    # bincount looks at the largest value first: a device would be waited for, a graph broken.
    counts = torch.zeros(len(rows), 256, dtype=torch.int64, device=rows.device)
    return counts.scatter_add_(1, rows.long(), counts.new_ones(()).expand(rows.shape))


def check_channels(images: Tensor, allowed: tuple[int, ...] = (1, 3)) -> None:
    """Check the number of channels of images (B, C, H, W).

    Raises:
        ValueError: if it is not among those allowed.
    """
    if images.shape[1] not in allowed:
        numbers = " or ".join(map(str, allowed))
        raise ValueError(f"images must have {numbers} channels, got {images.shape[1]}")
