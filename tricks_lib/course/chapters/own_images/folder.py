"""A folder of pictures, such as people have: made here, so that the chapter needs no network.

Chapter: notebooks/20_own_images.ipynb
"""

from pathlib import Path

import torch
from PIL import Image

from tricks_lib.lab.data import Split

from .study import tops

__all__ = ["write_folder"]


def write_folder(path: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Write pictures of tops as PNG files into `path/<class>/`, without a split.

    Args:
        path: the folder; it is made.
        counts: how many pictures of each class.
        seed: fixes which ones.

    Returns:
        The folder.
    """
    data = tops()
    draws = torch.Generator().manual_seed(seed)
    for name, count in counts.items():
        there = (data.train.labels == data.classes.index(name)).nonzero()[:, 0]
        picked = there[torch.randperm(len(there), generator=draws)[:count]]
        folder = path / name.replace("/", " or ")
        folder.mkdir(parents=True, exist_ok=True)
        _write(data.train.pick(picked), folder)
    return path


def _write(pictures: Split, folder: Path) -> None:
    for place, picture in enumerate(pictures.images):
        Image.fromarray(picture[0].numpy()).save(folder / f"{place:04d}.png")
