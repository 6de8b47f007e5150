"""What the strict build of the book would find only after minutes: works, words, contents."""

import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file
from pybtex.exceptions import PybtexError

from course_ext import sources
from tricks_lib.course.standing import colour, garments

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import cite

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [p for p in ROOT.glob("notebooks/**/*.ipynb") if ".ipynb_checkpoints" not in p.parts]
PAGES = [ROOT / "index.md", *ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb")]
PAGES += sources.glossaries()
KEY = re.compile(r"^\s*@\w+\s*\{\s*([^,\s}]+)", flags=re.M)


def shown(path):
    """A path as one would say it; files in a test's own folder keep their names."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def prose(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = (c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")
    return "\n".join("".join(cell["source"]) for cell in cells)


def cited(text):
    """Keys in links to the references."""
    return set(re.findall(r"\]\([^()\s]*\breferences\.md#([^()\s]+)\)", text))


def problem_with(path):
    """What is wrong with the form of a bibliography, in a sentence; nothing if it parses."""
    try:
        parse_file(path, bib_format="bibtex")
    except PybtexError as error:
        return (
            f"{shown(path)} cannot be read: {error}. "
            "Look at the end of the line before: most often a comma or a brace is missing there."
        )
    return None


def doubled(paths):
    """Keys that stand more than once, with the files."""
    places = {}
    for path in paths:
        for key in KEY.findall(path.read_text(encoding="utf-8")):
            places.setdefault(key.lower(), []).append(shown(path))
    return {key: files for key, files in places.items() if len(files) > 1}


# --- The bibliography ---


@pytest.mark.parametrize("path", cite.bibliographies(), ids=shown)
def test_bibliography_can_be_read(path):
    problem = problem_with(path)
    assert problem is None, problem


def test_every_work_stands_in_one_bibliography_only():
    for key, files in doubled(cite.bibliographies()).items():
        pytest.fail(f"the key {key} stands in {' and in '.join(files)}: keep one of them")


def test_every_work_that_is_cited_is_in_a_bibliography_and_the_other_way_round():
    known = {k for path in cite.bibliographies() for k in KEY.findall(path.read_text("utf-8"))}
    places = {}
    for path in [*NOTEBOOKS, *PAGES]:
        for key in cited(prose(path)):
            places.setdefault(key, shown(path))
    for key in sorted(places.keys() - known):
        pytest.fail(f"{places[key]} cites {key}, which no bibliography has")
    idle = sorted(known - places.keys())
    assert not idle, f"no page cites these works; take them out of their bibliography: {idle}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@article{a,\n title = {T}\n year = {2020}\n}", "line 3"),
        ("@article{a,\n title = {T,\n year = {2020}\n}", ""),
    ],
)
def test_a_mistake_in_a_bibliography_gets_a_sentence(tmp_path, text, line):
    path = tmp_path / "references.bib"
    path.write_text(text)
    problem = problem_with(path)
    assert "references.bib cannot be read" in problem
    assert line in problem


def test_a_doubled_key_is_found_over_files_and_in_one(tmp_path):
    paths = [tmp_path / "a.bib", tmp_path / "b.bib"]
    paths[0].write_text("@book{one2020,\n title = {T}}\n@book{two2020,\n title = {T}}")
    paths[1].write_text("@book{ two2020,\n title = {T}}\n@book{Two2020,\n title = {T}}")
    assert doubled(paths) == {"two2020": ["a.bib", "b.bib", "b.bib"]}


def test_links_cite():
    text = "A [B 2020](../book/references.md#b2020), [C](references.md#c) and [f](g.md#h)"
    assert cited(text) == {"b2020", "c"}


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=shown)
def test_pages_cite_by_links_which_jupyterlab_shows_too(path):
    roles = re.findall(r"\{cite[^}]*\}`[^`]+`", prose(path))
    assert not roles, f"python tools/cite.py {shown(path)} makes links of {roles}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- Kingma and Ba (2015), section 2: Adam {cite}`kingma2015adam`.\n",
            "- [Kingma and Ba (2015)](../book/references.md#kingma2015adam), section 2: Adam.\n",
        ),
        (
            "It was seen {cite}`kingma2015adam,zhang2018mixup`.",
            "It was seen ([Kingma and Ba 2015](../book/references.md#kingma2015adam), "
            "[Zhang et al. 2018](../book/references.md#zhang2018mixup)).",
        ),
        (
            "digits ({cite}`jordan2024airbench`)",
            "digits ([Jordan 2024](../book/references.md#jordan2024airbench))",
        ),
        ("no citation `{x}`", "no citation `{x}`"),
    ],
)
def test_a_role_becomes_a_link_with_author_and_year(before, after):
    assert cite.linked(before, ROOT / "notebooks") == after


def test_tool_rewrites_a_notebook_in_its_form_and_nothing_else(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["A\n", "{cite}`kingma2015adam`."]},
        {"cell_type": "code", "source": ["'{cite}`kingma2015adam`'"]},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}, indent=1) + "\n", encoding="utf-8")
    assert cite.main([str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    prose, code = json.loads(text)["cells"]
    assert code == cells[1]
    assert prose["source"][1].endswith("#kingma2015adam).")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def test_tool_names_a_work_that_is_not_known(capsys):
    assert cite.main(["nobody1900nothing"]) == 1
    assert "nobody1900nothing" in capsys.readouterr().err


# --- The glossary ---


def entries():
    book = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    own = book.partition("{glossary}")[2].partition("\n```")[0].replace(":sorted:", "")
    yield "book/glossary.md", own
    for path in sources.glossaries():
        yield shown(path), path.read_text(encoding="utf-8")


def test_every_word_is_explained_once():
    places = {}
    for name, text in entries():
        for term in sources.terms(text):
            places.setdefault(term.lower(), []).append(name)
    for term, files in places.items():
        assert len(files) == 1, f"{term!r} is explained in {' and in '.join(files)}: keep one"


def test_glossaries_have_the_form_of_entries():
    for name, text in entries():
        assert "```" not in text, f"{name} holds the entries alone, without a fence"
        for entry in re.split(r"\n\s*\n", text.strip("\n")):
            told = entry.splitlines()
            words = list(sources.terms(entry))
            assert words and told[: len(words)] == words, f"{name}: no term before {told[0]!r}"
            assert len(told) > len(words), f"{name}: {words[0]!r} is not explained"


@pytest.mark.parametrize(
    ("ours", "papers_say"),
    [
        ("Over-confident", "Under-confident"),
        ("Point", "Percentage point"),
        ("Running average", "Exponential moving average"),
        ("Target row", "Target distribution"),
        ("Step", "Iteration"),
        ("Snapshot", "Checkpoint"),
        ("Mixture", "mixed-sample data augmentation"),
        ("Limit", "final learning rate"),
    ],
)
def test_words_of_the_course_stand_beside_those_of_papers(ours, papers_say):
    text = "\n\n".join(text for _, text in entries())
    assert ours in list(sources.terms(text))
    assert papers_say in text


def test_the_glossary_says_of_the_standing_settings_what_they_are():
    text = dict(entries())["book/glossary.md"]
    for setting, frame in (("Garments", garments.FRAME), ("Colour", colour.FRAME)):
        (entry,) = re.findall(rf"^{setting}\n((?:  .+\n)+)", text, flags=re.M)
        assert re.findall(r"(\d+) epochs", entry) == [str(frame.epochs)]


def test_words_of_the_chapters_come_into_the_glossary(monkeypatch, tmp_path):
    path = tmp_path / "glossary.md"
    path.write_text("Grid\n  A set of squares.\n")
    monkeypatch.setattr(sources, "glossaries", lambda: [path])
    page = "# Glossary\n\n```{glossary}\n:sorted:\n\nArm\n  One recipe.\n```\n\nThe end.\n"
    merged = sources.with_chapters(page)
    assert merged == page.replace("One recipe.\n", "One recipe.\n\nGrid\n  A set of squares.\n")
    with pytest.raises(ValueError, match="glossary"):
        sources.with_chapters("# Glossary")


# --- The table of contents ---


def entries_of_toc(node, key):
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for value in node.values():
            yield from entries_of_toc(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from entries_of_toc(value, key)


TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def test_chapters_are_found_and_not_listed():
    files = list(entries_of_toc(TOC, "file"))
    listed = [file for file in files if file.startswith("notebooks/")]
    assert not listed, f"_toc.yml finds the chapters by a pattern; take these out: {listed}"
    for file in files:
        page = ROOT / file
        exists = any(page.with_suffix(suffix).is_file() for suffix in (".md", ".ipynb"))
        assert exists, f"_toc.yml names {file}: no such page"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.relative_to(ROOT / "notebooks").stem)
def test_every_notebook_has_a_page(path):
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    patterns = entries_of_toc(TOC, "glob")
    fitting = [p for p in patterns if fnmatch(name, p) and p.count("/") == name.count("/")]
    assert len(fitting) == 1, f"{name} fits no pattern of _toc.yml: is it called NN_slug.ipynb?"
