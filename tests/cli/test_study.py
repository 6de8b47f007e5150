import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress

import pytest

from tricks_lib.cli.study import SETS
from tricks_lib.lab.data.bundled import BUNDLED
from tricks_lib.lab.data.published import PUBLISHED
from tricks_lib.lab.study import StudyResult
from tricks_lib.practice import studying
from tricks_lib.practice.saved import load_network

QUICK = ("--seeds", "2", "--epochs", "1", "--batch-size", "8", "--device", "cpu")


def test_a_study_from_the_folder_to_the_report(run, few, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets").mkdir()
    out = tmp_path / "mine"
    learns = ("--epochs", "8", "--seeds", "2", "--device", "cpu")
    arms = ("--tricks", "warmup,mixup+label_smoothing")
    assert run("study", "--data", "pets", *arms, *learns, "--out", out) == 0
    assert few == [("pets", {"image_size": None})]
    text, told = capsys.readouterr()
    assert re.search(r"6 runs: about \d+ seconds? on this machine \(Ctrl-C stops; the same", text)
    assert "8 epochs of " in text
    assert "Mixup(alpha=0.2), LabelSmoothingLoss(epsilon=0.1)" in text  # how strong
    assert "[6/6] mixup+label_smoothing, seed 1: accuracy " in told
    assert re.search(r"so far, 1 seed: baseline [\d.]+ %; warmup [+-]", told)
    result = StudyResult.load(out / "runs.jsonl")
    assert list(result.runs) == ["baseline", "warmup", "mixup+label_smoothing"]
    assert result.seeds == [0, 1]
    assert "gradual_warmup" in result.recipes["warmup"]
    assert "epochs=8" in result.recipes["baseline"]
    assert "</html>" in (out / "report.html").read_text(encoding="utf-8")
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))


def test_the_network_is_that_of_the_best_run_on_the_validation_images(run, few, capsys, tmp_path):
    learns = ("--tricks", "warmup,mixup", "--epochs", "8", "--seeds", "3", "--device", "cpu")
    assert run("study", *learns, "--out", tmp_path) == 0
    result = StudyResult.load(tmp_path / "runs.jsonl")
    means = {arm: result.mean(arm, "validation_accuracy") for arm in result.runs}
    best = max(means, key=means.__getitem__)
    by_seed = result.values(best, "validation_accuracy")
    seed = max(by_seed, key=by_seed.__getitem__)
    assert f"network of {best}, seed {seed}" in capsys.readouterr().out
    saved = load_network(tmp_path / "network.pt")
    assert saved.recipe == result.recipes[best]
    for name in ("accuracy", "nll", "ece", "validation_accuracy"):
        assert saved.scores[name] == result.runs[best][seed][name]
    assert "does not repeat" not in capsys.readouterr().out


