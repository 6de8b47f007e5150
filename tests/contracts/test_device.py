"""What every trick promises of a device: all is where it belongs, and nothing waits.

There is always a device to hold this against: one that is pretended, and a real one if it is there.
"""

import copy
import math
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from tricks_lib import (
    Diverged,
    PCAColor,
    Recipe,
    cross_entropy,
    fit,
    load_data,
    mlp,
    principal_colors,
    small_resnet,
)
from tricks_lib.course.standing import distilled
from tricks_lib.course.standing.measure import standing_figures, with_last_networks
from tricks_lib.lab.steps import Training, batches

from .cases import pictures
from .discovery import OPERATIONS, WITH_CASE, declared, each, in_slot, text_of
from .parameters import maker_of, values_of


def moved(value, device):
    """A tensor, or a copy of a value with the networks that it holds, on a device.

    A loss without parameters stays where it was: a recipe does not know its device.
    """
    if isinstance(value, Tensor):
        return value.to(device)
    value = copy.deepcopy(value)
    parts = [value]
    for part in parts:
        if isinstance(part, nn.Module) and list(part.parameters()):
            part.to(device)
        elif hasattr(part, "__dict__") and not isinstance(part, type):
            parts += vars(part).values()
    return value


def tensors_of(value):
    """The tensors in a result."""
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in tensors_of(part)]
    return [value] if isinstance(value, Tensor) else []


def check_same(found, expected, accelerator, share=None):
    """Check that a result is on the device, and is the CPU's but for a share of its numbers."""
    for one, other in zip(tensors_of(found), tensors_of(expected), strict=True):
        assert one.device.type == accelerator.device.type, "a result is not on the device"
        assert (one.shape, one.dtype) == (other.shape, other.dtype), "a shape or type is another"
        far = 1 if one.dtype == torch.uint8 else 1e-3
        apart = (one.detach().cpu().double() - other.detach().double()).abs() > far
        apart = apart.double().mean().item()
        assert apart <= (share or accelerator.apart), (
            "the device gives something else than the CPU: draw on the CPU, and move what was drawn"
        )


def seeded(call, *arguments, seed=0):
    """Call with the same draws each time."""
    torch.manual_seed(seed)
    return call(*arguments)


# --- Augmentations ---

IMAGES = {
    "bytes": pictures((48, 3, 16, 16)),
    "floats": pictures((48, 3, 16, 16), torch.float32),
    "grey": pictures((8, 1, 9, 12)),
    "large": pictures((4, 3, 72, 70)),  # which a CPU may treat one by one
    "one image": pictures((3, 16, 16)),
    "channels_last": pictures((8, 3, 9, 12)).contiguous(memory_format=torch.channels_last),
}
NOISE = declared("augment", "noise")


@pytest.mark.parametrize(
    ("augmentation", "images"),
    [
        pytest.param(example, images, id=f"{text_of(example)}-{name}")
        for case, example in in_slot("augment")
        for name, images in IMAGES.items()
        if images.dtype == torch.uint8 or not case.bytes_only
        if case.channels is None or images.shape[-3] in case.channels
    ],
)
def test_an_augmentation_does_not_wait(augmentation, images, accelerator):
    here = seeded(augmentation, images)
    there = images.to(accelerator.device)
    found = accelerator.without_waiting(lambda: seeded(augmentation, there))
    if any(augmentation is noisy for noisy in NOISE):
        # Other noise, at the same places; by chance it is what it replaces.
        check_same((found == there).int(), (here == images).int(), accelerator, share=0.01)
    else:
        check_same(found, here, accelerator)


# --- Mixing ---


def batch(count=6, size=12):
    draws = torch.Generator().manual_seed(1)
    rows = torch.rand(count, 10, generator=draws)  # soft, as mixing leaves them
    return torch.randn(count, 3, size, size, generator=draws), rows / rows.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("trick", each("mix"))
