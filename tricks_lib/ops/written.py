"""Values as text that rebuilds them: what a record keeps of a recipe.

A text stands for a value only if it brings back all of it. So the text is evaluated, and what
comes out is compared with the value, state and configuration included; a value that does not come
back is refused, with the way out.
"""

import builtins
import enum
import functools
import inspect
import math
import numbers
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["same", "written"]

PACKAGE = __name__.partition(".")[0]
PLAIN = (bool, int, str, bytes, type(None))


def written(value: Any) -> str:
    """Return the expression that rebuilds a value.

    A function or class goes by its name, a partial and a dataclass by their parts, anything else by
    its `repr`. The names of this package and of the running script stand alone, others behind their
    module.

    Raises:
        ValueError: if no text rebuilds the value: a lambda, a function made inside another, a
            network with trained weights, an object whose `repr` leaves out what it is set to.
    """
    names: dict[str, Any] = {}
    text = _expression(value, names)
    try:
        with torch.random.fork_rng(devices=[]):  # a network draws weights as it is built
            rebuilt = eval(text, {"__builtins__": builtins}, names)
    except Exception as error:
        raise ValueError(f"{_short(text)} cannot be written down: {error}. {WAY_OUT}") from error
    try:
        whole = same(rebuilt, value)
    except (RecursionError, ValueError, RuntimeError):  # compared in a way of its own
        whole = False
    if not whole:
        raise ValueError(
            f"{_short(text)} cannot be written down: evaluated, this text gives something else "
            f"than what it stands for. {WAY_OUT}"
        )
    return text


WAY_OUT = (
    "Give functions a name at the top of a module, settings as `functools.partial(function, "
    "name=value)` or a frozen dataclass, and make what has to be trained inside `train`."
)


def same(one: Any, other: Any) -> bool:
    """Compare two values by all that they hold: type, settings, tensors; functions by identity."""
    if one is other:
        return True
    if isinstance(one, enum.Enum) or isinstance(other, enum.Enum):
        return False
    if _is_number(one) and _is_number(other):  # of numpy or of Python
        return bool(one == other) or bool(one != one and other != other)  # NaN is itself
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, PLAIN):
        return one == other
    if isinstance(one, functools.partial):
        parts = ((p.func, p.args, p.keywords) for p in (one, other))
        return all(map(same, *parts))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if inspect.ismethod(one):
        return one.__func__ is other.__func__ and same(one.__self__, other.__self__)
    if hasattr(one, "__qualname__"):  # functions, classes
        return False
    if hasattr(one, "__dict__") or _slots(one):
        return same(_state(one), _state(other))
    return bool(one == other)


def _state(value: Any) -> dict[str, Any]:
    """Return all that an object holds, by name."""
    held = {name: getattr(value, name) for name in _slots(value) if hasattr(value, name)}
    return held | getattr(value, "__dict__", {})


def _slots(value: Any) -> list[str]:
    every = (getattr(kind, "__slots__", ()) for kind in type(value).__mro__)
    names = [name for some in every for name in ((some,) if isinstance(some, str) else some)]
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _expression(value: Any, names: dict[str, Any]) -> str:
    """Return the text, and put what its names mean into `names`."""
    if isinstance(value, enum.Enum):
        return f"{_name(type(value), names)}.{value.name}"
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, numbers.Integral):  # numpy's
        return repr(int(value))
    if isinstance(value, numbers.Real):
        value = float(value)
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if isinstance(value, functools.partial):
        names["partial"] = functools.partial
        parts = [value.func, *value.args]
        texts = [_expression(part, names) for part in parts]
        texts += [f"{name}={_expression(part, names)}" for name, part in value.keywords.items()]
        return f"partial({', '.join(texts)})"
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        inside = ", ".join(_expression(part, names) for part in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if type(value) is dict:
        pairs = (f"{_expression(k, names)}: {_expression(v, names)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if hasattr(value, "__qualname__"):
        owner = getattr(value, "__self__", None)
        if owner is not None and not hasattr(owner, "__loader__"):  # a method of an object
            return f"{_expression(owner, names)}.{value.__name__}"
        return _name(value, names)
    kind = type(value)
    if is_dataclass(value) and not _repr_is_its_own(kind):
        shown = [f for f in fields(value) if f.init and f.repr]
        texts = [f"{f.name}={_expression(getattr(value, f.name), names)}" for f in shown]
        return f"{_name(kind, names)}({', '.join(texts)})"
    # Whatever its text may name: its class, and the classes and functions of its parts.
    for part in [value, *_parts(value)]:
        thing = part if hasattr(part, "__qualname__") else type(part)
        names.setdefault(getattr(thing, "__name__", ""), thing)
        home = (getattr(thing, "__module__", None) or "").partition(".")[0]
        if home in sys.modules:
            names.setdefault(home, sys.modules[home])
        if isinstance(part, functools.partial):
            names["partial"] = functools.partial
    return repr(value)


def _repr_is_its_own(kind: type) -> bool:
    """Tell a `repr` that somebody wrote from the one that `dataclass` makes."""
    code = getattr(kind.__repr__, "__code__", None)  # None for that of `object`
    return code is not None and Path(code.co_filename).stem not in ("dataclasses", "reprlib")


def _parts(value: Any, depth: int = 4) -> list:
    """Return what an object holds, and what that holds."""
    if depth == 0:
        return []
    if isinstance(value, dict):
        held = list(value.values())
    elif isinstance(value, list | tuple | set):
        held = list(value)
    elif isinstance(value, functools.partial):
        held = [value.func, *value.args, *value.keywords.values()]
    elif hasattr(value, "__qualname__") or isinstance(value, Tensor):
        held = []
    else:
        held = list(_state(value).values())
    return [part for item in held for part in (item, *_parts(item, depth - 1))]


def _name(thing: Callable | type, names: dict[str, Any]) -> str:
    """Return the name that leads to a function or class from the top of its module."""
    module, path = getattr(thing, "__module__", None) or "builtins", thing.__qualname__
    if "<lambda>" in path:
        raise ValueError("a lambda cannot be written down: give it a name with def")
    if "<locals>" in path:
        raise ValueError(
            f"{path} cannot be written down: it is made inside another function, which its name "
            f"does not bring back. {WAY_OUT}"
        )
    if _reached(module, path) is not thing:
        raise ValueError(
            f"{path} cannot be written down: in {module} this name means something else now. "
            "Take the function from there again."
        )
    top = module.partition(".")[0]
    if top in (PACKAGE, "__main__", "builtins"):
        names[path.partition(".")[0]] = getattr(sys.modules[module], path.partition(".")[0])
        return path
    names[top] = sys.modules[top]
    # A function may have the name of its file: then it hides the file, and its package has it.
    steps = module.split(".")
    ways = [".".join([*steps[:count], path]) for count in range(len(steps), 0, -1)]
    return next((way for way in ways if _reached(*way.split(".", 1)) is thing), ways[0])


def _reached(module: str, path: str) -> Any:
    """Return what a path leads to from the top of a module, None if it leads nowhere."""
    found: Any = sys.modules.get(module)
    for step in path.split("."):
        found = getattr(found, step, None)
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else f"{text[:97]}..."
