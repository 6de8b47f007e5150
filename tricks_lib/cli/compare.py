"""`compare`: did a change help, in any training script?

Chapter: notebooks/20_own_images.ipynb
"""

import argparse
import json
from pathlib import Path
from typing import Any

from .arguments import add_workers, number, whole

__all__ = ["add", "run"]

LETTERS = "abcdef"
"""Commands that can be compared at once; the first two are needed."""

TOLD = """\
The first command is the baseline. Put {seed} where your script takes its seed; nothing else in a
command is replaced. A seed that fixes weights and data order alike in both makes the pairs close,
and the interval narrow. The commands run seed by seed, in turn.

The number is read from the last line of JSON in the output that has it. A line at the end of a
script is enough:

    print(json.dumps({"accuracy": accuracy}))

or it is found by a pattern, whose group 1 is the number; the last match counts. Examples:

  Lightning: print(json.dumps({k: float(v) for k, v in trainer.callback_metrics.items()}))
      python -m tricks_lib compare --a 'python fit.py --seed {seed}' \\
          --b 'python fit.py --seed {seed} --mixup 0.2' --metric val_acc --better higher --out mixup

  timm, whose train.py prints JSON with entries within entries:
      ... --a 'python train.py DATA --seed {seed}' \\
          --b 'python train.py DATA --seed {seed} --smoothing 0' \\
          --metric validation.top1 --better higher --smallest 0.3
      or from its log: --pattern 'Best metric: ([0-9.]+)'

The word is helps, hurts, no difference seen (which does not say that there is none), or with
--smallest makes no difference: the whole interval lies inside of it. Without --better nothing is
assumed about which way is better, and the word is at most "differs". A number that is not finite
counts as a run that diverged.

--out keeps every finished run: after Ctrl-C, a failure or a reboot the same command goes on, and
with more --seeds makes only the new ones. A changed command, or a changed script that it names, is
refused there.

Of several GPUs, let each of the runs side by side take its own by the variable TRICKS_WORKER, which
counts from 0:

      ... --workers 4 --shell --a 'CUDA_VISIBLE_DEVICES=$TRICKS_WORKER python fit.py --seed {seed}'
"""


def add(commands: Any) -> None:
    """Say what may be asked."""
    own = commands.add_parser(
        "compare",
        help="compare two commands, of any training script, over paired seeds",
        description="Run two or more commands with the same seeds, and say whether each did\n"
        "better than the first: the difference, its 95 % interval, and the word it allows.",
        epilog=TOLD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own.add_argument("--a", required=True, metavar="CMD", help="the baseline, with {seed} in it")
    own.add_argument("--b", required=True, metavar="CMD", help="what to compare with --a")
    for letter in LETTERS[2:]:
        more = f"more commands, up to --{LETTERS[-1]}; their intervals hold all at once"
        own.add_argument(
            f"--{letter}", metavar="CMD", help=more if letter == "c" else argparse.SUPPRESS
        )
    own.add_argument("--names", help="what to call them, separated by commas (default: a,b)")
    own.add_argument("--metric", required=True, metavar="NAME", help="the number to compare")
    own.add_argument("--better", choices=("higher", "lower"), help="which way it is better")
    own.add_argument(
        "--pattern",
        metavar="REGEX",
        help="find the number in the output by this pattern, as group 1; --metric is then its name",
    )
    own.add_argument(
        "--smallest",
        type=number,
        metavar="X",
        help="smallest difference that would matter to you, in the metric's own numbers",
    )
    own.add_argument(
        "--seeds",
        metavar="N",
        type=whole(2),
        default=5,
        help="runs of each command, 2 or more (default: 5)",
    )
    add_workers(own)
    own.add_argument(
        "--timeout",
        type=number,
        metavar="S",
        help="seconds after which a run is ended as failed",
    )
    own.add_argument("--shell", action="store_true", help="let a shell read the commands")
    own.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder to keep the runs in and go on from; also logs, results.json and a plot",
    )
    own.add_argument("--fresh", action="store_true", help="make all runs of --out again")
    own.add_argument("--json", action="store_true", help="print the result as JSON, not a table")
    own.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Run the commands and say what they found."""
    from ..lab.study.commands import Command, compare_commands
    from ..lab.study.metric import Metric

    if options.fresh and not options.out:
        raise ValueError("--fresh makes the runs of a folder again: it needs --out")
    texts = {letter: getattr(options, letter) for letter in LETTERS}
    given = [text for text in texts.values() if text is not None]
    names = _names(options.names, [letter for letter, text in texts.items() if text is not None])
    commands = [Command(text, options.shell) for text in given]
    holds_runs = options.out is not None and (options.out.expanduser() / "runs.jsonl").exists()
    try:
        comparison = compare_commands(
            dict(zip(names, commands, strict=True)),
            Metric(options.metric, options.metric, options.better, smallest=options.smallest),
            options.seeds,
            pattern=options.pattern,
            workers=options.workers,
            timeout=options.timeout,
            folder=options.out,
            fresh=options.fresh,
        )
    except ValueError as error:
        if not holds_runs or "runs.jsonl" not in str(error):
            raise
        raise ValueError(
            f"{error}. In this command: another --out, --fresh, or the commands and scripts that "
            "the runs there were made with. Nothing was changed."
        ) from error
    told = json.dumps(comparison.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    print(told if options.json else comparison)
    if options.out:
        folder = options.out.expanduser()
        (folder / "results.json").write_text(told + "\n", encoding="utf-8")
        for ending in ("png", "svg"):
            comparison.plot(folder / f"plot.{ending}")
        if not options.json:
            print(f"Runs, logs, results.json, plot.png and plot.svg are in {options.out}.")
    if comparison.failed:
        count, every = len(comparison.failed), options.seeds * len(given)
        again = "the same command makes them again" if options.out else "with --out it could go on"
        raise ValueError(
            f"{count} of {every} runs gave no result, and are in no pair ({again}): "
            f"{comparison.failed[0]}" + (f", and {count - 1} more" if count > 1 else "")
        )


def _names(told: str | None, letters: list[str]) -> list[str]:
    """Return what the commands are called."""
    names = [name.strip() for name in told.split(",")] if told is not None else letters
    if len(names) != len(letters) or len(set(names)) < len(names):
        raise ValueError(f"expected --names to give {len(letters)} different names, got {told!r}")
    return names
