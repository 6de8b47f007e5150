"""Fast versions of plain forms: the same pixels, in less time and memory.

The plain form stands in the file of its trick, and a test holds each fast one to it. Memory is the
limit of all of them, so they read and write as few bytes as they can. On a CPU large images are
treated one by one, by slices; small ones, and all images on a device, together, by masks.
"""

import torch
from torch import Generator, Tensor

from .pixels import in_parts

__all__ = [
    "boxes",
    "by_slices",
    "choose",
    "crop",
    "fill_boxes",
    "fill_boxes_with_noise",
    "mirror",
    "outside",
    "wanted",
]

LARGE = 3 * 64 * 64
"""Values in an image from which slices beat masks on a CPU: a slice costs a few microseconds."""

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def wanted(images: Tensor) -> bool:
    """Whether to take the fast form: not where a gradient is needed, nor where torch compiles."""
    return not (images.requires_grad or torch.compiler.is_compiling())


def by_slices(images: Tensor) -> bool:
    """Whether to go from image to image: large ones, on a CPU."""
    return images.device.type == "cpu" and images[0].numel() >= LARGE


def fill_boxes(
    images: Tensor,
    top: Tensor,
    bottom: Tensor,
    left: Tensor,
    right: Tensor,
    *,
    color: Tensor,
    into: Tensor | None = None,
) -> Tensor:
    """Paint over boxes; see `outside`.

    Args:
        images: (B, C, H, W).
        top: and the other borders, int (B, n) for n boxes per image.
        bottom: see above.
        left: see above.
        right: see above.
        color: of `fill_color`.
        into: where to put the result: `images`, or None for a new tensor.
    """
    if not by_slices(images):
        if into is None:
            return _paint(images, top, bottom, left, right, color=color)
        return choose(outside(top, bottom, left, right, images), images, color, out=into)
    result = images.clone() if into is None else into
    for place, slices in boxes(top, bottom, left, right):
        result[place][slices] = color[0]
    return result


def fill_boxes_with_noise(
    images: Tensor,
    top: Tensor,
    bottom: Tensor,
    left: Tensor,
    right: Tensor,
    *,
    generator: Generator | None,
    into: Tensor | None = None,
) -> Tensor:
    """Put noise into boxes: uniform over 0 ... 255 for bytes, standard normal for floats.

    Args:
        images: (B, C, H, W).
        top: and the other borders, int (B, n) for n boxes per image.
        bottom: see above.
        left: see above.
        right: see above.
        generator: of the images' device; None for torch's own.
        into: where to put the result: `images`, or None for a new tensor.
    """
    if by_slices(images):
        result = images.clone() if into is None else into
        for place, slices in boxes(top, bottom, left, right):
            box = result[place][slices]
            # Drawn into memory of its own: to fill a strided slice goes number by number.
            noise = torch.empty(box.shape, dtype=box.dtype)
            if noise.dtype == torch.uint8:
                box.copy_(_bytes(noise.numel(), generator, noise.device).view(box.shape))
            else:
                box.copy_(noise.normal_(generator=generator))
        return result
    kept = outside(top, bottom, left, right, images)
    if images.dtype == torch.uint8:
        # All pixels get a draw, which is faster than to find the erased.
        noise = _bytes(images.numel(), generator, images.device).view(images.shape)
        return choose(kept, images, noise, out=into)
    erased = int(((bottom - top) * (right - left)).sum()) * images.shape[1]
    noise = torch.empty(erased, dtype=images.dtype, device=images.device)
    result = images.clone() if into is None else into
    return result.masked_scatter_(~kept, noise.normal_(generator=generator))


