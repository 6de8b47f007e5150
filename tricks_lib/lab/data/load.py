"""Pictures to train on: a set that comes with the package, published sets, your own folder.

Chapter: notebooks/00_baseline.ipynb
"""

import difflib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPException
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets import CIFAR10, FashionMNIST, ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS, is_image_file
from torchvision.transforms.v2.functional import pil_to_tensor

from .progress import progress


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images with their labels.

    Args:
        images: uint8 (N, C, H, W), pixel values 0 to 255.
        labels: int64 (N,), the class of each image.

    Raises:
        ValueError: if type or shape is another.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self):
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
    """A data set, held in the memory of one device.

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

    def __post_init__(self):
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
        return tuple(self.train.images.shape[2:])

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
        splits = {name: split.to(device) for name, split in self.splits.items()}
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
        """Undo `normalize`, for pictures: float (..., C, H, W) -> uint8, rounded and clipped."""
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
        """Keep only so many images of each split.

        With the same seed a smaller subset is part of a larger one.

        Args:
            train: how many training images; None keeps all, in their order.
            test: how many test images, likewise.
            validation: how many validation images, likewise.
            seed: fixes which ones; None takes the first.

        Raises:
            ValueError: if there are not that many.
        """
        kept = {}
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
        """Return 16 hexadecimal digits that change when an image, a label or a class does."""
        digest = hashlib.sha256(json.dumps(self.classes).encode())
        for name, split in self.splits.items():
            for tensor in (split.images, split.labels):
                digest.update(f"{name} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy())
        return digest.hexdigest()[:16]


def _shuffled(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


class DataUnavailable(RuntimeError):
    """A published data set is not on this machine and could not be downloaded."""


def load_data(
    source: str | Path = "fashion-mini",
    *,
    device: str | torch.device | None = None,
    download_to: str | Path | None = None,
    image_size: int | None = None,
) -> Data:
    """Load a data set by name, or a folder of pictures by path.

    - "fashion-mini": the first 10,000 training and 5,000 test images of Fashion-MNIST, which come
      with the package; no network is needed.
    - "digits": 1,000 training and 797 test images of handwritten digits, 8×8 pixels, the
      first and the last of those that come with scikit-learn; no network is needed.
    - "fashion-mnist", "cifar10": all of it, downloaded by torchvision at the first use.
    - A path: pictures in `train/<class>/` and `test/<class>/`, and, if there is one, in
      `validation/<class>/` or `val/<class>/`: JPEG, PNG, WebP and the other types that
      `torchvision.datasets.ImageFolder` reads; hidden and other files are passed over. If all are
      grey they get one channel, else three; transparency is dropped. Each is shrunk or enlarged
      until it just covers `image_size`, and what sticks out is cut off evenly. They are decoded
      once and kept as one file, which is made anew when a picture comes, goes or changes.

    A `Path`, or a text with a slash such as "./cifar10", is always a path.

    Args:
        source: the name or the path.
        device: where the data shall be; by default the CPU.
        download_to: folder for downloads and decoded pictures; by default the environment variable
            `TRICKS_DATA`, else `~/.cache/tricks_lib`. Files in torchvision's layout that are there
            already are used.
        image_size: height and width of the pictures of a folder, in pixels; by default their own
            if the first training picture of every class has the same, of 64×64 at most, else 64.

    Raises:
        DataUnavailable: if a download fails; nothing half-written is left.
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if the path is a file.
        ValueError: if the name is unknown, the folder is laid out in another way, a picture
            cannot be read, or `image_size` does not apply.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747 (Fashion-MNIST); Alpaydin and Kaynak
    1998, UCI Machine Learning Repository (digits); Krizhevsky 2009, Learning Multiple Layers of
    Features from Tiny Images (CIFAR-10).
    """
    names = ["fashion-mini", "digits", *_PUBLISHED]
    cache = Path(
        download_to or os.environ.get("TRICKS_DATA") or Path.home() / ".cache" / "tricks_lib"
    ).expanduser()
    is_path = isinstance(source, Path) or source not in names
    if image_size is not None and not (is_path and image_size >= 1):
        raise ValueError(f"image_size must be at least 1, and is for folders, got {image_size}")
    if is_path:
        folder = Path(source).expanduser()
        if isinstance(source, str) and folder.parts == (source,) and not folder.exists():
            near = difflib.get_close_matches(source, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"expected one of {names} or a folder, got {source!r}{hint}")
        data = _load_folder(folder, cache, image_size)
    elif source == "fashion-mini":
        data = _load_fashion_mini()
    elif source == "digits":
        data = _load_digits()
    else:
        data = _load_published(source, cache)
    return data if device is None else data.to(device)


def _assemble(name: str, classes: list[str], splits: dict[str, Split]) -> Data:
    mean, std = _channel_statistics(splits["train"].images)
    return Data(name, classes=tuple(classes), mean=mean, std=std, **splits)


def _channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel, float32 (C,), where white is 1."""
    # From counts of the 256 values: exact, and without a copy of all images as floats.
    values = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack(
        [images[:, channel].flatten().bincount(minlength=256) for channel in range(images.shape[1])]
    )
    shares = counts / counts.sum(dim=1, keepdim=True, dtype=torch.float64)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(dim=1)
    # A channel without contrast has no deviation to divide by.
    return mean.float(), torch.where(variance > 0, variance.sqrt(), 1.0).float()


