"""The one loop of steps: what it draws is its own, and whoever takes steps takes the same."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tricks_lib import Cutout, Recipe, cosine_decay, fit, mlp, small_resnet
from tricks_lib.lab.landscape import snapshots
from tricks_lib.lab.steps import Training, batches

MLP = Recipe(epochs=2, batch_size=16, lr=0.05, model=partial(mlp, hidden=(12,), size=8))


def from_everywhere(images):
    """An augmentation that draws from torch, numpy and `random`."""
    shift = int(torch.randint(4, ())) + np.random.randint(4) + random.randrange(4)
    return images.roll(shift, dims=-1)


FEW_CHANNELS = """
import torch
from torch import nn
from tricks_lib import Recipe, small_resnet
from tricks_lib.lab.data import Data, Split
from tricks_lib.lab.steps import Training

def of_their_own(channels, classes):
    first = nn.Conv2d(channels, 2, 3, stride=2, padding=1)
    layers = first, nn.Conv2d(2, 4, 1, stride=2, bias=False), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4, classes))

def small(channels, classes):
    # As somebody may use it in a loop of their own.
    return small_resnet(channels, classes, width=4).to(memory_format=torch.channels_last)

torch.set_num_threads(2)
generator = torch.Generator().manual_seed(0)
images = torch.randint(256, (64, 1, 28, 28), dtype=torch.uint8, generator=generator)
split = Split(images, torch.arange(64) % 10)
classes = tuple("0123456789")
data = Data("noise", split, split, classes, mean=torch.full((1,), 0.5), std=torch.full((1,), 0.3))
training = Training(Recipe(model=MODEL, epochs=6, batch_size=32, lr=1e-3), data, device="cpu")
for step in training:
    network = MODEL(1, 10).double()
    network.load_state_dict(training.model.state_dict())
    inputs = training.prepare(images, torch.eye(10)[split.labels])
    for model, (x, y) in ((training.model, inputs), (network, [v.double() for v in inputs])):
        model.zero_grad()
        training.recipe.objective(model, x, y)[0].backward()
    for ours, exact in zip(training.model.parameters(), network.parameters()):
        near = torch.allclose(ours.grad.double(), exact.grad, rtol=1e-3, atol=1e-4)
        assert near, "wrong gradient"
