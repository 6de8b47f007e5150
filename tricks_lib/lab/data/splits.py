"""Images with their labels: a split, and the splits of a data set.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .streamed import StreamedImages

__all__ = ["Data", "Split", "assemble"]


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images with their labels.

    Args:
        images: uint8 (N, C, H, W), pixel values 0 to 255; `StreamedImages` stand in for a tensor
            where the memory is too small for one.
        labels: int64 (N,), the class of each image.

    Raises:
        ValueError: if type or shape is another.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        """Check both tensors once."""
        for name, tensor, dtype, ndim, shape in (
            ("images", self.images, torch.uint8, 4, "(N, C, H, W)"),
            ("labels", self.labels, torch.int64, 1, "(N,)"),
        ):
            if tensor.dtype != dtype or tensor.ndim != ndim:
                raise ValueError(
                    f"{name} must be {dtype} {shape}, got {tensor.dtype} {tuple(tensor.shape)}"
                )
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"expected one label per image, "
                f"got {len(self.images)} images and {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __repr__(self) -> str:
        """Return the sizes."""
        shape = "×".join(map(str, self.images.shape[1:]))
        return f"Split({len(self):,} images of {shape})"

    def pick(self, positions: Tensor) -> "Split":
        """Return the images at these positions, int64 (M,), in this order."""
        # On a CPU index_select copies whole images, far faster than images[positions] does.
        return Split(self.images.index_select(0, positions), self.labels.index_select(0, positions))

    def to(self, device: str | torch.device) -> "Split":
        """Return the same on another device."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A data set, held in the memory of one device, or streamed to it.

    Methods return new data and leave this one as it is. `mean` and `std` are never computed
    again: part of a data set is normalised like the whole, so that runs on both see the same
    numbers.

    Args:
        name: what it is called in records.
        train: what to learn from.
        test: what to judge by.
        classes: name of each class; a label is a position in it.
        mean: mean of each channel over the training images, float32 (C,), where white is 1.
        std: standard deviation of each channel, likewise.
        validation: images for choices made during training, or None.

    Raises:
        ValueError: if the parts do not fit together.

    Shape: all images are uint8 (N, C, H, W) with the same C, H and W.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    validation: Split | None = None

    def __post_init__(self) -> None:
        """Check once that the parts fit together."""
        for name, split in self.splits.items():
            if not len(split):
                raise ValueError(f"expected at least one {name} image, got none")
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise ValueError(
                    f"expected {name} images like the training images, "
                    f"{tuple(self.train.images.shape[1:])}, got {tuple(split.images.shape[1:])}"
                )
            low, high = split.labels.min().item(), split.labels.max().item()
            if not 0 <= low <= high < self.num_classes:
                raise ValueError(
                    f"expected {name} labels from 0 to {self.num_classes - 1}, "
                    f"got labels from {low} to {high}"
                )
        for name, tensor in (("mean", self.mean), ("std", self.std)):
            if tensor.dtype != torch.float32 or tensor.shape != (self.channels,):
                raise ValueError(
                    f"{name} must be torch.float32 ({self.channels},), one number per channel, "
                    f"got {tensor.dtype} {tuple(tensor.shape)}"
                )
        if not (self.std > 0).all():
            raise ValueError(f"std must be > 0, got {self.std.tolist()}")

    def __repr__(self) -> str:
        """Return name, sizes and the first classes."""
        sizes = " + ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        shape = "×".join(map(str, self.train.images.shape[1:]))
        names = ", ".join(self.classes[:3]) + ", ..." * (self.num_classes > 3)
        return f"Data({self.name}: {sizes} images of {shape}, {self.num_classes} classes: {names})"

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that there are, by name."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in splits.items() if split is not None}

    @property
    def channels(self) -> int:
        """Channels of an image: 1 for grey, 3 for colour."""
        return self.train.images.shape[1]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        height, width = self.train.images.shape[2:]
        return height, width

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.train.images.device

    def to(self, device: str | torch.device) -> "Data":
        """Return the same on another device."""
        splits: dict[str, Any] = {name: split.to(device) for name, split in self.splits.items()}
        return replace(self, **splits, mean=self.mean.to(device), std=self.std.to(device))

    def normalize(self, images: Tensor) -> Tensor:
        """Return (images / 255 - mean) / std: about mean 0 and deviation 1 in each channel.

        The images may be on another device than the data, but waiting for each other costs time.

        Args:
            images: (B, C, H, W) or (C, H, W), uint8, or float from 0 to 255.

        Returns:
            float32 in the same shape and memory format.
        """
        scale, shift = self._scale.to(images.device), self._shift.to(images.device)
        # In place on a fresh copy: on a CPU several times faster than uint8 * float + float.
        return images.to(torch.float32, copy=True).mul_(scale).add_(shift)

    def denormalize(self, images: Tensor) -> Tensor:
        """Undo `normalize`, to show images: float (..., C, H, W) -> uint8, rounded and clipped."""
        scale, shift = self._scale.to(images.device), self._shift.to(images.device)
        return ((images.float() - shift) / scale).round_().clamp_(0, 255).to(torch.uint8)

    @cached_property
    def _scale(self) -> Tensor:
        return (1 / (255 * self.std)).view(-1, 1, 1)

    @cached_property
    def _shift(self) -> Tensor:
        return (-self.mean / self.std).view(-1, 1, 1)

    def subset(
        self,
        train: int | None = None,
        test: int | None = None,
        validation: int | None = None,
        seed: int | None = None,
    ) -> "Data":
        """Keep only so many images of each split: the first, or some drawn at random.

        In a study, each seed should draw its own training images, so that the result speaks of
        the method and not of one sample: `data.subset(train=1000, seed=seed)` draws them without
        replacement, from a generator of its own, and leaves the test images, the validation
        images, `mean`, `std` and the name as they are. With the same seed a smaller subset is
        part of a larger one.

        Args:
            train: how many training images; None keeps all, in their order.
            test: how many test images, likewise.
            validation: how many validation images, likewise.
            seed: fixes which ones, and shuffles them; None takes the first, in their order. The
                images of a folder stand class by class: of these, draw with a seed.

        Raises:
            ValueError: if there are not that many.
        """
        kept: dict[str, Any] = {}
        for name, count in (("train", train), ("test", test), ("validation", validation)):
            if count is None:
                continue
            there = len(self.splits.get(name, ()))
            if not 1 <= count <= there:
                raise ValueError(f"expected 1 to {there} {name} images, got {count}")
            order = torch.arange(there) if seed is None else _shuffled(there, seed)
            kept[name] = self.splits[name].pick(order[:count].to(self.device))
        return replace(self, **kept)

    def hold_out(self, validation: int, seed: int = 0) -> "Data":
        """Move some training images, drawn at random whatever their class, into `validation`.

        Args:
            validation: how many.
            seed: fixes which ones.

        Returns:
            Data whose `train` and `validation` together are this data's `train`, each in the
            order it had.

        Raises:
            ValueError: if no training image would be left, or there is a validation split already.
        """
        if self.validation is not None:
            raise ValueError(
                f"expected data without a validation split, got one of {len(self.validation)} "
                "images"
            )
        there = len(self.train)
        if not 1 <= validation < there:
            raise ValueError(f"expected 1 to {there - 1} validation images, got {validation}")
        order = _shuffled(there, seed).to(self.device)
        held, left = order[:validation].sort().values, order[validation:].sort().values
        return replace(self, train=self.train.pick(left), validation=self.train.pick(held))

    def with_label_noise(self, rate: float, seed: int = 0) -> "Data":
        """Replace training labels by wrong ones: each of the other classes is equally likely.

        Exactly `rate` of the training labels, rounded to a whole number, become wrong. (Where the
        literature also draws the true class, its rate r is r · (K - 1) / K here.)

        Args:
            rate: share of the training labels, in [0, 1].
            seed: fixes which labels, and what becomes of them.

        Raises:
            ValueError: if `rate` is out of range.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be in [0, 1], got {rate}")
        draws = torch.Generator().manual_seed(seed)
        wrong = torch.randperm(len(self.train), generator=draws)[: round(rate * len(self.train))]
        step = torch.randint(1, self.num_classes, wrong.shape, generator=draws)
        labels = self.train.labels.cpu().clone()
        labels[wrong] = (labels[wrong] + step) % self.num_classes
        train = Split(self.train.images, labels.to(self.device))
        return replace(self, name=f"{self.name} with {100 * rate:g}% wrong labels", train=train)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change when an image, a label or a class does.

        Those of streamed images are others than those of the same images in memory: they are known
        without decoding any.
        """
        digest = hashlib.sha256(json.dumps(self.classes).encode())
        for name, split in self.splits.items():
            for tensor in (split.images, split.labels):
                digest.update(f"{name} {tuple(tensor.shape)}".encode())
                if isinstance(tensor, StreamedImages):  # from what it knows of each image
                    digest.update(tensor.fingerprint())
                else:
                    digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()[:16]


