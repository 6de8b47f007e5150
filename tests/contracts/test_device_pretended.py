"""The device that is none: every kind of fault put in on purpose is found, and nothing else."""

import copy
import warnings
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from tricks_lib.augment.autoaugment import _table

from .device import DEVICES, META, Cuda, DeviceFault, Pretended, forget


class Tensors:
    """What the calls are made with, here or on a device."""

    def __init__(self, device="cpu"):
        self.device = torch.device(device)
        self.numbers = torch.arange(6.0).view(2, 3).to(device)
        self.mask = (torch.arange(6).view(2, 3) % 2 == 0).to(device)
        self.rows = torch.tensor([1, 0, 1]).to(device)
        self.bytes = torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4).to(device)
        self.one = torch.tensor(1.5).to(device)


HERE = Tensors()
"""What lies on the CPU, whatever the device."""


def on_cpu(result):
    """A result with its tensors on the CPU."""
    return tree_map(lambda part: part.cpu() if isinstance(part, Tensor) else part, result)


def named(calls):
    return [pytest.param(call, id=name) for name, call in calls.items()]


def changed(tensor, place, value):
    """A copy of the tensor in which a place was overwritten."""
    tensor = tensor.clone()
    tensor[place] = value
    return tensor


def written_into(target, change):
    """What a function that writes into its argument makes of a copy."""
    target = target.clone()
    change(target)
    return target


def gradient_of(function, tensor):
    leaf = tensor.clone().requires_grad_()
    function(leaf).sum().backward()
    return leaf.grad


def layer(device):
    """A layer with the same weights at every call."""
    torch.manual_seed(0)
    return nn.Linear(3, 2).to(device, non_blocking=True)


# --- What a device refuses ---

REFUSED = {
    "a sum of two devices": lambda t: t.numbers + HERE.numbers,
    "the same the other way round": lambda t: HERE.numbers * t.numbers,
    "a number of the device on a tensor of the CPU": lambda t: HERE.numbers * t.one,
    "a sum in place": lambda t: written_into(t.numbers, lambda x: x.add_(HERE.numbers)),
    "a sum into a number of the CPU": lambda t: written_into(HERE.one, lambda x: x.add_(t.one)),
    "a choice by a mask of the CPU": lambda t: torch.where(HERE.mask, t.numbers, 0.0),
    "a fill by a mask of the CPU": lambda t: t.numbers.masked_fill(HERE.mask, 0.0),
    "a matrix product": lambda t: t.numbers @ HERE.numbers.T,
    "a concatenation": lambda t: torch.cat((t.numbers, HERE.numbers)),
    "a stack with a number of the CPU": lambda t: torch.stack((t.one, HERE.one)),
    "rows taken by positions of the CPU": lambda t: t.numbers.index_select(0, HERE.rows),
    "rows of the CPU taken by the device": lambda t: HERE.numbers.index_select(0, t.rows),
    "positions of the device in a tensor of the CPU": lambda t: HERE.numbers[t.rows],
    "a mask of the device on a tensor of the CPU": lambda t: HERE.numbers[t.mask],
    "gathering by positions of the CPU": lambda t: t.numbers.gather(1, HERE.rows[:2, None]),
    "values of the CPU put at positions": lambda t: changed(t.numbers, t.rows[:2], HERE.numbers),
    "a loss against targets of the CPU": lambda t: F.cross_entropy(t.numbers, HERE.numbers),
    "a network that stayed behind": lambda t: nn.Linear(3, 2)(t.numbers),
    "images that stayed behind": lambda t: layer(t.device)(HERE.numbers),
    "a network half of which was moved": lambda t: nn.Sequential(layer(t.device), nn.Linear(2, 2))(
        t.numbers
    ),
    "a list of tensors": lambda t: torch._foreach_add([t.numbers], [HERE.numbers]),
    "a generator of the device on the CPU": lambda t: torch.rand(
        3, generator=torch.Generator(t.device)
    ),
    "a generator of the CPU": lambda t: torch.rand(3, generator=torch.Generator(), device=t.device),
    "an array of numpy": lambda t: t.numbers.numpy(),
}


@pytest.mark.parametrize("call", named(REFUSED))
@pytest.mark.parametrize("strict", [False, True])
def test_what_a_device_refuses_is_refused(call, strict):
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
        ask = accelerator.without_waiting if strict else lambda call: call()
        with pytest.raises(RuntimeError) as raised:
            ask(partial(call, there))
        words = "two devices", "its own device", "numpy() is not supported"
        assert any(word in str(raised.value) for word in words)


