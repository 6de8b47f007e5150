import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tricks_lib import Compose, Cutout, HorizontalFlip, Recipe, fit, gradual_warmup, load_data
from tricks_lib.lab.landscape import gradient, largest_curvature, snapshots


class Quadratic(nn.Module):
    """The loss ½ wᵀ A w, whose Hessian is A."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = matrix
        self.w = nn.Parameter(torch.randn(len(matrix), generator=torch.Generator().manual_seed(1)))

    def loss(self):
        return 0.5 * self.w @ self.matrix @ self.w


def symmetric(eigenvalues):
    size = len(eigenvalues)
    basis, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))
    matrix = basis @ np.diag(eigenvalues) @ basis.T
    return torch.tensor((matrix + matrix.T) / 2, dtype=torch.float32)


@pytest.mark.parametrize(
    ("eigenvalues", "largest"),
    [
        (np.linspace(0.1, 7, 30), 7.0),
        ([-50.0, *np.linspace(0.1, 3, 29)], 3.0),  # the largest, not the largest in size
        (np.linspace(-5, -1, 30), -1.0),
    ],
)
def test_largest_eigenvalue_of_a_quadratic(eigenvalues, largest):
    model = Quadratic(symmetric(list(eigenvalues)))
    found = largest_curvature(model, model.loss(), tolerance=1e-4)
    assert found == pytest.approx(largest, rel=1e-3)


def test_agrees_with_the_full_hessian_of_a_network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = torch.randn(20, 3), torch.randint(0, 2, (20,))
    names = [name for name, _ in model.named_parameters()]
    sizes = [p.numel() for p in model.parameters()]

    def loss_of(vector):
        parts = zip(names, vector.split(sizes), model.parameters(), strict=True)
        weights = {name: part.view_as(p) for name, part, p in parts}
        return F.cross_entropy(torch.func.functional_call(model, weights, x), y)

    vector = nn.utils.parameters_to_vector(model.parameters()).detach()
    hessian = torch.autograd.functional.hessian(loss_of, vector)
    wanted = torch.linalg.eigvalsh(hessian)[-1].item()
    found = largest_curvature(model, F.cross_entropy(model(x), y), tolerance=1e-4)
    assert found == pytest.approx(wanted, rel=1e-3)
    torch.testing.assert_close(
        gradient(model, F.cross_entropy(model(x), y)), torch.func.grad(loss_of)(vector)
    )


def test_curvature_leaves_no_gradients_behind():
    model = Quadratic(symmetric([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]))
    largest_curvature(model, model.loss())
    assert model.w.grad is None


def flat(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


@pytest.fixture(scope="module")
def data():
    return load_data("fashion-mini").subset(train=256, test=64)


def test_snapshots_are_of_the_training_that_fit_does(data):
    recipe = Recipe(epochs=2, batch_size=64, lr=0.2, schedule=gradual_warmup(1))
    run = fit(recipe, data, seed=5, device="cpu")
    seen = {}
    for step, rate, model in snapshots(recipe, data, [0, 3, 7], seed=5):
        torch.randn(3)  # what the caller draws changes nothing
        seen[step] = rate, flat(model)
    assert list(seen) == [0, 3, 7]
    assert [rate for rate, _ in seen.values()] == [run.history.lr[step] for step in seen]
    # The last snapshot lies one step before the end of the run.
    before, after = seen[7][1], flat(run.model)
    moved = (after - before).norm() / run.history.lr[7]
    assert 0 < moved < 100
    assert all(not torch.equal(a, b) for (_, a), (_, b) in pairwise(seen.values()))


def test_last_snapshot_and_one_more_step_is_where_fit_ends(data):
    recipe = Recipe(epochs=1, batch_size=64)
    run = fit(recipe, data, seed=1, device="cpu")
    longer = Recipe(epochs=2, batch_size=64)
    ((_, _, model),) = snapshots(longer, data, [4], seed=1)  # asks in vain for another
    for ours, theirs in zip(model.parameters(), run.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def stripes(images):
    """An augmentation that draws from numpy."""
    return images.roll(int(np.random.randint(4)), dims=-1)


@pytest.mark.parametrize(
    "augment",
    [Cutout(4), Compose(HorizontalFlip(), Cutout(4)), stripes],
    ids=["mean colour", "mean colour inside", "numpy"],
)
def test_snapshots_see_the_images_that_fit_sees(data, augment):
    recipe = Recipe(epochs=3, batch_size=64, augment=augment)
    run = fit(recipe, data, seed=2, device="cpu", snapshots=(1, 2))
    found = {step // 4: flat(model) for step, _, model in snapshots(recipe, data, [4, 8], seed=2)}
    assert list(found) == list(run.snapshots) == [1, 2]
    for epoch, model in run.snapshots.items():
        assert torch.equal(found[epoch], flat(model))


def test_the_caller_may_evaluate_between_two_steps(data):
    recipe = Recipe(epochs=1, batch_size=64, lr=0.05)
    run = fit(replace(recipe, epochs=2), data, device="cpu", snapshots=(1,))
    for _, _, model in snapshots(replace(recipe, epochs=2), data, [1, 4]):
        assert model.training
        with torch.no_grad():
            model.eval()(torch.randn(2, 1, 28, 28))
        model.train()
    assert torch.equal(flat(model), flat(run.snapshots[1]))


@pytest.mark.parametrize("steps", [[], [8], [100]], ids=str)
def test_steps_outside_of_the_training_are_never_reached(data, steps):
    recipe = Recipe(epochs=2, batch_size=64)
    assert list(snapshots(recipe, data, steps)) == []


def test_callers_random_state_is_left_alone(data):
    def drawn():
        return torch.rand(1).item(), np.random.rand(), random.random()

    def seed():
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)

    seed()
    wanted = drawn()
    seed()
    for _ in snapshots(Recipe(epochs=1, batch_size=64, augment=stripes), data, [1, 2]):
        break  # the caller has seen enough
    assert drawn() == wanted
