import json
import subprocess
import sys

import pytest

from tricks_lib.lab import cli
from tricks_lib.lab.study import StudyResult


def run(*arguments):
    return cli.main(list(arguments))


@pytest.fixture
def few(toy, monkeypatch):
    """Toy data in place of whatever is asked for, and what was asked for."""
    asked = []
    monkeypatch.setattr(cli, "load_data", lambda source: asked.append(source) or toy())
    return asked


QUICK = ("--tricks", "warmup", "--seeds", "2", "--epochs", "1", "--batch-size", "8")


def test_study_of_own_pictures_prints_estimate_and_verdicts(few, capsys, tmp_path):
    out = tmp_path / "mine.json"
    assert run("study", "--data", "pets", *QUICK, "--device", "cpu", "--out", str(out)) == 0
    assert few == ["pets"]
    text = capsys.readouterr().out
    assert "study: about" in text
    for metric in ("accuracy", "nll", "ece"):
        assert text.count(f"  {metric} ") >= 2
    result = StudyResult.load(out)
    assert list(result.runs) == ["baseline", "warmup"]
    assert result.seeds == [0, 1]
    assert "gradual_warmup" in result.recipes["warmup"]
    assert "epochs=1" in result.recipes["baseline"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tricks", "warmup,mixupp"), r"got ['mixupp']"),
        (("--tricks", ","), "expected tricks out of"),
        (("--tricks", "warmup", "--seeds", "1"), "at least 2 seeds, got 1"),
        (("--tricks", "warmup", "--lr", "0"), "lr must be > 0"),
    ],
)
def test_mistakes_become_one_line(few, capsys, arguments, message):
    assert run("study", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_missing_folder_is_told(capsys, tmp_path):
    assert run("study", "--data", str(tmp_path / "nowhere"), "--tricks", "warmup") == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "hint"), [(True, "goes on from here"), (False, "With --out")])
def test_interruption_says_whether_it_can_go_on(few, capsys, monkeypatch, tmp_path, out, hint):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "study", interrupted)
    extra = ("--out", str(tmp_path / "o.json")) if out else ()
    assert run("study", *QUICK, *extra) == 130
    assert hint in capsys.readouterr().err


def test_record_refuses_what_is_no_chapter(capsys):
    assert run("record", "warmup", "cooldown") == 2
    assert "got ['cooldown']" in capsys.readouterr().err


def test_record_estimates_all_before_it_makes_any(capsys, monkeypatch):
    calls = []

    class Plan:
        slug, path = "x", type("P", (), {"name": "x.json"})

        def estimate_seconds(self):
            calls.append("estimate")
            return 600

        def record(self):
            calls.append("record")
            return "the table"

    monkeypatch.setattr(cli.CHAPTERS[0].__class__, "plan", property(lambda self: Plan()))
    assert run("record") == 0
    assert calls == ["estimate", "estimate", "record", "record"]
    text = capsys.readouterr().out
    assert "x: about 10 minutes" in text
    assert "all together: about 20 minutes" in text
    assert text.count("the table") == 2


def test_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "tricks_lib", "--help"], capture_output=True, text=True, check=True
    )
    assert "record" in done.stdout


def test_recorded_files_are_strict_json():
    def no_constant(name):
        raise AssertionError(name)

    for chapter in cli.CHAPTERS:
        if chapter.written:
            json.loads(chapter.plan.path.read_text(encoding="utf-8"), parse_constant=no_constant)
