"""The command `compare`, as somebody types it who trains with something else."""

import json
import sys
from pathlib import Path

import pytest

from tricks_lib import cli

TRAIN = """
import json, sys
seed, gain = int(sys.argv[1]), float(sys.argv[2])
if seed == 3 and gain > 1:
    sys.exit("no memory left")
print(json.dumps({"val_acc": 0.5 + seed % 2 / 10 + gain + seed / 1000 * gain}))
"""


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with a script; return its exit status and what it printed."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    run = f"{sys.executable} -IS train.py {{seed}}"

    def call(*options, gain="0.1", metric="val_acc"):
        asked = ["--a", f"{run} 0", "--b", f"{run} {gain}", "--metric", metric]
        status = cli.main(["compare", *asked, *options])
        return status, *capsys.readouterr()

    return call


def test_it_prints_a_table_and_keeps_all_in_a_folder(compare):
    status, out, err = compare("--better", "higher", "--names", "base,mixup", "--out", "o")
    assert status == 0
    assert out.splitlines()[2].split()[0] == "mixup"
    assert out.splitlines()[2].endswith("helps")
    assert err.count("seed") == 10
    told = json.loads(Path("o/results.json").read_text())
    assert told["differences"]["mixup"]["word"] == "helps"
    assert len(list(Path("o/logs").iterdir())) == 20
    assert Path("o/plot.png").stat().st_size > 1000
    assert "<svg" in Path("o/plot.svg").read_text()


def test_json_alone_is_printed_where_asked(compare):
    status, out, _ = compare("--json", "--seeds", "2", "--better", "lower")
    told = json.loads(out)
    assert (status, told["differences"]["b"]["word"]) == (0, "hurts")
    assert told["metric"] == {"name": "val_acc", "better": "lower", "smallest": None}


def test_without_a_direction_it_differs(compare):
    assert "differs" in compare("--seeds", "3")[1]


def test_it_goes_on_where_it_stopped_and_refuses_another_command(compare):
    assert compare("--seeds", "2", "--out", "o")[0] == 0
    assert compare("--seeds", "3", "--out", "o")[2].count("seed") == 2
    status, out, err = compare("--seeds", "3", "--out", "o", gain="0.2")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "In this command: another --out, --fresh, or " in err
    assert compare("--seeds", "2", "--out", "o", "--fresh", gain="0.2")[0] == 0


def test_a_failed_run_is_told_in_a_line_below_the_table(compare):
    status, out, err = compare("--seeds", "5", "--out", "o", gain="2")
    assert status == 2
    assert out.splitlines()[2].split()[:2] == ["b", "4"]
    error = err.splitlines()[-1]
    assert error.startswith("error: 1 of 10 runs gave no result, and are in no pair")
    assert "b, seed 3: ended with exit status 1: no memory left (its output: o/logs/" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seeds", "1"), "expected a whole number from 2"),
        (("--smallest", "0"), "expected a finite number > 0"),
        (("--better", "up"), "invalid choice"),
        (("--names", "one"), "expected --names to give 2 different names"),
        (("--names", "one,one"), "expected --names to give 2 different names"),
        (("--fresh",), "--fresh makes the runs of a folder again: it needs --out"),
        (("--c", "train"), "expected {seed} in every command"),
        (("--pattern", "x"), "expected a pattern with a group"),
        (("--out", "train.py"), "expected a folder to keep the runs in, got the file train.py"),
    ],
)
def test_a_bad_argument_is_one_line(compare, options, message):
    status, out, err = compare(*options)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_metric_that_is_not_there_is_said_with_what_is(compare):
    status, _, err = compare(metric="accuracy")
    assert status == 2
    assert "no 'accuracy' in the JSON of its output, which ends with val_acc" in err


def test_help_speaks_to_people_who_train_with_something_else(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "--help"])
    text = capsys.readouterr().out
    for word in ("Lightning", "timm", "{seed}", "95 % interval", "--pattern 'Best metric"):
        assert word in text
    assert max(map(len, text[text.index("The first command") :].splitlines())) <= 100
