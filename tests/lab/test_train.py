import math
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tricks_lib import (
    Diverged,
    EarlyStopping,
    Metrics,
    Recipe,
    cosine_decay,
    cross_entropy,
    evaluate,
    fit,
    gradual_warmup,
    mlp,
    never,
    small_resnet,
)
from tricks_lib.lab.figures import LiveCurves
from tricks_lib.lab.metrics import choose_split
from tricks_lib.lab.steps import batches, pick_device, precision, steps_per_epoch
from tricks_lib.lab.study import final_metrics
from tricks_lib.lab.train import History, Losses

MLP = Recipe(epochs=2, batch_size=16, lr=0.05, model=partial(mlp, hidden=(12,), size=8))
RESNET = replace(MLP, model=partial(small_resnet, width=8, depths=(1, 1)))


def weights(run):
    return run.model.state_dict()


def same_weights(first, second):
    first, second = weights(first), weights(second)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def shake(images):
    """An augmentation that draws from torch's generator."""
    return images.roll(int(torch.randint(8, ())), dims=-1)


def mlp_with_dropout(channels, classes):
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64 * channels, classes))


# --- What it computes ---


def by_hand(recipe, data, seed):
    """Train without anything of the engine's: indices, formulas, PyTorch's SGD."""
    torch.manual_seed(seed)
    model = recipe.model(data.channels, data.num_classes).train()
    optimizer = torch.optim.SGD(model.parameters(), recipe.lr, momentum=0.9, weight_decay=5e-4)
    order = torch.Generator().manual_seed(seed)
    count = len(data.train.labels)
    per_epoch = count // recipe.batch_size
    losses = []
    for epoch in range(recipe.epochs):
        shuffled = torch.randperm(count, generator=order)
        for step in range(per_epoch):
            picked = shuffled[step * recipe.batch_size :][: recipe.batch_size]
            images = (data.train.images[picked].float() / 255 - 0.3) / 0.2
            log_p = model(images).log_softmax(dim=1)
            loss = -log_p[torch.arange(len(picked)), data.train.labels[picked]].mean()
            time = epoch + step / per_epoch
            optimizer.param_groups[0]["lr"] = recipe.lr * recipe.schedule(time)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model.eval(), losses


@pytest.mark.parametrize("recipe", [MLP, RESNET], ids=["mlp", "resnet"])
@pytest.mark.parametrize("seed", [0, 7])
def test_fit_is_the_loop_one_would_write(toy, recipe, seed):
    data = toy(train=70)  # the last 6 of each epoch are left out
    recipe = replace(recipe, epochs=3, schedule=gradual_warmup(1, cosine_decay(2), start=0.2))
    run = fit(recipe, data, seed=seed, device="cpu", evaluate="end")
    model, losses = by_hand(recipe, data, seed)
    assert run.history.loss == pytest.approx(losses, rel=1e-4)
    assert len(losses) == 3 * 4
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(weights(run)[name], tensor, rtol=1e-3, atol=1e-5)
    logits = model((data.test.images.float() / 255 - 0.3) / 0.2)
    assert run.final.nll == pytest.approx(
        F.cross_entropy(logits, data.test.labels).item(), rel=1e-3
    )
    assert (run.recipe, run.seed) == (recipe, seed)
    assert run.seconds > 0


def test_it_learns(toy):
    run = fit(replace(MLP, epochs=15), toy(), device="cpu", evaluate="every epoch")
    assert run.history.epochs[0].accuracy < 1
    assert run.final.accuracy == 1


def test_rates_are_those_of_the_schedule(toy):
    used = []

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            used.append(self.param_groups[0]["lr"])
            return super().step(closure)

    def optimizer(model, lr):
        return Recorder(model.parameters(), lr)

    def schedule(time):
        return 1 / (1 + time)

    recipe = replace(MLP, epochs=3, optimizer=optimizer, schedule=schedule)
    run = fit(recipe, toy(train=60), device="cpu")
    times = [epoch + step / 3 for epoch in range(3) for step in range(3)]
    assert run.history.lr == used == pytest.approx([0.05 / (1 + t) for t in times], rel=1e-12)


