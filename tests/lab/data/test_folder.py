import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from tricks_lib.lab.data import load_data


def save(path, colour, mode="RGB", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


def colours(split):
    return [tuple(image[:, 0, 0].tolist()) for image in split.images]


@pytest.mark.parametrize("kind", [str, Path])
def test_folder_becomes_data(pets, kind):
    data = load_data(kind(pets))
    assert data.name == "pets"
    assert data.classes == ("cat", "dog")
    assert data.train.images.shape == (4, 3, 8, 8)
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert colours(data.train) == [(0, 0, 7), (0, 1, 7), (100, 0, 7), (100, 1, 7)]
    assert data.test.labels.tolist() == [0, 1]
    assert data.validation is None
    torch.testing.assert_close(data.mean, torch.tensor([50, 0.5, 7]) / 255)
    # The third channel has no contrast: it becomes 0, not infinite.
    torch.testing.assert_close(data.std, torch.tensor([50 / 255, 0.5 / 255, 1]))


@pytest.mark.parametrize("name", ["val", "validation"])
def test_folder_may_have_a_validation_split(pets, name):
    shutil.copytree(pets / "test", pets / name)
    data = load_data(pets)
    assert torch.equal(data.validation.images, data.test.images)
    assert load_data(pets).splits.keys() == {"train", "validation", "test"}


def test_images_of_every_kind_become_rgb(pets):
    folder = pets / "train" / "cat"
    save(folder / "2-grey.png", 50, "L")
    save(folder / "3-transparent.png", (10, 20, 30, 0), "RGBA")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.save(folder / "4-palette.png")
    palette.save(folder / "5-transparent-palette.png", transparency=bytes([255, 0]))
    save(folder / "6-grey-and-alpha.png", (60, 0), "LA")
    save(folder / "7-black-or-white.png", 1, "1")
    data = load_data(pets)
    assert colours(data.train)[2:8] == [
        (50, 50, 50),
        (10, 20, 30),
        (200, 100, 50),
        (200, 100, 50),
        (60, 60, 60),
        (255, 255, 255),
    ]


def test_grey_images_have_one_channel(tmp_path):
    for split in ("train", "test"):
        save(tmp_path / "grey" / split / "a" / "0.png", 10, "L")
        save(tmp_path / "grey" / split / "b" / "0.png", 1, "1")
    data = load_data(tmp_path / "grey")
    assert data.train.images.shape == (2, 1, 8, 8)
    assert colours(data.train) == [(10,), (255,)]


def test_small_images_keep_their_size_and_odd_ones_follow(pets):
    save(pets / "train" / "cat" / "9.png", (1, 2, 3), size=(40, 20))
    assert load_data(pets).image_size == (8, 8)


def test_small_images_need_not_be_square(tmp_path):
    for split in ("train", "test"):
        for name in "ab":
            save(tmp_path / "wide" / split / name / "0.png", (1, 2, 3), size=(20, 10))
    assert load_data(tmp_path / "wide").image_size == (10, 20)


@pytest.mark.parametrize("size", [(65, 8), (8, 9)])
def test_large_or_mixed_images_become_64(pets, size):
    save(pets / "train" / "cat" / "0.png", (1, 2, 3), size=size)
    assert load_data(pets).image_size == (64, 64)


def photo(height, width):
    """A smooth colour image, uint8 (H, W, 3)."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))], axis=-1)
    return ((waves + 1) * 127).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("size", [(300, 200), (123, 457), (20, 30)])
def test_resizing_agrees_with_torchvision(pets, suffix, size):
    path = pets / "train" / "cat" / f"9.{suffix}"
    Image.fromarray(photo(*size)).save(path)
    data = load_data(pets, image_size=32)
    oracle = v2.Compose([v2.Resize(32), v2.CenterCrop(32), v2.PILToTensor()])
    with Image.open(path) as image:
        expected = oracle(image)
    error = (data.train.images[2].float() - expected.float()).abs()
    assert error.mean() < 2  # of 255; torchvision rounds to whole pixels before it crops


def test_images_are_turned_as_the_camera_was_held(pets):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4] = 255  # white on the left as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise: white on top
    Image.fromarray(pixels).save(pets / "train" / "cat" / "9.png", exif=exif)
    image = load_data(pets).train.images[2]
    assert image[:, :4].min() == 255
    assert image[:, 4:].max() == 0


def test_hidden_files_and_folders_are_no_images(pets):
    expected = load_data(pets).fingerprint()
    save(pets / "train" / ".ipynb_checkpoints" / "0.png", (1, 2, 3))
    save(pets / "test" / "cat" / ".ipynb_checkpoints" / "0-checkpoint.png", (1, 2, 3))
    (pets / "train" / "cat" / "._0.png").write_bytes(b"from a Mac")
    (pets / "train" / "cat" / "notes.txt").write_text("no image")
    (pets / "train" / "README.md").write_text("no class")
    assert load_data(pets).fingerprint() == expected


def test_second_load_reads_the_cache(pets, kept, monkeypatch):
    expected = load_data(pets).fingerprint()
    monkeypatch.setattr(Image, "open", None)
    assert load_data(pets).fingerprint() == expected
    assert len(kept()) == 1


def test_cache_notices_changes_and_keeps_one_file(pets, kept):
    seen = [load_data(pets).fingerprint()]
    changed = pets / "train" / "cat" / "1.png"

    save(changed, (9, 9, 9))
    os.utime(changed, ns=(1, 1))  # file systems may be too coarse to tell two quick writes apart
    seen.append(load_data(pets).fingerprint())

    save(pets / "train" / "dog" / "2.png", (5, 5, 5))
    seen.append(load_data(pets).fingerprint())

    changed.rename(changed.with_name("3.png"))
    (pets / "train" / "dog" / "0.png").unlink()
    seen.append(load_data(pets).fingerprint())

    assert len(set(seen)) == 4
    assert len(kept()) == 1
    seen.append(load_data(pets, image_size=4).fingerprint())
    assert len(set(seen)) == 5
    assert len(kept()) == 2


def test_interrupted_decoding_leaves_no_cache(pets, kept, monkeypatch):
    def half(tensors, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(KeyboardInterrupt):
            load_data(pets)
    assert kept() == []
    assert len(load_data(pets).train) == 4


def test_file_instead_of_a_folder(pets):
    with pytest.raises(NotADirectoryError, match=r"expected a folder .*, got .*0\.png"):
        load_data(pets / "train" / "cat" / "0.png")


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_missing(pets, split):
    shutil.rmtree(pets / split)
    with pytest.raises(ValueError, match=r"expected the folders train and test in .*pets, got \["):
        load_data(pets)


def test_no_class_folders(pets):
    for name in ("cat", "dog"):
        shutil.rmtree(pets / "train" / name)
    with pytest.raises(ValueError, match=r"at least two classes in .*train, got none"):
        load_data(pets)


def test_only_one_class(pets):
    shutil.rmtree(pets / "test" / "dog")
    with pytest.raises(ValueError, match=r"at least two classes in .*test, got \['cat'\]"):
        load_data(pets)


def test_empty_class(pets):
    (pets / "train" / "cow").mkdir()
    (pets / "train" / "cow" / "0.heic").write_bytes(b"of a type that Pillow cannot read")
    message = r"images \(\.jpg, .*\) in each class of .*train, got none in \['cow'\]"
    with pytest.raises(ValueError, match=message):
        load_data(pets)


@pytest.mark.parametrize("split", ["test", "val"])
def test_other_classes_than_in_train(pets, split):
    if split == "val":
        shutil.copytree(pets / "test", pets / "val")
    (pets / split / "dog").rename(pets / split / "hog")
    with pytest.raises(ValueError, match=rf"{split} .*missing \['dog'\], not in train \['hog'\]"):
        load_data(pets)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("damage", ["cut", "not an image", "empty"])
def test_unreadable_image_is_named(pets, kept, suffix, damage):
    path = pets / "test" / "dog" / f"9.{suffix}"
    Image.fromarray(photo(40, 40)).save(path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b""}.get(damage, b"hello"))
    with pytest.raises(ValueError, match=rf"cannot read the image .*dog.9\.{suffix}: "):
        load_data(pets)
    assert kept() == []


def test_sixteen_bits_are_refused(pets):
    Image.fromarray(np.full((8, 8), 1000, np.uint16)).save(pets / "test" / "dog" / "9.png")
    with pytest.raises(ValueError, match=r"9\.png: expected 8 bits per channel"):
        load_data(pets)
