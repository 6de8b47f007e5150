import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tricks_lib import Cutout, Split
from tricks_lib.augment import cut_out, identity
from tricks_lib.course.baseline import BASELINE


def pretended():
    """The device that tests/contracts pretends: what a real one refuses is refused."""
    path = Path(__file__).parents[2] / "contracts" / "device.py"
    spec = importlib.util.spec_from_file_location("pretended_device", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Pretended()


def test_arms_differ_in_the_augmentation_alone(study):
    for plan, epochs in ((study.PLAN, 64), (study.SHORT, 16)):
        for name, recipe in plan.recipes.items():
            assert recipe == study.recipe(study.AUGMENTS[name], epochs)


def test_lengths_and_learning_rates_are_those_of_chapter_09(study):
    from tricks_lib.course.chapters.mixup import study as mixup

    assert {epochs: mixup.LR[epochs] for epochs in study.LR} == study.LR
    assert study.recipe(identity, 64) == mixup.recipe(mixup.keep, 64, study.LR[64])


@pytest.mark.parametrize("size", [1, 6, 14, 28])
def test_hidden_squares_are_whole_and_the_same_for_every_fill(study, size):
    plain = study.pool().subset(test=500)
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
    assert noise[hidden].float().mean() == pytest.approx(127.5, abs=12)


@pytest.mark.parametrize("fill", ["mean", "black", "noise"])
def test_squares_are_hidden_where_the_images_are(study, toy, fill):
    """On an accelerator too, and at the same places."""
    here = toy(size=28)
    expected = study.hide_squares(here, 14, fill).test.images
    with pretended() as accelerator:
        there = study.hide_squares(here.to(accelerator.device), 14, fill).test
        assert there.images.device == there.labels.device == accelerator.device
        assert there.images.cpu().equal(expected)


def test_tags_are_put_where_the_images_are(study):
    black = Split(torch.zeros(40, 1, 28, 28, dtype=torch.uint8), torch.zeros(40, dtype=torch.int64))
    expected = study.with_tags(study.with_black_corner(black), 0.9, seed=3)
    with pretended() as accelerator:
        kept = study.with_black_corner(black.to(accelerator.device))
        found = study.with_tags(kept, 0.9, seed=3).to("cpu")
        assert found.images.equal(expected.images) and found.labels.equal(expected.labels)


def test_tags_are_the_only_thing_in_their_corner(study):
    tagged = study.tagged_pool()
    assert len(tagged.test) == 1000
    for split, share in ((tagged.train, 0.9), (tagged.test, 0.5)):
        corner = split.images[:, 0, :8, :8]
        assert split.labels.float().mean().item() == pytest.approx(share, abs=1e-3)
        assert (corner.flatten(1).sum(dim=1) == 9 * 255 * split.labels).all()
        assert (corner[:, 2:5, 2:5] == 255).all(dim=2).all(dim=1).equal(split.labels == 1)


def test_every_seed_draws_about_a_hundred_images_without_a_tag(study):
    """Shuffled with the seed of a run, the pool would give that run none."""
    for seed in study.TAGS.seed_list:
        assert 80 < (study.TAG_DATA(seed).train.labels == 0).sum() < 120


@pytest.mark.parametrize("size", [1, 2, 4, 8, 9, 14, 20, 27])
def test_the_chance_to_hide_the_tag_is_counted(entry, size):
    figures = entry.part("figures")
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    white = torch.ones(28 * 28, 1, 28, 28)
    cut = cut_out(white, y.reshape(-1, 1), x.reshape(-1, 1), size)
    gone = (cut[:, 0, 2:5, 2:5] == 0).flatten(1).all(dim=1).double().mean().item()
    assert figures.chance_to_hide_tag(size) == pytest.approx(gone, abs=1e-9)


def test_the_tags_are_counted_as_in_the_text(entry):
    counts = entry.part("figures").counts
    assert [counts(size)[0] for size in (8, 14, 20)] == [41, 115, 194]
    for size in (8, 14, 20):
        covered, share = counts(size)
        assert share == pytest.approx(covered / (100 + covered), abs=2e-3)


@pytest.mark.parametrize(("size", "side"), [(1, 9), (4, 10), (7, 20), (16, 32), (20, 32)])
def test_the_mean_length_is_counted(entry, size, side):
    figures = entry.part("figures")
    counted = figures.coverage(size, side).sum().item()
    assert counted == pytest.approx(figures.mean_length(size, side) ** 2, abs=1e-9)


@pytest.mark.parametrize(("size", "square"), [(8, 4), (28, 14), (32, 16)])
def test_switched_on_it_hides_half_of_the_side(switch, toy, size, square):
    assert switch(BASELINE, toy(size=size)).augment == Cutout(size=square)
