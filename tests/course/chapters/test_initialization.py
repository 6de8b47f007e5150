import math
from functools import partial

import pytest
import torch
from torch import nn

from tricks_lib import Recipe, fit, he_, mlp, xavier_
from tricks_lib.course.baseline import BASELINE
from tricks_lib.models import initialized
from tricks_lib.ops.written import same


@pytest.fixture
def networks(entry):
    """The chapter's file `networks.py`."""
    return entry.part("networks")


@pytest.fixture
def figures(entry):
    """The chapter's file `figures.py`."""
    return entry.part("figures")


def test_switched_on_it_draws_hes_weights(switch):
    model = switch(BASELINE, None).model
    assert same(model, partial(initialized, build=BASELINE.model, init=he_))


def test_every_way_has_as_many_learning_rates_to_choose_from(study):
    counts = {len(study.rates(name)) for name in (*study.WAYS, *study.DEEPER, *study.TANH)}
    assert counts == {7}
    for plan, names in (
        (study.SEARCH, study.WAYS),
        (study.BY_DEPTH, study.DEEPER),
        (study.WITH_TANH, study.TANH),
        (study.WITH_BLOCKS, study.RESIDUALS),
    ):
        assert list(plan.recipes) == [
            study.tried(name, lr) for name in names for lr in study.rates(name)
        ]


def test_the_chosen_learning_rates_are_the_best_of_the_recorded_search(study):
    found = study.best_rates(study.SEARCH.recorded(), study.WAYS, "accuracy")
    assert found == study.CHOSEN


def test_a_way_that_gets_nowhere_takes_the_middle_and_one_that_diverges_is_out(study):
    class Grid:
        def __init__(self, name, means):
            self.means = {
                study.tried(name, lr): mean
                for lr, mean in zip(study.rates(name), means, strict=True)
            }
            self.runs = dict.fromkeys(self.means, (0, 1))

        def values(self, arm, metric):
            return {0: 0.9} if self.means[arm] is None else {0: self.means[arm]} | {1: 0.1}

        def mean(self, arm, metric):
            return self.means[arm]

    none = Grid(study.HE, [0.1] * 7)
    assert study.best_rates(none, [study.HE], "accuracy") == {study.HE: 0.01}
    some = Grid(study.HE, [0.1, 0.5, 0.6, 0.4, None, None, 0.2])
    assert study.best_rates(some, [study.HE], "accuracy") == {study.HE: 0.003}


def test_arms_differ_in_what_they_are_called(study):
    base = study.recipe(0.01)
    for name, recipe in study.PLAN.recipes.items():
        shared = (recipe.batch_size, recipe.augment, recipe.mix, recipe.objective)
        assert shared == (base.batch_size, base.augment, base.mix, base.objective)
        assert recipe.epochs == (30 if name == study.LONG else 10)
        assert (recipe.optimizer is not base.optimizer) == (name == study.ADAM)
    assert study.PLAN.recipes[study.WARM].schedule(0) == 0
    assert study.PLAN.recipes[study.HE].schedule(0) == 1


def weights(study, name):
    torch.manual_seed(0)
    how = study.WAYS[name]
    layers = [one for one in how["model"](1, 10).modules() if isinstance(one, nn.Linear)]
    return torch.cat([layer.weight.detach().flatten() for layer in layers[1:-1]])


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("DEFAULT", 300**-0.5),
        ("XAVIER", 100**-0.5),
        ("HE", 50**-0.5),
        ("DEFAULT_UP", 50**-0.5),
        ("HE_DOWN", 300**-0.5),
        ("HALF", 0.5 * 50**-0.5),
        ("DOUBLE", 2 * 50**-0.5),
    ],
)
def test_first_weights_have_the_deviation_of_their_name(study, name, deviation):
    drawn = weights(study, getattr(study, name))
    assert drawn.std().item() == pytest.approx(deviation, rel=0.01)


