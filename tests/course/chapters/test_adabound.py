from dataclasses import replace

import pytest
import torch

from tricks_lib.course.baseline import BASELINE


def test_every_optimizer_has_the_same_tries(study):
    assert {len(group) for group in study.GROUPS.values()} == {12}
    assert study.PLAN.tuning is study.SEARCH and study.SEARCH.on == "validation"
    assert set(study.SEARCH.seed_list).isdisjoint(study.PLAN.seed_list + study.AGAIN.seed_list)


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == 2000 and not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_the_controls_differ_from_the_tuned_arm_in_their_speed_alone(study):
    tuned = study.TUNED["AdaBound, tuned"]
    for arm in (study.NEVER, study.AT_ONCE):
        other = study.PLAN.recipes[arm]
        assert replace(other, optimizer=tuned.optimizer) == tuned
        settings = other.optimizer.keywords
        assert settings.items() ^ tuned.optimizer.keywords.items() == {
            ("gamma", settings["gamma"]),
            ("gamma", tuned.optimizer.keywords["gamma"]),
        }


def test_the_learning_rates_on_the_way_lie_where_the_bounds_say(entry, study):
    figures = entry.part("figures")
    data = study.DATA(0).subset(train=320)
    open_, closed = (figures.rates_on_the_way(data, [5], gamma=gamma)[5] for gamma in (1e-12, 1e12))
    assert figures.clipped(open_) == (0, 0)
    assert sum(figures.clipped(closed)) == pytest.approx(1)
    assert closed[1].allclose(torch.tensor(0.1)) and closed[2].allclose(torch.tensor(0.1))


def test_switched_on_it_ends_as_the_sgd_of_the_recipe(switch):
    switched = switch(replace(BASELINE, lr=0.05), None)
    (group,) = switched.optimizer(torch.nn.Linear(1, 1), switched.lr).param_groups
    assert group["final_lr"] * (1 - group["betas"][0]) == pytest.approx(0.05)