# --- What waits ---

WAITS = {
    "item": lambda t: t.one.item(),
    "tolist": lambda t: t.numbers.tolist(),
    "bool": lambda t: bool(t.mask.any()),
    "an if": lambda t: 1 if t.one > 0 else 2,
    "int": lambda t: int(t.one),
    "float": lambda t: float(t.one),
    "a range": lambda t: list(range(t.rows[0])),
    "in": lambda t: 3.0 in t.numbers,
    "a slice up to a value": lambda t: t.numbers[: t.rows[0]],
    "a row by a number of the device": lambda t: t.numbers[t.rows[0]],
    "equal": lambda t: torch.equal(t.numbers, t.numbers),
    "allclose": lambda t: torch.allclose(t.numbers, t.numbers),
    "cpu": lambda t: t.numbers.cpu(),
    "to the CPU without blocking": lambda t: t.numbers.to("cpu", non_blocking=True),
    "a copy into a tensor of the CPU": lambda t: written_into(
        HERE.numbers, lambda x: x.copy_(t.numbers)
    ),
    "a number put into a tensor of the CPU": lambda t: changed(HERE.numbers, 0, t.one),
    "a copy to the device": lambda t: HERE.numbers.to(t.device),
    "a copy to the device of a tensor": lambda t: HERE.numbers.to(t.numbers),
    "a copy with a change of type": lambda t: HERE.numbers.to(t.device, torch.float64),
    "a copy of a number": lambda t: HERE.one.to(t.device),
    "a copy into a tensor of the device": lambda t: written_into(
        t.numbers, lambda x: x.copy_(HERE.numbers)
    ),
    "a copy into a part": lambda t: changed(t.numbers, slice(None), HERE.numbers),
    "a list made a tensor": lambda t: torch.tensor([1.0, 2.0], device=t.device),
    "a list made a tensor like another": lambda t: t.numbers.new_tensor([1.0, 2.0]),
    "an array made a tensor": lambda t: torch.as_tensor(np.ones(3), device=t.device),
    "a network moved": lambda t: (
        nn.utils.parameters_to_vector(nn.Linear(2, 2).to(t.device).parameters()).shape
    ),
    "nonzero": lambda t: t.mask.nonzero(),
    "where alone": lambda t: torch.where(t.mask),
    "argwhere": lambda t: torch.argwhere(t.mask),
    "masked_select": lambda t: t.numbers.masked_select(t.mask),
    "a mask as an index": lambda t: t.numbers[t.mask],
    "a mask of rows": lambda t: t.numbers[t.mask.any(dim=1)],
    "values put by a mask": lambda t: changed(t.numbers, t.mask, t.one),
    "a number put at positions": lambda t: changed(t.numbers, t.rows, 3.0),
    "unique": lambda t: t.rows.unique(),
    "unique in a dimension": lambda t: t.numbers.unique(dim=0),
    "unique_consecutive": lambda t: t.rows.unique_consecutive(),
    "bincount": lambda t: t.rows.bincount(minlength=4),
    "histc": lambda t: t.numbers.histc(3),
    "one_hot of any number of classes": lambda t: F.one_hot(t.rows),
    "repeat_interleave": lambda t: t.numbers[0].repeat_interleave(t.rows),
    "eigenvectors": lambda t: torch.linalg.eigh(t.numbers @ t.numbers.T)[0],
    "positions of the CPU": lambda t: t.numbers[HERE.rows],
    "a mask of the CPU": lambda t: t.numbers[HERE.mask],
    "positions of both": lambda t: t.numbers[t.rows, HERE.rows],
    "put at positions of the CPU": lambda t: changed(t.numbers, HERE.rows, t.one),
    "put by a mask of the CPU": lambda t: changed(t.numbers, HERE.mask, 0.0),
    "a number of the CPU put at positions": lambda t: changed(t.numbers, t.rows, HERE.one),
    "a gradient for a number of the CPU": lambda t: gradient_of(lambda x: t.numbers * x, HERE.one),
}


