import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
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


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_folder_may_have_a_validation_split(pets, name):
    for label, pet in enumerate(("cat", "dog")):
        save(pets / name / pet / "0.png", (label, label, label))
    data = load_data(pets)
    assert colours(data.validation) == [(0, 0, 0), (1, 1, 1)]
    assert load_data(pets).splits.keys() == {"train", "validation", "test"}


def test_two_validation_splits_are_refused(pets):
    shutil.copytree(pets / "test", pets / "val")
    shutil.copytree(pets / "test", pets / "valid")
    with pytest.raises(ValueError, match=r"one folder of validation .*, got \['val', 'valid'\]"):
        load_data(pets)


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
    for split, grey in (("train", 10), ("test", 20)):
        save(tmp_path / "grey" / split / "a" / "0.png", grey, "L")
        save(tmp_path / "grey" / split / "b" / "0.png", split == "train", "1")
    data = load_data(tmp_path / "grey")
    assert data.train.images.shape == (2, 1, 8, 8)
    assert colours(data.train) == [(10,), (255,)]


def test_small_images_keep_their_size_and_odd_ones_follow(pets):
    save(pets / "train" / "cat" / "9.png", (1, 2, 3), size=(40, 20))
    assert load_data(pets).image_size == (8, 8)


def test_small_images_need_not_be_square(tmp_path):
    for red, split in enumerate(("train", "test")):
        for green, name in enumerate("ab"):
            save(tmp_path / "wide" / split / name / "0.png", (red, green, 3), size=(20, 10))
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
    (pets / "train" / "README.md").write_text("no class")
    assert load_data(pets).fingerprint() == expected


def test_second_load_reads_the_cache(pets, kept, monkeypatch):
    expected = load_data(pets).fingerprint()
    monkeypatch.setattr(Image, "open", None)
    assert load_data(pets).fingerprint() == expected
    assert len(kept()) == 1


def test_a_folder_has_one_cache_whatever_it_is_called_by(pets, kept, monkeypatch):
    expected = load_data(pets).fingerprint()
    monkeypatch.setattr(Image, "open", None)
    monkeypatch.chdir(pets)
    assert load_data("../pets").fingerprint() == expected
    (pets.parent / "link").symlink_to(pets, target_is_directory=True)
    assert load_data(pets.parent / "link").fingerprint() == expected
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
    def half(content, file):
        file.write(b"half")
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
    (pets / "train" / "cow" / "0.svg").write_bytes(b"of a type that Pillow cannot read")
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
    with pytest.raises(ValueError, match=rf"cannot read 1 of 7 images:\n  .*dog.9\.{suffix}: "):
        load_data(pets)
    assert kept() == []


# --- What lies in real folders ---


