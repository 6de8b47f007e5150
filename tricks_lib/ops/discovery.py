"""Tricks that are found because their file is there.

A package of a slot lists its tricks by name, so that people and type checkers see what there is.
A trick whose file was added since is exported all the same, with the names in its `__all__`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

__all__ = ["added"]


def added(package: str, listed: Sequence[str]) -> list[str]:
    """Import the files of a package of which no name is listed, and return their public names.

    Args:
        package: its full name, `__name__`.
        listed: names that it exports already.
    """
    here = sys.modules[package]
    names: list[str] = []
    for found in iter_modules(here.__path__):
        module = import_module(f"{package}.{found.name}")
        public = getattr(module, "__all__", [])
        if not set(public) & set(listed):
            names += public
            for name in public:  # a function may have the name of its file
                setattr(here, name, getattr(module, name))
    return names
