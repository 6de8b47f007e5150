from dataclasses import replace
from functools import partial

import pytest
import torch

from tricks_lib import linear_scaling, mlp, sqrt_scaling
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.train import fit

SMALL = replace(BASELINE, epochs=2, model=partial(mlp, size=8))


def test_all_batch_sizes_see_the_same_images(study):
    for name, recipe in study.PLAN.recipes.items():
        assert study.IMAGES % recipe.batch_size == 0
        assert name.startswith(f"{recipe.batch_size}, lr {recipe.lr:g}")
        longer = next((n for n in study.LONGER if f"{n} epochs" in name), study.EPOCHS)
        assert recipe.epochs == longer
        assert recipe.schedule(1) == 1 and recipe.schedule(longer) == pytest.approx(0)


def test_warmup_rises_from_the_small_batchs_learning_rate(study):
    for name, recipe in study.PLAN.recipes.items():
        start = recipe.lr * recipe.schedule(0)
        expected = recipe.lr * (32 / recipe.batch_size if "warmup" in name else 1)
        assert start == pytest.approx(expected)


@pytest.mark.parametrize("batch_size", [128, 512, 2048])
def test_the_grid_has_every_answer_of_every_rule(study, batch_size):
    for base in study.BASES:
        for rule, scale in (("linear", linear_scaling), ("square root", sqrt_scaling)):
            lr = study.GRID[study.named(rule, base, batch_size)].lr
            assert lr == pytest.approx(scale(base, batch_size, study.REFERENCE))
        assert study.GRID[study.named("kept", base, batch_size)].lr == base


def test_an_answer_outside_the_grid_is_refused(study):
    with pytest.raises(KeyError, match="the grid has no '64"):
        study.named("square root", 0.02, 64)


def test_a_longer_run_makes_as_many_steps_as_a_smaller_batch(study):
    steps = {epochs: epochs * study.IMAGES // study.LARGE for epochs in study.LONGER}
    assert steps == {24: study.IMAGES // 128 * study.EPOCHS, 96: study.IMAGES // 32 * study.EPOCHS}


def test_what_is_declared_won_the_search(study):
    searched = study.SEARCH.recorded()
    best = best_tries(searched, study.TRIES, then="nll")
    assert best == {"32": study.arm(32, study.BASE), "512": study.BEST}


def test_the_best_learning_rate_is_chosen_on_validation_images(study):
    recorded = study.PLAN.recorded()
    for size in study.DOUBLINGS:
        means = {
            lr: recorded.mean(study.arm(size, lr), "validation_accuracy") for lr in study.grid(size)
        }
        assert study.best(recorded, size) == study.arm(size, max(means, key=means.get))


def test_about_as_good_is_read_on_validation_images_too(study):
    recorded = study.PLAN.recorded()
    top = recorded.mean(study.best(recorded, 512), "validation_accuracy")
    good = study.as_good(recorded, 512)
    for lr in study.grid(512):
        behind = top - recorded.mean(study.arm(512, lr), "validation_accuracy")
        assert (behind <= 0.005) == (lr in good)


def test_half_and_twice_the_base_were_recorded_again(study):
    assert [lr / study.BASE for lr in study.NEAR] == [0.5, 2]
    for base in study.NEAR:
        for factor in (4, 16):
            assert study.arm(512, factor * base, warmup=True) in study.AGAIN.recipes


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == study.IMAGES and len(first.splits["validation"]) == 2000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_a_run_is_measured_on_both_splits_and_with_fresh_averages(study, toy):
    data = toy().hold_out(10)
    run = fit(replace(SMALL, batch_size=10), data, seed=0, device="cpu", evaluate="end")
    figures = study.PLAN.measure(run, data)
    # Without batch normalisation nothing lags behind.
    for name in ("accuracy", "nll", "validation_accuracy", "validation_nll"):
        assert figures[f"{name}_fresh"] == figures[name]
    assert figures["accuracy"] == run.final.accuracy
    assert sum(figures["loss"]) / len(figures["loss"]) == pytest.approx(
        sum(run.history.loss) / len(run.history.loss), rel=0.01
    )


def test_the_loss_curve_has_a_point_for_each_24th_of_the_run(study, toy):
    data = toy().hold_out(10)
    run = fit(replace(SMALL, batch_size=10), data, seed=0, device="cpu", evaluate="end")
    run.history.loss[:] = [float(n // 4) for n in range(96)]
    assert study.PLAN.measure(run, data)["loss"] == [float(n) for n in range(24)]


def test_gradients_by_image_average_to_that_of_the_batch(entry):
    figures = entry.part("figures")
    torch.manual_seed(0)
    model = mlp(1, 10, hidden=(5,), size=4)
    images, labels = torch.randn(6, 1, 4, 4), torch.randint(10, (6,))
    rows = figures.gradients_by_image(model, images, labels)
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    whole = torch.cat([weights.grad.flatten() for weights in model.parameters()])
    torch.testing.assert_close(rows.mean(dim=0), whole)


def test_a_batch_of_all_images_has_no_noise(entry):
    figures = entry.part("figures")
    rows, generator = torch.randn(20, 3), torch.Generator().manual_seed(0)
    assert figures.squared_distance(rows, 20, generator) == pytest.approx(0, abs=1e-10)
    assert figures.squared_distance(rows, 2, generator) > 0.1


def test_switched_on_batch_and_rate_grow_together(switch):
    switched = switch(BASELINE, None)
    assert switched.batch_size / BASELINE.batch_size == switched.lr / BASELINE.lr == 4
