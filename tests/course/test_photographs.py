import pytest
import torch
from skimage import data

from tricks_lib.lab.photographs import SQUARES, photographs


@pytest.mark.parametrize("size", [32, 96])
def test_photographs_are_four_and_in_colour(size):
    pictures = photographs(size)
    assert pictures.shape == (4, 3, size, size)
    assert pictures.dtype == torch.uint8
    for picture in pictures.float():
        assert picture.std() > 20  # not blank
        assert (picture[0] - picture[2]).abs().mean() > 3  # not grey


def test_the_squares_lie_inside_the_pictures():
    for name, (top, left, side) in SQUARES.items():
        height, width = getattr(data, name)().shape[:2]
        assert top + side <= height and left + side <= width


def test_photographs_are_parts_of_the_originals():
    top, left, side = SQUARES["chelsea"]
    original = torch.from_numpy(data.chelsea())[top : top + side, left : left + side].float()
    shown = photographs(28)[1].float()
    assert shown.mean(dim=(1, 2)) == pytest.approx(original.mean(dim=(0, 1)), abs=1.0)
