"""Published networks: torchvision's classifiers by name, with random or with trained weights.

    network = published("resnet18", pretrained=True)
    data = as_pretrained(load_data("pets", image_size=224), network)
    recipe = Recipe(model=network, lr=0.01)

Chapter: notebooks/20_own_images.ipynb
"""

import difflib
import functools
import hashlib
import os
import re
import socket
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights, list_models
from torchvision.models.vision_transformer import interpolate_embeddings

from ..ops.arguments import check_count
from ..ops.modes import evaluating
from ..protocols import ModelFactory
from .data import Data, Split
from .steps import RandomState, pick_device

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "NAMES",
    "Published",
    "WeightsUnavailable",
    "as_pretrained",
    "features",
    "frozen_accuracy",
    "outline",
    "published",
]

NAMES: tuple[str, ...] = tuple(list_models(module=torchvision.models))
"""The networks that there are: torchvision's classifiers of images."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green and blue with which torchvision's networks were trained, where white is 1."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviation, likewise."""

SILENCE = 30
"""Seconds without a byte after which a download is given up."""

STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001, 0.0001)
"""Penalties on the squared weights that the logistic regression chooses from."""

# What their makers wrote into the files, and torchvision renames when it reads them.
OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)$")

# Classifiers in the middle of GoogLeNet and Inception, used only to train them; a training step
# here asks for one answer.
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")


class WeightsUnavailable(OSError):
    """Trained weights are not on this machine and could not be downloaded."""