def assemble(
    name: str,
    classes: Sequence[str],
    splits: Mapping[str, Split],
    counts: Tensor | None = None,
) -> Data:
    """Return a data set, normalised by the statistics of its training images.

    Args:
        name: what it is called in records.
        classes: name of each class.
        splits: "train", "test" and, if there is one, "validation".
        counts: how often each value is in each channel of the training images, int64 (C, 256),
            if that is known already.
    """
    mean, std = _channel_statistics(_counts(splits["train"].images) if counts is None else counts)
    return Data(name, classes=tuple(classes), mean=mean, std=std, **splits)


def _shuffled(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def _counts(images: Tensor) -> Tensor:
    """Count each of the 256 values in each channel, int64 (C, 256)."""
    return torch.stack(
        [images[:, channel].flatten().bincount(minlength=256) for channel in range(images.shape[1])]
    )


def _channel_statistics(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel, float32 (C,), where white is 1."""
    # From counts of the 256 values: exact, and without a copy of all images as floats.
    values = torch.arange(256, dtype=torch.float64) / 255
    shares = counts / counts.sum(dim=1, keepdim=True, dtype=torch.float64)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(dim=1)
    # A channel without contrast has no deviation to divide by.
    return mean.float(), torch.where(variance > 0, variance.sqrt(), 1.0).float()
