import time
from dataclasses import replace

import pytest
import torch

from tricks_lib import EarlyStopping, Mixup
from tricks_lib.lab.steps import Training
from tricks_lib.practice import estimate
from tricks_lib.practice.defaults import baseline
from tricks_lib.practice.estimate import images_looked_at, run_seconds, side_by_side, study_seconds


class Clock:
    """A clock that only the training moves: a second for a step, and more for the first."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Steps of a second, the first of a hundred; an image is looked at in a hundredth."""
    clock = Clock()
    update, evaluate = Training.update, estimate.evaluate

    def step(training, images, targets):
        clock.now += 1 if getattr(training, "warm", False) else 100
        training.warm = True
        return update(training, images, targets)

    def look(model, data, *rest):
        clock.now += 0.01 * len(data.test)
        return evaluate(model, data, *rest)

    monkeypatch.setattr(Training, "update", step)
    monkeypatch.setattr(estimate, "evaluate", look)
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def test_a_run_is_its_steps_and_its_evaluation(toy, clock):
    data = toy().hold_out(14)
    recipe = baseline(data, epochs=3, batch_size=5)  # 10 steps of an epoch
    arms = {"baseline": recipe, "larger": replace(recipe, batch_size=25, mix=Mixup())}
    found = run_seconds(arms, data, device="cpu", images=200)
    assert found == {"baseline": pytest.approx(30 + 2), "larger": pytest.approx(6 + 2)}


def test_early_stopping_looks_at_the_validation_images_after_every_epoch(toy, clock):
    data = toy().hold_out(14)
    recipe = replace(baseline(data, epochs=3, batch_size=5), stop=EarlyStopping())
    found = run_seconds({"stops": recipe}, data, device="cpu", images=200)
    assert found["stops"] == pytest.approx(30 + 2 + 3 * 0.14)


def test_steps_that_are_timed_teach_nothing_and_do_not_diverge(toy):
    data = toy().hold_out(14)
    recipe = replace(baseline(data), lr=1e30)
    state = torch.get_rng_state()
    assert run_seconds({"wild": recipe}, data, device="cpu", images=1)["wild"] > 0
    assert torch.equal(torch.get_rng_state(), state)


def test_images_that_a_run_looks_at(toy):
    data = toy(train=64, test=40)
    assert images_looked_at(data) == 80 + 64
    assert images_looked_at(data.hold_out(14)) == 80 + 50 + 14
    assert images_looked_at(toy(train=12_000, test=40)) == 80 + 10_000


CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("runs", "workers", "threads", "cores", "times"),
    [(10, 1, 1, 8, 1), (10, 4, 1, 8, 4), (10, 4, 1, 2, 2), (10, 4, 4, 8, 2), (3, 4, 1, 8, 3)],
)
def test_runs_side_by_side_are_no_more_than_cores(
    monkeypatch, runs, workers, threads, cores, times
):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert side_by_side(runs, workers, threads, CPU) == times


def test_only_what_is_missing_counts():
    one_run = {"baseline": 10.0, "mixup": 20.0}
    assert study_seconds(one_run, {"baseline": 0, "mixup": 3}, device="cpu") == 60
    assert study_seconds(one_run, {"baseline": 0, "mixup": 0}, workers=4, device="cpu") == 0