@pytest.mark.parametrize("call", named(WAITS))
def test_what_waits_is_refused_where_nothing_may_wait(call):
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
        found = on_cpu(call(there))  # elsewhere it is right
        with pytest.raises(DeviceFault, match=r"wait|depends on"):
            accelerator.without_waiting(partial(call, there))
    torch.testing.assert_close(found, call(HERE))


@pytest.mark.parametrize(
    "call",
    named(
        {
            "a list as an index": lambda t: t.numbers[[1, 0]],
            "a gradient that waits": lambda t: gradient_of(lambda x: Waiting.apply(x), t.numbers),
        }
    ),
)
def test_what_waits_elsewhere_is_found_too(call):
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
        with pytest.raises(DeviceFault):
            accelerator.without_waiting(partial(call, there))


class Waiting(torch.autograd.Function):
    """A function whose gradient looks at values."""

    @staticmethod
    def forward(context, tensor):
        return tensor.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * gradient.max().item()


# --- What is right ---


def trained(device):
    """The weights of a small network after steps of several optimizers."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    )
    model = model.to(device, non_blocking=True).to(memory_format=torch.channels_last)
    images = torch.randn(5, 3, 4, 4).to(device, non_blocking=True)
    targets = torch.rand(5, 3).to(device, non_blocking=True)
    for make in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):
        optimizer = make(model.parameters(), 0.01)
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(model(images), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return list(model.parameters())


RIGHT = {
    "a copy that does not block": lambda t: HERE.numbers.to(t.device, non_blocking=True) + t.one,
    "a copy with type and order": lambda t: HERE.bytes.to(
        t.device, torch.float32, non_blocking=True, memory_format=torch.channels_last
    ),
    "a copy like another": lambda t: HERE.rows.to(t.numbers, non_blocking=True),
    "a copy into one that does not block": lambda t: written_into(
        t.numbers, lambda x: x.copy_(HERE.numbers, non_blocking=True)
    ),
    "to where it is": lambda t: t.numbers.to(t.device).to(t.device, torch.float64),
    "a number of Python": lambda t: 2 * t.numbers + 1,
    "a number of the CPU": lambda t: HERE.one * t.numbers,
    "a number of the CPU in place": lambda t: written_into(t.numbers, lambda x: x.mul_(HERE.one)),
    "numbers to choose between": lambda t: torch.where(t.mask, t.numbers, HERE.one),
    "a fill with a number of the CPU": lambda t: t.numbers.masked_fill(t.mask, HERE.one),
    "a part filled with a number of the CPU": lambda t: changed(t.numbers, 0, HERE.one),
    "a blend with a weight of the CPU": lambda t: t.numbers.lerp(t.numbers + 1, HERE.one),
    "made on the device": lambda t: torch.arange(6.0, device=t.device).view(2, 3) + t.numbers,
    "made like another": lambda t: torch.zeros_like(t.numbers) + t.numbers.new_ones(()),
    "a full one": lambda t: torch.full((2, 3), 0.5, device=t.device) * t.numbers,
    "rows by index_select": lambda t: t.numbers.index_select(0, t.rows),
    "rows by positions": lambda t: t.numbers[t.rows],
    "put at positions": lambda t: changed(t.numbers, t.rows[:2], t.numbers),
    "a number put by a mask": lambda t: changed(t.numbers, t.mask, 0.0),
    "a part overwritten": lambda t: changed(t.numbers, slice(1), t.numbers[1:]),
    "a row by a number of the CPU": lambda t: t.numbers[HERE.rows[0]],
    "a table": lambda t: torch.eye(4, device=t.device)[t.rows],
    "gather": lambda t: t.numbers.gather(1, t.rows[:2, None]),
    "one_hot of known classes": lambda t: F.one_hot(t.rows, 4),
    "repeat_interleave of known length": lambda t: t.numbers[0].repeat_interleave(
        t.rows, output_size=2
    ),
    "counts without bincount": lambda t: torch.zeros(4, device=t.device).scatter_add_(
        0, t.rows, torch.ones(3, device=t.device)
    ),
    "bits": lambda t: t.numbers.view(torch.int32).bitwise_xor(t.numbers.int()),
    "a view written into": lambda t: written_into(t.numbers, lambda x: x[:, 1].mul_(2)),
    "out": lambda t: torch.maximum(t.numbers, t.numbers + 1, out=torch.empty_like(t.numbers)),
    "parts": lambda t: [part.sum() for part in t.numbers.split(1)],
    "order and layout": lambda t: t.bytes.contiguous(memory_format=torch.channels_last).stride(),
    "a loop over a known number of rows": lambda t: sum(row.sum() for row in t.numbers),
    "a draw that is read on the CPU": lambda t: int(torch.ones(3).sum()) * t.numbers,
    "a mask of the CPU on the CPU": lambda t: HERE.numbers[HERE.mask],
    "no_grad": lambda t: torch.no_grad()(lambda: t.numbers.softmax(dim=1))(),
    "a gradient": lambda t: gradient_of(lambda x: (x * t.mask).square(), t.numbers),
    "a gradient through positions": lambda t: gradient_of(lambda x: x[t.rows], t.numbers),
    "a copied network": lambda t: [*copy.deepcopy(layer(t.device)).parameters()],
    "training": lambda t: trained(t.device),
}


@pytest.mark.parametrize("kind", DEVICES)
@pytest.mark.parametrize("call", named(RIGHT))
def test_what_is_right_gives_no_alarm_and_the_same_as_a_cpu(call, kind):
    with kind() as accelerator:
        there = Tensors(accelerator.device)
        found = on_cpu(accelerator.without_waiting(partial(call, there)))
    torch.testing.assert_close(found, call(HERE), rtol=1e-4, atol=1e-5)


# --- The device itself ---


def test_its_tensors_are_on_it():
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
        results = there.numbers + 1, there.rows[0], torch.zeros(2, device=accelerator.device)
        model = nn.Linear(3, 2).to(accelerator.device)
        for tensor in (*results, *model.parameters(), model(there.numbers)):
            assert tensor.device == META
        assert torch.zeros(2).device.type == "cpu"
        assert all(isinstance(parameter, nn.Parameter) for parameter in model.parameters())


def test_it_draws_by_itself():
    """Draws on the device leave the CPU's generator alone, and are others."""
    with Pretended() as accelerator:
        torch.manual_seed(0)
        there = torch.rand(3, device=accelerator.device)
        torch.randperm(3, device=accelerator.device)
        here = torch.rand(3)
        torch.manual_seed(0)
        assert torch.equal(torch.rand(3), here)
        assert not torch.equal(there.cpu(), here)
        before = torch.meta.get_rng_state()
        first = torch.rand(3, device=accelerator.device)
        torch.meta.set_rng_state(before)
        assert torch.equal(torch.rand(3, device=accelerator.device), first)