def test_tricks_are_given_what_they_are_promised(toy):
    seen = []

    def augment(images):
        seen.append(("augment", images.dtype, images.shape))
        return images

    def mix(images, targets):
        seen.append(("mix", images.dtype, images.shape))
        assert targets.sum(dim=1).tolist() == [1.0] * 16
        return images, targets.flip(1)

    def objective(model, images, targets):
        seen.append(("objective", targets.dtype, targets.shape))
        assert model.training
        return cross_entropy(model, images, targets)

    data = toy(train=16)
    recipe = replace(MLP, epochs=1, augment=augment, mix=mix, objective=objective)
    run = fit(recipe, data, device="cpu")  # evaluation calls neither
    assert seen == [
        ("augment", torch.uint8, (16, 1, 8, 8)),
        ("mix", torch.float32, (16, 1, 8, 8)),
        ("objective", torch.float32, (16, 4)),
    ]
    # The mixed targets are the ones trained on.
    backwards = replace(data.train, labels=3 - data.train.labels)
    other = fit(replace(MLP, epochs=1), replace(data, train=backwards), device="cpu")
    assert run.history.loss == other.history.loss


def test_images_are_normalized_after_augmentation(toy):
    data = toy(train=16)
    seen = []

    def mix(images, targets):
        seen.append(images)
        return images, targets

    def black(images):
        return torch.zeros_like(images)

    fit(replace(MLP, epochs=1, augment=black, mix=mix), data, device="cpu")
    torch.testing.assert_close(seen[0], torch.full((16, 1, 8, 8), (0 - 0.3) / 0.2))
    assert seen[0].shape == (16, 1, 8, 8)


def test_data_is_left_alone(toy):
    data = toy()
    before = data.fingerprint()
    fit(replace(MLP, augment=shake), data, device="cpu")
    assert data.fingerprint() == before


# --- Randomness ---


@pytest.mark.parametrize("recipe", [MLP, RESNET, replace(MLP, augment=shake)], ids=repr)
def test_same_seed_same_numbers(toy, recipe):
    data = toy()
    first = fit(recipe, data, seed=3, device="cpu")
    torch.manual_seed(99)  # whatever the caller does
    second = fit(recipe, data, seed=3, device="cpu")
    assert first.history == second.history  # to the last bit
    assert same_weights(first, second)


def test_another_seed_other_numbers(toy):
    data = toy()
    first, second = (fit(MLP, data, seed=seed, device="cpu") for seed in (0, 1))
    assert first.history.loss[0] != second.history.loss[0]
    assert not same_weights(first, second)


@pytest.mark.parametrize("diverges", [False, True])
def test_callers_random_state_is_left_alone(toy, diverges):
    recipe = replace(MLP, augment=shake, objective=broken_at(2) if diverges else cross_entropy)
    torch.manual_seed(5)
    state, deterministic = torch.get_rng_state(), torch.backends.cudnn.deterministic
    try:
        fit(recipe, toy(), seed=1, device="cpu")
    except Diverged:
        assert diverges
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.cudnn.deterministic == deterministic


