"""The command line: measure tricks on your own images, or record the course's studies.

    python -m tricks_lib study --data PATH --tricks warmup,mixup --seeds 5
    python -m tricks_lib record warmup
    python -m tricks_lib chapters

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .course.baseline import BASELINE
from .course.chapter import Chapter, chapter, chapters, found
from .course.plan import StudyPlan
from .lab.data import DataUnavailable, load_data
from .lab.steps import pick_device
from .lab.study import estimate_seconds, study
from .schedules import linear_decay

__all__ = ["main"]


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


def tricks() -> dict[str, Chapter]:
    """Return the chapters whose trick can be switched on, by their slugs."""
    return {entry.slug: entry for entry in chapters() if entry.switch}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tricks_lib", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    own = commands.add_parser("study", help="compare tricks on a data set or a folder of images")
    own.add_argument("--data", default="fashion-mini", help="name, or folder with train/ and test/")
    own.add_argument(
        "--tricks", required=True, help=f"separated by commas, out of: {', '.join(tricks())}"
    )
    own.add_argument("--seeds", type=int, default=5, help="runs of each recipe (default: 5)")
    own.add_argument("--epochs", type=int, default=BASELINE.epochs, help="default: %(default)s")
    own.add_argument("--batch-size", type=int, default=BASELINE.batch_size)
    own.add_argument("--lr", type=float, default=BASELINE.lr, help="default: %(default)s")
    own.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    own.add_argument("--threads", type=int, default=1, help="of the CPU (default: 1)")
    own.add_argument("--out", type=Path, help="file to keep the runs in, and to resume from")
    own.set_defaults(command=_study)

    course = commands.add_parser("record", help="record the course's studies")
    course.add_argument("chapters", nargs="*", help=f"which; all by default: {', '.join(found())}")
    how = course.add_mutually_exclusive_group()
    how.add_argument("--fresh", action="store_true", help="make all runs again, not the missing")
    how.add_argument(
        "--verify",
        action="store_true",
        help="after a change of the code that changes no number: run the first seed of every arm "
        "again, and note in the record that its figures are the same",
    )
    course.set_defaults(command=_record)

    listed = commands.add_parser("chapters", help="list the chapters and what they found")
    listed.set_defaults(command=_list)
    return parser


def _study(options: argparse.Namespace) -> None:
    known = tricks()
    chosen = [name.strip() for name in options.tricks.split(",") if name.strip()]
    unknown = sorted(set(chosen) - set(known))
    if unknown or not chosen:
        raise ValueError(f"expected tricks out of {list(known)}, got {unknown or options.tricks!r}")
    for name, least in (("seeds", 2), ("epochs", 1), ("batch_size", 1), ("threads", 1)):
        if getattr(options, name) < least:
            reason = "an interval needs" if name == "seeds" else f"{name.replace('_', '-')} takes"
            raise ValueError(f"{reason} at least {least}, got {getattr(options, name)}")
    device = pick_device(options.device)
    data = load_data(options.data)
    baseline = replace(
        BASELINE,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        schedule=linear_decay(options.epochs),
    )
    recipes = {"baseline": baseline}
    for name in chosen:
        switch = known[name].switch
        recipes[name] = switch(baseline, data) if switch else baseline
    print(data)
    how = {"device": device, "threads": options.threads}
    _announce("study", estimate_seconds(recipes, data, options.seeds, **how))
    result = study(recipes, data, options.seeds, path=options.out, **how)
    print(result.table("accuracy", "nll", "ece"))
    if options.out:
        print(f"The runs are in {options.out}.")


def _record(options: argparse.Namespace) -> None:
    unknown = sorted(set(options.chapters) - set(found()))
    if unknown:
        raise ValueError(f"expected chapters out of {found()}, got {unknown}")
    chosen = [chapter(slug) for slug in options.chapters] or chapters()
    plans = [part for entry in chosen for part in entry.plan.parts]
    if not options.verify:
        seconds = [plan.estimate_seconds() for plan in plans]
        for plan, estimate in zip(plans, seconds, strict=True):
            _announce(plan.name, estimate)
        if len(plans) > 1:
            _announce("all together", sum(seconds))
    for plan in plans:
        _record_one(plan, options)


def _record_one(plan: StudyPlan, options: argparse.Namespace) -> None:
    if options.verify:
        plan.verify()
        print(f"{plan.path.name}: the first seed of every arm gives the recorded figures.")
        return
    print(f"\nRecording {plan.name} to {plan.path.name} …", flush=True)
    print(plan.record(fresh=options.fresh))


def _list(options: argparse.Namespace) -> None:
    for entry in chapters():
        print(f"{entry.number:02d} {entry.slug}: {entry.finding() or entry.claim}")


def _announce(what: str, seconds: float) -> None:
    length = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    print(f"{what}: about {length} on this machine (Ctrl-C stops).", flush=True)
