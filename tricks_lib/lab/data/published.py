"""The published data sets, whole: torchvision downloads them at the first use.

Chapter: notebooks/00_baseline.ipynb
"""

from http.client import HTTPException
from pathlib import Path

import torch
from torchvision.datasets import CIFAR10, FashionMNIST

from .cache import aside
from .splits import Data, Split, assemble

__all__ = ["PUBLISHED", "DataUnavailable", "load_published"]

PUBLISHED = {
    "fashion-mnist": (FashionMNIST, "FashionMNIST"),
    "cifar10": (CIFAR10, "cifar-10-batches-py"),
}
"""torchvision's class for each set, and the folder in which it keeps the files."""


class DataUnavailable(RuntimeError):
    """A published data set is not on this machine and could not be downloaded."""


def load_published(name: str, cache: Path) -> Data:
    """Load one of the sets in `PUBLISHED`, from the folder `cache` or else from the network.

    Raises:
        DataUnavailable: if a download fails; nothing half-written is left.
    """
    dataset, _ = PUBLISHED[name]
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
    return assemble(name, train.classes, splits)


def _download(name: str, cache: Path) -> None:
    """Download aside, and move the files into place when torchvision could read all of them."""
    dataset, folder = PUBLISHED[name]
    with aside(cache) as unfinished:
        try:
            for train in (True, False):
                dataset(unfinished, train=train, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise DataUnavailable(
                f"could not download {name}: {error}\n"
                f"Without a network, use load_data('fashion-mini'), which comes with the package, "
                f"or copy {cache / folder} from a machine where load_data({name!r}) has worked."
            ) from error
        for file in sorted((unfinished / folder).rglob("*")):
            if file.is_file() and file.suffix != ".gz":
                target = cache / file.relative_to(unfinished)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
