import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.loss import SoftTargetCrossEntropy
from torch import nn
from torch.nn import functional as F

from tricks_lib.objectives import cross_entropy


class Fixed(nn.Module):
    """A model that answers with its parameter, and counts how often it is asked."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return self.logits


def draw(seed, batch, classes):
    draws = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, classes, generator=draws, dtype=torch.float64)
    weights = torch.rand(batch, classes, generator=draws, dtype=torch.float64)
    return Fixed(logits), torch.zeros(batch, 1, 2, 2), weights / weights.sum(dim=1, keepdim=True)


cases = given(seed=st.integers(0, 2**32), batch=st.integers(1, 8), classes=st.integers(2, 12))


@cases
def test_loss_is_the_mean_of_minus_q_log_p(seed, batch, classes):
    model, images, targets = draw(seed, batch, classes)
    loss, logits = cross_entropy(model, images, targets)
    z, q = model.logits.detach().numpy(), targets.numpy()
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(loss.item(), -(q * log_p).sum(axis=1).mean(), rtol=1e-12)
    oracle = SoftTargetCrossEntropy()(model.logits, targets)
    torch.testing.assert_close(loss, oracle, rtol=1e-12, atol=1e-12)
    assert logits is model.logits
    assert model.calls == 1


@cases
def test_gradient_is_p_minus_q(seed, batch, classes):
    model, images, targets = draw(seed, batch, classes)
    loss, logits = cross_entropy(model, images, targets)
    loss.backward()
    expected = (logits.softmax(dim=1) - targets).detach() / batch
    torch.testing.assert_close(model.logits.grad, expected, rtol=1e-10, atol=1e-12)


@cases
def test_rows_with_a_one_are_labels(seed, batch, classes):
    model, images, _ = draw(seed, batch, classes)
    labels = torch.arange(batch) % classes
    loss, _ = cross_entropy(model, images, F.one_hot(labels, classes).double())
    oracle = F.cross_entropy(model.logits, labels)
    torch.testing.assert_close(loss, oracle, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.uint8])
def test_labels_are_taken_too(kind):
    model, images, _ = draw(0, 6, 4)
    labels = torch.arange(6) % 4
    loss, _ = cross_entropy(model, images, labels.to(kind))
    torch.testing.assert_close(loss, F.cross_entropy(model.logits, labels), rtol=1e-12, atol=1e-12)


def test_rows_cost_what_they_always_did():
    model, images, targets = draw(0, 6, 4)
    for logits in (model.logits, model.logits.detach().float()):
        rows = targets.to(logits.dtype)
        assert torch.equal(
            cross_entropy(Fixed(logits), images, rows)[0], F.cross_entropy(logits, rows)
        )


def test_what_does_not_fit_is_refused():
    model, images, targets = draw(0, 6, 4)
    for wrong, error, message in (
        (targets[:, :3], ValueError, r"shape of the targets, \(6, 3\).*got \(6, 4\)"),
        (targets[1:], ValueError, r"shape of the targets, \(5, 4\).*got \(6, 4\)"),
        (torch.arange(5), ValueError, "one label for each of 6 images, got 5"),
        (torch.tensor([0, 1, 2, 3, 0, -100]), ValueError, r" 0 \.\.\. 3 .* got -100 "),
        (torch.tensor([0, 1, 2, 3, 0, 4]), ValueError, r" 0 \.\.\. 3 .* got 0 \.\.\. 4"),
        (torch.zeros(6), ValueError, r"rows of probabilities, .*, got the shape \(6,\)"),
        (targets > 0.5, TypeError, "rows of probabilities, .*, got bool"),
        ([0] * 6, TypeError, "rows of probabilities, .*, got list"),
    ):
        with pytest.raises(error, match=message):
            cross_entropy(model, images, wrong)
