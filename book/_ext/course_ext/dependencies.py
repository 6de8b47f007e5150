"""What a notebook's outputs depend on: the files of the package that it reaches, and their data.

A page is executed again when one of these changes, and only then. So a file too many costs a
minute, and a file too few publishes a stale page: wherever an import cannot be followed, everything
that it could mean is taken.

- `from tricks_lib import Cutout` leads through the re-exports of `__init__.py` files to the module
  that defines the name, and from there to all that this module imports, inside functions too.
- A module brings the data beside it: files of its folder that are not Python.
- A chapter's notebook brings the whole folder of the chapter, and so does a notebook that names
  another chapter in a string, as `card("mixup")` and `main(["study", "--tricks", "mixup"])` do; for
  these are found when they run.
- A module that finds neighbours by name, as `import_module(f"{__package__}.{name}")` does, brings
  those whose names stand in its strings, with what they import of the same package. It does so in
  order not to bring all that these import: what they record is refused when that changes.
- A module that looks at all chapters brings the `__init__.py` of those that it does not name.
- Every package on the way was executed too. Of its `__init__.py` counts what is not an import.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

UNFINISHED = (".lock", ".new", ".tmp", ".pyc")
"""Endings of files that come and go while a study runs; no page shows them."""


class Module:
    """One Python file, and what its top level binds by imports.

    Args:
        name: dotted name of the module.
        path: its file, `__init__.py` for a package.
    """

    def __init__(self, name: str, path: Path):
        self.name = name
        self.path = path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    @property
    def is_package(self) -> bool:
        """Whether other modules lie below it."""
        return self.path.name == "__init__.py"

    @cached_property
    def imports(self) -> list[tuple[str, str | None]]:
        """Pairs of a module and a name taken from it; no name where the module itself is taken."""
        return list(imports(self.tree, self.name if self.is_package else self._parent))

    @property
    def _parent(self) -> str:
        return self.name.rpartition(".")[0]

    @cached_property
    def texts(self) -> set[str]:
        """Its strings, without docstrings."""
        return _texts(self.tree)

    @cached_property
    def finds_neighbours(self) -> bool:
        """Whether it makes names of modules from that of its package."""
        nodes = ast.walk(self.tree)
        return any(isinstance(node, ast.Name) and node.id == "__package__" for node in nodes)

    @cached_property
    def bound(self) -> dict[str, tuple[str, str | None]]:
        """Names that an import binds, with where they come from."""
        return {
            alias: (module, name)
            for module, name, alias in _bindings(self.tree, self.name)
            if alias != "*"
        }

    @cached_property
    def stars(self) -> list[str]:
        """Modules whose names are taken by `import *`."""
        return [m for m, _, alias in _bindings(self.tree, self.name) if alias == "*"]

    @cached_property
    def defined(self) -> set[str]:
        """Names that the file itself defines."""
        names = set()
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            names |= {
                target.id
                for target in ast.walk(node)
                if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
            }
        return names

    def own_statements(self) -> str:
        """What a package does beyond passing names on: its text without imports and `__all__`."""
        kept = [
            node
            for node in self.tree.body
            if not isinstance(node, ast.Import | ast.ImportFrom)
            and not _is_text(node)
            and not _assigns(node, "__all__")
        ]
        return "\n".join(ast.dump(node) for node in kept)


class Dependencies:
    """The files of one package that notebooks reach.

    Args:
        root: folder that holds the package; fingerprints do not change when it moves.
        package: name of the package.
        chapters: dotted name of the package whose sub-packages are found and not imported.
        finder: module and name of the function that finds all of them.
        shared: files that every notebook depends on.
    """

    def __init__(
        self,
        root: Path,
        package: str = "tricks_lib",
        chapters: str = "tricks_lib.course.chapters",
        finder: tuple[str, str] = ("tricks_lib.course.chapter", "chapters"),
        shared: Iterable[Path] = (),
    ):
        self.root = root
        self.package = package
        self.shared = list(shared)
        self._modules: dict[str, Module | None] = {}
        self._chapters = root.joinpath(*chapters.split("."))
        self._chapters_name = chapters
        self._finder = finder

    def fingerprint(self, notebook: Path) -> str:
        """Return a digest of all that the outputs of a notebook depend on, except its own cells."""
        whole, passed = self.reached(notebook)
        digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
        for path in sorted({*whole, *self.shared}):
            digest.update(path.relative_to(self.root).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        for name in sorted(passed):
            module = self.module(name)
            assert module is not None
            digest.update(f"{name} {module.own_statements()}".encode())
        return digest.hexdigest()[:16]

    def files(self, notebook: Path) -> set[Path]:
        """Return the files that a notebook depends on whole."""
        return self.reached(notebook)[0]

    def reached(self, notebook: Path) -> tuple[set[Path], set[str]]:
        """Return the files that a notebook depends on, and the packages passed on the way."""
        tree = ast.parse(code(notebook))
        texts = _texts(tree)
        wanted = self._resolved(imports(tree, "")) | set(self._named(texts))
        if self.package in texts or _runs(notebook, self.package):
            wanted |= self._all_below(self.package)
        slugs = {notebook.stem.partition("_")[2], *_slugs(texts)}
        for chapter in self._folders(slugs):
            wanted |= self._all_below(chapter)
        whole: set[Path] = set()
        passed: set[str] = set()
        done: set[str] = set()
        while wanted:
            name = wanted.pop()
            module = self.module(name)
            if name in done or module is None:
                continue
            done.add(name)
            whole |= {module.path, *self._data(module)}
            wanted |= self._resolved(module.imports) | set(self._named(module.texts))
            passed |= {parent for parent in _parents(name) if self.module(parent)}
            if name.startswith(f"{self._chapters_name}.") and module.is_package:
                # A chapter names those to read before it; their titles stand on its card.
                passed |= set(self._folders(module.texts))
            if self._finder in module.imports:
                slugs = {path.name for path in self._chapters.glob("*")} - module.texts
                passed |= set(self._folders(slugs))
            if module.finds_neighbours:
                whole |= self._neighbours(module)
        return whole, passed - done

    def module(self, name: str) -> Module | None:
        """Return a module of the package by its dotted name, or None if there is none."""
        if name not in self._modules:
            place = self.root.joinpath(*name.split("."))
            files = [place / "__init__.py", place.with_suffix(".py")]
            found = next((file for file in files if file.is_file()), None)
            ours = name == self.package or name.startswith(f"{self.package}.")
            self._modules[name] = Module(name, found) if found and ours else None
        return self._modules[name]

    def _resolved(self, imported: Iterable[tuple[str, str | None]]) -> set[str]:
        return set().union(*(self._origin(module, name, set()) for module, name in imported))

    def _origin(self, module_name: str, name: str | None, seen: set) -> set[str]:
        """Modules that a name comes from, through any re-export; empty if not of the package."""
        module = self.module(module_name)
        if module is None or (module_name, name) in seen:
            return set()
        seen.add((module_name, name))
        if name is None or name == "*" or not module.is_package:
            return {module_name}
        source = module.bound.get(name)
        if source and source != (module_name, name):  # else `from . import name`: a submodule
            # What an __init__.py takes from outside of the package counts as its own.
            return self._origin(*source, seen) or {module_name}
        if name in module.defined:
            return {module_name}
        for star in filter(None, map(self.module, module.stars)):
            if found := self._origin_behind_star(star, name, seen):
                return found
        if self.module(f"{module_name}.{name}"):
            return {f"{module_name}.{name}"}
        # Made when it runs: by finding the file that defines it, or in a way not known here.
        return self._defining(module, name) or self._all_below(module_name)

    def _origin_behind_star(self, module: Module, name: str, seen: set) -> set[str]:
        if name in module.bound or (module.is_package and module.stars):
            return self._origin(module.name, name, seen)
        return {module.name} if name in module.defined else self._defining(module, name)

    def _defining(self, package: Module, name: str) -> set[str]:
        """Files of a package that define a name, which it may export because they are there."""
        if not package.is_package:
            return set()
        names = (f"{package.name}.{path.stem}" for path in package.path.parent.glob("*.py"))
        files = filter(None, map(self.module, names))
        return {file.name for file in files if name in file.defined}

    def _all_below(self, name: str) -> set[str]:
        """Every module of a package, and of the packages in it."""
        folder = self.root.joinpath(*name.split("."))
        names = {name}
        for path in folder.rglob("*.py"):
            parts = path.relative_to(self.root).with_suffix("").parts
            names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        return names

    def _named(self, texts: Iterable[str]) -> Iterator[str]:
        """Modules whose dotted names stand in strings, as for `import_module` or `torchrun -m`."""
        for text in texts:
            for name in re.findall(rf"\b{self.package}(?:\.\w+)+", text):
                while name != self.package and not self.module(name):
                    name = name.rpartition(".")[0]
                if name != self.package:
                    yield name

    def _neighbours(self, finding: Module) -> set[Path]:
        """Files of a package that one of its modules finds by name, and that these import."""
        package = finding.name if finding.is_package else finding.name.rpartition(".")[0]
        todo = [f"{package}.{text}" for text in finding.texts if text.isidentifier()]
        found: dict[str, Path] = {}
        while todo:
            name = todo.pop()
            module = self.module(name)
            if module and name not in found and name.startswith(f"{package}."):
                found[name] = module.path
                todo += self._resolved(module.imports)
        return set(found.values())

    def _folders(self, slugs: Iterable[str]) -> list[str]:
        return [
            f"{self._chapters_name}.{slug}"
            for slug in slugs
            if slug.isidentifier() and (self._chapters / slug / "__init__.py").is_file()
        ]

    def _data(self, module: Module) -> Iterator[Path]:
        """Files beside a module that are not Python, with folders that are no packages."""
        todo = [module.path.parent]
        while todo:
            for path in todo.pop().iterdir():
                if path.is_dir():
                    if not (path / "__init__.py").exists() and path.name != "__pycache__":
                        todo.append(path)
                elif path.suffix != ".py" and not path.name.endswith(UNFINISHED):
                    yield path


def code(notebook: Path) -> str:
    """Return the code cells of a notebook as one program, without lines that only IPython knows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    kept = [source for source in sources if not source.startswith("%%")]
    return re.sub(r"^(\s*)[!%].*$", r"\1pass", "\n\n".join(kept), flags=re.M)


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, str | None]]:
    """Yield every import of a program, those inside functions and under conditions too.

    Args:
        tree: the program.
        package: the package that relative imports start from.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            yield from ((module, alias.name) for alias in node.names)


def _bindings(tree: ast.Module, name: str) -> Iterator[tuple[str, str | None, str]]:
    """Yield (module, name, alias) for the imports of an `__init__.py` outside functions."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield alias.name if alias.asname else bound, None, bound
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield _absolute(node, name), alias.name, alias.asname or alias.name
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))  # if TYPE_CHECKING, try


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".") if package else []
    base = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*base, *([node.module] if node.module else [])])


def _texts(tree: ast.AST) -> set[str]:
    """All strings of a program but its docstrings."""
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    }


def _slugs(texts: Iterable[str]) -> Iterator[str]:
    """Yield what may be names of chapters: each string, and the tricks in a list of arms such as
    "mixup, ricap+no_decay", alone or in a command line."""
    arms = r"\w+(?:\s*[,+]\s*\w+)*"
    for text in texts:
        yield text
        for listed in re.findall(rf"""--tricks[\s=]+['"]?({arms})|^\s*({arms})\s*$""", text):
            for name in re.split(r"\s*[,+]\s*", "".join(listed)):
                yield name.removeprefix("no_")


def _runs(notebook: Path, package: str) -> bool:
    """Whether a cell calls the package from a shell or a magic, where no import shows it."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return any(
        re.search(rf"^\s*[!%].*\b{package}\b", source, flags=re.M)
        or (source.startswith("%%") and package in source)
        for source in sources
    )


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign) and any(
        isinstance(target, ast.Name) and target.id == name
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )
