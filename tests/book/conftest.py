import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[2] / "_build" / "html"


def pages():
    """Every page of the course, as a path in the site."""
    found = [SITE / "index.html", *SITE.glob("book/*.html"), *SITE.glob("notebooks/**/*.html")]
    return sorted(path.relative_to(SITE).as_posix() for path in found if path.exists())


def pytest_generate_tests(metafunc):
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", pages())


@pytest.fixture(scope="session", autouse=True)
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


@pytest.fixture
def visit(browser, address, request):
    """Open a page with the network blocked; whatever it asks elsewhere or fails in, is an error."""
    contexts, problems = [], []

    def open_page(path, scheme="light", base=None):
        context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 800})
        contexts.append(context)
        page = context.new_page()
        start = base or address

        def route(handler):
            if handler.request.url.startswith((start, "data:", "blob:", "file:")):
                handler.continue_()
            else:
                problems.append(f"asked for {handler.request.url}")
                handler.abort()

        page.route("**/*", route)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: message.type == "error" and problems.append(f"console: {message.text}"),
        )
        page.on("requestfailed", lambda failed: problems.append(f"failed: {failed.url}"))
        page.on(
            "response",
            lambda r: r.status >= 400 and problems.append(f"{r.status}: {r.url}"),
        )
        page.goto(f"{start}/{path}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
