import numpy as np
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
