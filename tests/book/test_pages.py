"""What the built pages contain, read as files."""

import functools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_ext import sources
from tricks_lib.course.chapter import chapter, chapters, found, planned

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
each_chapter = pytest.mark.parametrize("slug", found())


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@functools.cache
def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture
def page(site, page_name):
    return read(site / page_name)


def page_of(site, notebook):
    return site / notebook.replace(".ipynb", ".html")


@each_chapter
def test_every_chapter_and_its_solutions_have_a_page(site, slug):
    for notebook in (chapter(slug).notebook, chapter(slug).solutions):
        assert page_of(site, notebook).exists(), f"{notebook} has no page: does _toc.yml find it?"


def test_site_has_the_pages_of_the_table_of_contents_and_no_others(site):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"- file: (\S+)", toc))
    for pattern in re.findall(r"- glob: (\S+)", toc):
        for path in ROOT.glob(f"{pattern}.ipynb"):
            listed.add(path.relative_to(ROOT).with_suffix("").as_posix())
    pages = {p.relative_to(site).with_suffix("").as_posix() for p in site.glob("[!_]*/**/*.html")}
    assert pages == listed


def test_no_resource_comes_from_elsewhere(page):
    loaded = [
        a.get("src") or a.get("href") or ""
        for tag in ("script", "img", "iframe", "video", "audio", "source")
        for a in page.all(tag)
    ]
    loading = ("stylesheet", "icon", "shortcut icon", "preload", "prefetch", "modulepreload")
    loaded += [a["href"] for a in page.all("link") if a.get("rel") in loading]
    assert loaded
    assert not [s for s in loaded if re.match(r"(https?:)?//", s)]


def test_every_picture_says_what_it_shows(page):
    for picture in page.all("img"):
        assert picture.get("alt", "").strip(), picture
        assert "_images/" not in picture["alt"], picture


def test_no_error_and_no_warning_is_published(page):
    for word in ("Traceback (most recent call last)", "Warning: ", "it/s]"):
        assert word not in page.text


def test_no_markup_is_left_raw(site, page_name):
    text = (site / page_name).read_text(encoding="utf-8")
    text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", text, flags=re.S)
    text = re.sub(r'<(span|div) class="math[^"]*">.*?</\1>', "", text, flags=re.S)
    words = Page(text).text
    for raw in ("{cite}", "{tricks-table}", "$", "|", "**", "```"):
        assert raw not in words, words[max(0, words.index(raw) - 200) :][:400]


@each_chapter
def test_chapter_downloads_as_a_notebook(site, slug):
    links = [a.get("href", "") for a in read(page_of(site, chapter(slug).notebook)).all("a")]
    offered = [link for link in links if link.endswith(".ipynb") and "_sources" in link]
    assert offered
    notebook = json.loads((site / "notebooks" / offered[0]).resolve().read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    for launcher in ("mybinder.org", "colab.research.google.com"):
        assert any(launcher in link for link in links), launcher


@each_chapter
def test_landing_page_and_card_say_what_was_recorded(site, slug):
    finding = chapter(slug).finding()
    if finding is None:
        recorded = chapter(slug).plan.recorded()
        said = [recorded.spread(recorded.baseline)]
    else:
        said = [finding.word, finding.figures, finding.setting]
    for path in (site / "index.html", page_of(site, chapter(slug).notebook)):
        for words in said:
            assert words in read(path).text, f"{path.name} does not say {words!r}"


def test_landing_page_lists_every_trick(site):
    text = read(site / "index.html").text
    assert [c.title for c in [*chapters(), *planned()] if c.title not in text] == []


def test_glossary_has_the_words_of_the_chapters(site):
    text = read(site / "book" / "glossary.html").text
    for path in sources.glossaries():
        for word in sources.terms(path.read_text(encoding="utf-8")):
            assert word in text, f"{word} of {path} is not in the glossary"


def test_interactive_figures_are_small(site):
    for path in site.glob("notebooks/*.html"):
        text = path.read_text(encoding="utf-8")
        sizes = [len(match) for match in re.findall(r"base64,[A-Za-z0-9+/=]+", text)]
        assert sum(sizes) < 3_000_000, path.name
