"""The page about the article: what it says of the article's code holds when that code is run.

All cells are executed once, in this process. Each test then compares a claim of the prose with what
the cells printed or made, so that neither can change alone.
"""

import contextlib
import io
import json
import random
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import adabound
import numpy as np
import pytest
import torch

import tricks_lib
from course_ext import sources
from tricks_lib import AdaBound
from tricks_lib.course.article import SECTION, printed, show_printed

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
PAGE = BOOK / "article.ipynb"
SLUGS = ["warmup", "decay", "label_smoothing", "cutout", "random_erasing", "ricap"]
CELLS = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
PROSE = {c["id"]: "".join(c["source"]) for c in CELLS if c["cell_type"] == "markdown"}
CODE = {c["id"]: "".join(c["source"]) for c in CELLS if c["cell_type"] == "code"}
TEXT = "\n\n".join(PROSE.values())


@pytest.fixture(scope="module")
def page():
    """What each cell printed, and the names that they made."""
    state = random.getstate(), np.random.get_state()
    names, told = {}, {}
    with torch.random.fork_rng(), warnings.catch_warnings():
        for name, source in CODE.items():
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile(source, name, "exec"), names)
            told[name.removeprefix("article-")] = said.getvalue()
    random.setstate(state[0])
    np.random.set_state(state[1])
    return SimpleNamespace(names=names, told=told)


def section(heading):
    """The prose under a heading of the second level."""
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


# --- The article's code, kept as text ---


def test_the_file_holds_the_programs_and_nothing_else():
    text = (ROOT / "tricks_lib" / "course" / "article.txt").read_text(encoding="utf-8")
    assert [slug for slug, _ in SECTION.findall(text)] == SLUGS
    rebuilt = "\n".join(f"## {slug}\n```\n{printed(slug)}```\n" for slug in SLUGS)
    assert text == rebuilt


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"expected one of warmup, decay, .* got 'mixup'"):
        printed("mixup")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_program_is_shown_under_a_fold_and_run(slug):
    shown = show_printed(slug).data
    assert shown.startswith("<details><summary>") and shown.endswith("</details>")
    assert f"```python\n{printed(slug)}```" in shown
    assert f'show_printed("{slug}")' in CODE.values()
    runs = [name for name, source in CODE.items() if f'= printed("{slug}")' in source]
    runs += [name for name, source in CODE.items() if f'exec(printed("{slug}")' in source]
    assert runs, f"no cell runs the program on {slug}"


# --- What the cells found is what the text says ---

FOUND = {
    # The methods stand outside of the class.
    "warmup-error": r"TypeError: .*unexpected keyword argument 'multiplier'",
    # It overshoots one step after the warmup, is not at 0 at the end, and its report stands still.
    "warmup-rates": (
        r" 5  0\.80  0\.80  0\.80\n +6  0\.77  0\.83  0\.83\n.* 13  0\.00  0\.03  0\.83\n\Z"
    ),
    "warmup-small": (
        r"1\. NotImplementedError\n2\. ValueError: .*greater than 1\.\n"
        r"3\. .* 8\n4\. .* CosineAnnealingLR\n"
    ),
    "warmup-right": r"as asked: True \| reported: True",
    # The noise falls by the root of 16: the argument is one for the square-root rule.
    "scaling-noise": r"divided by 4\.0\n.* 0\.4\n.* 1\.6",
    "decay-words": r"0\.0001\n.*-0\.0800 -0\.1700",
    "decay-drops": r"\[29, 59, 89\]\n.*before `optimizer\.step\(\)`",
    "decay-right": r"\[30, 60, 90\]\n.*True",
    "adabound-limit": r"lr=0\.1: [1-9].*\n.*lr=0\.01: 0\.0000",
    "smoothing-targets": r"0\.910.*0\.0100\n.*0\.900.*0\.0111",
    "smoothing-errors": (
        r"printed: SyntaxError in line 6.*\n.*joined: IndentationError.*\n.*left: none"
    ),
    "smoothing-forward": (
        r"Szegedy's: True\n.*He's: +False\n.*missing the required \"forward\".*\n.*float32"
    ),
    "smoothing-right": "True",
    "distillation-right": "True",
    "cutout-run": (
        r"19 %, nominally 25 %\n.*length 1: 0 %\n.*float32\n.*RuntimeError\n.*False\n.*nan"
    ),
    "cutout-right": r"float16 .* True",
    "erasing-damage": r"10 % .*\n.* 5\d % .*\n.* 8\d %",
    "erasing-small": r"1\. .* 75 %\n2\. .* 1\n3\. .* 0\.59, not 0\.49",
    "erasing-right": r"True\n.* 48 %\n.* 48 %",
    "mixup-run": r"ValueError.*\n.* 90 %\n.* 75 %",
    "mixup-form": "True",
    # The type of the second error depends on whether torch was built with CUDA, and on a GPU.
    "ricap-errors": (
        r"NameError: name 'target' .*\n.*: (RuntimeError|AssertionError)\n.*\(8, 3, 32, 48\)"
    ),
    "ricap-layout": r": 32 48\ntop right: crop 2\nbottom left: crop 1\n.* 75 %",
    "ricap-right": "True",
}
"""A pattern for what a cell prints, where the prose beside it says what came of it."""


