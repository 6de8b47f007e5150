import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from tricks_lib import small_resnet
from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.train import Diverged, Run
from tricks_lib.models import ResidualBlock


def norms(model):
    return [part for part in model.modules() if isinstance(part, nn.BatchNorm2d | nn.GroupNorm)]


def built(recipe):
    torch.manual_seed(0)
    return recipe.model(1, 10)


def images(count):
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_the_ways_differ_in_what_they_are_called(study):
    ways = {name: built(recipe) for name, recipe in study.WAYS.items()}
    kinds = {name: {type(part) for part in norms(model)} for name, model in ways.items()}
    assert kinds.pop(study.NORM) == {nn.BatchNorm2d}
    assert kinds.pop(study.GROUP) == {nn.GroupNorm}
    assert set(map(len, kinds.values())) == {0}
    base = study.WAYS[study.NONE]
    for name, recipe in study.WAYS.items():
        same = replace(recipe, model=base.model, schedule=base.schedule)
        assert same == base, f"{name} differs in more than network and schedule"
        assert (recipe.schedule != base.schedule) == (name == study.WARM)


def test_branches_from_zero_begin_as_shortcuts(study):
    model = built(study.WAYS[study.SHORTCUT])
    blocks = [part for part in model.modules() if isinstance(part, ResidualBlock)]
    assert len(blocks) == 3
    for block in blocks:
        x = torch.rand(2, block.conv1.in_channels, 8, 8)
        shortcut = block.shortcut(x[..., :: block.pick, :: block.pick])
        assert torch.equal(block(x), shortcut.relu())


def test_the_same_weights_are_drawn_with_other_norms(study):
    plain, group = built(study.WAYS[study.NORM]), built(study.WAYS[study.GROUP])
    ghost = built(replace(BASELINE, model=study.GHOST.recipes[study.over(4)].model))
    for other in (group, ghost):
        for one, two in zip(plain.parameters(), other.parameters(), strict=True):
            assert torch.equal(one, two)


def test_a_ghost_is_batch_normalisation_of_each_part(study):
    torch.manual_seed(0)
    x = 3 * torch.randn(12, 5, 4, 3) + 1
    ghost = study.GhostNorm(5, 4)
    parts = [nn.BatchNorm2d(5) for _ in range(3)]
    with torch.no_grad():
        for norm in (ghost, *parts):
            norm.weight.copy_(torch.arange(5.0))
            norm.bias.copy_(torch.arange(5.0).flip(0))
    wanted = torch.cat([norm(part) for norm, part in zip(parts, x.split(4), strict=True)])
    torch.testing.assert_close(ghost(x), wanted)
    for name in ("running_mean", "running_var"):
        mean = torch.stack([getattr(norm, name) for norm in parts]).mean(0)
        torch.testing.assert_close(getattr(ghost, name), mean)
    ghost.eval(), parts[0].load_state_dict(ghost.state_dict()), parts[0].eval()
    torch.testing.assert_close(ghost(x), parts[0](x))


@pytest.mark.parametrize("size", [None, 12, 20])
def test_a_ghost_of_the_whole_batch_is_batch_normalisation(study, size):
    x = torch.randn(12, 2, 3, 3)
    torch.testing.assert_close(study.GhostNorm(2, size)(x), nn.BatchNorm2d(2)(x))


