"""What the loss looks like around a network: its gradient and its largest curvature.

Chapter: notebooks/01_warmup.ipynb
"""

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from ..recipe import Recipe
from .data import Data
from .steps import Training

__all__ = ["gradient", "largest_curvature", "snapshots"]


def gradient(model: nn.Module, loss: Tensor, create_graph: bool = False) -> Tensor:
    """Return the gradient of a scalar loss as one vector, float (P,), P the number of parameters.

    Args:
        model: network whose parameters that require gradients are meant, in their order.
        loss: scalar computed with them.
        create_graph: keep what a second derivative needs.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    parts = torch.autograd.grad(loss, parameters, create_graph=create_graph)
    return torch.cat([part.reshape(-1) for part in parts])


def largest_curvature(
    model: nn.Module, loss: Tensor, tolerance: float = 0.1, seed: int = 0
) -> float:
    """Return the largest eigenvalue of the Hessian of the loss, by Lanczos iteration (scipy).

    The Hessian is never built: each iteration multiplies it with one vector, by differentiating
    the product of gradient and vector (Pearlmutter's trick), at the price of a few backward passes.

    Args:
        model: network whose parameters that require gradients are meant.
        loss: scalar computed with them, twice differentiable.
        tolerance: relative accuracy of the eigenvalue.
        seed: fixes the vector to start from.

    Returns:
        The eigenvalue, in nats per squared unit of the parameters; below zero only where the loss
        bends down in every direction.

    Source: Pearlmutter 1994, Fast Exact Multiplication by the Hessian.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    slope = gradient(model, loss, create_graph=True)

    def times_hessian(vector: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(vector.reshape(-1)).to(slope)
        parts = torch.autograd.grad(slope @ direction, parameters, retain_graph=True)
        return torch.cat([part.reshape(-1) for part in parts]).cpu().numpy()

    size = len(slope)
    values = eigsh(
        LinearOperator((size, size), times_hessian, dtype=np.float32),
        k=1,
        which="LA",  # the largest, not the largest in absolute value
        v0=np.random.default_rng(seed).standard_normal(size).astype(np.float32),
        ncv=min(size, 6),  # few vectors: products are dear, and the eigenvalue stands alone
        tol=tolerance,
        return_eigenvectors=False,
    )
    return float(values[0])


def snapshots(
    recipe: Recipe, data: Data, steps: Collection[int], *, seed: int = 0
) -> Iterator[tuple[int, float, nn.Module]]:
    """Train as `fit` does, on the CPU, and stop before some steps to let the caller look.

    Args:
        recipe: how to train.
        data: what to train on.
        steps: numbers of the steps before which to stop, from 0.
        seed: as in `fit`.

    Yields:
        The step, the learning rate that it will take, and the network in training mode, which
        trains on when the next item is asked for. Do not change it.
    """
    training = Training(recipe, data, seed=seed, device="cpu")
    if 0 in steps:
        yield 0, training.lr, training.model
    last = min(max(steps, default=0), recipe.epochs * training.per_epoch - 1)
    for step in islice(training, last):  # no step is taken that nobody looks at
        if step.number + 1 in steps:
            yield step.number + 1, training.lr, training.model
