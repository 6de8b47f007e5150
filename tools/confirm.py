"""Prove that today's code gives what recorded studies were made with, and note it in the records.

Usage: python tools/confirm.py [CHAPTER ...] [--epochs 2] [--since COMMIT]

`python -m tricks_lib record --verify` runs the first seed of every arm again and asks for the
recorded figures. Another kind of processor sums in another order and never gives them. So this runs
two versions of the code side by side on this machine: that of the commit in which the record was
last written, and today's, over the first epochs of the first seed of every arm. If every figure is
the same, to the last bit, and so is every learning rate of every arm to the end of its training,
the record gets the hashes of today's code.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Read the arguments, confirm chapter by chapter."""
    from tricks_lib.course.chapter import found

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chapters", nargs="*", help=f"which; all by default: {', '.join(found())}")
    parser.add_argument("--epochs", type=int, default=2, help="how long to train (default: 2)")
    parser.add_argument("--since", help="commit of the old code; by default the record's own")
    parser.add_argument("--figures", nargs=2, metavar=("CHAPTER", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.figures:
        chapter, file = options.figures
        print(json.dumps(figures(chapter, file, options.epochs)))
        return
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:

        def confirmed(chapter: str) -> list[str]:
            return confirm(chapter, options.epochs, options.since)

        troubles = chain.from_iterable(pool.map(confirmed, options.chapters or found()))
        sys.exit("\n".join(troubles) or None)


SEARCHES = re.compile(r"-(search|tuning)")
"""What the records of searches are called."""


def confirm(chapter: str, epochs: int, since: str | None) -> list[str]:
    """Confirm the records of one chapter, in their order; return what differs."""
    folder = Path("tricks_lib", "course", "chapters", chapter, "results")
    # A search decides what the study after it runs.
    files = sorted(
        (ROOT / folder).glob("*.jsonl"),
        key=lambda file: (not SEARCHES.search(file.stem), "ties" not in file.stem, file.stem),
    )
    for file in files:
        commit = since or git("log", "-1", "--format=%H", "--", str(folder / file.name))
        with tempfile.TemporaryDirectory() as old:
            git("worktree", "add", "--detach", old, commit)
            try:
                before, now = (ask(tree, chapter, file.stem, epochs) for tree in (old, ROOT))
            finally:
                git("worktree", "remove", "--force", old)
        wrong = [arm for arm in before.keys() | now.keys() if before.get(arm) != now.get(arm)]
        if wrong or not now:
            return [f"{file.name}: today's code gives other figures for {sorted(wrong)}"]
        how = (
            f"the code of {commit[:12]} and today's gave the same figures, on one machine, over "
            f"the first {epochs} epochs of the first seed of every arm"
        )
        run = [sys.executable, "-c", STAMP, chapter, file.stem, how]
        subprocess.run(run, check=True, cwd=ROOT, env=environment(ROOT))
        print(f"{file.name}: {len(now)} arms confirmed", flush=True)
    return []


STAMP = """
import sys
from importlib import import_module
chapter, name, how = sys.argv[1:]
plan = import_module(f"tricks_lib.course.chapters.{chapter}.study").PLAN
[part] = [part for part in plan.parts if part.name == name]
part.stamp(how)
"""


def ask(tree: str | Path, chapter: str, file: str, epochs: int) -> dict:
    """Compute the figures of a study with the code in `tree`."""
    command = [sys.executable, __file__, "--figures", chapter, file, "--epochs", str(epochs)]
    done = subprocess.run(command, env=environment(tree), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{file} with the code in {tree}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def environment(tree: str | Path) -> dict[str, str]:
    """Let Python find the package in `tree`, and compute with one thread."""
    return os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


def figures(chapter: str, file: str, epochs: int) -> dict[str, list]:
    """Train each arm of a study for a while; return its figures and all its learning rates."""
    from importlib import import_module

    plan = import_module(f"tricks_lib.course.chapters.{chapter}.study").PLAN
    [part] = [part for part in plan.parts if part.name == file]
    seed, found = part.seed_list[0], {}
    for arm, recipe in part.recipes.items():
        times = (recipe.epochs * step / 500 for step in range(501))
        factors = [float(recipe.schedule(time)) for time in times]
        short = replace(recipe, epochs=min(epochs, recipe.epochs))
        try:
            made = part._study({arm: short}, [seed], threads=1)
        except ValueError:  # what is looked at lies further on
            made = part._study({arm: recipe}, [seed], threads=1)
        found[arm] = [made.runs[arm].get(seed), made.diverged[arm].get(seed), factors]
    return found


def git(*arguments: str) -> str:
    """Run git at the root of the checkout."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
