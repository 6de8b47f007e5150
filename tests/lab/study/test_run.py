import itertools
import json
import math
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module, invalidate_caches
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch

from tricks_lib import Diverged, Recipe, cosine_decay, cross_entropy, fit, load_data, mlp, sgd
from tricks_lib.lab.distributed import Workers
from tricks_lib.lab.study import (
    Metric,
    OwnImages,
    StudyResult,
    code_hash,
    estimate_seconds,
    final_metrics,
    study,
)
from tricks_lib.lab.study import run as module
from tricks_lib.lab.train import History
from tricks_lib.stopping import GeneralizationLoss

BASE = Recipe(epochs=2, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))
TWO = {"plain": BASE, "slow": replace(BASE, lr=0.001)}
study_on_cpu = partial(study, device="cpu")


@pytest.fixture
def runs(monkeypatch):
    """Log the figures of every run that is made."""
    log, finite = [], module._finite

    def logged(found):
        log.append(found)
        return finite(found)

    monkeypatch.setattr(module, "_finite", logged)
    return log


def sometimes_nan(model, images, targets):
    """Diverge from some initial weights, not from others."""
    loss, logits = cross_entropy(model, images, targets)
    return loss * (math.nan if model[-1].bias[0] > 0.1 else 1), logits


def always_nan(model, images, targets):
    loss, logits = cross_entropy(model, images, targets)
    return loss * math.nan, logits


def one_epoch(seed):
    return {"accuracy": 0.5 + 0.01 * seed}


def no_number(run, data):
    return {"accuracy": "high"}


def small_digits():
    return load_data("digits").subset(train=100, test=50)


def scored(recipe, data, seed):
    return final_metrics(fit(recipe, data, seed=seed, device="cpu", evaluate="end"), data)


# --- What is kept of a run ---


def test_final_metrics_are_those_of_the_network(toy):
    data = toy(train=50)  # 3 steps an epoch
    run = fit(BASE, data, device="cpu", evaluate="end")
    figures = final_metrics(run, data)
    assert list(figures) == ["accuracy", "nll", "ece", "train_loss"]
    assert [figures[name] for name in ("accuracy", "nll", "ece")] == [
        *(run.final.accuracy, run.final.nll, run.final.ece)
    ]
    assert figures["train_loss"] == pytest.approx(np.mean(run.history.loss[3:]), rel=1e-12)


def test_the_training_loss_of_a_run_that_stopped_is_that_of_the_epoch_it_kept(toy):
    data = toy(train=80).hold_out(16)
    stopping = replace(BASE, epochs=50, lr=2.0, stop=GeneralizationLoss(percent=0.01))
    run = fit(stopping, data, device="cpu", evaluate="end")
    assert run.history.kept < len(run.history.validation) < 50
    losses = run.history.epoch_losses()
    assert final_metrics(run, data)["train_loss"] == losses[run.history.kept]


# --- Running ---


def test_every_recipe_is_run_with_every_seed(toy, runs):
    data = toy()
    result = study_on_cpu(TWO, data, seeds=3)
    assert len(runs) == 6
    assert result.seeds == [0, 1, 2]
    assert result.baseline == "plain"
    for arm, recipe in TWO.items():
        assert result.recipes[arm] == recipe.written()
        assert result.runs[arm] == {seed: scored(recipe, data, seed) for seed in range(3)}
    gap = result.difference("slow", "nll")
    assert gap.values == tuple(
        result.runs["slow"][seed]["nll"] - result.runs["plain"][seed]["nll"] for seed in range(3)
    )
    assert result.verdict("slow", "nll") == gap.verdict
    other_way = result.difference("plain", "nll", baseline="slow")
    assert other_way.values == tuple(-value for value in gap.values)


def test_a_recipe_against_itself_makes_no_difference(toy):
    result = study_on_cpu({"one": BASE, "same": BASE}, toy(), seeds=2)
    assert result.difference("same").values == (0.0, 0.0)
    assert result.verdict("same") == "makes no difference"


