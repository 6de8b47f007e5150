from pathlib import Path

import pytest

from tricks_lib.lab.data import load_data


def test_unknown_name_gets_a_hint():
    with pytest.raises(ValueError, match="got 'cifra10'; did you mean 'cifar10'") as caught:
        load_data("cifra10")
    assert "fashion-mini" in str(caught.value)
    with pytest.raises(ValueError, match=r"or a folder, got 'zzz'$"):
        load_data("zzz")


@pytest.mark.parametrize("kind", [str, Path])
def test_missing_folder(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        load_data(kind(tmp_path / "nowhere"))


def test_known_name_as_a_path_is_a_folder(tmp_path, monkeypatch, pets):
    monkeypatch.chdir(tmp_path)
    pets.rename(tmp_path / "cifar10")
    assert load_data("./cifar10").classes == ("cat", "dog")
    assert load_data(Path("cifar10")).classes == ("cat", "dog")
    monkeypatch.chdir(tmp_path / "cifar10")
    assert load_data(".").name == "cifar10"


@pytest.mark.parametrize(("source", "size"), [("fashion-mini", 32), ("folder", 0)])
def test_image_size_is_checked(pets, source, size):
    with pytest.raises(ValueError, match="image_size must be at least 1, and is for folders"):
        load_data(pets if source == "folder" else source, image_size=size)
