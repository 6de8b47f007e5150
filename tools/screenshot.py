"""Photograph a chapter in the built site, for README.md: make screenshot (after make book).

python tools/screenshot.py
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "_build" / "html" / "notebooks" / "09_mixup.html"
SECTION = "see-it"
PICTURE = ROOT / "book" / "images" / "chapter.png"
SIZE = {"width": 1280, "height": 900}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def photograph(page: Path, section: str) -> Image.Image:
    """Return what a reader sees on a wide screen who comes to a section of a page.

    Raises:
        FileNotFoundError: if the page was not built, or there is no browser.
    """
    if not page.exists():
        raise FileNotFoundError(f"there is no {page}: run make book first")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError(f"found none of the browsers {BROWSERS}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        view = chromium.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        view.goto(page.as_uri(), wait_until="load")
        view.wait_for_selector(f"#{section} input[type=range]")  # a figure that moves has started
        view.evaluate("section => document.getElementById(section).scrollIntoView()", section)
        view.wait_for_timeout(1000)  # the list of contents follows
        shot = view.screenshot()
        chromium.close()
    return Image.open(BytesIO(shot)).convert("RGB")


def main() -> int:
    """Write the picture, with few colours, so that it is small."""
    few = photograph(PAGE, SECTION).quantize(256, dither=Image.Dither.NONE)
    few.save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
