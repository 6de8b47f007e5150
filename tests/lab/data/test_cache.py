import os
import time
from pathlib import Path

import pytest

from tricks_lib.lab.data import load_data
from tricks_lib.lab.data.cache import (
    aside,
    cache_folder,
    cache_size,
    clear_cache,
    networks_folder,
)


def test_the_chosen_folder_comes_before_the_environment(tmp_path, cache):
    assert cache_folder(tmp_path / "here") == tmp_path / "here"
    assert cache_folder() == cache


def test_home_is_the_last_resort(tmp_path, monkeypatch):
    monkeypatch.delenv("TRICKS_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "tricks_lib"


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("TRICKS_DATA", "~/data")
    assert cache_folder() == Path.home() / "data"
    assert cache_folder("~/here") == Path.home() / "here"


def test_unfinished_work_is_beside_the_finished_and_goes_whatever_happens(cache):
    with pytest.raises(KeyboardInterrupt), aside(cache) as unfinished:
        assert unfinished.parent == cache
        (unfinished / "half").write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(cache.iterdir()) == []


def test_what_killed_runs_left_goes_after_a_day(cache):
    for name, age in ((".unfinished-old", 25), (".unfinished-new", 1)):
        (cache / name / "inside").mkdir(parents=True)
        (cache / name / "inside" / "half").write_bytes(b"half")
        then = time.time() - age * 3600
        os.utime(cache / name, (then, then))
    with aside(cache):
        assert not (cache / ".unfinished-old").exists()
        assert (cache / ".unfinished-new").exists()  # perhaps of a run that is still at it


def test_the_cache_says_how_large_it_is_and_is_cleared(pets, cache):
    assert cache_size() == {"decoded images": 0, "trained networks": 0, "downloads": 0}
    assert clear_cache() == 0
    load_data(pets)
    for name in ("FashionMNIST/raw", ".unfinished-x", "of my own"):
        (cache / name).mkdir(parents=True)
        (cache / name / "file").write_bytes(bytes(1000))
    networks_folder().mkdir()
    (networks_folder() / "weights.pt").write_bytes(bytes(2000))
    sizes = cache_size()
    assert sizes["decoded images"] > 1000 + 6 * 3 * 8 * 8
    assert sizes["downloads"] == 1000
    assert sizes["trained networks"] == 2000
    assert clear_cache() == sizes["decoded images"] + 2000
    assert cache_size() == {"decoded images": 0, "trained networks": 0, "downloads": 1000}
    assert clear_cache(downloads=True) == 1000
    assert [path.name for path in cache.iterdir()] == ["of my own"]
    assert len(load_data(pets).train) == 4
