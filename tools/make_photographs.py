"""Make the four photographs that the package carries: squares of scikit-image's sample images.

Usage: python tools/make_photographs.py [--target FOLDER]

It needs `skimage`, which the package itself does not: `pip install scikit-image`. The squares are
cut out, not resized, and saved without loss.
"""

import argparse
from pathlib import Path

from PIL import Image
from skimage import data

SQUARES = {
    "astronaut": (0, 100, 260),
    "chelsea": (10, 85, 280),
    "coffee": (40, 140, 350),
    "rocket": (0, 190, 400),
}
"""Top, left and side of the part that is kept of each, in pixels."""


def main() -> None:
    """Read the arguments, write the photographs."""
    course = Path(__file__).parents[1] / "tricks_lib" / "course"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, default=course / "photos")
    target = parser.parse_args().target
    for name, (top, left, side) in SQUARES.items():
        path = target / f"{name}.png"
        whole = Image.fromarray(getattr(data, name)())
        whole.crop((left, top, left + side, top + side)).save(path, optimize=True)
        print(f"{path}: {side}×{side} pixels, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