def test_seeds_and_baseline_can_be_chosen(toy):
    result = study_on_cpu(TWO, toy(), seeds=(seed for seed in (11, 4)), baseline="slow")
    assert result.seeds == [4, 11]
    assert result.baseline == "slow"
    assert result.difference("plain").mean == -result.difference("slow", baseline="plain").mean


def test_seeds_of_numpy_are_whole_numbers(toy, tmp_path):
    path = tmp_path / "result.jsonl"
    result = study_on_cpu({"plain": BASE}, toy(), seeds=np.arange(2), path=path)
    assert StudyResult.load(path).runs == result.runs == {"plain": result.runs["plain"]}
    assert all(type(seed) is int for seed in result.runs["plain"])


def losses(run, data):
    return {"first_loss": run.history.loss[0], "curve": run.history.loss, "images": len(data.test)}


def test_measure_says_what_is_kept(toy):
    result = study_on_cpu({"plain": BASE}, toy(), [6], measure=losses)
    run = fit(BASE, toy(), seed=6, device="cpu")
    assert result.runs == {"plain": {6: losses(run, toy())}}
    assert result.provenance["measure"] == "losses"
    assert result.provenance["measure_code"] == code_hash(losses)


def test_a_measure_may_be_a_partial(toy):
    result = study_on_cpu({"plain": BASE}, toy(), 1, measure=partial(scaled, factor=3))
    assert result.runs["plain"][0] == {"accuracy": 3.0}
    assert result.provenance["measure"].startswith("partial(")


def scaled(run, data, factor):
    return {"accuracy": factor}


def on_validation(recipe, data, *, seed, device, evaluate, on):
    return fit(replace(recipe, epochs=1), data, seed=seed, device=device, evaluate="end", on=on)


def test_train_may_be_of_your_own(toy):
    data = toy().hold_out(16)
    result = study_on_cpu({"plain": BASE}, data, 1, train=on_validation, on="validation")
    run = fit(replace(BASE, epochs=1), data, device="cpu", evaluate="end", on="validation")
    assert result.runs["plain"][0] == final_metrics(run, data)
    assert result.provenance["train"] == "on_validation"
    assert result.provenance["on"] == "validation"


def test_runs_side_by_side_are_those_one_after_another(toy, tmp_path):
    arms = {**TWO, "diverges": replace(BASE, objective=sometimes_nan), "own": one_epoch}
    alone = study_on_cpu(arms, toy(), 4)
    path = tmp_path / "study.jsonl"
    beside = study_on_cpu(arms, toy(), 4, jobs=2, path=path)
    assert (beside.runs, beside.diverged) == (alone.runs, alone.diverged)
    assert alone.diverged["diverges"], "no run of the example diverges"
    assert StudyResult.load(path).runs == alone.runs


def test_what_is_wrong_with_a_run_is_told_from_its_process(toy):
    with pytest.raises(TypeError, match="expected numbers"):
        study_on_cpu({"one": BASE}, toy(), 2, measure=no_number, jobs=2)


def killed_once(seed, folder):
    """End the process as a machine without memory does, the first time that seed 2 is asked for."""
    mark = Path(folder, "killed")
    if seed == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"accuracy": 0.5 + seed / 100}


def test_a_killed_process_is_told_in_a_line_and_the_finished_runs_are_kept(tmp_path):
    path, arm = tmp_path / "study.jsonl", partial(killed_once, folder=str(tmp_path))
    with pytest.raises(ChildProcessError, match=r"^one of 2 processes .* was killed") as told:
        study({"one": arm}, seeds=4, jobs=2, path=path)
    assert "\n" not in str(told.value)
    assert 2 not in StudyResult.load(path).runs["one"]
    whole = study({"one": arm}, seeds=4, jobs=2, path=path)
    assert whole.runs["one"] == {seed: {"accuracy": 0.5 + seed / 100} for seed in range(4)}


def test_runs_side_by_side_share_the_images_of_their_seed():
    data = OwnImages(small_digits, train=50)
    alone, beside = (study_on_cpu(TWO, data, 2, jobs=jobs).runs for jobs in (1, 2))
    assert alone == beside