def test_statistics_held_give_the_same_answers_and_another_surface(study):
    torch.manual_seed(0)
    model, x = small_resnet(1, 10), images(40)
    model(5 * x)  # running statistics of other images
    before = {name: value.clone() for name, value in model.state_dict().items()}
    held = study.hold_statistics(model, x)
    torch.testing.assert_close(held(x), model(x), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(held(x[:5]), model(x[:5]), atol=1e-2)
    weights = {name: value for name, value in before.items() if "running" not in name}
    after = model.state_dict()
    assert all(torch.equal(after[name], v) for name, v in weights.items() if "batches" not in name)


def test_along_the_gradient_of_a_parabola(study):
    """The loss falls up to twice the step to the minimum, and the gradient turns round there."""

    class Parabola(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([3.0]))

        def forward(self, x):
            return self.w

    model = Parabola()
    study_loss = lambda answers, labels: 0.5 * 0.5 * (answers**2).sum()  # noqa: E731
    original, study.F.cross_entropy = study.F.cross_entropy, study_loss
    try:
        found = study.along_the_gradient(model, torch.zeros(1), torch.zeros(1))
    finally:
        study.F.cross_entropy = original
    # A curvature of 0.5: steps below 4 lower the loss; at 4 it is as before.
    assert found["doublings"] == 1.5
    assert found["loss"] == pytest.approx(2.25)
    assert found["slope"] == pytest.approx(math.log2(1.5))
    assert found["length"] == pytest.approx(1.5 + math.log2(0.5))
    turns = dict(zip(study.DOUBLINGS, found["turns"], strict=True))
    assert turns[0.5] == 1 and turns[1.5] == -1
    assert model.w.item() == 3


class Stub(nn.Module):
    """Answers rightly with a number that stands for its learning rate."""

    def __init__(self, lr):
        super().__init__()
        self.lr = lr


@pytest.fixture
def tries(study, monkeypatch):
    """Runs without training: the accuracy on validation images is highest at twice the lr."""

    def fit(recipe, data, **how):
        if recipe.lr > 1:
            raise Diverged(
                recipe, type("H", (), {"loss": [1.0], "steps_per_epoch": 1, "lr": [2.0]})(), "x"
            )
        history = type("H", (), {"epoch_losses": lambda self: [recipe.lr]})()
        return Run(recipe, 0, Stub(recipe.lr), history, 0.0)

    def evaluate(model, data, split="test"):
        score = 1 - abs(model.lr - 0.4) if split == "validation" else model.lr
        return type("M", (), {"accuracy": score, "nll": 0.0})()

    monkeypatch.setattr(study, "fit", fit)
    monkeypatch.setattr(study, "evaluate", evaluate)


def test_the_best_run_on_validation_images_is_kept(study, tries):
    run = study.at_the_best_rate(study.BASE, None)
    assert run.recipe.lr == 0.4
    lrs, losses, validation, test = zip(*run.tries, strict=True)
    assert lrs == (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 6.4)
    assert losses[:-2] == lrs[:-2] and losses[-2:] == (math.inf, math.inf)
    assert validation[4] == max(validation) and validation[-1] == test[-1] == 0


def test_where_no_run_trains_it_says_so(study, tries):
    with pytest.raises(Diverged):
        study.at_the_best_rate(replace(study.BASE, lr=100.0), None)


def test_weights_are_brought_back_to_their_length(study):
    torch.manual_seed(0)
    model = small_resnet(1, 10)
    convolutions = [part.weight for part in model.modules() if isinstance(part, nn.Conv2d)]
    lengths = [weight.norm().item() for weight in convolutions]
    optimizer = study.held_lengths(model, lr=1.0)
    before = [weight.detach().clone() for weight in convolutions]
    model(images(20)).square().sum().backward()
    optimizer.step()
    for weight, old, length in zip(convolutions, before, lengths, strict=True):
        assert not torch.equal(weight, old)
        assert weight.norm().item() == pytest.approx(length, rel=1e-5)


def test_statistics_made_afresh_are_those_of_the_training_images(study):
    data = study.DATA(0).subset(train=1000)
    torch.manual_seed(0)
    model = small_resnet(1, 10)
    made = study.afresh(model, data)
    with torch.no_grad():
        x = model.stem[0](data.normalize(data.train.images))
    torch.testing.assert_close(made.stem[1].running_mean, x.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    halves = torch.stack([half.var((0, 2, 3)) for half in x.split(500)]).mean(0)
    torch.testing.assert_close(made.stem[1].running_var, halves, rtol=1e-3, atol=1e-4)
    assert torch.equal(model.stem[1].running_mean, torch.zeros(16))
    assert not made.training


def test_batches_of_one_class_are_of_one_class(study, monkeypatch):
    data = study.DATA(0).subset(test=2000)
    orders = []

    def right(model, data, order, size):
        orders.append(order)
        return 0.0

    monkeypatch.setattr(study, "right_on_batches", right)
    monkeypatch.setattr(study, "final_metrics", lambda run, data: {})
    run = type("R", (), {"model": small_resnet(1, 10)})()
    study.by_source_of_statistics(run, data)
    labels = data.test.labels[orders[-1]]
    assert labels.diff().count_nonzero() == 9
    assert len(orders[-1]) >= 10 * 128


def test_switched_on_every_convolution_is_followed_by_it(switch):
    bare = replace(BASELINE, model=lambda *sizes: small_resnet(*sizes, batch_norm=False))
    model = switch(bare, None).model(1, 10)
    assert len(norms(model)) == sum(isinstance(part, nn.Conv2d) for part in model.modules())