def test_mixing_does_not_wait(trick, accelerator):
    here = batch()
    there = [part.to(accelerator.device) for part in here]
    for seed in range(5):  # boxes and patches may be empty
        expected = seeded(trick, *here, seed=seed)
        mix = partial(seeded, trick, *there, seed=seed)
        check_same(accelerator.without_waiting(mix), expected, accelerator)


TAKES_LABELS = [
    param for param in each("mix") if getattr(param.values[0], "num_classes", None) is not None
]


@pytest.mark.parametrize("trick", TAKES_LABELS)
def test_mixing_labels_does_not_wait(trick, accelerator):
    images, rows = batch()
    here = images, rows.argmax(dim=1)
    there = [part.to(accelerator.device) for part in here]
    found = accelerator.without_waiting(lambda: seeded(trick, *there))
    check_same(found, seeded(trick, *here), accelerator)


# --- Objectives and networks ---


def network():
    torch.manual_seed(0)
    return mlp(3, 10, hidden=(8,), size=6)


def gradients(model, loss):
    """The loss, and its gradient for every parameter of the model."""
    return [loss, *torch.autograd.grad(loss, list(model.parameters()))]


@pytest.mark.parametrize("objective", each("objectives"))
def test_an_objective_does_not_wait(objective, accelerator):
    def asked(objective, model, images, targets):
        loss, logits = objective(model, images, targets)
        return [*gradients(model, loss), logits]

    expected = asked(objective, network(), *batch())
    there = [moved(part, accelerator.device) for part in (objective, network(), *batch())]
    check_same(accelerator.without_waiting(lambda: asked(*there)), expected, accelerator)


@pytest.mark.parametrize("build", each("models"))
def test_a_network_does_not_wait(build, accelerator):
    def trained(model, images):
        return gradients(model, model.train()(images).logsumexp(dim=1).sum())

    model, (images, _) = seeded(build, 3, 10), batch()
    there = moved(model, accelerator.device), images.to(accelerator.device)
    found = accelerator.without_waiting(lambda: trained(*there))  # it may draw on the device
    assert {part.device.type for part in found} == {accelerator.device.type}
    there = moved(model, accelerator.device).eval(), there[1]
    found = accelerator.without_waiting(lambda: there[0](there[1]))
    check_same(found, model.eval()(images), accelerator)


# --- Pure functions ---

ONCE = [principal_colors]
"""Functions that are called once, before a training, and may wait."""


def principal_axes(images):
    """The principal colours with signs that are fixed: an eigenvector has none of its own, and
    devices choose differently."""
    values, vectors = principal_colors(images)
    largest = vectors.detach().abs().argmax(dim=0, keepdim=True)
    return values, vectors * vectors.detach().gather(0, largest).sign()


FIXED_SIGNS = {principal_colors: principal_axes}

CALLS = [
    pytest.param(call, drawn, compiled, id=" ".join(filter(None, (str(trick), name, how, form))))
    for trick in [*WITH_CASE, *OPERATIONS]
    if trick.case
    for call in trick.case.calls
    for name in [getattr(call.function, "__name__", type(call.function).__name__)]
    for drawn, how in ((False, "all there"), (True, "drawn here"))
    if not drawn or "images" in call.arguments(2)
    for compiled, form in ((False, ""), (True, "as compiled"))
    if not (compiled and call.broken)
]
"""Each call with all its tensors on the device; and, if it takes images, with all but these and
their targets on the CPU, where tricks draw. Both also in the form that is compiled."""


