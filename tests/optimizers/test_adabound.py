import copy
import math
import warnings
from functools import partial

import pytest
import torch
from torch import nn

from tricks_lib import AdaBound, adabound
from tricks_lib.optimizers.adabound import bounds

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import adabound as package

SETTINGS = [
    {},
    {"lr": 0.01, "final_lr": 0.05, "gamma": 0.1},
    {"amsbound": True},
    {"weight_decay": 0.01, "amsbound": True, "gamma": 0.05},
    {"betas": (0.5, 0.9), "eps": 1e-3},
]


def walk(build, steps=300, schedule=None, weights=(1.0, -2.0, 0.5, 3.0)):
    """Follow noisy gradients; return all positions."""
    draws = torch.Generator().manual_seed(1)
    point = nn.Parameter(torch.tensor(weights, dtype=torch.float64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses a deprecated signature
        optimizer, path = build([point]), []
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule) if schedule else None
        for _ in range(steps):
            point.grad = point.detach() + torch.randn(4, generator=draws, dtype=torch.float64)
            optimizer.step()
            if scheduler:
                scheduler.step()
            path.append(point.detach().clone())
    return torch.stack(path)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_it_is_the_authors_package_over_300_steps(settings):
    mine = walk(lambda params: AdaBound(params, **settings))
    theirs = walk(lambda params: package.AdaBound(params, **settings))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def test_under_a_schedule_too():
    schedule = lambda step: 1 - step / 400  # noqa: E731
    mine = walk(AdaBound, schedule=schedule)
    theirs = walk(package.AdaBound, schedule=schedule)
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def test_without_bounds_it_is_adam():
    mine = walk(lambda params: AdaBound(params, gamma=1e-12))
    torch.testing.assert_close(mine, walk(torch.optim.Adam), rtol=0, atol=1e-6)


def test_its_limit_is_sgd_with_a_tenth_of_the_rate():
    mine = walk(lambda params: AdaBound(params, lr=1e-3, final_lr=0.1, gamma=1e12))
    sgd = walk(lambda params: torch.optim.SGD(params, lr=0.1 * (1 - 0.9), momentum=0.9))
    torch.testing.assert_close(mine, sgd, rtol=0, atol=1e-10)


def test_bounds():
    for step, low, high in (
        (1, 1e-4, 100),
        (100, 0.009, 1.1),
        (1000, 0.05, 0.2),
        (10_000, 0.091, 0.11),
    ):
        lower, upper = bounds(step, 0.1, 1e-3)
        assert lower == pytest.approx(low, rel=0.02)
        assert upper == pytest.approx(high, rel=0.02)


def test_groups_added_later_are_updated():
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdaBound([first], lr=0.01)
    optimizer.add_param_group({"params": [second], "lr": 0.02})
    first.grad, second.grad = torch.ones(2), torch.ones(2)
    optimizer.step()
    assert first[0].item() == pytest.approx(0.99, abs=1e-4)
    assert second[0].item() == pytest.approx(0.98, abs=1e-4)
    assert [group["base_lr"] for group in optimizer.param_groups] == [0.01, 0.02]


def test_a_rate_of_zero_at_the_start():
    point = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = AdaBound([point], lr=0.0, final_lr=0.1)
    point.grad = torch.ones_like(point)
    optimizer.step()
    assert point.item() == 1.0
    optimizer.param_groups[0]["lr"] = 1e-3
    optimizer.step()
    other = nn.Parameter(torch.ones(1, dtype=torch.float64))
    reference = AdaBound([other], lr=1e-3, final_lr=0.1)
    for _ in range(2):
        other.grad = torch.ones_like(other)
        other.data.fill_(1.0)
        reference.step()
    assert point.item() == pytest.approx(other.item(), abs=1e-12)


def test_warmup_from_zero_by_a_schedule():
    path = walk(AdaBound, steps=5, schedule=lambda step: min(step / 3, 1))
    assert path[0].tolist() == [1.0, -2.0, 0.5, 3.0]
    assert (path[1] != path[0]).all()


def test_it_resumes_with_its_final_rate(tmp_path):
    """The scale of final_lr survives, even if the new optimizer is built at a decayed rate."""
    decayed = lambda step: 1.0 if step < 10 else 0.1  # noqa: E731

    def train(optimizer, point, scheduler, steps):
        for step in range(steps):
            point.grad = point.detach() * math.sin(step + 1)
            optimizer.step()
            scheduler.step()

    point = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = AdaBound([point], gamma=1.0, amsbound=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, decayed)
    train(optimizer, point, scheduler, 15)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    other = nn.Parameter(point.detach().clone())
    resumed = AdaBound([other], lr=1e-4, gamma=1.0, amsbound=True)
    resumed.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    again = torch.optim.lr_scheduler.LambdaLR(resumed, decayed)
    again.load_state_dict(scheduler.state_dict())
    resumed.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"]
    train(optimizer, point, scheduler, 10)
    train(resumed, other, again, 10)
    assert torch.equal(point, other)


def stepped(optimizer_of, steps=3, dtype=torch.float32, shape=(3,)):
    """An optimizer that has taken a few steps, and its parameter."""
    point = nn.Parameter(torch.ones(shape, dtype=dtype))
    optimizer = optimizer_of([point])
    take_steps(optimizer, point, steps)
    return optimizer, point


def take_steps(optimizer, point, steps):
    for step in range(steps):
        point.grad = point.detach() * math.sin(step + 1)
        optimizer.step()


@pytest.mark.parametrize(
    ("other", "missing"),
    [
        (torch.optim.SGD, "betas, final_lr, gamma, eps, amsbound"),
        (partial(torch.optim.SGD, lr=0.1, momentum=0.9), "betas, final_lr, gamma"),
        (torch.optim.Adam, "final_lr, gamma, amsbound"),
        (partial(torch.optim.AdamW, foreach=True, amsgrad=True), "final_lr, gamma, amsbound"),
    ],
)
def test_the_state_of_another_optimizer_is_refused(other, missing):
    state = stepped(other)[0].state_dict()
    optimizer, point = stepped(AdaBound)
    twin, other_point = stepped(AdaBound)
    message = rf"^each group of the state must be that of an AdaBound.*without {missing}"
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    for moved, by in ((optimizer, point), (twin, other_point)):
        take_steps(moved, by, 3)
    assert torch.equal(point, other_point), "what was refused has changed the optimizer"


def test_a_state_with_a_hole_is_refused():
    for part in ("state", "param_groups"):
        state = stepped(AdaBound)[0].state_dict()
        del state[part]
        with pytest.raises(ValueError, match=f"^state_dict must be .* without {part}"):
            AdaBound([nn.Parameter(torch.ones(3))]).load_state_dict(state)
    for name in ("lr", "betas", "final_lr", "gamma", "eps", "weight_decay", "amsbound"):
        state = stepped(AdaBound)[0].state_dict()
        del state["param_groups"][0][name]
        with pytest.raises(ValueError, match=f"^each group of the state .* without {name}"):
            AdaBound([nn.Parameter(torch.ones(3))]).load_state_dict(state)
    for name in ("step", "exp_avg", "exp_avg_sq"):
        state = stepped(AdaBound)[0].state_dict()
        del state["state"][0][name]
        with pytest.raises(ValueError, match=f"^the state of each parameter .* without {name}"):
            AdaBound([nn.Parameter(torch.ones(3))]).load_state_dict(state)
    state = stepped(AdaBound)[0].state_dict()
    state["param_groups"][0]["gamma"] = -1
    with pytest.raises(ValueError, match="gamma must be a number > 0, got -1"):
        AdaBound([nn.Parameter(torch.ones(3))]).load_state_dict(state)


def test_the_state_of_other_parameters_is_refused():
    state = stepped(AdaBound)[0].state_dict()
    with pytest.raises(ValueError, match=r"for one of shape \(4,\), got exp_avg of shape \(3,\)"):
        AdaBound([nn.Parameter(torch.ones(4))]).load_state_dict(state)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        AdaBound(
            [{"params": [nn.Parameter(torch.ones(3))]}, {"params": [nn.Parameter(torch.ones(3))]}]
        ).load_state_dict(state)


@pytest.mark.parametrize("settings", [{}, {"amsbound": True}])
def test_a_checkpoint_of_the_authors_package_goes_on(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, point = stepped(lambda params: package.AdaBound(params, lr=0.02, **settings))
        twin = nn.Parameter(point.detach().clone())
        mine = AdaBound([twin], lr=0.02)
        mine.load_state_dict(copy.deepcopy(theirs.state_dict()))
        take_steps(theirs, point, 5)
    take_steps(mine, twin, 5)
    torch.testing.assert_close(twin, point, rtol=1e-6, atol=1e-7)


def test_a_checkpoint_goes_onto_another_type():
    optimizer, point = stepped(AdaBound, dtype=torch.float64)
    other = nn.Parameter(point.detach().float())
    resumed = AdaBound([other])
    resumed.load_state_dict(optimizer.state_dict())
    state = resumed.state[other]
    assert {state[name].dtype for name in ("exp_avg", "exp_avg_sq")} == {torch.float32}
    assert state["step"] == 3
    take_steps(optimizer, point, 4)
    take_steps(resumed, other, 4)
    torch.testing.assert_close(other.double(), point, rtol=1e-5, atol=1e-6)


def test_amsbound_may_be_switched_on_later():
    optimizer, point = stepped(AdaBound)
    optimizer.param_groups[0]["amsbound"] = True
    before = optimizer.rates()[0].clone()
    take_steps(optimizer, point, 1)
    assert (optimizer.rates()[0] != before).all()


def test_closure_and_parameters_without_gradient():
    point, idle = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdaBound([point, idle], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = point.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert point[0].item() == pytest.approx(0.9, abs=1e-4)
    assert torch.equal(idle, torch.ones(2))


def test_builder():
    model = nn.Linear(3, 2)
    group = adabound(model, 0.01, final_lr=0.3).param_groups[0]
    assert (group["lr"], group["final_lr"], len(group["params"])) == (0.01, 0.3, 2)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"lr": -1}, ValueError, "lr must be a number >= 0, got -1"),
        ({"lr": "fast"}, TypeError, "lr must be a number"),
        ({"final_lr": 0}, ValueError, "final_lr must be a number > 0, got 0"),
        ({"gamma": 0}, ValueError, "gamma must be a number > 0, got 0"),
        ({"eps": -1e-8}, ValueError, "eps must be a number >= 0"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be a number >= 0, got -1"),
        ({"betas": 0.9}, TypeError, "betas must be a pair of numbers, got 0.9"),
        ({"betas": (0.9,)}, TypeError, "betas must be a pair"),
        ({"betas": (0.9, 1.0)}, ValueError, "each of betas must be a number >= 0 and < 1, got 1.0"),
        ({"betas": (-0.1, 0.9)}, ValueError, "each of betas"),
        ({"lr": None}, TypeError, "lr must be a number >= 0, got None"),
        ({"lr": math.nan}, ValueError, "lr must be a number >= 0, got nan"),
        ({"final_lr": math.inf}, ValueError, "final_lr must be a number > 0, got inf"),
        ({"base_lr": -1}, ValueError, "base_lr must be a number >= 0, got -1"),
    ],
)
def test_settings_out_of_range(settings, error, message):
    with pytest.raises(error, match=message):
        AdaBound([{"params": [nn.Parameter(torch.ones(1))], **settings}])
    optimizer = AdaBound([nn.Parameter(torch.ones(1))])
    with pytest.raises(error, match=message):
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))], **settings})


