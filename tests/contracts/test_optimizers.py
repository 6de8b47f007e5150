"""What every optimizer promises. A new one is added to OPTIMIZERS, and nowhere else."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from tricks_lib import (
    Recipe,
    adabound,
    adam,
    adamw,
    optimizers,
    sgd,
    sgd_no_bias_decay,
)

OPTIMIZERS = [
    sgd,
    sgd_no_bias_decay,
    adabound,
    partial(adabound, final_lr=0.05, gamma=0.1, amsbound=True, weight_decay=1e-3),
    adam,
    adamw,
]

every = pytest.mark.parametrize("build", OPTIMIZERS, ids=repr)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


def take_steps(model, optimizer, count):
    """Fit noise; return the loss of each step."""
    draws = torch.Generator().manual_seed(1)
    inputs, targets = torch.randn(16, 4, generator=draws), torch.randn(16, 3, generator=draws)
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


def test_list_is_complete(assert_complete):
    assert_complete(optimizers, OPTIMIZERS)
    assert Recipe().optimizer in OPTIMIZERS


@every
def test_it_takes_every_parameter_once_and_leaves_it_as_it_is(build):
    model = network()
    optimizer = build(model, 0.01)
    assert isinstance(optimizer, torch.optim.Optimizer)
    taken = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(taken) == sorted(id(p) for p in model.parameters())
    assert same(model, network())


@every
def test_the_rate_is_that_of_every_group(build):
    optimizer = build(network(), 0.0125)
    assert {group["lr"] for group in optimizer.param_groups} == {0.0125}


@every
def test_it_learns(build):
    model = network()
    losses = take_steps(model, build(model, 0.01), 60)
    assert losses[-1] < 0.9 * losses[0]


@every
def test_the_factor_zero_stands_still(build):
    model = network()
    optimizer = build(model, 0.01)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    take_steps(model, optimizer, 3)
    assert same(model, network())


@every
def test_same_start_same_path(build):
    first, second = network(), network()
    assert take_steps(first, build(first, 0.01), 5) == take_steps(second, build(second, 0.01), 5)
    assert same(first, second)


@every
def test_it_goes_on_from_its_state(build):
    model = network()
    optimizer = build(model, 0.01)
    take_steps(model, optimizer, 4)
    other = copy.deepcopy(model)
    resumed = build(other, 0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert take_steps(model, optimizer, 4) == take_steps(other, resumed, 4)
    assert same(model, other)


@every
def test_it_is_a_value(build, rebuild):
    first, second = network(), network()
    take_steps(first, build(first, 0.01), 3)
    take_steps(second, rebuild(build)(second, 0.01), 3)
    assert same(first, second)
