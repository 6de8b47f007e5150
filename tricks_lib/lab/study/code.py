"""Which code an answer came from: a hash of all that a function reaches.

A recipe's text says `sgd`; what `sgd` does may change under that name, and so may the function that
measures. The hash covers the source of a function or class and of everything of the user's own and
of this package that it uses, with defaults, closures and global values. Other packages count by
their version. What cannot change a number is left out: comments, docstrings, annotations, the
messages of errors, and the checks of arguments.

Chapter: notebooks/00_baseline.ipynb
"""

import ast
import dis
import functools
import hashlib
import importlib
import inspect
import linecache
import pickle
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["code_hash"]

PACKAGE = __name__.partition(".")[0]
WITHOUT_NUMBERS = tuple(f"{PACKAGE}.{part}" for part in ("ops.arguments", "protocols", "recipe"))
"""Modules that stand by their names: they check, and hold what is hashed by itself."""

LAB = f"{PACKAGE}.lab"
MEASURES = tuple(f"{LAB}.{part}" for part in ("ensemble", "landscape", "metrics"))
"""What of the lab is hashed where it is used; the rest is hashed as the engine, which is part of
every question anyway, or shows in the fingerprint of the data."""

ELSEWHERE = tuple(
    str(Path(path).resolve()) for path in {*sysconfig.get_paths().values()} if Path(path).exists()
)


def code_hash(*things: Any) -> str:
    """Return 16 hexadecimal digits that change when the code behind the things does.

    Equal values have equal hashes: it does not matter whether they are one object or two.

    Args:
        *things: functions, classes, partials, or values made of them, such as a `Recipe`.

    Raises:
        ValueError: if something that they use cannot be hashed, such as an open file.
    """
    walk = _Walk()
    return _digest(walk.hash(thing, root=True) for thing in things)[:16]


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


