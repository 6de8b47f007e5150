import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tricks_lib.models import mlp


@pytest.mark.parametrize("hidden", [(), (6,), (7, 5), (4, 4, 4)])
def test_mlp_by_hand(hidden):
    model = mlp(3, 4, hidden=hidden, size=5)
    images = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    *layers, last = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in model
        if isinstance(layer, nn.Linear)
    ]
    assert [weight.shape[0] for weight, _ in layers] == list(hidden)
    x = images.numpy().reshape(6, -1)
    for weight, bias in layers:
        x = np.maximum(x @ weight.T + bias, 0)
    expected = x @ last[0].T + last[1]
    np.testing.assert_allclose(model(images).detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_pictures_of_another_size_are_averaged():
    model = mlp(1, 3, hidden=(), size=4)
    images = torch.randn(2, 1, 8, 12, generator=torch.Generator().manual_seed(0))
    small = F.interpolate(images, (4, 4), mode="area")
    torch.testing.assert_close(model(images), model(small))


def test_default_size():
    expected = (784 + 1) * 512 + 513 * 512 + 513 * 10
    assert sum(p.numel() for p in mlp(1, 10).parameters()) == expected
    assert mlp(1, 10).training


@pytest.mark.parametrize(
    "wrong", [{"channels": 0}, {"classes": 1}, {"size": 0}, {"hidden": (5, 0)}], ids=repr
)
def test_mlp_says_what_it_expected(wrong):
    ((name, value),) = wrong.items()
    message = rf"^expected channels >= 1, .* got .*\b{name}={re.escape(repr(value))}"
    with pytest.raises(ValueError, match=message):
        mlp(**{"channels": 1, "classes": 10} | wrong)
