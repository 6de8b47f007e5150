"""What the chapters say in words, held to their records, the papers and computations."""

import re
from pathlib import Path

import pytest

from tricks_lib.course.chapter import chapter, found
from tricks_lib.course.claims import Text

ROOT = Path(__file__).parents[2]
OF_A_VERDICT = re.compile(r"\b(?:helps?|hurts?)\b|no difference", re.IGNORECASE)

ADVICE = "When to use it, and when not"
"""What the section with the advice is called."""

every = pytest.mark.parametrize("slug", found())


def text_of(entry):
    notebook = ROOT / entry.notebook
    assert notebook.is_file(), f"{entry.slug} has no {entry.notebook}"
    return Text(notebook)


@every
def test_what_a_chapter_says_holds(slug, subtests):
    entry = chapter(slug)
    text = text_of(entry)
    for claim in entry.part("claims").CLAIMS:
        with subtests.test(str(claim)):
            claim.check(text)


@every
def test_every_verdict_in_the_prose_rests_on_a_claim(slug):
    """A verdict that is typed, and not computed by a cell, is carried by a claim."""
    entry = chapter(slug)
    carried = " ".join(claim.carries for claim in entry.part("claims").CLAIMS)
    carried = " ".join(re.sub(r'"[^"]*"|`[^`]*`', "", carried).split())
    for line in text_of(entry).sentences("Evidence", ADVICE):
        for part in re.split(r"[,;:.] ", line):
            assert not OF_A_VERDICT.search(part) or part.strip(" .-*") in carried, (
                f"{entry.notebook} says: {line.strip()!r}. No claim in {slug}/claims.py carries it"
            )
