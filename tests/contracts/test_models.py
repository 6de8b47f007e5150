"""What every network promises."""

import copy

import pytest
import torch
from torch import nn

from .discovery import each, files_of, text_of
from .parameters import idle_parameters

every = pytest.mark.parametrize("build", each("models"))


def pictures(shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@every
@pytest.mark.parametrize("shape", [(4, 1, 28, 28), (2, 3, 32, 32), (3, 3, 13, 21)], ids=str)
@pytest.mark.parametrize("classes", [2, 10])
def test_it_turns_images_into_logits(build, shape, classes):
    model = build(shape[1], classes)
    assert isinstance(model, nn.Module), "a model is a torch.nn.Module"
    assert all(module.training for module in model.modules()), "it is built in training mode"
    images = pictures(shape)
    logits = model(images)
    assert logits.shape == (shape[0], classes), "one logit for each image and class"
    assert logits.dtype == torch.float32
    assert logits.isfinite().all(), "a logit is infinite or NaN"
    assert torch.equal(images, pictures(shape)), "the images were changed in place"


@every
def test_every_parameter_gets_a_gradient(build):
    torch.manual_seed(0)
    model = build(3, 5)
    images = pictures((8, 3, 28, 28))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model(images).logsumexp(dim=1).sum().backward()
    optimizer.step()  # a block that begins as its shortcut learns its own part from here on
    model(images).logsumexp(dim=1).sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == [], "these parameters get no gradient"


@every
def test_a_seed_of_torch_repeats_it(build, repeat):
    first, second = repeat(lambda: build(1, 10))
    other, _ = repeat(lambda: build(1, 10), seed=1)
    same = all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    assert same, "weights are drawn from another generator than torch's"
    same = all(map(torch.equal, first.parameters(), other.parameters()))
    assert not same, "another seed gives the same weights"


def as_built(build):
    """What a network is made of, and what it answers in training."""
    torch.manual_seed(0)
    model = build(3, 5)
    return repr(model), list(model.parameters()), model(pictures((8, 3, 12, 12)))


@pytest.mark.parametrize("trick", files_of("models"))
def test_every_parameter_does_something(trick):
    idle = list(idle_parameters(trick, as_built))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_the_batch_is_treated_as_a_whole(build, loops_over_images):
    model = build(3, 5)

    def prepare(count):
        images = pictures((count, 3, 8, 8))
        return lambda: model(images)

    problem = loops_over_images(text_of(build), prepare, few=128)
    if problem:
        pytest.fail(problem, pytrace=False)


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
    assert not torch.equal(model(images), other(images)), "two fresh networks answer alike"
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(model(images), other(images)), "state_dict does not hold all of it"


@every
def test_it_is_a_value(build, rebuild, repeat):
    expected, _ = repeat(lambda: build(1, 4))
    found, _ = repeat(lambda: rebuild(build)(1, 4))
    assert str(found) == str(expected), "what a record holds builds another network"
    same = all(map(torch.equal, found.parameters(), expected.parameters()))
    assert same, "what a record holds draws other weights"
