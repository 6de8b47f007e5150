"""What every network promises. A new one is added to MODELS, and nowhere else."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from tricks_lib import (
    Recipe,
    he_,
    initialized,
    mlp,
    models,
    small_resnet,
    xavier_,
    zero_last_gamma_,
)

MODELS = [
    small_resnet,
    partial(small_resnet, width=5, depths=(1, 2), stem_stride=1),
    mlp,
    partial(mlp, hidden=(), size=7),
    partial(mlp, hidden=(20,), batch_norm=True, dropout=0.3),
    partial(small_resnet, width=4, batch_norm=False),
    partial(small_resnet, width=4, dropout=0.5),
    partial(initialized, build=mlp, init=he_),
    partial(initialized, build=small_resnet, init=xavier_),
    partial(initialized, build=small_resnet, init=zero_last_gamma_),
]

every = pytest.mark.parametrize("build", MODELS, ids=repr)


def pictures(shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_list_is_complete(assert_complete):
    assert_complete(models, MODELS)
    assert Recipe().model in MODELS


@every
@pytest.mark.parametrize("shape", [(4, 1, 28, 28), (2, 3, 32, 32), (3, 3, 13, 21)], ids=str)
@pytest.mark.parametrize("classes", [2, 10])
def test_it_turns_images_into_logits(build, shape, classes):
    model = build(shape[1], classes)
    assert isinstance(model, nn.Module)
    assert all(module.training for module in model.modules())
    images = pictures(shape)
    logits = model(images)
    assert logits.shape == (shape[0], classes)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert torch.equal(images, pictures(shape))


@every
def test_every_parameter_gets_a_gradient(build):
    torch.manual_seed(0)
    model = build(3, 5)
    images = pictures((8, 3, 28, 28))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model(images).logsumexp(dim=1).sum().backward()
    optimizer.step()  # a block that begins as its shortcut learns its own part from here on
    model(images).logsumexp(dim=1).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


@every
def test_a_seed_of_torch_repeats_it(build, repeat):
    first, second = repeat(lambda: build(1, 10))
    other, _ = repeat(lambda: build(1, 10), seed=1)
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    assert not all(map(torch.equal, first.parameters(), other.parameters()))


@every
def test_in_evaluation_each_image_stands_alone(build):
    model = build(3, 5)
    images = pictures((6, 3, 28, 28))
    model(images)  # moves running statistics, where there are any
    model.eval()
    alone = torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(model(images), alone, rtol=1e-4, atol=1e-5)


@every
def test_memory_layout_does_not_matter(build):
    model = build(3, 5).eval()
    images = pictures((4, 3, 28, 28))
    expected = model(images)
    other = copy.deepcopy(model).to(memory_format=torch.channels_last)
    found = other(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@every
def test_weights_can_be_saved_and_loaded(build, tmp_path):
    model, other = build(3, 5).eval(), build(3, 5).eval()
    images = pictures((4, 3, 28, 28))
    assert not torch.equal(model(images), other(images))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(model(images), other(images))


@every
def test_it_is_a_value(build, rebuild, repeat):
    expected, _ = repeat(lambda: build(1, 4))
    found, _ = repeat(lambda: rebuild(build)(1, 4))
    assert str(found) == str(expected)
    assert all(map(torch.equal, found.parameters(), expected.parameters()))
