"""A study on a Ray cluster: two nodes of one CPU each, started here on this machine."""

import os
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tricks_lib import Diverged, Recipe, mlp
from tricks_lib.lab.distributed import Workers
from tricks_lib.lab.study import OwnImages, StudyResult, study
from tricks_lib.lab.study import cluster as module
from tricks_lib.lab.study import run as runs
from tricks_lib.lab.study.cluster import Cluster, sources
from tricks_lib.lab.study.record import Recorder
from tricks_lib.lab.train import History

ROOT = Path(__file__).parents[3]
BASE = Recipe(epochs=1, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))
TWO = {"plain": BASE, "slow": replace(BASE, lr=0.001)}
WAIT = 240
"""Seconds that a run waits at most for what a test does meanwhile."""


# --- Runs that a test can watch; they are imported on the nodes ---


def watched(seed, folder, gate):
    """Tell which node it runs on, and go on when the test opens the gate."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    Path(folder, f"seed-{seed}-{node}").touch()
    limit = time.monotonic() + WAIT
    while not Path(folder, gate).exists() and time.monotonic() < limit:
        time.sleep(0.05)
    return {"accuracy": 0.5 + seed / 100}


def lethal(seed):
    if seed == 1:
        os._exit(9)
    return {"accuracy": 0.5}


def no_number(seed):
    return {"accuracy": "high"}


def at_times_diverged(seed):
    if seed == 1:
        raise Diverged(BASE, History([1.0], [0.1]), "the loss became nan")
    return {"accuracy": 0.5}


def few_digits():
    from tricks_lib import load_data

    return load_data("digits").subset(train=100, test=50)


def drawn(run, data):
    return {"first": run.history.loss[0], "labels": data.train.labels}


# --- The cluster ---


def patiently(start):
    """Start a node, again if its helpers were not there within the seconds that Ray gives them."""
    for left in reversed(range(4)):
        try:
            return start()
        except Exception as error:
            if not left or "timed out during startup" not in str(error):
                raise


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """A cluster of two nodes, and what belongs to it."""
    quick = tmp_path_factory.mktemp("quick")
    # Every process of Ray imports jsonschema, and that, if it is there for Jupyter, a grammar which
    # takes seconds to read: too long for a node that waits for its helpers on a busy machine.
    (quick / "rfc3987_syntax.py").write_text("raise ImportError\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "rfc3987_syntax", None)
        paths = map(str, [quick, ROOT, Path(__file__).parent])
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        for name, value in {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
        }.items():
            patch.setenv(name, value)
        ray, local = import_module("ray"), import_module("ray.cluster_utils")
        each = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 * 2**20}
        quiet = {"include_dashboard": False, "include_log_monitor": False}
        head = partial(local.Cluster, initialize_head=True, head_node_args=each | quiet)
        started = patiently(head)
        try:
            yield SimpleNamespace(
                address=started.address,
                ray=ray,
                second=patiently(partial(started.add_node, **each)),
                remove=partial(started.remove_node, allow_graceful=False),
            )
        finally:
            ray.shutdown()
            started.shutdown()


def opened(folder, gate="go", when=lambda starts: True):
    """Open the gate, from a thread, as soon as runs have started as `when` says."""

    def wait():
        limit = time.monotonic() + WAIT
        while not when(sorted(folder.glob("seed-*"))) and time.monotonic() < limit:
            time.sleep(0.05)
        (folder / gate).touch()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_runs_on_a_cluster_are_those_of_one_process(toy, nodes, tmp_path):
    arms = {**TWO, "own": at_times_diverged}
    alone = study(arms, toy(), 2, device="cpu")
    path = tmp_path / "study.jsonl"
    spread = study(arms, toy(), 2, device="cpu", ray=nodes.address, path=path)
    assert (spread.runs, spread.diverged) == (alone.runs, alone.diverged)
    assert spread.diverged["own"] == {1: 0}
    assert not nodes.ray.is_initialized(), "the connection is left open"
    assert StudyResult.load(path).runs == alone.runs
    # It answers the same question: one process goes on where the cluster stopped.
    more = study(arms, toy(), 3, device="cpu", path=path)
    assert more.runs["plain"].keys() == {0, 1, 2}
    same = "device", "torch", "python", "threads", "engine", "data_fingerprint"
    assert all(spread.provenance[name] == alone.provenance[name] for name in same)


def test_each_seed_has_its_own_images_on_a_cluster_too(nodes):
    data = OwnImages(few_digits, train=50)
    ask = partial(study, TWO, data, 2, device="cpu", measure=drawn)
    assert ask(ray=nodes.address).runs == ask().runs


def test_what_is_wrong_with_a_run_is_told_as_if_it_had_been_here(nodes):
    with pytest.raises(TypeError, match=r"^expected numbers or lists of numbers, got accuracy="):
        study({"one": no_number}, seeds=2, ray=nodes.address)


def test_a_run_that_kills_its_process_each_time_ends_the_study(nodes, tmp_path):
    path = tmp_path / "study.jsonl"
    with pytest.raises(
        ChildProcessError, match=r"^the run of 'one', seed 1,? was lost .*,? 4 times"
    ):
        study({"one": lethal}, seeds=2, ray=nodes.address, path=path)
    assert StudyResult.load(path).runs["one"][0] == {"accuracy": 0.5}


def test_another_version_on_a_node_is_refused(nodes, monkeypatch):
    monkeypatch.setattr(runs, "sources", lambda: "another")
    with pytest.raises(ValueError, match="has another version of tricks_lib"):
        study({"one": at_times_diverged}, seeds=1, ray=nodes.address)


def test_an_interrupted_study_stops_its_runs_and_keeps_the_finished(nodes, tmp_path, monkeypatch):
    path, folder = tmp_path / "study.jsonl", tmp_path / "runs"
    folder.mkdir()
    (folder / "go").touch()
    add = Recorder.add

    def interrupted(recorder, arm, seed, seconds, **found):
        add(recorder, arm, seed, seconds, **found)
        (folder / "go").unlink()
        raise KeyboardInterrupt

    arm = {"one": partial(watched, folder=str(folder), gate="go")}
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            study(arm, seeds=6, ray=nodes.address, path=path)
    assert len(StudyResult.load(path).runs["one"]) == 1
    (folder / "go").touch()
    started = len(list(folder.glob("seed-*")))
    time.sleep(1.0)
    assert len(list(folder.glob("seed-*"))) == started < 6, "runs go on after the end"
    whole = study(arm, seeds=6, ray=nodes.address, path=path)
    assert whole.runs["one"] == {seed: {"accuracy": 0.5 + seed / 100} for seed in range(6)}


def test_runs_lost_with_a_node_are_made_again(nodes, tmp_path):
    """The last test of this cluster: it leaves one node."""
    lost = nodes.second.node_id

    def both(starts):
        if len({start.name.rpartition("-")[2] for start in starts}) < 2:
            return False
        nodes.remove(nodes.second)
        return True

    waiting = opened(tmp_path, when=both)
    arm = {"one": partial(watched, folder=str(tmp_path), gate="go")}
    result = study(arm, seeds=5, ray=nodes.address)
    waiting.join()
    assert result.runs["one"] == {seed: {"accuracy": 0.5 + seed / 100} for seed in range(5)}
    starts = [file.name.split("-")[1:] for file in tmp_path.glob("seed-*")]
    taken = {seed for seed, node in starts if node == lost}
    assert taken, "no run was in progress on the node"
    assert taken & {seed for seed, node in starts if node != lost}, "none was made again"


# --- Without a cluster ---


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"run `pip install 'tricks-lib\[ray\]'`$"):
        study({"one": at_times_diverged}, seeds=1, ray="auto")


class Absent:
    """Ray, installed, with no cluster."""

    def is_initialized(self):
        return False

    def init(self, address, **options):
        raise RuntimeError("Could not find any running Ray instance.\nMore about it.")


def test_where_no_cluster_is_it_is_said_in_a_line(monkeypatch):
    monkeypatch.setattr(module, "_library", Absent)
    with pytest.raises(
        ConnectionError, match=r"^cannot reach a Ray cluster at 'auto': Could [^\n]*\.$"
    ):
        study({"one": at_times_diverged}, seeds=1, ray="auto")
    with pytest.raises(ConnectionError, match=r"^cannot reach a Ray cluster at '127\.0\.0\.1:1': "):
        study({"one": at_times_diverged}, seeds=1, ray="127.0.0.1:1")


def test_under_torchrun_there_is_no_ray(monkeypatch):
    monkeypatch.setattr(runs, "workers", lambda: Workers(rank=0, size=2))
    with pytest.raises(ValueError, match="expected jobs=1 and ray=None"):
        study({"one": at_times_diverged}, seeds=1, ray="auto")


def node(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": cpus, "GPU": gpus}}


@pytest.mark.parametrize(
    ("machines", "gpu", "share"),
    [
        ([node(8)], None, 0),
        ([node(8), node(8, 1)], None, 1 / 4),
        ([node(8, 1)], True, 1 / 4),
        ([node(8, 1)], False, 0),
        ([node(8), node(8, 1, alive=False)], None, 0),
    ],
)
def test_a_run_takes_part_of_a_gpu_where_there_is_one(machines, gpu, share):
    ray = SimpleNamespace(nodes=lambda: machines)
    found = Cluster("auto", cpus=2, side_by_side=4)._share(ray, gpu)
    assert found == {"num_cpus": 2, "num_gpus": share, "max_retries": 3}


@pytest.mark.parametrize(("machine", "gpu"), [(node(1, 1), False), (node(8), True)])
def test_that_no_machine_is_large_enough_is_said(machine, gpu):
    ray = SimpleNamespace(nodes=lambda: [machine])
    with pytest.warns(UserWarning, match="no machine of the Ray cluster has 2 CPUs"):
        Cluster("auto", cpus=2)._share(ray, gpu)


def test_machines_of_two_kinds_are_not_mixed():
    here = runs._here("cpu", 1)
    other = replace(here, told=here.told | {"torch": "1.0"})
    make = runs._Making(None, None, "end", "test", None, None, 1)
    with pytest.raises(ValueError, match=r"^the machines of the cluster differ"):
        runs._run_there(make, other, None, "one", 0, lethal)


def test_sources_are_those_of_the_package():
    assert len(sources()) == 16
    assert (module.PACKAGE / "recipe.py").is_file()
