import math

import numpy as np
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


# --- Labels, and weights of the classes ---


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.uint8])
def test_labels_are_rows_with_a_one(kind):
    logits, labels, targets = sample()
    found = smooth_targets(labels.to(kind), 0.3, num_classes=7)
    torch.testing.assert_close(found, smooth_targets(targets.float(), 0.3), rtol=0, atol=0)
    loss = LabelSmoothingLoss(0.3)
    assert torch.equal(loss(logits, labels.to(kind)), loss(logits, targets))


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
def test_logits_of_any_type(kind):
    logits, labels, targets = sample()
    logits = logits.to(kind)
    expected = F.cross_entropy(logits.double(), labels, label_smoothing=0.1).item()
    for given in (labels, targets.float(), targets):
        found = LabelSmoothingLoss(0.1)(logits, given)
        assert found.item() == pytest.approx(expected, rel=1e-6), "computed in too few digits"


WEIGHT = torch.tensor([0.5, 1.0, 2.0, 0.0, 1.5, 0.25, 3.0], dtype=torch.float64)


@epsilons
def test_weighted_by_class_it_is_torchs_for_labels(epsilon):
    logits, labels, targets = sample()
    loss = LabelSmoothingLoss(epsilon, weight=WEIGHT)
    theirs = F.cross_entropy(logits, labels, weight=WEIGHT, label_smoothing=epsilon)
    assert loss(logits, labels).item() == pytest.approx(theirs.item(), rel=1e-12)
    assert loss(logits, targets).item() == pytest.approx(theirs.item(), rel=1e-12)
    torchs_class = nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=epsilon)
    assert loss(logits, labels).item() == pytest.approx(torchs_class(logits, labels).item())


@epsilons
def test_of_rows_torch_divides_by_the_number_of_images(epsilon):
    logits, labels, targets = sample()
    loss = LabelSmoothingLoss(epsilon, weight=WEIGHT)
    theirs = F.cross_entropy(logits, targets, weight=WEIGHT, label_smoothing=epsilon)
    factor = WEIGHT[labels].sum() / 20
    assert loss(logits, targets).item() * factor.item() == pytest.approx(theirs.item(), rel=1e-12)
    assert abs(factor - 1) > 0.01
    # Of mixed rows the same, with the weight of a mixture in the place of the label's.
    rows = 0.3 * targets + 0.7 * targets.flip(0)
    theirs = F.cross_entropy(logits, rows, weight=WEIGHT, label_smoothing=epsilon)
    factor = (rows @ WEIGHT).sum() / 20
    assert loss(logits, rows).item() * factor.item() == pytest.approx(theirs.item(), rel=1e-12)


def test_the_gradient_of_the_weighted_loss():
    logits, labels, _ = sample()
    logits.requires_grad_()
    (found,) = torch.autograd.grad(LabelSmoothingLoss(0.2, WEIGHT)(logits, labels), logits)
    theirs = F.cross_entropy(logits, labels, weight=WEIGHT, label_smoothing=0.2)
    (expected,) = torch.autograd.grad(theirs, logits)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_equal_weights_are_none():
    logits, labels, _ = sample()
    plain = LabelSmoothingLoss(0.1)(logits, labels).item()
    for weight in ([2.0] * 7, torch.ones(7), np.ones(7), [3] * 7):
        weighted = LabelSmoothingLoss(0.1, weight=weight)(logits, labels)
        assert weighted.item() == pytest.approx(plain, rel=1e-12)


def test_weights_are_the_losss_own_and_go_where_it_goes():
    given = WEIGHT.clone()
    loss = LabelSmoothingLoss(0.1, weight=given)
    given.zero_()
    assert torch.equal(loss.weight, WEIGHT)
    assert loss.float().weight.dtype == torch.float32
    assert LabelSmoothingLoss(0.1).state_dict() == {}
    assert repr(LabelSmoothingLoss(0.1)) == "LabelSmoothingLoss(epsilon=0.1)"
    assert repr(LabelSmoothingLoss(0.1, [0.5, 1])) == (
        "LabelSmoothingLoss(epsilon=0.1, weight=(0.5, 1.0))"
    )


@pytest.mark.parametrize(
    ("weight", "error"),
    [
        ([1, -1], ValueError),
        ([0.0, 0.0], ValueError),
        ([1, math.nan], ValueError),
        ([1, math.inf], ValueError),
        ([], ValueError),
        (0.5, TypeError),
        (torch.eye(2), TypeError),
        (["a", "b"], TypeError),
        ([True, False], TypeError),
        ([1j, 1], TypeError),
    ],
)
def test_weights_that_are_none(weight, error):
    with pytest.raises(error, match=r"^weight must be "):
        LabelSmoothingLoss(0.1, weight=weight)


def test_weights_of_other_classes():
    logits, labels, _ = sample()
    for classes in (1, 6, 8):
        with pytest.raises(ValueError, match=f"a number for each of 7 classes, got {classes}"):
            LabelSmoothingLoss(0.1, weight=[1.0] * classes)(logits, labels)


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
    with pytest.raises(TypeError, match=r"come with num_classes=K, got int64 \(20,\)"):
        smooth_targets(labels, 0.1)
    with pytest.raises(TypeError, match=r"rows of probabilities, float \(B, K\), got int64"):
        LabelSmoothingLoss()(logits, targets.long())
    with pytest.raises(ValueError, match=r"rows \(B, 6\) for num_classes=6, got \(20, 7\)"):
        smooth_targets(targets, 0.1, num_classes=6)
    with pytest.raises(ValueError, match=r"logits must have the shape \(B, K\).*got \(20,\)"):
        LabelSmoothingLoss()(logits[:, 0], labels)
    with pytest.raises(ValueError, match="one label for each of 19 images, got 20"):
        LabelSmoothingLoss()(logits[1:], labels)
    for label in (-100, -1, 7):
        labels[3] = label
        with pytest.raises(ValueError, match=r"^targets must be .* 0 \.\.\. 6 "):
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
