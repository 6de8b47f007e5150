import io
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tricks_lib import cli
from tricks_lib.cli import arguments, record
from tricks_lib.cli import study as command
from tricks_lib.course.chapter import Chapter, chapter, chapters
from tricks_lib.lab.data import Split
from tricks_lib.lab.study import StudyResult


def run(*arguments):
    return cli.main(list(arguments))


@pytest.fixture
def few(toy, monkeypatch):
    """Toy data in place of whatever is asked for, and what was asked for."""
    asked = []
    monkeypatch.setattr(command, "load_data", lambda source: asked.append(source) or toy(test=400))
    return asked


LEARNS = ("--tricks", "warmup", "--seeds", "2", "--device", "cpu", "--epochs", "8")
QUICK = ("--tricks", "warmup", "--seeds", "2", "--epochs", "1", "--batch-size", "8")


def test_study_of_own_pictures_prints_estimate_and_verdicts(few, capsys, tmp_path):
    out = tmp_path / "mine.jsonl"
    assert run("study", "--data", "pets", *LEARNS, "--out", str(out)) == 0
    assert few == ["pets"]
    text = capsys.readouterr().out
    assert "study: about" in text
    for metric in ("accuracy", "nll", "ece"):
        assert text.count(f"  {metric} ") >= 2
    result = StudyResult.load(out)
    assert list(result.runs) == ["baseline", "warmup"]
    assert result.seeds == [0, 1]
    assert "gradual_warmup" in result.recipes["warmup"]
    assert "epochs=8" in result.recipes["baseline"]


def test_a_rule_to_stop_by_has_images_of_its_own(few, capsys, tmp_path):
    out = tmp_path / "mine.jsonl"
    tricks = ("--tricks", "early_stopping", *QUICK[2:], "--device", "cpu")
    assert run("study", "--data", "pets", *tricks, "--out", str(out)) == 0
    text = capsys.readouterr().out
    assert "No arm trains on 12 of the training images: they say when to stop." in text
    assert "1 epochs of 6 × 8 images" in text  # of 64
    assert list(StudyResult.load(out).runs) == ["baseline", "early_stopping"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("tricks", "warmup,mixupp", "expected tricks out of ['warmup', "),
        ("tricks", "warmup,mixupp", "got ['mixupp']"),
        ("tricks", ",", "got ','"),
        *[("seeds", value, "expected a whole number from 2 to ") for value in ("1", "five", "2.5")],
        *[("epochs", value, "expected a whole number from 1 to ") for value in ("0", "-3", "1e2")],
        *[("batch-size", value, "expected a whole number from 1 to ") for value in ("0", "")],
        ("threads", "0", "expected a whole number from 1 to 1024, got '0'"),
        ("threads", "99999999999", "expected a whole number from 1 to 1024"),
        *[
            ("lr", value, "expected a finite number > 0")
            for value in ("0", "inf", "nan", "-1", "x")
        ],
        *[("device", value, "cannot compute on ") for value in ("gpu", "meta", "cuda:99", "hpu")],
        ("sede", "1", "unrecognized arguments: --sede 1"),
    ],
)
def test_mistakes_become_one_line(few, capsys, option, value, message):
    tricks = () if option == "tricks" else ("--tricks", "warmup")
    assert run("study", *tricks, f"--{option}", value) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert option in error
    assert len(error.splitlines()) == 1
    assert len(error) < 400
    assert few == []  # seen before any image is read


@pytest.mark.parametrize("arguments", [(), ("stduy",), ("study",)])
def test_a_command_that_is_not_there_becomes_one_line(capsys, arguments):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1


def test_too_little_memory_becomes_one_line(few, capsys, monkeypatch):
    def hungry(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(command, "estimate_seconds", hungry)
    assert run("study", *QUICK) == 2
    assert capsys.readouterr().err == "error: CUDA out of memory.\n"


def test_a_terminal_may_lack_letters(few, monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert run("study", *QUICK, "--device", "cpu") == 0
    narrow.flush()
    assert rb"images of 1\xd78\xd78" in narrow.buffer.getvalue()


def test_what_is_odd_about_a_folder_is_told_in_a_line(capsys, monkeypatch):
    def odd(source):
        warnings.warn("passed over: 2 × .heic", stacklevel=2)
        raise ValueError("and then no more")

    monkeypatch.setattr(command, "load_data", odd)
    assert run("study", *QUICK) == 2
    assert capsys.readouterr().err == "warning: passed over: 2 × .heic\nerror: and then no more\n"


def test_missing_folder_is_told(capsys, tmp_path):
    assert run("study", "--data", str(tmp_path / "nowhere"), "--tricks", "warmup") == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "hint"), [(True, "goes on from here"), (False, "With --out")])
def test_interruption_says_whether_it_can_go_on(few, capsys, monkeypatch, tmp_path, out, hint):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "study", interrupted)
    extra = ("--out", str(tmp_path / "o.jsonl")) if out else ()
    assert run("study", *QUICK, *extra) == 130
    assert hint in capsys.readouterr().err


# --- Steps that suit the number of images ---


