"""The library's source inside a chapter, so that a page never shows other code than what runs.

Chapter: notebooks/00_baseline.ipynb
"""

import ast
import inspect
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from IPython.display import Markdown

PACKAGE = Path(__file__).parents[1]

__all__ = ["show_source"]


def show_source(*objects: Any, docstrings: bool = True) -> Markdown:
    """Show the source of functions, classes or modules of this package, with file and line.

    Args:
        *objects: what to show, in this order; an instance shows its class.
        docstrings: whether to show the documentation too; without it the code is shorter to read.

    Returns:
        A Markdown fence, which JupyterLab and the page colour in their own theme.

    Raises:
        TypeError: if an object has no source in this package.
    """
    return Markdown("\n\n".join(_fence(thing, docstrings) for thing in objects))


def _fence(thing: Any, docstrings: bool) -> str:
    if not (inspect.isroutine(thing) or inspect.isclass(thing) or isinstance(thing, ModuleType)):
        thing = type(thing)
    thing = inspect.unwrap(thing)  # a decorator such as torch.no_grad has a file of its own
    try:
        path = Path(inspect.getsourcefile(thing) or "").resolve()
        lines, first = inspect.getsourcelines(thing)
        place = path.relative_to(PACKAGE.parent).as_posix()
    except (TypeError, OSError, ValueError):
        raise TypeError(f"expected a function or class of {PACKAGE.name}, got {thing!r}") from None
    code = textwrap.dedent("".join(lines)).rstrip()
    if not docstrings:
        code = _without_docstrings(code)
    where = place if isinstance(thing, ModuleType) else f"{place}, line {first}"
    return f"`{where}`\n\n```python\n{code}\n```"


def _without_docstrings(code: str) -> str:
    """Cut every docstring out, and leave the rest as it was written."""
    lines = code.splitlines()
    cut: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        has_body = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
        if not isinstance(node, has_body) or ast.get_docstring(node) is None:
            continue
        text = node.body[0]
        if len(node.body) > 1:  # else nothing would be left of the body
            end = text.end_lineno or text.lineno
            cut |= set(range(text.lineno - 1, end))
            if lines[end : end + 1] == [""]:
                cut.add(end)
    return "\n".join(line for place, line in enumerate(lines) if place not in cut).strip()