@dataclass(frozen=True, repr=False)
class Published:
    """One of torchvision's networks as a value for a recipe: (channels, classes) -> the network.

    `published` makes it, and looks after its weights; this class holds the settings and rebuilds
    the network from them. The last layer is always fresh, drawn as the network's makers draw it.

    Args:
        name: one of `NAMES`.
        weights: torchvision's name of the trained weights, such as "IMAGENET1K_V1"; with `file`,
            "sha256:" and the first 16 digits of its hash; None for random weights.
        file: file with trained weights; None for torchvision's.
        frozen: whether all layers but the last stay as they were trained, batch normalisations
            with their statistics.
        image_size: height and width in pixels, for the networks that take images of one size only
            (`vit_...`, `maxvit_t`); None for theirs.

    Raises:
        ValueError: if there is no such network or no such weights, the image size does not fit, or
            random weights should be frozen.
    """

    name: str
    weights: str | None = None
    file: str | None = None
    frozen: bool = False
    image_size: int | None = None

    def __post_init__(self) -> None:
        """Check the settings, but no file and no network."""
        if self.name not in NAMES:
            near = difflib.get_close_matches(str(self.name), NAMES, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"they are: {', '.join(NAMES)}"
            raise ValueError(f"expected one of torchvision's networks, got {self.name!r}; {hint}")
        if self.file is not None:
            if not re.fullmatch(r"sha256:[0-9a-f]{16}", self.weights or ""):
                raise ValueError(
                    "weights of a file go by 'sha256:' and 16 hexadecimal digits of its hash, got "
                    f"{self.weights!r}: published({self.name!r}, file=...) finds them out"
                )
        elif self.weights is not None and self.weights not in _weights_of(self.name):
            known = ", ".join(_weights_of(self.name))
            raise ValueError(f"{self.name} has the weights {known}, got {self.weights!r}")
        if self.frozen and self.weights is None:
            raise ValueError(
                f"frozen=True keeps trained weights as they are, and {self.name} has random ones: "
                "pretrained=True or file=... gives it trained ones"
            )
        if self.image_size is not None:
            check_count("image_size", self.image_size)
            step = _step(self.name)
            if step and self.image_size % step:
                nearest = step * max(1, round(self.image_size / step))
                raise ValueError(
                    f"{self.name} takes images whose size is a multiple of {step} pixels, got "
                    f"{self.image_size}: the nearest is {nearest}"
                )

    def __repr__(self) -> str:
        """Return the expression that rebuilds the value, without what is at its default."""
        changed = [f for f in fields(self)[1:] if getattr(self, f.name) != f.default]
        rest = "".join(f", {f.name}={getattr(self, f.name)!r}" for f in changed)
        return f"Published({self.name!r}{rest})"

    @property
    def pretrained(self) -> bool:
        """Whether it starts from trained weights."""
        return self.weights is not None

    @property
    def native_size(self) -> int:
        """Height and width of the images it was made for, in pixels."""
        return self.image_size or int(_preset(self)["crop_size"])

    def __call__(self, channels: int, classes: int, /) -> nn.Module:
        """Build the network for images of `channels` channels and `classes` classes.

        Trained weights are for three colours. For grey images, the weights of the first
        convolution are summed over the colours: that gives what it would give for the same grey in
        all three, at a third of the work. With random weights, any number of channels goes.

        Returns:
            A fresh network in training mode (with `frozen`, only its last part is), on the CPU.
            It warns at its first images if they are much smaller than those it was made for.

        Raises:
            WeightsUnavailable: if the weights have to be downloaded and cannot be.
            OSError: if `file` cannot be read.
            ValueError: if `file` has changed, or its weights do not fit the network.
        """
        network = self.untrained(channels, classes)
        if self.pretrained:
            network.load_state_dict(self._fitting(self._state(), network, channels))
        if self.frozen:
            _freeze(network)
        network.register_forward_pre_hook(_Watch(self))
        return network

    def untrained(self, channels: int, classes: int) -> nn.Module:
        """Build the network as `__call__` does, with random weights in place of trained ones; for
        weights that are at hand already, no file is read."""
        check_count("channels", channels)
        check_count("classes", classes)
        options: dict[str, Any] = {}
        if self.name in ("googlenet", "inception_v3"):
            # Trained, they expect another normalisation, and make it themselves from ImageNet's.
            options = {
                "aux_logits": False,
                "init_weights": not self.pretrained,
                "transform_input": self.pretrained,
            }
            if self.pretrained and channels != 3:
                raise ValueError(
                    f"{self.name} with trained weights takes 3 channels, got {channels}: choose "
                    "another network, such as resnet18, or store the images in colour"
                )
        elif self.name == "maxvit_t":
            options = {"input_size": (self.native_size, self.native_size)}
        elif _step(self.name):
            options = {"image_size": self.native_size}
        network = get_model(self.name, weights=None, num_classes=classes, **options)
        if channels != 3:
            name, first = _stem(network)
            network.set_submodule(name, _with_channels(first, channels))
        return network

    def _state(self) -> Mapping[str, Tensor]:
        """Return the trained weights, from the file or from torchvision's, by their names."""
        if self.file is None:
            return _load(_fetched(self.name, str(self.weights)))
        if _digest(self.file) != self.weights:
            raise ValueError(
                f"{self.file} holds other weights than when it was chosen: call "
                f"published({self.name!r}, file={self.file!r}) again"
            )
        return _load(self.file)

    def _check_file(self) -> None:
        """Compare names and shapes with the network's, whose numbers are not needed for it."""
        state = self._state()
        network = outline(lambda: self.untrained(3, 1000))
        stem = state.get(f"{_stem(network)[0]}.weight")
        if stem is not None and stem.ndim == 4 and stem.shape[1] == 1:  # trained on grey images
            self._fitting(state, outline(lambda: self.untrained(1, 1000)), 1)
        else:
            self._fitting(state, network, 3)

    def _fitting(
        self, state: Mapping[str, Tensor], network: nn.Module, channels: int
    ) -> dict[str, Tensor]:
        """Return the trained weights as the network takes them, its last layer its own.

        Raises:
            ValueError: if they do not fit.
        """
        own: dict[str, Tensor] = network.state_dict()
        head = f"{_head(network)[0]}."
        kept: OrderedDict[str, Tensor] = OrderedDict()
        for key, value in state.items():
            key = OLD_DENSENET.sub(r"\1\2", key)
            if not key.startswith((head, *AUXILIARY)):
                kept[key] = value
        for key, value in own.items():
            if key.startswith(head) or key.endswith(".num_batches_tracked"):
                kept.setdefault(key, value)  # files from before torch 0.4.1 lack the latter
        stem = f"{_stem(network)[0]}.weight"
        if channels == 1 and stem in kept and kept[stem].ndim == 4:
            kept[stem] = kept[stem].sum(dim=1, keepdim=True)
        places = "encoder.pos_embedding"
        if places in kept and places in own and self.name.startswith("vit_"):
            with _as_value_error(self._source):
                interpolate_embeddings(self.native_size, _step(self.name), kept)
        self._compare(kept, own)
        # Says which layout the names and shapes have: MNASNet reads it.
        kept._metadata = getattr(state, "_metadata", None) or own._metadata  # type: ignore[attr-defined]
        return kept

    def _compare(self, state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
        other = [
            f"{key} is {tuple(value.shape)} there and {tuple(own[key].shape)} in {self.name}"
            for key, value in state.items()
            if key in own and value.shape != own[key].shape
        ]
        missing = [f"{key} is missing" for key in own if key not in state]
        unknown = [f"{key} is not in {self.name}" for key in state if key not in own]
        wrong = [*other, *missing, *unknown]
        if wrong:
            more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise ValueError(
                f"the weights in {self._source} are not those of {self.name}: "
                f"{'; '.join(wrong[:3])}{more}"
            )

    @property
    def _source(self) -> str:
        return self.file or str(self.weights)


def published(
    name: str,
    *,
    pretrained: bool | str = False,
    file: str | os.PathLike[str] | None = None,
    frozen: bool = False,
    image_size: int | None = None,
) -> Published:
    """Choose one of torchvision's networks, for `Recipe(model=published("resnet18"))`.

    Trained weights are downloaded at once, with progress, into torchvision's own cache
    (`torch.hub.get_dir()`), unless they are there already; so an error comes before anything is
    trained. Networks with trained weights expect images normalised as in their training: see
    `as_pretrained`.

    Args:
        name: one of `NAMES`.
        pretrained: whether to start from weights trained on ImageNet; a text names one of several
            that torchvision has, such as "IMAGENET1K_V1".
        file: a local file with trained weights instead, as `torch.save(network.state_dict(), file)`
            writes it; the number of its classes does not matter.
        frozen: whether only the last layer is trained. That is for sets so small that training the
            whole network over-fits.
        image_size: height and width of your images in pixels. Networks of which every size is a
            setting of its own (`vit_...`, `maxvit_t`) are built for it, positions interpolated; the
            others take any size.

    Returns:
        A value that a recipe can write down: the same settings and the same weights are equal.

    Raises:
        ValueError: if there is no such network or no such weights, or the file holds others.
        WeightsUnavailable: if the weights cannot be downloaded.
        OSError: if the file cannot be read.
    """
    size = image_size if name in NAMES and _step(name) else None
    if file is not None:
        if isinstance(pretrained, str):
            raise ValueError(f"expected weights by name or from a file, got both: {pretrained!r}")
        Published(name, image_size=size)  # refuses a wrong name before a large file is read
        file = os.fspath(Path(file).expanduser())
        network = Published(name, _digest(file), file, frozen, size)
        network._check_file()
        return network
    if not pretrained:
        return Published(name, frozen=frozen, image_size=size)
    Published(name, image_size=size)
    chosen = pretrained if isinstance(pretrained, str) else get_model_weights(name).DEFAULT.name
    network = Published(name, chosen, frozen=frozen, image_size=size)
    _fetched(name, chosen)
    return network


def as_pretrained(data: Data, network: Published | None = None) -> Data:
    """Return the data, normalised as the images were on which torchvision's networks were trained.

    `data.mean` and `data.std` are otherwise those of the training images. Grey images get the means
    over the three colours, 0.449 and 0.226.

    Args:
        data: images with 1 or 3 channels.
        network: whose training counts; None for ImageNet's usual mean and standard deviation, which
            nearly all networks have.

    Raises:
        ValueError: if the images have another number of channels.
    """
    if data.channels not in (1, 3):
        raise ValueError(
            f"trained networks know grey and colour images, of 1 or 3 channels, got {data.channels}"
        )
    preset = _preset(network) if network else {}
    statistics: dict[str, Any] = {}
    for name, usual in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
        values = torch.tensor(preset.get(name, usual), dtype=torch.float32, device=data.device)
        statistics[name] = values.mean(dim=0, keepdim=True) if data.channels == 1 else values
    return replace(data, **statistics)


def outline(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network for the names and shapes of its weights, without their numbers if it can be.

    Args:
        build: builds it; what it draws does not count.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                return build()
        except NotImplementedError:  # RegNet reckons its widths with tensors
            return build()


def features(network: nn.Module, images: Tensor) -> Tensor:
    """Return what goes into the last layer of a network, in evaluation mode, without gradients.

    Args:
        network: float images (B, C, H, W) -> logits (B, K). Its last layer is the linear layer or
            convolution that is registered last.
        images: normalised float images (B, C, H, W), on the network's device.

    Returns:
        float (B, D); of a convolution's input, the mean over the places.

    Raises:
        ValueError: if the network has no such layer, or does not use it.
    """
    _, head = _head(network)
    seen: list[Tensor] = []
    handle = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        with torch.no_grad(), evaluating(network):
            network(images)
    finally:
        handle.remove()
    if not seen:
        raise ValueError("expected a network whose last linear layer or convolution is used")
    return seen[-1].flatten(2).mean(dim=2) if seen[-1].ndim == 4 else seen[-1]


def frozen_accuracy(
    data: Data,
    factory: ModelFactory,
    *,
    device: str | torch.device | None = None,
    batch_size: int = 64,
    most: int = 20_000,
    seed: int = 0,
) -> float:
    """Return the test accuracy of a logistic regression on the features of a frozen network.

    It is the yardstick for fine-tuning: what trained features give without any training of the
    network. Its penalty is chosen by the likelihood of the validation images, or, where there are
    none, of a fifth of the training images, held out and given back after.

    Args:
        data: normalised as the network wants it, see `as_pretrained`.
        factory: (channels, classes) -> the network, such as `published("resnet18",
            pretrained=True)`.
        device: where the network computes; by default CUDA, then MPS, then the CPU.
        batch_size: images in memory as floats at a time.
        most: training images used, drawn at random if there are more; the features of all of them
            and of the test images are kept, 4 bytes a number.
        seed: fixes what is drawn. The caller's random numbers stay as they are.

    Returns:
        Share of the test images whose most probable class is the label, in [0, 1].

    Raises:
        ValueError, TypeError: if a count is below 1, or the network has no last layer.
    """
    check_count("batch_size", batch_size)
    check_count("most", most)
    where = pick_device(device)
    draws = torch.Generator().manual_seed(seed)
    with RandomState(seed, where):
        network = factory(data.channels, data.num_classes).to(where)

    def taken(split: Split, count: int) -> tuple[Tensor, Tensor]:
        positions = torch.arange(len(split))
        if len(split) > count:
            positions = torch.randperm(len(split), generator=draws)[:count]
        found = []
        for some in positions.split(batch_size):
            images = split.pick(some.to(split.labels.device)).images.to(where)
            found.append(features(network, data.normalize(images)).float())
        return torch.cat(found), split.labels[positions.to(split.labels.device)].to(where)

    train, test = taken(data.train, most), taken(data.test, len(data.test))
    shift, scale = train[0].mean(dim=0), train[0].std(dim=0, correction=0)
    scale = torch.where(scale > 0, scale, 1.0)
    for inputs, _ in (train, test):
        inputs.sub_(shift).div_(scale)
    if data.validation is not None:
        fit_on, choose_on = train, taken(data.validation, most)
        choose_on[0].sub_(shift).div_(scale)
    else:
        order = torch.randperm(len(train[0]), generator=draws).to(where)
        held = len(order) // 5
        choose_on, fit_on = (
            (train[0][some], train[1][some]) for some in (order[:held], order[held:])
        )
    strength = _best_strength(fit_on, choose_on, data.num_classes)
    weight, bias = _regressed(*train, data.num_classes, strength)
    hits = (test[0] @ weight + bias).argmax(dim=1) == test[1]
    return hits.sum().item() / len(hits)


# --- Logistic regression ---


def _best_strength(
    fit_on: tuple[Tensor, Tensor], choose_on: tuple[Tensor, Tensor], classes: int
) -> float:
    """Return the penalty whose regression gives the images to choose on the largest likelihood."""
    if not len(choose_on[0]):  # fewer than five training images
        return STRENGTHS[len(STRENGTHS) // 2]
    losses = {}
    for strength in STRENGTHS:
        weight, bias = _regressed(*fit_on, classes, strength)
        losses[strength] = F.cross_entropy(choose_on[0] @ weight + bias, choose_on[1]).item()
    return min(losses, key=losses.__getitem__)


def _regressed(
    inputs: Tensor, labels: Tensor, classes: int, strength: float
) -> tuple[Tensor, Tensor]:
    """Return weight (D, K) and bias (K,) that minimise cross-entropy + strength/2 · |weight|²."""
    weight = torch.zeros(inputs.shape[1], classes, device=inputs.device, requires_grad=True)
    bias = torch.zeros(classes, device=inputs.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(inputs @ weight + bias, labels)
        value = value + strength / 2 * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)
    return weight.detach(), bias.detach()


# --- Weights ---


def _weights_of(name: str) -> list[str]:
    return [weights.name for weights in get_model_weights(name)]


def _preset(network: Published) -> dict[str, Any]:
    """Return how images were prepared for the network's weights: size, mean, deviation."""
    kinds = get_model_weights(network.name)
    named = network.weights if network.weights and network.file is None else kinds.DEFAULT.name
    preset: dict[str, Any] = kinds[named].transforms.keywords
    return preset


def _url(name: str, weights: str) -> str:
    url: str = get_model_weights(name)[weights].url
    return url


def _fetched(name: str, weights: str) -> Path:
    """Return where torchvision keeps the weights; download them if they are not there.

    Raises:
        WeightsUnavailable: if that fails; nothing half-written is left.
    """
    url = _url(name, weights)
    kept = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if kept.exists():
        return kept
    digest = re.search(r"-([0-9a-f]{8,})\.", kept.name)  # torchvision's names end with it
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        print(f"Downloading {url} to {kept}", file=sys.stderr)
        with _patience():
            torch.hub.download_url_to_file(url, str(kept), digest[1] if digest else None)
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: another hash
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsUnavailable(
            f"could not download the weights of {name}: {reason}. Fetch {url} on a machine with a "
            f"network and save it as {kept}, or say where it is: published({name!r}, file=...), "
            "on the command line --weights FILE"
        ) from error
    return kept


@contextmanager
def _patience() -> Iterator[None]:
    """Give a silent network up: torch would wait for as long as the system does."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _digest(file: str) -> str:
    with open(file, "rb") as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()[:16]}"


def _load(file: str | Path) -> Mapping[str, Tensor]:
    """Read weights from a file, and nothing that could run.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it holds anything else.
    """
    with open(file, "rb") as opened:
        try:
            state = torch.load(opened, map_location="cpu", weights_only=True)
        except Exception as error:  # a file of any other kind can fail anywhere
            raise ValueError(
                f"{file} holds no weights, or is damaged: expected a file written by "
                "torch.save(network.state_dict(), file). If it was downloaded, delete it and try "
                "again"
            ) from error
    for key in ("state_dict", "model", "state"):  # kept beside other things
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state:
        raise ValueError(f"{file} holds no weights by name, but {type(state).__name__}")
    for key, value in state.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)):
            raise ValueError(
                f"{file} holds no weights by name: {key!r} is {type(value).__name__}, not a tensor"
            )
    return state


@contextmanager
def _as_value_error(source: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"the weights in {source} do not fit: {reason}") from error


# --- Parts of a network ---


@functools.cache
def _step(name: str) -> int:
    """Return what the image size must be a multiple of; 0 where a network takes any size."""
    if name == "maxvit_t":
        return 224  # windows of 7×7 after four halvings and a stem that halves
    return int(name.rpartition("_")[2]) if name.startswith("vit_") else 0


def _head(network: nn.Module) -> tuple[str, nn.Module]:
    """Return the last layer, whatever it is called: fc, classifier, heads.head, head."""
    layers = [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    if not layers:
        raise ValueError("expected a network with a linear layer or a convolution, found none")
    return layers[-1]


def _stem(network: nn.Module) -> tuple[str, nn.Conv2d]:
    """Return the first convolution, which sees the image."""
    return next(
        (name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)
    )


def _with_channels(layer: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return such a convolution for other channels, its weights drawn as widely as they were."""
    same: dict[str, Any] = {
        name: getattr(layer, name) for name in ("out_channels", "kernel_size", "stride", "padding")
    }
    fresh = nn.Conv2d(channels, **same, bias=layer.bias is not None)
    with torch.no_grad():
        fresh.weight.normal_().mul_(layer.weight.std())
        if layer.bias is not None and fresh.bias is not None:
            fresh.bias.copy_(layer.bias)
    return fresh


def _freeze(network: nn.Module) -> None:
    """Let only the last layer learn, and put all parts but the one it is in into evaluation mode:
    batch normalisations keep their statistics, and nothing is dropped before the features."""
    name, head = _head(network)
    network.requires_grad_(False)
    head.requires_grad_(True)
    last_part, _, _ = name.partition(".")
    for part, module in network.named_children():
        if part != last_part:
            module.eval()


class _Watch:
    """Looks at the size of the first images that a network gets."""

    def __init__(self, network: Published):
        self.network = network
        self.looked = False

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Refuse a wrong size, warn of a small one."""
        if self.looked:
            return
        self.looked = True
        name, made_for = self.network.name, self.network.native_size
        height, width = inputs[0].shape[-2:]
        if _step(name) and (height, width) != (made_for, made_for):
            raise ValueError(
                f"{name} was built for images of {made_for}×{made_for} pixels, got "
                f"{height}×{width}: build it with published({name!r}, image_size={height}), or "
                f"load the images with image_size={made_for}"
            )
        if min(height, width) < made_for / 2:
            warnings.warn(
                f"{name} was made for images of {made_for} pixels, and sees little in "
                f"{height}×{width}: load them with image_size={made_for} (on the command line "
                f"--image-size {made_for}), or use a network made for small images",
                stacklevel=2,
            )
