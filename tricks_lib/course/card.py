"""The card under the title of a chapter: what is claimed, what was found, what it takes.

Chapter: notebooks/00_baseline.ipynb
"""

from IPython.display import Markdown

from . import CHAPTERS, Chapter


def card(slug: str) -> Markdown:
    """Return the card of a chapter; the verdict is computed from the recorded study.

    Raises:
        ValueError: if there is no such chapter.
    """
    for chapter in CHAPTERS:
        if chapter.slug == slug:
            return Markdown("\n".join(["| | |", "|---|---|", *map(_row, _facts(chapter))]))
    raise ValueError(f"expected one of {[c.slug for c in CHAPTERS]}, got {slug!r}")


def _facts(chapter: Chapter) -> list[tuple[str, str]]:
    facts = [("Claim", chapter.claim)]
    if chapter.arm:
        verdict, _, found = chapter.verdict().partition(": ")
        facts.append(("Measured here", f"**{verdict}**: {found}"))
    else:
        found = chapter.plan.recorded()
        arm = found.baseline
        seeds = len(found.values(arm))
        facts.append(("Measured here", f"{found.spread(arm)} of test accuracy over {seeds} seeds"))
    return [
        *facts,
        ("Switch it on", f"`{chapter.line}`"),
        ("Know before", chapter.before),
        (
            "Time",
            f"{chapter.minutes} minutes to read; to run, at most {chapter.seconds} s on two CPU "
            "cores (on a GPU: not measured yet)",
        ),
    ]


def _row(fact: tuple[str, str]) -> str:
    return f"| **{fact[0]}** | {fact[1]} |"
