from dataclasses import replace
from functools import partial

import pytest

from tricks_lib import cosine_decay, cosine_restarts, evaluate, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.ensemble import Ensemble

SMALL = replace(BASELINE, epochs=3, batch_size=16, model=partial(mlp, hidden=(), size=8))
HOW = {"seed": 0, "device": "cpu", "evaluate": "every epoch"}


def test_every_shape_has_the_same_tries(study):
    assert {len(group) for group in study.GROUPS.values()} == {6}
    assert study.PLAN.tuning is study.TUNING and study.PLAN.ties is study.TIES
    prints = {plan.of_seed(0).fingerprint() for plan in (study.PLAN, study.TUNING, study.TIES)}
    assert len(prints) == 1


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
    assert study.ends_of_periods(study.recipe(15, 0.1, schedule)) == ends


def test_an_ensemble_of_one_is_the_network(study, toy):
    figures = study.PLAN.measure(study.with_snapshots(SMALL, toy(), **HOW), toy())
    assert figures["ensemble_accuracy"] == figures["accuracy"]
    assert figures["ensemble_nll"] == pytest.approx(figures["nll"], rel=1e-6)
    assert len(figures["accuracy_by_epoch"]) == 3


def test_an_ensemble_has_a_network_of_each_period(study, toy):
    run = study.with_snapshots(replace(SMALL, schedule=cosine_restarts(1)), toy(), **HOW)
    assert list(run.snapshots) == [1, 2, 3]
    together = evaluate(Ensemble(*run.snapshots.values()), toy())
    assert study.PLAN.measure(run, toy())["ensemble_nll"] == together.nll


@pytest.mark.parametrize("epochs", [1, 10])
def test_switched_on_the_cosine_ends_with_the_training(switch, epochs):
    schedule = switch(replace(BASELINE, epochs=epochs), None).schedule
    assert schedule(0) == 1
    assert schedule(epochs / 2) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)
