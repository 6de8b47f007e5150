from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tricks_lib import ColorShift, PCAColor
from tricks_lib.augment import HorizontalFlip, RandomCrop, identity
from tricks_lib.augment.pca_color import IMAGENET_EIGENVALUES, IMAGENET_EIGENVECTORS
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.photographs import photographs
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.data import load_data


@pytest.fixture
def lights(entry):
    return entry.part("lights")


def test_arms_are_what_they_are_called(study):
    base = (RandomCrop(), HorizontalFlip())
    for name, recipe in study.PLAN.recipes.items():
        kind = name.split(", ")[0]
        amount = kind.removeprefix("colour shift ").removeprefix("PCA colour ")
        steps = recipe.augment.steps
        if kind.startswith("colour shift"):
            hue = float(name.split("hue ")[1]) if "hue" in name else 0
            shift = ColorShift(*3 * [float(amount)], hue)
            expected = (shift, *base) if name == study.BEFORE else (*base, shift)
            assert steps == expected
        elif kind.startswith("PCA colour"):
            own = (study.OWN_EIGENVALUES, study.OWN_EIGENVECTORS) if "own" in name else ()
            assert steps == (*base, PCAColor(float(amount), *own))
        else:
            assert steps[:2] == base
        longer = name == study.LONGER
        assert recipe.epochs == (30 if longer else 20)
        assert recipe.lr == study.LR and recipe.batch_size == 100


def test_the_learning_rate_is_the_best_of_the_recorded_search(study):
    tries = {"all": [f"lr {lr}" for lr in study.TRIES]}
    assert best_tries(study.SEARCH.recorded(), tries) == {"all": f"lr {study.LR}"}


def test_garments_have_a_recipe_without_crop_and_mirror(study):
    assert study.TIED.recipes[study.NONE].augment == identity
    for name in (study.SHIFT, study.HUE, study.FULL_HUE, study.PCA, study.PCA_LARGE):
        assert study.TIED.recipes[name].augment == study.RECIPES[name].augment.steps[-1]


def test_even_shifts_are_as_large_as_those_of_pca_colour(study):
    values, vectors = torch.tensor(IMAGENET_EIGENVALUES), torch.tensor(IMAGENET_EIGENVECTORS)
    squared = (vectors @ torch.diag(values.square()) @ vectors.T).trace().item()
    even_squared = 3 * study.EVEN**2
    assert even_squared == pytest.approx(squared, rel=1e-3)
    [*_, even] = study.RECIPES[study.EVEN_LARGE].augment.steps
    assert even == PCAColor(1.0, 3 * (study.EVEN,), study.UNTURNED)


def test_own_directions_are_those_of_the_photographs(study):
    """The record has the principal colours of the training images of each seed."""
    recorded = study.PLAN.recorded()
    for place, value in enumerate(study.OWN_EIGENVALUES):  # of all images, not of five samples
        found = recorded.mean(study.NONE, f"eigenvalue_{place + 1}")
        assert value == pytest.approx(found, rel=0.03)
    assert recorded.mean(study.NONE, "cosine") > 0.999
    vectors = torch.tensor(study.OWN_EIGENVECTORS)
    assert torch.allclose(vectors.T @ vectors, torch.eye(3), atol=1e-3)


def test_switched_on_it_has_the_amounts_of_the_paper(switch):
    assert switch(BASELINE, None).augment == ColorShift(0.4, 0.4, 0.4)


# --- Lights ---


def test_a_light_multiplies_rounds_and_clips(lights):
    pixel = torch.tensor([200, 100, 51], dtype=torch.uint8).view(1, 3, 1, 1)
    lit = lights.under_light(pixel, torch.tensor([1.5, 0.8, 0.5]))
    assert lit.dtype == torch.uint8
    assert lit.flatten().tolist() == [255, 80, 26]


def test_each_image_has_its_own_light(lights):
    white = torch.full((2, 3, 2, 2), 100, dtype=torch.uint8)
    lit = lights.under_light(white, torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 2.0]]))
    assert lit[:, :, 0, 0].tolist() == [[100, 50, 0], [0, 100, 200]]


def test_only_the_test_images_are_put_under_a_light(lights, study):
    data = study.TIED.of_seed(0).subset(train=10, test=10, validation=10)
    lit = lights.in_light(data, "dim")
    assert lit.train.images.equal(data.train.images)
    assert lit.test.images.float().mean() == pytest.approx(
        data.test.images.float().mean().item() / 2, rel=0.01
    )


