from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.models import mlp, small_resnet


def test_arms_are_what_they_are_called(study):
    plain = study.recipe()
    for plan in (study.PLAN, study.AGAIN, study.CLEAN):
        assert next(iter(plan.recipes)) == study.NONE
        assert plan.recipes[study.NONE].written() == plain.written()
        assert plan.recipes[study.HALF].model.keywords["dropout"] == 0.5
    for p in study.RATES:
        for plan in (study.PLAN, study.CLEAN):
            model = plan.recipes[study.arm(p)].model
            assert (model.keywords["dropout"], model.keywords["hidden"]) == (p, (512, 512))
            # Nothing else is changed.
            same = replace(plan.recipes[study.arm(p)], model=plain.model)
            assert same.written() == plain.written()


def test_each_try_changes_one_number(study):
    plain = study.recipe()
    for knob, values in study.TRIES.items():
        for value in values:
            tried = study.variant(knob, value)
            changed = {
                name
                for name in ("epochs", "lr", "model", "optimizer")
                if repr(getattr(tried, name)) != repr(getattr(plain, name))
            }
            if knob == "epochs with dropout 0.5":
                assert tried.model.keywords["dropout"] == 0.5
                assert tried.epochs == value
            else:
                slots = {"units": "model", "dropout": "model", "weight decay": "optimizer"}
                assert changed == {slots.get(knob, knob)}
    assert study.variant("units", 16).model.keywords["hidden"] == (16, 16)
    assert study.variant("weight decay", 0.1).optimizer.keywords["weight_decay"] == 0.1


def test_the_chosen_numbers_are_the_best_of_the_recorded_search(study):
    tries = {
        knob: [study.tried(knob, value) for value in values] for knob, values in study.TRIES.items()
    }
    best = best_tries(study.SEARCH.recorded(), tries)
    assert best == study.NAMES


def test_the_residual_network_is_compared_at_equal_length(study):
    for epochs in study.LENGTHS:
        without, with_dropout = (study.RESIDUAL[study.length(p, epochs)] for p in (0, 0.5))
        same = replace(with_dropout, model=without.model)
        assert same.written() == without.written()
        assert with_dropout.model.keywords == {"dropout": 0.5}
        assert without.epochs == epochs


def test_each_seed_draws_its_own_images(study):
    first, second = study.WRONG(0), study.WRONG(1)
    assert len(first.train) == 1000 and len(first.validation) == 1000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_400_of_1000_labels_are_wrong_and_the_right_ones_are_found_again(study):
    noisy, right = study.WRONG(3), study.RIGHT(3)
    assert noisy.train.images.equal(right.train.images)
    assert (noisy.train.labels != right.train.labels).sum() == 400
    assert study.right_labels(noisy).equal(right.train.labels)
    assert noisy.validation.labels.equal(right.validation.labels)


@pytest.mark.parametrize("says", ["given", "right"])
def test_what_was_learnt_tells_wrong_labels_from_right_ones(study, monkeypatch, says):
    data = study.WRONG(0)
    right = study.right_labels(data)
    told = data.train.labels if says == "given" else right
    monkeypatch.setattr(study, "of_masks", lambda run, data: {})
    monkeypatch.setattr(study, "predict", lambda model, data, split: torch.eye(10)[told])
    found = study.what_was_learnt(SimpleNamespace(model=None), data)
    assert found["right_learnt"] == 1
    assert found["wrong_learnt"] == (says == "given")


# --- Networks with units switched off ---


@pytest.fixture
def network():
    torch.manual_seed(0)
    return mlp(1, 3, hidden=(20, 20), size=4, batch_norm=True, dropout=0.5)


@pytest.fixture
def images():
    return torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def test_only_dropout_is_switched_on(study, network):
    study.switching(network)
    for layer in network.modules():
        assert layer.training == isinstance(layer, nn.Dropout)


