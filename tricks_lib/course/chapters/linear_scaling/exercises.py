"""Exercises of notebooks/02_linear_scaling.ipynb.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils import parameters_to_vector
from torch.optim import SGD

from tricks_lib.course.exercises import (
    Draws,
    Exercises,
    Function,
    Wrong,
    agree,
    expect,
    number_of,
    untouched,
)
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import study
from tricks_lib.models import mlp
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_scaling, sqrt_scaling

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("two learning rates by hand")
def _(linear_rate, sqrt_rate):
    linear, root = linear_scaling(0.1, 1024), sqrt_scaling(0.1, 1024)
    four = "1,024 is 4 times 256."
    expect(
        linear_rate,
        linear,
        f"The linear rule: {four}",
        tolerance=1e-3,
        mistakes={
            "That is the square-root rule: the linear one comes first.": root,
            "The larger batch gets the larger learning rate: multiply.": 0.1 / 4,
        },
    )
    expect(
        sqrt_rate,
        root,
        f"The square-root rule: {four}",
        tolerance=1e-3,
        mistakes={
            "That is the linear rule: take the root of 4.": linear,
            "The larger batch gets the larger learning rate: multiply.": 0.1 / 2,
        },
    )


@check.exercise(
    "one large step in parts",
    domain="`k` is a whole number from 1 to the number of images, the network has no batch "
    "normalisation and is in training mode, and `optimizer` is a plain SGD.",
)
def _(step_in_parts: Function, draws: Draws):
    step_in_parts.check_arguments(["model", "optimizer", "images", "labels", "k"])
    count = draws.count(18, 30)
    several = draws.until(lambda: draws.count(3, 6), lambda k: count % k != 0)
    for k in (several, 2, 1, count):
        images, labels = draws.normal(count, 1, 8, 8).float(), draws.whole(0, 9, count)
        _judge_steps(step_in_parts, draws, images, labels, k)


def _judge_steps(step_in_parts: Function, draws: Draws, images: Tensor, labels: Tensor, k: int):
    """Compare two steps in parts with two on the whole batch."""
    network, lr = draws.built(lambda: mlp(1, 10, hidden=(16,), size=8)), draws.number(0.1, 0.6)
    optimizer = _CountingSGD(network.parameters(), lr)
    for weights in network.parameters():
        weights.grad = torch.ones_like(weights)  # left by somebody before
    for step in (1, 2):
        tried = f"Tried with {len(images)} images and k={k}, step {step}: "
        before, _ = _copied(network, lr)
        task = (before, lr, images, labels, k)
        with untouched(images=images, labels=labels), _Watched(network) as watched:
            step_in_parts.do(network, optimizer, images, labels, k)
        _check_use(tried, watched, _held_by_a_part(*task), len(images), k)
        _check_optimizer(tried, optimizer, lr)
        _check_step(tried, _weights(network) - _weights(before), task)


def _copied(network: nn.Module, lr: float) -> tuple[nn.Module, SGD]:
    """Copy a network with its gradients, and give it an optimizer."""
    twin = copy.deepcopy(network)
    for ours, theirs in zip(twin.parameters(), network.parameters(), strict=True):
        ours.grad = None if theirs.grad is None else theirs.grad.clone()
    return twin, SGD(twin.parameters(), lr)


def _moved_by(step: Callable[..., None], network: nn.Module, lr: float, *batch: Any) -> Tensor:
    """Return how a step would move the weights."""
    twin, optimizer = _copied(network, lr)
    step(twin, optimizer, *batch)
    return _weights(twin) - _weights(network)


def _weights(network: nn.Module) -> Tensor:
    return parameters_to_vector(network.parameters()).detach().clone()


class _CountingSGD(SGD):
    """A plain SGD that knows how often it was asked for a step."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)


