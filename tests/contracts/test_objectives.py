"""What every objective promises. A new one is added to OBJECTIVES, and nowhere else."""

import pytest
import torch
from torch import nn

from tricks_lib import Recipe, cross_entropy, mlp, objectives

OBJECTIVES = [
    cross_entropy,
]

every = pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)


def network():
    torch.manual_seed(0)
    return mlp(3, 10, hidden=(8,), size=6)


def batch():
    draws = torch.Generator().manual_seed(1)
    rows = torch.rand(5, 10, generator=draws)  # soft, as mixing leaves them
    return torch.randn(5, 3, 6, 6, generator=draws), rows / rows.sum(dim=1, keepdim=True)


def test_list_is_complete(assert_complete):
    assert_complete(objectives, OBJECTIVES)
    assert Recipe().objective in OBJECTIVES


@every
def test_it_returns_a_finite_loss_and_the_logits(objective):
    loss, logits = objective(network(), *batch())
    assert loss.shape == ()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.shape == (5, 10)
    torch.testing.assert_close(logits, network()(batch()[0]))


@every
def test_every_parameter_gets_a_gradient(objective):
    model = network()
    loss, _ = objective(model, *batch())
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


@every
@pytest.mark.parametrize("training", [True, False])
def test_inputs_and_model_are_untouched(objective, training):
    model, (images, targets) = network().train(training), batch()
    objective(model, images, targets)
    assert torch.equal(images, batch()[0])
    assert torch.equal(targets, batch()[1])
    assert all(map(torch.equal, model.parameters(), network().parameters()))
    assert model.training == training


@every
def test_a_seed_of_torch_repeats_it(objective, repeat):
    model = nn.Sequential(nn.Dropout(0.5), network())
    first, second = repeat(lambda: objective(model, *batch()))
    assert all(map(torch.equal, first, second))


@every
def test_it_falls_when_it_is_followed(objective):
    model, (images, targets) = network(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(20):
        loss, _ = objective(model, images, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@every
def test_it_is_a_value(objective, rebuild):
    expected = objective(network(), *batch())
    assert all(map(torch.equal, rebuild(objective)(network(), *batch()), expected))
