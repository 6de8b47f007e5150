"""Dropout and batch normalisation in the small networks."""

import pytest
import torch
from torch import nn

from tricks_lib import mlp, small_resnet


def test_mlp_layers():
    plain = [type(layer) for layer in mlp(1, 4, hidden=(5,))]
    assert plain == [nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]
    full = mlp(1, 4, hidden=(5,), batch_norm=True, dropout=0.3)
    kinds = [type(layer) for layer in full]
    assert kinds == [*plain[:3], nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]
    assert full[2].bias is None
    assert full[5].p == 0.3


def test_resnet_without_norm_has_biases():
    model = small_resnet(1, 4, width=4, batch_norm=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())
    assert all(layer.bias is not None for layer in model.modules() if isinstance(layer, nn.Conv2d))
    usual = small_resnet(1, 4, width=4)
    assert all(layer.bias is None for layer in usual.modules() if isinstance(layer, nn.Conv2d))
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in usual.modules()) == 1 + 3 * 2 + 2


@pytest.mark.parametrize("build", [mlp, small_resnet])
def test_dropout_acts_in_training_only_and_keeps_the_mean(build):
    torch.manual_seed(0)
    settings = {"batch_norm": False} if build is small_resnet else {"hidden": (64,)}
    model = build(1, 3, dropout=0.5, **settings)
    image = torch.randn(1, 1, 28, 28)
    expected = model.eval()(image)
    draws = model.train()(image.expand(6000, -1, -1, -1))
    assert draws.std(0).min() > 0
    torch.testing.assert_close(
        draws.mean(0), expected[0], rtol=0, atol=4 * draws.std().item() / 6000**0.5
    )


@pytest.mark.parametrize("build", [mlp, small_resnet])
@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_probabilities_out_of_range(build, dropout):
    with pytest.raises(ValueError, match="dropout must be a number >= 0 and < 1, got"):
        build(1, 3, dropout=dropout)
