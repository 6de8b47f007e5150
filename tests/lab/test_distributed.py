import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tricks_lib import Recipe, fit, gradual_warmup, load_data, mlp
from tricks_lib.lab.distributed import Workers, workers

RECIPE = Recipe(
    epochs=2,
    batch_size=32,
    lr=0.05,
    model=partial(mlp, hidden=(16,), size=7),  # without batch norm, which each worker has its own
    schedule=gradual_warmup(1),
)

WORKER = """
import json, sys, torch
from dataclasses import replace
from functools import partial
from tricks_lib import *

data = load_data().subset(train=100, test=50)  # 3 batches
drawn = []

def augment(images):
    drawn.append(torch.rand(()).item())
    return images

run = fit(replace({recipe!r}, augment=augment), data, seed=5, device="cpu", evaluate="end")
rank = torch.distributed.get_rank()
told = {{
    "drawn": drawn,
    "size": torch.distributed.get_world_size(),
    "loss": run.history.loss,
    "lr": run.history.lr,
    "nll": run.final.nll,
    "weights": [p.tolist() for p in run.model.parameters()],
    "model": type(run.model).__name__,
}}
with open(f"{{sys.argv[1]}}/{{rank}}.json", "w") as file:
    json.dump(told, file)
torch.distributed.destroy_process_group()
"""


def test_two_workers_train_as_one(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(recipe=RECIPE))
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", script, tmp_path],
        env=quiet,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    # Each draws for its own images; in all else the workers agree to the last bit.
    assert not set(first.pop("drawn")) & set(second.pop("drawn"))
    assert first == second
    assert (first["size"], first["model"]) == (2, "Sequential")
    alone = fit(
        RECIPE, load_data().subset(train=100, test=50), seed=5, device="cpu", evaluate="end"
    )
    assert first["lr"] == alone.history.lr
    assert len(first["loss"]) == 6
    assert first["loss"] == pytest.approx(alone.history.loss, rel=1e-5)
    assert first["nll"] == pytest.approx(alone.final.nll, rel=1e-5)
    for shared, own in zip(first["weights"], alone.model.parameters(), strict=True):
        torch.testing.assert_close(torch.tensor(shared), own.detach(), rtol=1e-4, atol=1e-6)


@given(size=st.integers(1, 8), each=st.integers(1, 20))
def test_a_batch_is_shared_out_evenly(size, each):
    batch = torch.randperm(size * each)
    parts = [Workers(rank, size).take(batch) for rank in range(size)]
    assert {len(part) for part in parts} == {each}
    assert sorted(torch.cat(parts).tolist()) == list(range(size * each))


def test_a_batch_that_cannot_be_shared_is_refused():
    message = "^batch_size must be a multiple of the 3 workers, got 32$"
    with pytest.raises(ValueError, match=message):
        Workers(rank=1, size=3).take(torch.arange(32))


def test_one_worker_changes_nothing():
    alone = workers()
    assert alone == Workers(rank=0, size=1)
    model, batch = nn.Linear(2, 2), torch.arange(7)
    assert alone.share(model, torch.device("cpu")) is model
    assert torch.equal(alone.take(batch), batch)
    assert alone.mean(torch.tensor(3.0)).item() == 3.0


def test_a_group_that_is_there_is_joined(toy):
    recipe = replace(RECIPE, batch_size=16)
    expected = fit(recipe, toy(), device="cpu").history
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        assert workers() == Workers(rank=0, size=1)
        assert fit(recipe, toy(), device="cpu").history == expected
    finally:
        dist.destroy_process_group()
