"""The built site as a reader meets it: headless Chromium, with every other host out of reach.

Each page is loaded once for all that is looked at; the last test says that nothing went wrong
meanwhile.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site

WAIT = 60_000  # milliseconds
FRAMES = ".jupyter-widgets img[src^='data:image/webp']"
IS_CHAPTER = re.compile(r"notebooks/\d\d_\w+\.html")


@pytest.fixture(scope="module")
def visited(visit, page_name):
    found = visit(page_name)
    wait_for_all(found.page)
    yield found
    found.context.close()


def wait_for_all(page):
    """Wait until a page's figures and formulas are there, if it has any."""
    if page.query_selector("script[type='application/vnd.jupyter.widget-view+json']"):
        page.wait_for_selector(FRAMES, state="attached", timeout=WAIT)
    if page.query_selector(".math"):
        page.wait_for_selector("mjx-container", timeout=WAIT)
    page.wait_for_timeout(500)


def visible_frames(page):
    """Sources of the frames that can be seen now."""
    return page.eval_on_selector_all(
        FRAMES, "all => all.filter(i => i.offsetParent !== null).map(i => i.src)"
    )


def controls(page, selector):
    """Those elements that can be seen: others lie in something folded."""
    return [element for element in page.query_selector_all(selector) if element.is_visible()]


def violations(page, **options):
    """Return what axe finds serious."""
    # Without preload: axe would fetch imported styles by addresses that only it makes up.
    found = Axe().run(page, options={"preload": False, **options}).response["violations"]
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


def test_mathematics_is_rendered(visited):
    page = visited.page
    assert page.query_selector("mjx-merror") is None
    left = page.eval_on_selector_all(
        ".math", "all => all.filter(m => !m.querySelector('mjx-container')).length"
    )
    assert left == 0


def test_no_serious_accessibility_violation(visited):
    assert visited.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert violations(visited.page) == []


def wait_for_colours(page):
    """Wait until no colour is on its way: between light and dark none has contrast."""
    moving = "document.getAnimations().some(animation => animation instanceof CSSTransition)"
    page.evaluate("new Promise(drawn => requestAnimationFrame(drawn))")  # they begin with a frame
    page.wait_for_function(f"!{moving}", timeout=WAIT)


def test_dark_mode_has_contrast(visited):
    page = visited.page
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'", timeout=WAIT)
    wait_for_colours(page)
    found = violations(page, runOnly=["color-contrast"])
    page.emulate_media(color_scheme="light")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'", timeout=WAIT)
    assert found == []


def test_figures_move_without_a_kernel(visited, page_name):
    page = visited.page
    sliders = controls(page, ".jupyter-widgets .noUi-handle")
    toggles = controls(page, ".jupyter-widgets.widget-toggle-buttons")
    if IS_CHAPTER.fullmatch(page_name):
        assert sliders or toggles, "a chapter has a figure that moves"
    for slider in sliders:
        seen = []
        for key in ("End", "Home"):
            slider.focus()
            page.keyboard.press(key)
            page.wait_for_timeout(200)
            seen.append(visible_frames(page))
        assert changed(*seen) == 1, "one slider moves one figure"
    for toggle in toggles:
        seen = []
        for button in toggle.query_selector_all("button")[:2]:
            button.click()
            page.wait_for_timeout(200)
            seen.append(visible_frames(page))
        assert changed(*seen) == 1, "one row of buttons moves one figure"


def changed(before, after):
    """How many of the visible frames differ."""
    assert len(before) == len(after)
    return sum(a != b for a, b in zip(before, after, strict=True))


def test_play_moves_the_picture(visited):
    page = visited.page
    for play in controls(page, ".jupyter-widgets.widget-play"):
        before = visible_frames(page)
        play.query_selector("button").click()
        for _ in range(20):  # a busy machine is slow to draw
            page.wait_for_timeout(500)
            if visible_frames(page) != before:
                break
        else:
            pytest.fail("no picture moved in ten seconds")
        play.query_selector("button").click()  # pauses


def test_narrow_screen_has_no_sideways_scrolling(visited):
    page = visited.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(1000)
    fits = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
    )
    page.set_viewport_size({"width": 1280, "height": 800})
    assert fits


def test_page_was_silent_through_all_of_this(visited):
    assert visited.problems == []


# --- Other ways in ---


def test_page_works_from_a_folder(visit, site, page_name):
    found = visit(page_name, base=f"file://{site}")
    wait_for_all(found.page)
    found.context.close()
    assert found.problems == []


def test_search_finds_a_chapter(visit):
    found = visit("search.html?q=warmup")
    found.page.wait_for_selector("#search-results li a", timeout=WAIT)
    links = found.page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("01_warmup" in link for link in links)
    assert found.problems == []
