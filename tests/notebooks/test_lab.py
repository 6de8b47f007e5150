"""What a learner relies on in JupyterLab: folded cells, letters that can be read, a way in."""

import ast
import json
import os
import re
from pathlib import Path

import pytest

from tricks_lib.course.chapter import chapters
from tricks_lib.lab.figures import LETTERS

ROOT = Path(__file__).parents[2]
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
START = ROOT / "start.ipynb"


def notebooks():
    """Every notebook of the course, by its path."""
    found = [START, *ROOT.glob("notebooks/**/*.ipynb"), *ROOT.glob("book/*.ipynb")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if ".ipynb_" not in str(path))


def cells_of(name):
    return json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]


def source_of(cell):
    return "".join(cell["source"])


everywhere = pytest.mark.parametrize("name", notebooks())


@everywhere
def test_what_the_page_folds_or_leaves_out_is_folded_in_jupyter_too(name):
    for cell in cells_of(name):
        if cell["cell_type"] != "code":
            continue
        tags = FOLDED.intersection(cell["metadata"].get("tags", []))
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert bool(tags) == folded, (
            f'{name}: one of the tags {sorted(FOLDED)} (for the page) and "jupyter": '
            f'{{"source_hidden": true}} (for JupyterLab) go together:\n{source_of(cell)}'
        )


SIZES = {"fontsize", "labelsize", "title_fontsize", "titlesize", "size", "font_size"}
SMALL = {"smaller", "small", "x-small", "xx-small"}


def small_letters(source):
    """Lines that ask for smaller letters than the style's, in the code of a cell."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.keyword) or node.arg not in SIZES:
            continue
        value = getattr(node.value, "value", None)
        is_length = node.arg == "size" and not isinstance(value, str)  # of an image, in inches
        if value in SMALL or (isinstance(value, int | float) and not is_length and value < LETTERS):
            yield f"line {node.value.lineno}: {node.arg}={value!r}"


def wide_figures(source):
    """Lines that make a figure wider than a page; `figsize` does not, since the style is asked."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("set_size_inches", "set_figwidth"):
            yield f"line {node.lineno}: {node.attr}"


@everywhere
def test_letters_in_figures_can_be_read_on_a_telephone(name):
    """The style's can, since no figure is wider than a page; a test of the figures measures it."""
    for cell in cells_of(name):
        if cell["cell_type"] == "code":
            source = source_of(cell)
            found = [*small_letters(source), *wide_figures(source)]
            assert not found, (
                f"{name}: leave the size of letters, and the width of figures, to use_style(); on "
                f"a telephone these letters are smaller than 10 pixels: {found}\n{source}"
            )


@pytest.mark.parametrize(
    ("source", "small", "wide"),
    [
        ("ax.legend(fontsize=8)", 1, 0),
        ("ax.legend(fontsize=11)", 0, 0),
        ("ax.set_title('a', fontsize='small')", 1, 0),
        ("ax.tick_params(labelsize=9.5)", 1, 0),
        ("show_images(images, size=1.3)", 0, 0),
        ("ax.text(0, 0, 'a', size='x-small')", 1, 0),
        ("plt.subplots(figsize=(9, 3))", 0, 0),
        ("fig.set_size_inches(9, 3)", 0, 1),
    ],
)
def test_small_letters_and_wide_figures_are_found(source, small, wide):
    assert len(list(small_letters(source))) == small
    assert len(list(wide_figures(source))) == wide


def links_in(text):
    return [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]


def test_the_start_lists_every_chapter_and_its_links_lead_somewhere():
    cells = cells_of("start.ipynb")
    prose = "\n".join(source_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    (code,) = (cell for cell in cells if cell["cell_type"] == "code")
    assert code["outputs"] == [] and code["execution_count"] is None
    body = ast.parse(source_of(code)).body
    names = {}
    exec(compile(ast.Module(body[:-1], []), "start.ipynb", "exec"), names)
    listed = eval(compile(ast.Expression(body[-1].value), "start.ipynb", "eval"), names).data
    expected = [path for entry in chapters() for path in (entry.notebook, entry.solutions)]
    assert links_in(listed) == expected
    for link in links_in(prose) + links_in(listed):
        assert (ROOT / link).is_file(), f"start.ipynb has a link to {link}, which is not there"


def test_make_lab_opens_the_start_with_the_settings_of_the_course():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = re.search(r"^lab:.*\n\t(.+)$", makefile, flags=re.MULTILINE)[1]
    assert target.endswith(f"jupyter lab {os.path.relpath(START, ROOT)}")
    place = ROOT / re.search(r'JUPYTER_CONFIG_PATH="\$\(CURDIR\)/([^"]+)"', target)[1]
    settings = json.loads((place / "labconfig" / "default_setting_overrides.json").read_text())
    shown = settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert shown == {"markdown": "Markdown Preview"}
