"""What every stopping rule promises. A new one is added to RULES, and nowhere else."""

import pickle

import pytest

from tricks_lib import EarlyStopping, GeneralizationLoss, Recipe, never, stopping

RULES = [
    never,
    EarlyStopping(),
    EarlyStopping(patience=2, min_delta=0.01),
    GeneralizationLoss(),
    GeneralizationLoss(percent=50.0),
]

every = pytest.mark.parametrize("rule", RULES, ids=repr)


def test_list_is_complete(assert_complete):
    assert_complete(stopping, RULES)
    assert Recipe().stop in RULES


@every
def test_it_goes_on_while_the_loss_falls(rule):
    losses = [2.0 - 0.05 * epoch for epoch in range(30)]
    assert [rule(losses[:epoch]) for epoch in range(31)] == [False] * 31


@every
def test_it_stops_when_the_loss_only_grows(rule):
    losses = [1.0 + 0.1 * epoch for epoch in range(30)]
    assert rule(losses) == (rule is not never)


@every
def test_it_looks_and_leaves_alone(rule):
    losses = [1.0, 0.5, 0.7, 0.6, 0.9]
    assert rule(losses) == rule(losses) == rule(tuple(losses))
    assert losses == [1.0, 0.5, 0.7, 0.6, 0.9]


@every
def test_it_is_a_value(rule, rebuild):
    for twin in (rebuild(rule), pickle.loads(pickle.dumps(rule))):
        assert twin == rule