@pytest.mark.parametrize("count", [8, 20, 244, 1000, 2047, 2048, 10_000, 60_000])
def test_few_images_make_enough_steps_and_few_are_left_out(toy, count):
    data = toy(train=count)
    options = cli.parser().parse_args(["study", "--tricks", "warmup"])
    baseline = command._baseline(data, options)
    steps = count // baseline.batch_size
    assert steps * baseline.epochs >= 400
    assert baseline.epochs >= 10
    assert min(count, 16) <= baseline.batch_size <= 128
    assert count - steps * baseline.batch_size <= count / 16
    assert f"length={baseline.epochs}," in repr(baseline.schedule)
    if count == 244:
        assert (baseline.batch_size, baseline.epochs) == (16, 27)
    if count == 10_000:
        assert (baseline.batch_size, baseline.epochs) == (128, 10)  # the course's own


@pytest.mark.parametrize(
    ("asked", "batch_size", "epochs"),
    [("--batch-size 61", 61, 100), ("--epochs 3", 16, 3), ("--epochs 3 --batch-size 500", 500, 3)],
)
def test_what_is_asked_for_is_kept(toy, asked, batch_size, epochs):
    data = toy(train=244)
    options = cli.parser().parse_args(["study", "--tricks", "warmup", *asked.split()])
    baseline = command._baseline(data, options)
    assert (baseline.batch_size, baseline.epochs) == (batch_size, epochs)


def test_steps_and_images_left_out_are_told(few, capsys):
    assert run("study", *QUICK[:-1], "12", "--device", "cpu") == 0
    assert "1 epochs of 5 × 12 images, 5 steps; each epoch leaves out 4 images." in (
        capsys.readouterr().out
    )


# --- Whether the baseline learnt ---


def guessing(toy, **counts):
    """Toy data whose images say nothing about their labels: (images of class 0, of class 1)."""
    data = toy(train=sum(counts["train"]), test=sum(counts["test"]), classes=2)
    splits = {}
    for name, (first, second) in counts.items():
        labels = torch.tensor([0] * first + [1] * second)
        images = torch.full((len(labels), 1, 8, 8), 100, dtype=torch.uint8)
        splits[name] = Split(images, labels)
    return replace(data, **splits)


def test_a_baseline_that_learnt_is_told_before_the_verdicts(few, capsys):
    assert run("study", *LEARNS) == 0
    before, learnt, after = capsys.readouterr().out.partition(" It has learnt.\n")
    assert learnt
    assert "naming one class for all of them is right on 25.00 % and 25.00 %." in before
    assert "verdict" not in before
    assert "verdict" in after


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        ((32, 32), (100, 100), "right on 50.00 % and 50.00 %"),
        ((62, 2), (291, 9), "right on 97.00 % and 96.88 %"),  # many dogs, few cats
    ],
)
def test_no_verdict_on_a_baseline_that_did_not_learn(toy, monkeypatch, capsys, train, test, told):
    monkeypatch.setattr(command, "load_data", lambda _: guessing(toy, train=train, test=test))
    assert run("study", *LEARNS) == 0
    text = capsys.readouterr().out
    assert told in text
    assert "not clearly better: no verdict. It has not even learnt its training images" in text
    assert "95 % interval" in text
    for word in ("helps", "hurts", "no difference", "differs"):
        assert word not in text


def result_with(baseline):
    """A study in which every run of the trick is right, whatever the baseline's runs are."""
    perfect = {"accuracy": 1.0, "train_accuracy": 1.0, "nll": 0.0, "ece": 0.0}
    return StudyResult(
        recipes={},
        baseline="baseline",
        runs={"baseline": dict(enumerate(baseline)), "trick": dict.fromkeys(range(2), perfect)},
        diverged={},
        provenance={},
    )


@pytest.mark.parametrize(
    ("test", "train", "learnt", "told"),
    [
        (0.25, 0.25, False, "It has not even learnt its training images"),
        (0.25, 1.0, False, "It has learnt about its training images only"),
        (0.28, 1.0, False, "It has learnt about its training images only"),  # 112 of 400, by chance
        (0.30, 1.0, True, "It has learnt."),
        (0.90, 0.25, True, "It has learnt."),
    ],
)
def test_accuracy_is_compared_with_naming_one_class(toy, test, train, learnt, told):
    runs = 2 * [{"accuracy": test, "train_accuracy": train}]
    said, text = command._learnt(result_with(runs), toy(test=400))
    assert said is learnt
    assert told in text


def test_a_baseline_that_diverged_has_not_learnt(toy):
    learnt, text = command._learnt(result_with([None, None]), toy())
    assert not learnt
    assert text == "Every run of the baseline diverged: no verdict. Try a smaller --lr."


# --- The file of the runs ---


