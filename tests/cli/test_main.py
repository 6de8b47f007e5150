import io
import re
import subprocess
import sys

import pytest
import torch

from tricks_lib.lab.data import DataUnavailable
from tricks_lib.practice import studying

HEAVY = "('torch', 'numpy', 'scipy', 'matplotlib', 'torchvision', 'tqdm')"


def alone(script, *arguments):
    """Run a script in a process of its own, as if the arguments had been typed."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ("--help", 0, "record the course's studies"),
        ("study --help", 0, "warmup, linear_scaling"),
        ("study --help", 0, "no_weight_decay, no_batch_norm"),
        ("record --help", 0, "warmup, linear_scaling"),
        ("predict --help", 0, "MODEL"),
        ("compare --help", 0, "--metric"),
        ("cache --help", 0, "--clear"),
        ("", 2, "error: the following arguments are required: COMMAND"),
        ("stduy", 2, "error: argument COMMAND: invalid choice: 'stduy'"),
        ("study", 2, "error: one of the arguments --tricks --all is required"),
        ("study --all --sede 1", 2, "error: unrecognized arguments: --sede 1"),
        ("study --tricks mixupp", 2, "did you mean mixup?"),
        ("study --tricks mixup --all", 2, "not allowed with argument"),
        ("study --all --device gpu", 2, "got 'gpu'; did you mean cuda?"),
        ("study --all --data ./nowhere", 2, "error: there is no folder ./nowhere"),
        ("study --all --fresh", 2, "it needs --out"),
        ("study --all --out /proc/nowhere", 2, "error: "),
        ("study --all --pretrained", 2, "small_resnet has no trained weights"),
        ("study --all --model resnet81", 2, "got 'resnet81'; did you mean resnet18?"),
        ("record cooldown", 2, "got ['cooldown']"),
        ("cache --downloads", 2, "give both"),
    ],
)
def test_help_and_complaints_come_without_loading_torch(arguments, status, told):
    script = (
        "import runpy, sys\n"
        "sys.argv[0] = 'tricks_lib'\n"
        "try:\n"
        "    runpy.run_module('tricks_lib', run_name='__main__')\n"
        "except SystemExit as ended:\n"
        f"    loaded = [name for name in {HEAVY} if name in sys.modules]\n"
        "    assert not loaded, loaded\n"
        "    raise\n"
    )
    ran = alone(script, *arguments.split())
    assert ran.returncode == status, ran.stderr
    said = ran.stdout if status == 0 else ran.stderr
    assert told in " ".join(said.split())  # help is broken into lines
    if status:
        assert ran.stderr.count("\n") == 1
        assert not ran.stdout


@pytest.mark.parametrize(("stops_at", "hint"), [("tricks_lib.cli", ""), ("torch", "")])
def test_an_interruption_while_loading_is_a_line(stops_at, hint):
    script = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {stops_at!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "runpy.run_module('tricks_lib', run_name='__main__')\n"
    )
    ran = alone(script, "chapters")
    assert ran.returncode == 130
    assert ran.stderr == "\nStopped.\n"


def test_an_interruption_says_whether_it_can_go_on(run, few, capsys, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(studying, "run_seconds", interrupted)
    quick = ("study", "--tricks", "warmup", "--epochs", "1", "--device", "cpu")
    assert run(*quick) == 130
    assert capsys.readouterr().err.endswith("\nStopped. With --out it could go on.\n")
    assert run(*quick, "--out", tmp_path) == 130
    assert capsys.readouterr().err.endswith("\nStopped. The same command goes on from here.\n")


def test_without_the_extras_it_says_what_to_install():
    script = (
        "import runpy, sys\n"
        "for name in ('tqdm', 'matplotlib', 'scipy', 'PIL'): sys.modules[name] = None\n"
        "runpy.run_module('tricks_lib', run_name='__main__')\n"
    )
    ran = alone(script, "chapters")
    assert ran.returncode == 1
    assert re.fullmatch(
        r"error: this command needs \w+, which is not installed: "
        r"run `pip install 'tricks-lib\[course\]'`\n",
        ran.stderr,
    )
    assert alone(script, "--help").returncode == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "CUDA out of memory.: a smaller"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "a smaller --batch-size or"),
        (MemoryError(), "a smaller --batch-size"),
        (DataUnavailable("no network"), "no network"),
        (ValueError("two\n  lines"), "two lines"),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: '/x'"),
    ],
)
def test_what_goes_wrong_becomes_one_line(run, few, capsys, monkeypatch, error, told):
    def failing(*_, **__):
        raise error

    monkeypatch.setattr(studying, "run_seconds", failing)
    assert run("study", "--tricks", "warmup", "--device", "cpu") == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ")
    assert told in last


def test_a_fault_of_the_program_is_not_hidden(run, few, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(studying, "run_seconds", failing)
    with pytest.raises(RuntimeError, match="a bug"):
        run("study", "--tricks", "warmup", "--device", "cpu")


def test_a_terminal_may_lack_letters(run, few, monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    quick = ("--seeds", "2", "--epochs", "1", "--batch-size", "8", "--device", "cpu")
    assert run("study", "--tricks", "warmup", *quick) == 0
    narrow.flush()
    assert rb"images of 1\xd78\xd78" in narrow.buffer.getvalue()


def test_a_reader_who_has_seen_enough_is_no_error():
    # Far more than a pipe holds, so that the writer meets the closed end.
    script = (
        "import argparse, sys; from tricks_lib import cli; from tricks_lib.cli import chapters\n"
        "chapters.run = lambda options: [print('x' * 1000) for _ in range(1000)]\n"
        "sys.exit(cli.main(['chapters']))"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "x" * 1000 + "\n"
    writer.stdout.close()
    assert (writer.stderr.read(), writer.wait()) == ("", 0)
    writer.stderr.close()
