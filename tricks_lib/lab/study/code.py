"""Which code an answer came from: a hash of all that a function reaches.

A recipe's text says `sgd`; what `sgd` does may change under that name, and so may the function that
measures. The hash covers the source of a function or class and of everything of the user's own and
of this package that it uses, with defaults, closures and global values. Other packages count by
their version. What cannot change a number is left out: comments, docstrings, annotations, the
messages of errors, and the checks of arguments.

Chapter: notebooks/00_baseline.ipynb
"""

import ast
import functools
import hashlib
import inspect
import pickle
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["code_hash"]

PACKAGE = __name__.partition(".")[0]
WITHOUT_NUMBERS = (f"{PACKAGE}.ops.arguments", f"{PACKAGE}.lab", f"{PACKAGE}.protocols")
"""Modules that stand by their names: checks change no number, and the lab is hashed as the engine,
which is part of every question anyway."""

ELSEWHERE = tuple(
    str(Path(path).resolve()) for path in {*sysconfig.get_paths().values()} if Path(path).exists()
)


def code_hash(*things: Any) -> str:
    """Return 16 hexadecimal digits that change when the code behind the things does.

    Args:
        *things: functions, classes, partials, or values made of them, such as a `Recipe`.

    Raises:
        ValueError: if something that they use cannot be hashed, such as an open file.
    """
    digest = hashlib.sha256()
    seen: dict[int, int] = {}
    keep: list[Any] = []  # an id is good for as long as its object lives
    for thing in things:
        for part in _walk(thing, seen, keep, root=True):
            digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _walk(thing: Any, seen: dict[int, int], keep: list, root: bool = False) -> Iterator[str]:
    """Yield texts that say everything about a thing, each object once."""
    if isinstance(thing, bool | int | float | complex | str | bytes | None.__class__):
        yield repr(thing)
        return
    if id(thing) in seen:
        yield f"as number {seen[id(thing)]}"
        return
    seen[id(thing)] = len(seen)
    keep.append(thing)
    yield type(thing).__qualname__
    if isinstance(thing, ModuleType):
        yield _version(thing.__name__)
    elif isinstance(thing, functools.partial):
        for part in (thing.func, thing.args, thing.keywords):
            yield from _walk(part, seen, keep)
    elif hasattr(thing, "__wrapped__"):  # functools.cache and other decorators
        yield from _walk(inspect.unwrap(thing), seen, keep, root)
    elif isinstance(thing, FunctionType):
        yield from _function(thing, seen, keep, root)
    elif inspect.ismethod(thing):
        yield from _walk(thing.__func__, seen, keep, root)
        yield from _walk(thing.__self__, seen, keep)
    elif isinstance(thing, type):
        yield from _class(thing, seen, keep, root)
    elif hasattr(thing, "__qualname__"):  # built in
        yield f"{thing.__qualname__} of {_version(getattr(thing, '__module__', None) or '')}"
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from _walk(key, seen, keep)
            yield from _walk(value, seen, keep)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from _walk(value, seen, keep)
    elif isinstance(thing, set | frozenset):
        yield repr(sorted(map(repr, thing)))
    else:
        yield from _object(thing, seen, keep)


def _function(function: FunctionType, seen: dict, keep: list, root: bool) -> Iterator[str]:
    yield function.__qualname__
    if not root and not _counts(function.__module__):
        yield _version(function.__module__)
        return
    yield _text(function)
    yield from _walk(function.__defaults__, seen, keep)
    yield from _walk(function.__kwdefaults__, seen, keep)
    for cell in function.__closure__ or ():
        yield from _walk(cell.cell_contents, seen, keep)
    for name in _names(function.__code__):
        if name in function.__globals__:
            value = function.__globals__[name]
            yield name
            yield from _walk(value, seen, keep)
            if isinstance(value, ModuleType) and _counts(value.__name__):
                for part in _names(function.__code__):
                    if hasattr(value, part):
                        yield from _walk(getattr(value, part), seen, keep)


def _class(kind: type, seen: dict, keep: list, root: bool) -> Iterator[str]:
    yield kind.__qualname__
    if not root and not _counts(kind.__module__):
        yield _version(kind.__module__)
        return
    for base in kind.__bases__:
        yield from _walk(base, seen, keep)
    for name, value in vars(kind).items():
        function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        function = getattr(function, "func", function)  # functools.cached_property
        if isinstance(function, FunctionType):
            if function.__code__.co_filename == "<string>" or name == "__repr__":
                continue  # written by dataclass; a text for people
            yield name
            yield from _function(function, seen, keep, root=True)
        elif name == "__dataclass_fields__":
            for field in value.values():
                yield field.name
                yield from _walk(field.default, seen, keep)
        elif not name.startswith("__"):
            yield name
            yield from _walk(value, seen, keep)


def _object(thing: Any, seen: dict, keep: list) -> Iterator[str]:
    """Say all about an object: its class and its state."""
    yield from _walk(type(thing), seen, keep)
    if isinstance(thing, Tensor):
        yield f"{thing.dtype} {tuple(thing.shape)}"
        flat = thing.detach().cpu().flatten().view(torch.uint8)
        yield hashlib.sha256(flat.numpy()).hexdigest()
    elif isinstance(thing, np.ndarray):
        yield f"{thing.dtype} {thing.shape}"
        yield hashlib.sha256(np.ascontiguousarray(thing)).hexdigest()
    elif callable(getattr(thing, "fingerprint", None)):  # data
        yield thing.fingerprint()
    elif is_dataclass(thing):
        for field in fields(thing):
            yield field.name
            yield from _walk(getattr(thing, field.name), seen, keep)
    elif isinstance(thing, nn.Module) or (hasattr(thing, "__dict__") and _counts(_home(thing))):
        yield from _walk(vars(thing), seen, keep)
    else:
        try:
            yield hashlib.sha256(pickle.dumps(thing)).hexdigest()
        except Exception as error:
            raise ValueError(
                f"{thing!r} cannot be told from another by its text, and a study whose functions "
                "use it could not say what it measured: make it inside the function"
            ) from error


def _home(thing: Any) -> str:
    return type(thing).__module__


def _counts(module: str | None) -> bool:
    """Tell whether a module's code is hashed: this package's and the user's own."""
    if module is None or any(
        module == left or module.startswith(f"{left}.") for left in WITHOUT_NUMBERS
    ):
        return False
    if module == "__main__" or module.partition(".")[0] == PACKAGE:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not str(Path(file).resolve()).startswith(ELSEWHERE)


def _version(module: str) -> str:
    top = module.partition(".")[0]
    return f"{module} {getattr(sys.modules.get(top), '__version__', '')}"


def _names(code: CodeType) -> list[str]:
    """Return the global names and attributes that a function uses, inner functions included."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return list(dict.fromkeys(names))


def _text(function: FunctionType) -> str:
    """Return the source of a function, without what cannot change a number."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # a lambda within a line, or typed at a prompt
        return _bytes(function.__code__)
    if not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return _bytes(function.__code__)
    return ast.unparse(_Bare().visit(tree))


def _bytes(code: CodeType) -> str:
    inner = [_bytes(part) if isinstance(part, CodeType) else repr(part) for part in code.co_consts]
    return f"{code.co_code.hex()} {inner} {code.co_names}"


class _Bare(ast.NodeTransformer):
    """Takes docstrings, annotations and the messages of errors out of a tree."""

    def _without_docstring(self, node: Any) -> Any:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if hasattr(node, "returns"):
            node.returns = None
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _without_docstring

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.copy_location(ast.Raise(raised, None), node)
