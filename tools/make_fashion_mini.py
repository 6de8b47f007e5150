"""Make the data set that the package carries: the first images of Fashion-MNIST, as PNG sheets.

Usage: python tools/make_fashion_mini.py [--source FOLDER] [--target FOLDER]

The source is a folder with the four original .gz files of Fashion-MNIST; on Debian,
`apt install dataset-fashion-mnist` brings it. The same version of Pillow writes the same bytes.
"""

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np
from sheets import write_labels, write_sheet

SIDE = 28  # pixels of one image
SPLITS = {"train": ("train", 10_000), "test": ("t10k", 5_000)}  # our name: their name, how many

# SHA-256 of the unpacked files. The published MD5s are of the packed ones, and Debian's package
# leaves the name and the date out of those; with both put back its files have the published MD5s.
ORIGINALS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def main() -> None:
    """Read the arguments, write sheets and labels."""
    data = Path(__file__).parents[1] / "tricks_lib" / "lab" / "data"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--target", type=Path, default=data / "fashion_mini")
    arguments = parser.parse_args()
    for split, (original, count) in SPLITS.items():
        pixels = read_original(arguments.source, f"{original}-images-idx3-ubyte", header=16)
        labels = read_original(arguments.source, f"{original}-labels-idx1-ubyte", header=8)
        write_sheet(arguments.target / f"{split}.png", pixels.reshape(-1, SIDE, SIDE)[:count])
        write_labels(arguments.target / f"{split}-labels.txt", labels[:count])


def read_original(folder: Path, name: str, header: int) -> np.ndarray:
    """Unpack an original file and return the bytes after its header.

    Raises:
        ValueError: if its content is not the published one.
    """
    content = gzip.decompress((folder / f"{name}.gz").read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != ORIGINALS[name]:
        raise ValueError(f"{name}: expected SHA-256 {ORIGINALS[name]}, got {found}")
    return np.frombuffer(content, np.uint8, offset=header)


if __name__ == "__main__":
    main()
