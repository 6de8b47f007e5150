"""What every objective promises."""

import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tricks_lib import mlp

from .discovery import WITH_CASE, declared, each, files_of, text_of
from .parameters import idle_parameters

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


TAKE_LABELS = declared("objectives", "take_labels")


@pytest.mark.parametrize("objective", each("objectives", but=TAKE_LABELS))
def test_labels_are_refused_where_rows_are_expected(objective):
    images, _ = batch()
    with pytest.raises(TypeError, match=r"rows of probabilities.*got int64 \(5,\)"):
        objective(network(), images, torch.arange(5))


@pytest.mark.parametrize("objective", TAKE_LABELS, ids=text_of)
def test_labels_are_rows_with_a_one(objective):
    (images, _), labels = batch(), torch.arange(5)
    found, _ = objective(network(), images, labels)
    expected, _ = objective(network(), images, F.one_hot(labels, 10).float())
    torch.testing.assert_close(found, expected)
