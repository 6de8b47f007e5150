"""A few large steps by one worker or by several: the script to start with torchrun.

    torchrun --nproc-per-node 2 -m tricks_lib.course.chapters.linear_scaling.two_workers two.pt

Each worker is a process that holds the whole network and takes its share of every batch. After the
backward pass `DistributedDataParallel` averages the gradients over the workers, so that all of
them take the same step. On a machine with a GPU for each worker they talk by NCCL, else by gloo.

Chapter: notebooks/02_linear_scaling.ipynb
"""

import os
import sys
from dataclasses import replace
from functools import partial

import torch
import torch.distributed as dist

from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.train import fit
from tricks_lib.models import small_resnet
from tricks_lib.recipe import Recipe

RECIPE = Recipe(epochs=1, batch_size=64, lr=0.05, model=partial(small_resnet, batch_norm=False))
"""Batches of 64 over all workers: 2 workers have n = 32 images each."""

WITH_BATCH_NORM = replace(RECIPE, model=small_resnet)


def data() -> Data:
    """Load as many images as make five large steps."""
    return load_data("fashion-mini").subset(train=5 * RECIPE.batch_size, test=10)


def train(device: str | torch.device | None = None) -> dict:
    """Train both networks, alone or together with the other workers.

    Returns:
        Losses and final weights of the network without batch normalisation ("plain") and of the
        one with it ("batch norm").
    """
    found = {}
    for name, recipe in {"plain": RECIPE, "batch norm": WITH_BATCH_NORM}.items():
        run = fit(recipe, data(), device=device)
        weights = {name: value.cpu() for name, value in run.model.state_dict().items()}
        found[name] = {"loss": run.history.loss, "weights": weights}
    return found


def main(path: str) -> None:
    """Train as one of the workers; the first writes what was found, and how many they were."""
    workers = int(os.environ["WORLD_SIZE"])
    found = train(None if torch.cuda.device_count() >= workers else "cpu")
    if dist.get_rank() == 0:
        torch.save(found | {"workers": workers}, path)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
