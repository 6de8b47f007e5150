"""What the built pages contain, read as files."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tricks_lib.studies import CHAPTERS

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]


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


@pytest.fixture
def page(site, page_name):
    return Page((site / page_name).read_text(encoding="utf-8"))


def test_every_chapter_and_solution_has_its_page(site):
    for chapter in CHAPTERS:
        page = site / chapter.notebook.replace(".ipynb", ".html")
        solution = page.parent / "solutions" / page.name
        assert page.exists() == solution.exists() == chapter.written


def test_site_has_the_pages_of_the_table_of_contents_and_no_others(site):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"- file: (\S+)", toc))
    found = {p.relative_to(site).with_suffix("").as_posix() for p in site.glob("[!_]*/**/*.html")}
    assert found == listed


def test_no_resource_comes_from_elsewhere(page):
    sources = [
        a.get("src") or a.get("href") or ""
        for tag in ("script", "img", "iframe", "video", "audio", "source")
        for a in page.all(tag)
    ]
    loading = ("stylesheet", "icon", "shortcut icon", "preload", "prefetch", "modulepreload")
    sources += [a["href"] for a in page.all("link") if a.get("rel") in loading]
    assert sources
    assert not [s for s in sources if re.match(r"(https?:)?//", s)]


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


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c.written], ids=lambda c: c.slug)
def test_chapter_downloads_as_a_notebook(site, chapter):
    page = Page((site / chapter.notebook.replace(".ipynb", ".html")).read_text(encoding="utf-8"))
    links = [a["href"] for a in page.all("a") if a.get("href", "").endswith(".ipynb")]
    sources = [link for link in links if "_sources" in link]
    assert sources
    notebook = json.loads((site / "notebooks" / sources[0]).resolve().read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    for launcher in ("mybinder.org", "colab.research.google.com"):
        assert any(launcher in a.get("href", "") for a in page.all("a")), launcher


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c.arm], ids=lambda c: c.slug)
def test_landing_page_and_card_say_what_was_recorded(site, chapter):
    verdict, _, found = chapter.verdict().partition(": ")
    for name in ("index.html", chapter.notebook.replace(".ipynb", ".html")):
        text = Page((site / name).read_text(encoding="utf-8")).text.replace(" ; ", "; ")
        assert re.search(rf"{verdict}\s*: {re.escape(found)}", text), name


def test_landing_page_lists_every_trick(site):
    text = Page((site / "index.html").read_text(encoding="utf-8")).text
    assert [c.title for c in CHAPTERS if c.title not in text] == []


def test_interactive_figures_are_small(site):
    for path in site.glob("notebooks/*.html"):
        text = path.read_text(encoding="utf-8")
        sizes = [len(match) for match in re.findall(r"base64,[A-Za-z0-9+/=]+", text)]
        assert sum(sizes) < 3_000_000, path.name
