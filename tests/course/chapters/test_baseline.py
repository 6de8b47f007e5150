from dataclasses import replace
from functools import partial

from tricks_lib import evaluate, fit, mlp
from tricks_lib.course.baseline import BASELINE


def test_it_is_judged_on_validation_images_too(study):
    data = study.PLAN.of_seed(0)
    assert [len(split) for split in data.splits.values()] == [8000, 2000, 5000]
    assert study.PLAN.of_seed(0) is data  # loaded once, though each run asks for it
    short = replace(BASELINE, epochs=1, batch_size=16, model=partial(mlp, hidden=()))
    small = data.subset(train=64, test=50, validation=50)
    run = fit(short, small, device="cpu", evaluate="every epoch")
    expected = evaluate(run.model, small, "validation").accuracy
    assert study.PLAN.measure(run, small)["validation_accuracy"] == expected
