from dataclasses import replace

import pytest
import torch

from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.chapters.adabound import switch
from tricks_lib.course.chapters.adabound.study import GROUPS, PLAN, TIES, TUNING


def test_every_optimizer_has_the_same_tries():
    assert {len(group) for group in GROUPS.values()} == {8}
    assert PLAN.tuning is TUNING and PLAN.ties is TIES
    prints = {plan.of_seed(0).fingerprint() for plan in (PLAN, TUNING, TIES)}
    assert len(prints) == 1


def test_switched_on_it_ends_as_the_sgd_of_the_recipe():
    switched = switch(replace(BASELINE, lr=0.05), None)
    (group,) = switched.optimizer(torch.nn.Linear(1, 1), switched.lr).param_groups
    assert group["final_lr"] * (1 - group["betas"][0]) == pytest.approx(0.05)
