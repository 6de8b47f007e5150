"""Make the handwritten digits that the package carries, as PNG sheets, from scikit-learn's copy.

Usage: python tools/make_digits.py [--target FOLDER]

It needs `sklearn`, which the package itself does not: `pip install scikit-learn`. The same version
of Pillow writes the same bytes.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from sheets import write_labels, write_sheet
from sklearn.datasets import load_digits

TRAIN = 1000  # the others are for testing

# SHA-256 of the 1,797 images of 8×8 values from 0 to 16, and of their labels, one byte each.
ORIGINALS = {
    "images": "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3",
    "labels": "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0",
}


def main() -> None:
    """Read the arguments, write sheets and labels."""
    data = Path(__file__).parents[1] / "tricks_lib" / "lab" / "data"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, default=data / "digits")
    target = parser.parse_args().target
    stored = load_digits()
    counts = checked("images", stored.images)  # inked pixels in each block of 4×4
    labels = checked("labels", stored.target)
    pixels = np.round(counts * (255 / 16)).astype(np.uint8)
    # Not shuffled: neighbours are often by one writer, whom a random cut would put on both sides.
    for split, part in (("train", slice(TRAIN)), ("test", slice(TRAIN, None))):
        write_sheet(target / f"{split}.png", pixels[part])
        write_labels(target / f"{split}-labels.txt", labels[part])


def checked(name: str, values: np.ndarray) -> np.ndarray:
    """Return whole numbers as bytes.

    Raises:
        ValueError: if they are not those that the package was made from.
    """
    content = values.astype(np.uint8)
    found = hashlib.sha256(content.tobytes()).hexdigest()
    if found != ORIGINALS[name]:
        raise ValueError(f"{name}: expected SHA-256 {ORIGINALS[name]}, got {found}")
    return content


if __name__ == "__main__":
    main()