def test_jobs_are_one_or_more(toy, monkeypatch):
    with pytest.raises(ValueError, match="expected jobs >= 1, got 0"):
        study_on_cpu(TWO, toy(), jobs=0)
    monkeypatch.setattr(module, "workers", lambda: Workers(rank=0, size=2))
    with pytest.raises(ValueError, match="expected jobs=1"):
        study_on_cpu(TWO, toy(), jobs=2)


def test_divergence_is_recorded(toy, tmp_path):
    data = toy()
    recipes = {"plain": BASE, "breaks": replace(BASE, objective=sometimes_nan)}
    result = study_on_cpu(recipes, data, seeds=10, path=tmp_path / "result.jsonl")
    assert StudyResult.load(tmp_path / "result.jsonl") == result
    finished = {}
    for seed in range(10):
        try:
            finished[seed] = scored(recipes["breaks"], data, seed)["nll"]
            assert result.runs["breaks"][seed]["nll"] == finished[seed]
        except Diverged as error:
            assert result.runs["breaks"][seed] is None
            assert result.diverged["breaks"][seed] == error.step
    assert 2 <= len(finished) <= 8
    assert result.values("breaks", "nll") == finished
    assert len(result.diverged["breaks"]) == 10 - len(finished)
    assert result.diverged["plain"] == {}
    assert result.seeds == list(range(10))
    gap = result.difference("breaks", "nll")  # from the pairs that both finished
    assert len(gap.values) == len(finished)
    assert (gap.diverged, gap.diverged_baseline) == (10 - len(finished), 0)
    assert result.verdict("breaks") == "hurts"
    assert f" {len(finished)} ({10 - len(finished)} diverged) " in str(result)


def test_when_everything_diverges_it_is_told(toy):
    broken = replace(BASE, objective=always_nan)
    result = study_on_cpu({"plain": BASE, "broken": broken}, toy(), seeds=2)
    assert result.verdict("broken") == "hurts"
    rescued = study_on_cpu({"broken": broken, "plain": BASE}, toy(), seeds=2)
    assert rescued.verdict("plain") == "helps"
    nothing = study_on_cpu({"broken": broken, "same": broken}, toy(), seeds=2)
    assert nothing.verdict("same") == "no difference seen"


def test_a_last_update_that_explodes_is_a_run_that_diverged(toy):
    deep = partial(mlp, hidden=(12,), size=8)
    wild = replace(BASE, epochs=1, lr=1e30, batch_size=64, model=deep)  # a single step
    result = study_on_cpu({"plain": BASE, "wild": wild}, toy(), seeds=2)
    assert result.diverged["wild"] == {0: 0, 1: 0}
    assert result.verdict("wild") == "hurts"


def test_provenance_tells_where_the_figures_come_from(toy):
    data = toy(train=48, test=20)
    told = study_on_cpu({"plain": BASE}, data, seeds=2).provenance
    assert told["data"] == "toy, 48 training and 20 test images"
    assert told["data_fingerprint"] == data.fingerprint()
    assert told["device"].startswith("cpu (")
    assert told["threads"] == 1
    assert told["torch"] == torch.__version__
    assert told["measure"] == "final_metrics"
    assert told["code"] == {"plain": code_hash(BASE)}
    assert told["seconds"] > 0
    assert told["seconds"] == round(told["seconds"], 3)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, 3), r"^expected the baseline among \[\], got ''$|^expected arms and seeds, got \[\]"),
        ((TWO, 0), r"^expected arms and seeds, got \['plain', 'slow'\] and \[\]$"),
        ((TWO, []), r"^expected arms and seeds, got \['plain', 'slow'\] and \[\]$"),
        ((TWO, {"plain": [0]}), r"^expected seeds of each arm, \['plain', 'slow'\], got those of"),
        ((TWO, {"plain": [0], "slow": [0], "more": [0]}), "^expected seeds of each arm"),
    ],
)
def test_study_wants_arms_and_seeds(toy, arguments, message):
    recipes, seeds = arguments
    with pytest.raises(ValueError, match=message):
        study_on_cpu(recipes, toy(), seeds)


