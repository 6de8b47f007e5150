"""A trained teacher that a recipe can name: its weights lie in a file, and are known by themselves.

Chapter: notebooks/06_distillation.ipynb
"""

import hashlib
import io
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tricks_lib.lab.data import Data, networks_folder
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
        self.__dict__.update(state)  # what is frozen may not be set
        if content is not None and not self.file.exists():
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
    and return the teacher that it is from now on."""
    teacher = Saved(model, channels, classes, fingerprint(network))
    held = io.BytesIO()
    torch.save(network.state_dict(), held)
    _write(held.getvalue(), teacher.file)
    return teacher


def trained(recipe: Recipe, data: Data, seed: int) -> Saved:
    """Return a teacher that is trained by a recipe: once, and the next time the same one.

    It is known by all that it came from: the recipe with its code, the data, the seed, the kind of
    device. A recipe that cannot be written down is trained each time.

    Args:
        recipe: how it is trained.
        data: on what.
        seed: of its run.
    """
    try:
        asked = (recipe.written(), code_hash(recipe), code_hash(*ENGINE))
    except ValueError:
        return save(
            fit(recipe, data, seed=seed).model, recipe.model, data.channels, data.num_classes
        )
    given = data.fingerprint(), data.mean.tolist(), data.std.tolist(), seed
    where = pick_device().type, torch.__version__
    key = hashlib.sha256(repr((asked, given, where)).encode()).hexdigest()[:16]
    told = networks_folder() / f"{key}.txt"
    if told.exists():
        teacher = Saved(recipe.model, data.channels, data.num_classes, told.read_text().strip())
        if teacher.file.exists():
            return teacher
    network = fit(recipe, data, seed=seed).model
    teacher = save(network, recipe.model, data.channels, data.num_classes)
    _write(teacher.weights.encode(), told)
    return teacher


def _write(content: bytes, file: Path) -> None:
    """Write a file as a whole, also where several processes write it at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(file)