"""


@pytest.mark.parametrize("model", ["of_their_own", "small"])
def test_a_strided_convolution_of_few_channels_is_safe(model):
    """Where oneDNN has only AVX2, by pixel, it writes beyond its memory (oneDNN issue 6035)."""
    script = FEW_CHANNELS.replace("MODEL", model)
    old = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "MALLOC_CHECK_": "3"}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=old, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr


DRAWING = replace(MLP, augment=from_everywhere)


def states():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()


def losses(recipe, data, between=lambda: None):
    found = []
    for step in Training(recipe, data, seed=3, device="cpu"):
        found.append(step.loss.item())
        between()
    return found


def disturb():
    torch.rand(3), np.random.rand(3), random.random()


def test_a_seed_fixes_what_tricks_draw_from_anywhere(toy):
    first = losses(DRAWING, toy())
    disturb()
    assert losses(DRAWING, toy()) == first


def test_the_callers_draws_between_steps_do_not_matter(toy):
    assert losses(DRAWING, toy(), between=disturb) == losses(DRAWING, toy())


def test_a_caller_who_seeds_between_steps_does_not_either(toy):
    def seed():
        torch.manual_seed(99)
        np.random.seed(99)
        random.seed(99)

    assert losses(DRAWING, toy(), between=seed) == losses(DRAWING, toy())


def test_two_trainings_side_by_side_do_not_see_each_other(toy):
    both = zip(
        Training(DRAWING, toy(), seed=3, device="cpu"),
        Training(replace(DRAWING, lr=0.01), toy(), seed=4, device="cpu"),
        strict=True,
    )
    assert [step.loss.item() for step, _ in both] == losses(DRAWING, toy())


@pytest.mark.parametrize("draw", [np.random.rand, random.random, lambda: torch.rand(()).item()])
def test_weights_may_be_drawn_from_anywhere(toy, draw):
    def model(channels, classes):
        network = MLP.model(channels, classes)
        with torch.no_grad():
            next(network.parameters()).mul_(draw())
        return network

    def start(seed):
        training = Training(replace(MLP, model=model), toy(), seed=seed, device="cpu")
        return next(training.model.parameters())

    before = states()
    first, other = start(0), start(1)
    assert states() == before
    disturb()
    assert torch.equal(start(0), first)
    assert not torch.equal(other, first)


def test_a_network_that_cannot_be_built_leaves_the_generators_alone(toy):
    def breaks(channels, classes):
        disturb()
        raise RuntimeError("inside")

    before = states()
    with pytest.raises(RuntimeError, match="inside"):
        Training(replace(MLP, model=breaks), toy(), device="cpu")
    assert states() == before


@pytest.mark.parametrize("seed", [-1, 2**31, 2**40])
def test_a_seed_may_be_larger_than_numpys(toy, seed):
    first, second = (fit(DRAWING, toy(), seed=seed, device="cpu").history for _ in range(2))
    assert first == second


def test_a_seed_that_torch_refuses_leaves_the_generators_alone(toy):
    before = states()
    with pytest.raises((RuntimeError, ValueError, OverflowError)):
        Training(MLP, toy(), seed=2**70, device="cpu")
    assert states() == before


def test_the_callers_generators_are_left_alone_at_every_step(toy):
    before = states()
    losses(DRAWING, toy(), between=lambda: states() == before or pytest.fail("moved"))
    assert states() == before


def test_a_training_may_be_left_at_any_step(toy):
    before = states()
    for step in Training(DRAWING, toy(), device="cpu"):
        if step.number == 2:
            break
    assert states() == before


def test_an_error_inside_a_step_leaves_the_generators_alone(toy):
    def breaks(images):
        from_everywhere(images)
        raise RuntimeError("inside")

    before = states()
    with pytest.raises(RuntimeError, match="inside"):
        losses(replace(MLP, augment=breaks), toy())
    assert states() == before


def test_steps_know_where_they_are(toy):
    steps = list(Training(MLP, toy(train=60), device="cpu"))
    assert [step.number for step in steps] == list(range(6))
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1]
    assert [step.ends_epoch for step in steps] == [False, False, True] * 2
    assert {step.lr for step in steps} == {0.05}


def test_the_rate_of_the_next_step_is_known(toy):
    training = Training(replace(MLP, schedule=cosine_decay(2)), toy(), device="cpu")
    announced = [training.lr]
    taken = []
    for step in training:
        taken.append(step.lr)
        announced.append(training.lr)
    assert taken == announced[:-1]
    assert len(set(taken)) == 8


def test_a_step_is_prepare_and_update(toy):
    """As the benchmark of the data path takes it, one half at a time."""
    whole = Training(MLP, toy(), seed=3, device="cpu")
    halves = Training(MLP, toy(), seed=3, device="cpu")
    for step, (images, targets) in zip(
        whole, batches(halves.data, 16, torch.Generator().manual_seed(3)), strict=False
    ):
        images, targets = halves.prepare(images, targets)
        assert (images.dtype, images.shape, targets.shape) == (
            torch.float32,
            (16, 1, 8, 8),
            (16, 4),
        )
        loss = halves.update(images, targets)
        assert not loss.requires_grad
        assert loss.item() == step.loss.item()
        for one, other in zip(whole.model.parameters(), halves.model.parameters(), strict=True):
            assert torch.equal(one, other)


def test_a_network_put_into_evaluation_mode_trains_on_from_the_next_epoch(toy):
    training = Training(MLP, toy(), device="cpu")
    modes = []
    for step in training:
        modes.append(training.model.training)
        if step.ends_epoch:
            training.model.eval()
    assert modes == [True] * 8


def test_looking_at_the_landscape_trains_as_fit_does(toy):
    """With the data set's mean colour too, which an augmentation may ask for."""
    recipe = replace(MLP, epochs=3, augment=Cutout(4))
    run = fit(recipe, toy(), seed=5, device="cpu", snapshots=(1, 2))
    for step, _, model in snapshots(recipe, toy(), [4, 8], seed=5):
        kept = run.snapshots[step // 4].state_dict()
        for name, value in model.state_dict().items():
            assert torch.equal(value, kept[name]), name


def frozen_norm(channels, classes):
    """A network with a batch normalisation that its maker froze."""
    network = small_resnet(channels, classes, width=8)
    network.stem[1].eval()
    return network


def test_a_part_that_was_frozen_stays_frozen(toy):
    training = Training(replace(MLP, model=frozen_norm), toy(), device="cpu")
    before = training.model.stem[1].running_mean.clone()
    moving = training.model.blocks[0].bn1.running_mean.clone()
    for step in training:
        assert not training.model.stem[1].training
        assert training.model.blocks[0].bn1.training
        if step.ends_epoch:
            training.model.eval()  # as somebody may do who looks, and forgets
    assert torch.equal(training.model.stem[1].running_mean, before)
    assert not torch.equal(training.model.blocks[0].bn1.running_mean, moving)
    looked = snapshots(replace(MLP, model=frozen_norm), toy(), steps=[0, 3])
    assert all(not model.stem[1].training for _, _, model in looked)


def asleep(channels, classes):
    return small_resnet(channels, classes, width=8).eval()


def test_a_network_that_comes_in_evaluation_mode_is_trained_all_the_same(toy):
    training = Training(replace(MLP, model=asleep), toy(), device="cpu")
    assert all(part.training for part in training.model.modules())