def test_each_control_has_the_scale_of_the_one_and_the_shape_of_the_other(study):
    up, down = weights(study, study.DEFAULT_UP), weights(study, study.HE_DOWN)
    assert up.abs().max() < math.sqrt(6 / 100) * 1.001  # uniform
    assert down.abs().max() > 3.5 * down.std()  # normal
    torch.manual_seed(0)
    scaled = study.WAYS[study.DEFAULT_UP]["model"](1, 10)
    torch.manual_seed(0)
    default = study.WAYS[study.DEFAULT]["model"](1, 10)
    for one, other in zip(scaled.modules(), default.modules(), strict=True):
        if isinstance(one, nn.Linear):
            assert torch.equal(one.bias, other.bias)
            torch.testing.assert_close(one.weight, math.sqrt(6) * other.weight)


def test_deep_networks_are_what_they_are_called(networks):
    def count(network, kind):
        return sum(isinstance(layer, kind) for layer in network.modules())

    plain = networks.deep_mlp(1, 10, depth=7)
    assert count(plain, nn.Linear) == 8
    assert count(networks.deep_mlp(1, 10, depth=7, tanh=True), nn.Tanh) == 7
    assert count(networks.deep_mlp(1, 10, depth=7, batch_norm=True), nn.BatchNorm1d) == 7
    joined = networks.deep_mlp(1, 10, depth=7, shortcuts=True)
    assert count(joined, nn.Linear) == 8 and len(joined.blocks) == 3
    with pytest.raises(ValueError, match="expected an odd depth"):
        networks.deep_mlp(1, 10, depth=6, shortcuts=True)


def test_a_block_with_zero_weights_is_its_shortcut(networks):
    joined = networks.deep_mlp(1, 10, depth=3, shortcuts=True)
    networks.zeros_(joined.blocks[0])
    images = torch.randn(2, 1, 28, 28)
    torch.testing.assert_close(joined(images), joined.head(joined.stem(images)))


def test_zeros_teach_the_last_bias_alone(networks):
    network = networks.deep_mlp(1, 3, depth=3, init=networks.zeros_)
    loss = nn.functional.cross_entropy(network(torch.randn(5, 1, 28, 28)), torch.arange(5) % 3)
    loss.backward()
    *others, last = network.parameters()
    assert last.grad.any() and not any(other.grad.any() for other in others)


@pytest.mark.parametrize(("init", "variance"), [(he_, 2 / 400), (xavier_, 1 / 400)])
def test_a_layer_multiplies_the_mean_square_as_the_formula_says(figures, init, variance):
    torch.manual_seed(0)
    sums = torch.randn(2000, 400)
    after = init(nn.Linear(400, 400))(sums.relu())
    found = (after.square().mean() / sums.square().mean()).item()
    assert figures.per_layer(variance, 400) == pytest.approx(found, rel=0.03)
    assert figures.left_after(4, 1 / 6) == pytest.approx(1 / 36)


def test_signals_are_measured_forward_and_back(figures):
    torch.manual_seed(0)
    network = mlp(1, 10, hidden=(30, 20))
    forward, back = figures.signals(network)
    images, labels = figures.batch()
    hidden = network[:4](images).detach()  # after the first ReLU
    assert forward[0] == pytest.approx(hidden.var(0).mean().sqrt().item(), rel=1e-5)
    hidden.requires_grad_()
    loss = nn.functional.cross_entropy(network[4:](hidden), labels, reduction="sum")
    loss.backward()
    assert back[0] == pytest.approx(hidden.grad.square().mean().sqrt().item(), rel=1e-5)
    assert len(forward) == len(back) == 2


def test_signals_of_blocks_lead_to_the_networks_own_answer(figures, networks):
    joined = networks.deep_mlp(1, 10, depth=5, shortcuts=True)
    images, _ = figures.batch()
    found, logits = figures.outputs(joined, images)
    assert len(found) == 3
    torch.testing.assert_close(logits, joined(images))


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert (len(first.train), len(first.validation)) == (2000, 1000)
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_both_splits_are_kept(study):
    data = study.DATA(0).subset(train=200, test=100)
    run = fit(Recipe(epochs=1, model=partial(mlp, hidden=(8,))), data, evaluate="end")
    found = study.with_validation(run, data)
    assert found["accuracy"] == run.final.accuracy
    assert {"validation_accuracy", "validation_nll", "train_loss"} <= set(found)
