"""What every objective promises."""

import copy
import math
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.func import functional_call

from tricks_lib import mlp

from .discovery import WITH_CASE, each, files_of, in_slot, text_of
from .parameters import idle_parameters, settings_of

every = pytest.mark.parametrize("objective", each("objectives"))


def network():
    torch.manual_seed(0)
    return mlp(3, 10, hidden=(8,), size=6)


def batch(count=5):
    draws = torch.Generator().manual_seed(1)
    rows = torch.rand(count, 10, generator=draws)  # soft, as mixing leaves them
    return torch.randn(count, 3, 6, 6, generator=draws), rows / rows.sum(dim=1, keepdim=True)


@every
def test_it_returns_a_finite_loss_and_the_logits(objective):
    loss, logits = objective(network(), *batch())
    assert loss.shape == (), "the loss is a scalar"
    assert loss.dtype == torch.float32
    assert loss.isfinite(), "the loss is infinite or NaN"
    assert logits.shape == (5, 10), "logits have a row for each image"
    torch.testing.assert_close(logits, network()(batch()[0]))


@every
def test_every_parameter_gets_a_gradient(objective):
    model = network()
    loss, _ = objective(model, *batch())
    loss.backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == [], "these parameters of the model get no gradient"


@every
@pytest.mark.parametrize("training", [True, False])
def test_inputs_and_model_are_untouched(objective, training):
    model, (images, targets) = network().train(training), batch()
    objective(model, images, targets)
    assert torch.equal(images, batch()[0]), "the images were changed in place"
    assert torch.equal(targets, batch()[1]), "the targets were changed in place"
    same = all(map(torch.equal, model.parameters(), network().parameters()))
    assert same, "the weights were changed"
    assert model.training == training, "the model was left in another mode"


@every
def test_a_seed_of_torch_repeats_it(objective, repeat):
    model = nn.Sequential(nn.Dropout(0.5), network())
    first, second = repeat(lambda: objective(model, *batch()))
    same = all(map(torch.equal, first, second))
    assert same, "something is drawn from another generator than torch's"


@pytest.mark.parametrize("trick", files_of("objectives"))
def test_every_parameter_does_something(trick):
    idle = list(idle_parameters(trick, lambda objective: objective(network(), *batch())))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_the_batch_is_treated_as_a_whole(objective, loops_over_images):
    model = network()

    def prepare(count):
        images, targets = batch(count)
        return lambda: objective(model, images, targets)

    problem = loops_over_images(text_of(objective), prepare)
    if problem:
        pytest.fail(problem, pytrace=False)


@every
def test_it_falls_when_it_is_followed(objective):
    model, (images, targets) = network(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(20):
        loss, _ = objective(model, images, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0], "twenty steps along its gradient have not made it smaller"


NAMES = vars(nn) | {
    name: thing
    for trick in WITH_CASE
    if trick.slot == "objectives"
    for name, thing in trick.names.items()
    if not name.startswith("_")
}
"""What the text of an example may name besides the library's: losses of torch, and own classes."""


@every
def test_it_is_a_value(objective, rebuild):
    expected = objective(network(), *batch())
    for twin in (rebuild(objective, **NAMES), pickle.loads(pickle.dumps(objective))):
        same = all(map(torch.equal, twin(network(), *batch()), expected))
        assert same, "a copy of the value does something else"


@every
def test_labels_are_rows_with_a_one(objective):
    (images, _), labels = batch(), torch.arange(5)
    found, _ = objective(network(), images, labels)
    expected, _ = objective(network(), images, F.one_hot(labels, 10).float())
    torch.testing.assert_close(found, expected)


def in_doubles(value):
    """The same objective with its networks and weights in double precision."""
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).double()
    if not hasattr(value, "__dataclass_fields__"):
        return value
    return replace(value, **{f.name: in_doubles(getattr(value, f.name)) for f in fields(value)})


class Asked(nn.Module):
    """A model with an objective, as a function of the model's weights."""

    def __init__(self, objective, model):
        super().__init__()
        self.model, self.asked = model, lambda *batch: objective(model, *batch)[0]

    def forward(self, images, targets):
        return self.asked(images, targets)


@every
@pytest.mark.parametrize("kind", ["rows", "labels"])
def test_its_gradient_is_right(objective, kind):
    images, rows = (part.double() for part in batch())
    targets = rows if kind == "rows" else torch.arange(5)
    asked = Asked(in_doubles(objective), network().double())
    names = [name for name, _ in asked.named_parameters()]

    def loss(*weights):
        named = dict(zip(names, weights, strict=True))
        return functional_call(asked, named, (images, targets))

    weights = [parameter.detach().requires_grad_() for parameter in asked.parameters()]
    assert torch.autograd.gradcheck(loss, weights)


NUMBERS = [
    pytest.param(objective, name, id=f"{text_of(objective)}, {name}")
    for _, objective in in_slot("objectives")
    for name, value in settings_of(objective, "objectives").items()
    if isinstance(value, float)
]


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
@pytest.mark.parametrize(("objective", "name"), NUMBERS)
def test_it_is_compiled_once_for_all_its_numbers(objective, name):
    torch.compiler.reset()
    graphs = CompileCounterWithBackend("aot_eager")
    model, (images, targets) = network(), batch()
    compiled = torch.compile(
        lambda value: value(model, images, targets)[0], backend=graphs, fullgraph=True
    )
    for step in range(1, 9):
        value = replace(objective, **{name: step / 10})
        torch.testing.assert_close(compiled(value), value(model, images, targets)[0])
    # The first number is taken for a constant, the second shows that it is none.
    assert graphs.frame_count <= 2, f"torch.compile makes a new graph for each new {name}"


@pytest.mark.parametrize(("objective", "name"), NUMBERS)
def test_numbers_may_be_numpys(objective, name):
    value = getattr(objective, name)
    found = replace(objective, **{name: np.float64(value)})
    assert type(getattr(found, name)) is float, "numpy's numbers are to become Python's"
    assert all(map(torch.equal, found(network(), *batch()), objective(network(), *batch())))


@pytest.mark.parametrize(("objective", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["0.1", None, math.nan, math.inf, -1, True])
def test_what_is_no_number_is_refused_by_name(objective, name, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be a number "):
        replace(objective, **{name: value})
