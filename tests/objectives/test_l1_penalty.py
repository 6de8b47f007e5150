import pytest
import torch
from torch import nn

from tricks_lib import L1Penalty, l1_norm, small_resnet, soft_threshold


def test_norm_leaves_out_biases_and_norms():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 4))
    expected = model[0].weight.abs().sum() + model[3].weight.abs().sum()
    assert l1_norm(model).item() == pytest.approx(expected.item(), rel=1e-6)
    with pytest.raises(ValueError, match="the model has no weights"):
        l1_norm(nn.BatchNorm2d(3))


def test_penalty_adds_the_sign_to_the_gradient():
    torch.manual_seed(0)
    model = small_resnet(1, 3, width=2)
    batch = torch.randn(4, 1, 8, 8), torch.eye(3)[[0, 1, 2, 0]]
    grads = []
    for strength in (0.0, 0.01):
        model.zero_grad()
        loss, logits = L1Penalty(strength)(model, *batch)
        loss.backward()
        grads.append((loss.item(), [p.grad.clone() for p in model.parameters()]))
        assert logits.shape == (4, 3)
    assert grads[1][0] - grads[0][0] == pytest.approx(0.01 * l1_norm(model).item(), rel=1e-4)
    for parameter, plain, penalised in zip(
        model.parameters(), grads[0][1], grads[1][1], strict=True
    ):
        expected = 0.01 * parameter.sign() if parameter.ndim > 1 else torch.zeros_like(parameter)
        torch.testing.assert_close(penalised - plain, expected.detach(), rtol=0, atol=1e-5)


def test_soft_threshold_minimises_what_it_should():
    """It is the argmin over u of (u - w)²/2 + amount·|u|, found here by a fine grid."""
    weights = torch.tensor([-2.0, -0.3, 0.0, 0.2, 0.5, 1.7], dtype=torch.float64)
    grid = torch.linspace(-3, 3, 60_001, dtype=torch.float64)
    best = grid[((grid - weights[:, None]).square() / 2 + 0.4 * grid.abs()).argmin(1)]
    torch.testing.assert_close(soft_threshold(weights, 0.4), best, rtol=0, atol=1e-4)
    assert soft_threshold(weights, 0.4).tolist()[1:4] == [0, 0, 0]
    assert torch.equal(soft_threshold(weights, 0), weights)


def test_exact_zeros_come_from_the_proximal_step_only():
    torch.manual_seed(0)
    features = torch.randn(200, 20, dtype=torch.float64)
    answers = features[:, 0] - 2 * features[:, 1]
    by_step, by_gradient = torch.zeros(2, 20, dtype=torch.float64)
    for _ in range(300):
        slope = lambda w: features.T @ (features @ w - answers) / 200  # noqa: E731
        by_step = soft_threshold(by_step - 0.1 * slope(by_step), 0.1 * 0.1)
        by_gradient = by_gradient - 0.1 * (slope(by_gradient) + 0.1 * by_gradient.sign())
    assert int((by_step == 0).sum()) == 18
    assert int((by_gradient == 0).sum()) == 0


def test_what_is_refused():
    for build in (L1Penalty, lambda amount: soft_threshold(torch.ones(2), amount)):
        with pytest.raises(ValueError, match="must be a number >= 0, got -1"):
            build(-1)
    with pytest.raises(TypeError, match="objective must be an objective, such as cross_entropy"):
        L1Penalty(0.1, objective=L1Penalty)
    with pytest.raises(TypeError, match="objective must be"):
        L1Penalty(0.1, objective=None)
