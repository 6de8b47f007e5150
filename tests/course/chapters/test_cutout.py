from dataclasses import replace

import pytest
import torch

from tricks_lib import Cutout, Split
from tricks_lib.course.baseline import BASELINE


@pytest.mark.parametrize("size", [1, 6, 14, 28])
def test_hidden_squares_are_whole_and_the_same_for_every_fill(study, size):
    plain = study.data()
    black = study.hide_squares(plain, size, "black").test.images
    noise = study.hide_squares(plain, size, "noise").test.images
    grey = study.hide_squares(plain, size).test.images
    value = round(255 * plain.mean.item())
    white = replace(plain, test=Split(torch.full_like(plain.test.images, 255), plain.test.labels))
    hidden = study.hide_squares(white, size, "black").test.images == 0
    assert (hidden.sum(dim=(1, 2, 3)) == size**2).all()
    assert (black[hidden] == 0).all() and (grey[hidden] == value).all()
    for images in (black, noise, grey):
        assert images[~hidden].equal(plain.test.images[~hidden])
    assert noise[hidden].float().mean() == pytest.approx(127.5, abs=6)


def test_tags_are_the_only_thing_in_their_corner(study):
    tagged = study.tags()
    for split, share in ((tagged.train, 0.9), (tagged.test, 0.5)):
        corner = split.images[:, 0, :8, :8]
        assert split.labels.float().mean().item() == pytest.approx(share)
        assert (corner.flatten(1).sum(dim=1) == 9 * 255 * split.labels).all()
        assert (corner[:, 2:5, 2:5] == 255).all(dim=2).all(dim=1).equal(split.labels == 1)


@pytest.mark.parametrize(("size", "square"), [(8, 4), (28, 14), (32, 16)])
def test_switched_on_it_hides_half_of_the_side(switch, toy, size, square):
    assert switch(BASELINE, toy(size=size)).augment == Cutout(size=square)
