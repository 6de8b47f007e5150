import math

import pytest
import torch
import torch.nn.functional as F
from timm.loss import LabelSmoothingCrossEntropy
from torch import nn

from tricks_lib import LabelSmoothingLoss, from_he, smooth_targets, supervised

epsilons = pytest.mark.parametrize("epsilon", [0.0, 0.05, 0.1, 0.5, 1.0])


def sample(classes=7, count=20):
    labels = torch.randint(classes, (count,))
    return (
        3 * torch.randn(count, classes, dtype=torch.float64),
        labels,
        F.one_hot(labels, classes).double(),
    )


@epsilons
def test_szegedys_definition_is_torchs(epsilon):
    logits, labels, targets = sample()
    found = LabelSmoothingLoss(epsilon)(logits, targets).item()
    assert found == pytest.approx(
        F.cross_entropy(logits, labels, label_smoothing=epsilon).item(), abs=1e-12
    )
    if epsilon < 1:
        assert found == pytest.approx(
            LabelSmoothingCrossEntropy(epsilon)(logits, labels).item(), abs=1e-12
        )


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5])
def test_hes_definition_by_conversion(epsilon):
    logits, labels, targets = sample()
    q = torch.full_like(targets, epsilon / 6)
    q[torch.arange(20), labels] = 1 - epsilon
    converted = from_he(epsilon, 7)
    torch.testing.assert_close(smooth_targets(targets, converted), q, rtol=0, atol=1e-15)
    by_hand = -(q * logits.log_softmax(1)).sum(1).mean()
    assert LabelSmoothingLoss(converted)(logits, targets).item() == pytest.approx(
        by_hand.item(), abs=1e-12
    )
    theirs = F.cross_entropy(logits, labels, label_smoothing=epsilon * 7 / 6)
    assert by_hand.item() == pytest.approx(theirs.item(), abs=1e-12)


def test_where_the_ends_of_hes_range_are():
    assert from_he(0.0, 2) == 0
    assert from_he(0.5, 2) == 1
    for epsilon, classes, error in (
        (0.51, 2, ValueError),
        (-0.1, 5, ValueError),
        (0.1, 1, ValueError),
        (0.1, 2.0, TypeError),
    ):
        with pytest.raises(error, match="must be a"):
            from_he(epsilon, classes)


@pytest.mark.parametrize("classes", [2, 10])
def test_floor_is_the_entropy_of_the_target(classes):
    q = smooth_targets(torch.eye(classes, dtype=torch.float64), 0.1)
    loss = LabelSmoothingLoss(0.1)(q.log(), torch.eye(classes, dtype=torch.float64))
    assert loss.item() == pytest.approx(-(q[0] * q[0].log()).sum().item(), abs=1e-12)
    if classes == 10:
        assert loss.item() == pytest.approx(0.5003, abs=5e-5)
        assert (q[0, 0] / q[0, 1]).log().item() == pytest.approx(4.511, abs=5e-4)


def test_gradient_is_p_minus_q():
    logits, _, targets = sample()
    logits.requires_grad_()
    loss = LabelSmoothingLoss(0.2)
    loss(logits, targets).backward()
    expected = (logits.softmax(1) - smooth_targets(targets, 0.2)) / 20
    torch.testing.assert_close(logits.grad, expected.detach(), rtol=0, atol=1e-12)
    small = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: loss(z, targets[:3, :4]), small)


def test_soft_targets_are_smoothed_too():
    rows = torch.rand(5, 3, dtype=torch.float64)
    rows /= rows.sum(1, keepdim=True)
    smoothed = smooth_targets(rows, 0.3)
    torch.testing.assert_close(smoothed, 0.7 * rows + 0.1)
    torch.testing.assert_close(smoothed.sum(1), torch.ones(5, dtype=torch.float64))


def test_supervised_runs_the_model():
    model, images = nn.Flatten(), torch.randn(20, 7, 1, 1, dtype=torch.float64)
    _, _, targets = sample()
    loss, logits = supervised(nn.CrossEntropyLoss())(model, images, targets)
    assert torch.equal(logits, images.flatten(1))
    assert loss == F.cross_entropy(logits, targets)


def test_what_is_refused():
    for epsilon, error in (
        (-0.1, ValueError),
        (1.1, ValueError),
        (math.nan, ValueError),
        ("a", TypeError),
    ):
        for build in (LabelSmoothingLoss, lambda e: smooth_targets(torch.eye(2), e)):
            with pytest.raises(error, match="epsilon must be a number >= 0 and <= 1, got"):
                build(epsilon)
    logits, labels, targets = sample()
    with pytest.raises(
        TypeError, match=r"rows of probabilities, float \(B, K\), got int64 \(20,\)"
    ):
        LabelSmoothingLoss()(logits, labels)
    with pytest.raises(ValueError, match=r"shape of the targets, \(20, 7\).*got \(20, 6\)"):
        LabelSmoothingLoss()(logits[:, :6], targets)
    with pytest.raises(
        TypeError, match=r"logits must be floating-point numbers .* got torch.int64"
    ):
        LabelSmoothingLoss()(logits.long(), targets)
    for loss in (None, 0.1, nn.CrossEntropyLoss):
        with pytest.raises(TypeError, match="loss must be a loss, such as LabelSmoothingLoss"):
            supervised(loss)
