import urllib.request
from urllib.error import URLError

import pytest
from PIL import Image

from tricks_lib.lab.data import load_data


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRICKS_DATA", str(folder))
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", "networks")

    def unplugged(*_, **__):
        raise URLError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", unplugged)
    return folder


@pytest.fixture
def kept(cache):
    """Return the files in the cache folder."""

    def look():
        return sorted(
            path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()
        )

    return look


@pytest.fixture(scope="session")
def mini():
    return load_data("fashion-mini")


@pytest.fixture
def pets(tmp_path):
    """A folder with two training images and a test image of each of two classes.

    They are 8×8 pixels in size, and each is of one colour.
    """
    folder = tmp_path / "pets"
    for split, count, blue in (("train", 2, 7), ("test", 1, 9)):
        for label, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("RGB", (8, 8), (100 * label, number, blue))
                image.save(folder / split / name / f"{number}.png")
    return folder