def test_masks_are_the_same_for_the_same_seed_and_others_draws_stay(study, network, images):
    before = torch.get_rng_state()
    first = study.answers_of_masks(network, images, 4)
    assert torch.get_rng_state().equal(before)
    assert not any(layer.training for layer in network.modules())
    assert first.equal(study.answers_of_masks(network, images, 4))
    assert not first.equal(study.answers_of_masks(network, images, 4, seed=1))
    assert not first[0].equal(first[1])
    assert torch.allclose(first.exp().sum(2), torch.ones(4, 30))


def test_each_image_has_masks_of_its_own(study, network, images):
    same = study.answers_of_masks(network, images[:1].expand(30, -1, -1, -1), 1)[0]
    assert len(same.unique(dim=0)) > 20


def test_without_dropout_all_networks_are_the_one_of_evaluation_mode(study, images):
    network = mlp(1, 3, hidden=(20,), size=4).eval()
    answers = study.answers_of_masks(network, images, 3)
    whole = network(images).log_softmax(1)
    assert all(torch.allclose(one, whole) for one in answers)
    assert torch.allclose(study.mean_of_networks(answers), whole, atol=1e-6)


def test_probabilities_are_averaged_and_not_their_logarithms(study):
    answers = torch.tensor([[[0.9, 0.1]], [[0.5, 0.5]]]).log()
    assert torch.allclose(study.mean_of_networks(answers).exp(), torch.tensor([[0.7, 0.3]]))


def test_the_noise_is_that_of_the_derivation(entry):
    for p in (0.1, 0.5, 0.9):
        sums, mean, deviation = entry.part("figures").sum_of_units(p, draws=40_000)
        assert sums.mean().item() == pytest.approx(mean, abs=0.05)
        assert sums.std().item() == pytest.approx(deviation, rel=0.02)


# --- Batch normalisation ---


def test_dropout_stands_where_the_arm_says(study):
    for name, model in study.PLACES.items():
        layers = list(model(1, 10))
        norms = [k for k, layer in enumerate(layers) if isinstance(layer, nn.BatchNorm1d)]
        active = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Dropout) and layer.p]
        assert len(norms) == (0 if name.startswith("no ") else 4)
        assert len(active) == {"inside": 3, "last": 1}.get(name.split()[-1], 0)
        if norms and name.endswith("inside"):
            assert max(active) < max(norms)
        if norms and name.endswith("last"):
            assert min(active) > max(norms)


@pytest.fixture
def shifted(study):
    """A network with dropout inside whose statistics are those of training, and its images."""
    torch.manual_seed(0)
    images = torch.rand(400, 1, 28, 28)
    network = study.normalised(1, 10, inside=0.5)
    with torch.no_grad():
        for _ in range(150):
            network(images)
    return network.eval(), images


def test_variance_is_smaller_without_noise_and_fresh_statistics_put_it_right(study, shifted):
    network, images = shifted
    ratios = study.variances(network, images)
    assert ratios[0] == pytest.approx(1, abs=0.02)  # no dropout before the first
    assert all(ratio < 0.8 for ratio in ratios[1:])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fresh = study.with_fresh_statistics(network, images)
    assert study.variances(fresh, images) == pytest.approx([1] * 4, abs=0.02)
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert not any(layer.training for layer in fresh.modules())


def test_the_control_has_nothing_to_put_right(study):
    torch.manual_seed(0)
    images = torch.rand(400, 1, 28, 28)
    network = study.normalised(1, 10, last=0.5)
    with torch.no_grad():
        for _ in range(150):
            network(images)
    assert study.variances(network.eval(), images) == pytest.approx([1] * 4, abs=0.03)


# --- The switch ---


def test_switched_on_it_has_the_papers_probability_in_any_network(switch):
    model = switch(BASELINE, None).model
    assert (model.func, model.keywords) == (small_resnet, {"dropout": 0.5})
    wide = replace(BASELINE, model=partial(mlp, hidden=(8,)))
    made = switch(wide, None).model(1, 10)
    assert [layer.p for layer in made if isinstance(layer, nn.Dropout)] == [0.5]
    assert made[2].out_features == 8
