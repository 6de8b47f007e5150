"""The built site as a reader meets it: headless Chromium, with every other host out of reach.

Each page is loaded once for all that is looked at; the last test says that nothing went wrong
meanwhile.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.site

WAIT = 60_000  # milliseconds
FRAMES = ".explorer img"
PICTURES = (".png", ".svg", ".jpg", ".webp")
MOVES = """
window.moved = 0;
new PerformanceObserver(list => {
  list.getEntries().forEach(entry => { window.moved += entry.value; });
}).observe({type: "layout-shift", buffered: true});
"""
ALSO = ("region", "empty-table-header")
IS_CHAPTER = re.compile(r"notebooks/\d\d_\w+\.html")


@pytest.fixture(scope="module")
def visited(visit, page_name):
    found = visit(page_name)
    wait_for_all(found.page)
    yield found
    found.context.close()


def wait_for_all(page):
    """Wait until a page's formulas are there, if it has any."""
    if page.query_selector(".math"):
        page.wait_for_selector("mjx-container", timeout=WAIT)
    page.wait_for_timeout(500)


def visible_frames(page):
    """Which of the frames can be seen now; two may look alike, as squares of no size do."""
    return page.eval_on_selector_all(
        FRAMES,
        "all => all.map((image, n) => [image, n]).filter(([i]) => i.offsetParent).map(f => f[1])",
    )


def controls(page, selector):
    """Those elements that can be seen: others lie in something folded."""
    return [element for element in page.query_selector_all(selector) if element.is_visible()]


def violations(page, **options):
    """Return what axe finds serious, and some of the rest that a page of ours once had."""
    # Without preload: axe would fetch imported styles by addresses that only it makes up.
    found = Axe().run(page, options={"preload": False, **options}).response["violations"]
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in ("serious", "critical") or violation["id"] in ALSO
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
    sliders = controls(page, ".explorer input")
    toggles = controls(page, ".explorer [role=group]")
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
            assert button.get_attribute("aria-pressed") == "true"
            assert len(toggle.query_selector_all("[aria-pressed=true]")) == 1
        assert changed(*seen) == 1, "one row of buttons moves one figure"


def changed(before, after):
    """How many of the visible frames differ."""
    assert len(before) == len(after)
    return sum(a != b for a, b in zip(before, after, strict=True))


def test_play_moves_the_picture(visited):
    page = visited.page
    for play in controls(page, ".explorer-play"):
        slider = play.evaluate_handle("button => button.parentNode.querySelector('input')")
        slider.focus()
        page.keyboard.press("Home")
        assert play.inner_text().endswith("Play")
        before = visible_frames(page)
        play.click()
        assert play.inner_text().endswith("Pause")
        page.wait_for_function("slider => slider.value === slider.max", arg=slider, timeout=WAIT)
        assert visible_frames(page) != before
        assert play.inner_text().endswith("Play"), "at the end nothing is left to pause"


