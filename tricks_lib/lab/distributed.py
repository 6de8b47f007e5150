"""Several workers under `torchrun`, or one worker otherwise, by the same code.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


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


def workers() -> Workers:
    """Join the workers that `torchrun` started; without it there is one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ and not dist.is_initialized():
        return Workers()
    if not dist.is_initialized():
        # A backend for each kind of device, so that a machine with GPUs can train on its CPU too.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend)
    return Workers(dist.get_rank(), dist.get_world_size())
