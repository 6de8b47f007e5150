"""What the mixing tricks share: checks, draws, and how boxes are copied fast.

Under `torch.compile` a Python number that meets a tensor may become a constant of the graph, and
each new number another graph. So, while something is compiled, weights are tensors and boxes are
masks; otherwise a number stays a number and a box a slice, which is faster. Both give the same.
"""

from dataclasses import MISSING, fields
from numbers import Integral, Real
from typing import Any

import torch
from torch import Generator, Tensor

from .arguments import as_rows, check_batch, check_count, check_number
from .pixels import take_rows
from .written import written

__all__ = [
    "Box",
    "beta",
    "check_box",
    "check_mixture",
    "check_partner",
    "check_point",
    "check_weight",
    "inside",
    "left_alone",
    "paste",
    "place",
    "rows_for",
    "share",
    "short_text",
    "unmixed",
]

Box = tuple[int, int, int, int]
"""top, bottom, left, right: the rows top <= y < bottom, the columns left <= x < right."""


IN_A_LOADER = "in a DataLoader, tricks_lib.adapters.as_collate mixes the batches"


# --- What is drawn ---


def beta(shape: float, generator: Generator | None = None) -> float:
    """Draw one number from Beta(shape, shape), by torch's generator or the given one.

    It is drawn on the CPU, whatever the device of the images, so that nothing waits for it and a
    seed gives the same number everywhere. A Beta variable is X/(X + Y) with X and Y from
    Gamma(shape); for a small shape both underflow, and torch's own Beta then returns 1/2. So the
    ratio is taken of logarithms, with X = X'·U^(1/shape), X' from Gamma(shape + 1).
    """
    one_more = torch.full((2,), shape + 1, dtype=torch.float64)
    # What torch.distributions.Gamma calls; that class takes no generator.
    larger = torch._standard_gamma(one_more, generator=generator).log()
    uniform = torch.rand(2, dtype=torch.float64, generator=generator).log()
    odds = (uniform[0] - uniform[1]) / shape + larger[0] - larger[1]
    return odds.sigmoid().item()


def left_alone(p: float, generator: Generator | None = None) -> bool:
    """Decide whether a batch is left as it is, which has the probability 1 - p.

    For p = 1 nothing is drawn.
    """
    return p < 1 and torch.rand((), generator=generator).item() >= p


