"""The form of a chapter: what a reader can rely on in every one of them.

A notebook is opened inside a test, so that one that is missing or broken fails alone.
"""

import ast
import json
import re
from pathlib import Path

import pytest
import torch

import tricks_lib
from tricks_lib.course.chapter import found

ROOT = Path(__file__).parents[2]
CHAPTERS = ROOT / "tricks_lib" / "course" / "chapters"

HEADINGS = [
    "In short",
    "Predict first",
    "The problem",
    "Derivation",
    "In code",
    "See it",
    "Train with it",
    "Evidence",
    "When to use it, and when not",
    "Pitfalls",
    "Summary",
    "Exercises",
    "Questions",
    "Further reading",
]

BUDGETS = {"prose": 1900, "code": 130, "Derivation": 450, "Evidence": 400}
"""What is visible without unfolding, at most: words of prose in all, lines of code, and words under
two of the headings."""

FOLDERS = {"": "notebooks", "-solutions": "notebooks/solutions"}


class Notebook:
    """A notebook, found by its slug and opened."""

    def __init__(self, slug, folder="notebooks"):
        self.slug = slug
        there = sorted((ROOT / folder).glob(f"[0-9][0-9]_{slug}.ipynb"))
        names = [path.name for path in there]
        assert len(there) == 1, f"expected one {folder}/NN_{slug}.ipynb, found {names or 'none'}"
        self.path = there[0]
        self.name = self.path.relative_to(ROOT).as_posix()
        try:
            self.cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError) as error:
            pytest.fail(f"{self.name} is no notebook: {type(error).__name__} {error}")
        self.code = [cell for cell in self.cells if cell["cell_type"] == "code"]
        self.prose = ["".join(c["source"]) for c in self.cells if c["cell_type"] == "markdown"]
        self.text = "\n".join(self.prose)
        self.source = "\n\n".join("".join(cell["source"]) for cell in self.code)

    def cell(self, position):
        """Text and kind of a cell; nothing where there is none."""
        if position >= len(self.cells):
            return "", ""
        return "".join(self.cells[position]["source"]), self.cells[position]["cell_type"]

    def section(self, heading):
        """The prose under a heading of the second level."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "")


@pytest.fixture
def notebook(request):
    """The notebook of a chapter, or of its solutions."""
    return Notebook(*request.param)


chapters = pytest.mark.parametrize(
    "notebook", [(slug,) for slug in found()], ids=found(), indirect=True
)
everywhere = pytest.mark.parametrize(
    "notebook",
    [(slug, folder) for slug in found() for folder in FOLDERS.values()],
    ids=[f"{slug}{ending}" for slug in found() for ending in FOLDERS],
    indirect=True,
)


def test_no_notebook_is_forgotten():
    """Each belongs to a chapter, so that the tests below open it."""
    for path in sorted(ROOT.glob("notebooks/**/*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        name = path.relative_to(ROOT).as_posix()
        slug = re.fullmatch(r"notebooks/(?:solutions/)?\d\d_(\w+)\.ipynb", name)
        assert slug and slug[1] in found(), f"{name} has no folder in tricks_lib/course/chapters"


@chapters
def test_headings_in_order(notebook):
    headings = re.findall(r"^## (.+)$", notebook.text, flags=re.MULTILINE)
    assert headings == HEADINGS, f"{notebook.name} has other headings than every chapter"
    number = notebook.path.stem[:2]
    assert notebook.prose[0].startswith(f"# {number} "), (
        f"{notebook.name} should begin with '# {number} ' and its title"
    )


def unfolded(text):
    """The words of prose that a reader sees without unfolding anything, formulas as one word."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "formula", text, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|^\|[-| :]+\|$|^:::.*$", " ", text, flags=re.M)
    return [word for word in text.split() if re.search(r"\w", word)]


@chapters
def test_a_chapter_keeps_its_budgets(notebook):
    folded = [cell for cell in notebook.code if "hide-input" in cell["metadata"].get("tags", [])]
    removed = [cell for cell in notebook.code if "remove-cell" in cell["metadata"].get("tags", [])]
    seen = ["".join(cell["source"]) for cell in notebook.code if cell not in folded + removed]
    lines = sum(bool(line.strip()) for source in seen for line in source.splitlines())
    counted = {
        "prose": len(unfolded(notebook.text)),
        "code": lines,
        "Derivation": len(unfolded(notebook.section("Derivation"))),
        "Evidence": len(unfolded(notebook.section("Evidence"))),
    }
    over = {name: n for name, n in counted.items() if n > BUDGETS[name]}
    assert not over, f"{notebook.name} is over its budgets of {BUDGETS}: {over}"


