"""Exercises of notebooks/04_adabound.ipynb.

Chapter: notebooks/04_adabound.ipynb
"""

import torch

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.optimizers import AdaBound
from tricks_lib.optimizers.adabound import bounds

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("two bounds by hand")
def _(lower, upper):
    right = bounds(500, 0.1, 1e-3)
    return expect(lower, right[0], "The lower bound: γt is 0.5.", tolerance=1e-3) or expect(
        upper, right[1], "The upper bound: γt is 0.5.", tolerance=1e-3
    )


@check.exercise("a limit for an SGD")
def _(final_lr_for):
    for rate, momentum in ((0.01, 0.9), (0.1, 0.9), (0.3, 0.0), (0.02, 0.99)):
        problem = expect(
            final_lr_for(rate, momentum),
            rate / (1 - momentum),
            f"Tried with a rate of {rate} and a momentum of {momentum}. The box of the derivation "
            "has it, the other way round.",
        )
        if problem:
            return problem
    return None


@check.exercise("a speed for a training")
def _(gamma_for):
    for steps, ratio in ((1000, 4.0), (400, 1.1), (78_200, 1.5)):
        gamma = gamma_for(steps, ratio)
        hint = (
            f"Tried with {steps} steps and a ratio of {ratio}. The ratio is ((s + 1)/s)² with "
            "s = γt; solve for s first."
        )
        right = 1 / (ratio**0.5 - 1) / steps
        problem = expect(gamma, right, hint, tolerance=1e-4 * right)
        if problem:
            return problem
    return None


@check.exercise("pushed up, free, held back")
def _(shares):
    draws = torch.Generator().manual_seed(0)
    for size in (7, 1000):
        rate = 10 ** torch.randn(size, generator=draws)
        for low, high in ((0.1, 3.0), (0.5, 0.6), (0.0, torch.inf)):
            lower, upper = torch.full_like(rate, low), torch.full_like(rate, high)
            lower[size // 2 :] *= 2  # a second group, with bounds of its own
            upper[size // 2 :] *= 2
            wanted = [
                (rate < lower).float().mean().item(),
                ((rate >= lower) & (rate <= upper)).float().mean().item(),
                (rate > upper).float().mean().item(),
            ]
            found = [float(share) for share in shares(rate, lower, upper)]
            problem = expect(
                found,
                wanted,
                f"Tried with {size} weights, bounds {low} and {high} for half of them and twice "
                "that for the others. A rate below its lower bound is pushed up to it; the three "
                "shares add up to 1.",
            )
            if problem:
                return problem
    return None


@check.exercise("AMSBound for one tensor")
def _(naive_amsbound):
    draws = torch.Generator().manual_seed(0)
    noise = torch.randn(61, 4, dtype=torch.float64, generator=draws)
    noise[:5] *= 30  # large gradients early on, which only the largest v remembers
    start = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    for lr, final_lr, gamma in ((0.01, 0.1, 1e-3), (0.05, 1.0, 1e-4)):
        settings = {"lr": lr, "final_lr": final_lr, "gamma": gamma}
        right = _walk(start, noise, amsbound=True, **settings)
        plain = _walk(start, noise, amsbound=False, **settings)
        found = naive_amsbound(start.clone(), lambda w, t: w + noise[t], 60, **settings)
        if not isinstance(found, torch.Tensor) or found.shape != start.shape:
            return f"Expected a tensor of 4 weights, got {found!r}."
        if torch.allclose(found, right, rtol=0, atol=1e-9):
            continue
        if torch.allclose(found, plain, rtol=0, atol=1e-9):
            return f"Tried with {settings}. That is AdaBound: is the largest v so far used?"
        return (
            f"Tried with {settings}, 60 steps. Yours ends {(found - right).abs().max():.2g} away. "
            "The bias correction stays as it is, and v itself goes on as before: only the rate is "
            "computed with its largest value so far."
        )
    return None


def _walk(start: torch.Tensor, noise: torch.Tensor, **settings) -> torch.Tensor:
    """Let the library's optimizer run on the same gradients."""
    weights = start.clone().requires_grad_()
    optimizer = AdaBound([weights], **settings)
    for step in range(1, len(noise)):
        weights.grad = weights.detach() + noise[step]
        optimizer.step()
    return weights.detach()


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _shares(rate, lower, upper):
    up = (rate < lower).double().mean()
    back = (rate > upper).double().mean()
    return up, 1 - up - back, back


def _by_one_pair_of_bounds(rate, lower, upper):
    return _shares(rate, lower[0], upper[0])


def _naive(w, gradient_of, steps, lr, final_lr, gamma, largest=True):
    m, v, most = torch.zeros_like(w), torch.zeros_like(w), torch.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradient_of(w, t)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        most = torch.maximum(most, v) if largest else v
        rate = lr * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t) / (most.sqrt() + 1e-8)
        s = gamma * t
        w = w - rate.clamp(final_lr * s / (s + 1), final_lr * (s + 1) / s) * m
    return w


RIGHT = {
    1: (0.1 / 3, 0.3),
    2: lambda rate, momentum: rate / (1 - momentum),
    3: lambda steps, ratio: torch.tensor(1 / (ratio**0.5 - 1) / steps),
    4: _shares,
    5: lambda w, gradient_of, steps, **settings: _naive(w, gradient_of, steps, **settings),
}

WRONG = {
    1: [((0.05, 0.2), "The lower bound"), ((0.1 / 3, 0.2), "The upper bound")],
    2: [
        (lambda rate, momentum: rate * (1 - momentum), "the other way round"),
        (lambda rate, momentum: rate, "The box of the derivation"),
    ],
    3: [
        (lambda steps, ratio: 20 / steps, "solve for s first"),
        (lambda steps, ratio: 1 / (ratio**0.5 - 1), "solve for s first"),
    ],
    4: [
        (lambda rate, low, high: ((rate > high).float().mean(), 0, 0), "add up to 1"),
        (lambda rate, low, high: (0.5, 0.5), "Expected 3 numbers"),
        (_by_one_pair_of_bounds, "twice that for the others"),
    ],
    5: [
        (lambda *task, **given: _naive(*task, **{**given, "largest": False}), "That is AdaBound"),
        (lambda w, *_, **__: w, "Yours ends"),
        (lambda w, *_, **__: 3.0, "Expected a tensor of 4 weights"),
    ],
}
