"""What every objective promises. A new one is added to OBJECTIVES, and nowhere else."""

import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn

import tricks_lib
from tricks_lib import (
    Distillation,
    L1Penalty,
    LabelSmoothingLoss,
    Recipe,
    cross_entropy,
    mlp,
    objectives,
    supervised,
)
from tricks_lib.recipe import source


class Teacher:
    """A teacher with an expression of its own: a network fixed by its seed."""

    def __init__(self, seed=7):
        self.seed = seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = mlp(3, 10, hidden=(), size=6)

    def __call__(self, images):
        return self.network(images)

    def __repr__(self):
        return f"Teacher({self.seed})"


OBJECTIVES = [
    cross_entropy,
    supervised(LabelSmoothingLoss(0.1)),
    supervised(nn.CrossEntropyLoss()),
    Distillation(Teacher()),
    Distillation(Teacher(), temperature=1.0, alpha=1.0),
    L1Penalty(strength=1e-3),
    L1Penalty(strength=0.01, objective=supervised(LabelSmoothingLoss(epsilon=0.3))),
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
def test_it_is_a_value(objective):
    expected = objective(network(), *batch())
    twin = eval(source(objective), vars(tricks_lib) | vars(nn) | globals())
    assert all(map(torch.equal, twin(network(), *batch()), expected))
    pickled = pickle.loads(pickle.dumps(objective))
    assert all(map(torch.equal, pickled(network(), *batch()), expected))


@every
def test_labels_are_refused_where_rows_are_expected(objective):
    if objective in (cross_entropy, OBJECTIVES[2]):
        pytest.skip("torch's loss takes both, and knows which is which")
    images, _ = batch()
    if isinstance(objective, L1Penalty) and objective.objective is cross_entropy:
        pytest.skip("as the objective inside")
    with pytest.raises(TypeError, match=r"rows of probabilities.*got int64 \(5,\)"):
        objective(network(), images, torch.arange(5))


@every
def test_nothing_waits_for_the_device(objective, device, without_waiting):
    if isinstance(getattr(objective, "teacher", None), Teacher) and device.type != "cpu":
        objective = replace(objective, teacher=network().to(device))
    model = network().to(device)
    images, targets = (part.to(device) for part in batch())
    loss, _ = without_waiting(lambda: objective(model, images, targets), device)
    assert loss.device == model[2].weight.device
