from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tricks_lib import cosine_decay, cosine_restarts, evaluate, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.ensemble import Ensemble, average_weights

SMALL = replace(BASELINE, epochs=3, batch_size=16, model=partial(mlp, hidden=(), size=8))
HOW = {"seed": 0, "device": "cpu", "evaluate": "end"}


def test_no_shape_has_fewer_tries_than_another_but_the_rival_has_more(study):
    assert {shape: len(tries) for shape, tries in study.TRIES.items()} == {
        shape: 7 if shape == "constant" else 5 for shape in study.SHAPES
    }
    assert sum(map(len, study.TRIES.values())) == len(study.SEARCH.recipes)


def test_what_goes_on_is_what_won_the_search(study):
    best = best_tries(study.SEARCH.recorded(), study.TRIES, then="nll")
    assert best == {shape: study.tried(shape, lr) for shape, lr in study.CHOSEN.items()}


def test_the_averaged_weights_have_a_search_of_their_own(study):
    result = study.SEARCH.recorded()
    tries = list(study.TRIES["constant"])
    for name in tries:
        result = result.with_derived(f"{name}, averaged", name, study.AVERAGED)
    best = best_tries(result, {"averaged": [f"{name}, averaged" for name in tries]}, then="nll")
    assert best == {"averaged": f"{study.tried('constant', study.AVERAGED_LR)}, averaged"}


def test_arms_are_what_they_are_called(study):
    recipes = study.PLAN.recipes
    assert {recipe.epochs for recipe in recipes.values()} == {study.EPOCHS}
    for shape, lr in study.CHOSEN.items():
        recipe = recipes[study.arm(shape)]
        assert recipe.lr == lr and recipe.schedule == study.schedule(shape, study.EPOCHS)
    assert recipes[study.NOISY].schedule == study.constant()
    assert recipes[study.NOISY].lr == study.AVERAGED_LR


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_a_shape_that_falls_ends_with_the_run(study, shape):
    schedule = study.schedule(shape, 15)
    assert schedule(0) == 1 and schedule(15) == pytest.approx(0, abs=1e-12)
    assert schedule(7.5) == pytest.approx(0.5)


def test_the_steps_are_those_of_the_papers(study):
    tenths = study.schedule(study.TENTHS, 15)
    assert [tenths(time) for time in (0, 7.4, 7.5, 11.25)] == pytest.approx([1, 1, 0.1, 0.01])
    fifths = study.schedule(study.FIFTHS, 200)
    assert [fifths(time) for time in (59, 60, 120, 160)] == pytest.approx([1, 0.2, 0.04, 0.008])


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == 1200 and not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        (cosine_decay(15), [15]),
        (cosine_restarts(5), [5, 10, 15]),
        (cosine_restarts(1, 2), [1, 3, 7, 15]),
        (cosine_restarts(4), [4, 8, 12]),
    ],
    ids=repr,
)
def test_snapshots_are_taken_where_the_rate_is_lowest(study, schedule, ends):
    recipe = replace(study.recipe("cosine", 15, 0.1), schedule=schedule)
    assert study.ends_of_periods(recipe) == ends


def test_an_ensemble_has_a_network_of_each_period(study, toy):
    run = study.with_snapshots(replace(SMALL, schedule=cosine_restarts(1)), toy(), **HOW)
    together = evaluate(Ensemble(*run.snapshots.values()), toy())
    assert study.PLAN.measure(run, toy())["nll_ensemble"] == together.nll


def test_only_a_constant_learning_rate_is_averaged_and_over_the_second_half(study, toy):
    falls = study.with_snapshots(replace(SMALL, schedule=cosine_decay(3)), toy(), **HOW)
    assert "accuracy_averaged" not in study.PLAN.measure(falls, toy())
    run = study.with_snapshots(replace(SMALL, schedule=study.constant()), toy(), **HOW)
    late = evaluate(average_weights([run.snapshots[2], run.snapshots[3]], toy()), toy())
    assert study.PLAN.measure(run, toy())["nll_averaged"] == late.nll


def test_a_run_is_followed_epoch_by_epoch(study, toy):
    run = study.with_snapshots(SMALL, toy(), **HOW)
    curve = study.PLAN.measure(run, toy())["accuracy_by_epoch"]
    assert len(curve) == 3 and curve[-1] == pytest.approx(run.final.accuracy, abs=1e-5)


@pytest.mark.parametrize("epochs", [1, 10])
def test_switched_on_the_cosine_ends_with_the_training(switch, epochs):
    schedule = switch(replace(BASELINE, epochs=epochs), None).schedule
    assert schedule(0) == 1
    assert schedule(epochs / 2) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.5])
def test_the_noisy_parabola_ends_at_its_floor(entry, rate):
    figures = entry.part("figures")
    path = figures.noisy_parabola([rate] * 300, weights=4000)
    assert path.shape == (301, 4000)
    assert np.square(path[-1]).mean() == pytest.approx(figures.floor(rate), rel=0.1)
