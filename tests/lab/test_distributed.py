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
    model=partial(
        mlp, hidden=(16,), size=7
    ),  # without batch norm: each worker normalises by its own part
    schedule=gradual_warmup(1),
)

TELL = """
with open(f"{sys.argv[1]}/{torch.distributed.get_rank()}.json", "w") as file:
    json.dump(told, file)
torch.distributed.destroy_process_group()
"""


def two_workers(script, folder):
    """Run a script under `torchrun`; return what each of two workers told."""
    file = folder / "worker.py"
    file.write_text(script + TELL)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", file, folder],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


TOGETHER = f"""
import json, sys, torch
from dataclasses import replace
from functools import partial
from tricks_lib import *

data = load_data().subset(train=100, test=50)  # 3 batches
drawn = []

def augment(images):
    drawn.append(torch.rand(()).item())
    return images

run = fit(replace({RECIPE!r}, augment=augment), data, seed=5, device="cpu", evaluate="end")
told = {{
    "drawn": drawn,
    "size": torch.distributed.get_world_size(),
    "loss": run.history.loss,
    "lr": run.history.lr,
    "nll": run.final.nll,
    "weights": [p.tolist() for p in run.model.parameters()],
    "model": type(run.model).__name__,
}}
"""


def test_two_workers_train_as_one(tmp_path):
    first, second = two_workers(TOGETHER, tmp_path)
    # Each draws for its own images; in all else the workers agree to the last bit.
    assert not set(first.pop("drawn")) & set(second.pop("drawn"))
    assert first == second
    assert (first["size"], first["model"]) == (2, "Sequential")
    data = load_data().subset(train=100, test=50)
    alone = fit(RECIPE, data, seed=5, device="cpu", evaluate="end")
    assert first["lr"] == alone.history.lr
    assert len(first["loss"]) == 6
    assert first["loss"] == pytest.approx(alone.history.loss, rel=1e-5)
    assert first["nll"] == pytest.approx(alone.final.nll, rel=1e-5)
    for shared, own in zip(first["weights"], alone.model.parameters(), strict=True):
        torch.testing.assert_close(torch.tensor(shared), own.detach(), rtol=1e-4, atol=1e-6)


JUDGED = """
import json, sys, torch
from dataclasses import asdict, replace
from functools import partial
from tricks_lib import *

data = load_data().subset(train=100, test=50).hold_out(36)
recipe = Recipe(epochs=2, batch_size=32, lr=0.05, model=partial(small_resnet, width=8))

def moody(losses):  # workers that see other losses soon disagree about this
    return int(losses[-1] * 1e5) % 4 == 0

run = fit(recipe, data, seed=1, device="cpu", evaluate="every epoch", snapshots=(1, 2))
stopped = fit(replace(recipe, epochs=30, stop=moody), data, device="cpu", evaluate="end")
try:
    fit(replace(recipe, epochs=1, batch_size=64, lr=1e30), data, device="cpu")
    diverged = None
except Diverged as error:
    diverged = str(error)
told = {
    "epochs": [asdict(metrics) for metrics in run.history.epochs],
    "final": asdict(run.final),
    "states": [
        {name: value.tolist() for name, value in model.state_dict().items()}
        for model in (run.model, stopped.model, *run.snapshots.values())
    ],
    "validation": stopped.history.validation,
    "kept": stopped.history.kept,
    "stopped": asdict(stopped.final),
    "diverged": diverged,
}
"""


def test_workers_judge_one_network_and_stop_together(tmp_path):
    """Each has seen its own images, and has running statistics of its own until they are told."""
    first, second = two_workers(JUDGED, tmp_path)
    assert first == second
    assert len(first["epochs"]) == 2
    assert any("running_mean" in name for name in first["states"][0])
    assert 1 <= len(first["validation"]) < 30
    assert "after its last step" in first["diverged"]


STUDIED = """
import json, sys, torch
from dataclasses import asdict, replace
from functools import partial
from tricks_lib import *

data = load_data().subset(train=64, test=32)
base = Recipe(epochs=1, batch_size=32, lr=0.05, model=partial(small_resnet, width=8))
arms = {"plain": base, "warmup": replace(base, schedule=gradual_warmup(1))}
path = f"{sys.argv[1]}/record.jsonl"
results = [study(arms, data, seeds, device="cpu", path=path) for seeds in (1, 2, 2)]
told = {"runs": [result.runs for result in results], "shown": [str(result) for result in results]}
"""


def test_workers_write_one_record_of_a_study_and_know_all_of_it(tmp_path):
    first, second = two_workers(STUDIED, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    assert sum("study" in line for line in lines) == 1
    made = [(line["run"], line["seed"]) for line in lines if "run" in line]
    assert made == [("plain", 0), ("warmup", 0), ("plain", 1), ("warmup", 1)]
    assert [len(runs["plain"]) for runs in first["runs"]] == [1, 2, 2]
    assert second == first


COMMAND = """
import contextlib, io, json, sys
import torch
from tricks_lib import cli
from tricks_lib.lab.study import StudyResult

folder = f"{sys.argv[1]}/study"
asked = ["study", "--data", "digits", "--tricks", "warmup", "--seeds", "2", "--epochs", "1"]
asked += ["--batch-size", "256", "--device", "cpu", "--out", folder]
said = [io.StringIO() for _ in range(3)]
with contextlib.redirect_stdout(said[0]), contextlib.redirect_stderr(said[1]):
    status = cli.main(asked)
with contextlib.redirect_stdout(said[2]):
    again = cli.main(asked)
torch.distributed.barrier()
told = {
    "status": [status, again],
    "runs": StudyResult.load(f"{folder}/runs.jsonl").runs,
    "said": [text.getvalue() for text in said],
}
"""


def test_the_command_study_speaks_and_writes_once(tmp_path):
    first, second = two_workers(COMMAND, tmp_path)
    assert (first["status"], second["status"]) == ([0, 0], [0, 0])
    assert "warmup" in first["said"][0]
    assert "4 runs" in first["said"][0]
    assert first["said"][1].count("[4/4]") == 1
    assert "All 4 runs are there already." in first["said"][2]
    assert second["said"] == ["", "", ""]
    assert first["runs"] == second["runs"]
    lines = (tmp_path / "study" / "runs.jsonl").read_text().splitlines()
    assert sum('"run":' in line for line in lines) == 4
    assert (tmp_path / "study" / "report.html").exists()


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