@pytest.mark.parametrize("cell", FOUND)
def test_what_a_cell_finds_is_what_the_text_says(page, cell):
    assert re.search(FOUND[cell], page.told[cell], flags=re.DOTALL), page.told[cell]


def test_every_cell_that_prints_is_compared(page):
    silent = {cell for cell, told in page.told.items() if not told}
    assert silent == {"setup", *(name for name in page.told if name.endswith("-printed"))}
    assert {*page.told} - silent - {*FOUND} == {"distillation-factor"}


def test_the_factor_keeps_the_weight_of_the_soft_term(page):
    rows = re.findall(r"gradient +([\d.]+), times T² ([\d.]+)", page.told["distillation-factor"])
    alone, weighed = zip(*[map(float, row) for row in rows], strict=True)
    assert alone[0] > 10 * alone[1] > 100 * alone[2]
    assert max(weighed) < 1.5 * min(weighed)


def test_three_of_the_six_programs_stop():
    assert "of the six programs that this page runs, three stop with an error" in TEXT
    rows = re.findall(r"^\| \[(.+?)\]\(#[\w-]+\) \| (.+?) \|", section("At a glance"), re.M)
    broken = [trick for trick, code in rows if "stops with an error" in code or "not comp" in code]
    assert broken == ["Warmup", "Label smoothing", "RICAP"]
    running = [trick for trick, code in rows if code.startswith("runs;")]
    assert running == ["Step and cosine decay", "Cutout", "Random Erasing"]


def test_the_programs_that_run_are_run_as_printed(page):
    for slug in ("cutout", "random_erasing"):
        compile(printed(slug), slug, "exec")
        assert any(f'exec(printed("{slug}"), names)' in source for source in CODE.values())
    assert issubclass(page.names["Indented"], torch.optim.lr_scheduler.LRScheduler)
    assert "get_lr" not in vars(page.names["AsPrinted"])
    assert "get_lr" in vars(page.names["Indented"])


def test_slips_that_stand_in_the_programs():
    assert "boundry" in printed("ricap")
    assert "min aspect rati\n" in printed("random_erasing")
    assert "def forward" not in printed("label_smoothing")
    assert not re.search(r"zero_grad|backward|step\(", printed("ricap"))


def test_the_line_on_adabound_works_with_the_authors_package():
    line = "adabound.AdaBound(model.parameters(), lr=1e-3, final_lr=0.1)"
    assert line in section("AdaBound")
    model = torch.nn.Linear(2, 1)
    before = model.weight.detach().clone()
    optimizer = eval(line)
    with pytest.warns(UserWarning, match="deprecated"):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert not torch.equal(before, model.weight)


