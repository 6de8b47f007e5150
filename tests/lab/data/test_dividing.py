from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricks_lib.lab.data.dividing import Division, divide, group_names
from tricks_lib.lab.data.listing import Listing

THREE = {"train": 0.7, "validation": 0.1, "test": 0.2}


def listing(**names):
    """A listing of files that are not there: each is a group of its own."""
    whole = Listing(Path("/nowhere"), list(names))
    for label, (name, files) in enumerate(names.items()):
        whole.paths += [f"/nowhere/{name}/{file}" for file in files]
        whole.labels += [label] * len(files)
    return whole


def numbered(count, prefix=""):
    return [f"{prefix}{number:04}.png" for number in range(count)]


@given(st.lists(st.integers(3, 60), min_size=2, max_size=4), st.integers(0, 99))
def test_every_image_goes_into_one_split_by_the_shares_of_its_class(counts, seed):
    whole = listing(**{f"c{number}": numbered(count) for number, count in enumerate(counts)})
    splits = divide(whole, THREE, Division(seed=seed))
    assert list(splits) == list(THREE)
    paths = [path for split in splits.values() for path in split.paths]
    assert sorted(paths) == sorted(whole.paths)
    for name, split in splits.items():
        found = Counter(split.labels)
        for label, count in enumerate(counts):
            assert found[label] >= 1
            assert abs(found[label] - THREE[name] * count) <= 1.5  # rounded, at least one each
        assert [path.split("/")[2] for path in split.paths] == [f"c{n}" for n in split.labels]
        places = [whole.paths.index(path) for path in split.paths]
        assert places == sorted(places)


def test_hundred_images_are_divided_exactly():
    splits = divide(listing(a=numbered(100), b=numbered(50)), THREE, Division())
    assert [Counter(split.labels) for split in splits.values()] == [
        {0: 70, 1: 35},
        {0: 10, 1: 5},
        {0: 20, 1: 10},
    ]


def test_the_seed_decides_and_one_more_file_moves_few():
    whole = listing(a=numbered(100), b=numbered(100))
    test = [set(divide(whole, THREE, Division(seed=seed))["test"].paths) for seed in (0, 0, 1)]
    assert test[0] == test[1]
    # Two draws of 40 of 200 share 8 on average, with a standard deviation of 2.3.
    assert len(test[0] & test[2]) < 20
    more = listing(a=numbered(101), b=numbered(100))
    assert len(test[0] - set(divide(more, THREE, Division())["test"].paths)) <= 2


def test_first_and_last_files_are_as_likely_as_others_to_be_test_images():
    whole = listing(a=numbered(10), b=numbered(10))
    found = Counter(
        path
        for seed in range(300)
        for path in divide(whole, {"train": 0.8, "test": 0.2}, Division(seed=seed))["test"].paths
    )
    # 2 of 10 in 300 draws: 60 each, with a standard deviation of 6.9.
    assert all(abs(found[path] - 60) < 4.5 * 6.9 for path in whole.paths)


@given(
    st.lists(st.integers(1, 9), min_size=6, max_size=20),
    st.lists(st.integers(1, 9), min_size=6, max_size=20),
    st.integers(0, 9),
)
def test_groups_are_never_divided(one, other, seed):
    files = {
        name: [f"{name}{video}_{frame}.png" for video, n in enumerate(sizes) for frame in range(n)]
        for name, sizes in (("a", one), ("b", other))
    }
    splits = divide(listing(**files), THREE, Division(group_by="^(.*?)_", seed=seed))
    groups = [{Path(path).name.split("_")[0] for path in split.paths} for split in splits.values()]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert all(set(split.labels) == {0, 1} for split in splits.values())


def test_a_group_may_have_images_of_several_classes():
    files = [f"{person}_{n}.png" for person in range(20) for n in range(5)]
    whole = listing(smile=files, frown=files)
    splits = divide(whole, THREE, Division(group_by=r"^(\d+)_"))
    people = {
        name: {Path(path).name.split("_")[0] for path in split.paths}
        for name, split in splits.items()
    }
    assert {name: len(found) for name, found in people.items()} == {
        "train": 14,
        "validation": 2,
        "test": 4,
    }
    assert sum(map(len, people.values())) == 20


@pytest.mark.parametrize("sizes", [[10, 10, 10], [50, 1, 1], [1, 1, 1]])
def test_as_many_groups_as_splits_go_one_into_each(sizes):
    files = [f"{video}_{frame}.png" for video, n in enumerate(sizes) for frame in range(n)]
    whole = listing(a=files, b=[f"b{file}" for file in files])
    splits = divide(whole, THREE, Division(group_by="^(.*?)_"))
    assert all(set(split.labels) == {0, 1} for split in splits.values())


def test_too_few_groups_are_refused():
    files = ["one_1.png", "one_2.png", "one_3.png", "two_1.png"]
    whole = listing(a=files, b=[f"b{n}_.png" for n in range(9)])
    with pytest.raises(ValueError, match=r"for each of train, validation, test, .*: a has 2$"):
        divide(whole, THREE, Division(group_by="^(.*?)_"))
    with pytest.raises(ValueError, match=r"expected different images of each class .*: a has 2$"):
        divide(listing(a=numbered(2), b=numbered(9)), THREE, Division())


def test_copies_of_a_file_stay_together(tmp_path):
    whole = Listing(tmp_path, ["a", "b"])
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(30):
            path = tmp_path / name / f"{number}.bmp"
            # Start, middle and end agree in all; every two files agree everywhere.
            path.write_bytes(bytes(5000) + f"{name}{number // 2:02}".encode() + bytes(40_000))
            whole.paths.append(str(path))
            whole.labels.append("ab".index(name))
    splits = divide(whole, THREE, Division())
    contents = [{Path(path).read_bytes() for path in split.paths} for split in splits.values()]
    assert sum(map(len, contents)) == 30
    assert [len(split.paths) for split in splits.values()] == [44, 4, 12]  # in pairs


def test_names_of_groups():
    whole = listing(a=["v1/x_1.png", "v1/x_2.png", "v2/x_1.png"])
    assert group_names(whole, "^(.*?)/") == ["v1", "v1", "v2"]
    assert group_names(whole, r"^[^/]+") == ["v1", "v1", "v2"]
    assert group_names(whole, r"x_(\d)|y") == ["1", "2", "1"]
    with pytest.raises(
        ValueError, match=r"'\^v1' .* in the name of every image, got nothing in v2"
    ):
        group_names(whole, "^v1")
    many = listing(a=numbered(13))
    with pytest.raises(ValueError, match=r"0009\.png, and 3 more"):
        group_names(many, "no such thing")


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 0.6), (1.2, -0.2), (0.7, 0, 0.3), (0.25,) * 4])
def test_shares_are_checked(shares):
    with pytest.raises(ValueError, match=r"split must be the shares .* such as \(0\.7, 0\.1, 0\.2"):
        Division(shares)


def test_the_expression_is_checked():
    with pytest.raises(ValueError, match=r"group_by must be a regular expression .*got '\('"):
        Division(group_by="(")