# --- The set that comes with the package -----------------------------------------------------

_FASHION_MINI = Path(__file__).with_name("fashion_mini")


def _load_fashion_mini() -> Data:
    splits = {}
    for name in ("train", "test"):
        digits = (_FASHION_MINI / f"{name}-labels.txt").read_text(encoding="ascii")
        labels = torch.tensor([int(digit) for digit in digits if digit != "\n"])
        with Image.open(_FASHION_MINI / f"{name}.png") as sheet:
            pixels = pil_to_tensor(sheet)
        rows = pixels.view(-1, 28, 100, 28)  # row, y, column, x: 100 images side by side
        splits[name] = Split(rows.permute(0, 2, 1, 3).reshape(-1, 1, 28, 28), labels)
    return _assemble("fashion-mini", FashionMNIST.classes, splits)


# --- Digits, from scikit-learn ---------------------------------------------------------------


def _load_digits() -> Data:
    from sklearn.datasets import load_digits  # slow to import, and needed by few

    stored = load_digits()  # 0 to 16: how many pixels of a 4×4 block are ink
    images = torch.from_numpy(stored.images * (255 / 16)).round_().to(torch.uint8)[:, None]
    labels = torch.from_numpy(stored.target)
    # Not shuffled: neighbours are often by one writer, whom a random cut would put on both sides.
    splits = {"train": Split(images[:1000], labels[:1000])}
    splits["test"] = Split(images[1000:], labels[1000:])
    return _assemble("digits", [str(digit) for digit in range(10)], splits)


# --- Published sets --------------------------------------------------------------------------

_PUBLISHED = {
    "fashion-mnist": (FashionMNIST, "FashionMNIST"),
    "cifar10": (CIFAR10, "cifar-10-batches-py"),
}


def _load_published(name: str, cache: Path) -> Data:
    dataset, _ = _PUBLISHED[name]
    try:
        train, test = dataset(cache, train=True), dataset(cache, train=False)
    except (RuntimeError, ValueError, AssertionError):  # torchvision: missing or damaged
        _download(name, cache)
        train, test = dataset(cache, train=True), dataset(cache, train=False)
    splits = {}
    for split, part in (("train", train), ("test", test)):
        images = torch.as_tensor(part.data)  # (N, H, W) if grey, else (N, H, W, C)
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
        splits[split] = Split(images, torch.as_tensor(part.targets))
    return _assemble(name, train.classes, splits)


def _download(name: str, cache: Path) -> None:
    """Download aside, and move the files into place when torchvision could read all of them."""
    dataset, folder = _PUBLISHED[name]
    with _aside(cache) as aside:
        try:
            for train in (True, False):
                dataset(aside, train=train, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise DataUnavailable(
                f"could not download {name}: {error}\n"
                f"Without a network, use load_data('fashion-mini'), which comes with the package, "
                f"or copy {cache / folder} from a machine where load_data({name!r}) has worked."
            ) from error
        for file in sorted((aside / folder).rglob("*")):
            if file.is_file() and file.suffix != ".gz":
                target = cache / file.relative_to(aside)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)


@contextmanager
def _aside(cache: Path) -> Iterator[Path]:
    """Make a folder for unfinished work beside the finished, and remove it whatever happens."""
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob(".unfinished-*"):  # by a run that was killed
        with suppress(FileNotFoundError):  # or by one that finishes just now
            if time.time() - left_over.stat().st_mtime > 24 * 60 * 60:
                shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=cache) as aside:
        yield Path(aside)


# --- A folder of pictures --------------------------------------------------------------------


def _load_folder(folder: Path, cache: Path, image_size: int | None) -> Data:
    parts = _list_pictures(folder)
    kept = cache / "folders" / _cache_name(folder, parts, image_size)
    if not kept.exists():
        tensors = _decode_all(parts, image_size)
        with _aside(cache) as aside:
            torch.save(tensors, aside / kept.name)
            kept.parent.mkdir(exist_ok=True)
            (aside / kept.name).replace(kept)
        place, _, _ = kept.name.rpartition("-")
        for old in kept.parent.glob(f"{place}-*"):  # what the folder held before
            if old != kept:
                old.unlink(missing_ok=True)
    tensors = torch.load(kept, weights_only=True)
    splits = {name: Split(*pair) for name, pair in tensors.items()}
    return _assemble(folder.resolve().name, parts["train"].classes, splits)