def test_first_control_is_a_few_stops_away(visited):
    """The Tab key passes over permalinks, and over formulas that need no scrolling."""
    page = visited.page
    stops = page.evaluate(
        """() => [...document.querySelectorAll(".bd-article *")]
            .filter(e => e.matches("mjx-container, mjx-container *, .headerlink"))
            .filter(e => e.tabIndex >= 0 && e.scrollWidth <= e.clientWidth)
            .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert stops == []


def test_skip_link_leads_past_the_sidebar(visited):
    page = visited.page
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    target = page.get_attribute(".skip-link a", "href")
    assert page.query_selector(f"{target} h1"), "the link leads to what is read"


def test_what_has_the_focus_is_seen(visited):
    page = visited.page
    for control in controls(page, ".explorer input, .explorer button, .bd-article summary")[:6]:
        control.focus()
        page.keyboard.press("Shift")  # focus by the keyboard, as the browser sees it
        width = control.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")
        assert width >= 2


def test_narrow_screen_has_no_sideways_scrolling(visited):
    page = visited.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(1000)
    fits = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
    )
    wide_code = page.eval_on_selector_all(
        ".highlight pre",
        """all => all.filter(p => p.scrollWidth > p.clientWidth + 1)
                     .filter(p => !["auto", "scroll"].includes(getComputedStyle(p).overflowX))
                     .length""",
    )
    cramped = page.eval_on_selector_all(
        "table.stacks tbody td", "all => all.filter(c => c.scrollWidth > c.clientWidth + 1).length"
    )
    cut_off = page.eval_on_selector_all(
        ".cell_output .highlight-myst-ansi pre",
        "all => all.filter(p => p.scrollWidth > p.clientWidth + 1).map(p => p.innerText)",
    )
    page.set_viewport_size({"width": 1280, "height": 800})
    assert fits
    assert cut_off == [], "what was printed wraps"
    assert wide_code == 0, "long lines scroll in their own frame"
    assert cramped == 0, "a wide table is stacked"


def test_lines_of_eighty_characters_are_seen_whole(visited):
    room = visited.page.eval_on_selector_all(
        ".cell_input .highlight pre",
        """all => all.filter(pre => pre.offsetParent).map(pre => {
            const probe = document.createElement("span");
            probe.textContent = "x".repeat(80);
            pre.append(probe);
            const style = getComputedStyle(pre);
            const room = pre.clientWidth - parseFloat(style.paddingLeft) - probe.offsetWidth;
            probe.remove();
            return room;
        })""",
    )
    assert all(left >= 0 for left in room), room


def test_printed_page_is_the_text_alone_and_cuts_no_code(visited):
    page = visited.page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    shown = page.eval_on_selector_all(
        ".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .prev-next-footer",
        "all => all.filter(e => e.offsetParent !== null).map(e => e.className)",
    )
    cut = page.eval_on_selector_all(
        ".bd-article pre", "all => all.filter(p => p.scrollWidth > p.clientWidth + 1).length"
    )
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert shown == []
    assert cut == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_page_does_not_move_while_it_loads(browser, address, page_name, width):
    context = browser.new_context(viewport={"width": width, "height": 844})
    context.add_init_script(MOVES)
    page = context.new_page()
    page.goto(f"{address}/{page_name}", wait_until="load", timeout=WAIT)
    wait_for_all(page)
    moved = page.evaluate("window.moved")
    context.close()
    assert moved < 0.1  # what the web calls good


def test_page_weighs_little(browser, address, page_name):
    """Without its pictures a page is at most as heavy as the theme and the mathematics."""
    context = browser.new_context()
    page = context.new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{address}/{page_name}", wait_until="load", timeout=WAIT)
    wait_for_all(page)
    sizes = {a.url: len(a.body()) for a in answers if not a.url.endswith(PICTURES)}
    pictures = page.evaluate(
        """[...document.images].filter(i => i.src.startsWith("data:"))
            .reduce((sum, i) => sum + i.src.length, 0)"""
    )
    context.close()
    assert sum(sizes.values()) - pictures < (
        2_200_000 if page_has_mathematics(sizes) else 1_000_000
    )


def page_has_mathematics(sizes):
    return any("mathjax" in url for url in sizes)


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


def test_search_leads_to_sections_and_shows_no_tex(visit):
    found = visit("search.html?q=curvature")
    found.page.wait_for_selector(".search-sections a", timeout=WAIT)
    found.page.wait_for_timeout(1000)
    links = found.page.eval_on_selector_all(".search-sections a", "all => all.map(a => a.href)")
    assert all(re.search(r"\.html#[\w-]+$", link) for link in links), links
    assert any("01_warmup.html#" in link for link in links)
    text = found.page.inner_text("#search-results")
    assert not re.search(r"\\(\(|\[|frac|lambda|eta|tfrac|text|mathrm)", text), "TeX in an excerpt"
    assert found.problems == []
