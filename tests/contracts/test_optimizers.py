"""What every optimizer promises."""

import copy
import io
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from .discovery import each, files_of, in_slot, text_of
from .parameters import idle_parameters, maker_of, settings_of

every = pytest.mark.parametrize("build", each("optimizers"))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


def take_steps(model, optimizer, count):
    """Fit noise; return the loss of each step."""
    draws = torch.Generator().manual_seed(1)
    inputs, targets = torch.randn(16, 4, generator=draws), torch.randn(16, 3, generator=draws)
    inputs, targets = (part.to(next(model.parameters())) for part in (inputs, targets))
    losses = []
    for _ in range(count):
        loss = (model(inputs) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def same(first, second):
    return all(map(torch.equal, first.parameters(), second.parameters()))


@every
def test_it_takes_every_parameter_once_and_leaves_it_as_it_is(build):
    model = network()
    optimizer = build(model, 0.01)
    assert isinstance(optimizer, torch.optim.Optimizer), "an optimizer of torch is built"
    taken = [id(p) for group in optimizer.param_groups for p in group["params"]]
    all_of_it = sorted(id(p) for p in model.parameters())
    assert sorted(taken) == all_of_it, "a parameter is left out, or taken twice"
    assert same(model, network()), "a parameter has changed before the first step"


@every
def test_the_rate_is_that_of_every_group(build):
    optimizer = build(network(), 0.0125)
    rates = {group["lr"] for group in optimizer.param_groups}
    assert rates == {0.0125}, "a group has another rate than the one that was given"


@every
def test_it_learns(build):
    model = network()
    losses = take_steps(model, build(model, 0.01), 60)
    assert losses[-1] < 0.9 * losses[0], "sixty steps have not made the loss a tenth smaller"


@every
def test_the_factor_zero_stands_still(build):
    model = network()
    optimizer = build(model, 0.01)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    take_steps(model, optimizer, 3)
    assert same(model, network()), "a parameter moves although a schedule has set the rate to 0"


@every
def test_same_start_same_path(build):
    first, second = network(), network()
    losses = take_steps(first, build(first, 0.01), 5)
    assert losses == take_steps(second, build(second, 0.01), 5), "the same start, other losses"
    assert same(first, second), "the same start, other weights"


@pytest.mark.parametrize("trick", files_of("optimizers"))
def test_every_parameter_does_something(trick):
    def weights(build):
        model = network()
        take_steps(model, build(model, 0.01), 5)
        return list(model.parameters())

    idle = list(idle_parameters(trick, weights))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_it_goes_on_from_its_state(build):
    model = network()
    optimizer = build(model, 0.01)
    take_steps(model, optimizer, 4)
    other = copy.deepcopy(model)
    resumed = build(other, 0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    losses = take_steps(model, optimizer, 4)
    assert losses == take_steps(other, resumed, 4), "state_dict does not hold all of the state"
    assert same(model, other), "state_dict does not hold all of the state"


@every
def test_it_is_a_value(build, rebuild):
    first, second = network(), network()
    take_steps(first, build(first, 0.01), 3)
    take_steps(second, rebuild(build)(second, 0.01), 3)
    assert same(first, second), "what a record holds builds another optimizer"


@every
def test_it_can_be_pickled_with_its_model(build):
    model = network()
    optimizer = build(model, 0.01)
    take_steps(model, optimizer, 3)
    other, resumed = pickle.loads(pickle.dumps((model, optimizer)))
    assert take_steps(model, optimizer, 3) == take_steps(other, resumed, 3)
    assert same(model, other), "a pickle does not hold all of the optimizer"


@every
def test_a_checkpoint_goes_onto_another_type_and_device(build, device):
    model = network().double()
    optimizer = build(model, 0.01)
    take_steps(model, optimizer, 3)
    other = copy.deepcopy(model).to(device, torch.float32)
    resumed = build(other, 0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    moments = [
        value
        for parameter in other.parameters()
        for name, value in resumed.state[parameter].items()
        if isinstance(value, torch.Tensor) and name != "step"
    ]
    assert all(value.dtype == torch.float32 for value in moments)
    assert all(value.device.type == device.type for value in moments)
    expected = pytest.approx(take_steps(model, optimizer, 3), rel=1e-4)
    assert take_steps(other, resumed, 3) == expected, "it goes on otherwise than before"


@every
def test_groups_may_be_added_later(build):
    model, late = network(), nn.Parameter(torch.ones(3))
    optimizer = build(model, 0.01)
    optimizer.add_param_group({"params": [late]})
    late.grad = torch.ones_like(late)
    optimizer.step()
    assert (late < 1).all(), "a parameter that was added later is not updated"


NUMBERS = [
    pytest.param(build, name, id=f"{text_of(build)}, {name}")
    for _, build in in_slot("optimizers")
    for name, value in ({"lr": 0.01} | settings_of(build, "optimizers")).items()
    if isinstance(value, float)
]


@pytest.mark.parametrize(("build", "name"), NUMBERS)
def test_numbers_may_be_numpys(build, name):
    settings = {"lr": 0.01} | settings_of(build, "optimizers")
    model = network()
    optimizer = maker_of(build)(model, **settings | {name: np.float64(settings[name])})
    take_steps(model, optimizer, 1)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True), "a checkpoint holds a number of numpy's"


@pytest.mark.parametrize(("build", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["0.1", None, math.nan, math.inf, -1, True])
def test_what_is_no_number_is_refused_by_name(build, name, value):
    settings = {"lr": 0.01} | settings_of(build, "optimizers") | {name: value}
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be a number "):
        maker_of(build)(network(), **settings)
