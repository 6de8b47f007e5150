import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[2] / "_build" / "html"
WAIT = 60_000
"""Milliseconds; two pages at a time on a small machine are slow."""


def pages():
    """Every page of the course, as a path in the site; the first one always, built or not."""
    found = [*SITE.glob("book/*.html"), *SITE.glob("notebooks/**/*.html")]
    return ["index.html", *sorted(path.relative_to(SITE).as_posix() for path in found)]


def pytest_generate_tests(metafunc):
    """Run a test for every page; all tests of a page on one worker, which loads it once."""
    if "page_name" in metafunc.fixturenames:
        groups = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in pages()]
        metafunc.parametrize("page_name", groups, scope="module")


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").exists():
        pytest.fail("there is no built site: run make book first")
    return SITE


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served, on this machine alone."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"found none of {names}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


class Visit:
    """A page in the browser, with the network blocked; it notes whatever goes wrong."""

    def __init__(self, browser, start, path):
        self.problems = []
        self.context = browser.new_context(
            color_scheme="light", viewport={"width": 1280, "height": 800}
        )
        self.page = self.context.new_page()
        self._start = start
        self.page.route("**/*", self._route)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("requestfailed", lambda r: self.problems.append(f"failed: {r.url}"))
        self.page.on("console", self._said)
        self.page.on("response", self._answered)
        self.page.goto(f"{start}/{path}", wait_until="load", timeout=WAIT)

    def _route(self, handler):
        if handler.request.url.startswith((self._start, "data:", "blob:", "file:")):
            handler.continue_()
        else:
            self.problems.append(f"asked for {handler.request.url}")
            handler.abort()

    def _said(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _answered(self, response):
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="session")
def visit(browser, address):
    """Return a function that opens a page of the site, or of the site as a folder."""
    opened = []

    def open_page(path, base=None):
        opened.append(Visit(browser, base or address, path))
        return opened[-1]

    yield open_page
    for visited in opened:
        visited.context.close()