@chapters
def test_the_trick_is_said_before_any_symbol(notebook):
    first = notebook.section("In short")
    assert len(unfolded(first)) > 40, f"{notebook.name}: say in short what it does"
    assert "$" not in first, f"{notebook.name} has a formula in its first section:\n{first}"


@chapters
def test_one_result_is_boxed(notebook):
    boxes = len(
        re.findall(r"\\boxed", re.sub(r"<details>.*?</details>", "", notebook.text, flags=re.S))
    )
    assert boxes <= 1, (
        f"{notebook.name} has {boxes} boxed results outside of folds; one is the rule"
    )


@chapters
def test_figures_are_numbered_in_order(notebook):
    numbers = re.findall(r"^\*Figure (\d+)\.", notebook.text, flags=re.MULTILINE)
    assert numbers == [str(n + 1) for n in range(len(numbers))], f"they are numbered {numbers}"
    assert len(numbers) >= len(list(figures(notebook))), f"{notebook.name}: a figure has no number"


@chapters
def test_a_bare_loop_marks_the_lines_of_the_trick(notebook):
    loops = [cell for cell in notebook.code if "# <-" in "".join(cell["source"])]
    assert loops, f"{notebook.name} shows no bare loop with the trick's lines marked '# <-'"
    source = "".join(loops[0]["source"])
    assert ".backward()" in source and "step()" in source, f"this is no training loop:\n{source}"


@chapters
def test_an_exercise_trains_and_compares_seeds(notebook):
    solved = Notebook(notebook.slug, "notebooks/solutions")
    assert re.search(r"\bstudy\(", solved.source), f"no exercise of {notebook.name} asks to train"


@everywhere
def test_outputs_are_stripped(notebook):
    for cell in notebook.code:
        told = f"{notebook.name}: clear all outputs before you commit; there is one of:\n"
        assert cell["outputs"] == [], told + "".join(cell["source"])
        assert cell["execution_count"] is None, told + "".join(cell["source"])


@everywhere
def test_cells_have_ids_and_no_machine_is_named(notebook):
    ids = [cell.get("id") for cell in notebook.cells]
    assert None not in ids, f"{notebook.name} has cells without an id: save it in JupyterLab"
    twice = sorted({name for name in ids if ids.count(name) > 1})
    assert not twice, f"{notebook.name} has several cells with the ids {twice}"
    text = notebook.path.read_text(encoding="utf-8")
    for folder in (str(ROOT), f"{Path.home()}/"):
        assert folder not in text, f"{notebook.name} names a folder of this machine, {folder}"


@everywhere
def test_code_can_be_read(notebook):
    for cell in notebook.code:
        source = "".join(cell["source"])
        try:
            ast.parse(source)
        except SyntaxError as error:
            pytest.fail(f"{notebook.name}, {error}:\n{source}")


DRAWS = re.compile(r"plt\.subplots|plt\.figure|show_images\(|LiveCurves\(")
CAPTION = re.compile(r"\*[^*]+\*")


