import re
import shutil
import warnings

import pytest
from PIL import Image

from tricks_lib.lab.data import load_data


@pytest.fixture
def classes(tmp_path):
    """A folder with a folder of 20 images for each of two classes, and no splits."""
    folder = tmp_path / "pets"
    for label, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (8, 8), (100 * label, number, 7))
            image.save(folder / name / f"{number // 2}_{number % 2}.png")
    return folder


def sizes(data):
    return {name: len(split) for name, split in data.splits.items()}


def greens(split):
    return {(int(label), int(image[1, 0, 0])) for image, label in zip(split.images, split.labels)}  # noqa: B905


def test_a_folder_is_named_as_seen_from_here(classes, monkeypatch):
    monkeypatch.chdir(classes.parent)
    with pytest.warns(UserWarning, match=f"^{classes.name}: there is no test split"):
        load_data(classes.name)
    monkeypatch.chdir(classes)
    with pytest.warns(UserWarning, match=f"^{re.escape(str(classes))}: there is no"):
        load_data(classes)


def test_a_folder_of_classes_is_divided_and_says_so(classes):
    with pytest.warns(UserWarning, match="there is no test split: .* class by class") as caught:
        data = load_data(classes)
    (warning,) = caught
    said = "(cat, dog), into 70% train, 10% validation, 20% test: 28 train + 4 validation + 8 test"
    assert said in str(warning.message)
    assert "split=(0.7, 0.1, 0.2), split_seed=0" in str(warning.message)
    assert data.classes == ("cat", "dog")
    assert sizes(data) == {"train": 28, "validation": 4, "test": 8}
    found = [greens(split) for split in data.splits.values()]
    assert len(set.union(*found)) == 40
    assert data.test.labels.bincount().tolist() == [4, 4]


def test_shares_that_were_asked_for_are_no_news(classes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sizes(load_data(classes, split=(0.5, 0.5))) == {"train": 20, "test": 20}
        assert sizes(load_data(classes, split=[0.5, 0.25, 0.25]))["validation"] == 10


def test_seeds_of_a_division_have_files_of_their_own_in_the_cache(classes, kept, monkeypatch):
    split = (0.5, 0.5)
    first, second = (load_data(classes, split=split, split_seed=seed) for seed in (0, 1))
    assert greens(first.test) != greens(second.test)
    assert len(kept()) == 2
    monkeypatch.setattr(Image, "open", None)
    assert load_data(classes, split=split).fingerprint() == first.fingerprint()
    assert load_data(classes, split=split, split_seed=1).fingerprint() == second.fingerprint()


def test_groups_stay_together(classes):
    data = load_data(classes, split=(0.7, 0.1, 0.2), group_by=r"^(\d+)_")
    assert sizes(data) == {"train": 28, "validation": 4, "test": 8}
    groups = [{green // 2 for _, green in greens(split)} for split in data.splits.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 10


def test_a_split_of_training_images_alone_is_divided(classes):
    (classes.parent / "own").mkdir()
    classes.rename(classes.parent / "own" / "Train")
    with pytest.warns(UserWarning, match=r"no test split: .* \(cat, dog\), into 70% train"):
        data = load_data(classes.parent / "own")
    assert sizes(data) == {"train": 28, "validation": 4, "test": 8}


def test_beside_a_validation_split_test_images_are_held_out(classes):
    own = classes.parent / "own"
    own.mkdir()
    classes.rename(own / "train")
    for label, name in enumerate(("cat", "dog")):
        (own / "val" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (100 * label, 99, 7)).save(own / "val" / name / "0_0.png")
    with pytest.warns(UserWarning, match="a validation split and no test split: test images are "):
        data = load_data(own)
    assert sizes(data) == {"train": 32, "validation": 2, "test": 8}
    assert {green for _, green in greens(data.validation)} == {99}
    assert sizes(load_data(own, split=(0.5, 0.5))) == {"train": 20, "validation": 2, "test": 20}
    with pytest.raises(ValueError, match=r"two shares, for train and test, as .*own has a"):
        load_data(own, split=(0.7, 0.1, 0.2))
    with pytest.warns(UserWarning, match="groups of train are in validation as well: 1, such as 0"):
        load_data(own, split=(0.5, 0.5), group_by=r"^(\d+)_")


@pytest.mark.parametrize(
    ("train", "test", "validation"),
    [
        ("Train", "TEST", "Val"),
        ("training", "testing", "valid"),
        ("training_set", "test_set", "validation-set"),
        ("train images", "test images", "dev"),
    ],
)
def test_splits_have_many_names(pets, train, test, validation):
    expected = load_data(pets).fingerprint()
    (pets / "train").rename(pets / "moved")
    (pets / "moved").rename(pets / train)
    (pets / "test").rename(pets / "moved")
    (pets / "moved").rename(pets / test)
    assert load_data(pets).fingerprint() == expected
    for label, name in enumerate(("cat", "dog")):
        (pets / validation / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (label, 5, 5)).save(pets / validation / name / "0.png")
    assert sizes(load_data(pets)) == {"train": 4, "validation": 2, "test": 2}


def test_two_folders_for_one_split_are_refused(pets):
    shutil.copytree(pets / "train", pets / "Training")
    with pytest.raises(ValueError, match=r"one folder of train .*, got \['Training', 'train'\]"):
        load_data(pets)


def test_without_training_images_the_folder_is_refused(pets):
    shutil.rmtree(pets / "train")
    with pytest.raises(ValueError, match=r"expected the folder train in .*pets, got \['test'\]"):
        load_data(pets)


def test_vehicles_have_a_class_of_the_name_train(classes):
    (classes / "cat").rename(classes / "train")
    assert load_data(classes, split=(0.8, 0.2)).classes == ("dog", "train")


def test_a_folder_too_high_is_told_the_right_one(classes):
    with pytest.raises(
        ValueError, match=r"at least two classes, got \['pets'\]; .* mean .*/pets\?"
    ):
        load_data(classes.parent)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"folders train and test in .*empty, or .*, got none$"):
        load_data(tmp_path / "empty")


def test_shares_do_not_apply_where_there_are_test_images(pets):
    with pytest.raises(ValueError, match="split divides a folder that has no test images"):
        load_data(pets, split=(0.8, 0.2))


def test_groups_on_both_sides_of_given_splits_are_said(pets):
    with pytest.warns(UserWarning, match="groups of train are in test as well: 1, such as 0"):
        load_data(pets, group_by=r"^\d+")


def test_a_class_with_too_few_images_is_named(classes):
    for number in range(1, 10):
        for frame in range(2):
            (classes / "dog" / f"{number}_{frame}.png").unlink()
    with pytest.raises(ValueError, match="too few to divide them: dog has 2"):
        load_data(classes)


def test_copies_of_an_image_are_on_one_side(classes):
    for number in range(0, 20, 2):  # each even one over the odd one after it
        for name in ("cat", "dog"):
            file = classes / name / f"{number // 2}"
            shutil.copy(f"{file}_0.png", f"{file}_1.png")
    load_data(classes, split=(0.5, 0.2, 0.3))  # no warning of images in two splits


@pytest.mark.parametrize(
    "option",
    [
        {"split": (0.8, 0.2)},
        {"group_by": "x"},
        {"split_seed": 1},
        {"skip_bad": True},
        {"stream": True},
        {"decoders": 1},
    ],
)
def test_what_is_for_folders_does_not_apply_to_names(option):
    with pytest.raises(ValueError, match="are for folders, got the data set 'digits'"):
        load_data("digits", **option)