def test_sparse_gradients():
    point = nn.Parameter(torch.ones(3))
    optimizer = AdaBound([point])
    point.grad = torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=False)
    with pytest.raises(TypeError, match="dense gradients, got a sparse one"):
        optimizer.step()


# --- What the clip does ---


@pytest.mark.parametrize("amsbound", [False, True])
def test_the_rates_are_what_the_step_was_made_with(amsbound):
    torch.manual_seed(0)
    points = [nn.Parameter(torch.randn(3, 2).double()), nn.Parameter(torch.randn(5).double())]
    optimizer = AdaBound(points, lr=0.02, final_lr=0.05, gamma=0.3, amsbound=amsbound)
    for _ in range(7):
        before = [point.detach().clone() for point in points]
        for point in points:
            point.grad = torch.randn_like(point)
        optimizer.step()
    rate, lower, upper = optimizer.rates()
    assert rate.shape == lower.shape == upper.shape == (11,)
    assert set(lower.tolist()) == {bounds(7, 0.05, 0.3)[0]}
    assert set(upper.tolist()) == {bounds(7, 0.05, 0.3)[1]}
    assert ((rate < lower) | (rate > upper)).any()
    step = torch.cat([(old - new).reshape(-1) for old, new in zip(before, points, strict=True)])
    mean = torch.cat([optimizer.state[point]["exp_avg"].reshape(-1) for point in points])
    torch.testing.assert_close(rate.clamp(lower, upper) * mean, step.detach())


