"""Images that are decoded whenever they are asked for: a set may be larger than the memory.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .decoding import Form, decode, pool

__all__ = ["StreamedImages", "digest"]


def digest(pixels: np.ndarray) -> bytes:
    """Return 32 bytes that tell images apart by their pixels."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).digest()


@dataclass
class _Batch:
    """Images that are being decoded: where from, into what, and what must be waited for."""

    positions: Tensor
    images: Tensor
    waiting: list[Future]

    def result(self) -> Tensor:
        for future in self.waiting:
            future.result()
        return self.images

    def cancel(self) -> None:
        for future in self.waiting:
            future.cancel()


class StreamedImages:
    """Image files that stand in for a tensor, uint8 (N, C, H, W), in a `Split`.

    Positions, a slice, a mask or a number give a tensor, decoded at that moment: the same numbers,
    bit by bit, as from images in memory. `split`, or a loop, gives one batch after another.
    `index_select` gives fewer streamed images.

    While a batch is trained on, threads decode the next: the positions of a batch are a piece of
    the order of an epoch, and what follows the piece will be asked for next. If it is not, the
    work was in vain, and nothing else.

    Args:
        paths: the files.
        form: what each becomes.
        digests: what `digest` says of each, uint8 (N, 32). Together they are the fingerprint; and
            an image that changed while the program runs is an error.
        threads: how many decode; 0 decodes where the images are asked for.
        positions: which of the files, int64 (M,), in this order; None for all.
        device: where decoded images should be.
    """

    dtype = torch.uint8
    ndim = 4

    def __init__(
        self,
        paths: Sequence[str],
        form: Form,
        digests: Tensor,
        threads: int,
        *,
        positions: Tensor | None = None,
        device: str | torch.device = "cpu",
    ):
        self.paths, self.form, self.digests, self.threads = paths, form, digests, threads
        self.positions = torch.arange(len(paths)) if positions is None else positions
        self.device = torch.empty(0, device=device).device  # "cuda" becomes "cuda:0"
        self._ahead: _Batch | None = None
        self._order: tuple[Tensor, int, Tensor] | None = None  # with its version, and on the CPU
        self._offset = -1

    # --- What a tensor says of itself ---

    @property
    def shape(self) -> torch.Size:
        """Number of images, channels, height, width."""
        return torch.Size((len(self.positions), *self.form.shape))

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or one number of it."""
        return self.shape if dim is None else self.shape[dim]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.positions)

    def __repr__(self) -> str:
        """Return number, shape and device."""
        shape = "×".join(map(str, self.form.shape))
        return f"StreamedImages({len(self):,} of {shape}, for {self.device})"

    def __getattr__(self, name: str) -> Any:
        """Say how to get a tensor, which has so much more."""
        if name.startswith("_") or not hasattr(Tensor, name):
            raise AttributeError(f"streamed images have no {name!r}")
        raise AttributeError(
            f"streamed images have no {name!r}: take some of them first, as in images[:100].{name}"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is being decoded: another process has threads of its own."""
        return self.__dict__ | {"_ahead": None, "_order": None, "_offset": -1}

    def to(self, device: str | torch.device) -> "StreamedImages":
        """Return the same, for another device."""
        return self._like(self.positions, device)

    def cpu(self) -> "StreamedImages":
        """Return the same, for the CPU."""
        return self.to("cpu")

    def index_select(self, dim: int, positions: Tensor) -> "StreamedImages":
        """Return the images at these positions, int64 (M,), still streamed; `dim` must be 0."""
        if dim != 0:
            raise ValueError(f"expected dim=0, which counts the images, got {dim}")
        return self._like(self.positions[positions.cpu()], self.device)

    def fingerprint(self) -> bytes:
        """Return bytes that change when an image does, without decoding any."""
        content = hashlib.sha256(str(tuple(self.shape)).encode())
        content.update(self.digests[self.positions].numpy().data)
        return content.digest()

    # --- Images ---

    def __getitem__(self, index: Any) -> Tensor:
        """Return the images at positions, a slice, a mask or a number; then index these.

        Raises:
            IndexError: if a position does not exist.
            TypeError: if the index is of another kind.
            ValueError: if a file changed, or cannot be read any more.
        """
        first, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(first, int) or (isinstance(first, Tensor) and first.ndim == 0):
            found = self._now(self._checked(torch.tensor([int(first)])))[0]
            return found[tuple(rest)] if rest else found
        if isinstance(first, slice):
            positions, following = torch.arange(len(self))[first], None
        else:
            positions, following = self._asked(torch.as_tensor(first))
        found = self._now(positions, following)
        return found[(slice(None), *rest)] if rest else found

    def __iter__(self) -> Iterator[Tensor]:
        """Yield one image after another, (C, H, W)."""
        for batch in self.split(64):
            yield from batch

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield batches of so many images, in order; the last may have fewer."""
        pieces, begun = torch.arange(len(self)).split(size), deque[_Batch]()
        try:
            for piece in pieces:
                begun.append(self._start(piece))
                if len(begun) > (self.threads > 0):  # threads decode one batch ahead
                    yield self._on_device(begun.popleft().result())
            while begun:
                yield self._on_device(begun.popleft().result())
        finally:
            for batch in begun:
                batch.cancel()

    def _like(self, positions: Tensor, device: str | torch.device) -> "StreamedImages":
        return StreamedImages(
            self.paths, self.form, self.digests, self.threads, positions=positions, device=device
        )

    def _asked(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the positions that an index means, and those that will be asked for next."""
        if index.dtype == torch.bool:
            if index.shape != (len(self),):
                raise IndexError(
                    f"expected a mask of {len(self)} images, got one of {tuple(index.shape)}"
                )
            return index.nonzero().flatten().cpu(), None
        if index.ndim != 1 or index.is_floating_point() or index.is_complex():
            raise TypeError(
                "expected positions, whole numbers (M,), a slice, a mask or a number, "
                f"got {index.dtype} {tuple(index.shape)}"
            )
        order = index._base
        if order is None or order.ndim != 1 or not order.is_contiguous() or not len(index):
            self._order = None
            return self._checked(index.cpu().long()), None
        known = self._order
        if known is None or known[0] is not order or known[1] != order._version:
            # Once an epoch: to ask a GPU for each batch would wait for it each time.
            known = self._order = order, order._version, order.cpu().long()
            self._offset = -1
        start, step, count = int(index.storage_offset()), index.stride(0), len(index)
        advance = count * step if self._offset < 0 else start - self._offset
        self._offset = start
        here = torch.arange(count) * step + start - order.storage_offset()
        following = here + advance
        positions = self._checked(known[2][here])
        inside = advance > 0 and int(following[-1]) < len(known[2])
        return positions, self._checked(known[2][following]) if inside else None

    def _checked(self, positions: Tensor) -> Tensor:
        count = len(self)
        if len(positions) and not (-count <= positions.min() and positions.max() < count):
            raise IndexError(
                f"expected positions of {count} images, got {positions.min().item()} to "
                f"{positions.max().item()}"
            )
        return torch.where(positions < 0, positions + count, positions)

    def _now(self, positions: Tensor, following: Tensor | None = None) -> Tensor:
        """Return images, and begin with those that will be asked for next."""
        batch, self._ahead = self._ahead, None
        if batch is None or not torch.equal(batch.positions, positions):
            if batch is not None:
                batch.cancel()
            batch = self._start(positions)
        if following is not None and self.threads:
            self._ahead = self._start(following)
        return self._on_device(batch.result())

    def _start(self, positions: Tensor) -> _Batch:
        images = torch.empty((len(positions), *self.form.shape), dtype=torch.uint8)
        places, files = images.numpy(), self.positions[positions].tolist()
        if not self.threads:
            for place, file in enumerate(files):
                self._fill(places, place, file)
            return _Batch(positions, images, [])
        submit = pool(self.threads).submit
        waiting = [submit(self._fill, places, place, file) for place, file in enumerate(files)]
        return _Batch(positions, images, waiting)

    def _fill(self, places: np.ndarray, place: int, file: int) -> None:
        try:
            pixels = decode(self.paths[file], self.form)
        except Exception as error:  # each decoder fails in its own way
            raise ValueError(f"cannot read {self.paths[file]} any more: {error}") from error
        if digest(pixels) != self.digests[file].numpy().tobytes():
            raise ValueError(f"{self.paths[file]} has changed since it was loaded: load it again")
        places[place] = pixels

    def _on_device(self, images: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return images.to(self.device)
        return images.pin_memory().to(self.device, non_blocking=True)
