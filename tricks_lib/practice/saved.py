"""A trained network in a file, with all that is needed to use it: classes, normalisation, size.

    save_network("pets.pt", model, recipe, data)
    network = load_network("pets.pt")
    print(network.predict_files(["cat.jpg"]))

Nothing in such a file can run: it holds numbers and text, and names this package's own networks.

Chapter: notebooks/20_own_images.ipynb
"""

import functools
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import models
from ..lab.data import Data, Split
from ..lab.data.decoding import Form, decode, suffixes
from ..lab.data.listing import _walk, readable
from ..lab.metrics import evaluate
from ..lab.metrics import predict as logits_of
from ..lab.networks import Published, outline
from ..ops.arguments import check_batch, check_count
from ..protocols import ModelFactory
from ..recipe import Recipe

__all__ = ["Predictions", "SavedNetwork", "images_in", "load_network", "save_network"]

FORMAT = "tricks_lib network 1"
"""The first entry of a file: what it is, and how it is laid out."""

FUNCTIONS = {name: getattr(models, name) for name in models.__all__}
"""All that a file may name to rebuild its network, beside torchvision's networks."""

PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of image files.

    Args:
        files: those that could be read, in order.
        classes: name of each class.
        probabilities: float32 (N, K), a row for each of the files.
        failures: the files that could not be read, and why.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Tensor
    failures: Mapping[str, str] = field(default_factory=dict)

    def ranked(self, top: int = 3) -> list[list[tuple[str, float]]]:
        """Return for each file its most probable classes with their probabilities, best first."""
        best = self.probabilities.topk(min(top, len(self.classes)), dim=1)
        return [
            [(self.classes[place], value) for place, value in zip(places, values, strict=True)]
            for places, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def lines(self, top: int = 3) -> list[str]:
        """Return for each file a line: `cat.jpg: cat 97.1 % (dog 2.9 %)`."""
        lines = []
        for file, ranks in zip(self.files, self.ranked(top), strict=True):
            first, *others = (f"{name} {100 * value:.1f} %" for name, value in ranks)
            more = f" ({', '.join(others)})" if others else ""
            lines.append(f"{readable(file)}: {first}{more}")
        return lines

    def __str__(self) -> str:
        """Return a line for each file, those that could not be read last."""
        failed = (f"{readable(file)}: cannot be read: {why}" for file, why in self.failures.items())
        return "\n".join([*self.lines(), *failed])


@dataclass(frozen=True, eq=False, repr=False)
class SavedNetwork:
    """A trained network with what is needed to use it.

    Args:
        network: normalised float images (B, C, H, W) -> logits (B, K), in evaluation mode.
        classes: name of each class.
        mean: with which images are normalised, float32 (C,), where white is 1.
        std: likewise.
        image_size: height and width of the images, in pixels.
        recipe: the text of the recipe that trained it.
        trained_on: name of the data set.
        scores: what it scored, by name.
        version: of this package, when it was saved.
    """

    network: nn.Module
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    image_size: tuple[int, int]
    recipe: str
    trained_on: str
    scores: Mapping[str, float]
    version: str

    def __repr__(self) -> str:
        """Return kind, classes and size of the images."""
        names = ", ".join(self.classes[:3]) + ", ..." * (len(self.classes) > 3)
        shape = "×".join(map(str, (self.channels, *self.image_size)))
        return (
            f"SavedNetwork({type(self.network).__name__} for images of {shape}, trained on "
            f"{self.trained_on}, {len(self.classes)} classes: {names})"
        )

    @property
    def channels(self) -> int:
        """Channels of an image: 1 for grey, 3 for colour."""
        return len(self.mean)

    def to(self, device: str | torch.device) -> "SavedNetwork":
        """Return the same with its network moved to another device."""
        self.network.to(device)
        return self

    def predict(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Return the probability of each class for each image.

        Args:
            images: uint8 (B, C, H, W), of the size and channels that the network was trained on.
            batch_size: images in one forward pass.

        Returns:
            float32 (B, K), on the images' device; each row sums to 1.

        Raises:
            TypeError: if `images` are no tensor of bytes.
            ValueError: if they have another shape.
        """
        check_batch(images)
        if images.dtype != torch.uint8:
            raise TypeError(
                f"images must be uint8, values from 0 to 255, got {images.dtype}: for images in "
                "[0, 1] give (255 * images).round().to(torch.uint8)"
            )
        expected = self.channels, *self.image_size
        if tuple(images.shape[1:]) != expected:
            raise ValueError(
                f"expected images (B, {', '.join(map(str, expected))}), as the network was trained "
                f"on, got {tuple(images.shape)}; predict_files resizes"
            )
        split = Split(images, torch.zeros(len(images), dtype=torch.int64, device=images.device))
        data = Data("images", split, split, self.classes, self.mean, self.std)
        return logits_of(self.network, data, "test", batch_size).softmax(dim=1).to(images.device)

    def predict_files(
        self, files: Sequence[str | os.PathLike[str]], batch_size: int = 64
    ) -> Predictions:
        """Predict image files, decoded and resized as `load_data` does with a folder.

        Args:
            files: any number of files, of which no more than a batch is in memory at a time.
            batch_size: images in one forward pass.

        Returns:
            Predictions for those that could be read; of the others, why not.
        """
        check_count("batch_size", batch_size)
        paths = [os.fspath(file) for file in files]
        read: list[str] = []
        rows: list[Tensor] = []
        failures: dict[str, str] = {}
        for start in range(0, len(paths), batch_size):
            images = []
            for path in paths[start : start + batch_size]:
                try:
                    images.append(_decoded(path, self.channels, self.image_size))
                    read.append(path)
                except Exception as error:  # each decoder fails in its own way
                    failures[path] = _reason(error, path)
            if images:
                rows.append(self.predict(torch.stack(images), batch_size))
        found = torch.cat(rows) if rows else torch.zeros(0, len(self.classes))
        return Predictions(tuple(read), self.classes, found, failures)


def save_network(
    path: str | os.PathLike[str],
    model: nn.Module,
    recipe: Recipe,
    data: Data,
    *,
    scores: Mapping[str, float] | None = None,
) -> Path:
    """Save a trained network to a file, with its classes, its normalisation and its recipe.

    Args:
        path: the file, such as "pets.pt"; what was there is replaced when all is written.
        model: what `recipe.model` built, trained.
        recipe: how it was trained.
        data: what it was trained on; its classes, mean, standard deviation and size are kept.
        scores: what it scored, by name; by default accuracy, nll and ece on the test images.

    Returns:
        The path.

    Raises:
        ValueError: if the network is another than the recipe builds.
        OSError: if the file cannot be written.
    """
    target = Path(path).expanduser()
    description = _described(recipe.model)
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    if description is not None:
        _check_shapes(_empty(description, data.channels, data.num_classes), state)
    if scores is None:
        metrics = evaluate(model, data, batch_size=64)
        scores = {entry.name: getattr(metrics, entry.name) for entry in fields(metrics)}
    content = {
        "format": FORMAT,
        "version": _version(),
        "network": description,
        "recipe": repr(recipe),
        "classes": list(data.classes),
        "mean": data.mean.cpu(),
        "std": data.std.cpu(),
        "image_size": list(data.image_size),
        "trained_on": data.name,
        "scores": {str(name): float(value) for name, value in scores.items()},
        "state": state,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            torch.save(content | {"checksum": _checksum(content)}, file)
        unfinished.replace(target)
    except RuntimeError as error:  # torch calls a full disk one
        raise OSError(f"cannot write {target}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def load_network(
    path: str | os.PathLike[str],
    *,
    model: ModelFactory | None = None,
    device: str | torch.device | None = None,
) -> SavedNetwork:
    """Load what `save_network` has written; a file of a stranger cannot run anything.

    Args:
        path: the file.
        model: (channels, classes) -> the network, where it is one of your own, which the file
            cannot rebuild; None for one of this package's or torchvision's.
        device: where the network should be; by default the CPU.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is another file, is damaged, or its weights do not fit the network.
    """
    shown = readable(os.fspath(path))
    content = _read(Path(path).expanduser(), shown)
    try:
        saved = _rebuilt(content, model)
    except _OwnNetworkError:
        raise ValueError(
            f"{shown} holds a network of your own, which only its code can build: "
            f"load_network(path, model=...) with that of {content.get('recipe')}"
        ) from None
    except Exception as error:  # whatever does not fit together fails in its own way
        reason = " ".join(str(error).split())
        raise ValueError(f"{shown} cannot be used: {reason}") from error
    return saved if device is None else saved.to(device)


class _OwnNetworkError(Exception):
    """The file does not say how to build its network."""


# --- Files ---


def _version() -> str:
    version: str = sys.modules[__name__.partition(".")[0]].__version__
    return version


def _read(path: Path, shown: str) -> dict[str, Any]:
    """Return what a file holds, if nothing was lost or changed on the way.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it is another file, or damaged.
    """
    with open(path, "rb") as file:
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a file of any other kind can fail anywhere
            raise ValueError(
                f"{shown} is no file of save_network, or is damaged: nothing of it was run"
            ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        kind = content.get("format") if isinstance(content, dict) else None
        hint = (
            f": it says {kind!r}, and this is version {_version()}" if isinstance(kind, str) else
            "; weights alone do not say their classes. They can start a training: "
            "published(name, file=...)"
        )  # fmt: skip
        raise ValueError(f"{shown} is no file of save_network{hint}")
    if content.pop("checksum", None) != _checksum(content):
        raise ValueError(f"{shown} is damaged: its checksum is another. Save or copy it again")
    return content


def _checksum(content: Any) -> str:
    """Return a text that changes with any part of the content: torch does not check what it
    reads."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
            flat = value.detach().contiguous().flatten().view(torch.uint8)
            digest.update(flat.numpy().data)
        elif isinstance(value, dict):
            for key, inside in value.items():
                digest.update(f"{key!r}:".encode())
                add(inside)
        elif isinstance(value, list | tuple):
            digest.update(f"{type(value).__name__} {len(value)}".encode())
            for inside in value:
                add(inside)
        else:
            digest.update(repr(value).encode())

    add(content)
    return digest.hexdigest()[:16]


def _rebuilt(content: Mapping[str, Any], model: ModelFactory | None) -> SavedNetwork:
    """Return the network that a content describes.

    Raises:
        Exception: if its parts are not what they should be, or do not fit together.
    """
    classes = tuple(_checked(name, str, "classes") for name in content["classes"])
    size = [_checked(side, int, "image_size") for side in content["image_size"]]
    mean, std = (_checked(content[name], Tensor, name) for name in ("mean", "std"))
    state = _checked(content["state"], dict, "state")
    channels = len(mean)
    if model is None:
        if content["network"] is None:
            raise _OwnNetworkError
        # Compared before anything is made: a description may ask for more than the file holds.
        _check_shapes(_empty(content["network"], channels, len(classes)), state)
        with torch.random.fork_rng(devices=[]):
            network = _built(content["network"], channels, len(classes))
    else:
        with torch.random.fork_rng(devices=[]):
            network = model(channels, len(classes))
        _check_shapes(network, state)
    network.load_state_dict(_with_layout_of(network, state))
    saved = SavedNetwork(
        network=network.eval().requires_grad_(False),
        classes=classes,
        mean=mean,
        std=std,
        image_size=(size[0], size[1]),
        recipe=_checked(content["recipe"], str, "recipe"),
        trained_on=_checked(content["trained_on"], str, "trained_on"),
        scores={
            _checked(name, str, "scores"): _checked(value, float, "scores")
            for name, value in content["scores"].items()
        },
        version=_checked(content["version"], str, "version"),
    )
    image = torch.zeros(1, channels, *saved.image_size, dtype=torch.uint8)
    split = Split(image, torch.zeros(1, dtype=torch.int64))
    Data("images", split, split, classes, mean, std)  # checks mean and std
    return saved


def _checked(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{name} should hold {kind.__name__}, and holds {type(value).__name__}")
    return value


def _with_layout_of(network: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with the note of its layout that some networks ask for."""
    own: dict[str, Tensor] = network.state_dict()
    own.update(state)
    return own


def _check_shapes(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    if own != given:
        wrong = sorted({name for name, _ in own.items() ^ given.items()})
        raise ValueError(
            f"the weights are not those of the network that the recipe builds: {wrong[0]} is "
            f"{given.get(wrong[0], 'missing')} and should be {own.get(wrong[0], 'absent')}"
            + (f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else "")
        )


# --- Networks as plain data ---


def _described(model: Any) -> dict[str, Any] | None:
    """Return how to build a network in plain data; None for what is not of this package."""
    try:
        return _description(model)
    except TypeError:
        return None


def _description(value: Any) -> Any:
    """Return a value of settings as plain data.

    Raises:
        TypeError: if it is neither plain nor of this package.
    """
    if type(value) in PLAIN:
        return value
    if type(value) in (tuple, list):
        return type(value)(map(_description, value))
    if isinstance(value, Published):
        settings = {entry.name: getattr(value, entry.name) for entry in fields(value)}
        return {"published": settings}
    if isinstance(value, functools.partial) and not value.args:
        return {
            **_description(value.func),
            "settings": {name: _description(part) for name, part in value.keywords.items()},
        }
    name = getattr(value, "__name__", "")
    if FUNCTIONS.get(name) is not value:
        raise TypeError(f"{value!r} is not of this package")
    return {"function": name}


def _from_description(value: Any) -> Any:
    """Undo `_description`. Nothing is called but `partial` and `Published`, which checks itself.

    Raises:
        ValueError: if it names something that no network is built of.
    """
    if type(value) in PLAIN:
        return value
    if type(value) in (tuple, list):
        return type(value)(map(_from_description, value))
    if isinstance(value, dict) and set(value) == {"published"}:
        return Published(**value["published"]).untrained  # the weights are in the file
    if not isinstance(value, dict) or value.get("function") not in FUNCTIONS:
        raise ValueError(f"it names a network that this version does not know: {str(value)[:100]}")
    function = FUNCTIONS[value["function"]]
    settings = {name: _from_description(part) for name, part in value.get("settings", {}).items()}
    return functools.partial(function, **settings) if settings else function


def _built(description: Any, channels: int, classes: int) -> nn.Module:
    network = _from_description(description)(channels, classes)
    if not isinstance(network, nn.Module):
        raise ValueError(f"{str(description)[:100]} builds no network")
    return network


def _empty(description: Any, channels: int, classes: int) -> nn.Module:
    return outline(lambda: _built(description, channels, classes))


# --- Images ---


def images_in(folder: str | os.PathLike[str]) -> list[str]:
    """Return the image files in a folder and the folders below it, as `load_data` sees them:
    neither hidden ones nor what programs leave behind, each once, folder by folder.

    Raises:
        ValueError: if a folder cannot be opened, or there is no image.
    """
    found = sorted(_walk(os.fspath(folder), set()), key=os.path.split)
    images = [path for path in found if path.lower().endswith(suffixes())]
    if not images:
        raise ValueError(f"expected images in {readable(os.fspath(folder))}, got none")
    return images


def _decoded(path: str, channels: int, size: tuple[int, int]) -> Tensor:
    """Return an image as `load_data` makes it, uint8 (C, H, W)."""
    return torch.from_numpy(decode(path, Form("L" if channels == 1 else "RGB", *size)))


def _reason(error: Exception, path: str) -> str:
    """Return in one line why a file cannot be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    reason = " ".join(str(error).split()).replace(repr(path), "it") or type(error).__name__
    return readable(reason)