def test_a_random_light_draws_three_factors_for_each_image(lights):
    light = lights.RandomLight(0.5, 1.5)
    drawn = light.draw((1000, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    assert drawn.shape == (1000, 3)
    assert drawn.min() >= 0.5 and drawn.max() <= 1.5 and 0.9 < drawn.mean() < 1.1
    assert (drawn.std(1) > 0).all()


def test_a_standardising_network_sees_no_light(lights):
    torch.manual_seed(0)
    network = lights.standardizing_network(3, 4).eval()
    images = torch.rand(5, 3, 16, 16) + 0.2
    gains = torch.tensor([1.0, 0.7, 0.4]).view(1, 3, 1, 1)
    torch.testing.assert_close(network(images), network(gains * images), atol=2e-3, rtol=0)


def test_a_grey_network_sees_no_exchange_of_channels(lights):
    torch.manual_seed(0)
    network = lights.grey_network(3, 4).eval()
    images = torch.rand(5, 3, 16, 16)
    torch.testing.assert_close(network(images), network(images.flip(1)))
    assert not network(images).allclose(network(0.5 * images), atol=1e-3)


def test_in_training_the_light_tells_the_class_and_in_tests_it_does_not(lights):
    data = lights.garments_by_lamp()
    warm = {name: split_warm(split) for name, split in data.splits.items()}
    for label, light in enumerate(lights.light_of_class(data.classes)):
        of_class = data.train.labels == label
        assert (warm["train"][of_class] == (light == 0)).float().mean() > 0.98
        share = warm["test"][data.test.labels == label].float().mean()
        assert 0.4 < share < 0.6
    assert sum(lights.light_of_class(data.classes)) == 5


def split_warm(split):
    """Whether there is more red than blue in each image."""
    red, _, blue = split.images.float().mean((2, 3)).unbind(1)
    return red > blue


def test_the_garments_are_those_of_the_package(lights):
    grey = load_data("fashion-mini").test.images[:20, 0].float()
    green = lights.garments_by_lamp().test.images[:20, 1].float()
    assert (green - 0.8 * grey).abs().max() <= 0.5  # both lights have a factor of 0.8


def test_what_is_measured_under_each_light(study, lights, monkeypatch):
    data = study.TIED.of_seed(0).subset(train=20, test=20, validation=10)
    seen = []

    def evaluate(model, data, split="test"):
        seen.append((split, data.splits[split].images.float().mean().item()))
        return SimpleNamespace(accuracy=len(seen) / 10)

    monkeypatch.setattr(study, "evaluate", evaluate)
    monkeypatch.setattr(study, "final_metrics", lambda run, data: {"accuracy": 1.0})
    found = study.under_lights(SimpleNamespace(model=None), data)
    names = [*lights.LIGHTS]
    assert [found[study.own_light(name)] for name in names] == [
        (place + 1) / 10 for place in range(len(names))
    ]
    coloured = [found[study.own_light(name)] for name in lights.COLOURED]
    assert found["accuracy_coloured"] == pytest.approx(sum(coloured) / 3)
    assert seen[-1][0] == "train"
    assert {metric.name for metric in study.METRICS} <= {*found, "nll", "ece", "train_loss"}


# --- Figures ---


def test_no_step_but_a_light_colours_a_grey(entry):
    figures = entry.part("figures")
    grey = torch.full((1, 3, 1, 1), 180, dtype=torch.uint8)
    for name, step in figures.STEPS.items():
        for amount in figures.AMOUNTS:
            after = step(grey, amount)[0].flatten().int()
            spread = (after.max() - after.min()).item()
            if name == "a light" and amount:
                assert spread > 30
            else:
                assert spread <= 4, (name, amount)


def test_a_shift_of_nothing_changes_nothing(entry):
    figures = entry.part("figures")
    for step in figures.STEPS:
        assert figures.shifted(step, 0.0).equal(photographs(96)[:1]) or step == "hue"
    change = figures.shifted("hue", 0.0).int() - photographs(96)[:1].int()
    assert change.abs().max() <= 1


def test_channels_stand_in_for_each_other_after_a_split_is_replaced(study, lights):
    """`replace(data.test, images=...)`, as an exercise hints."""
    data = study.TIED.of_seed(0).subset(train=10, test=10, validation=10)
    lit = replace(data, test=replace(data.test, images=data.test.images.flip(1)))
    assert lit.test.images[:, 0].equal(data.test.images[:, 2])
