"""Which folders of a data set of your own are for training, for choices and for judging.

Chapter: notebooks/00_baseline.ipynb
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .decoding import suffixes
from .dividing import Division, divide, group_names
from .listing import Listing, list_classes, passed_over, readable, readable_path, scan

__all__ = ["list_splits"]

ROLES = {
    role: re.compile(rf"({names})[-_ ]?(sets?|data|images?|split|folder)?", re.IGNORECASE)
    for role, names in (
        ("train", "train|training"),
        ("validation", "val|valid|validation|dev"),
        ("test", "test|testing"),
    )
}
"""The names that the folder of a split may have, in capitals or not: `Train`, `training_set`."""

USUAL = (0.7, 0.1, 0.2)
"""Shares of train, validation and test, of a folder that has no splits."""

USUAL_TEST = (0.8, 0.2)
"""Shares of train and test, of training images that stand beside a validation split alone."""


def list_splits(
    folder: Path, division: Division | None = None
) -> tuple[dict[str, Listing], list[str]]:
    """Find the images of each split, or divide them where they are not divided yet.

    - `train` and `test`, and perhaps a validation split: they are taken as they are.
    - `train` and a validation split: the test images are held out of `train`. To call the
      validation split the test split would judge by images that have chosen.
    - `train` alone, or a folder for each class: they are divided.

    Args:
        folder: where they are.
        division: how to divide them.

    Returns:
        The splits by name, and what was passed over or decided, in sentences.

    Raises:
        FileNotFoundError: if there is no such folder.
        NotADirectoryError: if it is a file.
        ValueError: if it is laid out in another way, or a folder inside cannot be opened.
    """
    division = division or Division()
    shown = readable_path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {shown}")
    if not folder.is_dir():
        raise NotADirectoryError(f"expected a folder with train and test in it, got {shown}")
    there, files = scan(str(folder))
    roles = _roles(folder, there)
    if not roles:
        whole = _classes_of(folder, there)
        return _divided(whole, division, shown, list(passed_over({"train": whole}, [], [])))
    if "train" not in roles:
        raise ValueError(f"expected the folder train in {shown}, got {there}")
    listings = {role: list_classes(folder / roles[role]) for role in roles}
    for listing in listings.values():
        _check_classes(listing, listings["train"])
    strays = [str(folder / name) for name in files if _looks_like_an_image(name)]
    unused = [name for name in there if name not in roles.values()]
    notes = list(passed_over(listings, strays, unused))
    if "test" not in roles:
        return _divided(listings.pop("train"), division, shown, notes, **listings)
    if division.shares:
        raise ValueError(
            f"split divides a folder that has no test images, and {shown} has some: leave it out "
            "(data.hold_out(...) takes validation images from train)"
        )
    order: list[str] = ["train", "test", "validation"]
    splits = {name: listings[name] for name in order if name in listings}
    if division.group_by:
        notes += _groups_in_two(splits, division.group_by)
    return splits, notes


def _roles(folder: Path, there: list[str]) -> dict[str, str]:
    """Return the folders of the splits by role; none if the folders are classes.

    A folder that holds no folder is a class, even if its name is "train": there are vehicles.
    """
    found = defaultdict(list)
    for name in there:
        for role, names in ROLES.items():
            if names.fullmatch(name):
                found[role].append(name)
    named = [name for folders in found.values() for name in folders]
    others = len(named) < len(there)
    if others and not any(scan(str(folder / name))[0] for name in named):
        return {}
    for role, folders in found.items():
        if len(folders) > 1:
            raise ValueError(
                f"expected one folder of {role} images in {readable_path(folder)}, got {folders}"
            )
    return {role: folders[0] for role, folders in found.items()}


def _classes_of(folder: Path, there: list[str]) -> Listing:
    """List a folder of classes; one that is none may lie a folder too high."""
    if len(there) < 2:
        inside = folder / there[0] if there else folder
        deeper = scan(str(inside))[0] if there else []
        hint = f"; did you mean {readable_path(inside)}?" if len(deeper) > 1 else ""
        raise ValueError(
            f"expected the folders train and test in {readable_path(folder)}, or a folder for "
            f"each of at least two classes, got {list(map(readable, there)) or 'none'}{hint}"
        )
    return list_classes(folder)


def _divided(
    whole: Listing, division: Division, shown: str, notes: list[str], **validation: Listing
) -> tuple[dict[str, Listing], list[str]]:
    """Divide the images; say so where nobody asked for it.

    Args:
        whole: the images to divide.
        division: how.
        shown: what the folder is called.
        notes: what else there is to say.
        validation: a split that stands beside them.
    """
    if validation and division.shares and len(division.shares) == 3:
        raise ValueError(
            f"expected two shares, for train and test, as {shown} has a validation split, "
            f"got split={division.shares}"
        )
    shares = division.chosen(USUAL_TEST if validation else USUAL)
    splits = divide(whole, shares, division)
    if validation and division.group_by:
        notes += _groups_in_two(splits | validation, division.group_by)
    if division.shares is None:
        counts = " + ".join(f"{len(split.paths):,} {name}" for name, split in splits.items())
        percent = ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
        how = "in whole groups" if division.group_by else "at random"
        if validation:
            what = (
                "there is a validation split and no test split: test images are held out of train"
            )
        else:
            what = "there is no test split: the images are divided"
        names = ", ".join(map(readable, whole.classes[:5])) + ", …" * (len(whole.classes) > 5)
        notes.insert(
            0,
            f"{what} {how}, class by class ({names}), into {percent}: {counts} images "
            f"(split={tuple(shares.values())}, split_seed={division.seed})",
        )
    return splits | validation, notes


def _check_classes(split: Listing, train: Listing) -> None:
    if split.classes != train.classes:
        missing = sorted(set(train.classes) - set(split.classes)) or "none"
        extra = sorted(set(split.classes) - set(train.classes)) or "none"
        raise ValueError(
            f"expected the same classes in {readable_path(split.root)} as in "
            f"{readable(train.root.name)}: missing {missing}, not in train {extra}"
        )


def _looks_like_an_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in suffixes()


def _groups_in_two(splits: dict[str, Listing], pattern: str) -> Iterator[str]:
    """Say which groups stand in two splits that the folder came with."""
    groups = {name: set(group_names(listing, pattern)) for name, listing in splits.items()}
    names = list(groups)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            both = sorted(groups[one] & groups[other])
            if both:
                yield (
                    f"groups of {one} are in {other} as well: {len(both)}, "
                    f"such as {readable(both[0])}"
                )
