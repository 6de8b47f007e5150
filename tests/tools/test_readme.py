"""The list of chapters in README.md is the one of today."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import readme  # noqa: E402

from tricks_lib.course.chapter import chapters, planned  # noqa: E402


def test_the_list_is_that_of_today():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.with_list(text) == text, "write it again: make readme"


def test_every_chapter_is_in_it_with_its_finding():
    listed = readme.listed()
    for entry in chapters():
        assert f"[{entry.number:02d} {entry.title}]({entry.notebook})" in listed
        if finding := entry.finding():
            assert f"*{finding.word}* ({finding.setting})" in listed
    assert all(entry.title in listed for entry in planned())


def test_writing_it_twice_changes_nothing():
    text = f"before {readme.BEGIN} old {readme.END} after"
    once = readme.with_list(text)
    assert readme.with_list(once) == once
    assert once.startswith("before ") and once.endswith(" after")


def test_missing_marks_are_told():
    with pytest.raises(ValueError, match="expected the marks"):
        readme.with_list("no marks")
