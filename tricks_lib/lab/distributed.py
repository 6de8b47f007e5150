"""Several workers under `torchrun`, or one worker otherwise, by the same code.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import os
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["Workers", "workers"]


@dataclass(frozen=True)
class Workers:
    """This process among those that train one network together.

    Args:
        rank: number of this process, from 0.
        size: how many processes there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Wrap a model so that every backward pass averages its gradients over the workers."""
        if self.size == 1:
            return model
        return DistributedDataParallel(model, [device] if device.type == "cuda" else None)

    def take(self, batch: Tensor) -> Tensor:
        """Return this worker's part of a batch of indices; the parts are equal and disjoint.

        Raises:
            ValueError: if the batch cannot be divided equally: the mean of the workers' mean
                gradients would then not be the gradient of the whole batch.
        """
        if len(batch) % self.size:
            raise ValueError(
                f"batch_size must be a multiple of the {self.size} workers, got {len(batch)}"
            )
        return batch[self.rank :: self.size]

    def mean(self, values: Tensor) -> Tensor:
        """Average a tensor over the workers."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def align(self, model: nn.Module) -> None:
        """Give every worker the weights and running statistics of the first.

        The weights are equal already; running statistics are not, since each worker has seen its
        own part of every batch. Without this each would judge a network of its own.
        """
        if self.size > 1:
            for value in (*model.parameters(), *model.buffers()):
                dist.broadcast(value.detach(), src=0)

    def share_value(self, value: Any) -> Any:
        """Return the first worker's value to all of them, so that they decide alike."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]


def workers() -> Workers:
    """Join the workers that `torchrun` started; without it there is one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ and not dist.is_initialized():
        return Workers()
    if not dist.is_initialized():
        # A backend for each kind of device, so that a machine with GPUs can train on its CPU too.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend)
    return Workers(dist.get_rank(), dist.get_world_size())