@pytest.mark.parametrize("package", [adabound.AdaBound, AdaBound])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_the_package_lacks_and_the_course_has(package):
    def moves(weight, optimizer):
        weight.grad, before = torch.ones(1), weight.item()
        optimizer.step()
        return weight.item() != before

    first, later = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = package([first], lr=1e-3, final_lr=0.1)
    optimizer.add_param_group({"params": [later]})
    assert moves(later, optimizer) is (package is AdaBound)

    optimizer = package([first], lr=0.0, final_lr=0.1)
    if package is AdaBound:
        assert not moves(first, optimizer)
    else:
        with pytest.raises(ZeroDivisionError):
            moves(first, optimizer)


# --- Numbers, names and links of the prose ---


def test_results_in_the_prose_have_a_source():
    paragraphs = [text for text in re.split(r"\n\s*\n", TEXT) if re.search(r"\d\.\d+( ±| %)", text)]
    assert len(paragraphs) >= 7
    for text in paragraphs:
        cited = "references.md#" in text or text.startswith("**It says,**")
        assert cited, f"a result without a source:\n{text}"


def test_names_in_the_prose_exist():
    library = [p.read_text("utf-8") for p in Path(tricks_lib.__file__).parent.rglob("*.py")]
    known = "\n".join([*library, *map(printed, SLUGS), *CODE.values()])
    known += " AdaBoud caifar10 acc mixup_alpha MixUp adabound e12"
    words = set(re.findall(r"\w+", known))
    for name, text in PROSE.items():
        spans = [s for s in re.findall(r"`([^`\n]+)`", text) if "/" not in s.split(" ")[0]]
        for word in re.findall(r"[A-Za-z_]\w*", " ".join(spans)):
            assert word in words or word == "329033a", f"{name} names {word}: there is none"


def works():
    page = (BOOK / "references.md").read_text(encoding="utf-8")
    return set(re.findall(r'<a id="([^"]+)">', page))


def test_links_lead_somewhere():
    headings = {
        re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
        for heading in re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    }
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(targets) > 30
    for target in targets:
        path, _, anchor = target.partition("#")
        if not path:
            assert anchor in headings, f"there is no section {target}"
        elif not path.startswith("https://"):
            assert (BOOK / path).is_file(), f"there is no {target}"
        if path == "references.md":
            assert anchor in works(), f"the references have no {anchor}"


def test_sections_follow_the_course_and_link_the_chapters_that_there_are():
    told = re.findall(r"(\[)?chapter (\d\d)(?:\]\((.+?)\)|, to come)", TEXT)
    numbers = [number for _, number, _ in told]
    tricks, last = numbers[:-1], numbers[-1]
    assert tricks == sorted(tricks) and len({*tricks}) == 11 and last == "00"
    for _, number, target in told:
        there = sorted((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        assert target == (f"../notebooks/{there[0].name}" if there else ""), (
            f"chapter {number} {'is there: link it' if there else 'is still to come'}"
        )
    rows = re.findall(r"^\| \[(.+?)\]\(#", section("At a glance"), flags=re.MULTILINE)
    headings = re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    assert rows == headings[2 : 2 + len(rows)]


def test_the_chinese_terms_are_those_of_the_glossary():
    glossary = sources.with_chapters((BOOK / "glossary.md").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section("The words in Chinese"), flags=re.M)
    header, *pairs = rows
    assert header == ("English", "中文") and len(pairs) == 20
    for english, chinese in pairs:
        for term in chinese.split("，"):
            assert term in glossary, f"the glossary does not have {term} for {english}"


# --- Its form, which is that of the chapters ---


def test_the_page_is_stripped_and_its_code_is_not_cut_off():
    ids = [cell["id"] for cell in CELLS]
    assert len({*ids}) == len(ids) and all(name.startswith("article-") for name in ids)
    for cell in CELLS:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, cell["id"]
    for name, source in CODE.items():
        assert max(map(len, source.splitlines())) <= 80, name
    assert not re.search(r"\b(?i:shall|twin|by heart)\b", TEXT)
