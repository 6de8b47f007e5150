from dataclasses import replace

import pytest

from tricks_lib import Metrics
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.train import History, Run


def test_the_spike_is_looked_for_before_and_after(study):
    loss = [3.0, 9.0, 2.0, 1.0, 7.0, 1.0, 0.5, 0.25, 0.125]  # 3 steps an epoch
    history = History(loss=loss, steps_per_epoch=3)
    run = Run(replace(BASELINE, epochs=3), 0, None, history, 1.0, Metrics(0.5, 1.0, 0.1))
    figures = study.PLAN.measure(run, None)
    assert (figures["peak_loss_during"], figures["peak_loss_after"]) == (9.0, 7.0)
    assert figures["train_loss"] == pytest.approx((0.5 + 0.25 + 0.125) / 3)
    assert figures["loss"] == loss


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


@pytest.mark.parametrize("epochs", [1, 10])
def test_switched_on_it_takes_a_tenth_and_decays_to_the_end(switch, epochs):
    schedule = switch(replace(BASELINE, epochs=epochs), None).schedule
    assert schedule(0) == 0
    assert schedule(0.1 * epochs) == pytest.approx(1)
    assert schedule(0.55 * epochs) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)