def test_study_says_what_cannot_be(toy, runs):
    with pytest.raises(
        ValueError, match=r"^expected the baseline among \['plain', 'slow'\], got 'x'$"
    ):
        study_on_cpu(TWO, toy(), baseline="x")
    with pytest.raises(ValueError, match="a lambda cannot be written down"):
        study_on_cpu({"plain": replace(BASE, augment=lambda images: images)}, toy())
    with pytest.raises(ValueError, match=r"^expected data to train on, got None$"):
        study_on_cpu(TWO)
    assert runs == []


# --- Figures ---


def arrays(seed):
    return {
        "scalar": torch.tensor(0.5),
        "curve": torch.tensor([[1.0, math.nan]]),
        "count": np.int64(seed),
        "small": np.float32(0.25),
        "row": np.array([1, 2]),
        "part": (1, 2.5, [3]),
    }


def test_tensors_and_arrays_become_plain_numbers(tmp_path):
    result = study({"plain": arrays}, seeds=2, path=tmp_path / "result.jsonl")
    assert result.runs["plain"][1] == {
        "scalar": 0.5,
        "curve": [[1.0, None]],
        "count": 1,
        "small": 0.25,
        "row": [1, 2],
        "part": [1, 2.5, [3]],
    }
    assert StudyResult.load(tmp_path / "result.jsonl") == result


def not_finite(seed):
    return {"a": [math.nan, math.inf, -math.inf, 0.0][seed], "b": np.float64("nan"), "c": 1.0}


def test_what_is_not_finite_is_never_written(tmp_path):
    path = tmp_path / "result.jsonl"
    result = study({"plain": not_finite}, seeds=4, path=path)
    assert [run["a"] for run in result.runs["plain"].values()] == [None, None, None, 0.0]
    assert result.values("plain", "a") == {3: 0.0}
    text = path.read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert StudyResult.load(path).runs == result.runs


def text_among_them(seed):
    return {"accuracy": 0.5, "kind": ["good"]}


def nothing(seed):
    return {"accuracy": None}


def true(seed):
    return {"accuracy": np.True_}


@pytest.mark.parametrize(
    ("arm", "shown"),
    [
        (text_among_them, "kind='good'"),
        (nothing, "accuracy=None"),
        (true, "accuracy=True"),
    ],
)
def test_what_is_no_number_is_refused(arm, shown):
    with pytest.raises(TypeError, match=f"^expected numbers or lists of numbers, got {shown}$"):
        study({"plain": arm}, seeds=1)


# --- Arms that are functions ---


def low(seed):
    return {"accuracy": 0.5 + seed / 100, "loss": 2.0}


def high(seed):
    if seed == 3:
        raise Diverged(BASE, History([1.0], [0.1]), "the loss became nan")
    return {"accuracy": 0.7 + seed / 100, "loss": 1.0}


def test_arms_may_be_functions_that_need_no_data(tmp_path):
    path = tmp_path / "result.jsonl"
    loss = Metric("loss", better="lower")
    result = study({"low": low, "high": high}, seeds=3, metrics=[loss], path=path)
    assert result.runs["high"] == {seed: high(seed) for seed in range(3)}
    assert result.verdict("high", "loss") == "helps"
    assert result.verdict("high", "accuracy") == "differs"  # not among the metrics
    assert not {"data", "measure", "train", "evaluate"} & result.provenance.keys()
    assert result.recipes["low"].endswith("low")
    assert StudyResult.load(path) == result
    more = study({"low": low, "high": high}, seeds=4, metrics=[loss], path=path)
    assert more.diverged["high"] == {3: 0}


def test_functions_and_recipes_stand_side_by_side(toy):
    result = study_on_cpu({"low": low, "plain": BASE}, toy(), seeds=2)
    assert result.runs["low"][1] == low(1)
    assert result.runs["plain"][1] == scored(BASE, toy(), 1)


def test_a_function_without_a_name_is_refused():
    with pytest.raises(ValueError, match="lambda cannot be written down"):
        study({"plain": lambda seed: {"accuracy": 0.5}}, seeds=1)


