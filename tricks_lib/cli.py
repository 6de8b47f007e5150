"""The command line: measure tricks on your own pictures, or record the course's studies again.

    python -m tricks_lib study --data PATH --tricks warmup --seeds 5
    python -m tricks_lib record warmup

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..schedules import linear_decay
from ..studies import CHAPTERS, TRICKS
from ..studies.baseline import BASELINE
from .data import DataUnavailable, load_data
from .study import estimate_seconds, study


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the user's making become one line and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (ValueError, OSError, DataUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = getattr(options, "out", True)
        hint = "The same command goes on from here." if resumes else "With --out it could go on."
        print(f"\nStopped. {hint}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tricks_lib", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    own = commands.add_parser("study", help="compare tricks on a data set or a folder of pictures")
    own.add_argument("--data", default="fashion-mini", help="name, or folder with train/ and test/")
    own.add_argument(
        "--tricks", required=True, help=f"separated by commas, out of: {', '.join(TRICKS)}"
    )
    own.add_argument("--seeds", type=int, default=5, help="runs of each recipe (default: 5)")
    own.add_argument("--epochs", type=int, default=BASELINE.epochs, help="default: %(default)s")
    own.add_argument("--batch-size", type=int, default=BASELINE.batch_size)
    own.add_argument("--lr", type=float, default=BASELINE.lr, help="default: %(default)s")
    own.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    own.add_argument("--out", type=Path, help="JSON file to keep the runs in, and to resume from")
    own.set_defaults(command=_study)

    course = commands.add_parser("record", help="make the course's recorded results again")
    slugs = [chapter.slug for chapter in CHAPTERS if chapter.written]
    course.add_argument("chapters", nargs="*", help=f"which; all by default: {', '.join(slugs)}")
    course.set_defaults(command=_record)
    return parser


def _study(options: argparse.Namespace) -> None:
    tricks = [name.strip() for name in options.tricks.split(",") if name.strip()]
    unknown = sorted(set(tricks) - set(TRICKS))
    if unknown or not tricks:
        raise ValueError(
            f"expected tricks out of {list(TRICKS)}, got {unknown or options.tricks!r}"
        )
    if options.seeds < 2:
        raise ValueError(f"an interval needs at least 2 seeds, got {options.seeds}")
    data = load_data(options.data)
    baseline = replace(
        BASELINE,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        schedule=linear_decay(options.epochs),
    )
    recipes = {"baseline": baseline} | {name: TRICKS[name](baseline) for name in tricks}
    print(data)
    _announce("study", estimate_seconds(recipes, data, options.seeds, options.device))
    result = study(recipes, data, options.seeds, device=options.device, path=options.out)
    print(result.table("accuracy", "nll", "ece"))
    if options.out:
        print(f"The runs are in {options.out}.")


def _record(options: argparse.Namespace) -> None:
    chapters = [chapter for chapter in CHAPTERS if chapter.written]
    slugs = [chapter.slug for chapter in chapters]
    unknown = sorted(set(options.chapters) - set(slugs))
    if unknown:
        raise ValueError(f"expected chapters out of {slugs}, got {unknown}")
    chosen = [chapter for chapter in chapters if chapter.slug in (options.chapters or slugs)]
    plans = [part for chapter in chosen for part in chapter.plan.parts]
    seconds = [plan.estimate_seconds() for plan in plans]
    for plan, estimate in zip(plans, seconds, strict=True):
        _announce(plan.slug, estimate)
    if len(plans) > 1:
        _announce("all together", sum(seconds))
    for plan in plans:
        print(f"\nRecording {plan.slug} to {plan.path.name} …", flush=True)
        print(plan.record())


def _announce(what: str, seconds: float) -> None:
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    print(f"{what}: about {length} on this machine (Ctrl-C stops).", flush=True)
