"""Exercises of notebooks/02_linear_scaling.ipynb.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import torch
import torch.nn.functional as F
from torch.nn.utils import parameters_to_vector
from torch.optim import SGD

from tricks_lib.course.exercises import Exercises, expect
from tricks_lib.models import mlp
from tricks_lib.schedules import linear_scaling, sqrt_scaling

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("two rates by hand")
def _(linear, root):
    hint = "1,024 is 4 times 256."
    return expect(linear, linear_scaling(0.1, 1024), f"The linear rule: {hint}", 1e-3) or expect(
        root, sqrt_scaling(0.1, 1024), f"The square-root rule: {hint}", 1e-3
    )


@check.exercise("what becomes of steps, noise and way")
def _(factors):
    for k in (2, 4, 16):
        problem = expect(
            factors(k),
            [1 / k, k, 1],
            f"Tried with k={k}. M images are M/B steps; a step moves by η·g, and has noise η²·Σ/B.",
        )
        if problem:
            return problem
    return None


@check.exercise("the largest k")
def _(largest_k):
    for x in (0.003, 0.01, 0.02, 0.04, 0.1, 0.15, 0.3):
        k = 1
        while abs((1 - x) ** (k + 1) - (1 - (k + 1) * x)) <= 0.05:
            k += 1
        problem = expect(
            largest_k(x),
            k,
            f"Tried with x={x}. Small steps end at (1 - x)^k, the large one at 1 - k·x; k = 1 "
            "always holds.",
        )
        if problem:
            return problem
    return None


@check.exercise("one large step in parts")
def _(step_in_parts):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(22, 1, 8, 8, generator=generator)
    labels = torch.randint(10, (22,), generator=generator)
    for k in (1, 2, 4):
        ours, theirs = _network(), _network()
        optimizer = SGD(ours.parameters(), lr=0.5)
        optimizer_of_theirs = SGD(theirs.parameters(), lr=0.5)
        sizes: list[int] = []
        theirs.register_forward_pre_hook(
            lambda _, inputs, sizes=sizes: sizes.append(len(inputs[0]))
        )
        for step in (1, 2):
            start = _weights(theirs)
            optimizer.zero_grad()
            F.cross_entropy(ours(images), labels).backward()
            optimizer.step()
            step_in_parts(theirs, optimizer_of_theirs, images, labels, k)
            problem = _compare(start, _weights(theirs), _weights(ours), k, step)
            if problem:
                return problem
        if max(sizes) > -(-len(images) // k):
            return f"With k={k} a part had {max(sizes)} images: they should go through in k parts."
    return None


def _compare(start, found, right, k: int, step: int) -> str | None:
    """Say how a step differs from that on the whole batch."""
    if torch.allclose(found, right, rtol=1e-3, atol=1e-5):
        return None
    length = ((found - start).norm() / (right - start).norm()).item()
    if length == 0:
        return f"With k={k} the weights did not move: is there an optimizer.step()?"
    if step == 2:
        return f"With k={k} the second step is off: are the gradients of the first still there?"
    return (
        f"With k={k} and 22 images the step is {length:.3g} times as long as the one on the "
        "whole batch, or leads elsewhere. Each image must count 1/22."
    )


def _weights(network: torch.nn.Module) -> torch.Tensor:
    return parameters_to_vector(network.parameters()).detach().clone()


@check.exercise("the noise scale from two batches")
def _(estimate):
    for square, noise in ((2.0, 50.0), (0.3, 4.0), (0.01, 14.0)):
        for small, large in ((8, 64), (32, 4096)):
            expected = [square + noise / size for size in (small, large)]
            problem = expect(
                estimate(small, expected[0], large, expected[1]),
                noise / square,
                f"Tried with ‖g‖² = {square:g}, S = {noise:g} and batches of {small} and {large}: "
                "two equations, two unknowns.",
                tolerance=1e-4,
            )
            if problem:
                return problem
    return None


def _network() -> torch.nn.Module:
    """Build the same small network, with the same weights, at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return mlp(1, 10, hidden=(16,), size=8)


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _largest_k(x):
    k = 1
    while abs((1 - x) ** (k + 1) - (1 - (k + 1) * x)) <= 0.05:
        k += 1
    return k


def _step_in_parts(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        (len(part) / len(images) * F.cross_entropy(model(part), answers)).backward()
    optimizer.step()


def _parts_that_count_alike(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        (F.cross_entropy(model(part), answers) / k).backward()
    optimizer.step()


def _parts_added_up(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        F.cross_entropy(model(part), answers).backward()
    optimizer.step()


def _on_top_of_the_last_step(model, optimizer, images, labels, k):
    for part, answers in zip(images.chunk(k), labels.chunk(k), strict=True):
        (F.cross_entropy(model(part), answers) * len(part) / len(images)).backward()
    optimizer.step()


def _the_whole_at_once(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimizer.step()


def _without_a_step(model, optimizer, images, labels, k):
    F.cross_entropy(model(images), labels).backward()


def _estimate(small, q_small, large, q_large):
    square = (large * q_large - small * q_small) / (large - small)
    return (q_small - q_large) / (1 / small - 1 / large) / square


RIGHT = {
    1: (0.4, 0.2),
    2: lambda k: (1 / k, k, 1),
    3: _largest_k,
    4: _step_in_parts,
    5: _estimate,
}

WRONG = {
    1: [((0.4, 0.4), "The square-root rule"), ((0.025, 0.2), "The linear rule")],
    2: [
        (lambda k: (1 / k, 1 / k, 1), "a step moves by η·g"),
        (lambda k: k, "Expected 3 numbers"),
    ],
    3: [
        (lambda x: int(0.32 / x), "Small steps end at (1 - x)^k"),
        (lambda x: _largest_k(x) - 1, "k = 1 always holds"),
    ],
    4: [
        (_parts_that_count_alike, "Each image must count 1/22"),
        (_parts_added_up, "times as long"),
        (_on_top_of_the_last_step, "the gradients of the first still there"),
        (_the_whole_at_once, "they should go through in k parts"),
        (_without_a_step, "is there an optimizer.step()?"),
    ],
    5: [
        (lambda b, q_b, B, q_B: (q_b - q_B) / q_B, "two equations, two unknowns"),
        (lambda b, q_b, B, q_B: b * q_b / q_B, "two equations, two unknowns"),
    ],
}
