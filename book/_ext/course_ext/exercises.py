"""Exercises stand in a frame of their own, each with a link to its solution.

In a notebook an exercise is a paragraph that begins with **Exercise 1**, the cells after it, and
its folded hints. That reads well in JupyterLab as it is; the page draws a frame around it.
"""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)
CHAPTER = re.compile(r"notebooks/(\d\d_\w+)")


def frame_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Put each exercise of a page, from its paragraph to its last cell or fold, into a box."""
    for section in list(doctree.findall(nodes.section)):
        found = [
            (_start(section, i), n) for i, child in enumerate(section) if (n := _number(child))
        ]
        stops = [*(i for i, _ in found), len(section)][1:]
        for (start, number), stop in reversed(list(zip(found, stops, strict=True))):
            end = _end(section, start, stop)
            box = nodes.container(classes=["exercise"], ids=[f"exercise-{number}"])
            box["exercise"] = number
            box.extend(section[start:end])
            section[start:end] = [box]


def link_solutions(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """End each exercise of a chapter with a link to its place in the solutions."""
    chapter = CHAPTER.fullmatch(name)
    if not chapter:
        return
    solutions = f"notebooks/solutions/{chapter[1]}"
    slugs = app.env.metadata.get(solutions, {}).get("myst_slugs", {})
    for box in doctree.findall(nodes.container):
        if not (number := box.get("exercise")):
            continue
        fitting = [slug for slug in slugs if re.match(rf"exercise-{number}(-|$)", slug)]
        if not fitting:
            log.warning("%s has no heading 'Exercise %s'", solutions, number, location=name)
            continue
        place = slugs[fitting[0]][1]
        uri = f"{app.builder.get_relative_uri(name, solutions)}#{place}"
        link = nodes.reference("", f"Solution to exercise {number}", refuri=uri, internal=True)
        box += nodes.paragraph("", "", link, classes=["exercise-solution"])


def _number(node: nodes.Node) -> str | None:
    """The number of the exercise that a paragraph begins, if it begins one."""
    if not isinstance(node, nodes.paragraph):
        return None
    first = next(iter(filled(node)), None)
    match = isinstance(first, nodes.strong) and re.match(r"Exercise (\d+)\b", first.astext())
    return match[1] if match else None


def _start(section: nodes.section, place: int) -> int:
    """Where an exercise starts: at its paragraph, or at the fold that it stands in."""
    before = section[place - 1] if place else None
    unfolded = before is None or not _opens(before) or "</details" in before.astext()
    return place if unfolded else place - 1


def _end(section: nodes.section, start: int, stop: int) -> int:
    """Where an exercise ends: after its last cell, and the folds that follow it."""
    cells = [i for i in range(start, stop) if is_cell(section[i])]
    inner = [i for i in range(start, stop) if isinstance(section[i], nodes.section)]
    end = cells[-1] + 1 if cells else (inner[0] if inner else stop)
    for fold_end in _folds(section, end, stop):
        end = fold_end
    return end


def _folds(section: nodes.section, start: int, stop: int) -> Iterator[int]:
    """The ends of the folds that stand one after the other from here on."""
    while start < stop and _opens(section[start]):
        depth = 0
        for i in range(start, stop):
            text = section[i].astext() if isinstance(section[i], nodes.raw) else ""
            depth += text.count("<details") - text.count("</details")
            if depth == 0:
                break
        start = i + 1
        yield start


def _opens(node: nodes.Node) -> bool:
    return isinstance(node, nodes.raw) and node.astext().lstrip().startswith("<details")


def filled(paragraph: nodes.Element) -> list[nodes.Node]:
    """The children without the empty texts that the parser leaves."""
    return [child for child in paragraph if child.astext()]


def is_cell(node: nodes.Node) -> bool:
    """Whether this is a code cell with its outputs."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"
