"""A link to a work leads to its anchor on the page of the references, and to no other place."""

import io

import pytest
from sphinx.application import Sphinx

from course_ext.citations import open_anchors_to_links

REFERENCES = '# References\n\n- <a id="a2020first"></a>**A 2020.** First.\n'


@pytest.fixture
def built(tmp_path):
    """A function that builds two pages with Sphinx; returns the HTML of the first, and warnings."""

    def build(text):
        source, out = tmp_path / "source", tmp_path / "out"
        (source / "book").mkdir(parents=True)
        (source / "index.md").write_text(f"# Index\n\n{text}\n", encoding="utf-8")
        (source / "book" / "references.md").write_text(REFERENCES, encoding="utf-8")
        warned = io.StringIO()
        settings = {"extensions": ["myst_parser"], "myst_heading_anchors": 3}
        app = Sphinx(
            source, None, out, tmp_path / "trees", "html", settings, status=None, warning=warned
        )
        app.connect("doctree-read", open_anchors_to_links)
        app.build()
        page = (out / "book" / "references.html").read_text(encoding="utf-8")
        assert '<a id="a2020first"></a>' in page
        warnings = [line for line in warned.getvalue().splitlines() if "[myst." in line]
        return (out / "index.html").read_text(encoding="utf-8"), warnings

    return build


def test_a_citation_leads_to_the_anchor_of_its_work(built):
    html, warnings = built(
        "As [A 2020](book/references.md#a2020first) and [all](book/references.md#references) say."
    )
    assert 'href="book/references.html#a2020first"' in html
    assert 'href="book/references.html#references"' in html  # headings as ever
    assert warnings == []


def test_a_citation_of_a_work_that_is_not_there_is_warned_of(built):
    _, warnings = built("As [B 2020](book/references.md#b2020second) says.")
    assert len(warnings) == 1
    assert "b2020second" in warnings[0]
