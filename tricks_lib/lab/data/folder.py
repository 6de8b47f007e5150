"""A data set of your own: a folder of images, decoded once and kept as one file, or streamed.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
import os
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from ...ops.arguments import check_count
from ..progress import progress
from .cache import DECODED, aside
from .decoding import Form, Look, decode, in_threads, look, shown_size, usual_threads
from .dividing import Division
from .layout import list_splits
from .listing import Listing, readable, readable_path, sample
from .memory import as_text, fits, largest_size, memory
from .splits import Data, Split, assemble
from .streamed import StreamedImages, digest

__all__ = ["Options", "load_folder"]

NAMED = 10
"""How many images that cannot be read are named."""

SMALL = 64
"""Height and width that images get if nobody says, and that they may have of their own."""


@dataclass(frozen=True)
class Options:
    """What may be asked of a folder; `load_data` says what each means."""

    image_size: int | None = None
    division: Division = field(default_factory=Division)
    skip_bad: bool = False
    stream: bool | None = None
    decoders: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.decoders is not None:
            check_count("decoders", self.decoders, 0)

    @property
    def threads(self) -> int:
        """How many threads decode."""
        return usual_threads() if self.decoders is None else self.decoders


class Kept(NamedTuple):
    """What is kept of a folder, and what is odd about its images.

    Of each split these are the images (N, C, H, W) and labels (N,). Where images are streamed they
    are digests (N, 32) and the positions (N,) of the files in the listing, and beside the splits
    stand "form" (C, H, W) and "counts" (C, 256), of the values in the training images.
    """

    tensors: dict[str, tuple[Tensor, ...]]
    notes: list[str]


def load_folder(folder: Path, cache: Path, options: Options) -> Data:
    """Load a folder of classes, or of splits with a folder for each class.

    Args:
        folder: where they are.
        cache: where the decoded images are kept.
        options: what was asked for.

    Raises:
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if it is a file.
        ValueError: if it is laid out in another way, images cannot be read, or the decoded images
            would not fit into memory.

    Warns:
        UserWarning: if something in the folder is passed over or decided for the user, if an image
            is in two splits or two classes, or if the decoded images cannot be kept.
    """
    folder = Path(os.path.realpath(folder))  # one place has one name, whatever it is called by
    listings, said = list_splits(folder, options.division)
    notes = [f"{readable_path(folder)}: {note}" for note in said]
    place, content = _place(folder, options), _content(listings)
    whole = cache / DECODED / f"{place}-{content}.pt"
    pieces = cache / DECODED / f"{place}s-{content}.pt"
    files = _Files(listings, options)
    scanned = _read(pieces) if options.stream or not files.surely_fit else None
    if scanned:
        files.form = _form_of(scanned)
    streams = _streams(files, whole, options.stream)
    kept = scanned if streams else _read(whole)
    if kept is None:
        kept = files.scan() if streams else files.decode()
        notes += _keep(kept, pieces if streams else whole, cache)
    if streams and options.stream is None:
        notes.append(_too_large(files.count, files.form, "they are decoded as they are needed"))
    for note in notes + kept.notes:
        warnings.warn(note, stacklevel=3)  # the caller of load_data
    return _data(kept, listings, readable(folder.name), options.threads)


def _streams(files: "_Files", whole: Path, asked: bool | None) -> bool:
    """Decide whether the images are streamed.

    Raises:
        ValueError: if they must not be, and memory is too small for them.
    """
    if asked or (asked is None and files.surely_fit):
        return bool(asked)
    there = memory()
    needed = whole.stat().st_size if whole.exists() else files.count * prod(files.form.shape)
    if asked is None:
        return not fits(needed, there)
    if there and needed > there.free:
        raise ValueError(_too_large(files.count, files.form, "that is more than is free"))
    return False


def _too_large(count: int, form: Form, what: str) -> str:
    """Say how much memory the images would take, and the ways out."""
    there, shape = memory(), (count, *form.shape)
    size = largest_size(count, len(form.mode), there)
    smaller = f", or image_size={size}" if size and size < min(form.height, form.width) else ""
    free = f" of {as_text([there.total])}, {as_text([there.free])} of them free" if there else ""
    return (
        f"{count:,} images of {'×'.join(map(str, form.shape))} take {as_text(shape)} of memory"
        f"{free}: {what} (stream=True{smaller})"
    )


def _data(kept: Kept, listings: dict[str, Listing], name: str, threads: int) -> Data:
    """Make a data set of what was kept."""
    classes = [readable(label) for label in listings["train"].classes]
    if "form" not in kept.tensors:
        return assemble(name, classes, {key: Split(*both) for key, both in kept.tensors.items()})
    form, splits = _form_of(kept), {}
    for key, listing in listings.items():
        digests, positions = kept.tensors[key]
        paths = [listing.paths[position] for position in positions.tolist()]
        images = StreamedImages(paths, form, digests, threads)
        labels = torch.tensor(listing.labels)[positions]
        splits[key] = Split(cast(Tensor, images), labels)
    return assemble(name, classes, splits, kept.tensors["counts"][0])


def _form_of(scanned: Kept) -> Form:
    channels, height, width = scanned.tensors["form"][0].tolist()
    return Form("L" if channels == 1 else "RGB", height, width)


# --- What is kept ---


def _place(folder: Path, options: Options) -> str:
    """Return a name for the folder and what is asked of it; one file is kept for each."""
    asked = [options.image_size, options.skip_bad, *vars(options.division).values()]
    return hashlib.sha256(os.fsencode(folder) + f" {asked}".encode()).hexdigest()[:16]


def _content(listings: dict[str, Listing]) -> str:
    """Return a name that changes when the images of a folder do."""
    content = hashlib.sha256(b"layout 4")
    for name, listing in listings.items():
        for path in listing.paths:
            content.update(f"{name} ".encode() + os.fsencode(path))
            with suppress(OSError):  # what cannot be opened is named when it is decoded
                content.update(_state(path))
    return content.hexdigest()[:16]


def _state(path: str) -> bytes:
    """Return bytes that change when a file does, without reading all of a large one.

    Size and time are not enough: programs can set the time, and do where they restore or unpack.
    Where the file system notes the last change (`st_ctime`), nobody can set that; but on Windows it
    is the time of creation, and other file systems have none. So a sample of the content counts as
    well. To hash all of it would mean to read every photograph at each load.
    """
    with open(path, "rb") as file:
        status = os.stat(file.fileno())
        times = f" {status.st_mtime_ns} {status.st_ctime_ns} ".encode()
        return times + sample(file, status.st_size)


def _read(file: Path) -> Kept | None:
    """Return what was kept, or None if it is not there or damaged."""
    with suppress(Exception), open(file, "rb") as opened:  # a damaged file can fail anywhere
        found = torch.load(opened, weights_only=True)
        kept = Kept(found["tensors"], found["notes"])
        if found["checksum"] == _checksum(kept):
            return kept
    return None


def _keep(kept: Kept, file: Path, cache: Path) -> list[str]:
    """Write the file, and remove what the folder held before; return what went wrong."""
    try:
        with aside(cache) as unfinished:
            with open(unfinished / file.name, "wb") as opened:
                torch.save(kept._asdict() | {"checksum": _checksum(kept)}, opened)
            file.parent.mkdir(exist_ok=True)
            (unfinished / file.name).replace(file)
        place, _, _ = file.name.rpartition("-")
        for old in file.parent.glob(f"{place}-*"):
            if old != file:
                old.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch calls a full disk a RuntimeError
        return [f"the decoded images cannot be kept, and must be decoded again: {error}"]
    return []


def _checksum(kept: Kept) -> int:
    """Return a number that tells a damaged file: torch does not check what it reads."""
    shapes = {name: [tensor.shape for tensor in some] for name, some in kept.tensors.items()}
    checksum = zlib.crc32(repr((shapes, kept.notes)).encode())
    for tensors in kept.tensors.values():
        for tensor in tensors:
            checksum = zlib.crc32(tensor.numpy().data, checksum)
    return checksum


# --- Decoding ---


class _Files:
    """The files of a folder on their way to images; those that cannot be read are collected.

    Args:
        listings: of each split.
        options: what was asked for.
    """

    def __init__(self, listings: dict[str, Listing], options: Options):
        self.listings, self.options = listings, options
        self.paths = [path for listing in listings.values() for path in listing.paths]
        self.count = len(self.paths)
        self.failures: dict[str, str] = {}
        self.notes: list[str] = []

    @property
    def surely_fit(self) -> bool:
        """Whether the images fit into memory even if all are in colour: that needs no look."""
        side = self.options.image_size or SMALL
        return fits(self.count * 3 * side**2, memory())

    @cached_property
    def form(self) -> Form:
        """What every image becomes. Each file is opened, and none decoded."""
        looks = dict(zip(self.paths, self._each(look, self.paths, "looking at"), strict=True))
        self.notes += _oddities({path: seen for path, seen in looks.items() if seen})
        modes = {seen.mode for seen in looks.values() if seen}
        grey = all(mode in ("1", "L") or mode.startswith("I") for mode in modes)
        height, width = self._usual_size()
        if self.options.image_size is not None:
            height = width = self.options.image_size
        return Form("L" if grey else "RGB", height, width)

    def decode(self) -> Kept:
        """Return all images, decoded.

        Raises:
            ValueError: if some cannot be read.
        """
        tensors: dict[str, tuple[Tensor, ...]] = {}
        digests: dict[str, list[bytes | None]] = {}
        for name, listing in self.listings.items():
            images = torch.zeros(len(listing.paths), *self.form.shape, dtype=torch.uint8)
            work = partial(self._decode_into, images.numpy(), listing.paths)
            places = range(len(listing.paths))
            digests[name] = list(self._each(work, places, "decoding", listing.paths))
            tensors[name] = images, torch.tensor(listing.labels)
        good = self._good(digests)
        for name, positions in good.items():
            if len(positions) < len(digests[name]):
                images, labels = tensors[name]
                tensors[name] = images[positions], labels[positions]
        return Kept(tensors, self.notes + list(_found_twice(digests, self.listings)))

    def scan(self) -> Kept:
        """Return what must be known of images to stream them, decoding each once.

        Raises:
            ValueError: if some cannot be read.
        """
        channels = self.form.shape[0]
        counts = torch.zeros(channels, 256, dtype=torch.int64)
        digests: dict[str, list[bytes | None]] = {}
        for name, listing in self.listings.items():
            digests[name] = []
            for found in self._each(self._scan_one, listing.paths, "scanning"):
                digests[name].append(found and found[0])
                if found and name == "train":
                    counts += torch.from_numpy(found[1])
        tensors: dict[str, tuple[Tensor, ...]] = {}
        for name, positions in self._good(digests).items():
            there = b"".join(found for found in digests[name] if found)
            as_bytes = torch.from_numpy(np.frombuffer(there, np.uint8).copy()).view(-1, 32)
            tensors[name] = as_bytes, positions
        tensors |= {"form": (torch.tensor(self.form.shape),), "counts": (counts,)}
        return Kept(tensors, self.notes + list(_found_twice(digests, self.listings)))

    def _decode_into(self, places: np.ndarray, paths: Sequence[str], position: int) -> bytes:
        places[position] = pixels = decode(paths[position], self.form)
        return digest(pixels)

    def _scan_one(self, path: str) -> tuple[bytes, np.ndarray]:
        pixels = decode(path, self.form)
        values = [np.bincount(channel.ravel(), minlength=256) for channel in pixels]
        return digest(pixels), np.stack(values)

    def _each(
        self, work: Callable, items: Sequence, doing: str, paths: Sequence[str] | None = None
    ) -> Iterator[Any]:
        """Yield what `work` makes of each item, None where it fails, and note why."""
        files = items if paths is None else paths

        def attempt(place: int) -> Any:
            if files[place] in self.failures:
                return None
            try:
                return work(items[place])
            except Exception as error:  # each decoder fails in its own way
                return error

        with progress(len(items), f"{doing} images", "image") as bar:
            found = in_threads(attempt, range(len(items)), self.options.threads)
            for path, result in zip(files, found, strict=True):
                bar.update()
                if isinstance(result, Exception):
                    self.failures[path] = readable(str(result))
                    result = None
                yield result

    def _usual_size(self) -> tuple[int, int]:
        """Return the size of the first image of each class if they agree and are small."""
        train = self.listings["train"]
        firsts = [train.paths[train.labels.index(label)] for label in range(len(train.classes))]
        sizes = set(self._each(shown_size, firsts, "measuring"))
        size = sizes.pop()
        return size if size and not sizes and max(size) <= SMALL else (SMALL, SMALL)

    def _good(self, digests: dict[str, list[bytes | None]]) -> dict[str, Tensor]:
        """Return the positions of the images that could be read.

        Raises:
            ValueError: if some could not, unless they may be left out and every class has others.
        """
        good = {
            name: torch.tensor([place for place, found in enumerate(all_of) if found]).long()
            for name, all_of in digests.items()
        }
        if not self.failures:
            return good
        lines = [f"{readable(path)}: {why}" for path, why in list(self.failures.items())[:NAMED]]
        if len(self.failures) > NAMED:
            lines.append(f"and {len(self.failures) - NAMED} more")
        what = f"{len(self.failures)} of {self.count} images"
        if not self.options.skip_bad:
            named = "\n  ".join([f"cannot read {what}:", *lines])
            raise ValueError(f"{named}\nMend or remove them, or leave them out: skip_bad=True")
        for name, listing in self.listings.items():
            left = {listing.labels[place] for place in good[name].tolist()}
            empty = [label for key, label in enumerate(listing.classes) if key not in left]
            if empty:
                raise ValueError(
                    f"expected an image that can be read in each class of {name}, "
                    f"got none in {list(map(readable, empty))}; cannot read {lines[0]}"
                )
        self.notes.append("\n  ".join([f"left out {what} that cannot be read:", *lines]))
        return good


def _oddities(looks: dict[str, Look]) -> Iterator[str]:
    """Say of which files only a part is used."""
    for what, odd in (
        (
            "hold several images, of which the first is taken",
            [p for p in looks if looks[p].several],
        ),
        ("have 16 bits, scaled to 8", [p for p in looks if looks[p].mode.startswith("I")]),
    ):
        if odd:
            kinds = Counter(os.path.splitext(path)[1].lower() for path in odd)
            counts = ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common())
            yield f"files that {what}: {counts}, such as {readable(odd[0])}"


def _found_twice(
    digests: dict[str, list[bytes | None]], listings: dict[str, Listing]
) -> Iterator[str]:
    """Say which images are in two splits, or in two classes of one.

    What was learnt from an image cannot be judged by it, and of two labels one is wrong.
    """
    seen: dict[str, dict[bytes, str]] = {}
    for name, listing in listings.items():
        mine: dict[bytes, str] = {}
        classes: dict[bytes, int] = {}
        two_classes = []
        for pixels, label, path in zip(digests[name], listing.labels, listing.paths, strict=True):
            if pixels is None:
                continue
            if classes.setdefault(pixels, label) != label:
                two_classes.append((mine[pixels], path))
            mine.setdefault(pixels, path)
        if two_classes:
            yield _pairs(f"images of {name} are in two of its classes", two_classes)
        for other, theirs in seen.items():
            both = [(path, theirs[pixels]) for pixels, path in mine.items() if pixels in theirs]
            if both:
                yield _pairs(f"images of {other} are in {name} as well", both)
        seen[name] = mine


def _pairs(what: str, pairs: list[tuple[str, str]]) -> str:
    """Say how many pairs of files hold the same image, and name two."""
    examples = "; ".join(f"{readable(one)} and {readable(other)}" for one, other in pairs[:2])
    return f"{what}, pixel for pixel: {len(pairs)}, such as {examples}"
