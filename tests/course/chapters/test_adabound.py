from dataclasses import replace

import pytest
import torch

from tricks_lib.course.baseline import BASELINE


def test_every_optimizer_has_the_same_tries(study):
    assert {len(group) for group in study.GROUPS.values()} == {8}
    assert study.PLAN.tuning is study.TUNING and study.PLAN.ties is study.TIES
    prints = {plan.of_seed(0).fingerprint() for plan in (study.PLAN, study.TUNING, study.TIES)}
    assert len(prints) == 1


def test_switched_on_it_ends_as_the_sgd_of_the_recipe(switch):
    switched = switch(replace(BASELINE, lr=0.05), None)
    (group,) = switched.optimizer(torch.nn.Linear(1, 1), switched.lr).param_groups
    assert group["final_lr"] * (1 - group["betas"][0]) == pytest.approx(0.05)
