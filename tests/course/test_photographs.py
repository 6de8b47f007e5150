import hashlib
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import tricks_lib.course.photographs as module
from tricks_lib.course.photographs import NAMES, photographs

PHOTOS = Path(module.__file__).with_name("photos")
TOOLS = Path(__file__).parents[2] / "tools"


@pytest.mark.parametrize("size", [32, 96])
def test_photographs_are_four_and_in_colour(size):
    images = photographs(size)
    assert images.shape == (4, 3, size, size)
    assert images.dtype == torch.uint8
    for image in images.float():
        assert image.std() > 20  # not blank
        assert (image[0] - image[2]).abs().mean() > 3  # not grey


def test_photographs_are_those_of_scikit_image():
    # Recorded from the squares of scikit-image's own images, version 0.26.0.
    pixels = [np.asarray(Image.open(PHOTOS / f"{name}.png")).tobytes() for name in NAMES]
    assert [hashlib.sha256(content).hexdigest()[:16] for content in pixels] == [
        "be402f02cea44f5c",
        "c9201c9be199cb79",
        "9912ef282219e071",
        "118f6d2777769c61",
    ]


@pytest.mark.parametrize("size", [7, 96])
def test_photographs_are_resized_as_pillow_does(size):
    for name, image in zip(NAMES, photographs(size), strict=True):
        with Image.open(PHOTOS / f"{name}.png") as photo:  # Pillow always smooths before it shrinks
            oracle = np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR))
        assert np.abs(image.permute(1, 2, 0).int().numpy() - oracle).max() <= 1


def test_photographs_are_small_and_carry_their_licences():
    assert sum(file.stat().st_size for file in PHOTOS.iterdir()) < 700_000
    licences = (PHOTOS / "LICENSES").read_text(encoding="utf-8")
    assert all(f"{name}.png" in licences for name in NAMES)


def test_script_cuts_the_stated_squares(tmp_path, monkeypatch):
    # Stand-ins for scikit-image's images: black, with our squares where they were cut out.
    wholes = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "skimage", SimpleNamespace(data=wholes))
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.delitem(sys.modules, "make_photographs", raising=False)
    monkeypatch.setattr(sys, "argv", ["make_photographs", "--target", str(tmp_path)])
    script = importlib.import_module("make_photographs")
    for name, (top, left, side) in script.SQUARES.items():
        whole = np.zeros((top + side + 9, left + side + 9, 3), np.uint8)
        with Image.open(PHOTOS / f"{name}.png") as square:
            whole[top : top + side, left : left + side] = square
        monkeypatch.setattr(wholes, name, lambda whole=whole: whole, raising=False)
    script.main()
    assert tuple(script.SQUARES) == NAMES
    for name in NAMES:
        made, kept = (Image.open(folder / f"{name}.png") for folder in (tmp_path, PHOTOS))
        assert np.array_equal(np.asarray(made), np.asarray(kept))