def test_a_network_that_is_there_is_not_trained_again(run, few, capsys, tmp_path, monkeypatch):
    learns = ("study", "--tricks", "warmup", "--epochs", "8", "--seeds", "2", "--device", "cpu")
    assert run(*learns, "--out", tmp_path) == 0

    def refused(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(studying, "fit", refused)
    monkeypatch.setattr(studying, "run_seconds", refused)
    assert run(*learns, "--out", tmp_path) == 0
    text = capsys.readouterr().out
    assert "All 4 runs are there already." in text
    assert "as it was." in text


def lines_of(folder):
    return [line for line in (folder / "runs.jsonl").read_text().splitlines() if '"run"' in line]


@pytest.mark.parametrize(
    ("more", "count", "told"),
    [
        (("--tricks", "warmup,mixup", *QUICK), 2, "2 runs (4 of 6 are there already)"),
        (("--tricks", "warmup", *QUICK, "--seeds", "3"), 2, "2 runs (4 of 6 are there already)"),
        (("--tricks", "mixup", *QUICK), 2, "2 runs (2 of 4 are there already)"),
    ],
)
def test_only_what_is_new_is_run(run, few, capsys, tmp_path, more, count, told):
    assert run("study", "--tricks", "warmup", *QUICK, "--out", tmp_path) == 0
    before = lines_of(tmp_path)
    assert len(before) == 4
    capsys.readouterr()
    assert run("study", *more, "--out", tmp_path) == 0
    after = lines_of(tmp_path)
    assert after[:4] == before
    assert len(after) == 4 + count
    text, error = capsys.readouterr()
    assert told in text
    assert f"[{count}/{count}]" in error


def test_other_options_never_overwrite_finished_runs(run, few, capsys, tmp_path):
    again = ("study", "--tricks", "warmup", *QUICK, "--out", tmp_path)
    assert run(*again) == 0
    runs = tmp_path / "runs.jsonl"
    with runs.open("rb+") as file:  # as if it had been stopped before the last run
        file.truncate(runs.read_bytes()[:-1].rfind(b"\n") + 1)
    finished = runs.read_bytes()
    for option in ("--epochs", "--batch-size", "--threads"):
        assert run(*again, option, "3") == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: {runs} holds ")
        for way_out in ("another --out", "the options that", "--fresh", "Nothing was changed."):
            assert way_out in error
        assert runs.read_bytes() == finished
    assert run(*again) == 0
    assert runs.read_bytes().startswith(finished)
    assert len(runs.read_bytes()) > len(finished)
    assert run(*again, "--epochs", "3", "--fresh") == 0
    assert "epochs=3" in StudyResult.load(runs).recipes["baseline"]


def test_an_older_file_of_runs_is_left_alone(run, few, capsys, tmp_path):
    old = tmp_path / "mine.jsonl"
    old.write_text("my runs\n")
    assert run("study", "--tricks", "warmup", *QUICK, "--out", old) == 2
    error = capsys.readouterr().err
    assert f"{old} is a file, and a folder is expected now" in error
    assert old.read_text() == "my runs\n"


def test_without_a_folder_nothing_is_kept(run, few, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("study", "--tricks", "warmup", *QUICK) == 0
    assert not list(tmp_path.iterdir())
    assert "[4/4] warmup, seed 1" in capsys.readouterr().err


def test_a_name_that_is_no_data_set_is_refused_at_once(run, capsys, monkeypatch):
    monkeypatch.setattr(studying, "answer", None)  # nobody comes so far
    assert run("study", "--tricks", "mixup", "--data", "fashion-mni") == 2
    error = capsys.readouterr().err
    assert "no data set (fashion-mini, digits, fashion-mnist, cifar10)" in error
    assert "did you mean fashion-mini?" in error
    assert (*BUNDLED, *PUBLISHED) == SETS


def test_images_too_small_for_a_network_are_refused_before_anything_is_run(run, few, capsys):
    assert run("study", "--tricks", "mixup", "--model", "squeezenet1_1", *QUICK) == 2
    error = capsys.readouterr().err
    assert "error: squeezenet1_1 does not take images of 8×8 pixels" in error
    assert "--image-size" in error and "Traceback" not in error


def test_all_tricks_are_those_that_fit(run, few, capsys, tmp_path, monkeypatch):
    names = ["warmup", "weight_decay", "batch_norm"]
    monkeypatch.setattr("tricks_lib.cli.study.trick_names", lambda: names)
    assert run("study", "--all", *QUICK, "--out", tmp_path) == 0
    made = ["baseline", "warmup", "no_weight_decay", "no_batch_norm"]
    assert list(StudyResult.load(tmp_path / "runs.jsonl").runs) == made
    capsys.readouterr()
    with pytest.warns(UserWarning, match="made for images of 224 pixels"):
        assert run("study", "--all", "--model", "resnet18", *QUICK) == 0
    text = capsys.readouterr().out
    assert "left out: batch_norm builds a network of its own" in text
    assert run("study", "--tricks", "weight_decay", *QUICK) == 2  # asked for by name
    assert "error: weight_decay changes nothing here" in capsys.readouterr().err


def test_images_to_choose_by_are_held_out_once_for_all_arms(run, few, capsys, tmp_path):
    assert run("study", "--tricks", "early_stopping,mixup", *QUICK, "--out", tmp_path) == 0
    text = capsys.readouterr().out
    assert "No arm trains on 12 of the 64 training images, the same for all" in text
    assert "52 train + 12 validation + 400 test images" in text
    assert "1 epochs of 6 × 8 images" in text  # of 52


def test_what_is_odd_about_a_folder_is_told_in_a_line(run, capsys, monkeypatch):
    def odd(source, **_):
        warnings.warn("passed over: 2 × .heic", stacklevel=2)
        raise ValueError("and then no more")

    monkeypatch.setattr(studying, "load_data", odd)
    assert run("study", "--tricks", "warmup", *QUICK) == 2
    assert capsys.readouterr().err == "warning: passed over: 2 × .heic\nerror: and then no more\n"


def test_options_of_a_folder_are_handed_on(run, few):
    options = ("--image-size", "32", "--group-by", "^(.*?)_", "--skip-bad")
    assert run("study", "--tricks", "warmup", *QUICK, *options) == 0
    assert few == [("fashion-mini", {"image_size": 32, "group_by": "^(.*?)_", "skip_bad": True})]


def test_a_device_that_is_not_there_is_told(run, few, capsys):
    assert run("study", "--tricks", "warmup", "--device", "cuda:99") == 2
    assert "error: cannot compute on 'cuda:99'" in capsys.readouterr().err
    assert few == []  # seen before any image is read


def test_a_cluster_is_handed_on(run, few, monkeypatch):
    asked = {}

    def study(*_, **options):
        asked.update(options)
        raise ConnectionError("no cluster there")

    monkeypatch.setattr(studying, "study", study)
    options = ("--ray", "head:6379", "--workers", "3")
    assert run("study", "--tricks", "warmup", *QUICK, *options) == 2
    assert (asked["ray"], asked["jobs"]) == ("head:6379", 3)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal for a group")
def test_ctrl_c_of_a_terminal_stops_the_workers_in_silence(tmp_path):
    """The signal goes to all processes, as a terminal sends it."""
    command = "study --data digits --tricks mixup --seeds 8 --epochs 40 --workers 2 --device cpu"
    with open(tmp_path / "told", "w") as told:
        study = subprocess.Popen(
            [sys.executable, "-m", "tricks_lib", *command.split(), "--out", tmp_path / "out"],
            stdout=told,
            stderr=told,
            start_new_session=True,
            # A shell that starts something in the background lets it ignore the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            while "[1/16]" not in (tmp_path / "told").read_text() and study.poll() is None:
                time.sleep(0.1)
            os.killpg(study.pid, signal.SIGINT)
            assert study.wait(timeout=120) == 130
        finally:
            with suppress(ProcessLookupError):
                os.killpg(study.pid, signal.SIGKILL)
    _, after = (tmp_path / "told").read_text().split("[1/16]")
    assert "Stopped. The same command goes on from here." in after
    assert "Traceback" not in after and "Warning" not in after
