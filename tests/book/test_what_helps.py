"""The page "What helps when", and the sheet: one page of A4, in black and white, on any screen."""

import re

import pytest

from tricks_lib.course import helps
from tricks_lib.course.symptoms import SYMPTOMS, TOGETHER

A4 = (595, 842)
"""Width and height in points."""


@pytest.fixture(scope="module")
def sheet(browser):
    opened = browser.new_page()
    opened.set_content(helps.sheet("book/what-helps.html"))
    yield opened
    opened.close()


def test_the_sheet_prints_on_exactly_one_page_of_a4(sheet):
    printed = sheet.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    box = re.search(rb"/MediaBox\s*\[([^\]]+)\]", printed)[1].split()
    assert [round(float(side)) for side in box[2:]] == list(A4)


def test_the_sheet_fills_its_page_and_has_room_to_grow(sheet):
    """Of 281 mm between the margins it takes most, and leaves what a longer number needs."""
    sheet.emulate_media(media="print")
    sheet.set_viewport_size({"width": round(194 / 25.4 * 96), "height": 1000})
    height = sheet.evaluate("document.body.getBoundingClientRect().height") / 96 * 25.4
    sheet.emulate_media(media="screen")
    assert 200 < height < 278


@pytest.mark.parametrize("width", [390, 1280])
def test_the_sheet_fits_a_screen(sheet, width):
    sheet.set_viewport_size({"width": width, "height": 800})
    assert sheet.evaluate("document.documentElement.scrollWidth") <= width


def test_the_sheet_has_no_colour(sheet):
    colours = set(re.findall(r"#[0-9a-fA-F]{3,6}\b", helps.SHEET_STYLE))
    assert colours
    for colour in colours:
        digits = colour[1:]
        assert len(set(digits)) == 1, f"{colour} is no grey"


@pytest.mark.site
def test_the_built_page_says_what_was_measured(site, visit):
    seen = visit("book/what-helps.html")
    text = " ".join(seen.page.locator("article").inner_text().split())
    for one in (*SYMPTOMS, TOGETHER):
        assert seen.page.locator(f"section#{one.name}").count() == 1
        for quoted in one.measured:
            assert quoted.found().figures in text, quoted
    assert seen.problems == []


@pytest.mark.site
def test_the_table_leads_to_the_sections(site, visit):
    page = visit("book/what-helps.html").page
    links = page.locator(".symptoms td:first-child a").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert links == [f"#{one.name}" for one in SYMPTOMS]


@pytest.mark.site
def test_the_site_has_the_sheet_of_today(site, visit):
    made = (site / "cheat-sheet.html").read_text(encoding="utf-8")
    assert made == helps.sheet("book/what-helps.html")
    seen = visit("book/what-helps.html")
    seen.page.get_by_role("link", name="to print").click()
    seen.page.wait_for_url("**/cheat-sheet.html")
    seen.page.get_by_role("link", name="What helps when").click()
    seen.page.wait_for_url("**/book/what-helps.html")
    assert seen.problems == []
