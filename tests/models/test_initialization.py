import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn
from torchvision.models import resnet50
from torchvision.ops import FrozenBatchNorm2d

from tricks_lib import he_, initialized, mlp, small_resnet, xavier_, zero_last_gamma_


@pytest.mark.parametrize("layer", [nn.Linear(400, 300), nn.Conv2d(40, 60, 7)], ids=repr)
def test_he(layer):
    torch.manual_seed(0)
    assert he_(layer) is layer
    fan_in = layer.weight[0].numel()
    weights = layer.weight.detach().flatten()
    assert weights.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.01)
    assert stats.kstest(weights.double() / math.sqrt(2 / fan_in), "norm").pvalue > 1e-3
    assert not layer.bias.any()


@pytest.mark.parametrize("layer", [nn.Linear(400, 300), nn.Conv2d(40, 60, 7)], ids=repr)
def test_xavier(layer):
    torch.manual_seed(0)
    xavier_(layer)
    fan_in, fan_out = layer.weight[0].numel(), layer.weight[:, 0].numel()
    bound = math.sqrt(6 / (fan_in + fan_out))
    weights = layer.weight.detach().flatten().double()
    assert weights.abs().max() <= bound * (1 + 1e-6)
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)
    assert stats.kstest(weights, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
    assert not layer.bias.any()


@pytest.mark.parametrize(
    ("init", "reference"),
    [
        (he_, partial(nn.init.kaiming_normal_, nonlinearity="relu")),
        (xavier_, nn.init.xavier_uniform_),
    ],
)
def test_same_draws_as_torch(init, reference):
    model, twin = small_resnet(3, 5, width=4), small_resnet(3, 5, width=4)
    torch.manual_seed(1)
    init(model)
    torch.manual_seed(1)
    for layer in twin.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            reference(layer.weight)
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        if mine.ndim > 1:
            assert torch.equal(mine, theirs)


def test_he_keeps_the_signal_where_torchs_default_loses_it():
    torch.manual_seed(0)
    images = torch.randn(64, 1, 28, 28)
    deep = mlp(1, 10, hidden=(256,) * 12)
    default = deep(images).std().item()
    kept = he_(deep)(images).std().item()
    assert 0.3 < kept < 3
    assert default < 0.1 * kept


def test_zero_last_gamma_makes_blocks_begin_as_their_shortcuts():
    model = zero_last_gamma_(small_resnet(1, 10, width=8))
    for block in model.blocks:
        images = torch.randn(3, block.conv1.in_channels, 8, 8)
        assert torch.equal(block(images), F.relu(block.shortcut(images)))
        assert not block.bn2.weight.any()
        assert block.bn1.weight.all()


def test_zero_last_gamma_is_torchvisions_zero_init_residual():
    theirs = resnet50(zero_init_residual=True)
    mine = zero_last_gamma_(resnet50())
    for (name, one), (_, other) in zip(
        mine.named_parameters(), theirs.named_parameters(), strict=True
    ):
        if one.ndim == 1 and not name.startswith("fc"):
            assert torch.equal(one, other), name


def test_initialized_builds_then_draws():
    torch.manual_seed(0)
    found = initialized(1, 4, build=mlp, init=he_)
    torch.manual_seed(0)
    expected = he_(mlp(1, 4))
    assert all(map(torch.equal, found.parameters(), expected.parameters()))


def test_layers_without_bias_and_modules_without_layers():
    he_(nn.Linear(2, 2, bias=False))
    for init in (he_, xavier_):
        with pytest.raises(ValueError, match="linear or convolutional layers, found none"):
            init(nn.ReLU())
    with pytest.raises(ValueError, match="expected residual blocks"):
        zero_last_gamma_(mlp(1, 4))
    with pytest.raises(ValueError, match="expected residual blocks"):
        zero_last_gamma_(nn.BatchNorm2d(3))
    with pytest.raises(ValueError, match="expected residual blocks"):
        zero_last_gamma_(small_resnet(1, 10, batch_norm=False))


@pytest.mark.parametrize("init", [he_, xavier_])
def test_a_shared_weight_is_drawn_once(init):
    torch.manual_seed(0)
    shared = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    shared[1].weight = shared[0].weight
    single = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    for model in (shared, single):
        torch.manual_seed(1)
        init(model)
    assert torch.equal(shared[0].weight, single[0].weight)
    assert torch.equal(shared[2].weight, single[1].weight)


@pytest.mark.parametrize(
    "norm",
    [lambda: nn.Identity(), lambda: nn.BatchNorm2d(8, affine=False), lambda: FrozenBatchNorm2d(8)],
    ids=["none", "without a scale", "frozen"],
)
def test_zero_last_gamma_wants_a_scale_to_learn(norm):
    model = small_resnet(1, 10, width=8, depths=(2,))
    for block in model.blocks:
        block.bn2 = norm()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"^expected residual blocks .* with a weight to learn"):
        zero_last_gamma_(model)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())


def test_zero_last_gamma_takes_the_blocks_that_have_one():
    model = small_resnet(1, 10, width=4)
    model.blocks[0].bn2 = nn.Identity()
    zero_last_gamma_(model)
    assert model.blocks[0].bn1.weight.all()
    assert not model.blocks[1].bn2.weight.any()
