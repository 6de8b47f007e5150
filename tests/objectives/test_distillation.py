import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tricks_lib import Distillation, distillation_loss, small_resnet


def sample(count=12, classes=5):
    draws = torch.randn(2, count, classes, dtype=torch.float64)
    return (
        3 * draws[0],
        3 * draws[1],
        torch.eye(classes, dtype=torch.float64)[torch.randint(classes, (count,))],
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.9, 1.0])
def test_loss_is_written_out(temperature, alpha):
    student, teacher, targets = sample()
    p = (teacher / temperature).softmax(1)
    kl = (p * (p.log() - (student / temperature).log_softmax(1))).sum(1).mean()
    expected = (1 - alpha) * F.cross_entropy(student, targets) + alpha * temperature**2 * kl
    found = distillation_loss(student, teacher, targets, temperature, alpha)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    theirs = F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    only = distillation_loss(student, teacher, targets, temperature, 1.0)
    assert only.item() == pytest.approx(theirs.item() * temperature**2, abs=1e-12)


def test_the_form_of_he_has_the_same_gradient():
    """CE instead of KL and no alpha: twice our loss at alpha = 1/2, up to a constant."""
    student, teacher, targets = sample()
    student.requires_grad_()
    he = F.cross_entropy(student, targets) + 16 * F.cross_entropy(
        student / 4, (teacher / 4).softmax(1)
    )
    (first,) = torch.autograd.grad(he, student)
    (second,) = torch.autograd.grad(
        2 * distillation_loss(student, teacher, targets, 4.0, 0.5), student
    )
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def test_gradient():
    student, teacher, targets = sample(3)
    student.requires_grad_()
    teacher.requires_grad_()
    loss = lambda z: distillation_loss(z, teacher, targets, 3.0, 0.7)  # noqa: E731
    assert torch.autograd.gradcheck(loss, student)
    loss(student).backward()
    assert teacher.grad is None


def test_hot_gradients_tend_to_the_difference_of_logits():
    student, teacher, targets = sample()
    student, teacher = (z - z.mean(1, keepdim=True) for z in (student, teacher))
    student.requires_grad_()
    (gradient,) = torch.autograd.grad(
        distillation_loss(student, teacher, targets, 1000.0, 1.0), student
    )
    torch.testing.assert_close(
        12 * 5 * gradient, (student - teacher).detach(), rtol=0.05, atol=0.05
    )


def test_labels_are_rows_with_a_one():
    student, teacher, targets = sample()
    labels = targets.argmax(1)
    for kind in (torch.int64, torch.int32):
        found = distillation_loss(student, teacher, labels.to(kind), 3.0, 0.4)
        assert torch.equal(found, distillation_loss(student, teacher, targets, 3.0, 0.4))


def test_the_teacher_is_left_as_it_was():
    torch.manual_seed(0)
    teacher, student = small_resnet(1, 5, width=4, dropout=0.5), small_resnet(1, 5, width=4)
    teacher.blocks[0].bn1.eval()  # a mixture of modes
    modes = [module.training for module in teacher.modules()]
    state = copy.deepcopy(teacher.state_dict())
    images, targets = torch.randn(6, 1, 12, 12), torch.eye(5)[torch.randint(5, (6,))]
    loss, logits = Distillation(teacher)(student, images, targets)
    loss.backward()
    assert [module.training for module in teacher.modules()] == modes
    assert all(map(torch.equal, teacher.state_dict().values(), state.values()))
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.training
    answers = copy.deepcopy(teacher).eval()(images)  # no dropout, running statistics
    expected = distillation_loss(logits, answers, targets, 4.0, 0.9)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_modes_come_back_after_a_failure():
    class Broken(nn.Module):
        def forward(self, images):
            raise RuntimeError("no answer")

    teacher = Broken()
    with pytest.raises(RuntimeError, match="no answer"):
        Distillation(teacher)(nn.Flatten(), torch.zeros(2, 5, 1, 1), torch.eye(5)[:2])
    assert teacher.training


def test_what_is_refused():
    student, teacher, targets = sample()
    call = distillation_loss
    with pytest.raises(
        ValueError, match=r"teacher_logits must have the shape .*\(12, 5\).* got \(12, 6\)"
    ):
        call(student, torch.zeros(12, 6), targets, 4.0, 0.9)
    with pytest.raises(ValueError, match=r"student_logits must have .* got \(11, 5\)"):
        call(student[1:], teacher, targets, 4.0, 0.9)
    with pytest.raises(TypeError, match=r"targets must be rows .*, got int64 \(12, 5\)"):
        call(student, teacher, targets.long(), 4.0, 0.9)
    for label in (-100, 5):
        with pytest.raises(ValueError, match=r"^targets must be .* 0 \.\.\. 4 "):
            call(student, teacher, torch.full((12,), label), 4.0, 0.9)
    for name, values in (
        ("temperature", (0, -1.0, float("inf"))),
        ("alpha", (-0.1, 1.1, float("nan"))),
    ):
        for value in values:
            settings = {"temperature": 4.0, "alpha": 0.9} | {name: value}
            with pytest.raises(ValueError, match=f"{name} must be a number"):
                call(student, teacher, targets, **settings)
            with pytest.raises(ValueError, match=f"{name} must be a number"):
                Distillation(nn.Flatten(), **settings)
    for value in (None, nn.Flatten):
        with pytest.raises(TypeError, match="teacher must be a network"):
            Distillation(value)
    with pytest.raises(ValueError, match=r"teacher_logits must have"):
        Distillation(nn.Linear(5, 6))(nn.Identity(), torch.zeros(2, 5), torch.eye(5)[:2])
