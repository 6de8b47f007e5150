import pytest
import torch
from timm.optim import param_groups_weight_decay
from torch import nn
from torchvision.models import resnet18

from tricks_lib import adam, adamw, mlp, sgd_no_bias_decay, small_resnet, split_weight_decay


@pytest.mark.parametrize(
    "model",
    [resnet18(), small_resnet(3, 10), mlp(1, 4, batch_norm=True)],
    ids=lambda m: type(m).__name__,
)
def test_groups_are_timms(model):
    decayed, plain = split_weight_decay(model, 0.01)
    theirs = {
        group["weight_decay"]: set(group["params"])
        for group in param_groups_weight_decay(model, 0.01)
    }
    assert set(decayed["params"]) == theirs[0.01]
    assert set(plain["params"]) == theirs[0.0]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.01, 0.0)
    everything = decayed["params"] + plain["params"]
    assert sorted(map(id, everything)) == sorted(map(id, model.parameters()))


def test_frozen_parameters_are_left_out_and_shared_ones_taken_once():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    decayed, plain = split_weight_decay(model, 0.1)
    assert [id(p) for p in decayed["params"]] == [id(model[0].weight)]
    assert [id(p) for p in plain["params"]] == [id(model[1].bias)]


def moved(build, **settings):
    """How far a weight and a bias move in one step without a gradient."""
    model = nn.Linear(1, 1)
    nn.init.ones_(model.weight)
    nn.init.ones_(model.bias)
    optimizer = build(model, 0.1, **settings)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return 1 - model.weight.item(), 1 - model.bias.item()


def test_what_decays():
    assert moved(sgd_no_bias_decay, weight_decay=0.5) == pytest.approx((0.05, 0), abs=1e-6)
    assert moved(adamw, weight_decay=0.5) == pytest.approx((0.05, 0.05), abs=1e-6)
    # In Adam the penalty is a gradient like any other: the step is the rate, whatever its size.
    assert moved(adam, weight_decay=0.5) == pytest.approx((0.1, 0.1), abs=1e-6)
    assert moved(adam) == (0, 0)
    optimizer = sgd_no_bias_decay(nn.Linear(1, 1), 0.3, momentum=0.7)
    assert [(g["lr"], g["momentum"]) for g in optimizer.param_groups] == [(0.3, 0.7)] * 2


def test_strength_out_of_range():
    with pytest.raises(ValueError, match=r"weight_decay must be a number >= 0, got -0\.1"):
        split_weight_decay(nn.Linear(1, 1), -0.1)
