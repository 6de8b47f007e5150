"""The screenshot in README.md is there, is small, and shows a section that the chapter has."""

import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import screenshot  # noqa: E402


def test_readme_shows_the_screenshot_below_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    name = screenshot.PICTURE.relative_to(ROOT).as_posix()
    assert text.index("<!-- end of chapters -->") < text.index(f"]({name})")


def test_every_picture_of_the_folder_is_shown_and_small():
    pages = [ROOT / "README.md", ROOT / "index.md", *ROOT.glob("book/*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for picture in screenshot.PICTURE.parent.iterdir():
        assert f"images/{picture.name})" in text, f"nobody shows {picture.name}"
        assert picture.stat().st_size <= 200_000, f"{picture.name} is too large"
    with Image.open(screenshot.PICTURE) as picture:
        assert picture.size == tuple(screenshot.SIZE.values())


def test_the_section_is_one_of_the_chapter():
    notebook = ROOT / "notebooks" / f"{screenshot.PAGE.stem}.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    titles = re.findall(r"^## (.+)", "\n".join("".join(c["source"]) for c in cells), flags=re.M)
    assert screenshot.SECTION in [title.lower().replace(" ", "-") for title in titles]


def test_without_a_built_site_it_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="run make book first"):
        screenshot.photograph(tmp_path / "09_mixup.html", "see-it")