def test_it_has_generators():
    with Pretended() as accelerator:

        def drawn(seed):
            generator = torch.Generator(accelerator.device).manual_seed(seed)
            assert generator.device == accelerator.device
            return torch.rand(3, device=accelerator.device, generator=generator).cpu()

        assert torch.equal(drawn(4), drawn(4))
        assert not torch.equal(drawn(4), drawn(5))
        here = torch.Generator().manual_seed(4)
        assert here.device.type == "cpu"
        assert not torch.equal(torch.rand(3, generator=here), drawn(4))
    assert torch.equal(
        torch.rand(3, generator=torch.Generator().manual_seed(4)),
        torch.rand(3, generator=here.manual_seed(4)),
    )


def test_it_waits_again_after_a_fault():
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
        with pytest.raises(DeviceFault):
            accelerator.without_waiting(there.one.item)
        assert there.one.item() == 1.5


def test_nothing_is_left_when_it_is_switched_off():
    state, autocast, generator = torch.get_rng_state(), torch.autocast, torch.Generator
    with Pretended() as accelerator:
        there = Tensors(accelerator.device)
    with pytest.raises(DeviceFault, match="outside of"):
        there.numbers + 1
    assert not hasattr(torch, "meta")
    assert (torch.autocast, torch.Generator) == (autocast, generator)
    assert torch.equal(torch.get_rng_state(), state)
    assert type(torch.zeros(2, device="meta")) is Tensor


def test_caches_of_the_library_are_emptied():
    _table("svhn")
    forget()
    assert _table.cache_info().currsize == 0


def test_the_mode_of_a_real_device_is_left_though_it_warns(monkeypatch):
    """CUDA's debug mode warns when it is first switched on, and a warning is an error here."""
    modes = []

    def switch(mode):
        modes.append(mode)
        if mode == "error":
            warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=2)

    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", switch)
    assert Cuda().without_waiting(lambda: 3) == 3
    assert modes == ["error", "default"]
