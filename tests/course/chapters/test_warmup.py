from dataclasses import replace
from itertools import combinations

import pytest

from tricks_lib import Metrics, fit, load_data
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.landscape import largest_curvature
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.train import History, Run


def test_the_spike_is_looked_for_before_and_after(study, monkeypatch):
    monkeypatch.setattr(study, "with_statistics_afresh", lambda run, data: 0.625)
    loss = [3.0, 9.0, 2.0, 1.0, 7.0, 1.0, 0.5, 0.25, 0.125]  # 3 steps an epoch
    history = History(loss=loss, steps_per_epoch=3)
    run = Run(replace(BASELINE, epochs=3), 0, None, history, 1.0, Metrics(0.5, 1.0, 0.1))
    figures = study.PLAN.measure(run, None)
    assert (figures["peak_loss_during"], figures["peak_loss_after"]) == (9.0, 7.0)
    assert figures["train_loss"] == pytest.approx((0.5 + 0.25 + 0.125) / 3)
    assert figures["loss"] == loss
    assert figures["accuracy_afresh"] == 0.625


def test_statistics_afresh_belong_to_the_last_weights(study):
    """What was kept of them does not matter, and the weights stay."""
    data = load_data("fashion-mini").subset(train=256, test=200)
    run = fit(replace(BASELINE, epochs=1), data)
    found = study.with_statistics_afresh(run, data)
    norms = [part for part in run.model.modules() if hasattr(part, "running_mean")]
    for norm in norms:
        norm.running_mean += 100.0
    assert norms and evaluate(run.model, data).accuracy != found
    assert study.with_statistics_afresh(run, data) == found
    assert not run.model.training


def test_what_goyal_compared_is_compared(study):
    recipes = study.PLAN.recipes
    small, large = recipes["small batches"], recipes["no warmup"]
    assert large.batch_size / small.batch_size == large.lr / small.lr == 16
    assert {recipe.epochs for recipe in recipes.values()} == {4}
    for arm in ("constant warmup", "gradual warmup"):
        assert replace(recipes[arm], schedule=large.schedule) == large
        schedule = recipes[arm].schedule
        assert large.lr * schedule(0) == pytest.approx(small.lr)
        for time in (1, 1.5, 2.7, 3.9):  # the first epoch of four is all that differs
            assert schedule(time) == large.schedule(time)
    assert large.schedule(0.5) == 1
    assert recipes["constant warmup"].schedule(0.99) == 1 / 16
    assert recipes["gradual warmup"].schedule(0.5) == pytest.approx((1 / 16 + 1) / 2)


def test_the_rival_has_the_same_sum_of_learning_rates_and_no_other_arm_has(study):
    """Added up as the optimizer takes them, in the order of the steps."""
    data = study.DATA(0)
    history = fit(study.EQUAL_SUM, data.subset(train=256, test=10)).history  # 2 steps an epoch
    assert sum(history.lr) == pytest.approx(study.sum_of_learning_rates(study.EQUAL_SUM, 256))
    sums = {arm: study.sum_of_learning_rates(recipe) for arm, recipe in study.PLAN.recipes.items()}
    assert sums[study.EQUAL] == pytest.approx(sums[study.WARM], rel=1e-3)
    large = [arm for arm in sums if arm not in ("small batches", study.EQUAL)]
    for one, other in combinations(large, 2):
        assert abs(sums[one] - sums[other]) > 1


def test_each_seed_draws_its_own_images_and_the_test_images_are_shared(study):
    one, other = study.DATA(0), study.DATA(1)
    assert len(one.train) == len(other.train) == study.IMAGES
    assert not one.train.images.equal(other.train.images)
    assert one.test.images.equal(other.test.images)


def test_the_curvature_is_that_of_the_network_before_the_step(study, monkeypatch):
    monkeypatch.setattr(study, "LOOKS", (0, 2, 15))
    data = study.DATA(3)
    seen = []

    def watched(model, loss):
        seen.append(loss.item())
        return largest_curvature(model, loss, tolerance=0.5) if len(seen) == 1 else 10.0 * len(seen)

    monkeypatch.setattr(study, "largest_curvature", watched)
    recipe = study.CURVATURE.recipes[study.HELD]
    run = fit(recipe, data, seed=3)
    figures = study.curvature_on_the_way(run, data)
    assert figures["curvature"] == [figures["curvature_at_first"], 20.0, 30.0]
    assert figures["curvature_at_first"] > 0
    assert figures["curvature_when_over"] == 30.0
    assert seen[0] > seen[2], "the network was trained between the looks"
    assert run.history.lr[14] < run.history.lr[15], "step 15 is the first after the warmup"


def test_the_curvature_is_measured_on_the_way_of_the_study(study):
    """The same learning rates in the first two epochs as in the four of the study."""
    assert study.LOOKS[0] == 0 and 15 in study.LOOKS
    for arm, recipe in study.CURVATURE.recipes.items():
        assert replace(recipe, epochs=4) == study.PLAN.recipes[arm]


@pytest.mark.parametrize("epochs", [1, 10])
def test_switched_on_it_takes_a_tenth_and_decays_to_the_end(switch, epochs):
    schedule = switch(replace(BASELINE, epochs=epochs), None).schedule
    assert schedule(0) == 0
    assert schedule(0.1 * epochs) == pytest.approx(1)
    assert schedule(0.55 * epochs) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)
