from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tricks_lib import fit, small_resnet
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.objectives import L1Penalty, cross_entropy
from tricks_lib.optimizers import adam, adamw, sgd

# --- The study ---


def test_arms_with_sgd_differ_in_the_decay_alone(study):
    for name, recipe in study.RECIPES.items():
        if "Adam" in name or ", lr " in name:
            continue
        assert recipe.lr == study.LR and recipe.epochs == study.EPOCHS
    decays = {name: study.RECIPES[name].optimizer.keywords for name in (study.NONE, study.ALL)}
    assert decays[study.NONE] == {"weight_decay": 0.0}
    assert decays[study.ALL] == {"weight_decay": study.DECAY}


def test_no_decay_is_run_at_every_rate_of_the_search(study):
    rates = {study.RECIPES[study.without(lr)].lr for lr in study.RATES["SGD"]}
    assert rates == set(study.RATES["SGD"])


def test_the_strength_and_the_rate_of_the_arms_were_tried_in_the_search(study):
    assert study.DECAY in study.DECAYS["SGD"] and study.LR in study.RATES["SGD"]
    for way in ("Adam, L2", "AdamW"):
        assert study.ADAM_DECAY[way] in study.DECAYS[way]
        assert study.ADAM_LR[way] in study.RATES[way]
        recipe = study.RECIPES[{"Adam, L2": study.ADAM_L2, "AdamW": study.ADAMW}[way]]
        assert recipe.lr == study.ADAM_LR[way]


def test_every_strength_has_the_same_learning_rates(study):
    for (way, decay), tries in study.TRIES.items():
        assert [recipe.lr for recipe in tries.values()] == list(study.RATES[way])
        ways = {"SGD": sgd, "Adam, L2": adam, "AdamW": adamw}
        for recipe in tries.values():
            assert recipe.optimizer.func is ways[way]
            assert recipe.optimizer.keywords == {"weight_decay": decay}


def test_the_arms_under_adam_are_the_best_of_the_recorded_search(study):
    ways = {study.ADAM: "Adam, L2", study.ADAM_L2: "Adam, L2", study.ADAMW: "AdamW"}
    groups = {
        name: [
            arm
            for decay in study.DECAYS[way]
            if (decay == 0) == (name == study.ADAM)
            for arm in study.TRIES[way, decay]
        ]
        for name, way in ways.items()
    }
    best = best_tries(study.SEARCH.recorded(), groups, then="nll")
    for name, way in ways.items():
        assert best[name] == study.tried(way, *study.ADAM_CHOSEN[name])
        chosen = study.SEARCH.recipes[best[name]]
        assert study.UNDER_ADAM.recipes[name].written() == chosen.written()


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == 1000 and len(first.validation) == 2000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def decays_of(optimizer):
    return {p: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}


def test_the_parts_that_decay_make_up_the_whole(study):
    model = small_resnet(1, 10)
    every = list(model.parameters())
    free = decays_of(study.sgd_scale_free(model, 0.1, 0.3))
    others = decays_of(study.sgd_others(model, 0.1, 0.3))
    assert len(free) == len(others) == len(every)
    for parameter in every:
        assert {free[parameter], others[parameter]} == {0.0, 0.3}
    assert [p for p in every if free[p]] == [p for p in every if p.ndim == 4]


def test_the_network_does_not_feel_the_size_of_the_scale_free_weights(study):
    torch.manual_seed(0)
    model, images = small_resnet(1, 10).double(), torch.randn(8, 1, 12, 12).double()
    # What is added to the variance would be felt by weights this small.
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 1e-15
    before = model(images)
    with torch.no_grad():
        for weight in study.scale_free(model):
            weight.mul_(3.0)
    torch.testing.assert_close(model(images), before)
    with torch.no_grad():
        model.head.weight.mul_(3.0)
    assert not torch.allclose(model(images), before)


def test_held_weights_keep_their_length_and_nothing_else_does(study):
    torch.manual_seed(0)
    model = small_resnet(1, 10)
    optimizer = study.held_sgd(model, 0.1)
    before = [p.detach().clone() for p in model.parameters()]
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(16, 1, 12, 12)).square().mean().backward()
        optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        assert not torch.equal(old, new)
        if new.ndim == 4:
            assert new.norm().item() == pytest.approx(old.norm().item(), rel=1e-5)
    assert model.head.weight.norm() != before[-2].norm()


def test_the_proximal_step_follows_the_gradient_step(study):
    layer = nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, 0.004, -0.5]]))
    optimizer = study.proximal_sgd(layer, 0.1, 0.01)  # the threshold is 0.1 · 0.01 / 0.1 = 0.01
    layer.weight.grad = torch.tensor([[1.0, 0.0, 0.0]])
    layer.bias.grad = torch.zeros(1)
    bias = layer.bias.item()
    optimizer.step()
    assert layer.weight.tolist()[0] == pytest.approx([0.39, 0.0, -0.49])
    assert layer.weight[0, 1] == 0 and layer.bias.item() == bias


