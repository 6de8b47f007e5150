from collections import Counter
from itertools import permutations, product
from types import SimpleNamespace

import pytest
import torch

from tricks_lib import RICAP, CutMix, Mixup
from tricks_lib.augment import identity
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.mix import keep, patch
from tricks_lib.mix.ricap import patch_sizes


def test_it_is_compared_at_equal_length_and_learning_rate(study):
    for name, recipe in study.PLAN.recipes.items():
        epochs = int(name.split(", ")[1].removesuffix(" epochs"))
        lr = study.LOWEST if name == study.LOW_RATE else study.LR[epochs]
        assert (recipe.epochs, recipe.lr) == (epochs, lr)
    for name, recipe in study.FEW.recipes.items():
        epochs = int(name.split(", ")[1].removesuffix(" epochs"))
        assert (recipe.epochs, recipe.lr) == (epochs, study.FEW_LR)


def test_arms_are_what_they_are_called(study):
    mixes = {
        "none": keep,
        "mixup 1": Mixup(1.0),
        "cutmix 1": CutMix(1.0),
        "ricap 0.3": RICAP(0.3),
    }
    for plan in (study.PLAN, study.FEW, study.AGAIN):
        for name, recipe in plan.recipes.items():
            trick, _, _ = name.split(", ")[0].partition(" + ")
            assert recipe.mix == (keep if name == study.CROPS else mixes[trick])
            crops = study.CROPS in name
            assert recipe.augment == (study.CROP_AND_MIRROR if crops else identity)


def test_length_and_learning_rate_of_the_short_runs_are_the_best_of_the_recorded_search(study):
    short = [
        study.tried(epochs, lr)
        for epochs, rates in study.TRIES.items()
        if epochs != study.LONG
        for lr in rates
    ]
    long = [study.tried(study.LONG, lr) for lr in study.TRIES[study.LONG]]
    best = best_tries(study.SEARCH.recorded(), {"short": short, "long": long})
    assert best == {
        "short": study.tried(study.SHORT, study.LR[study.SHORT]),
        "long": study.tried(study.LONG, study.LOWEST),
    }


def test_the_long_runs_have_the_learning_rate_of_the_course(study):
    assert study.LR[study.LONG] == BASELINE.lr
    assert min(study.TRIES[study.LONG]) == study.LOWEST


def test_each_seed_draws_its_own_images(study):
    first, second = study.NOISY_DATA(0), study.NOISY_DATA(1)
    assert len(first.train) == 300 and len(first.validation) == 1000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_120_of_300_labels_are_wrong_and_the_right_ones_are_found_again(study):
    noisy, right = study.NOISY_DATA(3), study.FEW_DATA(3)
    assert noisy.train.images.equal(right.train.images)
    assert (noisy.train.labels != right.train.labels).sum() == 120
    assert study.right_labels(noisy).equal(right.train.labels)
    assert noisy.validation.labels.equal(right.validation.labels)


@pytest.mark.parametrize("says", ["given", "right"])
def test_what_was_learnt_tells_wrong_labels_from_right_ones(study, monkeypatch, says):
    data = study.NOISY_DATA(0)
    right = study.right_labels(data)
    told = data.train.labels if says == "given" else right
    monkeypatch.setattr(study, "final_metrics", lambda run, data: {})
    monkeypatch.setattr(
        study,
        "predict",
        lambda model, data, split="test": torch.eye(10)[
            told if split == "train" else data.splits[split].labels
        ],
    )
    found = study.what_was_learnt(SimpleNamespace(model=None), data)
    assert found["right_learnt"] == 1
    assert found["wrong_learnt"] == (says == "given")
    assert found["wrong_put_right"] == (says == "right")
    assert found["train_accuracy"] == pytest.approx(1 if says == "given" else 0.6)


def test_switched_on_it_has_the_papers_shape(switch):
    assert switch(BASELINE, None).mix == RICAP(beta=0.3)


@pytest.mark.parametrize("beta", [0.1, 0.3, 1.0, 8.0])
def test_the_means_are_those_of_drawn_boundaries(entry, beta):
    figures, mix = entry.part("figures"), RICAP(beta)
    torch.manual_seed(0)
    side, drawn = 1000, []
    for _ in range(4000):
        h, w = (
            torch.tensor(n / side, dtype=torch.float64) for n in mix.draw((1, 1, side, side))[1]
        )
        drawn.append(torch.stack([h * w, h * (1 - w), (1 - h) * w, (1 - h) * (1 - w)]))
    weights = torch.stack(drawn)
    assert torch.allclose(weights.mean(0), torch.tensor(0.25, dtype=torch.float64), atol=0.02)
    assert figures.largest(beta) == pytest.approx(weights.amax(1).mean().item(), abs=0.02)
    assert figures.mean_square(beta) == pytest.approx(
        weights.square().sum(1).mean().item(), abs=0.02
    )
    entropy = torch.special.entr(weights).sum(1).mean().item()
    assert figures.floor(beta) == pytest.approx(entropy, abs=0.03)


def test_how_often_one_image_fills_all(entry):
    torch.manual_seed(0)
    whole = [
        all(n in (0, 28) for n in RICAP(0.3).draw((1, 1, 28, 28)).boundary) for _ in range(4000)
    ]
    assert entry.part("figures").only_one(0.3, 28) == pytest.approx(
        sum(whole) / len(whole), abs=0.02
    )


def test_with_one_class_nothing_is_lost_and_with_many_the_floor_is_near_the_formula(entry):
    figures = entry.part("figures")
    one, many = torch.zeros(50, dtype=torch.int64), torch.arange(500)
    assert figures.floor_of_labels(RICAP(1.0), one, 10) == pytest.approx(0, abs=1e-6)
    found = figures.floor_of_labels(RICAP(1.0), many, 500)
    assert found == pytest.approx(figures.floor(1.0), abs=0.06)  # some are their own partners


@pytest.mark.parametrize("boundary", [(2, 5), (0, 3), (4, 6), (1, 0)])
def test_weights_are_shares_of_the_pixels(entry, boundary):
    photos = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 1, 4, 6).contiguous()
    image, weights = entry.part("figures").four_in_one(photos, boundary)
    counted = torch.bincount(image.flatten().long(), minlength=4) / 24
    assert torch.allclose(weights, counted)


def patchworks(order, *, weights_too=True):
    """Count all patchworks of two images of 2×3 pixels that can be drawn for one boundary, with
    their targets, when the k-th patch is put into the place `order[k]`."""
    images = torch.arange(12.0).view(2, 1, 2, 3)
    boundary, found = (1, 2), Counter()
    sizes = patch_sizes(boundary, 2, 3)
    origins = product(*(product(range(3 - h), range(4 - w)) for h, w in sizes))
    partners = list(product(permutations(range(2)), repeat=4))
    for drawn, places in product(partners, list(origins)):
        put = torch.tensor([drawn[order.index(place)] for place in range(4)])
        made, targets = patch(images, torch.eye(2), put, boundary, list(places))
        if not weights_too:  # each weight stays with the number of its patch
            _, targets = patch(images, torch.eye(2), torch.tensor(drawn), boundary, list(places))
        rows = [
            [*image.flatten().tolist(), *row.tolist()]
            for image, row in zip(made, targets, strict=True)
        ]
        found[tuple(tuple(round(x, 6) for x in row) for row in rows)] += 1
    return found


def test_exchanged_patches_change_no_probability_and_exchanged_weights_do():
    paper = patchworks([0, 1, 2, 3])
    assert patchworks([0, 2, 1, 3]) == paper
    assert patchworks([0, 2, 1, 3], weights_too=False) != paper
