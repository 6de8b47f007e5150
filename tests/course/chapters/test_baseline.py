import statistics
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from tricks_lib import evaluate, fit, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.standing.garments import SETTING as GARMENTS
from tricks_lib.lab.study import StudyResult


@pytest.fixture
def chance(entry):
    """What chance alone does."""
    return entry.part("chance")


def test_it_is_judged_on_validation_images_and_part_by_part(study):
    data = study.PLAN.of_seed(0)
    assert [len(split) for split in data.splits.values()] == [8000, 2000, 5000]
    short = replace(BASELINE, epochs=1, batch_size=16, model=partial(mlp, hidden=()))
    small = data.subset(train=64, test=100, validation=50)
    run = fit(short, small, device="cpu", evaluate="every epoch")
    found = study.PLAN.measure(run, small)
    assert found["validation_accuracy"] == evaluate(run.model, small, "validation").accuracy
    assert len(found["accuracy_by_part"]) == 50
    assert statistics.mean(found["accuracy_by_part"]) == pytest.approx(run.final.accuracy)


def test_the_baseline_is_that_of_the_standing_setting(study):
    for arm, recipe in study.RECIPES.items():
        assert study.PLAN.recipes[arm] == recipe == GARMENTS.plan.recipes[arm]
    assert study.PLAN.data == GARMENTS.plan.data


def test_each_seed_draws_its_images_or_ten_share_them(study):
    def images(plan, seed):
        return plan.of_seed(seed).train.images

    assert not torch.equal(images(study.OWN, 0), images(study.OWN, 1))
    assert torch.equal(images(study.SAMPLES, 10), images(study.SAMPLES, 19))
    assert not torch.equal(images(study.SAMPLES, 9), images(study.SAMPLES, 10))
    assert torch.equal(images(study.SAMPLES, 10), images(study.OWN, 1))


def test_holm_by_hand(chance):
    """0.01 <= 0.05/4, 0.013 <= 0.05/3, 0.03 > 0.05/2, and after it nothing is seen."""
    p = np.array([[0.03, 0.01, 0.04, 0.013], [0.013, 0.2, 0.3, 0.4], [0.001, 0.02, 0.02, 0.04]])
    assert chance.holm(p).tolist() == [
        [False, True, False, True],
        [False, False, False, False],
        [True, False, False, False],
    ]
    assert chance.holm(np.array([0.01, 0.02, 0.04]), level=0.05).all()


def test_chance_alone_gives_the_known_shares(chance):
    judged = chance.several_tricks([0] * 20)
    assert judged["each alone"]["a false verdict"] == pytest.approx(1 - 0.95**20, abs=0.04)
    assert judged["each alone"][chance.HELPS] == pytest.approx(1 - 0.975**20, abs=0.04)
    for way in ("Bonferroni", "Holm"):
        assert judged[way]["a false verdict"] == pytest.approx(0.05, abs=0.02)
        assert np.isnan(judged[way]["found"])
    assert chance.several_tricks([5.0])["Holm"]["found"] == 1


def test_the_error_of_the_test_images_is_told_from_that_of_the_seeds(chance):
    """Differences that vary over the seeds alone, and over the parts alone."""

    def result(gaps):
        runs = {
            "baseline": {s: {"accuracy_by_part": [0.5] * 4} for s in range(3)},
            "trick": {s: {"accuracy_by_part": (0.5 + row).tolist()} for s, row in enumerate(gaps)},
        }
        return StudyResult(
            recipes=dict.fromkeys(runs, ""),
            baseline="baseline",
            runs=runs,
            diverged={},
            provenance={},
        )

    seeds = np.array([0.0, 0.01, 0.05])
    parts = np.array([0.0, 0.02, 0.04, 0.06])
    error = chance.error_of_the_test_images(result(np.tile(seeds[:, None], 4)), "trick")
    assert error == pytest.approx((100 * stats.sem(seeds), 0), abs=1e-9)
    error = chance.error_of_the_test_images(result(np.tile(parts, (3, 1))), "trick")
    assert error == pytest.approx((0, 100 * stats.sem(parts)), abs=1e-9)


@pytest.mark.parametrize(
    ("words", "seeds"),
    [([True], 2), ([False, False], 2), ([True, False, True, True], 4), ([True, True, False], 4)],
)
def test_when_an_answer_is_settled(chance, words, seeds):
    assert chance.settled(words) == seeds


def test_pairs_are_looked_for_in_all_records(chance):
    found = chance.together(least=10)
    assert any(one.study == "baseline" and one.arm == "half the learning rate" for one in found)
    for one in found:
        assert one.seeds >= 10
        assert -1 <= one.correlation <= 1
        # Where both arms spread alike, the paired width is the root of 1 - correlation.
        assert one.width**2 <= 1 + abs(one.correlation) + 1e-9