@pytest.mark.parametrize(("call", "drawn", "compiled"), CALLS)
def test_a_pure_function_does_not_wait(call, drawn, compiled, accelerator, monkeypatch):
    here = call.arguments(6)
    given = ("images", "targets") if drawn else tuple(here)
    there = {n: moved(v, accelerator.device) if n in given else v for n, v in here.items()}
    through = [] if call.cut else [n for n in call.reached() if here[n].is_floating_point()]
    through = [name for name in through if there[name].device.type == accelerator.device.type]

    def asked(arguments):
        leaves = {name: arguments[name].clone().requires_grad_() for name in through}
        found = FIXED_SIGNS.get(call.function, call.function)(**arguments | leaves)
        if not leaves:
            return [found]
        total = sum(tensor.sum() for tensor in tensors_of(found))
        return [found, *torch.autograd.grad(total, list(leaves.values()))]

    expected = asked(here)
    if compiled:
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    # What branches on values waits for them, where they are on the device.
    may_wait = (call.broken and not drawn) or any(call.function is function for function in ONCE)
    found = asked(there) if may_wait else accelerator.without_waiting(lambda: asked(there))
    check_same(found, expected, accelerator)


# --- Training ---

FIELDS = {
    maker_of(field.default).__module__.split(".")[1]: field.name
    for field in fields(Recipe)
    if callable(field.default)
}
"""Folder of each slot -> its name in a recipe."""

EXAMPLES = {
    slot: [value for _, example in in_slot(slot) for value in values_of(slot, [example])]
    for slot in FIELDS
}

BASE = Recipe(epochs=1, batch_size=16, lr=0.01)

RECIPES = [
    replace(BASE, **{FIELDS[slot]: values[n % len(values)] for slot, values in EXAMPLES.items()})
    for n in range(max(map(len, EXAMPLES.values())))
]
"""Recipes with a trick in every slot, and every trick in one of them."""

recipes = pytest.mark.parametrize("recipe", RECIPES, ids=map("recipe {}".format, range(99)))


@pytest.fixture
def data(toy):
    return toy(train=64, test=20, channels=3, classes=10, size=12)


@recipes
def test_a_training_step_does_not_wait(recipe, data, accelerator):
    """From the batch to the weights; as an epoch begins, the order of its images may be copied."""
    recipe = replace(recipe, objective=moved(recipe.objective, accelerator.device))
    steps = iter(Training(recipe, data, device=accelerator.device))
    next(steps)
    step = accelerator.without_waiting(lambda: next(steps))
    assert step.loss.device.type == accelerator.device.type
    assert step.loss.isfinite()


@recipes
def test_a_run_on_the_device_is_the_run_on_the_cpu(recipe, data, accelerator):
    noisy = any(recipe.augment is noisy for noisy in NOISE)
    recipe = replace(
        recipe,
        model=partial(mlp, hidden=(12,), size=6),  # that draws nothing while it is trained
        augment=Recipe().augment if noisy else recipe.augment,
    )
    data = data.hold_out(16)
    expected = fit(recipe, data, device="cpu", evaluate="every epoch", on="validation").history
    recipe = replace(recipe, objective=moved(recipe.objective, accelerator.device))
    run = fit(recipe, data, device=accelerator.device, evaluate="every epoch", on="validation")
    assert {part.device.type for part in run.model.parameters()} == {accelerator.device.type}
    assert run.history.lr == expected.lr
    assert run.history.loss == pytest.approx(expected.loss, rel=accelerator.rounding)


DRAWING = replace(BASE, epochs=2, model=partial(small_resnet, width=4, dropout=0.5))
"""A recipe whose network draws where it is trained."""


def test_a_seed_repeats_a_run_on_the_device(data, accelerator):
    module = getattr(torch, accelerator.device.type)
    before = module.get_rng_state()
    first = fit(DRAWING, data, seed=2, device=accelerator.device, evaluate="end")
    assert torch.equal(module.get_rng_state(), before), "the caller's generator has moved"
    torch.rand(3, device=accelerator.device)
    second = fit(DRAWING, data, seed=2, device=accelerator.device, evaluate="end")
    assert (first.history, first.metrics) == (second.history, second.metrics)
    weights = zip(first.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)
    other = fit(DRAWING, data, seed=3, device=accelerator.device)
    assert other.history != first.history


