from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tricks_lib.augment import Compose, HorizontalFlip, RandomCrop, RandomResizedCrop, Rotation
from tricks_lib.augment.crop import crop
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.data import load_data
from tricks_lib.models import small_resnet

MIRROR = HorizontalFlip()
WAYS = {
    "crop": RandomCrop(),
    "mirror": MIRROR,
    "crop and mirror": Compose(RandomCrop(), MIRROR),
    "crop, mean fill, and mirror": Compose(RandomCrop(fill=None), MIRROR),
    "rotation": Rotation(15),
    "crop, mirror and rotation": Compose(RandomCrop(), MIRROR, Rotation(15)),
    "resized crop and mirror": Compose(RandomResizedCrop(), MIRROR),
    "small crop": RandomCrop(padding=1),
    "small turns": Rotation(15, interpolation="bilinear"),
    "all turns": Rotation(180, interpolation="bilinear"),
}


def test_arms_are_what_they_are_called(study):
    for plan in study.PLAN.parts:
        for name, recipe in plan.recipes.items():
            way, *others = (name if name in WAYS else name.replace(", lr", "|lr")).split("|")
            way = way.removesuffix(f", {recipe.epochs} epochs")
            wanted = {"none": study.identity, "half turns": study.half_turns} | WAYS
            assert recipe.augment == wanted[way], name
            lr = float(others[0].removeprefix("lr ")) if others else BASELINE.lr
            assert recipe.lr == lr


def test_arms_of_a_length_differ_in_nothing_else(study):
    for plan in study.PLAN.parts:
        recipes = plan.recipes.values()
        same = {
            replace(recipe, augment=study.identity, lr=0.1).written().replace("0.1", "")
            for recipe in recipes
        }
        assert len(same) == len({recipe.epochs for recipe in recipes})


def test_each_seed_draws_its_own_images(study):
    first, second = study.GARMENTS_DATA(0), study.GARMENTS_DATA(1)
    assert len(first.train) == 2000 and len(study.DIGITS_DATA(0).train) == 600
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_test_photographs_are_of_all_classes_where_a_folder_is_sorted(study, monkeypatch):
    sorted_by_class = load_data("digits")
    order = sorted_by_class.test.labels.sort().indices.repeat_interleave(7)
    whole = replace(sorted_by_class, test=sorted_by_class.test.pick(order))
    monkeypatch.setattr(study.colour, "pool", lambda: whole)
    labels = study.photographs.__wrapped__().test.labels
    assert len(labels) == 5000
    assert labels[: study.WATCHED].bincount(minlength=10).min() > 60


@pytest.mark.parametrize("fill", ["own", 0.0])
def test_views_move_turn_and_enlarge_and_leave_the_middle_as_it_is(entry, fill):
    views = entry.part("views")
    images = torch.randint(0, 256, (3, 2, 16, 16), dtype=torch.uint8)
    assert views.moved(images, 0, fill=fill).equal(images)
    assert views.moved(images, 3, fill=fill)[..., 3:].equal(images[..., :-3])
    assert views.moved(images, -3, fill=fill)[..., :-3].equal(images[..., 3:])
    assert views.moved(images, 0, 2, fill=fill)[..., 2:, :].equal(images[..., :-2, :])
    assert views.turned(images, 0, fill=fill).equal(images)
    assert views.turned(images, 90, fill=fill).equal(images.rot90(1, (-2, -1)))
    assert views.enlarged(images, 1.0).equal(images)
    assert views.enlarged(images, 2.0).shape == images.shape


def test_the_rim_is_the_image_itself_mirrored_or_a_colour(entry):
    views = entry.part("views")
    images = torch.randint(1, 256, (3, 1, 8, 8), dtype=torch.uint8)
    assert views.moved(images, 2)[..., :2].equal(images[..., 1:3].flip(-1))
    assert (views.moved(images, 2, fill=0.0)[..., :2] == 0).all()


def test_what_is_measured_by_class(study, monkeypatch):
    data = study.digits()
    answers = data.test.labels.clone()
    answers[data.test.labels == 6] = 9  # every 6 is taken for a 9
    monkeypatch.setattr(study, "final_metrics", lambda run, data: {})
    monkeypatch.setattr(study, "evaluate", lambda model, data, split: SimpleNamespace(accuracy=1.0))
    monkeypatch.setattr(study, "predict", lambda model, data: torch.eye(10)[answers])
    found = study.on_digits(SimpleNamespace(model=None), data)
    assert found["recall_6"] == 0 and found["recall_5"] == 1
    assert found["6_taken_for_9"] == 1 and found["9_taken_for_6"] == 0
    assert {metric.name for metric in study.DIGITS.metrics} >= found.keys()


def test_half_turns_turn_about_half_of_the_images_upside_down(study):
    images = torch.arange(6.0).view(1, 1, 2, 3).expand(1000, -1, -1, -1)
    torch.manual_seed(0)
    made = study.half_turns(images)
    turned = (made == images.rot90(2, (-2, -1))).flatten(1).all(1)
    assert (turned | (made == images).flatten(1).all(1)).all()
    assert 0.4 < turned.float().mean() < 0.6


def test_switched_on_it_moves_by_an_eighth(switch):
    for side, padding in ((32, 4), (28, 3), (8, 1), (4, 1)):
        found = switch(BASELINE, SimpleNamespace(image_size=(side, 2 * side)))
        assert found.augment == Compose(RandomCrop(padding), HorizontalFlip())


@pytest.mark.parametrize(("side", "padding"), [(32, 4), (7, 6), (5, 0)])
def test_the_share_that_is_kept_is_that_of_all_windows(entry, side, padding):
    figures, places = entry.part("figures"), torch.arange(2 * padding + 1)
    top, left = places.repeat_interleave(len(places)), places.repeat(len(places))
    shown = crop(torch.ones(len(top), 1, side, side), top, left, padding=padding)
    assert figures.kept(side, padding) == pytest.approx(shown.mean().item(), abs=1e-6)
    assert figures.versions(padding) == 2 * len(top)


def test_a_shift_by_eight_pixels_moves_the_last_map_by_one_place_and_one_by_four_does_not():
    torch.manual_seed(0)
    net = small_resnet(1, 10).eval()
    image = torch.randn(1, 1, 128, 128)
    with torch.no_grad():
        here, by_4, by_8 = (net.blocks(net.stem(image.roll(by, -1))) for by in (0, 4, 8))
    middle = slice(6, -6)  # no border is in sight from there
    moved, rows = here[..., 5:-7], (..., middle, middle)
    assert torch.allclose(by_8[rows], moved[..., middle, :], atol=1e-5)
    assert (by_4[rows] - moved[..., middle, :]).abs().max() > 0.01
    assert (by_4[rows] - here[rows]).abs().max() > 0.01
