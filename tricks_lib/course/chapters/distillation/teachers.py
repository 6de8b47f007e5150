"""A trained teacher that a recipe can name: its weights lie in a file, and are known by themselves.

Chapter: notebooks/06_distillation.ipynb
"""

import hashlib
import io
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import torch
from torch import Tensor, nn

from tricks_lib.lab.data import Data, networks_folder
from tricks_lib.lab.data.cache import NETWORKS, aside
from tricks_lib.lab.distributed import workers
from tricks_lib.lab.steps import pick_device
from tricks_lib.lab.study import code_hash
from tricks_lib.lab.study.run import ENGINE
from tricks_lib.lab.train import fit
from tricks_lib.protocols import ModelFactory
from tricks_lib.recipe import Recipe

__all__ = ["Saved", "fingerprint", "save", "trained"]


def fingerprint(network: nn.Module) -> str:
    """Return 16 hexadecimal digits that change when a weight or a running statistic does."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\0".encode())
        flat = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(flat.numpy().tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Saved:
    """A teacher in a file. Two teachers with other weights are two values, and two texts.

    A copy that is sent to another machine takes the weights along.

    Args:
        model: what builds the network, (channels, classes) -> network.
        channels: of the images.
        classes: K.
        weights: the fingerprint of its weights.
        path: the file with them, which is loaded with `weights_only=True`; None for the one that
            `save` wrote.

    Shape: float images (B, C, H, W) -> logits (B, K), in evaluation mode.

    Raises:
        FileNotFoundError: on the first call, if the file is gone.
        ValueError: on the first call, if the file holds other weights.
    """

    model: ModelFactory
    channels: int
    classes: int
    weights: str
    path: str | None = None

    @property
    def file(self) -> Path:
        """The file of the weights."""
        return Path(self.path) if self.path else networks_folder() / f"{self.weights}.pt"

    def __getstate__(self) -> dict[str, Any]:
        """Take the weights along where they are at hand."""
        content = self.file.read_bytes() if self.file.exists() else None
        return {field: getattr(self, field) for field in self.__dataclass_fields__} | {
            "content": content
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Write the weights down where they are not at hand."""
        content = state.pop("content")
        if state["path"] and not Path(state["path"]).exists():
            state["path"] = None  # that was a place on the other machine
        self.__dict__.update(state)  # what is frozen may not be set
        there = self.file.read_bytes() if self.file.exists() else None
        if content is not None and content != there:
            _write(content, self.file)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits."""
        answers: Tensor = _loaded(self, images.device)(images)
        return answers


@lru_cache(maxsize=4)
def _loaded(teacher: Saved, device: torch.device) -> nn.Module:
    """Load a teacher once for each device."""
    network = teacher.model(teacher.channels, teacher.classes)
    network.load_state_dict(torch.load(teacher.file, map_location="cpu", weights_only=True))
    found = fingerprint(network)
    if found != teacher.weights:
        raise ValueError(
            f"{teacher.file} holds other weights: expected {teacher.weights}, got {found}"
        )
    return network.to(device).eval()


def save(network: nn.Module, model: ModelFactory, channels: int, classes: int) -> Saved:
    """Write the weights of a trained network into a file of the cache, which is called after them,
    and return the teacher that it is from now on. Where nothing can be written there, the file is
    one of the folder for temporary files."""
    teacher = Saved(model, channels, classes, fingerprint(network))
    held = io.BytesIO()
    torch.save(network.state_dict(), held)
    try:
        _write(held.getvalue(), teacher.file)
    except OSError:
        place = Path(tempfile.gettempdir()) / NETWORKS / teacher.file.name
        teacher = replace(teacher, path=str(place))
        _write(held.getvalue(), place)
    return teacher


def trained(recipe: Recipe, data: Data, seed: int) -> Saved:
    """Return a teacher that is trained by a recipe: once, and the next time the same one.

    It is known by what it came from: the recipe with its code, the data, the seed, the device and
    the threads. A recipe that cannot be written down is trained each time. Of several workers under
    `torchrun` the first says what is known, and all train or none.

    Args:
        recipe: how it is trained.
        data: on what.
        seed: of its run.
    """
    team = workers()
    told = _told(recipe, data, seed)
    known = team.share_value(None if team.rank else _known(told, recipe, data))
    if known is not None:
        return cast("Saved", known)
    network = fit(recipe, data, seed=seed).model
    teacher = None
    if not team.rank:
        teacher = save(network, recipe.model, data.channels, data.num_classes)
        if told is not None and teacher.path is None:
            _write(teacher.weights.encode(), told)
    return cast("Saved", team.share_value(teacher))


def _told(recipe: Recipe, data: Data, seed: int) -> Path | None:
    """Return the file that says which weights came of this; None if it cannot be said what it is.

    Threads and workers sum in another order, and so do other GPUs: their teacher is another one.
    """
    try:
        asked = recipe.written(), code_hash(recipe), code_hash(*ENGINE)
    except ValueError:
        return None
    given = data.fingerprint(), data.mean.tolist(), data.std.tolist(), seed
    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    where = name, torch.__version__, torch.get_num_threads(), workers().size
    key = hashlib.sha256(repr((asked, given, where)).encode()).hexdigest()[:16]
    return networks_folder() / f"{key}.txt"


def _known(told: Path | None, recipe: Recipe, data: Data) -> Saved | None:
    """Return the teacher that a file tells of, if its weights are there and whole."""
    if told is None or not told.exists():
        return None
    teacher = Saved(recipe.model, data.channels, data.num_classes, told.read_text().strip())
    try:
        _loaded(teacher, torch.device("cpu"))
    except (OSError, ValueError, RuntimeError, EOFError, UnpicklingError):
        return None  # gone, damaged, or another network's
    return teacher


def _write(content: bytes, file: Path) -> None:
    """Write a file as a whole, also where several processes write it at once."""
    with aside(file.parent) as folder:
        unfinished = folder / file.name
        unfinished.write_bytes(content)
        try:
            unfinished.replace(file)
        except PermissionError:  # on Windows, while another process reads it
            if not file.exists():
                raise
