"""The page of the references is plain Markdown, and holds the works of today."""

import re
import sys
from pathlib import Path

from pybtex.database import parse_string

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cite  # noqa: E402
import references  # noqa: E402


def entry_of(bibtex, monkeypatch):
    """The line for a single work."""
    works = dict(parse_string(bibtex, "bibtex").entries)
    monkeypatch.setattr(references, "works", lambda: works)
    return references.page().removeprefix(references.HEAD)


def test_the_page_has_the_works_of_today():
    written = cite.PAGE.read_text(encoding="utf-8")
    assert written == references.page(), "write it again: make references"


def test_the_page_is_readable_without_sphinx():
    text = cite.PAGE.read_text(encoding="utf-8")
    for mark in ("```", "{", "\\url"):  # of a directive, of a role, of LaTeX
        assert mark not in text
    assert len(re.findall("^- ", text, flags=re.M)) == len(cite.works())


def test_every_work_has_one_anchor_before_its_author_and_year():
    lines = cite.PAGE.read_text(encoding="utf-8").splitlines()
    for key, work in cite.works().items():
        start = f'- <a id="{key}"></a>**{cite.label(work)}.** '
        assert sum(line.startswith(start) for line in lines) == 1, key
    assert len(re.findall("<a id=", "\n".join(lines))) == len(cite.works())


def test_titles_keep_their_capitals_and_marks_of_markdown_their_look(monkeypatch):
    line = entry_of(
        r"""@article{o2020x, author = {{\"O}hm, A. B. and C, D},
        title = {On {I}*2 \& a_b [1] in Chinese},
        journal = {J}, pages = {1--2}, year = {2020}, eprint = {1.2}}""",
        monkeypatch,
    )
    assert line == (
        '- <a id="o2020x"></a>**Öhm and C 2020.** A. B. Öhm and D C. '
        r"On I\*2 &amp; a\_b \[1\] in Chinese. *J*, pages 1–2, 2020. "
        "[arXiv:1.2](https://arxiv.org/abs/1.2).\n"
    )
