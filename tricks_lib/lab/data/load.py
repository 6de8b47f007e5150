"""One call for every data set: a name, or the path of a folder of your own.

Chapter: notebooks/00_baseline.ipynb
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

import torch

from .bundled import BUNDLED, load_bundled
from .cache import cache_folder
from .dividing import Division
from .folder import Options, load_folder
from .published import PUBLISHED, load_published
from .splits import Data

__all__ = ["load_data"]


def load_data(
    source: str | Path = "fashion-mini",
    *,
    device: str | torch.device | None = None,
    download_to: str | Path | None = None,
    image_size: int | None = None,
    split: Sequence[float] | None = None,
    group_by: str | None = None,
    split_seed: int = 0,
    skip_bad: bool = False,
    stream: bool | None = None,
    decoders: int | None = None,
) -> Data:
    """Load a data set by name, or a folder of images by path.

    - "fashion-mini": the first 10,000 training and 5,000 test images of Fashion-MNIST, which come
      with the package; no network is needed.
    - "digits": 1,000 training and 797 test images of handwritten digits, 8×8 pixels, the first and
      the last of the test set of Alpaydin and Kaynak, which come with the package; no network is
      needed.
    - "fashion-mnist", "cifar10": all of it, downloaded by torchvision at the first use.
    - A path: a folder with a folder of images for each class, in `train`, `test` and perhaps
      `validation`. Without `test` the images are divided at random, class by class; a warning says
      how. See "Folders" below.

    A `Path`, or a text with a slash such as "./cifar10", is always a path.

    Folders. All types that Pillow reads, HEIC after `pip install pillow-heif`; also in folders
    inside a class, also through links, but each file of a class once. Names such as `Train`, `val`
    and `testing` are understood. Hidden files and what operating systems leave behind are passed
    over; warnings count what else is, and images that are in two splits or two classes. If all
    images are grey they get one channel, else three; 16 bits are scaled to 8; of several images in
    a file the first is taken; transparency is dropped. Each is turned as its camera was held,
    shrunk or enlarged until it just covers `image_size`, and what sticks out is cut off evenly.
    The images are decoded once and kept as one file, which is made anew when an image comes, goes
    or changes. Where that file would not fit into memory they are streamed: looked at once, and
    decoded whenever they are asked for.

    Args:
        source: the name or the path.
        device: where the data should be; by default the CPU.
        download_to: folder for downloads and decoded images; by default the environment variable
            `TRICKS_DATA`, else `~/.cache/tricks_lib`. Files in torchvision's layout that are there
            already are used.
        image_size: height and width of the images of a folder, in pixels; by default their own
            if the first training image of every class has the same, of 64×64 at most, else 64.
        split: shares of train, validation and test (or of train and test), 1 together, of a folder
            without test images; by default (0.7, 0.1, 0.2), and (0.8, 0.2) beside a validation
            split of its own.
        group_by: regular expression for what images that belong together have in common in their
            file names, such as r"^(.*?)_" for the frames of a video; they stay in one split.
        split_seed: fixes which images go into which split.
        skip_bad: leave images out that cannot be read, and warn, in place of an error.
        stream: whether images of a folder are decoded whenever they are asked for, and never held
            in memory together; by default only if they take more than a quarter of it.
        decoders: how many threads decode images of a folder; by default one for each processor, 8
            at most.

    Raises:
        DataUnavailable: if a download fails; nothing half-written is left.
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if the path is a file.
        ValueError: if the name is unknown, the folder is laid out in another way, images cannot
            be read, the decoded images do not fit into memory, or an argument does not apply.

    Warns:
        UserWarning: if something in a folder is passed over or decided for you, if an image is in
            two splits or two classes, or if the decoded images cannot be kept.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747 (Fashion-MNIST); Alpaydin and Kaynak
    1998, UCI Machine Learning Repository (digits); Krizhevsky 2009, Learning Multiple Layers of
    Features from Tiny Images (CIFAR-10).
    """
    names = [*BUNDLED, *PUBLISHED]
    is_path = isinstance(source, Path) or source not in names
    if image_size is not None and not (is_path and image_size >= 1):
        raise ValueError(f"image_size must be at least 1, and is for folders, got {image_size}")
    options = Options(
        image_size, Division(_shares(split), group_by, split_seed), skip_bad, stream, decoders
    )
    if not is_path and options != Options(image_size):
        raise ValueError(
            "split, group_by, split_seed, skip_bad, stream and decoders are for folders, "
            f"got the data set {source!r}"
        )
    cache = cache_folder(download_to)
    if is_path:
        folder = Path(source).expanduser()
        if isinstance(source, str) and folder.parts == (source,) and not folder.exists():
            near = difflib.get_close_matches(source, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"expected one of {names} or a folder, got {source!r}{hint}")
        data = load_folder(folder, cache, options)
    elif source in BUNDLED:
        data = load_bundled(str(source))
    else:
        data = load_published(str(source), cache)
    return data if device is None else data.to(device)


def _shares(split: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if split is None else tuple(split)