def test_other_options_never_overwrite_finished_runs(few, capsys, tmp_path):
    out = tmp_path / "mine.jsonl"
    again = ("study", "--device", "cpu", "--out", str(out), *QUICK)
    assert run(*again) == 0
    with out.open("rb+") as file:  # as if it had been stopped before the last run
        file.truncate(out.read_bytes()[:-1].rfind(b"\n") + 1)
    finished = out.read_bytes()
    for option in ("--epochs", "--batch-size", "--threads"):
        assert run(*again, option, "3") == 2
        error = capsys.readouterr().err
        assert f"error: {out} holds " in error
        for way_out in ("--out with another file", "--fresh", "Nothing was changed."):
            assert way_out in error
        assert out.read_bytes() == finished
    assert run(*again) == 0
    assert out.read_bytes().startswith(finished)
    assert len(out.read_bytes()) > len(finished)
    assert run(*again, "--epochs", "3", "--fresh") == 0
    assert "epochs=3" in StudyResult.load(out).recipes["baseline"]


def test_runs_can_be_made_again_only_in_a_file(few, capsys):
    assert run("study", *QUICK, "--fresh") == 2
    assert "it needs --out" in capsys.readouterr().err


@pytest.mark.parametrize("there", ["a folder", "another file"])
def test_what_is_no_file_of_runs_is_left_alone(few, capsys, tmp_path, there):
    out = tmp_path / "out"
    out.mkdir() if there == "a folder" else out.write_text("my notes\n")
    assert run("study", *QUICK, "--device", "cpu", "--out", str(out)) == 2
    assert str(out) in capsys.readouterr().err
    assert out.is_dir() or out.read_text() == "my notes\n"


# --- The course's studies ---


def test_record_refuses_what_is_no_chapter(capsys):
    assert run("record", "warmup", "cooldown") == 2
    assert "got ['cooldown']" in capsys.readouterr().err


class Plan:
    """A plan that only logs what is asked of it."""

    headline = None

    def __init__(self, name, calls, *others):
        self.name, self.calls = name, calls
        self.path = Path(f"{name}.jsonl")
        self.parts = [*others, self]

    def estimate_seconds(self):
        self.calls.append(f"estimate {self.name}")
        return 600

    def record(self, *, fresh, jobs):
        told = f"record {self.name}" + " again" * fresh
        self.calls.append(told if jobs == 1 else f"{told}, {jobs} side by side")
        return "the table"

    def verify(self):
        self.calls.append(f"verify {self.name}")


@pytest.fixture
def logged(monkeypatch):
    """Every chapter has a plan that only logs, and a search before it."""
    calls = []

    def stand_in(slug):
        plan = Plan(slug, calls, Plan(f"{slug}-tuning", calls))
        return Chapter(f"chapters.{slug}", 0, slug, "A claim.", plan, "", 1, 1)

    monkeypatch.setattr(record, "chapter", stand_in)
    monkeypatch.setattr(record, "chapters", lambda: [stand_in("one"), stand_in("two")])
    monkeypatch.setattr(record, "found", lambda: ["one", "two"])
    monkeypatch.setattr(arguments, "tricks", dict)
    return calls


def test_record_knows_the_standing_settings(monkeypatch):
    made = []
    monkeypatch.setattr(record, "_record_one", lambda plan, options: made.append(plan.name))
    monkeypatch.setattr(record.StudyPlan, "estimate_seconds", lambda plan: 1.0)
    assert run("record", "standing") == 0
    assert made == ["garments-search", "garments", "colour-search", "colour"]


def test_record_estimates_all_before_it_makes_any(logged, capsys):
    assert run("record") == 0
    names = ["one-tuning", "one", "two-tuning", "two"]
    assert logged == [f"estimate {name}" for name in names] + [f"record {name}" for name in names]
    text = capsys.readouterr().out
    assert "one: about 10 minutes" in text
    assert "all together: about 40 minutes" in text
    assert text.count("the table") == 4


def test_record_can_make_all_runs_again_or_confirm_them(logged, capsys):
    assert run("record", "two", "--fresh") == 0
    assert logged[-2:] == ["record two-tuning again", "record two again"]
    assert run("record", "two", "--jobs", "3") == 0
    assert logged[-1] == "record two, 3 side by side"
    assert "on this machine one after another, less with 3 side by side" in capsys.readouterr().out
    logged.clear()
    assert run("record", "two", "--verify") == 0
    assert logged == ["verify two-tuning", "verify two"]
    assert "two.jsonl: the first seed of every arm gives" in capsys.readouterr().out


def test_chapters_lists_what_was_found(capsys):
    assert run("chapters") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(chapters())
    assert f"01 warmup: {chapter('warmup').finding()}" in lines


def test_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "tricks_lib", "--help"], capture_output=True, text=True, check=True
    )
    assert "record" in done.stdout


def test_recorded_files_are_strict_json():
    def no_constant(name):
        raise AssertionError(name)

    for plan in (part for entry in chapters() for part in entry.plan.parts):
        for line in plan.path.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=no_constant)


def test_without_the_extras_it_says_what_to_install():
    script = (
        "import runpy, sys\n"
        "for name in ('tqdm', 'matplotlib', 'scipy', 'PIL'): sys.modules[name] = None\n"
        "runpy.run_module('tricks_lib', run_name='__main__')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 1
    assert re.fullmatch(
        r"error: the command line needs \w+, which is not installed: "
        r"run `pip install 'tricks-lib\[course\]'`\n",
        ran.stderr,
    )
