import numpy as np
import pytest
import torch
from torch import nn

from tricks_lib.optimizers import sgd


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.5, "weight_decay": 0.1}])
def test_update_by_hand(settings):
    model = nn.Linear(3, 2).double()
    optimizer = sgd(model, lr=0.1, **settings)
    momentum, decay = settings.get("momentum", 0.9), settings.get("weight_decay", 5e-4)
    weights = [p.detach().numpy().copy() for p in model.parameters()]
    velocities = [np.zeros_like(w) for w in weights]
    for lr in (0.1, 0.1, 0.3, 0.02):  # a schedule changes the rate; the velocity stays as it is
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        model(torch.ones(4, 3, dtype=torch.float64)).square().sum().backward()
        optimizer.step()
        for i, parameter in enumerate(model.parameters()):
            gradient = parameter.grad.numpy() + decay * weights[i]
            velocities[i] = momentum * velocities[i] + gradient
            weights[i] = weights[i] - lr * velocities[i]
            np.testing.assert_allclose(parameter.detach().numpy(), weights[i], rtol=1e-12)


def test_every_parameter_is_updated():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    optimizer = sgd(model, lr=0.25)
    (group,) = optimizer.param_groups
    assert {id(p) for p in group["params"]} == {id(p) for p in model.parameters()}
    assert group["lr"] == 0.25
