"""A trained teacher that a recipe can name: its weights lie in a file, and are known by themselves.

Chapter: notebooks/06_distillation.ipynb
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from tricks_lib.protocols import ModelFactory

__all__ = ["Saved", "fingerprint", "save"]


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

    Args:
        model: what builds the network, (channels, classes) -> network.
        channels: of the images.
        classes: K.
        path: the file of its weights, which is loaded with `weights_only=True`.
        weights: their fingerprint.

    Shape: float images (B, C, H, W) -> logits (B, K), in evaluation mode.

    Raises:
        FileNotFoundError: on the first call, if the file is gone.
        ValueError: on the first call, if the file holds other weights.
    """

    model: ModelFactory
    channels: int
    classes: int
    path: str
    weights: str

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits."""
        answers: Tensor = _loaded(self, images.device)(images)
        return answers


@lru_cache(maxsize=4)
def _loaded(teacher: Saved, device: torch.device) -> nn.Module:
    """Load a teacher once for each device."""
    network = teacher.model(teacher.channels, teacher.classes)
    network.load_state_dict(torch.load(teacher.path, map_location="cpu", weights_only=True))
    found = fingerprint(network)
    if found != teacher.weights:
        raise ValueError(
            f"{teacher.path} holds other weights: expected {teacher.weights}, got {found}"
        )
    return network.to(device).eval()


def save(network: nn.Module, model: ModelFactory, channels: int, classes: int) -> Saved:
    """Write the weights of a trained network into a file of the folder for temporary files, which
    is called after them, and return the teacher that it is from now on."""
    weights = fingerprint(network)
    folder = Path(tempfile.gettempdir()) / "tricks_lib-teachers"
    folder.mkdir(exist_ok=True)
    path = folder / f"{weights}.pt"
    unfinished = folder / f"{weights}.{os.getpid()}"
    torch.save(network.state_dict(), unfinished)
    unfinished.replace(path)
    return Saved(model, channels, classes, str(path), weights)