def test_size_is_the_size_that_is_shown(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    for red, split in enumerate(("train", "test")):
        for green, name in enumerate("ab"):
            path = tmp_path / "tall" / split / name / "0.png"
            save(path, (red, green, 3), size=(40, 20), exif=exif)  # stored lying, shown standing
    assert load_data(tmp_path / "tall").image_size == (40, 20)


def test_an_image_is_read_whatever_is_noted_of_its_camera(pets):
    path = pets / "train" / "cat" / "0.png"
    expected = load_data(pets).fingerprint()
    save(path, (0, 0, 7), exif=b"Exif\0\0garbage")
    assert load_data(pets).fingerprint() == expected


@pytest.mark.parametrize("name", [".thumbnails", ".Trash-1000", "@eaDir", "__MACOSX"])
@pytest.mark.parametrize("place", ["", "train", "train/cat", "train/cat/2024"])
def test_folders_that_programs_leave_are_passed_over(pets, name, place):
    save(pets / "train" / "cat" / "2024" / "7.png", (7, 7, 7))
    expected = load_data(pets).fingerprint()
    save(pets / place / name / "deeper" / "0.png", (1, 2, 3))
    assert load_data(pets).fingerprint() == expected


def test_deeper_folders_belong_to_their_class_in_torchvisions_order(pets):
    for red, name in enumerate(("b/0", "a/0", "a-b/0", "a/c/0", "A/10", "A/9", "a.b/0", "0b")):
        save(pets / "train" / "cat" / f"{name}.png", (100 + red, 2, 2))
    oracle = ImageFolder(pets / "train", transform=v2.PILToTensor())
    data = load_data(pets)
    assert torch.equal(data.train.images, torch.stack([image for image, _ in oracle]))
    assert data.train.labels.tolist() == oracle.targets


@pytest.mark.parametrize("target", [".", "..", "../..", "../cat/deeper"])
def test_a_loop_of_links_is_walked_once(pets, target):
    save(pets / "train" / "cat" / "deeper" / "7.png", (7, 7, 7))
    expected = load_data(pets).fingerprint()
    link = pets / "train" / "cat" / "deeper" / "loop"
    link.symlink_to(Path("..") / target, target_is_directory=True)
    assert load_data(pets).fingerprint() == expected


def test_each_file_of_a_class_counts_once(pets):
    cat = pets / "train" / "cat"
    for red, name in enumerate("ab"):
        save(cat / name / "7.png", (200 + red, 7, 7))
    expected = load_data(pets).fingerprint()
    (cat / "a" / "to-b").symlink_to(Path("..") / "b", target_is_directory=True)
    (cat / "b" / "to-a").symlink_to(Path("..") / "a", target_is_directory=True)
    (cat / "0-again.png").symlink_to("0.png")
    assert load_data(pets).fingerprint() == expected


def test_links_to_other_places_are_followed(pets, tmp_path):
    expected = load_data(pets).fingerprint()
    (pets / "train" / "cat").rename(tmp_path / "elsewhere")
    (pets / "train" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert load_data(pets).fingerprint() == expected


def test_a_folder_that_cannot_be_opened_is_named(pets, monkeypatch):
    locked = pets / "train" / "cat" / "locked"
    save(locked / "0.png", (1, 2, 3))
    open_folder = os.scandir

    def refusing(path):  # root may open everything, so permissions cannot be used here
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", path)
        return open_folder(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ValueError, match=r"cannot open the folder .*locked: Permission denied"):
        load_data(pets)


def test_a_folder_that_may_be_read_but_not_entered_is_named(pets, monkeypatch):
    locked = pets / "train" / "cat" / "locked"
    save(locked / "deeper" / "0.png", (1, 2, 3))
    open_folder = os.scandir

    def refusing(path):
        if "locked" in os.path.dirname(path):
            raise PermissionError(13, "Permission denied", path)
        return open_folder(path)

    monkeypatch.setattr(os, "scandir", refusing)
    is_folder = os.path.isdir
    monkeypatch.setattr(
        os.path, "isdir", lambda path: "locked" not in os.path.dirname(path) and is_folder(path)
    )
    with pytest.raises(ValueError, match=r"cannot open the folder .*deeper: Permission denied"):
        load_data(pets)


def test_images_in_two_splits_are_said_every_time(pets):
    shutil.copy(pets / "train" / "dog" / "1.png", pets / "test" / "dog" / "7.png")
    shutil.copy(pets / "train" / "dog" / "0.png", pets / "test" / "dog" / "8.png")
    with Image.open(pets / "train" / "cat" / "0.png") as image:
        image.save(pets / "test" / "cat" / "7.bmp")  # another file, the same pixels
    for _ in range(2):  # decoded, then from the cache
        with pytest.warns(UserWarning, match="images of train are in test as well") as caught:
            load_data(pets)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        text = str(caught[0].message).replace(os.sep, "/").replace(f"{pets.as_posix()}/", "")
        assert text == (
            "images of train are in test as well, pixel for pixel: 3, such as "
            "test/cat/7.bmp and train/cat/0.png; test/dog/7.png and train/dog/1.png"
        )


def test_validation_images_that_are_in_another_split_are_said(pets):
    for label, name in enumerate(("cat", "dog")):
        save(pets / "val" / name / "0.png", (label, 50, 50))
    shutil.copy(pets / "train" / "dog" / "0.png", pets / "val" / "dog" / "1.png")
    shutil.copy(pets / "test" / "dog" / "0.png", pets / "val" / "dog" / "2.png")
    with pytest.warns(UserWarning) as caught:
        load_data(pets)
    assert [str(warning.message).partition(", ")[0] for warning in caught] == [
        "images of train are in validation as well",
        "images of test are in validation as well",
    ]


def test_an_image_in_two_classes_is_said(pets):
    shutil.copy(pets / "train" / "cat" / "0.png", pets / "train" / "dog" / "7.png")
    message = "images of train are in two of its classes, pixel for pixel: 1, such as .*cat.*dog"
    with pytest.warns(UserWarning, match=message):
        load_data(pets)


def test_what_is_passed_over_is_counted_and_said(pets):
    for name in ("a.svg", "b.SVG", "notes.txt", "Thumbs.db", ".DS_Store"):
        (pets / "train" / "cat" / name).write_bytes(b"")
    save(pets / "test" / "in-no-class.png", (1, 2, 3))
    save(pets / "in-no-split.png", (1, 2, 3))
    save(pets / "holdout" / "cat" / "0.png", (1, 2, 3))
    with pytest.warns(UserWarning) as caught:
        load_data(pets)
    others, strays, unused = (str(warning.message).partition(": ")[2] for warning in caught)
    assert others.startswith("passed over files that are no images of a known type: ")
    assert ": 2 × .svg, 1 × .txt, such as " in others
    assert strays.startswith("passed over images in no class: 2, such as ")
    assert unused == "passed over folders that are no split: holdout"


def test_all_images_that_cannot_be_read_are_named_up_to_a_limit(pets):
    for number in range(9):
        (pets / "train" / "cat" / f"bad-{number}.png").write_bytes(b"hello")
    for name in ("bad-9.jpg", "bad-10.jpg", "bad-11.jpg"):  # whole at the start, cut at the end
        Image.fromarray(photo(40, 40)).save(pets / "test" / "dog" / name)
        path = pets / "test" / "dog" / name
        path.write_bytes(path.read_bytes()[:-200])
    (pets / "test" / "cat" / "gone.png").symlink_to("nowhere.png")
    with pytest.raises(ValueError, match="cannot read 13 of 19 images:") as caught:
        load_data(pets)
    lines = str(caught.value).splitlines()
    assert len(lines) == 13
    assert all(f"bad-{number}.png: " in lines[number + 1] for number in range(9))
    assert lines[-2:] == [
        "  and 3 more",
        "Mend or remove them, or leave them out: skip_bad=True",
    ]


# --- What happens to the cache ---


@pytest.mark.parametrize("damage", ["empty", "cut", "a pixel", "a name", "another object"])
def test_a_damaged_cache_file_is_made_again(pets, cache, kept, damage):
    expected = load_data(pets).fingerprint()
    (name,) = kept()
    file = cache / name
    whole = file.read_bytes()
    if damage == "another object":
        torch.save({"splits": 1}, file)
    elif damage == "a name":
        file.write_bytes(whole.replace(b"\x04\0\0\0test", b"\x04\0\0\0tesu"))
    elif damage == "a pixel":
        pixel = whole.index(bytes([100] * 64))  # a red channel
        file.write_bytes(whole[:pixel] + bytes([99]) + whole[pixel + 1 :])
    else:
        file.write_bytes(whole[: len(whole) // 2 * (damage == "cut")])
    assert load_data(pets).fingerprint() == expected
    assert file.read_bytes() == whole


@pytest.mark.parametrize("trouble", ["a file", "full disk"])
def test_a_cache_that_cannot_be_written_costs_only_time(pets, cache, monkeypatch, trouble):
    expected = load_data(pets).fingerprint()
    shutil.rmtree(cache)
    if trouble == "a file":
        cache.write_bytes(b"where the folder should be")
    else:

        def full(content, file):
            raise RuntimeError("PytorchStreamWriter failed writing file data.pkl")

        monkeypatch.setattr(torch, "save", full)
    with pytest.warns(UserWarning, match="cannot be kept, and must be decoded again: "):
        assert load_data(pets).fingerprint() == expected


def test_files_exchanged_with_the_same_size_and_time_are_seen(pets):
    cat, dog = (pets / "train" / name / "9.bmp" for name in ("cat", "dog"))
    save(cat, (1, 1, 1))
    save(dog, (2, 2, 2))
    for path in (cat, dog):
        os.utime(path, ns=(10**18, 10**18))
    assert colours(load_data(pets).train)[2::3] == [(1, 1, 1), (2, 2, 2)]
    cat.rename(cat.with_name("aside"))
    dog.rename(cat)
    cat.with_name("aside").rename(dog)
    assert colours(load_data(pets).train)[2::3] == [(2, 2, 2), (1, 1, 1)]


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_content_is_seen_where_the_file_system_tells_no_change(pets, monkeypatch, place):
    whole = os.stat

    def coarse(path, **options):  # as on a memory card, or under Windows
        status = whole(path, **options)
        return os.stat_result(status[:10], {"st_mtime_ns": 10**18, "st_ctime_ns": 10**18})

    monkeypatch.setattr(os, "stat", coarse)
    path = pets / "train" / "cat" / "9.bmp"
    save(path, (1, 1, 1), size=(80, 80))
    before = load_data(pets).fingerprint()
    content = bytearray(path.read_bytes())
    content[{"start": 60, "middle": len(content) // 2, "end": len(content) - 3}[place]] = 255
    path.write_bytes(content)
    assert load_data(pets).fingerprint() != before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not UTF-8")
def test_names_need_not_be_utf8(pets, kept):
    latin = os.fsdecode(b"caf\xe9")
    (pets / "train" / "cat" / "0.png").rename(pets / "train" / "cat" / f"{latin}.png")
    for split in ("train", "test"):
        (pets / split / "dog").rename(pets / split / latin)
    folder = pets.rename(pets.with_name(latin))
    for _ in range(2):
        data = load_data(folder)
        assert data.name == r"caf\xe9"
        assert data.classes == (r"caf\xe9", "cat")
        assert len(kept()) == 1
    (folder / "test" / latin / "bad.png").write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"caf\\xe9.bad\.png") as caught:
        load_data(folder)
    str(caught.value).encode()  # can be printed
    shutil.rmtree(folder / "train")
    with pytest.raises(ValueError, match=r"the folder train in .*caf\\xe9") as caught:
        load_data(folder)
    str(caught.value).encode()
