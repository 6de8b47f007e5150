"""What every stopping rule promises."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from .discovery import NOTHING, each, files_of, in_slot, text_of
from .parameters import idle_parameters, settings_of

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


@every
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_losses_may_be_numpys(rule, kind):
    for losses in (FALLING, GROWING, SLOWLY_FALLING):
        array = np.array(losses, dtype=kind)
        for epoch in range(31):
            said = rule(array[:epoch])
            assert said == rule([float(loss) for loss in array[:epoch]])
            assert isinstance(said, bool), "a rule says True or False"


NUMBERS = [
    pytest.param(rule, name, id=f"{text_of(rule)}, {name}")
    for _, rule in in_slot("stopping")
    for name in settings_of(rule, "stopping")
]


@pytest.mark.parametrize(("rule", "name"), NUMBERS)
def test_numbers_may_be_numpys(rule, name):
    value = getattr(rule, name)
    kind = np.int8 if isinstance(value, int) else np.float64
    found = replace(rule, **{name: kind(value)})
    assert found == rule
    assert type(getattr(found, name)) is type(value), "numpy's numbers are to become Python's"


@pytest.mark.parametrize(("rule", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["5", None, math.nan, math.inf, -1, True])
def test_what_is_no_number_is_refused_by_name(rule, name, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be a "):
        replace(rule, **{name: value})
