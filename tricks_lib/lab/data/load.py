"""One call for every data set: a name, or the path of a folder of your own.

Chapter: notebooks/00_baseline.ipynb
"""

import difflib
from pathlib import Path

import torch

from .bundled import BUNDLED, load_bundled
from .cache import cache_folder
from .folder import load_folder
from .published import PUBLISHED, load_published
from .splits import Data

__all__ = ["load_data"]


def load_data(
    source: str | Path = "fashion-mini",
    *,
    device: str | torch.device | None = None,
    download_to: str | Path | None = None,
    image_size: int | None = None,
) -> Data:
    """Load a data set by name, or a folder of images by path.

    - "fashion-mini": the first 10,000 training and 5,000 test images of Fashion-MNIST, which come
      with the package; no network is needed.
    - "digits": 1,000 training and 797 test images of handwritten digits, 8×8 pixels, the first and
      the last of the test set of Alpaydin and Kaynak, which come with the package; no network is
      needed.
    - "fashion-mnist", "cifar10": all of it, downloaded by torchvision at the first use.
    - A path: images in `train/<class>/` and `test/<class>/`, and, if there is one, in
      `validation/<class>/`, `valid/<class>/` or `val/<class>/`: JPEG, PNG, WebP and the other
      types that `torchvision.datasets.ImageFolder` reads, also in folders inside a class, also
      through links, but each file of a class once. Hidden files and what operating systems leave
      behind are passed over; a warning counts what else is in a class, images in none, and images
      that are in two splits or two classes. If all images are grey they get one channel, else
      three; transparency is dropped. Each is turned as its camera was held, shrunk or enlarged
      until it just covers `image_size`, and what sticks out is cut off evenly. They are decoded
      once and kept as one file, which is made anew when an image comes, goes or changes.

    A `Path`, or a text with a slash such as "./cifar10", is always a path.

    Args:
        source: the name or the path.
        device: where the data should be; by default the CPU.
        download_to: folder for downloads and decoded images; by default the environment variable
            `TRICKS_DATA`, else `~/.cache/tricks_lib`. Files in torchvision's layout that are there
            already are used.
        image_size: height and width of the images of a folder, in pixels; by default their own
            if the first training image of every class has the same, of 64×64 at most, else 64.

    Raises:
        DataUnavailable: if a download fails; nothing half-written is left.
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if the path is a file.
        ValueError: if the name is unknown, the folder is laid out in another way, images cannot
            be read, or `image_size` does not apply.

    Warns:
        UserWarning: if something in a folder is passed over, if an image is in two splits or two
            classes, or if the decoded images cannot be kept.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747 (Fashion-MNIST); Alpaydin and Kaynak
    1998, UCI Machine Learning Repository (digits); Krizhevsky 2009, Learning Multiple Layers of
    Features from Tiny Images (CIFAR-10).
    """
    names = [*BUNDLED, *PUBLISHED]
    is_path = isinstance(source, Path) or source not in names
    if image_size is not None and not (is_path and image_size >= 1):
        raise ValueError(f"image_size must be at least 1, and is for folders, got {image_size}")
    cache = cache_folder(download_to)
    if is_path:
        folder = Path(source).expanduser()
        if isinstance(source, str) and folder.parts == (source,) and not folder.exists():
            near = difflib.get_close_matches(source, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"expected one of {names} or a folder, got {source!r}{hint}")
        data = load_folder(folder, cache, image_size)
    elif source in BUNDLED:
        data = load_bundled(str(source))
    else:
        data = load_published(str(source), cache)
    return data if device is None else data.to(device)
