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
from PIL import Image

SIDE = 28  # pixels of one image
PER_ROW = 100  # images, and labels, in one row
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
    """Read the arguments, write sheets and labels, and say how large the sheets are."""
    package = Path(__file__).parents[1] / "tricks_lib"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--target", type=Path, default=package / "lab" / "fashion_mini")
    arguments = parser.parse_args()
    for split, (original, count) in SPLITS.items():
        pixels = read_original(arguments.source, f"{original}-images-idx3-ubyte", header=16)
        labels = read_original(arguments.source, f"{original}-labels-idx1-ubyte", header=8)
        sheet = arguments.target / f"{split}.png"
        write_sheet(sheet, pixels.reshape(-1, SIDE, SIDE)[:count])
        write_labels(arguments.target / f"{split}-labels.txt", labels[:count])
        print(f"{sheet}: {count:,} images, {sheet.stat().st_size:,} bytes")


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


def write_sheet(path: Path, images: np.ndarray) -> None:
    """Lay images (N, 28, 28) out in reading order, 100 in a row, and save them without loss."""
    rows = images.reshape(-1, PER_ROW, SIDE, SIDE)  # (row, column, y, x)
    sheet = rows.transpose(0, 2, 1, 3).reshape(-1, PER_ROW * SIDE)  # (row · y, column · x)
    Image.fromarray(sheet).save(path, optimize=True)


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write one digit per image, in rows as on the sheet."""
    rows = ("".join(map(str, row)) for row in labels.reshape(-1, PER_ROW))
    path.write_text("\n".join(rows) + "\n", encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
