"""How the data sets that come with the package are written: sheets of images, and labels."""

from pathlib import Path

import numpy as np
from PIL import Image

PER_ROW = 100  # images, and labels, in one row


def write_sheet(path: Path, images: np.ndarray) -> None:
    """Lay grey images, uint8 (N, side, side), out in reading order and save them without loss.

    There are 100 in a row. What the last image leaves empty of its row is black.
    """
    count, side, _ = images.shape
    rows = -(-count // PER_ROW)
    cells = np.zeros((rows * PER_ROW, side, side), np.uint8)
    cells[:count] = images
    cells = cells.reshape(rows, PER_ROW, side, side)  # (row, column, y, x)
    sheet = cells.transpose(0, 2, 1, 3).reshape(-1, PER_ROW * side)  # (row · y, column · x)
    Image.fromarray(sheet).save(path, optimize=True)
    print(f"{path}: {count:,} images, {path.stat().st_size:,} bytes")


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write one digit per image, in rows as on the sheet."""
    text = "".join(map(str, labels))
    rows = [text[start : start + PER_ROW] for start in range(0, len(text), PER_ROW)]
    path.write_text("\n".join(rows) + "\n", encoding="ascii", newline="\n")
