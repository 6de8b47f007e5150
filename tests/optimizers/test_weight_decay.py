import pytest
import torch
from timm.layers import BatchNormAct2d
from timm.optim import param_groups_weight_decay
from torch import nn
from torchvision.models import resnet18

from tricks_lib import (
    adam,
    adamw,
    l1_norm,
    mlp,
    sgd_no_bias_decay,
    small_resnet,
    split_weight_decay,
)


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


class Bare(nn.Module):
    """Parameters without a layer, as transformers have them."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(3, 4))
        self.positions = nn.Parameter(torch.ones(1, 9, 4))
        self.weight = nn.Parameter(torch.ones(1, 4))  # a linear layer with one output
        self.class_token = nn.Parameter(torch.ones(1, 1, 4))
        self.layer_scale = nn.Parameter(torch.ones(4, 1, 1))
        self.relative_position_bias_table = nn.Parameter(torch.ones(9, 4))
        self.temperature = nn.Parameter(torch.ones(()))


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        (nn.Linear(3, 1), {"weight"}),
        (nn.Conv2d(1, 1, 1), {"weight"}),
        (nn.Conv2d(4, 4, 3, groups=4), {"weight"}),
        (nn.ConvTranspose2d(2, 3, 3), {"weight"}),
        (nn.Bilinear(2, 3, 4), {"weight"}),
        (nn.Embedding(5, 4), {"weight"}),
        (nn.LSTM(1, 1), {"weight_ih_l0", "weight_hh_l0"}),
        (
            nn.MultiheadAttention(4, 2, add_bias_kv=True),
            {"in_proj_weight", "out_proj.weight"},
        ),
        (nn.LayerNorm((4, 5)), set()),
        (nn.RMSNorm((4, 5)), set()),
        (nn.GroupNorm(2, 4), set()),
        (nn.BatchNorm2d(4), set()),
        (nn.InstanceNorm1d(4, affine=True), set()),
        (nn.SyncBatchNorm(4), set()),
        (BatchNormAct2d(4), set()),
        (nn.PReLU(4), set()),
        (Bare(), {"matrix", "positions", "weight"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_layer_decides_not_the_dimensions(layer, weights):
    names = {id(parameter): name for name, parameter in layer.named_parameters()}
    decayed, plain = split_weight_decay(layer, 0.1)
    assert {names[id(parameter)] for parameter in decayed["params"]} == weights
    assert {names[id(parameter)] for parameter in plain["params"]} == set(names.values()) - weights
    if weights:
        expected = sum(parameter.abs().sum() for parameter in decayed["params"])
        assert l1_norm(layer).item() == pytest.approx(expected.item(), rel=1e-6)
    else:
        with pytest.raises(ValueError, match="the model has no weights"):
            l1_norm(layer)


@pytest.mark.parametrize(
    "model", [resnet18(), small_resnet(3, 10), mlp(1, 4, batch_norm=True)], ids=lambda m: type(m)
)
def test_the_order_is_that_of_the_network(model):
    # The order in which norms are summed up and states are saved.
    decayed, plain = split_weight_decay(model, 0.01)
    parameters = list(model.parameters())
    assert list(map(id, decayed["params"])) == [id(p) for p in parameters if p.ndim > 1]
    assert list(map(id, plain["params"])) == [id(p) for p in parameters if p.ndim == 1]


def test_a_parameter_that_two_layers_share_is_a_weight_in_both_or_in_none():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model[1].weight = model[0].weight
    decayed, plain = split_weight_decay(model, 0.1)
    assert (len(decayed["params"]), len(plain["params"])) == (1, 0)
    assert l1_norm(model).item() == pytest.approx(model[0].weight.abs().sum().item(), rel=1e-6)
    model = nn.Sequential(nn.Linear(4, 5, bias=False), nn.LayerNorm((5, 4), bias=False))
    model[1].weight = model[0].weight
    decayed, plain = split_weight_decay(model, 0.1)
    assert (len(decayed["params"]), len(plain["params"])) == (0, 1)


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
