import math
from dataclasses import replace

import pytest
import torch

from tricks_lib import (
    Cutout,
    EarlyStopping,
    GeneralizationLoss,
    Recipe,
    evaluate,
    fit,
    generalization_loss,
    mlp,
)


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "stops_after"),
    [
        ([3, 2, 1, 1, 1], 2, 0.0, 5),
        ([3, 2, 1, 2, 0.9, 2, 2], 2, 0.0, 7),
        ([3, 2.9, 2.8, 2.7], 2, 0.5, 3),
        ([3, 2.5, 2.5], 1, 0.5, 2),
        ([1, 2], 1, 0.0, 2),
        ([math.nan, math.nan], 2, 0.0, 2),
        ([math.nan, 3, math.nan, 2, math.nan, math.nan], 2, 0.0, 6),
        ([math.nan, 3, 2, 1], 2, 0.0, None),
        ([1, 0, 0, 0], 2, 0.0, 4),
        ([5, 4, 3], 1, 0.0, None),
    ],
)
def test_patience(losses, patience, min_delta, stops_after):
    rule = EarlyStopping(patience, min_delta)
    said = [rule(losses[:epoch]) for epoch in range(1, len(losses) + 1)]
    assert (said.index(True) + 1 if True in said else None) == stops_after


def test_prechelts_loss():
    assert generalization_loss([2.0, 1.0, 1.05]) == pytest.approx(5)
    assert generalization_loss([2.0]) == 0
    rule = GeneralizationLoss(5.0)
    assert not rule([])
    assert not rule([2.0, 1.0, 1.0499])
    assert rule([2.0, 1.0, 1.0501])
    for losses in ([], [-1.0], [1.0, -0.5, 2.0]):
        with pytest.raises(ValueError, match="losses must be numbers >= 0, at least one, got"):
            generalization_loss(losses)


@pytest.mark.parametrize(
    ("losses", "percent"),
    [
        ([0.0], 0),
        ([1.0, 0.0], 0),
        ([1.0, 0.0, 0.0], 0),
        ([1.0, 0.0, 1e-300], math.inf),
        ([0.0, 2.0], math.inf),
        ([2.0, math.inf], math.inf),
        ([math.inf], 0),
        ([math.inf, 2.0, 3.0], 50),
        ([math.nan, 2.0, 3.0], 50),
        ([2.0, math.nan, 3.0], 50),
        ([2.0, math.nan], math.inf),
        ([math.nan, math.nan], 0),
    ],
)
def test_prechelts_loss_at_the_ends_of_the_scale(losses, percent):
    assert generalization_loss(losses) == percent
    assert GeneralizationLoss(5.0)(losses) == (percent > 5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EarlyStopping(0), "patience must be a whole number >= 1, got 0"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta must be a number >= 0, got -1"),
        (lambda: GeneralizationLoss(0), "percent must be a number > 0, got 0"),
    ],
)
def test_parameters_out_of_range(build, message):
    with pytest.raises(ValueError, match=message):
        build()


class StopAfter:
    """Stops when told to, whatever the losses are."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, losses):
        return len(losses) >= self.epochs


def test_fit_stops_and_keeps_the_best_weights(toy):
    data = toy(train=80).hold_out(24)
    recipe = Recipe(epochs=12, batch_size=8, lr=0.05, model=mlp, stop=StopAfter(7))
    run = fit(recipe, data, device="cpu", evaluate="every epoch")
    history = run.history
    assert len(history.validation) == len(history.epochs) == 7
    assert history.kept == min(range(7), key=history.validation.__getitem__)
    assert evaluate(run.model, data, "validation").nll == pytest.approx(min(history.validation))
    assert run.metrics == history.epochs[history.kept]
    assert evaluate(run.model, data) == run.metrics


def test_a_rule_that_never_says_stop_still_keeps_the_best(toy):
    data = toy(train=80).hold_out(24)
    recipe = Recipe(epochs=4, batch_size=8, lr=0.05, model=mlp, stop=StopAfter(99))
    history = fit(recipe, data, device="cpu").history
    assert len(history.validation) == 4
    plain = fit(replace(recipe, stop=Recipe().stop), data, device="cpu").history
    assert plain.loss == history.loss
    assert (plain.validation, plain.kept) == ([], None)


def test_it_needs_a_validation_split(toy):
    with pytest.raises(ValueError, match="'validation' after"):
        fit(Recipe(epochs=1, model=mlp, stop=EarlyStopping()), toy(), device="cpu")


def test_fit_hands_over_the_mean_colour(toy):
    data = toy()
    seen = []

    class Spy(Cutout):
        def __call__(self, images):
            seen.append(self.fill)
            return super().__call__(images)

    fit(Recipe(epochs=1, batch_size=16, model=mlp, augment=Spy(4)), data, device="cpu")
    expected = tuple(round(255 * value) for value in data.mean.tolist())
    assert set(seen) == {expected}
    assert torch.is_tensor(data.mean)
