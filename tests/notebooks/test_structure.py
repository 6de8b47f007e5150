"""The form of a chapter: what a reader can rely on in every one of them."""

import ast
import json
import re
from pathlib import Path

import pytest
import torch

import tricks_lib
from tricks_lib.studies import CHAPTERS

ROOT = Path(__file__).parents[2]
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]
HEADINGS = [
    "Card",
    "Predict first",
    "The problem",
    "Derivation",
    "From formula to code",
    "See it",
    "Train with it",
    "Evidence",
    "When not to use it",
    "Pitfalls",
    "Exercises",
    "Questions",
    "Further reading",
]


class Notebook:
    def __init__(self, path):
        self.path = ROOT / path
        self.cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        self.code = [cell for cell in self.cells if cell["cell_type"] == "code"]
        self.prose = ["".join(c["source"]) for c in self.cells if c["cell_type"] == "markdown"]
        self.source = "\n\n".join("".join(cell["source"]) for cell in self.code)


def notebooks():
    chapters = [chapter.notebook for chapter in WRITTEN]
    return chapters + [path.replace("notebooks/", "notebooks/solutions/") for path in chapters]


chapters = pytest.mark.parametrize(
    "notebook", [Notebook(chapter.notebook) for chapter in WRITTEN], ids=lambda n: n.path.stem
)
everywhere = pytest.mark.parametrize(
    "notebook",
    [Notebook(path) for path in notebooks()],
    ids=lambda n: n.path.relative_to(ROOT / "notebooks").as_posix(),
)


def test_no_notebook_is_forgotten():
    there = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/**/*.ipynb")}
    assert {path for path in there if ".ipynb_checkpoints" not in path} == set(notebooks())


@chapters
def test_headings_in_order(notebook):
    found = re.findall(r"^## (.+)$", "\n".join(notebook.prose), flags=re.M)
    assert found == HEADINGS
    assert notebook.prose[0].startswith(f"# {notebook.path.stem[:2]} ")


@everywhere
def test_outputs_are_stripped(notebook):
    for cell in notebook.code:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@everywhere
def test_cells_have_ids_and_no_machine_is_named(notebook):
    ids = [cell["id"] for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    text = notebook.path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text


DRAWS = re.compile(r"plt\.subplots|plt\.figure|show_images\(|LiveCurves\(")


@chapters
def test_static_figures_have_alt_text_and_a_caption(notebook):
    for position, cell in enumerate(notebook.cells):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or not DRAWS.search(source) or "explore(" in source:
            continue  # an interactive figure says itself what each frame shows
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt) > 30, source
        assert position + 1 < len(notebook.cells)


@chapters
def test_every_interactive_figure_has_alt_text_and_something_to_look_at(notebook):
    figures = [n for n, c in enumerate(notebook.cells) if "explore(" in "".join(c["source"])]
    figures = [n for n in figures if notebook.cells[n]["cell_type"] == "code"]
    assert figures
    for position in figures:
        assert "alt=" in "".join(notebook.cells[position]["source"])
        following = "".join(notebook.cells[position + 1]["source"])
        assert re.match(r"\*[^*]+\*", following), f"no caption after cell {position}"


@everywhere
def test_definitions_are_short_but_for_the_naive_versions(notebook):
    for node in ast.walk(ast.parse(notebook.source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            lines = node.end_lineno - node.lineno + 1
            limit = 20 if node.name.startswith(("naive", "draw")) else 11
            assert lines <= limit, f"{node.name} has {lines} lines"


@everywhere
def test_one_sentence_per_line(notebook):
    for text in notebook.prose:
        text = re.sub(r"\$\$.*?\$\$|```.*?```", "", text, flags=re.S)
        for line in text.splitlines():
            if line.startswith(("|", "#")):
                continue
            line = re.sub(r"^\s*(?:\d+\.|-) ", "", line)
            # A full stop, a space and a capital word, but for initials and "et al.".
            assert not re.search(r"(?<!al)(?<! [A-Z])[.?!] (?=[A-Z][a-z]+ )", line), line


@everywhere
def test_nothing_is_downloaded_and_devices_are_not_named(notebook):
    forbidden = r"download|https?://|pip install|\.cuda\(|'cuda'|\"cuda\""
    for cell in notebook.code:
        assert not re.search(forbidden, "".join(cell["source"]))


@chapters
def test_chapter_and_code_lead_to_each_other(notebook):
    path = notebook.path.relative_to(ROOT).as_posix()
    files = re.findall(r"`(tricks_lib/[\w/]+\.py)`", notebook.prose[-1])
    assert files
    for file in files:
        first = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        assert first.splitlines()[-1] == f"Chapter: {path}", file


@chapters
def test_links_to_files_lead_somewhere(notebook):
    headings = {
        heading.lower().replace(" ", "-")
        for heading in re.findall(r"^##+ (.+)$", "\n".join(notebook.prose), flags=re.M)
    }
    for text in notebook.prose:
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("#"):
                assert target[1:] in headings, target
            elif not target.startswith("https://"):
                assert (notebook.path.parent / target).exists(), target


@everywhere
def test_names_in_prose_exist(notebook):
    library = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(tricks_lib.__file__).parent.rglob("*.py")
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    config = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    printed = "".join(path.read_text() for path in ROOT.glob("tricks_lib/studies/article/*.txt"))
    known = library + notebook.source + makefile + config + printed
    known += "acc AdamW random"  # named as what others use
    known += " ".join(dir(torch.optim.lr_scheduler) + dir(torch.nn))
    for text in notebook.prose:
        text = re.sub(r"```.*?```|\{cite\}`[^`]*`", "", text, flags=re.S)
        for span in re.findall(r"`([^`\n]+)`", text):
            for name in re.findall(r"[A-Za-z_]\w*", span):
                assert re.search(rf"\b{name}\b", known), f"{name} in `{span}`"


@chapters
def test_exercises_have_minutes_level_check_and_solution(notebook):
    text = "\n".join(notebook.prose)
    marks = re.findall(r"\*\*Exercise (\d)\*\* \((\d+) minutes, (easy|medium|hard)\)", text)
    numbers = [number for number, _, _ in marks]
    assert len(marks) >= 3
    assert numbers == [str(n + 1) for n in range(len(marks))]
    assert re.findall(r"^check\((\d)", notebook.source, flags=re.M) == numbers
    solved = Notebook(notebook.path.relative_to(ROOT).parent / "solutions" / notebook.path.name)
    assert sorted(set(re.findall(r"check\((\d)", solved.source))) == numbers
    assert solved.source.count("assert answer.right") == len(marks)


@chapters
def test_five_questions_with_folded_answers(notebook):
    text = "\n".join(notebook.prose)
    section = text[text.index("## Questions") : text.index("## Further reading")]
    assert re.findall(r"^(\d)\. ", section, flags=re.M) == list("12345")
    assert section.count("<details><summary>Answer</summary>\n\n") == 5
    assert section.count("\n\n</details>") == 5


@chapters
def test_every_reference_is_in_the_bibliography(notebook):
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    cited = re.findall(r"\{cite\}`(\w+)`", "\n".join(notebook.prose))
    assert len(cited) >= 3
    for key in cited:
        assert f"{{{key}," in bibliography


@everywhere
def test_hidden_input_is_hidden_in_jupyter_too(notebook):
    for cell in notebook.code:
        hidden = "hide-input" in cell["metadata"].get("tags", [])
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert hidden == folded