def test_a_run_that_diverges_on_the_device_is_stopped(data, accelerator):
    calls = []

    def broken(model, images, targets):
        calls.append(1)
        loss, logits = cross_entropy(model, images, targets)
        return (loss * math.nan if len(calls) == 3 else loss), logits

    with pytest.raises(Diverged, match="the loss became nan at step 2 ") as caught:
        fit(replace(BASE, objective=broken), data, device=accelerator.device)
    assert caught.value.step == 2


# --- Data ---


def test_data_is_loaded_onto_the_device(accelerator):
    there, here = load_data("digits", device=accelerator.device), load_data("digits", device="cpu")
    assert there.device.type == there.mean.device.type == accelerator.device.type
    assert there.fingerprint() == here.fingerprint()


def test_normalising_does_not_wait(data, accelerator):
    there = data.to(accelerator.device)
    found = accelerator.without_waiting(lambda: there.normalize(there.train.images))
    check_same(found, data.normalize(data.train.images), accelerator)
    found = accelerator.without_waiting(
        lambda: there.denormalize(there.normalize(there.train.images))
    )
    check_same(found, data.train.images, accelerator)


def test_images_may_be_elsewhere_than_their_data(data, accelerator):
    there = data.to(accelerator.device)
    images = data.train.images
    found = data.normalize(there.train.images)
    check_same(found, data.normalize(images), accelerator)
    check_same(data.denormalize(found), images, accelerator)
    assert there.normalize(images).device.type == "cpu"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        lambda data: data.subset(train=20, test=10),
        lambda data: data.subset(train=20, test=10, seed=4),
        lambda data: data.hold_out(12),
        lambda data: data.hold_out(12).subset(validation=5, seed=2),
        lambda data: data.with_label_noise(0.3),
    ],
    ids=["as it is", "the first", "drawn", "held out", "of those", "noisy labels"],
)
def test_data_stays_on_the_device(change, data, accelerator):
    expected, found = change(data), change(data.to(accelerator.device))
    assert found.device.type == accelerator.device.type
    assert found.fingerprint() == expected.fingerprint()
    for name in ("mean", "std"):
        check_same(getattr(found, name), getattr(expected, name), accelerator)
    for name, split in found.splits.items():
        other = expected.splits[name]
        check_same([split.images, split.labels], [other.images, other.labels], accelerator)


def test_batches_are_dealt_on_the_device(data, accelerator):
    def dealt(data):
        return [*batches(data, 20, torch.Generator().manual_seed(2))]

    check_same(dealt(data.to(accelerator.device)), dealt(data), accelerator)


def test_principal_colours_are_those_of_the_device(accelerator):
    images = pictures((8, 3, 9, 9), torch.float32)
    there = PCAColor.of(images.to(accelerator.device))
    assert there.eigenvalues == pytest.approx(PCAColor.of(images).eigenvalues, abs=1e-4)


# --- What the standing settings keep of a run ---


def test_the_figures_of_the_standing_settings_are_taken_on_the_device(data, accelerator):
    there = data.hold_out(16).to(accelerator.device)
    how = {"seed": 0, "evaluate": "end", "on": "test", "device": accelerator.device}
    run = with_last_networks(replace(BASE, epochs=4), there, **how)
    found = standing_figures(run, there)
    assert all(math.isfinite(value) for value in found.values())
    assert found["accuracy"] == found["accuracy_tempered"]


def test_a_student_and_its_teacher_are_on_the_device(toy, accelerator, monkeypatch):
    monkeypatch.setattr(distilled, "pick_device", lambda: accelerator.device)
    sized = toy(train=64, test=20, channels=3, classes=10, size=12).hold_out(16)
    arm = distilled.Distilled(BASE, student=BASE, data=lambda seed: sized)
    assert all(math.isfinite(value) for value in arm(0).values())
