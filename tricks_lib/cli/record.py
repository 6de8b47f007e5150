"""`record`: run the course's own studies.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
from typing import TYPE_CHECKING, Any

from ..practice.names import chapter_names
from .arguments import add_workers, announce

if TYPE_CHECKING:
    from ..course.plan import StudyPlan

__all__ = ["add", "run"]

STANDING = "standing"
"""What `record` calls the settings in which all tricks stand together."""


def add(commands: Any) -> None:
    """Say what may be asked."""
    course = commands.add_parser("record", help="record the course's studies")
    course.add_argument(
        "chapters",
        nargs="*",
        help=f"which; all by default: {', '.join(chapter_names())}; or {STANDING}: the settings "
        "that hold all tricks, of which one needs CIFAR-10",
    )
    add_workers(course)
    how = course.add_mutually_exclusive_group()
    how.add_argument("--fresh", action="store_true", help="make all runs again, not the missing")
    how.add_argument(
        "--verify",
        action="store_true",
        help="after a change of the code that changes no number: run the first seed of every arm "
        "again, and note in the record that its numbers are the same",
    )
    course.set_defaults(command=run, keeps_runs=True)


def run(options: argparse.Namespace) -> None:
    """Make the runs that are missing, or confirm those that are there."""
    known = [*chapter_names(), STANDING]
    unknown = sorted(set(options.chapters) - set(known))
    if unknown:
        raise ValueError(f"expected chapters out of {known}, got {unknown}")
    chosen = options.chapters or chapter_names()
    plans = [part for slug in chosen for plan in plans_of(slug) for part in plan.parts]
    if not options.verify:
        seconds = [plan.estimate_seconds() for plan in plans]
        for plan, estimate in zip(plans, seconds, strict=True):
            announce(plan.name, estimate, options.workers)
        if len(plans) > 1:
            announce("all together", sum(seconds), options.workers)
    for plan in plans:
        _record_one(plan, options)


def plans_of(slug: str) -> list["StudyPlan"]:
    """Return the plan of a chapter, or those of the standing settings."""
    from ..course.chapter import chapter  # loads torch
    from ..course.standing.comparisons import SETTINGS, plan

    return [*map(plan, SETTINGS)] if slug == STANDING else [chapter(slug).plan]


def _record_one(plan: "StudyPlan", options: argparse.Namespace) -> None:
    if options.verify:
        plan.verify()
        print(f"{plan.path.name}: the first seed of every arm gives the recorded numbers.")
        return
    print(f"\nRecording {plan.name} to {plan.path.name} …", flush=True)
    print(plan.record(fresh=options.fresh, jobs=options.workers))