def figures(notebook):
    """Position and source of each cell that draws, and whether it has sliders."""
    for position, cell in enumerate(notebook.cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and ("explore(" in source or DRAWS.search(source)):
            yield position, source, "explore(" in source


@chapters
def test_every_figure_has_alt_text(notebook):
    for position, source, has_sliders in figures(notebook):
        if has_sliders:
            assert "alt=" in source, f"{notebook.name}: explore(..., alt=...) is missing:\n{source}"
            continue
        alt = notebook.cells[position]["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt) > 30, (
            f"{notebook.name}: say for those who cannot see it what the figure shows, in the "
            f'metadata of the cell, "mystnb": {{"image": {{"alt": ...}}}}:\n{source}'
        )


@chapters
def test_every_figure_has_a_caption(notebook):
    for position, source, _ in figures(notebook):
        following, kind = notebook.cell(position + 1)
        assert kind == "markdown" and CAPTION.match(following), (
            f"{notebook.name}: the cell after a figure should say in *italics* what to look at:\n"
            f"{source}"
        )


@chapters
def test_something_moves(notebook):
    assert any(has_sliders for *_, has_sliders in figures(notebook)), (
        f"{notebook.name} has no figure with sliders: explore(...)"
    )


@everywhere
def test_definitions_are_short_but_for_the_naive_versions(notebook):
    for node in ast.walk(ast.parse(notebook.source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            lines = node.end_lineno - node.lineno + 1
            limit = 22 if node.name.startswith(("naive", "draw")) else 13
            assert lines <= limit, (
                f"{notebook.name}: {node.name} has {lines} lines, and at most {limit} are read"
            )


@everywhere
def test_one_sentence_per_line(notebook):
    for text in notebook.prose:
        text = re.sub(r"\$\$.*?\$\$|```.*?```", "", text, flags=re.S)
        for line in text.splitlines():
            if line.startswith(("|", "#")):
                continue
            line = re.sub(r"^\s*(?:\d+\.|-|\*Figure \d+\.) ", "", line)
            # A full stop, a space and a capital word, but for initials and "et al.".
            several = re.search(r"(?<!al)(?<! [A-Z])[.?!] (?=[A-Z][a-z]+ )", line)
            assert not several, f"{notebook.name} has two sentences on one line: {line}"


@everywhere
def test_nothing_is_downloaded_and_devices_are_not_named(notebook):
    forbidden = re.compile(r"download|https?://|pip install|\.cuda\(|'cuda'|\"cuda\"")
    for cell in notebook.code:
        said = forbidden.search("".join(cell["source"]))
        assert not said, f"{notebook.name} should run without a network, on any machine: {said[0]}"


@chapters
def test_chapter_and_code_lead_to_each_other(notebook):
    files = re.findall(r"`(tricks_lib/[\w/]+\.py)`", notebook.prose[-1])
    assert files, f"the last cell of {notebook.name} should name the file of its trick"
    for file in files:
        assert (ROOT / file).is_file(), f"{notebook.name} leads to {file}, which is not there"
        text = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        assert text.splitlines()[-1] == f"Chapter: {notebook.name}", (
            f"the docstring of {file} should end with 'Chapter: {notebook.name}'"
        )


@chapters
def test_links_to_files_lead_somewhere(notebook):
    headings = {
        heading.lower().replace(" ", "-")
        for heading in re.findall(r"^##+ (.+)$", notebook.text, flags=re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", notebook.text):
        there = (
            target[1:] in headings
            if target.startswith("#")
            else target.startswith("https://")
            or (notebook.path.parent / target.partition("#")[0]).exists()
        )
        assert there, f"{notebook.name} has a link to {target}, which is not there"


@everywhere
def test_names_in_prose_exist(notebook):
    library = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(tricks_lib.__file__).parent.rglob("*.py")
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    config = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    printed = (ROOT / "tricks_lib" / "course" / "article.txt").read_text(encoding="utf-8")
    known = library + notebook.source + makefile + config + printed
    known += "acc AdamW random"  # named as what others use
    known += " ".join(dir(torch.optim.lr_scheduler) + dir(torch.nn))
    words = set(re.findall(r"\w+", known))
    for text in notebook.prose:
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        for span in re.findall(r"`([^`\n]+)`", text):
            for name in re.findall(r"[A-Za-z_]\w*", span):
                assert name in words, f"{notebook.name} names {name} in `{span}`: there is none"


@everywhere
def test_modules_that_are_named_exist(notebook):
    for name in re.findall(r"\btricks_lib(?:\.\w+)+", notebook.text):
        module = ROOT.joinpath(*name.split("."))
        there = [module.with_suffix(".py"), module / "__init__.py"]
        assert any(file.is_file() for file in there), f"{notebook.name} names {name}: there is none"


def told_and_not_imported(source, prose):
    """Public names in the calls that exercises tell of, which neither the notebook's code imports
    at its top level nor the exercise itself."""
    program = ast.parse(re.sub(r"^\s*[!%].*$", "", source, flags=re.M))
    there = {
        alias.asname or alias.name
        for node in program.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    found = set()
    for text in prose:
        if not re.search(r"^\*\*Exercise \d", text, flags=re.M):
            continue
        calls = re.sub(r'"[^"]*"', "", " ".join(re.findall(r"`([^`\n]*\([^`\n]*)`", text)))
        told = set(re.findall(r"(?<![.\w])\w+", calls)) & set(tricks_lib.__all__)
        named = re.findall(r"\bimport ([\w, ]+)`|`(\w+)` and `(\w+)` are imported", text)
        said = set(re.findall(r"\w+", " ".join(" ".join(names) for names in named)))
        found |= told - there - said
    return found


@chapters
def test_what_an_exercise_tells_to_call_is_imported(notebook):
    missing = told_and_not_imported(notebook.source, notebook.prose)
    assert not missing, f"{notebook.name} tells to call {missing}, which nobody imports"


def test_a_call_that_nobody_imports_is_seen():
    hint = "**Exercise 1** (5 minutes, easy).\n`study({}, data)` with `partial(mlp, width=3)`."
    assert told_and_not_imported("x = 1", [hint]) == {"study", "mlp"}
    assert told_and_not_imported("from tricks_lib import mlp, study", [hint]) == set()
    said = hint.replace("`study(", "`from tricks_lib import mlp, study`; then `study(")
    assert told_and_not_imported("x = 1", [said]) == set()
    assert told_and_not_imported("x = 1", [hint.replace("**Exercise", "Exercise")]) == set()


@chapters
def test_exercises_have_minutes_level_check_and_solution(notebook):
    marks = re.findall(
        r"\*\*Exercise (\d)\*\* \((\d+) minutes, (easy|medium|hard)\)", notebook.text
    )
    numbers = [number for number, _, _ in marks]
    assert len(marks) >= 3, (
        f"{notebook.name} should have at least three exercises, each introduced as "
        "'**Exercise 1** (5 minutes, easy).'"
    )
    assert numbers == [str(n + 1) for n in range(len(marks))], f"they are numbered {numbers}"
    checked = re.findall(r"^check\((\d)", notebook.source, flags=re.MULTILINE)
    assert checked == numbers, f"{notebook.name} has the exercises {numbers} and checks {checked}"
    solved = Notebook(notebook.slug, "notebooks/solutions")
    answered = sorted(set(re.findall(r"check\((\d)", solved.source)))
    assert answered == numbers, f"{solved.name} solves {answered} of {numbers}"
    asserted = solved.source.count("assert answer.right")
    assert asserted == len(marks), (
        f"{solved.name} should have 'assert answer.right' for each of {len(marks)} exercises, and "
        f"has it {asserted} times"
    )


@chapters
def test_five_questions_with_folded_answers(notebook):
    section = notebook.section("Questions")
    numbers = re.findall(r"^(\d)\. ", section, flags=re.MULTILINE)
    assert numbers == list("12345"), f"{notebook.name} should have five questions, has {numbers}"
    folded = (
        section.count("<details><summary>Answer</summary>\n\n"),
        section.count("\n\n</details>"),
    )
    assert folded == (5, 5), (
        f"{notebook.name}: each of the five answers stands between '<details><summary>Answer"
        "</summary>' and '</details>', with empty lines around it"
    )


@chapters
def test_every_reference_is_in_a_bibliography(notebook):
    files = [ROOT / "book" / "references.bib", CHAPTERS / notebook.slug / "references.bib"]
    known = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    cited = re.findall(r"\]\((?:\.\./book/)?references\.md#(\w+)\)", notebook.text)
    assert len(cited) >= 3, f"{notebook.name} should cite at least three works, cites {cited}"
    for key in cited:
        assert f"{{{key}," in known, (
            f"{notebook.name} cites {key}, which is neither in book/references.bib nor in the "
            "chapter's references.bib"
        )


@everywhere
def test_hidden_input_is_hidden_in_jupyter_too(notebook):
    for cell in notebook.code:
        hidden = bool({"hide-input", "remove-cell"} & {*cell["metadata"].get("tags", [])})
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert hidden == folded, (
            f'{notebook.name}: "hide-input" or "remove-cell" (for the page) goes together with '
            '"source_hidden" (for JupyterLab):\n' + "".join(cell["source"])
        )
