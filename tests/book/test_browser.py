"""The built site as a reader meets it: headless Chromium, with every other host out of reach."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site

CHAPTERS = ["notebooks/00_baseline.html", "notebooks/01_warmup.html"]
VISIBLE = ".jupyter-widgets img[src^='data:image/webp']"


def visible_pictures(page):
    """Sources of the frames that can be seen now."""
    return page.eval_on_selector_all(
        VISIBLE, "all => all.filter(i => i.offsetParent !== null).map(i => i.src)"
    )


def test_page_loads_in_silence_and_shows_its_mathematics(visit, page_name):
    page = visit(page_name)
    if page.query_selector(".math"):
        page.wait_for_selector("mjx-container", timeout=30_000)
        assert page.query_selector("mjx-merror") is None
        left = page.eval_on_selector_all(
            ".math", "all => all.filter(m => !m.querySelector('mjx-container')).length"
        )
        assert left == 0
    page.wait_for_timeout(500)


@pytest.mark.parametrize("path", CHAPTERS)
def test_slider_moves_the_picture_without_a_kernel(visit, path):
    page = visit(path)
    page.wait_for_selector(VISIBLE, state="attached", timeout=30_000)
    page.wait_for_timeout(500)
    sliders = page.query_selector_all(".noUi-handle")
    assert sliders
    for slider in sliders:
        before = visible_pictures(page)
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        after = visible_pictures(page)
        assert len(after) == len(before)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("path", CHAPTERS)
def test_play_moves_the_picture(visit, path):
    page = visit(path)
    page.wait_for_selector(".widget-play button", timeout=30_000)
    page.wait_for_timeout(500)
    before = visible_pictures(page)
    page.query_selector(".widget-play button").click()
    page.wait_for_timeout(1500)
    assert visible_pictures(page) != before


def test_buttons_move_the_picture(visit):
    page = visit("notebooks/00_baseline.html")
    page.wait_for_selector(".widget-toggle-buttons button", timeout=30_000)
    page.wait_for_timeout(500)
    before = visible_pictures(page)
    page.query_selector_all(".widget-toggle-buttons button")[1].click()
    page.wait_for_timeout(300)
    assert visible_pictures(page) != before


def wait_for_all(page):
    """Wait until a page's figures and formulas are there, if it has any."""
    if page.query_selector("script[type='application/vnd.jupyter.widget-view+json']"):
        page.wait_for_selector(VISIBLE, state="attached", timeout=30_000)
    if page.query_selector(".math"):
        page.wait_for_selector("mjx-container", timeout=30_000)
    page.wait_for_timeout(500)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_violation(visit, page_name, scheme):
    page = visit(page_name, scheme)
    wait_for_all(page)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    # Without preload: axe would fetch imported styles by addresses that only it makes up.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_search_finds_a_chapter(visit):
    page = visit("search.html?q=warmup")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("01_warmup" in link for link in found)


def test_page_works_from_a_folder(visit, site, page_name):
    wait_for_all(visit(page_name, base=f"file://{site}"))


def test_narrow_screen_has_no_sideways_scrolling(visit):
    for path in ("index.html", *CHAPTERS):
        page = visit(path)
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(1000)
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
        ), path
