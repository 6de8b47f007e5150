"""`predict`: what a saved network says of images.

Chapter: notebooks/20_own_images.ipynb
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .arguments import device, whole

__all__ = ["add", "run"]

BATCH = 64
"""Images read before the first lines are printed."""


def add(commands: Any) -> None:
    """Say what may be asked."""
    own = commands.add_parser(
        "predict",
        help="predict images with a network that study saved",
        description="Name the most probable classes of images, by the network that `study --out "
        "DIR` saved as DIR/network.pt.",
    )
    own.add_argument("model", type=Path, metavar="MODEL", help="file of it: DIR/network.pt")
    own.add_argument(
        "images", nargs="+", metavar="IMAGE", help="files, or folders: all images inside"
    )
    own.add_argument(
        "--top", type=whole(1), default=3, metavar="N", help="classes to name (default: 3)"
    )
    own.add_argument("--json", action="store_true", help="print a line of JSON for each image")
    own.add_argument("--device", type=device, help="cuda, mps or cpu (default: cpu)")
    own.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Print a line for each image.

    Raises:
        OSError, ValueError: if the model cannot be loaded, or some images cannot be read: the
            others are predicted all the same.
    """
    if not options.model.is_file():
        raise FileNotFoundError(
            f"there is no file {options.model}: `study --out DIR` saves DIR/network.pt, if the "
            "baseline has learnt"
        )
    from ..lab.data.listing import readable  # here: --help need not wait for torch
    from ..practice.saved import load_network

    network = load_network(options.model, device=options.device)
    files, failures = listed(options.images)
    count = len(files) + len(failures)
    for start in range(0, len(files), BATCH):
        found = network.predict_files(files[start : start + BATCH], BATCH)
        lines = found.lines(options.top)
        if options.json:
            lines = list(map(as_json, found.files, found.ranked(options.top)))
        for line in lines:
            print(line, flush=True)
        failures |= found.failures
    for file, why in failures.items():
        if options.json:
            print(json.dumps({"file": readable(file), "error": why}))
        else:
            print(f"{readable(file)}: {why}", file=sys.stderr)
    if failures:
        raise ValueError(f"cannot read {len(failures)} of {count} images, named above")


def listed(places: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the image files at these places, and for places without any, why.

    A file is taken whatever it is called, a folder with all images inside.
    """
    from ..practice.saved import images_in

    files: list[str] = []
    failures: dict[str, str] = {}
    for place in places:
        if not os.path.isdir(place):
            files.append(place)
            continue
        try:
            files += images_in(place)
        except ValueError as error:
            failures[place] = str(error)
    return list(dict.fromkeys(files)), failures


def as_json(file: str, ranks: Sequence[tuple[str, float]]) -> str:
    """Return a line of JSON: file, class, probability, and the most probable classes."""
    from ..lab.data.listing import readable

    (name, value), *_ = ranks
    top = [{"class": other, "probability": chance} for other, chance in ranks]
    return json.dumps({"file": readable(file), "class": name, "probability": value, "top": top})
