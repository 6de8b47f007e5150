"""The course in JupyterLab as `make lab` opens it: headless Chromium, and a server of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

import pytest

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("jupyterlab")]

ROOT = Path(__file__).parents[2]
WAIT = 300_000  # milliseconds; a kernel that imports torch, on a small machine that is busy
SLOW = re.compile(r"Plugin .* (took .*ms|is taking too long) to activate")
"""What JupyterLab itself says on such a machine."""

CHAPTER = "notebooks/00_baseline.ipynb"

SCROLL_TO_LINK = """key => {
    const panels = document.querySelectorAll(".jp-WindowedPanel-outer");
    panels.forEach(panel => panel.scrollTo(0, panel.scrollHeight));
    return document.querySelector(`a[href$='#${key}']`);
}"""
"""Goes to the end of a notebook, whose last cells are not made before."""

LIVE = [
    """
    from time import sleep
    from tricks_lib import Recipe, fit, load_data
    from tricks_lib.lab.figures import LiveCurves, use_style
    from tricks_lib.lab.progress import progress

    use_style()
    data = load_data("fashion-mini").subset(train=300)
    """,
    """
    with progress(30, "waiting", "step") as bar:
        for _ in range(30):
            sleep(0.1)
            bar.update()
    """,
    """
    curves = LiveCurves("loss")
    for lr in (0.1, 0.05):
        fit(Recipe(epochs=2, lr=lr), data, watch=curves.of(f"{lr}"));
    """,
    "print('all done')",
]


def notebook_of(cells):
    """A notebook with these cells, as JSON."""
    sources = ["\n".join(line.removeprefix("    ") for line in c.splitlines()) for c in cells]
    code = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source.strip(),
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a server started by the very command of `make lab`, on a copy of the course.

    The copy, since JupyterLab saves what it opens; the settings of this machine stay out of it.
    """
    course = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "book"):
        shutil.copytree(ROOT / name, course / name)
    for name in ("start.ipynb", "README.md"):
        shutil.copy(ROOT / name, course)
    (course / "live.ipynb").write_text(json.dumps(notebook_of(LIVE)), encoding="utf-8")
    told = subprocess.run(
        ["make", "-n", "--no-print-directory", "lab", f"BIN={Path(sys.executable).parent}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    port = free_port()
    command = f"exec env {told.stdout.splitlines()[-1]} --no-browser --allow-root"
    command += f" --ServerApp.port={port} --IdentityProvider.token=''"
    own = tmp_path_factory.mktemp("jupyter")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = os.environ | {name: str(own / name) for name in places}
    environment |= {"OMP_NUM_THREADS": "1"}
    environment.pop("TQDM_DISABLE", None)
    with (own / "log").open("w") as log:
        server = subprocess.Popen(
            command, shell=True, cwd=course, env=environment, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/status", timeout=10)
                break
            except urllib.error.URLError:
                assert server.poll() is None, (own / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def said():
    """What the browser's console complained of, in all that was opened."""
    return []


@pytest.fixture(scope="module")
def opened(browser, lab, said):
    """Return a function that opens a file in JupyterLab, once for all tests."""

    def note(message):
        if message.type in ("warning", "error") and not SLOW.match(message.text):
            said.append(message.text)

    @cache
    def open_file(path):
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{lab}/lab/workspaces/{Path(path).stem}/tree/{path}", timeout=WAIT)
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=WAIT)
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=WAIT)
        return page

    yield open_file
    for context in browser.contexts:
        context.close()


def follow(page, link, title):
    """Click on a link and wait for the document of that name."""
    page.locator(f".lm-Widget:not(.lm-mod-hidden) a[href*='{link}']").first.click()
    page.wait_for_selector(f".lm-TabBar-tab.lm-mod-current:has-text('{title}')", timeout=WAIT)


def run_all(page, last):
    """Run all cells, and wait for the output of the last one."""
    page.click(".lm-MenuBar-itemLabel:text-is('Run')")
    page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
    page.wait_for_selector(f".jp-OutputArea-output:has-text('{last}')", timeout=WAIT)


def test_what_the_page_folds_is_folded_here(opened):
    cells = json.loads((ROOT / CHAPTER).read_text(encoding="utf-8"))["cells"]
    assert any(cell["metadata"].get("jupyter", {}).get("source_hidden") for cell in cells)
    opened(CHAPTER).wait_for_selector(".jp-CodeCell .jp-Placeholder", state="attached")


def test_names_of_files_can_be_read(opened):
    page = opened(CHAPTER)
    page.wait_for_selector(".jp-DirListing-item:has-text('00_baseline.ipynb')", timeout=WAIT)
    cut_off = page.eval_on_selector_all(
        ".jp-DirListing-itemText",
        "all => all.filter(i => i.scrollWidth > i.clientWidth).map(i => i.innerText)",
    )
    assert cut_off == []


def test_links_of_a_chapter_lead_out_of_its_folder(opened):
    page = opened(CHAPTER)
    follow(page, "book/glossary.md", "glossary.md")
    page.wait_for_selector(".jp-MarkdownViewer h1", timeout=WAIT)


def test_a_citation_of_a_chapter_leads_to_the_entry_of_its_work(opened):
    page = opened(CHAPTER)
    page.click(f".lm-TabBar-tab:has-text('{Path(CHAPTER).name}')")
    key = "wightman2021resnet"  # far down the list
    page.wait_for_function(SCROLL_TO_LINK, arg=key, timeout=WAIT)
    follow(page, f"#{key}", "references.md")
    entry = page.wait_for_selector(
        ".jp-MarkdownViewer li:has-text('Wightman et al. 2021')", timeout=WAIT
    )
    page.wait_for_function(
        "entry => 0 <= entry.getBoundingClientRect().top && "
        "entry.getBoundingClientRect().bottom <= innerHeight",
        arg=entry,
        timeout=WAIT,
    )


def test_from_the_start_every_kind_of_page_can_be_reached(opened):
    page = opened("start.ipynb")
    run_all(page, "solutions")
    follow(page, "book/glossary.md", "glossary.md")
    shown = page.wait_for_selector(".jp-MarkdownViewer h1", timeout=WAIT)
    assert shown.inner_text().startswith("Glossary")  # rendered, not its source
    for link in ("notebooks/solutions/01_warmup.ipynb", "notebooks/01_warmup.ipynb"):
        page.click(".lm-TabBar-tab:has-text('start.ipynb')")
        follow(page, link, "01_warmup.ipynb")


def test_a_page_of_text_opens_rendered(opened):
    page = opened("start.ipynb")
    page.dblclick(".jp-DirListing-item:has-text('README.md')")
    page.wait_for_selector(".jp-MarkdownViewer h1:has-text('Training tricks')", timeout=WAIT)


def test_training_leaves_its_figure_and_nothing_else(opened):
    page = opened("live.ipynb")
    run_all(page, "all done")
    outputs = page.eval_on_selector_all(
        ".jp-OutputArea-output",
        "all => all.map(o => [o.dataset.mimeType, o.getBoundingClientRect().height > 0])",
    )
    assert [kind for kind, seen in outputs if seen] == [
        "image/png",
        "application/vnd.jupyter.stdout",
    ]


def test_the_console_did_not_complain(said):
    assert sorted(set(said)) == []