def test_rates_follow_the_groups_and_their_schedules():
    first, second, idle = (nn.Parameter(torch.ones(n)) for n in (2, 3, 4))
    groups = [{"params": [first, idle]}, {"params": [second], "final_lr": 0.5}]
    optimizer = AdaBound(groups, lr=0.01)
    first.grad, second.grad = torch.ones(2), torch.ones(3)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.001
    rate, lower, _ = optimizer.rates()
    # After one step m is a tenth of the gradient, so that a rate of 10·lr makes a step of lr.
    assert rate.tolist() == pytest.approx([0.01] * 2 + [0.1] * 3, rel=1e-4)
    limits = [bounds(1, 0.01, 1e-3)[0]] * 2 + [bounds(1, 0.5, 1e-3)[0]] * 3
    assert lower.tolist() == pytest.approx(limits)


def test_there_are_no_rates_before_the_first_step():
    with pytest.raises(
        ValueError, match=r"^no parameter has been updated yet: call step\(\) first"
    ):
        AdaBound([nn.Parameter(torch.ones(2))]).rates()


# --- What chapter 04 says of the authors' package ---


def test_the_package_does_not_update_a_group_added_later():
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = package.AdaBound([first])
    optimizer.add_param_group({"params": [second]})
    first.grad, second.grad = torch.ones(2), torch.ones(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.step()
    assert first[0].item() < 1
    assert second[0].item() == 1


def test_the_package_divides_by_a_rate_of_zero():
    point = nn.Parameter(torch.ones(2))
    optimizer = package.AdaBound([point], lr=0.0)
    point.grad = torch.ones(2)
    with warnings.catch_warnings(), pytest.raises(ZeroDivisionError):
        warnings.simplefilter("ignore")
        optimizer.step()
