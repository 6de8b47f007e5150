"""The one loop of steps: what it draws is its own, and whoever takes steps takes the same."""

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tricks_lib import Cutout, Recipe, fit, mlp
from tricks_lib.lab.landscape import snapshots
from tricks_lib.lab.steps import Training

MLP = Recipe(epochs=2, batch_size=16, lr=0.05, model=partial(mlp, hidden=(12,), size=8))


def from_everywhere(images):
    """An augmentation that draws from torch, numpy and `random`."""
    shift = int(torch.randint(4, ())) + np.random.randint(4) + random.randrange(4)
    return images.roll(shift, dims=-1)


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


def test_looking_at_the_landscape_trains_as_fit_does(toy):
    """With the data set's mean colour too, which an augmentation may ask for."""
    recipe = replace(MLP, epochs=3, augment=Cutout(4))
    run = fit(recipe, toy(), seed=5, device="cpu", snapshots=(1, 2))
    for step, _, model in snapshots(recipe, toy(), [4, 8], seed=5):
        kept = run.snapshots[step // 4].state_dict()
        for name, value in model.state_dict().items():
            assert torch.equal(value, kept[name]), name