class _Walk:
    """One way through all that some things reach.

    Attributes:
        known: by id, the hash of what was walked to its end.
        inside: ids of what is being walked; meeting one again closes a circle.
        alive: all that was met, since an id is good for as long as its object lives.
    """

    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self.inside: set[int] = set()
        self.alive: list[Any] = []

    def hash(self, thing: Any, root: bool = False) -> str:
        """Return a text that says everything about a thing.

        Args:
            thing: anything.
            root: whether its code counts wherever it comes from.
        """
        if isinstance(thing, np.generic):
            thing = thing.item()  # equal to Python's
        if isinstance(thing, bool | int | float | complex | str | bytes | None.__class__):
            return repr(thing)
        key = id(thing)
        if key in self.known:
            return self.known[key]
        if key in self.inside:
            return f"within {getattr(thing, '__qualname__', type(thing).__qualname__)}"
        self.alive.append(thing)
        self.inside.add(key)
        self.known[key] = _digest([type(thing).__qualname__, *self._parts(thing, root)])
        self.inside.remove(key)
        return self.known[key]

    def _parts(self, thing: Any, root: bool) -> Iterator[str]:
        if isinstance(thing, ModuleType):
            yield _version(thing.__name__)
        elif isinstance(thing, functools.partial):
            yield from map(self.hash, (thing.func, thing.args, thing.keywords))
        elif isinstance(thing, FunctionType):
            yield from self._function(thing, root)
        elif inspect.ismethod(thing):
            yield self.hash(thing.__func__, root)
            yield self.hash(thing.__self__)
        elif isinstance(thing, type):
            yield from self._class(thing, root)
        elif hasattr(thing, "__wrapped__"):  # functools.cache
            yield self.hash(thing.__wrapped__, root)
        elif hasattr(thing, "__qualname__"):  # built in
            yield f"{thing.__qualname__} of {_version(getattr(thing, '__module__', None) or '')}"
        elif isinstance(thing, dict):
            for key, value in thing.items():
                yield self.hash(key)
                yield self.hash(value)
        elif isinstance(thing, list | tuple):
            yield from map(self.hash, thing)
        elif isinstance(thing, set | frozenset):
            yield from sorted(map(self.hash, thing))
        else:
            yield from self._object(thing)

    def _function(self, function: FunctionType, root: bool) -> Iterator[str]:
        yield function.__qualname__
        if hasattr(function, "__wrapped__"):
            yield self.hash(function.__wrapped__, root)
            # What a decorator made bears the name of the function; its own home is told by its
            # global names.
            root, home = False, function.__globals__.get("__name__", "")
        else:
            home = function.__module__
        if not root and not _counts(home):
            yield _version(home or "")
            return
        yield _text(function)
        yield self.hash(function.__defaults__)
        yield self.hash(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            if cell != CellType():  # an empty one is filled later
                yield self.hash(cell.cell_contents)
        names = _names(function.__code__)
        for name in names:
            if name in function.__globals__:
                yield name
                yield from self._named(function.__globals__[name], names)
        package = function.__globals__.get("__package__") or ""
        for module, picked in _imports(function.__code__, package):
            yield module.__name__
            yield from self._named(module, [*picked, *names])

    def _named(self, value: Any, names: Sequence[str]) -> Iterator[str]:
        """Say all about what a global name means; of a module, about what is taken from it."""
        yield self.hash(value)
        if not (isinstance(value, ModuleType) and _counts(value.__name__)):
            return
        for name in names:
            part = getattr(value, name, None)
            if isinstance(part, ModuleType) and part.__name__.startswith(f"{value.__name__}."):
                yield from self._named(part, names)
            elif part is not None:
                yield self.hash(part)

    def _class(self, kind: type, root: bool) -> Iterator[str]:
        yield kind.__qualname__
        if not root and not _counts(kind.__module__):
            yield _version(kind.__module__)
            return
        yield from map(self.hash, kind.__bases__)
        for name, value in vars(kind).items():
            function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
            function = getattr(function, "func", function)  # functools.cached_property
            if getattr(function, "hooked", False):
                # torch wraps `step` when the first optimizer of a class is built.
                function = function.__wrapped__
            if isinstance(function, FunctionType):
                if function.__code__.co_filename == "<string>" or name == "__repr__":
                    continue  # written by dataclass; a text for people
                yield name
                yield self.hash(function, root=True)
            elif name == "__dataclass_fields__":
                for field in value.values():
                    yield field.name
                    yield self.hash(field.default)
            elif not name.startswith(("__", "_abc_")):
                yield name
                yield self.hash(value)

    def _object(self, thing: Any) -> Iterator[str]:
        """Say all about an object: its class and its state."""
        yield self.hash(type(thing))
        if isinstance(thing, Tensor):
            yield f"{thing.dtype} {tuple(thing.shape)}"
            flat = thing.detach().cpu().contiguous().flatten().view(torch.uint8)
            yield hashlib.sha256(flat.numpy().tobytes()).hexdigest()
        elif isinstance(thing, np.ndarray):
            yield f"{thing.dtype} {thing.shape}"
            yield hashlib.sha256(thing.tobytes()).hexdigest()
        elif callable(getattr(thing, "fingerprint", None)):  # data
            yield thing.fingerprint()
            yield from map(self.hash, (getattr(thing, "mean", None), getattr(thing, "std", None)))
        elif is_dataclass(thing):
            for field in fields(thing):
                yield field.name
                yield self.hash(getattr(thing, field.name))
            more = _state(thing, besides={field.name for field in fields(thing)})
            if more and _counts(_home(thing)):
                yield self.hash(more)
        elif isinstance(thing, nn.Module) or (hasattr(thing, "__dict__") and _counts(_home(thing))):
            yield self.hash(_state(thing))
        else:
            try:
                yield hashlib.sha256(pickle.dumps(thing)).hexdigest()
            except Exception as error:
                raise ValueError(
                    f"{thing!r} cannot be told from another by its text, and a study whose "
                    "functions use it could not say what it measured: make it inside the function"
                ) from error


def _home(thing: Any) -> str:
    return type(thing).__module__


def _state(thing: Any, besides: Iterable[str] = ()) -> dict[str, Any]:
    """Return what an object holds, without what it remembers of its own computations."""
    remembered = {
        name
        for kind in type(thing).__mro__
        for name, value in vars(kind).items()
        if isinstance(value, functools.cached_property)
    }
    held: dict[str, Any] = getattr(thing, "__dict__", {})
    return {name: held[name] for name in held if name not in {*besides, *remembered}}


def _counts(module: str | None) -> bool:
    """Tell whether a module's code is hashed: this package's and the user's own."""
    if module is None or _within(module, WITHOUT_NUMBERS):
        return False
    if _within(module, (LAB,)):
        return _within(module, MEASURES)
    if module == "__main__" or _within(module, (PACKAGE,)):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not _installed(file)


@functools.lru_cache(maxsize=4096)
def _installed(file: str) -> bool:
    """Tell whether a file belongs to Python or to an installed package."""
    path = Path(file).resolve()
    # Also what is installed for another environment that this one sees: the user's, the system's.
    elsewhere = {"site-packages", "dist-packages"} & set(path.parts)
    return bool(elsewhere) or str(path).startswith(ELSEWHERE)


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _version(module: str) -> str:
    top = module.partition(".")[0]
    if top == PACKAGE:
        return module  # a release changes no number by itself
    return f"{module} {getattr(sys.modules.get(top), '__version__', '')}"


@functools.lru_cache(maxsize=4096)
def _names(code: CodeType) -> list[str]:
    """Return the global names and attributes that a function uses, inner functions included."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return list(dict.fromkeys(names))


def _imports(code: CodeType, package: str) -> Iterator[tuple[ModuleType, Sequence[str]]]:
    """Yield the modules that a function imports when it runs, and what it takes from each."""
    for name, picked in _imported_names(code):
        try:
            yield importlib.import_module(name, package), picked
        except ImportError:
            continue  # it may be there for some and not for others


@functools.lru_cache(maxsize=4096)
def _imported_names(code: CodeType) -> list[tuple[str, Sequence[str]]]:
    """Return the names of these modules, with their leading dots, and what is taken from each."""
    found: list[tuple[str, Sequence[str]]] = []
    steps = list(dis.get_instructions(code))
    for place, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":  # below it on the stack: how many dots, which names
            level, picked = (earlier.argval for earlier in steps[place - 2 : place])
            found.append(("." * level + step.argval, picked or ()))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _imported_names(constant)
    return found


def _text(function: FunctionType) -> str:
    """Return the source of a function, without what cannot change a number.

    Its bytes instead, where the source is not at hand, or is no longer what runs: a file that was
    edited since it was imported.
    """
    code = function.__code__  # of a decorated function, getsource(function) would go further down
    linecache.checkcache(code.co_filename)
    source = "".join(linecache.getlines(code.co_filename))
    try:
        return _texts_of(source, code.co_filename)[code] or _bytes(code)
    except (KeyError, SyntaxError):  # edited since it was imported, or typed at a prompt
        return _bytes(code)


class _Texts(dict[CodeType, str]):
    """By the code of each function in a source, its text; "" where it has none of its own. A text
    is made when it is first asked for."""

    def __init__(self, codes: Iterable[CodeType]):
        self.codes = frozenset(codes)

    def __missing__(self, code: CodeType) -> str:
        if code not in self.codes:
            raise KeyError(code)
        self[code] = text = _bare_source(code)
        return text


@functools.lru_cache(maxsize=256)
def _texts_of(source: str, name: str) -> _Texts:
    """Compile a source, and return the texts of its functions.

    Raises:
        SyntaxError: if it is none, or no longer.
    """

    def inner(code: CodeType) -> Iterator[CodeType]:
        yield code
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from inner(constant)

    return _Texts(inner(compile(source, name, "exec", dont_inherit=True)))


def _bare_source(code: CodeType) -> str:
    """Return the source of a function without what cannot change a number; "" if it is a part of a
    line, as a lambda is."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return ""
    if not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    return ast.unparse(_Bare().visit(tree))


def _bytes(code: CodeType) -> str:
    def told(constant: Any) -> str:
        if isinstance(constant, CodeType):
            return _bytes(constant)
        return repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)

    inner = [told(constant) for constant in code.co_consts]
    named = code.co_names, code.co_varnames, code.co_argcount, code.co_kwonlyargcount
    return f"{code.co_code.hex()} {code.co_exceptiontable.hex()} {inner} {named} {code.co_flags}"


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

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.copy_location(ast.Raise(raised, None), node)
