"""What several tricks do to the pixels of a batch: choose, look up, fill.

They are written for speed: memory is the limit of all of them, so each reads and writes as few
bytes as it can, and none allocates more than four times its input.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from .arguments import check_number

__all__ = [
    "Fill",
    "batch_size",
    "check_channels",
    "check_fill",
    "check_images",
    "choose",
    "fill_boxes",
    "fill_color",
    "histogram",
    "in_parts",
    "look_up",
    "mean_fill",
    "on_batches",
    "outside",
    "per_image",
    "take_rows",
]

Fill = float | tuple[float, ...] | None
_OnImages = TypeVar("_OnImages", bound=Callable[..., Tensor])

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
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
        result = function(batch.contiguous(), *arguments, **keywords)
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

    Raises:
        TypeError: if they are no tensor of uint8 or floating-point numbers.
        ValueError: if they are neither (B, C, H, W) nor (C, H, W), or have no pixels.
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"images must be a tensor, got {type(images).__name__}")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise TypeError(f"images must be uint8 or floating-point numbers, got {images.dtype}")
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(
            "images must have the shape (B, C, H, W) or (C, H, W), none of it 0, "
            f"got {tuple(images.shape)}"
        )


def batch_size(images: Tensor) -> int:
    """Count the images: B of (B, C, H, W), 1 for a single (C, H, W)."""
    check_images(images)
    return len(images) if images.ndim == 4 else 1


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Move one number per image to the images' device, as (B, 1, 1, 1).

    The copy does not wait for the device.

    Raises:
        ValueError: if there is not one number per image.
    """
    if values.shape != (len(images),):
        raise ValueError(
            f"expected one value for each of {len(images)} images, got {tuple(values.shape)}"
        )
    return values.to(images.device, non_blocking=True)[:, None, None, None]


def choose(
    chosen: Tensor, images: Tensor, others: Tensor | None, out: Tensor | None = None
) -> Tensor:
    """Take `images` where `chosen`, else `others`, exactly: NaN and infinity included.

    The choice is made on the bits, `others ^ ((images ^ others) & chosen)`, since `torch.where`
    is not vectorised for bytes, and an arithmetic choice turns 0·inf into NaN.

    Args:
        chosen: bool, broadcasts to the images.
        images: (B, C, H, W), any type.
        others: the same type, broadcasts to the images; None for zeros.
        out: where to put the result, may be `images`; None for a new tensor.
    """
    bits = _BITS[images.element_size()]
    keep = chosen.to(bits).neg_()  # all bits set, or none
    target = None if out is None else out.view(bits)
    if others is None:
        result = torch.bitwise_and(images.view(bits), keep, out=target)
    else:
        others = others.view(bits)
        result = torch.bitwise_xor(images.view(bits), others, out=target)
        result.bitwise_and_(keep).bitwise_xor_(others)
    return result.view(images.dtype)


@in_parts
def fill_boxes(
    images: Tensor,
    top: Tensor,
    bottom: Tensor,
    left: Tensor,
    right: Tensor,
    *,
    color: Tensor | None,
) -> Tensor:
    """Paint over boxes; see `outside`.

    Args:
        images: (B, C, H, W).
        top: and the other borders, int (B, n) for n boxes per image.
        bottom: see above.
        left: see above.
        right: see above.
        color: of `fill_color`; None for zeros.
    """
    return choose(outside(top, bottom, left, right, images), images, color)


def fill_color(fill: Fill, images: Tensor) -> Tensor:
    """Turn a fill into a colour (1, C, 1, 1), or (1, 1, 1, 1) for one number, of the images' type.

    Args:
        fill: a number for all channels or one number per channel, in the units of the images;
            None for the mean colour of these images.
        images: (B, C, H, W).

    Raises:
        ValueError: if `fill` has another number of channels than the images.
    """
    if fill is None:
        mean = _mean_colors(images).mean(dim=0).view(1, -1, 1, 1)
        return mean.round_().to(images.dtype) if images.dtype == torch.uint8 else mean.to(images)
    values = fill if isinstance(fill, tuple | list) else (fill,)
    if len(values) not in (1, images.shape[1]):
        raise ValueError(
            f"fill must be one number, or one for each of {images.shape[1]} channels, got {fill!r}"
        )
    color = torch.tensor(values, dtype=torch.float32)
    if images.dtype == torch.uint8:
        color.round_()
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


def mean_fill(mean: Tensor) -> tuple[float, ...]:
    """Turn a data set's mean colour, in [0, 1], into a fill for its uint8 images."""
    return tuple(round(255 * value) for value in mean.tolist())


def outside(top: Tensor, bottom: Tensor, left: Tensor, right: Tensor, images: Tensor) -> Tensor:
    """Mark the pixels outside boxes: rows top <= y < bottom, columns left <= x < right.

    A box may reach over the border, or be empty.

    Args:
        top: first row of each box, int (B, n) for n boxes per image; the others likewise.
        bottom: row after the last.
        left: first column.
        right: column after the last.
        images: (B, C, H, W).

    Returns:
        bool (B, 1, H, W).
    """
    (batch, boxes), (height, width) = top.shape, images.shape[-2:]
    ends = torch.stack((top, bottom, left, right)).to(images.device, non_blocking=True)
    top, bottom, left, right = ends.view(4, -1, 1)
    y = torch.arange(height, device=images.device)
    x = torch.arange(width, device=images.device)
    columns = (x < left) | (x >= right)
    # A line of the image is either one that no box crosses, or this. Whole lines are copied.
    lines = torch.stack((torch.ones_like(columns), columns), dim=1).view(-1, width)
    first = torch.arange(0, len(lines), 2, device=images.device)[:, None]
    which = first + ((y >= top) & (y < bottom))
    marks = lines.index_select(0, which.flatten()).view(batch, boxes, height, width)
    return marks if boxes == 1 else marks.all(dim=1, keepdim=True)


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
