"""Commands compared: plain scripts that import nothing of this package."""

import json
import math
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tricks_lib.lab.study import Metric, StudyResult
from tricks_lib.lab.study.commands import Command, compare_commands, figures_of

ACCURACY = Metric("accuracy", "accuracy", "higher")

SCRIPT = """
import json, sys
seed, gain = int(sys.argv[1]), float(sys.argv[2])
print("epoch 1, accuracy: 0.1")
print(json.dumps({"epoch": 1, "accuracy": 0.1}))
noise = (seed * 7 % 5) / 100  # shared by both commands
print(json.dumps({"accuracy": 0.8 + noise + gain + seed * gain / 100, "loss": 1 - gain}))
print(f"done, accuracy: {0.8 + noise + gain}")
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A folder to be in, and what writes a script there and returns the command that runs it."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="train.py", arguments="{seed}"):
        Path(name).write_text(text)
        # Without `site`, Python starts in a tenth of the time.
        return f"{sys.executable} -IS {name} {arguments}"

    return write


@pytest.fixture
def pair(script):
    """Two commands, of which the second really helps."""
    plain = script(SCRIPT, arguments="{seed} 0")
    return {"plain": plain, "better": plain[:-1] + "0.02"}


def silent(line):
    """Say nothing."""


def numbers(comparison, arm, name="accuracy"):
    return comparison.result.values(arm, name)


# --- The commands ---


def test_only_the_seed_is_replaced():
    command = Command("""train --set '{"lr": 0.1, "a": {}}' --seed={seed} "{seed} {other}" {seed""")
    words = ["train", "--set", '{"lr": 0.1, "a": {}}', "--seed=7", "7 {other}", "{seed"]
    assert command.filled(7) == words
    shell = Command("echo {seed} | cat {a}", shell=True)
    assert shell.filled(7) == "echo 7 | cat {a}"


def test_a_command_wants_a_seed_and_whole_quotes():
    with pytest.raises(ValueError, match=r"^expected \{seed\} in every command"):
        Command("python train.py")
    with pytest.raises(ValueError, match=r"^cannot divide"):
        Command("python 'train.py {seed}")
    Command("python 'train.py {seed}", shell=True)  # the shell says so itself


# --- Reading ---

LINES = """
[1/3] {not json
{"accuracy": 0.5, "epoch": 1}
\r 10%|#  | 1/3\r{"accuracy": 0.75, "epoch": 2, "name": "x", "ok": true}
{"done": true}
"""


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        (LINES, "accuracy", {"accuracy": 0.75, "epoch": 2}),
        ('{"test": {"top1": 71.5}}', "test.top1", {"test.top1": 71.5}),
        ('{"test.top1": 1}', "test.top1", {"test.top1": 1}),
        (
            '--result\n[\n  {"top1": 1},\n  {"top1": 2,\n "lr": 0.1}\n]\n',
            "top1",
            {"top1": 2, "lr": 0.1},
        ),
        ('{"a": NaN, "b": Infinity, "c": 0}', "a", {"a": None, "b": None, "c": 0}),
    ],
)
def test_the_last_json_that_has_the_number_counts(text, name, found):
    assert figures_of(text, name) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'no line of JSON in its output, such as {"acc": 0.9}'),
        ("{'acc': 1}\n[5]\n[]", 'no line of JSON in its output, such as {"acc": 0.9}'),
        (LINES, "no 'acc' in the JSON of its output, which ends with done"),
        ('{"acc": "0.9"}', "expected a number, got acc='0.9'"),
        ('{"acc": true}', "expected a number, got acc=True"),
        ('{"acc": [1]}', "expected a number, got acc=[1]"),
    ],
)
def test_what_is_no_number_is_said(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        figures_of(text, "acc")


def test_a_pattern_finds_its_last_match():
    pattern = re.compile(r"top1: (\S+)")
    assert figures_of("top1: 1\ntop1: 2.5e0 %", "acc", pattern) == {"acc": 2.5}
    assert figures_of("", "acc", pattern, "log top1: -3") == {"acc": -3.0}
    assert figures_of("top1: nan", "acc", pattern) == {"acc": None}
    with pytest.raises(ValueError, match=r"nothing in its output matches"):
        figures_of('{"acc": 1}', "acc", pattern)
    with pytest.raises(ValueError, match=r"found 'x', which is no number$"):
        figures_of("top1: x", "acc", pattern)


# --- Comparing ---


def test_one_that_helps_is_seen(pair, tmp_path):
    said = []
    found = compare_commands(pair, ACCURACY, 3, folder="out", say=said.append)
    gap = found.result.difference("better")
    assert gap.verdict == "helps"
    assert gap.mean == pytest.approx(0.0202)
    assert list(numbers(found, "plain").values()) == pytest.approx([0.8, 0.82, 0.84])
    assert numbers(found, "better", "loss") == {seed: 0.98 for seed in range(3)}
    order = [re.search(r"\] (\w+), seed (\d)", line).groups() for line in said]
    assert order == [(arm, str(seed)) for seed in range(3) for arm in pair]
    table = str(found)
    assert "+0.02020 [+0.01970, +0.02070]" in table
    assert table.splitlines()[-1].endswith("helps")
    recorded = StudyResult.load(tmp_path / "out" / "runs.jsonl")
    assert recorded.runs == found.result.runs
    assert recorded.recipes == pair


def test_nobody_guesses_which_way_is_better(pair):
    found = compare_commands(pair, Metric("accuracy"), 3, say=silent)
    assert found.result.verdict("better") == "differs"
    assert "nobody said which way accuracy is better" in str(found)


def test_a_difference_smaller_than_what_matters(pair):
    metric = Metric("accuracy", better="higher", smallest=0.1)
    assert compare_commands(pair, metric, 3, say=silent).result.verdict("better") == (
        "makes no difference"
    )


def test_three_commands_are_read_together(pair):
    pair["same"] = pair["plain"]
    found = compare_commands(pair, ACCURACY, 2, say=silent, workers=3)
    told = found.as_json()
    assert told["differences"]["better"]["simultaneous_over"] == 2
    assert told["differences"]["same"]["word"] == "no difference seen"
    assert "simultaneous over 2" in str(found)


def test_a_pattern_serves_scripts_that_print_text(pair):
    found = compare_commands(pair, ACCURACY, 2, pattern=r"done, accuracy: ([\d.]+)", say=silent)
    assert list(numbers(found, "better").values()) == pytest.approx([0.82, 0.84])


def test_more_seeds_make_only_the_new_runs(pair):
    said = []
    first = compare_commands(pair, ACCURACY, 2, folder="out", say=silent)
    more = compare_commands(pair, ACCURACY, 3, folder="out", say=said.append)
    assert [line.partition(":")[0] for line in said] == [
        "[1/2] plain, seed 2",
        "[2/2] better, seed 2",
    ]
    fewer = compare_commands(pair, ACCURACY, 2, folder="out", say=said.append)
    assert len(said) == 2
    assert fewer.result.runs == first.result.runs
    assert {**more.result.runs["plain"], 2: None} == {**first.result.runs["plain"], 2: None}
    # Every number of the line is kept: another is read without a run.
    loss = compare_commands(pair, Metric("loss", better="lower"), 3, folder="out", say=said.append)
    assert (len(said), loss.result.verdict("better", "loss")) == (2, "helps")
    with pytest.raises(ValueError, match=r"hold accuracy, loss, and no 'f1': give one of these"):
        compare_commands(pair, Metric("f1"), 3, folder="out", say=silent)


def test_another_command_or_script_is_refused(pair, script):
    compare_commands(pair, ACCURACY, 2, folder="out", say=silent)
    other = pair | {"better": pair["better"] + "1"}
    with pytest.raises(ValueError, match=r"holds runs of another 'better'"):
        compare_commands(other, ACCURACY, 2, folder="out", say=silent)
    with pytest.raises(ValueError, match=r"holds another study .read: 'JSON', now 'a"):
        compare_commands(pair, ACCURACY, 2, folder="out", pattern="a(.)", say=silent)
    script(SCRIPT.replace("0.8", "0.7"))
    with pytest.raises(ValueError, match=r"from before the code that it uses was changed"):
        compare_commands(pair, ACCURACY, 2, folder="out", say=silent)
    fresh = compare_commands(pair, ACCURACY, 2, folder="out", fresh=True, say=silent)
    assert numbers(fresh, "plain")[0] == pytest.approx(0.7)
    assert StudyResult.load("out/runs.jsonl").runs == fresh.result.runs


FAILS = (
    SCRIPT
    + """
if seed == 3:
    import os
    print("loading", file=sys.stderr)
    print("out of memory: tried to take 8 GB", file=sys.stderr)
    if not os.path.exists("mended"):
        sys.exit(7)
"""
)


def test_a_failed_run_is_a_line_and_the_others_are_made(script):
    plain, broken = script(SCRIPT, arguments="{seed} 0"), script(FAILS, "b.py", "{seed} 0.02")
    commands, said = {"plain": plain, "broken": broken}, []
    found = compare_commands(commands, ACCURACY, 5, folder="out", say=said.append)
    (failure,) = found.failed
    assert (failure.arm, failure.seed) == ("broken", 3)
    assert failure.why == "ended with exit status 7: out of memory: tried to take 8 GB"
    assert failure.log.read_text().startswith("loading\n")
    assert sum("FAILED: broken, seed 3" in line for line in said) == 1
    assert len(found.result.difference("broken").values) == 4
    assert found.as_json()["failed"][0]["seed"] == 3
    Path("mended").touch()
    again = compare_commands(commands, ACCURACY, 5, folder="out", say=said.append)
    assert len(said) == 11
    assert (again.failed, len(again.result.difference("broken").values)) == ((), 5)


def test_a_fresh_study_takes_the_place_of_the_old_when_it_is_whole(script):
    plain, broken = script(SCRIPT, arguments="{seed} 0"), script(FAILS, "b.py", "{seed} 0.02")
    commands = {"plain": plain, "broken": broken}
    compare_commands(commands, ACCURACY, 3, folder="out", say=silent)
    before = Path("out/runs.jsonl").read_bytes()
    assert compare_commands(commands, ACCURACY, 4, folder="out", fresh=True, say=silent).failed
    assert Path("out/runs.jsonl").read_bytes() == before
    Path("mended").touch()
    said = []
    compare_commands(commands, ACCURACY, 4, folder="out", fresh=True, say=said.append)
    assert len(said) == 1
    assert len(StudyResult.load("out/runs.jsonl").runs["broken"]) == 4


def test_a_command_that_never_gives_a_result_ends_the_study_soon(script, monkeypatch):
    plain = script(SCRIPT, arguments="{seed} 0")
    said = []
    with pytest.raises(ValueError, match=r"gives a result: mute, seed 0: no line"):
        compare_commands(
            {"plain": plain, "mute": script("print('hello')", "b.py")}, ACCURACY, 9, say=said.append
        )
    assert len(said) == 1
    with pytest.raises(ValueError, match=r"seed 1: .* status 1: ZeroDivisionError") as told:
        compare_commands(
            {"plain": plain, "bad": script("1/0", "c.py")}, ACCURACY, 9, say=said.append
        )
    log = Path(re.search(r"its output: (.*)\)", str(told.value))[1])
    assert "Traceback" in log.read_text()  # kept, though no folder was named
    with pytest.raises(ValueError, match=r"^cannot run 'no-such-program \{seed\}': "):
        compare_commands({"a": plain, "b": "no-such-program {seed}"}, ACCURACY, 2, say=silent)


def test_what_is_not_finite_is_a_run_that_diverged(script):
    plain = script(SCRIPT, arguments="{seed} 0")
    wild = script('print(\'{"accuracy": NaN, "loss": 1}\')', "b.py")
    found = compare_commands({"plain": plain, "wild": wild}, ACCURACY, 2, folder="out", say=silent)
    assert found.result.verdict("wild") == "hurts"
    assert "0 (2 diverged)" in str(found)
    told = found.as_json()
    assert told["arms"]["wild"]["diverged"] == [0, 1]
    assert (told["arms"]["wild"]["mean"], told["differences"]["wild"]["low"]) == (None, None)
    json.dumps(told, allow_nan=False)
    assert "NaN" not in Path("out/runs.jsonl").read_text()
    for ending in ("png", "svg"):
        found.plot(f"out/plot.{ending}")


def test_a_plot_shows_every_pair(pair):
    found = compare_commands(pair, ACCURACY, 3, say=silent)
    found.plot("plot.svg")
    text = Path("plot.svg").read_text()
    assert text.count("better") >= 1
    found.plot("plot.png")
    assert Path("plot.png").read_bytes().startswith(b"\x89PNG")


SLOW = """
import os, sys, time
if sys.argv[1] == "1":
    name = "started" if os.fork() else "child"
    with open(name + "~", "w") as file:
        file.write(str(os.getpid()))
    os.rename(name + "~", name)
    time.sleep(60)
print('{"accuracy": 1}')
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def pids():
    return [int(Path(name).read_text()) for name in ("started", "child")]


def wait_for(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.05)
    assert condition()


@pytest.fixture
def ctrl_c():
    """Let Ctrl-C do what it does at a terminal: tests that run in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_what_runs_and_keeps_the_rest(script, number, ctrl_c):
    plain = script(SCRIPT, arguments="{seed} 0")
    slow = script(SLOW, "b.py")

    def interrupt():
        wait_for(lambda: all(map(os.path.exists, ("started", "child"))))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        compare_commands({"plain": plain, "slow": slow}, ACCURACY, 3, folder="out", say=silent)
    thread.join()
    wait_for(lambda: not any(map(is_alive, pids())))
    kept = StudyResult.load("out/runs.jsonl").runs
    assert (set(kept["plain"]), set(kept["slow"])) == ({0, 1}, {0})


def test_a_study_that_cannot_go_on_ends_what_runs(script):
    slow = script(SLOW.replace('"1"', '"0"'), "a.py")
    mute = script(
        "import os, time\nwhile not {*os.listdir()} >= {'started', 'child'}: time.sleep(0.05)",
        "b.py",
    )
    with pytest.raises(ValueError, match=r"mute, seed 0: no line of JSON"):
        compare_commands({"slow": slow, "mute": mute}, ACCURACY, 2, workers=2, say=silent)
    wait_for(lambda: not any(map(is_alive, pids())))


def test_a_run_that_takes_too_long_is_ended(script):
    plain = script(SCRIPT, arguments="{seed} 0")
    slow = script(
        "import time, sys\nprint('{\"accuracy\": 1}', flush=True)\n"
        "time.sleep(60 * int(sys.argv[1] == '1'))",
        "b.py",
    )
    found = compare_commands(
        {"plain": plain, "slow": slow}, ACCURACY, 2, timeout=5, workers=2, say=silent
    )
    assert [(f.seed, f.why) for f in found.failed] == [(1, 'took longer than 5 s: {"accuracy": 1}')]
    assert found.as_json()["differences"] == {}
    assert "An interval needs two seeds" in str(found)


PLACES = """
import json, os, sys, time
place = int(os.environ["TRICKS_WORKER"])
time.sleep(0.5)
print(json.dumps({"accuracy": place}))
"""


def test_runs_side_by_side_know_their_place(script):
    command = script(PLACES)
    found = compare_commands({"a": command, "b": command}, ACCURACY, 2, workers=2, say=silent)
    places = {*numbers(found, "a").values(), *numbers(found, "b").values()}
    assert places == {0, 1}


def test_a_shell_reads_a_command_where_asked(script):
    script(SCRIPT)
    text = f"G=0.02; {sys.executable} -IS train.py {{seed}} $G | cat"
    commands = {"a": Command(text, shell=True), "b": Command(text, shell=True)}
    found = compare_commands(commands, ACCURACY, 2, say=silent)
    assert numbers(found, "a")[0] == pytest.approx(0.82)
    assert found.result.recipes["a"].endswith("(shell)")


def test_digits_follow_the_spread(script):
    small = script(SCRIPT.replace("0.8 + noise", "(0.8 + noise) * 1e-6"), arguments="{seed} 0")
    table = str(compare_commands({"a": small, "b": small}, ACCURACY, 3, say=silent))
    assert "0.000000820 ± 0.000000020" in table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"commands": {"a": "x {seed}"}}, "expected two or more commands"),
        ({"commands": {"a": "x {seed}", "../b": "y {seed}"}}, "expected names of letters"),
        ({"seeds": 0}, "expected seeds >= 1, got 0"),
        ({"workers": 0}, "expected workers >= 1, got 0"),
        ({"timeout": -1}, "expected timeout > 0 seconds, got -1"),
        ({"timeout": math.nan}, "expected timeout > 0 seconds, got nan"),
        ({"pattern": "("}, "cannot read the pattern"),
        ({"pattern": "accuracy"}, "expected a pattern with a group"),
    ],
)
def test_arguments_are_checked_before_the_first_run(change, message, script):
    given = {"commands": {"a": "no {seed}", "b": "no {seed}"}, "seeds": 2} | change
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        compare_commands(given.pop("commands"), ACCURACY, **given)


def test_a_file_is_no_folder(pair):
    Path("out").touch()
    with pytest.raises(NotADirectoryError):
        compare_commands(pair, ACCURACY, 2, folder="out", say=silent)