def test_zeros_are_counted_exactly(study, monkeypatch):
    layer = nn.Linear(4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 5e-4, -2e-3, 1.0]]))
    monkeypatch.setattr(study, "final_metrics", lambda run, data: {})
    monkeypatch.setattr(study, "evaluate", lambda *_: SimpleNamespace(accuracy=0.5))
    found = study.zeros_too(SimpleNamespace(model=layer), None)
    assert found["zeros"] == 0.25 and found["near_zero"] == 0.5


def test_the_curve_has_a_length_for_every_epoch(study):
    data = study.DATA(0).subset(train=50, test=20)
    recipe = study.recipe(0.1, study.WITHOUT)
    run = study.with_snapshots(recipe, data, seed=0, evaluate="end")
    found = study.figures(run, data)
    assert len(found[study.NORMS]) == study.EPOCHS
    convolutions = [p for p in run.model.parameters() if p.ndim == 4]
    whole = torch.cat([p.detach().flatten() for p in convolutions]).norm().item()
    assert found[study.NORMS][-1] == pytest.approx(whole, abs=1e-3)


def test_l1_arms_are_what_they_are_called(study):
    for strength in study.STRENGTHS:
        recipe = study.SPARSE.recipes[study.subgradient(strength)]
        assert recipe.objective == L1Penalty(strength)
        recipe = study.SPARSE.recipes[study.proximal(strength)]
        assert recipe.objective == cross_entropy
        assert recipe.optimizer.keywords == {"strength": strength}


def test_switched_on_it_decays(switch):
    model = nn.Linear(2, 2)
    optimizer = switch(BASELINE, None).optimizer(model, 0.1)
    assert {group["weight_decay"] for group in optimizer.param_groups} == {5e-4}


# --- The pictures and their computations ---


@pytest.mark.parametrize("penalty", ["L2", "L1"])
@pytest.mark.parametrize("strength", [0.0, 0.05, 0.3])
def test_the_minimum_of_the_valley_is_a_minimum(entry, penalty, strength):
    figures = entry.part("figures")
    best = torch.tensor(figures.valley(penalty, strength))

    def cost(w):
        loss = 0.5 * (figures.STEEP * (w[0] - 0.8) ** 2 + figures.FLAT * (w[1] - 0.8) ** 2)
        return loss + strength * (w.square().sum() / 2 if penalty == "L2" else w.abs().sum())

    for _ in range(50):
        assert cost(best) <= cost(best + 0.05 * torch.randn(2)) + 1e-9


def test_l1_puts_the_flat_weight_at_zero_and_l2_does_not(entry):
    valley = entry.part("figures").valley
    assert valley("L1", 0.08)[1] == pytest.approx(0, abs=1e-12) and valley("L1", 0.07)[1] > 0
    assert valley("L2", 100.0)[1] > 0


def test_the_dose_of_a_run_is_what_sgd_leaves_of_an_unneeded_weight(entry, study):
    figures = entry.part("figures")
    data = study.DATA(0).subset(train=100, test=10)
    recipe = study.recipe(0.1, study.WITHOUT)
    rates = fit(recipe, data, seed=0).history.lr
    assert figures.of_recipe(recipe, 100, 0.2) == pytest.approx(figures.dose(0.2, rates, 0.9))
    weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], 1.0, weight_decay=0.001)
    for _ in range(500):
        weight.grad = torch.zeros_like(weight)
        optimizer.step()
    assert -weight.log().item() == pytest.approx(figures.dose(0.001, [1.0] * 500), rel=0.01)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_weights_of_any_size_train_alike_with_rate_and_decay_scaled(entry, scale):
    figures = entry.part("figures")
    for one, other in zip(figures.scaled(1.0), figures.scaled(scale), strict=True):
        torch.testing.assert_close(one, other)


def test_adam_frees_large_gradients_from_l2_and_adamw_does_not(entry):
    follow = entry.part("figures").two_weights
    loud, quiet = follow("L2 in Adam", 0.01)[:, -1]
    assert loud > 0.6 and abs(quiet) < 0.4
    pulled = follow("AdamW", 1.0) - follow("AdamW", 0.0)
    assert abs(pulled[0, -1] - pulled[1, -1]) < 0.1


# --- The planted bug ---


def test_split_by_name_and_dimension_forgets_the_gains():
    model = small_resnet(1, 10)
    named = list(model.named_parameters())
    held = [p for _, p in named if p.ndim > 1] + [p for n, p in named if n.endswith("bias")]
    forgotten = {n for n, p in named if not any(p is one for one in held)}
    gains = {
        f"{name}.weight"
        for name, layer in model.named_modules()
        if isinstance(layer, nn.BatchNorm2d)
    }
    assert forgotten == gains
