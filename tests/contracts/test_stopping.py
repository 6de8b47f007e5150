"""What every stopping rule promises."""

import pickle

import pytest

from .discovery import NOTHING, each, files_of
from .parameters import idle_parameters

every = pytest.mark.parametrize("rule", each("stopping"))

FALLING = [2.0 - 0.05 * epoch for epoch in range(30)]
GROWING = [1.0 + 0.1 * epoch for epoch in range(30)]
SLOWLY_FALLING = [1.0 - 0.002 * epoch for epoch in range(30)]


@every
def test_it_goes_on_while_the_loss_falls(rule):
    said = [rule(FALLING[:epoch]) for epoch in range(31)]
    assert said == [False] * 31, "it stops although each loss is smaller than the one before"


@every
def test_it_stops_when_the_loss_only_grows(rule):
    stops = not any(rule is nothing for nothing in NOTHING)
    assert rule(GROWING) == stops, "thirty growing losses: every rule but `never` stops"


@every
def test_it_looks_and_leaves_alone(rule):
    losses = [1.0, 0.5, 0.7, 0.6, 0.9]
    first = rule(losses)
    assert first == rule(losses) == rule(tuple(losses)), "it keeps something between calls"
    assert losses == [1.0, 0.5, 0.7, 0.6, 0.9], "it changed the losses"


@pytest.mark.parametrize("trick", files_of("stopping"))
def test_every_parameter_does_something(trick):
    def answers(rule):
        histories = (FALLING, GROWING, SLOWLY_FALLING)
        return [rule(losses[:epoch]) for losses in histories for epoch in range(31)]

    idle = list(idle_parameters(trick, answers))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_it_is_a_value(rule, rebuild):
    for twin in (rebuild(rule), pickle.loads(pickle.dumps(rule))):
        assert twin == rule, "a value equals its copy: use @dataclass(frozen=True)"
