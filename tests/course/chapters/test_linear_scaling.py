from dataclasses import replace

import pytest

from tricks_lib import Metrics
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.train import History, Run


def test_large_batches_see_the_same_images(study):
    assert len(study.PLAN.of_seed(0).train) == study.IMAGES
    for name, recipe in study.PLAN.recipes.items():
        assert study.IMAGES % recipe.batch_size == 0
        assert recipe.batch_size == int(name.split(",")[0])
        assert recipe.epochs == (24 if "24 epochs" in name else 6)
        assert recipe.schedule(1) == 1
        k = recipe.batch_size / 32
        base = 0.02 * (4 if "x 4" in name else 0.25 if "/ 4" in name else 1)
        rule = {"rate kept": 1, "square root": k**0.5}.get(name.partition(", ")[2], k)
        assert recipe.lr == pytest.approx(base * rule)
        start = base / recipe.lr if "warmup" in name else 1
        assert recipe.schedule(0) == pytest.approx(start)


@pytest.mark.parametrize(
    ("batch_size", "curve"),
    [(128, [3.0, 0.75]), (1024, [4.0, 2.0, 3.0, 3.0, 1.0, 1.0, 1.0, 0.0])],
)
def test_the_loss_curve_counts_images(study, batch_size, curve):
    loss = [4.0, 2.0, 3.0, 3.0, 1.0, 1.0, 1.0, 0.0]
    history = History(loss=loss, steps_per_epoch=len(loss))
    recipe = replace(BASELINE, epochs=1, batch_size=batch_size)
    run = Run(recipe, 0, None, history, 1.0, Metrics(0.5, 1.0, 0.1))
    assert study.PLAN.measure(run, None)["loss"] == curve


def test_switched_on_batch_and_rate_grow_together(switch):
    switched = switch(BASELINE, None)
    assert switched.batch_size / BASELINE.batch_size == switched.lr / BASELINE.lr == 4