class _Watched:
    """What goes through a network, and how many numbers its graphs hold at once.

    A graph holds what its backward pass needs. That is the memory which parts are to save.
    """

    def __init__(self, network: nn.Module):
        self.network = network
        self.sizes: list[int] = []
        self.in_training = True
        self.held = self.most_held = 0

    def __enter__(self) -> "_Watched":
        self.hook = self.network.register_forward_pre_hook(self._forward)
        self.graphs = saved_tensors_hooks(self._pack, lambda kept: kept.tensor)
        self.graphs.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.graphs.__exit__(*error)
        self.hook.remove()

    def _forward(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.sizes.append(len(inputs[0]))
        self.in_training &= network.training

    def _pack(self, tensor: Tensor) -> "_Kept":
        self.held += tensor.numel()
        self.most_held = max(self.most_held, self.held)
        return _Kept(tensor, self._release)

    def _release(self, numbers: int) -> None:
        self.held -= numbers


class _Kept:
    """A tensor that a graph holds until it lets go."""

    def __init__(self, tensor: Tensor, release: Callable[[int], None]):
        self.tensor = tensor
        self.release = release

    def __del__(self) -> None:
        self.release(self.tensor.numel())


def _held_by_a_part(network: nn.Module, lr: float, images: Tensor, labels: Tensor, k: int) -> int:
    """Return how many numbers the graph of the first, largest part holds."""
    twin, _ = _copied(network, lr)
    with _Watched(twin) as watched:
        part, answers = images.chunk(k)[0], labels.chunk(k)[0]
        (F.cross_entropy(twin(part), answers) * len(part) / len(images)).backward()
    return watched.most_held


def _check_use(tried: str, watched: _Watched, allowed: int, count: int, k: int) -> None:
    """See how the network was used."""
    if not watched.sizes:
        raise Wrong(f"{tried}nothing went through the network: call model(part).")
    if max(watched.sizes) > -(-count // k) or len(watched.sizes) > k:
        raise Wrong(
            f"{tried}{number_of(len(watched.sizes), 'part')} of at most "
            f"{number_of(max(watched.sizes), 'image')} went through the network: there should be "
            f"{k}, of about the same size."
        )
    if watched.most_held > 1.5 * allowed:
        raise Wrong(
            f"{tried}the graphs of several parts were held at once, which needs as much memory as "
            "the whole batch. Call backward() for each part before the next one goes through."
        )
    if not (watched.in_training and watched.network.training):
        raise Wrong(
            f"{tried}the network was switched to evaluation mode, which is not for training: "
            "leave its mode as it is."
        )


def _check_optimizer(tried: str, optimizer: _CountingSGD, lr: float) -> None:
    """See to it that it made one step, and is left as it was."""
    steps, optimizer.steps = optimizer.steps, 0
    if steps == 0:
        raise Wrong(f"{tried}the optimizer made no step: is there an optimizer.step()?")
    if steps != 1:
        raise Wrong(
            f"{tried}the optimizer made {steps} steps: add up the gradients of all parts, then "
            "make one."
        )
    if optimizer.param_groups[0]["lr"] != lr:
        raise Wrong(
            f"{tried}the learning rate of the optimizer was changed, for all steps to come. Weight "
            "the losses of the parts instead."
        )


def _check_step(tried: str, found: Tensor, task: tuple) -> None:
    """Say how a step differs from that on the whole batch."""
    right = _moved_by(_whole_batch, *task)
    length = right.norm()
    if (found - right).norm() <= 1e-3 * length:
        return
    told = f"{tried}it is {(found.norm() / length).item():.3g} times as long as on the whole batch"
    for sentence, wrong in _MISTAKES.items():
        mistake = _moved_by(wrong, *task)
        if (found - mistake).norm() <= 1e-3 * mistake.norm():
            raise Wrong(f"{told}. {sentence}")
    raise Wrong(
        f"{told}, or leads elsewhere. Each image must count as one of the whole batch, and no "
        "gradient of before."
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe, `data` has training and test images, `k` is a whole number "
    "from 2 on, and `seeds` is a list of two or more.",
)
def _(gain: Function, draws: Draws):
    def case():
        epochs, lr = draws.count(2, 4), draws.number(0.002, 0.02)
        recipe = Recipe(epochs=epochs, batch_size=5, lr=lr, model=mlp)
        data = load_data("digits").subset(train=80, test=100, seed=draws.count(0, 99))
        k, seeds = draws.count(2, 4), [draws.count(0, 999) for _ in range(draws.count(2, 4))]
        return recipe, data, k, seeds

    GAIN.judge(gain, draws, case)


@check.exercise(
    "what becomes of steps, noise and distance", domain="`k` is a whole number from 1 on."
)
def _(factors: Function, draws: Draws):
    agree(
        factors,
        lambda k: [1 / k, k, 1],
        [(1,), (2,), *((draws.count(3, 64),) for _ in range(4))],
        "M images are M/B steps; a step moves by η·g, and has noise η²·Σ/B.",
        mistakes={
            "Your noise is that of the learning rate kept: η² grows too.": (
                lambda k: [1 / k, 1 / k, 1]
            ),
            "Your noise leaves out that the larger batch averages it: divide by k once.": (
                lambda k: [1 / k, k**2, 1]
            ),
            "Your distance is that of one step: there are fewer of them.": lambda k: [1 / k, k, k],
            "A larger batch makes fewer steps of the same number of images.": lambda k: [k, k, 1],
        },
    )


@check.exercise("the largest k", domain="`x` is at least 0.002 and at most 1.")
def _(largest_k: Function, draws: Draws):
    def case():
        return (draws.scale(0.002, 1),)

    def far_from_rounding(case):
        (x,) = case
        ends = (_apart(x, _largest_k(x) + more) for more in (0, 1))
        return all(abs(end - 0.05) > 1e-9 for end in ends)

    def small(case):
        return case[0] < 0.01 and far_from_rounding(case)

    agree(
        largest_k,
        _largest_k,
        [
            *((x,) for x in (0.002, 0.3, 1.0)),
            draws.until(case, small),
            *(draws.until(case, far_from_rounding) for _ in range(6)),
        ],
        "Small steps end at (1 - x)^k, the large one at 1 - k·x; k = 1 always holds.",
        mistakes={
            "That is the approximation for small x: count k up instead.": lambda x: int(0.32 / x),
            "That is the approximation for small x, and k = 1 always holds: count k up instead.": (
                lambda x: max(1, int(0.32 / x))
            ),
            "That is the first k for which it no longer holds.": lambda x: _largest_k(x) + 1,
            "That is one too few, or none where k = 1 holds.": lambda x: _largest_k(x) - 1,
        },
    )


@check.exercise(
    "the noise scale from two batches",
    domain="`small` is below `large`; both squared lengths are above 0, and that of the small "
    "batch is the larger one.",
)
def _(estimate_noise_scale: Function, draws: Draws):
    cases = []
    for _ in range(5):
        square, noise = draws.scale(0.01, 5), draws.scale(1, 100)
        small = draws.count(2, 64)
        large = small * draws.count(2, 32)
        cases.append((small, square + noise / small, large, square + noise / large))
    agree(
        estimate_noise_scale,
        _estimate,
        cases,
        "Two equations, two unknowns.",
        tolerance=1e-6,
        mistakes={
            "That is S: divide it by ‖g‖².": lambda *given: _parts_of_estimate(*given)[0],
            "That is ‖g‖²: S divided by it is wanted.": lambda *given: _parts_of_estimate(*given)[
                1
            ],
            "That is ‖g‖²/S, the other way round.": lambda *given: 1 / _estimate(*given),
            "The large batch has noise too: its squared length is not ‖g‖² yet.": (
                lambda b, q_b, B, q_B: (q_b - q_B) / (1 / b - 1 / B) / q_B
            ),
            "That takes the large batch for one without noise, and leaves out the size b.": (
                lambda b, q_b, B, q_B: (q_b - q_B) / q_B
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def _both(
    baseline: Recipe,
    data: Data,
    k: int,
    seeds: Sequence[int],
    scale: Callable[..., float] = linear_scaling,
):
    kept = replace(baseline, batch_size=k * baseline.batch_size)
    scaled = replace(kept, lr=scale(baseline.lr, k, reference=1))
    return study({"kept": kept, "scaled": scaled}, data, seeds)


def _with_small_batches(baseline: Recipe, data: Data, k: int, seeds: Sequence[int]):
    scaled = replace(baseline, lr=k * baseline.lr)
    return study({"kept": baseline, "scaled": scaled}, data, seeds)


def _against_the_small_batch(baseline: Recipe, data: Data, k: int, seeds: Sequence[int]):
    scaled = replace(baseline, batch_size=k * baseline.batch_size, lr=k * baseline.lr)
    return study({"small": baseline, "scaled": scaled}, data, seeds)


GAIN = OwnInterval(
    _both,
    "Hand both recipes with the large batch to `study`, with the data and the seeds, and read the "
    "difference of the one that is scaled: `.low` and `.high`.",
    trick="the scaled learning rate",
    baseline="the unchanged one",
    others={
        "That is the square root of k: the exercise asks for the linear rule.": partial(
            _both, scale=sqrt_scaling
        ),
        "Both of yours have the small batch: make it k times as large.": _with_small_batches,
        "That is against the small batch: both recipes have the large one.": (
            _against_the_small_batch
        ),
    },
)


def _apart(x, k):
    return abs((1 - x) ** k - (1 - k * x))


def _largest_k(x):
    k = 1
    while _apart(x, k + 1) <= 0.05:
        k += 1
    return k


def _parts(images, labels, k):
    return zip(images.chunk(k), labels.chunk(k), strict=True)


def _add_up(model, images, labels, k):
    for part, answers in _parts(images, labels, k):
        (F.cross_entropy(model(part), answers) * len(part) / len(images)).backward()


def _step_in_parts(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    _add_up(model, images, labels, k)
    optimizer.step()


def _whole_batch(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimizer.step()


def _one_backward_at_the_end(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    losses = [F.cross_entropy(model(p), y, reduction="sum") for p, y in _parts(images, labels, k)]
    (torch.stack(losses).sum() / len(images)).backward()
    optimizer.step()


def _backwards_after_all_forwards(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    losses = [F.cross_entropy(model(p), y, reduction="sum") for p, y in _parts(images, labels, k)]
    for loss in losses:
        (loss / len(images)).backward()
    optimizer.step()


def _parts_that_count_alike(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in _parts(images, labels, k):
        (F.cross_entropy(model(part), answers) / k).backward()
    optimizer.step()


def _parts_added_up(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in _parts(images, labels, k):
        F.cross_entropy(model(part), answers).backward()
    optimizer.step()


def _uphill(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    for part, answers in _parts(images, labels, k):
        (-F.cross_entropy(model(part), answers) * len(part) / len(images)).backward()
    optimizer.step()


def _a_step_for_each_part(model, optimizer, images, labels, k):
    for part, answers in _parts(images, labels, k):
        optimizer.zero_grad()
        (F.cross_entropy(model(part), answers) * len(part) / len(images)).backward()
        optimizer.step()


def _on_top_of_the_last_step(model, optimizer, images, labels, k):
    _add_up(model, images, labels, k)
    optimizer.step()


def _cleared_only_afterwards(model, optimizer, images, labels, k):
    _add_up(model, images, labels, k)
    optimizer.step()
    optimizer.zero_grad()


def _without_a_step(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    _add_up(model, images, labels, k)


def _a_step_of_its_own(model, optimizer, images, labels, k):
    optimizer.zero_grad()
    _add_up(model, images, labels, k)
    with torch.no_grad():
        for weights in model.parameters():
            weights -= optimizer.param_groups[0]["lr"] * weights.grad


def _an_optimizer_of_its_own(model, optimizer, images, labels, k):
    _step_in_parts(
        model, SGD(model.parameters(), optimizer.param_groups[0]["lr"]), images, labels, k
    )


def _left_in_evaluation(model, optimizer, images, labels, k):
    model.eval()
    _step_in_parts(model, optimizer, images, labels, k)


def _image_by_image(model, optimizer, images, labels, k):
    _step_in_parts(model, optimizer, images, labels, len(images))


def _at_a_lower_rate(model, optimizer, images, labels, k):
    optimizer.param_groups[0]["lr"] /= k
    _parts_added_up(model, optimizer, images, labels, k)


def _normalised_in_place(model, optimizer, images, labels, k):
    images -= images.mean()
    _step_in_parts(model, optimizer, images, labels, k)


def _parts_of_estimate(small, q_small, large, q_large):
    square = (large * q_large - small * q_small) / (large - small)
    return (q_small - q_large) / (1 / small - 1 / large), square


def _estimate(small, squared_small, large, squared_large):
    noise, square = _parts_of_estimate(small, squared_small, large, squared_large)
    return noise / square


_MISTAKES = {
    "Gradients from before were added: clear them before the first backward().": (
        _on_top_of_the_last_step
    ),
    "The parts differ in size: the loss of each counts by its share of the images, not by 1/k.": (
        _parts_that_count_alike
    ),
    "Each backward() adds the gradient of a mean: weight each loss by its share of the images.": (
        _parts_added_up
    ),
}

RIGHT = {
    1: (0.4, 0.2),
    2: _step_in_parts,
    3: GAIN.right,
    4: lambda k: (1 / k, k, 1),
    5: _largest_k,
    6: _estimate,
}

WRONG = {
    1: [
        ((0.4, 0.4), "That is the linear rule"),
        ((0.025, 0.2), "multiply"),
        ((0.2, 0.4), "the linear one comes first"),
        ((0.4, 1.6), "The square-root rule"),
    ],
    2: [
        (_one_backward_at_the_end, "held at once"),
        (_backwards_after_all_forwards, "held at once"),
        (_parts_that_count_alike, "The parts differ in size"),
        (_parts_added_up, "adds the gradient of a mean"),
        (_uphill, "or leads elsewhere"),
        (_a_step_for_each_part, "add up the gradients of all parts"),
        (_on_top_of_the_last_step, "Gradients from before"),
        (_cleared_only_afterwards, "Gradients from before"),
        (_whole_batch, "there should be"),
        (_image_by_image, "there should be"),
        (_without_a_step, "is there an optimizer.step()?"),
        (_a_step_of_its_own, "is there an optimizer.step()?"),
        (_an_optimizer_of_its_own, "is there an optimizer.step()?"),
        (_left_in_evaluation, "evaluation mode"),
        (_at_a_lower_rate, "the learning rate of the optimizer was changed"),
        (_normalised_in_place, "changed its argument `images`"),
        (lambda model, optimizer, images, labels, k: None, "nothing went through the network"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda k: (1 / k, 1 / k, 1), "the learning rate kept"),
        (lambda k: (1 / k, k**2, 1), "divide by k once"),
        (lambda k: (1 / k, k, k), "there are fewer of them"),
        (lambda k: (k, k, 1), "fewer steps"),
        (lambda k: (0.5, 2, 1), "a step moves by η·g"),
        (lambda k: k, "Expected 3 numbers"),
    ],
    5: [
        (lambda x: int(0.32 / x), "count k up instead"),
        (lambda x: max(1, int(0.32 / x)), "count k up instead"),
        (lambda x: _largest_k(x) - 1, "That is one too few"),
        (lambda x: _largest_k(x) + 1, "no longer holds"),
        (lambda x: 7 if x >= 1 else _largest_k(x), "k = 1 always holds"),
        (lambda x: -3 if x < 0.005 else _largest_k(x), "Small steps end at (1 - x)^k"),
    ],
    6: [
        (lambda *given: _parts_of_estimate(*given)[0], "divide it by ‖g‖²"),
        (lambda *given: _parts_of_estimate(*given)[1], "S divided by it"),
        (lambda *given: 1 / _estimate(*given), "the other way round"),
        (lambda b, q_b, B, q_B: (q_b - q_B) / (1 / b - 1 / B) / q_B, "has noise too"),
        (lambda b, q_b, B, q_B: (q_b - q_B) / q_B, "leaves out the size"),
        (lambda b, q_b, B, q_B: b * q_b / q_B, "Two equations, two unknowns"),
    ],
}