# --- Data of each seed ---


def whole(count=64, classes=4):
    """A data set that is made when it is asked for."""
    from tricks_lib.lab.data import Data, Split

    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    split = Split(images.contiguous(), torch.arange(count) % classes)
    names = tuple(f"class {n}" for n in range(classes))
    return Data("counted", split, split, names, torch.full((1,), 0.3), torch.full((1,), 0.2))


def drawn(run, data):
    """Which images a run was trained on, and with which labels."""
    images = data.train.images[:, 0, 0, 0]
    return {"images": images, "labels": data.train.labels, "wrong": data.train.labels != images % 4}


def images_and_labels(run, data):
    return {name: found.long() for name, found in drawn(run, data).items()}


def test_arms_of_a_seed_share_the_images_that_it_draws(runs):
    own = OwnImages(whole, train=32)
    result = study_on_cpu(TWO, own, seeds=3, measure=images_and_labels)
    images = {arm: result.values(arm, "images") for arm in TWO}
    assert images["plain"] == images["slow"]
    assert images["plain"][1] == whole().subset(train=32, seed=1).train.images[:, 0, 0, 0].tolist()
    assert all(len(set(of_seed)) == 32 for of_seed in images["plain"].values())
    assert len(set(map(tuple, images["plain"].values()))) == 3
    assert all(sum(wrong) == 0 for wrong in result.values("plain", "wrong").values())
    assert result.provenance["images"] == "drawn by each seed"
    assert result.provenance["data"] == "counted, 32 training and 64 test images"


def test_wrong_labels_are_fixed_by_the_seed():
    own = OwnImages(whole, train=32, wrong_labels=0.25)
    result = study_on_cpu(TWO, own, seeds=2, measure=images_and_labels)
    wrong = {arm: result.values(arm, "wrong") for arm in TWO}
    assert wrong["plain"] == wrong["slow"]
    assert [sum(found) for found in wrong["plain"].values()] == [8, 8]
    assert wrong["plain"][0] != wrong["plain"][1]
    assert own(1).train.labels.tolist() == result.values("plain", "labels")[1]


def test_each_seed_can_draw_validation_images_too():
    own = OwnImages(whole, train=32, validation=8)
    of_seed = {seed: own(seed) for seed in range(2)}
    for data in of_seed.values():
        drawn = [split.images[:, 0, 0, 0].tolist() for split in (data.train, data.validation)]
        assert list(map(len, drawn)) == [32, 8]
        assert not set(drawn[0]) & set(drawn[1])
        assert len(data.test) == len(whole().test)
    assert not of_seed[0].validation.images.equal(of_seed[1].validation.images)
    assert own(1).validation.images.equal(of_seed[1].validation.images)
    noisy = OwnImages(whole, train=32, validation=8, wrong_labels=0.5)(0)
    assert noisy.validation.labels.equal(of_seed[0].validation.labels)  # choices need right ones
    assert not noisy.train.labels.equal(of_seed[0].train.labels)


@pytest.mark.parametrize(
    "other",
    [
        OwnImages(whole, train=31),
        OwnImages(whole, train=32, wrong_labels=0.5),
        OwnImages(partial(whole, classes=4), train=32),
        whole(32),
    ],
    ids=["fewer", "wrong labels", "another function", "always the same"],
)
def test_another_draw_is_another_question(tmp_path, runs, other):
    path = tmp_path / "result.jsonl"
    study_on_cpu({"plain": BASE}, OwnImages(whole, train=32), 1, path=path)
    before = path.read_bytes()
    runs.clear()
    with pytest.raises(ValueError, match=r"holds another study \(.*data"):
        study_on_cpu({"plain": BASE}, other, 1, path=path)
    assert runs == []
    assert path.read_bytes() == before


