"""Running the notebooks of the book: several at a time, and only those whose outputs may differ.

myst-nb takes outputs from a cache that looks at a notebook's cells alone; it would go on publishing
what an older version of the package computed. So before Sphinx reads a page,

1. every cached execution whose notebook depends on a file that changed is removed (`Ledger`), and
2. the notebooks that are missing from the cache are run, each in a kernel of its own (`run_all`).

A cell that fails stops the build; nothing of that notebook is cached, so it stops the next one too.
"""

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution


class Ledger:
    """The cache of executions, with the fingerprint under which each of them was made.

    Args:
        folder: where the cache lies; the ledger is a file in it.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.cache: JupyterCacheAbstract = get_cache(str(folder))
        self._file = folder / "fingerprints.json"

    def update(self, fingerprints: dict[Path, str]) -> list[Path]:
        """Remove executions that may differ by now; return the notebooks that must be run.

        Two notebooks with the same cells share one execution, which must then be right for both.
        The new fingerprints are written down before anything is run: whatever is run from here on
        sees the present files or later ones, never earlier ones.

        Args:
            fingerprints: what each notebook of the book depends on now, `Dependencies.fingerprint`.
        """
        before = json.loads(self._file.read_text()) if self._file.exists() else {}
        keys = {path: self._key(path) for path in fingerprints}
        valid = {
            key
            for key in keys.values()
            if all(before.get(str(p)) == fingerprints[p] for p in keys if keys[p] == key)
        }
        kept = set()
        for record in self.cache.list_cache_records():
            if record.hashkey in valid:
                kept.add(record.hashkey)
            else:
                self.cache.remove_cache(record.pk)
        now = {str(path): text for path, text in fingerprints.items()}
        self._file.write_text(json.dumps(now, indent=1, sort_keys=True))
        return [path for path, key in keys.items() if key not in kept]

    def add(self, path: Path, notebook: nbformat.NotebookNode, seconds: float) -> None:
        """Keep one execution."""
        bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
        self.cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)

    def _key(self, path: Path) -> str:
        return self.cache.create_hashed_notebook(nbformat.read(path, as_version=4))[1]


def run(path: Path, timeout: int) -> tuple[nbformat.NotebookNode, float, str]:
    """Run one notebook in its own folder; return it with outputs, the seconds, and any error.

    One thread for each kernel, since several run at once; no progress bars, which a page keeps.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    notebook = nbformat.read(path, as_version=4)
    result = single_nb_execution(
        notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False
    )
    return result.nb, result.time, result.exc_string or ""


def run_all(
    paths: Iterable[Path],
    ledger: Ledger,
    unchanged: Callable[[Path], bool],
    timeout: int,
    jobs: int = 2,
    say: Callable[[str], object] = print,
) -> list[str]:
    """Run notebooks, `jobs` at a time, and keep what they gave.

    Args:
        paths: the notebooks.
        ledger: where executions are kept.
        unchanged: whether a notebook still depends on what it depended on before it was run.
        timeout: seconds for one cell.
        jobs: how many run at a time.
        say: gets a line for each notebook that is done.

    Returns:
        What went wrong, a text for each notebook that failed; none of these is kept.
    """
    problems = []
    # Fresh processes: a copy of Sphinx's would carry its open files and torch's threads along.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run, path, timeout): path for path in paths}
        for number, done in enumerate(as_completed(running), start=1):
            path = running[done]
            notebook, seconds, error = done.result()
            say(f"{number} of {len(running)}: {path.name} in {seconds:.0f} s")
            if error:
                problems.append(f"{path}: a cell failed.\n{error}")
            elif not unchanged(path):
                problems.append(f"{path}: the package changed while it ran. Build again.")
            else:
                ledger.add(path, notebook, seconds)
    return problems
