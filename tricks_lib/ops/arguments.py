"""Checks that tricks share: each says what was expected and what was given."""

import math
from numbers import Integral, Real

import torch
from torch import Tensor

__all__ = [
    "as_number",
    "as_rows",
    "check_batch",
    "check_count",
    "check_logits",
    "check_number",
    "check_range",
    "check_rows",
    "keep_number",
    "logits_and_rows",
]


def check_number(
    name: str,
    value: float,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Check that a parameter is a number in its range.

    Args:
        name: what the parameter is called.
        value: what was given.
        low: smallest value allowed; itself not allowed if `above`.
        high: largest value allowed; itself not allowed if `below`.
        above: whether `low` is excluded.
        below: whether `high` is excluded.

    Raises:
        TypeError: if `value` is not a real number (a boolean is none).
        ValueError: if it is outside its range, infinite or NaN.
    """
    allowed = _interval(low, high, above, below)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number {allowed}, got {value!r}")
    inside = (value > low if above else value >= low) and (value < high if below else value <= high)
    if not (inside and -math.inf < value < math.inf):
        raise ValueError(f"{name} must be a number {allowed}, got {value!r}")


def check_count(name: str, value: int, low: int = 1) -> None:
    """Check that a parameter is a whole number of at least `low`, Python's or numpy's.

    Raises:
        TypeError: if `value` is not a whole number (a boolean is none).
        ValueError: if it is below `low`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number >= {low}, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be a whole number >= {low}, got {value!r}")


def check_range(
    name: str,
    value: tuple[float, float],
    low: float,
    high: float = math.inf,
    *,
    above: bool = False,
) -> None:
    """Check that a parameter is a pair (smallest, largest) inside its range.

    Raises:
        TypeError: if `value` is no pair of real numbers.
        ValueError: if an end is outside the range, or the pair is the wrong way round.
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (smallest, largest), got {value!r}")
    for end, number in zip(("smallest", "largest"), value, strict=True):
        check_number(f"{end} {name}", number, low, high, above=above)
    if value[0] > value[1]:
        raise ValueError(f"{name} must be a pair (smallest, largest) in this order, got {value!r}")


def check_batch(images: Tensor) -> None:
    """Check that images are a batch (B, C, H, W) of at least one image.

    Raises:
        TypeError: if `images` is no tensor.
        ValueError: if it has another rank, or is empty.
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"images must be a tensor (B, C, H, W), got {type(images).__name__}")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"images must have the shape (B, C, H, W), none of it 0, got {tuple(images.shape)}"
        )


def check_rows(targets: Tensor, batch: int | None = None, name: str = "targets") -> None:
    """Check that targets are rows of probabilities (B, K), not labels.

    Whether the rows sum to 1 is not checked, since that would wait for the device.

    Args:
        targets: what was given.
        batch: how many rows there must be; None for any number.
        name: what to call them in a message.

    Raises:
        TypeError: if `targets` is no tensor of floating-point numbers.
        ValueError: if it is not of rank 2, or has another number of rows.
    """
    expected = f"{name} must be rows of probabilities, float (B, K)"
    if not isinstance(targets, Tensor):
        raise TypeError(f"{expected}, got {type(targets).__name__}")
    if not targets.is_floating_point():
        kind = str(targets.dtype).removeprefix("torch.")
        raise TypeError(
            f"{expected}, got {kind} {tuple(targets.shape)}; "
            "labels become rows by torch.nn.functional.one_hot(labels, classes).float()"
        )
    if targets.ndim != 2:
        raise ValueError(f"{expected}, got the shape {tuple(targets.shape)}")
    if batch is not None and len(targets) != batch:
        raise ValueError(f"{expected}, one for each of {batch} images, got {len(targets)} rows")


def check_logits(logits: Tensor, targets: Tensor, name: str = "logits") -> None:
    """Check that logits have the shape of the target rows (B, K).

    Raises:
        TypeError: if `logits` is no tensor of floating-point numbers.
        ValueError: if the shapes differ.
    """
    if not isinstance(logits, Tensor) or not torch.is_floating_point(logits):
        kind = logits.dtype if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"{name} must be floating-point numbers (B, K), got {kind}")
    if logits.shape != targets.shape:
        raise ValueError(
            f"{name} must have the shape of the targets, {tuple(targets.shape)}: one number for "
            f"each image and class; got {tuple(logits.shape)}"
        )


def _interval(low: float, high: float, above: bool, below: bool) -> str:
    left = f"{'>' if above else '>='} {low:g}" if low > -math.inf else ""
    right = f"{'<' if below else '<='} {high:g}" if high < math.inf else ""
    return " and ".join(part for part in (left, right) if part) or "that is finite"


def as_rows(
    targets: Tensor,
    num_classes: int | None = None,
    batch: int | None = None,
    name: str = "targets",
) -> Tensor:
    """Return targets as rows of probabilities, whether they came as rows or as labels.

    Args:
        targets: rows of probabilities, float (B, K), which come back as they are, or labels, whole
            numbers 0 ... K - 1 of any integer type, (B,).
        num_classes: K. Labels need it; rows are held against it.
        batch: how many targets there must be; None for any number.
        name: what to call them in a message.

    Returns:
        float (B, K). Of labels, each row is zero but for a one, in torch's default type.

    Raises:
        TypeError: if `targets` are neither, or are labels and `num_classes` is not given.
        ValueError: if a shape is wrong, or a label is no class. Labels on a device are not read
            here, since that would wait for it: there, torch refuses them when it computes.
    """
    if num_classes is not None:
        check_count("num_classes", num_classes)
    if not _are_labels(targets):
        check_rows(targets, batch, name)
        if num_classes is not None and targets.shape[1] != num_classes:
            raise ValueError(
                f"{name} must be rows (B, {num_classes}) for num_classes={num_classes}, "
                f"got {tuple(targets.shape)}"
            )
        return targets
    if num_classes is None:
        kind = str(targets.dtype).removeprefix("torch.")
        raise TypeError(
            f"{name} must be rows of probabilities, float (B, K), or come with num_classes=K, got "
            f"{kind} {tuple(targets.shape)}; labels become rows by num_classes=10 for ten classes, "
            "or in a DataLoader by tricks_lib.adapters.as_collate"
        )
    if batch is not None and len(targets) != batch:
        raise ValueError(f"{name} must be one label for each of {batch} images, got {len(targets)}")
    labels = targets.long()
    if labels.device.type == "cpu" and not torch.compiler.is_compiling() and len(labels):
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_classes:
            raise ValueError(
                f"{name} must be classes 0 ... {num_classes - 1} for num_classes={num_classes}, "
                f"got {low} ... {high}"
            )
    # scatter, unlike a comparison with 0 ... K - 1, refuses on every device what is no class.
    rows = torch.zeros(len(labels), num_classes, device=labels.device)
    return rows.scatter_(1, labels[:, None], 1.0)


def _are_labels(targets: object) -> bool:
    if not isinstance(targets, Tensor) or targets.ndim != 1:
        return False
    whole = not targets.is_floating_point() and not targets.is_complex()
    return whole and targets.dtype != torch.bool


def as_number(
    name: str,
    value: float,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> float:
    """Check a parameter as `check_number` does, and return it as a Python number.

    Numbers of numpy may be too narrow to compute with (the ratio of two int8 is a float16), and
    `torch.load(weights_only=True)` refuses a state that holds one.

    Returns:
        A whole number as an int, any other as a float; while something is compiled, what was given.

    Raises:
        ValueError, TypeError: as `check_number`.
    """
    if torch.compiler.is_compiling():
        return value  # a check of its value would make another graph for each number
    check_number(name, value, low, high, above=above, below=below)
    return int(value) if isinstance(value, Integral) else float(value)


def keep_number(
    owner: object,
    name: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Check a parameter of a frozen value, and keep it there as `as_number` returns it.

    Args:
        owner: the value, of which `name` is an attribute.
        name: what the parameter is called.
        low: smallest value allowed; itself not allowed if `above`.
        high: largest value allowed; itself not allowed if `below`.
        above: whether `low` is excluded.
        below: whether `high` is excluded.

    Raises:
        ValueError, TypeError: as `check_number`.
    """
    number = as_number(name, getattr(owner, name), low, high, above=above, below=below)
    object.__setattr__(owner, name, number)


def logits_and_rows(logits: Tensor, targets: Tensor, name: str = "logits") -> tuple[Tensor, Tensor]:
    """Return logits and target rows, of the same shape (B, K) and type, for a loss.

    Args:
        logits: float (B, K).
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        name: what to call the logits in a message.

    Returns:
        Both in the more precise type of the two: what is there already is returned as it is.

    Raises:
        TypeError: if logits are no floating-point numbers, or targets neither rows nor labels.
        ValueError: if the shapes do not fit, or a label is no class.
    """
    if isinstance(logits, Tensor) and logits.ndim != 2:
        raise ValueError(
            f"{name} must have the shape (B, K), one number for each image and class; "
            f"got {tuple(logits.shape)}"
        )
    if isinstance(logits, Tensor) and _are_labels(targets):
        targets = as_rows(targets, logits.shape[1], len(logits))
    check_rows(targets)
    check_logits(logits, targets, name)
    kind = torch.promote_types(logits.dtype, targets.dtype)
    return logits.to(kind), targets.to(kind)
