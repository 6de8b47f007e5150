"""`record`: run the course's own studies.

Chapter: notebooks/00_baseline.ipynb
"""

import argparse
from typing import Any

from ..course.chapter import chapter, chapters, found
from ..course.plan import StudyPlan
from ..course.standing.comparisons import SETTINGS
from ..course.standing.comparisons import plan as standing_plan
from .arguments import add_jobs, announce

__all__ = ["add", "run"]

STANDING = "standing"
"""What `record` calls the settings in which all tricks stand together."""


def add(commands: Any) -> None:
    """Say what may be asked."""
    course = commands.add_parser("record", help="record the course's studies")
    course.add_argument(
        "chapters",
        nargs="*",
        help=f"which; all by default: {', '.join(found())}; or {STANDING}: the settings that hold "
        "all tricks, of which one needs CIFAR-10",
    )
    add_jobs(course)
    how = course.add_mutually_exclusive_group()
    how.add_argument("--fresh", action="store_true", help="make all runs again, not the missing")
    how.add_argument(
        "--verify",
        action="store_true",
        help="after a change of the code that changes no number: run the first seed of every arm "
        "again, and note in the record that its numbers are the same",
    )
    course.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Make the runs that are missing, or confirm those that are there."""
    unknown = sorted(set(options.chapters) - {*found(), STANDING})
    if unknown:
        raise ValueError(f"expected chapters out of {[*found(), STANDING]}, got {unknown}")
    chosen = options.chapters or [entry.slug for entry in chapters()]
    plans = [part for slug in chosen for plan in _plans(slug) for part in plan.parts]
    if not options.verify:
        seconds = [plan.estimate_seconds() for plan in plans]
        for plan, estimate in zip(plans, seconds, strict=True):
            announce(plan.name, estimate, options.jobs)
        if len(plans) > 1:
            announce("all together", sum(seconds), options.jobs)
    for plan in plans:
        _record_one(plan, options)


def _plans(slug: str) -> list[StudyPlan]:
    """Return the plan of a chapter, or those of the standing settings."""
    return [*map(standing_plan, SETTINGS)] if slug == STANDING else [chapter(slug).plan]


def _record_one(plan: StudyPlan, options: argparse.Namespace) -> None:
    if options.verify:
        plan.verify()
        print(f"{plan.path.name}: the first seed of every arm gives the recorded numbers.")
        return
    print(f"\nRecording {plan.name} to {plan.path.name} …", flush=True)
    print(plan.record(fresh=options.fresh, jobs=options.jobs))