def _bytes(count: int, generator: Generator | None, device: torch.device) -> Tensor:
    """Draw bytes, eight at a time."""
    words = torch.empty(-(-count // 8), dtype=torch.int64, device=device)
    return words.random_(-(2**63), None, generator=generator).view(torch.uint8)[:count]


def boxes(
    top: Tensor, bottom: Tensor, left: Tensor, right: Tensor
) -> list[tuple[int, tuple[slice, slice, slice]]]:
    """Turn the borders of boxes into the number of an image and slices of it."""
    borders = torch.stack((top, bottom, left, right), dim=-1).clamp_(min=0).tolist()
    return [
        (place, (slice(None), slice(y, y_end), slice(x, x_end)))
        for place, several in enumerate(borders)
        for y, y_end, x, x_end in several
        if y < y_end and x < x_end
    ]


@in_parts
def _paint(
    images: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor, *, color: Tensor
) -> Tensor:
    return choose(outside(top, bottom, left, right, images), images, color)


def mirror(images: Tensor, chosen: Tensor, *, into: Tensor | None = None) -> Tensor:
    """Mirror the chosen images.

    Args:
        images: (B, C, H, W).
        chosen: bool (B,).
        into: where to put the result: `images`, or None for a new tensor.
    """
    if by_slices(images):
        result = torch.empty_like(images) if into is None else into
        for place, turned in enumerate(chosen.tolist()):
            if turned:
                result[place] = images[place].flip(-1)
            elif into is None:
                result[place] = images[place]
        return result
    if chosen.device.type != "cpu":  # to count them would wait for the device
        which = chosen[:, None, None, None]
        return choose(~which, images, images.flip(-1), out=into)
    if into is None:
        result, places, taken = images.flip(-1), ~chosen, images
    else:
        result, places, taken = into, chosen, images.flip(-1)
    numbers = places.nonzero().flatten().to(images.device, non_blocking=True)
    return result.index_copy_(0, numbers, taken.index_select(0, numbers))


def crop(images: Tensor, top: Tensor, left: Tensor, padding: int, color: Tensor) -> Tensor:
    """Cut windows out of padded images.

    Args:
        images: (B, C, H, W).
        top: first row of each window in the padded image, int (B,).
        left: first column, likewise.
        padding: pixels on every side.
        color: of `fill_color`.
    """
    if not by_slices(images):
        offset = top * (images.shape[-1] + 2 * padding) + left
        offset = offset.to(images.device, non_blocking=True)
        return _crop(images, offset, padding=padding, color=color)
    height, width = images.shape[-2:]
    result = torch.empty_like(images)
    for place, (down, across) in enumerate(zip(top.tolist(), left.tolist(), strict=True)):
        down, across = down - padding, across - padding
        y, y_end = (min(max(0, edge - down), height) for edge in (0, height))
        x, x_end = (min(max(0, edge - across), width) for edge in (0, width))
        window, image = result[place], images[place]
        window[:, y:y_end, x:x_end] = image[:, y + down : y_end + down, x + across : x_end + across]
        for rim in (
            window[:, :y], window[:, y_end:], window[:, y:y_end, :x], window[:, y:y_end, x_end:]
        ):  # fmt: skip
            if rim.numel():
                rim.copy_(color[0].expand_as(rim))
    return result


@in_parts
def _crop(images: Tensor, offset: Tensor, *, padding: int, color: Tensor) -> Tensor:
    """Cut windows that begin `offset` pixels after the first of their padded images."""
    batch, channels, height, width = images.shape
    rows, columns = height + 2 * padding, width + 2 * padding
    padded = color.expand(batch, channels, rows, columns).contiguous()
    padded[:, :, padding : padding + height, padding : padding + width] = images
    # Every row of every window is `width` neighbours in memory. The view below has all such
    # stretches as its rows, overlapping; to pick whole rows of a matrix is a plain copy.
    stretches = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
    first = torch.arange(batch * channels, device=images.device).view(batch, channels, 1)
    line = torch.arange(height, device=images.device)
    starts = first * (rows * columns) + line * columns + offset[:, None, None]
    return stretches.index_select(0, starts.flatten()).view(images.shape)


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
        out: where to put the result, may be `images`, but not `others`; None for a new tensor.
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