@pytest.mark.parametrize(
    "change",
    [
        {"augment": shake},
        {"lr": 0.001},
        {"schedule": cosine_decay(1)},
        {"objective": lambda model, images, targets: cross_entropy(model, images + 1, targets)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_recipes_are_paired_by_their_seed(toy, change):
    data = toy()
    starts, orders = [], []

    def remember_model(channels, classes):
        model = mlp_with_dropout(channels, classes)
        starts.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return model

    def remember_order(augment):
        def augment_and_remember(images):
            orders[-1].extend(images[:, 0, -1, -1].tolist())
            return augment(images)

        return augment_and_remember

    base = replace(MLP, model=remember_model)
    for recipe in (base, replace(base, **change)):
        orders.append([])
        fit(replace(recipe, augment=remember_order(recipe.augment)), data, seed=4, device="cpu")
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
    assert orders[0] == orders[1]
    first, second = orders[0][:64], orders[0][64:]
    assert sorted(first) == sorted(second) == list(range(64))
    assert first != second  # each epoch in its own order


def test_what_the_tricks_draw_does_not_depend_on_the_model(toy):
    data, drawn = toy(), []

    def augment(images):
        drawn[-1].append(torch.rand(()).item())
        return images

    for model in (partial(mlp, hidden=()), partial(mlp, hidden=(30, 20))):
        drawn.append([])
        fit(replace(MLP, model=model, augment=augment), data, seed=6, device="cpu")
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 8


def test_evaluation_does_not_touch_the_training(toy):
    data = toy().hold_out(16)
    recipe = replace(MLP, augment=shake, model=mlp_with_dropout)
    runs = [
        fit(recipe, data, device="cpu", evaluate=when, on=split)
        for when in (None, "end", "every epoch")
        for split in ("test", "validation", "train")
    ]
    for run in runs[1:]:
        assert run.history.loss == runs[0].history.loss
        assert same_weights(run, runs[0])


# --- Evaluation, watching, the model that comes back ---


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_each_epoch_is_evaluated(toy, split):
    data = toy().hold_out(16)
    run = fit(RESNET, data, device="cpu", evaluate="every epoch", on=split)
    assert len(run.history.epochs) == 2
    assert run.final == run.history.epochs[-1] == evaluate(run.model, data, split)
    shorter = fit(replace(RESNET, epochs=1), data, device="cpu", evaluate="every epoch", on=split)
    assert shorter.history.epochs == run.history.epochs[:1]


def test_evaluation_can_be_left_out(toy):
    run = fit(MLP, toy(), device="cpu")
    assert run.history.epochs == []
    with pytest.raises(
        ValueError, match="this run was not evaluated: train it with evaluate='end'"
    ):
        _ = run.final


def test_a_missing_split_is_refused_before_training(toy):
    def untrained(channels, classes):
        raise AssertionError("trained")

    with pytest.raises(ValueError, match=r"after data.hold_out\(...\)\), got 'validation'"):
        fit(replace(MLP, model=untrained), toy(), evaluate="end", on="validation")


def test_a_model_is_trained_in_training_mode_whatever_it_came_in(toy):
    def sleeping(channels, classes):
        return RESNET.model(channels, classes).eval()

    run = fit(replace(RESNET, model=sleeping), toy(), device="cpu")
    assert run.history == fit(RESNET, toy(), device="cpu").history


def test_the_model_comes_back_in_evaluation_mode(toy):
    for when in (None, "end", "every epoch"):
        run = fit(RESNET, toy(), device="cpu", evaluate=when)
        assert not any(module.training for module in run.model.modules())
        assert isinstance(run.model, nn.Module)


@pytest.mark.parametrize("when", ["every epoch", "end", None])
def test_watch_sees_the_history_after_each_epoch(toy, when):
    seen = []

    def watch(history):
        seen.append((list(history.loss), list(history.lr), list(history.epochs)))

    recipe = replace(MLP, epochs=3, augment=shake)
    run = fit(recipe, toy(), device="cpu", evaluate=when, watch=watch)
    assert [len(loss) for loss, _, _ in seen] == [4, 8, 12]
    assert [len(lr) for _, lr, _ in seen] == [4, 8, 12]
    assert [len(epochs) for _, _, epochs in seen] == (
        [1, 2, 3] if when == "every epoch" else [0, 0, 0]
    )
    assert seen[-1] == (run.history.loss, run.history.lr, run.history.epochs)
    assert run.history == fit(recipe, toy(), device="cpu", evaluate=when).history


def test_watch_can_stop_a_run(toy):
    def watch(history):
        if len(history.epoch_losses()) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(replace(MLP, epochs=10**9), toy(), device="cpu", watch=watch)


# --- Snapshots ---


def test_snapshots_are_the_networks_of_shorter_trainings(toy):
    recipe = replace(RESNET, epochs=3)
    run = fit(recipe, toy(), device="cpu", snapshots=(1, 3))
    assert list(run.snapshots) == [1, 3]
    for epochs, network in run.snapshots.items():
        shorter = fit(replace(recipe, epochs=epochs), toy(), device="cpu")
        for name, value in shorter.model.state_dict().items():
            assert torch.equal(network.state_dict()[name], value)
        assert not any(module.training for module in network.modules())
    assert run.snapshots[3] is not run.model


def test_snapshots_do_not_disturb_the_training(toy):
    kept = fit(RESNET, toy(), device="cpu", snapshots=(1,))
    assert kept.history == fit(RESNET, toy(), device="cpu").history
    assert fit(RESNET, toy(), device="cpu").snapshots == {}


@pytest.mark.parametrize("asked", [(0,), (1, 3), (-1,), (1.5,)])
def test_snapshots_outside_of_the_training_are_refused(toy, asked):
    with pytest.raises(ValueError, match=r"^snapshots must be numbers of epochs from 1 to 2, got"):
        fit(replace(RESNET, epochs=2), toy(), device="cpu", snapshots=asked)


# --- Divergence ---


def broken_at(step, value=math.nan):
    """An objective whose loss is not finite at one step; counts its calls."""

    def objective(model, images, targets):
        objective.calls += 1
        loss, logits = cross_entropy(model, images, targets)
        return (loss * value if objective.calls == step + 1 else loss), logits

    objective.calls = 0
    return objective


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [0, 5])
def test_a_loss_that_is_not_finite_stops_the_run_at_once(toy, step, value):
    recipe = replace(MLP, epochs=3, objective=broken_at(step, value), schedule=cosine_decay(3))
    with pytest.raises(Diverged) as caught:
        fit(recipe, toy(), device="cpu", evaluate="every epoch")  # 4 steps an epoch
    error, history = caught.value, caught.value.history
    assert recipe.objective.calls == step + 1
    assert (error.step, error.recipe) == (step, recipe)
    assert len(history.loss) == len(history.lr) == step + 1
    assert np.isfinite(history.loss).tolist() == [True] * step + [False]
    assert len(history.epochs) == step // 4
    assert str(error) == (
        f"the loss became {value} at step {step} (epoch {step / 4:.2f}, "
        f"learning rate {0.05 * cosine_decay(3)(step / 4):.4g}): "
        "try a smaller learning rate, or warmup"
    )


def test_a_rate_far_too_large_diverges(toy):
    with pytest.raises(Diverged, match=r"^the loss became (nan|inf) at step \d+ "):
        fit(replace(MLP, lr=1e30), toy(), device="cpu")


@pytest.mark.parametrize("when", [None, "end", "every epoch"])
def test_a_run_that_explodes_at_its_last_step_has_diverged(toy, when):
    """No later loss shows it: the one that was recorded is from before the update."""
    once = replace(MLP, epochs=1, batch_size=64, lr=1e30)
    with pytest.raises(Diverged, match="answers are not finite after its last step") as caught:
        fit(once, toy(), device="cpu", evaluate=when)
    assert np.isfinite(caught.value.history.loss).all()
    assert caught.value.step == 0


def test_a_validation_loss_that_is_not_finite_is_never_kept(toy, monkeypatch):
    data = toy().hold_out(16)
    module = sys.modules["tricks_lib.lab.train"]
    broken = Metrics(0.5, math.nan, 0.1)
    monkeypatch.setattr(module, "evaluate_model", lambda *_: broken)
    with pytest.raises(Diverged, match="the validation loss became nan at step 2 ") as caught:
        fit(replace(MLP, stop=EarlyStopping(patience=1)), data, device="cpu")
    history = caught.value.history
    assert (len(history.validation), history.kept) == (1, None)  # in the first epoch


def test_a_validation_loss_that_is_zero_is_as_good_as_any(toy, monkeypatch):
    module = sys.modules["tricks_lib.lab.train"]
    monkeypatch.setattr(module, "evaluate_model", lambda *_: Metrics(1.0, 0.0, 0.0))
    recipe = replace(MLP, epochs=9, stop=EarlyStopping(patience=2))
    history = fit(recipe, toy().hold_out(16), device="cpu").history
    assert (history.kept, len(history.validation)) == (0, 3)


@pytest.mark.parametrize("when", ["end", "every epoch"])
def test_the_network_is_that_of_the_epoch_with_the_smallest_loss(toy, when):
    data = toy().hold_out(16)
    recipe = replace(RESNET, epochs=12, lr=0.5, stop=EarlyStopping(patience=2))
    run = fit(recipe, data, device="cpu", evaluate=when)
    validation, kept = run.history.validation, run.history.kept
    assert validation[kept] == min(validation)
    assert evaluate(run.model, data, "validation").nll == validation[kept]
    assert run.final == evaluate(run.model, data)
    shorter = fit(replace(recipe, epochs=kept + 1, stop=never), data, device="cpu")
    assert same_weights(run, shorter)


def test_an_epoch_that_was_not_trained_to_its_end_has_no_mean():
    assert History(loss=[1.0, 3.0, 5.0], steps_per_epoch=2).epoch_losses() == [2.0]
    assert History(loss=[1.0], steps_per_epoch=2).epoch_losses() == []
    assert History().epoch_losses() == []


def test_a_run_that_stops_early_counts_the_epochs_that_there_were(toy):
    data = toy().hold_out(16)
    recipe = replace(MLP, epochs=50, lr=0.5, stop=EarlyStopping(patience=2))
    curves = LiveCurves()
    run = fit(recipe, data, device="cpu", evaluate="every epoch", watch=curves.of("stopped"))
    epochs = len(run.history.validation)
    assert epochs < 50
    losses = run.history.epoch_losses()
    per_epoch = len(run.history.loss) // epochs
    assert losses == pytest.approx(np.mean(np.split(np.array(run.history.loss), epochs), axis=1))
    assert (len(losses), run.history.steps_per_epoch) == (epochs, per_epoch)
    assert run.final == run.history.epochs[run.history.kept]
    assert final_metrics(run, data)["train_loss"] == losses[run.history.kept]
    assert curves.curves["stopped"] == losses
    curves.add("again", run)
    assert curves.curves["again"] == losses


@pytest.mark.parametrize(
    ("stop", "when", "looked"),
    [
        (never, None, {"train"}),
        (never, "end", {"train", "test"}),
        (EarlyStopping(1), None, {"train", "validation"}),
        (EarlyStopping(1), "every epoch", {"train", "validation", "test"}),
    ],
)
def test_no_image_is_looked_at_unless_asked(toy, monkeypatch, stop, when, looked):
    module = sys.modules["tricks_lib.lab.metrics"]
    asked = set()

    def choose(data, name):
        asked.add(name)
        return choose_split(data, name)

    monkeypatch.setattr(module, "choose_split", choose)
    run = fit(replace(MLP, stop=stop), toy().hold_out(16), device="cpu", evaluate=when)
    assert asked == looked
    assert (run.metrics is None) == (when is None)


@pytest.mark.parametrize("when", ["test", "never", True])
def test_when_to_evaluate_is_one_of_three(toy, when):
    with pytest.raises(ValueError, match="evaluate must be None, 'end' or 'every epoch'"):
        fit(MLP, toy(), evaluate=when)


def test_losses_of_a_gpu_are_read_in_lots():
    history = History(steps_per_epoch=10)
    losses = Losses(MLP, history, torch.device("cuda"))  # only its name is looked at
    for step in range(32):
        assert history.loss == []
        losses.add(torch.tensor(float(step)), lr=step / 10)
    assert history.loss == list(range(32))
    assert history.lr == [step / 10 for step in range(32)]
    for step in range(32, 63):
        losses.add(torch.tensor(math.nan if step >= 40 else float(step)), lr=0.5)
    assert len(history.loss) == 32
    with pytest.raises(Diverged, match=r"became nan at step 40 \(epoch 4.00, learning rate 0.5\)"):
        losses.read()
    assert history.loss[:-1] == list(range(40))


def test_reading_twice_reads_once():
    history = History()
    losses = Losses(MLP, history, torch.device("cuda"))
    losses.read()
    losses.add(torch.tensor(1.0), 0.1)
    losses.read()
    losses.read()
    assert history == History(loss=[1.0], lr=[0.1])


# --- Batches ---


@given(count=st.integers(1, 60), size=st.integers(1, 70), seed=st.integers(0, 2**32))
def test_batches_deal_out_the_images_once(toy, count, size, seed):
    data = toy(train=count)
    dealt = list(batches(data, size, torch.Generator().manual_seed(seed)))
    recipe = replace(MLP, batch_size=size)
    assert len(dealt) == steps_per_epoch(recipe, data) == max(1, count // size)
    ids = torch.cat([images[:, 0, -1, -1] for images, _ in dealt]).tolist()
    assert len(set(ids)) == len(ids) == len(dealt) * min(size, count)
    assert set(ids) <= set(range(count))
    for images, targets in dealt:
        assert images.dtype == torch.uint8
        labels = images[:, 0, -1, -1] % 4
        assert torch.equal(targets, F.one_hot(labels.long(), 4).float())
    again = list(batches(data, size, torch.Generator().manual_seed(seed)))
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(dealt, again, strict=True))


def test_a_batch_larger_than_the_data_is_all_of_it(toy):
    data = toy(train=20)
    large = fit(replace(MLP, batch_size=1000), data, device="cpu")
    exact = fit(replace(MLP, batch_size=20), data, device="cpu")
    assert large.history == exact.history
    assert len(large.history.loss) == 2
    assert large.history.lr == [0.05, 0.05]


# --- Devices ---


def test_the_best_device_is_picked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert pick_device() == torch.device("cuda:0")
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert pick_device() == torch.device("cuda:2")
    assert pick_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device() == torch.device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device() == torch.device("cpu")


def test_a_cpu_computes_in_float32():
    with precision(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
