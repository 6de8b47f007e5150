"""The card under the title of a chapter: what is claimed, what was found, what it takes.

Chapter: notebooks/00_baseline.ipynb
"""

from IPython.display import Markdown

from .chapter import Chapter, chapter

__all__ = ["card"]


def card(slug: str) -> Markdown:
    """Return the card of a chapter; the verdict is computed from the recorded study.

    Raises:
        ValueError: if there is no such chapter.
    """
    return Markdown("\n".join(["| | |", "|---|---|", *map(_row, _facts(chapter(slug)))]))


def _facts(chapter: Chapter) -> list[tuple[str, str]]:
    return [
        ("Claim", chapter.claim),
        ("Measured here", _measured(chapter)),
        ("Switch it on", f"`{chapter.switched_on()}`"),
        ("Know before", chapter.before),
        (
            "Time",
            f"{chapter.minutes} minutes to read; to run, at most {chapter.seconds} s on two CPU "
            "cores (on a GPU: not measured yet)",
        ),
    ]


def _measured(chapter: Chapter) -> str:
    finding = chapter.finding()
    if finding:
        return f"**{finding.word}**: {finding.figures}; {finding.setting}"
    found = chapter.plan.recorded()
    arm = found.baseline
    label = found.metric("accuracy").label
    return f"{found.spread(arm)} {label} over {len(found.values(arm))} seeds"


def _row(fact: tuple[str, str]) -> str:
    return f"| **{fact[0]}** | {fact[1]} |"
