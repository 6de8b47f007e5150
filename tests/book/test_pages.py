"""What the built pages contain, read as files."""

import base64
import functools
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from fontTools.ttLib import TTFont

from course_ext import icons, sources
from tricks_lib.course.chapter import chapter, chapters, found, planned
from tricks_lib.course.overview import OWN, alt_text, ranked
from tricks_lib.course.standing.comparisons import SETTINGS

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
    text = re.sub(r'<(span|div)[^>]* class="math[^"]*"[^>]*>.*?</\1>', "", text, flags=re.S)
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


@each_chapter
def test_landing_page_and_card_say_what_was_recorded(site, slug):
    plan, pages = chapter(slug).plan, [page_of(site, chapter(slug).notebook)]
    found = plan.declared()
    if found:
        said = [found[0].figures, *(one.word for one in found), *(one.setting for one in found)]
    else:
        recorded = plan.recorded()
        said = [recorded.spread(recorded.baseline)]
    if chapter(slug).switch:  # the landing page lists the tricks
        pages.append(site / "index.html")
    for path in pages:
        for words in said:
            assert words in read(path).text, f"{path.name} does not say {words!r}"


def test_landing_page_lists_every_trick(site):
    text = read(site / "index.html").text
    listed = [entry for entry in chapters() if entry.switch] + planned()
    assert [entry.title for entry in listed if entry.title not in text] == []


def test_landing_page_has_a_picture_of_all_tricks(site):
    pictures = [a for a in read(site / "index.html").all("img") if "forest" in a.get("src", "")]
    assert len(pictures) >= 1
    told = next(setting for setting in (*SETTINGS, OWN) if ranked(setting))
    assert pictures[0]["alt"] == alt_text(told)


def test_launch_buttons_are_there_as_soon_as_there_is_an_address(page):
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    links = [a.get("href", "") for a in page.all("a")]
    launchers = ("mybinder.org", "colab.research.google.com")
    for link in links:
        assert address or not any(place in link for place in launchers), link
        assert "github.com/training-tricks" not in link, "nobody hosts the course there"


@each_chapter
def test_every_exercise_stands_in_a_frame_and_leads_to_its_solution(site, slug):
    notebook = json.loads((ROOT / chapter(slug).notebook).read_text(encoding="utf-8"))
    prose = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    numbers = re.findall(r"^\*\*Exercise (\d+)", "\n".join(prose), flags=re.M)
    page = read(page_of(site, chapter(slug).notebook))
    framed = [a["id"] for a in page.all("div") if "exercise" in a.get("class", "").split()]
    assert framed == [f"exercise-{number}" for number in numbers]
    ids = {a["id"] for _, a in read(page_of(site, chapter(slug).solutions)).tags if "id" in a}
    name = Path(chapter(slug).solutions).with_suffix(".html").name
    links = [a.get("href", "") for a in page.all("a")]
    targets = [link.partition("#")[2] for link in links if link.startswith(f"solutions/{name}#")]
    assert len(targets) == len(numbers)
    assert set(targets) <= ids


def test_citations_lead_to_their_entries(site):
    entries = {a["id"] for _, a in read(site / "book" / "references.html").tags if "id" in a}
    for path in [*site.glob("notebooks/*.html"), *site.glob("book/*.html")]:
        links = [a.get("href", "") for a in read(path).all("a")]
        keys = {link.partition("references.html#")[2] for link in links} - {""}
        assert keys <= entries | {"references"}, f"{path.name}: {keys - entries}"


def test_after_the_last_chapter_comes_the_end_and_not_the_solutions(site):
    last = site / Path(max(chapter(slug).notebook for slug in found())).with_suffix(".html")
    following = [a["href"] for a in read(last).all("link") if a.get("rel") == "next"]
    assert following == ["../book/end.html"]
    order = [a.get("href", "") for a in read(site / "index.html").all("a")]
    assert order.index("book/references.html") < order.index(
        next(link for link in order if link.startswith("notebooks/solutions/"))
    )


def test_folds_say_what_is_in_them(page):
    for summary in page.all("summary"):
        assert "aria-label" not in summary, "the words that are seen are its name"
    assert "Show code cell source" not in page.text


def test_pages_have_no_runtime_of_widgets_and_no_icons_as_a_script(page):
    scripts = [a.get("src", "") for a in page.all("script")]
    assert not [
        s for s in scripts if "ipywidgets" in s or "fontawesome" in s or "html-manager" in s
    ]
    if not any("math" in a.get("class", "").split() for _, a in page.tags):
        assert not [s for s in scripts if "mathjax" in s.lower()]


def test_every_icon_of_a_page_is_in_the_fonts(site):
    theme = site / "_static" / "styles" / icons.THEME
    known = icons.code_points(theme.read_text(encoding="utf-8"))
    sheet = (site / "_static" / icons.STYLE_SHEET).read_text(encoding="utf-8")
    drawn = set()
    for font in re.findall(r"base64,([^)]+)", sheet):
        drawn |= TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap().keys()
    assert len(drawn) < 60
    for path in [site / "index.html", *site.glob("notebooks/*.html")]:
        for tag in read(path).all("i"):
            names = set(tag.get("class", "").split()) & known.keys()
            assert {known[name] for name in names} <= drawn, tag


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