def _list_pictures(folder: Path) -> dict[str, "_Pictures"]:
    """Find the pictures of each split, and check the layout."""
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"expected a folder with train and test in it, got {folder}")
    there = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if not {"train", "test"} <= set(there):
        raise ValueError(f"expected the folders train and test in {folder}, got {there or 'none'}")
    parts = {"train": _Pictures(folder / "train"), "test": _Pictures(folder / "test")}
    for name in ("val", "validation"):
        if name in there:
            parts["validation"] = _Pictures(folder / name)
    expected = parts["train"].classes
    for part in parts.values():
        if part.classes != expected:
            missing, extra = (
                sorted(set(a) - set(b)) or "none"
                for a, b in ((expected, part.classes), (part.classes, expected))
            )
            raise ValueError(
                f"expected the same classes in {part.root} as in train: "
                f"missing {missing}, not in train {extra}"
            )
    return parts


class _Pictures(ImageFolder):
    """torchvision's ImageFolder, without hidden files, and with messages that say what to do."""

    def __init__(self, folder: Path):
        super().__init__(folder, is_valid_file=_is_picture, allow_empty=True)
        empty = [self.classes[label] for label in set(range(len(self.classes))) - set(self.targets)]
        if empty:
            raise ValueError(
                f"expected pictures ({', '.join(IMG_EXTENSIONS)}) in each class of {folder}, "
                f"got none in {empty}"
            )

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Return the names of the class folders, and the label of each."""
        with os.scandir(directory) as entries:
            names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        if len(names) < 2:
            raise ValueError(
                f"expected a folder for each of at least two classes in {directory}, "
                f"got {names or 'none'}"
            )
        return names, {name: label for label, name in enumerate(names)}


def _is_picture(path: str) -> bool:
    # Jupyter leaves .ipynb_checkpoints, macOS leaves ._ files.
    hidden = any(part.startswith(".") for part in Path(path).parts[-2:])
    return not hidden and is_image_file(path)


def _cache_name(folder: Path, parts: dict[str, _Pictures], image_size: int | None) -> str:
    """Return a name that says which folder it is, and changes when its pictures do."""
    place = hashlib.sha256(f"{folder.resolve()} {image_size}".encode()).hexdigest()
    content = hashlib.sha256(b"layout 1")
    for name, part in parts.items():
        for path, _ in part.samples:
            stat = os.stat(path)
            content.update(f"{name} {path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return f"{place[:16]}-{content.hexdigest()[:16]}.pt"


def _decode_all(
    parts: dict[str, _Pictures], image_size: int | None
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return images (N, C, H, W) and labels (N,) of each split."""
    paths = [path for part in parts.values() for path, _ in part.samples]
    mode = "L" if all(_peek(path).mode in ("1", "L") for path in paths) else "RGB"
    height, width = (image_size, image_size) if image_size else _usual_size(parts["train"])
    tensors = {}
    with progress(len(paths), "decoding pictures", "picture") as bar:
        for name, part in parts.items():
            images = torch.empty(len(part), len(mode), height, width, dtype=torch.uint8)
            for position, (path, _) in enumerate(part.samples):
                images[position] = _decode(path, mode, height, width)
                bar.update()
            tensors[name] = images, torch.tensor(part.targets)
    return tensors


def _usual_size(train: _Pictures) -> tuple[int, int]:
    firsts = [train.targets.index(label) for label in range(len(train.classes))]
    sizes = {_peek(train.samples[position][0]).size for position in firsts}
    width, height = sizes.pop()
    return (height, width) if not sizes and max(height, width) <= 64 else (64, 64)


def _decode(path: str, mode: str, height: int, width: int) -> Tensor:
    with _opened(path) as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"expected 8 bits per channel, got Pillow's mode {image.mode}")
        image.draft(None, (2 * width, 2 * height))  # a large JPEG need not be decoded in full
        ImageOps.exif_transpose(image, in_place=True)  # phones store how they were held
        if image.has_transparency_data:  # straight to RGB, Pillow warns
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return pil_to_tensor(image)


def _peek(path: str) -> Image.Image:
    """Read what a picture is, not its pixels."""
    with _opened(path) as image:
        return image


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except Exception as error:  # each decoder fails in its own way
        raise ValueError(f"cannot read the picture {path}: {error}") from error
