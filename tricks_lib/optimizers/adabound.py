"""AdaBound: an Adam whose learning rates are clipped between two bounds that close on one value.

Chapter: notebooks/04_adabound.ipynb
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from ..ops.arguments import as_number

__all__ = ["AdaBound", "adabound", "bounds"]

SETTINGS = ("lr", "betas", "final_lr", "gamma", "eps", "weight_decay", "amsbound")
"""What a group of parameters is trained with; beside it each has its `base_lr`."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What is known of a parameter after a step: t, m, v."""


def bounds(step: int, final_lr: float, gamma: float) -> tuple[float, float]:
    """Return the smallest and the largest learning rate that a coordinate may have at a step:
    final_lr·(1 - 1/(gamma·t + 1)) and final_lr·(1 + 1/(gamma·t)).

    They start at 0 and infinity, where Adam is free, and both tend to `final_lr`.

    Args:
        step: t = 1, 2, ...
        final_lr: the limit.
        gamma: how fast they close in, above 0; the paper has 1 - beta2.

    Source: Luo, Xiong, Liu, Sun 2019, arXiv:1902.09843, section 5, and the authors' code.
    """
    return final_lr * (1 - 1 / (gamma * step + 1)), final_lr * (1 + 1 / (gamma * step))


class AdaBound(Optimizer):
    """AdaBound, and AMSBound with `amsbound=True`.

    At step t, with g the gradient (plus weight_decay·w),

        m <- beta1·m + (1 - beta1)·g,   v <- beta2·v + (1 - beta2)·g²
        rate = clip(lr·c/(sqrt(v) + eps), lower, upper),   c = sqrt(1 - beta2^t)/(1 - beta1^t)
        w <- w - rate·m

    As in the authors' code, and unlike the paper's algorithm, the bias of m and v is corrected
    before the clip, and the learning rate is not divided by sqrt(t). Since m is an average, and
    not a sum as in torch's SGD, AdaBound ends as `SGD(lr=final_lr·(1 - beta1), momentum=beta1)`.

    A schedule that multiplies `lr` moves the bounds too: `final_lr` is scaled by lr over the one
    that the group was built with, `base_lr` in its settings. A group that was built with lr=0 has
    no such scale and takes `final_lr` as it is.

    Args:
        params: parameters, or groups of them with settings of their own; groups may be added later.
        lr: learning rate of the Adam that it starts as, at least 0.
        betas: shares that m and v keep from step to step, each in [0, 1).
        final_lr: learning rate that all coordinates tend to, above 0.
        gamma: how fast the bounds close in, above 0.
        eps: added to the root, at least 0.
        weight_decay: strength of an L2 penalty, at least 0.
        amsbound: whether v is replaced by its largest value so far.

    Raises:
        ValueError, TypeError: if a parameter is out of its range, in any group.

    Source: Luo, Xiong, Liu, Sun 2019, arXiv:1902.09843; the authors' package adabound 0.0.5.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsbound: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "final_lr": final_lr,
            "gamma": gamma,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsbound": amsbound,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with their settings; those not given are the optimizer's own.

        Raises:
            ValueError, TypeError: if a setting is out of its range.
        """
        settings = _checked(self.defaults | param_group)
        # A group that was taken from another optimizer brings its own base_lr.
        settings["base_lr"] = as_number("base_lr", settings.get("base_lr", settings["lr"]), 0)
        super().add_param_group(settings)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the state of another AdaBound, whose settings become those of this one.

        A state of the authors' package fits too: it has no `base_lr`, so that each group keeps its
        own, the learning rate that it was built with.

        Args:
            state_dict: what `state_dict()` returned. It is not changed.

        Raises:
            ValueError, TypeError: if it is the state of another kind of optimizer, of other groups
                or other parameters, or a setting is out of its range. This optimizer is then as it
                was.
        """
        _check_whole("state_dict", ("state", "param_groups"), state_dict)
        super().load_state_dict(state_dict)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state that was loaded or unpickled, if it is one of AdaBound."""
        before = getattr(self, "param_groups", [{}] * len(state["param_groups"]))
        groups = []
        for own, group in zip(before, state["param_groups"], strict=True):
            _check_whole("each group of the state", SETTINGS, group)
            built_with = {"base_lr": own.get("base_lr", group["lr"])}
            groups.append(_checked(built_with | group))
        for weights, moments in state["state"].items():
            _check_moments(weights, moments)
        super().__setstate__(state | {"param_groups": groups})

    @torch.no_grad()
    def step(  # type: ignore[override]  # torch says that losses are floats; they are tensors
        self, closure: Callable[[], Tensor] | None = None
    ) -> Tensor | None:
        """Take one step.

        Args:
            closure: computes the loss anew, with gradients; its value is returned.

        Raises:
            TypeError: if a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._update(weights, weights.grad, group)
        return loss

    def _update(self, weights: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.is_sparse:
            raise TypeError("AdaBound takes dense gradients, got a sparse one")
        state = self.state[weights]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(weights)
            state["exp_avg_sq"] = torch.zeros_like(weights)
        if group["amsbound"] and "max_exp_avg_sq" not in state:
            state["max_exp_avg_sq"] = torch.zeros_like(weights)
        state["step"] += 1
        step, mean, square = state["step"], state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]

        if group["weight_decay"]:
            gradient = gradient.add(weights, alpha=group["weight_decay"])
        mean.lerp_(gradient, 1 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        if group["amsbound"]:
            square = torch.maximum(state["max_exp_avg_sq"], square, out=state["max_exp_avg_sq"])

        rate = _adam_rates(square, step, group)
        weights.addcmul_(rate.clamp_(*_group_bounds(step, group)), mean, value=-1)

    @torch.no_grad()
    def rates(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the clip has to do: the learning rate that Adam would give each coordinate
        after the last step, and the two bounds.

        A coordinate is clipped where its learning rate is outside of its bounds. Parameters that
        have not been updated yet are left out. Both are those of the present `lr`, which a
        scheduler may have changed since the step.

        Returns:
            Rates, lower bounds, upper bounds: three vectors of equal length, parameter by
            parameter.

        Raises:
            ValueError: before the first step.
        """
        found: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        for group in self.param_groups:
            for state in (self.state[weights] for weights in group["params"]):
                if state:
                    square = state["exp_avg_sq"]
                    if group["amsbound"]:
                        square = state.get("max_exp_avg_sq", square)
                    rate = _adam_rates(square, state["step"], group).reshape(-1)
                    limits = _group_bounds(state["step"], group)
                    parts = rate, *(torch.full_like(rate, limit) for limit in limits)
                    for whole, part in zip(found, parts, strict=True):
                        whole.append(part)
        if not found[0]:
            raise ValueError("no parameter has been updated yet: call step() first")
        rates, lower, upper = (torch.cat(whole) for whole in found)
        return rates, lower, upper


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a group with numbers of Python's.

    Raises:
        ValueError, TypeError: if one is out of its range.
    """
    betas = settings["betas"]
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers, got {betas!r}")
    return settings | {
        "lr": as_number("lr", settings["lr"], 0),
        "betas": tuple(as_number("each of betas", beta, 0, 1, below=True) for beta in betas),
        "final_lr": as_number("final_lr", settings["final_lr"], 0, above=True),
        "gamma": as_number("gamma", settings["gamma"], 0, above=True),
        "eps": as_number("eps", settings["eps"], 0),
        "weight_decay": as_number("weight_decay", settings["weight_decay"], 0),
    }


def _check_moments(weights: Tensor, moments: dict[str, Any]) -> None:
    if not moments or not isinstance(weights, Tensor):
        return  # as before the first step, or what a state holds beside the parameters
    _check_whole("the state of each parameter", MOMENTS, moments)
    if moments["exp_avg"].shape != weights.shape:
        raise ValueError(
            f"the state must be one of these parameters: for one of shape {tuple(weights.shape)}, "
            f"got exp_avg of shape {tuple(moments['exp_avg'].shape)}"
        )


def _check_whole(what: str, names: Sequence[str], found: dict[str, Any]) -> None:
    """Check that a part of a state has all that AdaBound saves there."""
    if missing := [name for name in names if name not in found]:
        raise ValueError(
            f"{what} must be that of an AdaBound, with {', '.join(names)}; "
            f"got {', '.join(map(str, found))}, without {', '.join(missing)}. "
            "A state goes to the kind of optimizer that saved it"
        )


def _adam_rates(square: Tensor, step: int, group: dict[str, Any]) -> Tensor:
    """Return the learning rate that Adam gives each coordinate: lr·c/(sqrt(v) + eps)."""
    beta1, beta2 = group["betas"]
    correction = math.sqrt(1 - beta2**step) / (1 - beta1**step)
    scale = float(group["lr"]) * correction
    return square.sqrt().add_(group["eps"]).reciprocal_().mul_(scale)


def _group_bounds(step: int, group: dict[str, Any]) -> tuple[float, float]:
    """Return the bounds of a group at a step; they follow a schedule of `lr`."""
    lr = float(group["lr"])
    scale = lr / group["base_lr"] if group["base_lr"] else float(lr > 0)
    return bounds(step, group["final_lr"] * scale, group["gamma"])


def adabound(model: nn.Module, lr: float, **settings: Any) -> AdaBound:
    """Build AdaBound over all parameters of `model`, for the recipe: `optimizer=adabound`, or
    `optimizer=partial(adabound, final_lr=0.2)`.

    Args:
        model: network whose parameters are updated.
        lr: learning rate of the Adam that it starts as, before the schedule's factor.
        **settings: further arguments of `AdaBound`.
    """
    return AdaBound(model.parameters(), lr, **settings)