# --- Other questions ---


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Import a module of this text, as after an edit: under the name that it had before."""
    monkeypatch.syspath_prepend(tmp_path)
    numbers = itertools.count()

    def load(text):
        # An edit within a second, or to a text as long, must be seen too.
        (tmp_path / "mine.py").write_text(dedent(text) + "\n" * next(numbers))
        sys.modules.pop("mine", None)
        for cached in tmp_path.glob("__pycache__/mine.*"):
            cached.unlink()
        invalidate_caches()
        return import_module("mine")

    yield load
    sys.modules.pop("mine", None)


MINE = """
    import torch
    from tricks_lib import fit
    from tricks_lib.lab.data import Data, Split
    from tricks_lib.lab.study import final_metrics

    def shade(images):
        return images // 2

    def measured(run, data):
        return {"accuracy": run.final.accuracy * 1}

    def trained(recipe, data, **options):
        return fit(recipe, data, **options | {"on": "test"})

    def drawn(seed):
        images = torch.full((64, 1, 8, 8), 7, dtype=torch.uint8)
        split = Split(images, torch.arange(64) % 4)
        return Data("mine", split, split, tuple("abcd"), torch.full((1,), 0.3), torch.ones(1))

    def arm(seed):
        return {"accuracy": seed / 10}
"""


def asked_with(mine, data):
    """A question that each function of the module has a part in, one at a time."""
    shaded = {"plain": replace(BASE, augment=mine.shade)}
    return {
        "slot": {"arms": shaded, "data": data},
        "measure": {"arms": {"plain": BASE}, "data": data, "measure": mine.measured},
        "train": {"arms": {"plain": BASE}, "data": data, "train": mine.trained},
        "data": {"arms": {"plain": BASE}, "data": mine.drawn},
        "arm": {"arms": {"plain": mine.arm}},
    }


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("slot", "images // 2", "images // 3", "runs of 'plain' from before the code that it uses"),
        ("measure", "accuracy * 1", "accuracy * 2", r"another study \(measure_code: '\w+', now"),
        ("train", '"test"', '"train"', r"another study \(train_code: '\w+', now '\w+'\)"),
        ("data", "(64, 1, 8, 8), 7", "(64, 1, 8, 8), 8", r"another study \(data_code: .*finger"),
        ("data", "def drawn(seed):", "def drawn(seed=1):", r"another study \(data_code: '\w+'"),
        ("arm", "seed / 10", "seed / 20", "runs of 'plain' from before the code that it uses"),
    ],
)
def test_a_function_edited_under_its_old_name_is_refused(
    toy, tmp_path, source, runs, part, old, new, message
):
    path, data = tmp_path / "result.jsonl", toy()
    study_on_cpu(**asked_with(source(MINE), data)[part], seeds=1, path=path)
    before = path.read_bytes()
    runs.clear()
    # Words for people are no edit.
    told = MINE.replace("(seed):", '(seed):\n        """Say it."""', 1)
    study_on_cpu(**asked_with(source(told), data)[part], seeds=1, path=path)
    assert runs == []
    assert old in MINE
    edited = asked_with(source(MINE.replace(old, new)), data)[part]
    with pytest.raises(ValueError, match=rf"result\.jsonl holds {message}"):
        study_on_cpu(**edited, seeds=1, path=path)
    assert runs == []
    assert path.read_bytes() == before


def test_a_default_of_the_library_changed_is_another_question(toy, tmp_path, runs, monkeypatch):
    path = tmp_path / "result.jsonl"
    study_on_cpu(TWO, toy(), 1, path=path)
    runs.clear()
    changed = tuple(value / 2 for value in sgd.__defaults__)
    monkeypatch.setattr(sgd, "__defaults__", changed)
    with pytest.raises(ValueError, match="from before the code that it uses was changed"):
        study_on_cpu(TWO, toy(), 1, path=path)
    assert runs == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": {"plain": BASE, "slow": replace(BASE, lr=0.002)}}, "another 'slow', Recipe"),
        ({"baseline": "slow"}, "baseline: 'plain', now 'slow'"),
        ({"measure": losses}, "measure: 'final_metrics', now 'losses'; measure_code: "),
        ({"train": on_validation}, "train: 'fit', now 'on_validation'; train_code: "),
        ({"evaluate": "every epoch"}, "evaluate: 'end', now 'every epoch'"),
        ({"on": "train"}, "on: 'test', now 'train'"),
        ({"threads": 2}, "threads: 1, now 2"),
        ({"train_images": 60}, r"data: 'toy, 64 tr.*', now 'toy, 60 tr.*'; data_fingerprint: "),
    ],
)
def test_another_question_is_refused_and_says_what_differs(toy, tmp_path, runs, change, message):
    path = tmp_path / "result.jsonl"
    asked = {"arms": TWO, "data": toy(), "seeds": 1, "path": path}
    study_on_cpu(**asked)
    before = path.read_bytes()
    runs.clear()
    change = dict(change)
    if images := change.pop("train_images", None):
        change["data"] = toy(train=images)
    with pytest.raises(ValueError, match=message):
        study_on_cpu(**asked | change)
    assert runs == []
    assert path.read_bytes() == before


def test_what_no_text_rebuilds_is_refused_before_any_run(toy, runs):
    def closed(model, images, targets):
        return cross_entropy(model, images, targets)

    with pytest.raises(ValueError, match="it is made inside another function"):
        study_on_cpu({"plain": BASE, "closed": replace(BASE, objective=closed)}, toy(), 1)
    assert runs == []


# --- Threads ---


def with_threads(run, data):
    return {"threads": torch.get_num_threads()}


def broken(run, data):
    raise RuntimeError("broken")


def test_threads_are_set_inside_and_restored_outside(toy):
    before = torch.get_num_threads()
    result = study_on_cpu({"plain": BASE}, toy(), 1, measure=with_threads, threads=2)
    assert result.runs["plain"][0] == {"threads": 2}
    assert result.provenance["threads"] == 2
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match=r"^broken$"):
        study_on_cpu({"plain": BASE}, toy(), 1, measure=broken, threads=2)
    assert torch.get_num_threads() == before


# --- Estimates ---


class Stopwatch:
    """A stand-in for `fit`: 0.1 s for each step, 2 s for an evaluation of 500 images."""

    def __call__(self, recipe, data, *, device=None, evaluate=None, on="test"):
        steps = max(1, len(data.train) // recipe.batch_size)
        self.seconds = 0.1 * steps * recipe.epochs
        if evaluate:
            times = {"end": 1, "every epoch": recipe.epochs}[evaluate]
            self.seconds += times * len(data.splits[on]) / 250
        return self


@pytest.mark.parametrize("evaluate", ["end", "every epoch", None])
@pytest.mark.parametrize("on", ["test", "train"])
@pytest.mark.parametrize("seeds", [1, (4, 7, 9)])
@pytest.mark.parametrize(("train", "test"), [(4000, 1000), (320, 500), (50, 40), (16, 3)])
def test_an_estimate_counts_steps_and_evaluations(
    toy, monkeypatch, evaluate, on, seeds, train, test
):
    monkeypatch.setattr(module, "fit", Stopwatch())
    recipes = {"small": replace(BASE, epochs=3), "large": replace(BASE, epochs=5, batch_size=100)}
    runs = seeds if isinstance(seeds, int) else len(seeds)
    images = {"test": test, "train": train}[on]
    expected = sum(
        runs
        * (
            recipe.epochs * 0.1 * max(1, train // recipe.batch_size)
            + {"every epoch": recipe.epochs, "end": 1, None: 0}[evaluate] * images / 250
        )
        for recipe in recipes.values()
    )
    data = toy(train=train, test=test)
    found = estimate_seconds(recipes, data, seeds, evaluate=evaluate, on=on)
    assert found == pytest.approx(expected)


def test_an_estimate_really_trains(toy):
    data = toy()
    assert estimate_seconds(TWO, data, seeds=2, device="cpu") > 0
    assert estimate_seconds(TWO, data.hold_out(8), 2, on="validation", device="cpu") > 0


def test_an_estimate_survives_recipes_that_diverge(toy):
    wild = {"wild": replace(BASE, lr=1e30, epochs=50, schedule=cosine_decay(50))}
    with pytest.raises(Diverged):
        fit(wild["wild"], toy(), device="cpu")
    assert estimate_seconds(wild, toy(), seeds=1, device="cpu") > 0