def unmixed(images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return copies, so that what comes out of a mixture never shares memory with what went in."""
    return images.clone(), rows.clone()


# --- What is refused ---


def check_mixture(num_classes: int | None, p: float) -> None:
    """Check the parameters that all mixtures have.

    Raises:
        TypeError, ValueError: if `num_classes` is no whole number from 1 on and not None, or `p` no
            number in [0, 1].
    """
    if num_classes is not None:
        check_count("num_classes", num_classes)
    check_number("p", p, 0, 1)


def rows_for(images: Tensor, targets: Tensor, num_classes: int | None = None) -> Tensor:
    """Check that images are a batch (B, C, H, W), and return their targets as rows (B, K).

    Args:
        images: a batch.
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        num_classes: K, which labels need and rows are held against.

    Raises:
        TypeError: if one is no tensor, or targets are labels without `num_classes`.
        ValueError: if a shape is wrong, or a label is no class.
    """
    try:
        check_batch(images)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}; {IN_A_LOADER}") from None
    return as_rows(targets, num_classes, len(images))


def check_partner(partner: Tensor, shape: tuple[int, ...], images: Tensor) -> Tensor:
    """Check the numbers of partners, and return them on the images' device.

    Partners on another device than the CPU are not read here, since that would wait for it.

    Args:
        partner: which images of the batch, whole numbers 0 ... B - 1.
        shape: what shape they must have.
        images: (B, C, H, W).

    Raises:
        TypeError: if they are no tensor of whole numbers.
        ValueError: if the shape is another, or an image is not in the batch.
    """
    if not isinstance(partner, Tensor) or partner.is_floating_point() or partner.is_complex():
        kind = partner.dtype if isinstance(partner, Tensor) else type(partner).__name__
        raise TypeError(f"partners must be numbers of images, int {shape}, got {kind}")
    if partner.dtype == torch.bool:
        raise TypeError(f"partners must be numbers of images, int {shape}, got {partner.dtype}")
    if partner.shape != shape:
        raise ValueError(
            f"expected one partner for each of {len(images)} images, int {shape}, got "
            f"{tuple(partner.shape)}"
        )
    if _readable(partner):
        low, high = int(partner.min()), int(partner.max())
        if low < 0 or high >= len(images):
            raise ValueError(
                f"partners must be numbers of images, 0 ... {len(images) - 1}, got {low} ... {high}"
            )
    return _moved(partner.long(), images)


def check_weight(weight: float | Tensor, images: Tensor) -> None:
    """Check a weight: one number, or one per image.

    A tensor on another device than the CPU is not read, since that would wait for it.

    Raises:
        TypeError: if it is neither a number nor a tensor of numbers.
        ValueError: if the shape is neither () nor (B,), or a number is outside [0, 1] or NaN.
    """
    if not isinstance(weight, Tensor):
        if isinstance(weight, bool) or not isinstance(weight, Real):
            raise TypeError(f"weight must be a number in [0, 1], got {weight!r}")
        if not 0 <= weight <= 1:
            raise ValueError(f"weight must be a number in [0, 1], got {weight!r}")
        return
    if weight.shape not in ((), (len(images),)):
        raise ValueError(
            f"weight must be a number or one for each of {len(images)} images, "
            f"got {tuple(weight.shape)}"
        )
    if _readable(weight):
        outside = weight[~((weight >= 0) & (weight <= 1))]  # NaN is outside too
        if len(outside):
            raise ValueError(f"weight must be numbers in [0, 1], got {outside[0].item()!r}")


def check_box(box: Box, height: int, width: int) -> None:
    """Check that a box is four whole numbers and lies in an image; it may be empty.

    Raises:
        TypeError: if it is something else.
        ValueError: if it reaches over the border, or ends before it begins.
    """
    if not _are_whole(box, 4):
        raise TypeError(f"box must be four whole numbers (top, bottom, left, right), got {box!r}")
    top, bottom, left, right = box
    if not (0 <= top <= bottom <= height and 0 <= left <= right <= width):
        raise ValueError(
            f"box (top, bottom, left, right) must lie in an image of {height}×{width}, got {box}"
        )


def check_point(name: str, point: tuple[int, int]) -> None:
    """Check that a point is two whole numbers.

    Raises:
        TypeError: if it is something else.
    """
    if not _are_whole(point, 2):
        raise TypeError(f"{name} must be two whole numbers (row, column), got {point!r}")


def _are_whole(numbers: object, count: int) -> bool:
    if not isinstance(numbers, tuple | list) or len(numbers) != count:
        return False
    return all(isinstance(number, Integral) for number in numbers)


def _readable(tensor: Tensor) -> bool:
    """Tell whether a tensor's numbers are at hand: not on a device, not while compiling."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()


# --- What is computed ---


def share(weight: float | Tensor, values: Tensor) -> float | Tensor:
    """Return a weight in the form in which it meets `values`: a number, or a tensor of their type
    and device that broadcasts to them.

    Args:
        weight: a number, or one per image, (B,).
        values: (B, ...).
    """
    if isinstance(weight, Tensor):
        shape = (-1, *[1] * (values.ndim - 1))
        return _moved(weight.to(values.dtype), values).view(shape)
    return values.new_ones(()) * weight if torch.compiler.is_compiling() else float(weight)


def paste(images: Tensor, partner: Tensor, box: Box) -> Tensor:
    """Put the partner's pixels into one box of each image.

    It is `torch.where(inside(box, images), images[partner], images)`, without the work outside.
    """
    if torch.compiler.is_compiling():
        return torch.where(inside(box, images), take_rows(images, partner), images)
    top, bottom, left, right = box
    pasted, part = images.clone(), (slice(top, bottom), slice(left, right))
    pasted[:, :, *part] = take_rows(images[:, :, *part].contiguous(), partner)
    return pasted


def place(
    canvas: Tensor, images: Tensor, partner: Tensor, box: Box, origin: tuple[int, int]
) -> Tensor:
    """Put a crop of the partner into one box of each image of the canvas, and return the canvas.

    Args:
        canvas: (B, C, H, W), changed in place unless something is compiled.
        images: (B, C, H, W), where the crops come from.
        partner: int (B,).
        box: where each crop goes.
        origin: (y, x) of the crop's corner in the image that it comes from.
    """
    (top, bottom, left, right), (y, x) = box, origin
    if torch.compiler.is_compiling():
        height, width = images.shape[-2:]
        rows = (torch.arange(height, device=images.device) - top + y).clamp(0, height - 1)
        columns = (torch.arange(width, device=images.device) - left + x).clamp(0, width - 1)
        moved = take_rows(images, partner)[:, :, rows][..., columns]
        return torch.where(inside(box, images), moved, canvas)
    if top < bottom and left < right:
        crops = images[:, :, y : y + bottom - top, x : x + right - left].contiguous()
        canvas[:, :, top:bottom, left:right] = take_rows(crops, partner)
    return canvas


def inside(box: Box, images: Tensor) -> Tensor:
    """Mark the pixels of a box, bool (H, W)."""
    top, bottom, left, right = box
    y = torch.arange(images.shape[-2], device=images.device)[:, None]
    x = torch.arange(images.shape[-1], device=images.device)
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def _moved(tensor: Tensor, like: Tensor) -> Tensor:
    """Move to the device of `like`, without waiting for a device that it goes to."""
    return tensor.to(like.device, non_blocking=like.device.type != "cpu")


# --- What a mixture looks like ---


def short_text(value: Any) -> str:
    """Return the expression that rebuilds a mixture: its first parameter, and those that are set.

    Recorded recipes have the text `Mixup(alpha=0.2)`, from before there were others.
    """

    def is_said(place: int, name: str, default: Any) -> bool:
        return place == 0 or default is MISSING or getattr(value, name) != default

    said = [f.name for place, f in enumerate(fields(value)) if is_said(place, f.name, f.default)]
    settings = ", ".join(f"{name}={written(getattr(value, name))}" for name in said)
    return f"{type(value).__name__}({settings})"
