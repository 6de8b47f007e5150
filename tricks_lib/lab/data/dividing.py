"""Images of a folder divided into those to learn from, to choose by and to judge by.

Chapter: notebooks/00_baseline.ipynb
"""

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, isclose

from .listing import Listing, readable, readable_path, sample

__all__ = ["Division", "divide", "group_names"]

SPLITS = {2: ("train", "test"), 3: ("train", "validation", "test")}
"""What the shares are for, by how many there are."""

NAMED = 10
"""How many files or classes a message names."""


@dataclass(frozen=True)
class Division:
    """How a folder of classes is divided.

    Args:
        shares: of train and test, or of train, validation and test, each above 0, 1 together; None
            for 0.7, 0.1 and 0.2.
        group_by: regular expression that is searched for in the name of a file, its path inside
            its class. Files for which it finds the same (its first group, if it has one) stay
            together. None: only copies of one file do.
        seed: fixes which images go where.

    Raises:
        ValueError: if the shares or the expression are none.
    """

    shares: tuple[float, ...] | None = None
    group_by: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the shares and the expression."""
        shares = self.shares
        if shares is not None and not (
            len(shares) in SPLITS and all(share > 0 for share in shares) and isclose(sum(shares), 1)
        ):
            raise ValueError(
                "split must be the shares of train and test, or of train, validation and test, "
                f"each above 0, 1 together, such as (0.7, 0.1, 0.2), got {shares}"
            )
        if self.group_by is not None:
            try:
                re.compile(self.group_by)
            except re.error as error:
                raise ValueError(
                    f"group_by must be a regular expression such as r'^(.*?)_', "
                    f"got {self.group_by!r}: {error}"
                ) from error

    def chosen(self, usual: Sequence[float]) -> dict[str, float]:
        """Return the shares by split; the usual ones if none were asked for."""
        shares = self.shares or tuple(usual)
        return dict(zip(SPLITS[len(shares)], shares, strict=True))


def divide(whole: Listing, shares: dict[str, float], division: Division) -> dict[str, Listing]:
    """Divide the images of each class by the shares, groups whole.

    The same files get the same places wherever the folder is: the seed and the content (or the
    names of the groups) decide, not a generator, so that one more file moves few of the others.

    Args:
        whole: all images.
        shares: by the name of the split.
        division: what stays together, and the seed.

    Returns:
        A listing of each split, in the order of the whole.

    Raises:
        ValueError: if a class has fewer groups than there are splits, or the expression finds
            nothing in a name.
    """
    names = group_names(whole, division.group_by) if division.group_by else _contents(whole)
    members = defaultdict(list)
    for position, name in enumerate(names):
        members[name].append(position)
    inside = [Counter(whole.labels[place] for place in group) for group in members.values()]
    order = _order(list(members), [len(group) for group in members.values()], division.seed)
    parts = _assign([inside[number] for number in order], whole, list(shares.values()))
    place_of = [0] * len(whole.paths)
    groups = list(members.values())
    for number, part in zip(order, parts, strict=True):
        for position in groups[number]:
            place_of[position] = part
    splits = {}
    for part, name in enumerate(shares):
        kept = [position for position, place in enumerate(place_of) if place == part]
        splits[name] = Listing(
            whole.root,
            whole.classes,
            [whole.paths[position] for position in kept],
            [whole.labels[position] for position in kept],
        )
    splits["train"].others, splits["train"].strays = whole.others, whole.strays
    _check_all_classes(splits, whole, inside, bool(division.group_by))
    return splits


def group_names(listing: Listing, pattern: str) -> list[str]:
    """Return what the expression finds in the name of each file.

    Raises:
        ValueError: if it finds nothing in some.
    """
    search = re.compile(pattern).search
    found, without = [], []
    for path, label in zip(listing.paths, listing.labels, strict=True):
        name = os.path.relpath(path, listing.root / listing.classes[label]).replace(os.sep, "/")
        match = search(name)
        if match is None:
            without.append(name)
            continue
        found.append((match[1] if match.re.groups else match[0]) or "")
    if without:
        more = f", and {len(without) - NAMED} more" if len(without) > NAMED else ""
        raise ValueError(
            f"expected group_by={pattern!r} to find something in the name of every image, "
            f"got nothing in {', '.join(map(readable, without[:NAMED]))}{more}"
        )
    return found


def _contents(whole: Listing) -> list[str]:
    """Return a name for the content of each file: copies of a file have the same."""

    def short(path: str) -> bytes:
        with open(path, "rb") as file:
            return sample(file, os.stat(file.fileno()).st_size)

    def all_of(path: str) -> bytes:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    names = [_hash_of(path, short) for path in whole.paths]
    often = Counter(names)
    # A sample may agree where the files do not: bitmaps with the same border.
    return [
        _hash_of(path, all_of) if often[name] > 1 else name
        for path, name in zip(whole.paths, names, strict=True)
    ]


def _hash_of(path: str, read: Callable[[str], bytes]) -> str:
    try:
        return hashlib.sha256(read(path)).hexdigest()
    except OSError:  # it is named when it is decoded
        return path


def _order(names: list[str], sizes: list[int], seed: int) -> list[int]:
    """Return the groups in the order in which they are placed: large ones first, else by chance."""

    def chance(name: str) -> bytes:
        return hashlib.sha256(f"{seed} ".encode() + os.fsencode(name)).digest()

    return sorted(range(len(names)), key=lambda number: (-sizes[number], chance(names[number])))


def _assign(groups: list[Counter], whole: Listing, shares: list[float]) -> list[int]:
    """Choose a part for each group: the one that lacks most of the group's classes.

    A class that has only as many groups left as there are parts without it puts one into each.

    Args:
        groups: images by class, of each group, in the order in which they are placed.
        whole: all images.
        shares: of each part.
    """
    lacking = {
        label: _whole_numbers(count, shares) for label, count in Counter(whole.labels).items()
    }
    left = Counter(label for group in groups for label in group)
    without = {label: set(range(len(shares))) for label in lacking}
    places = []
    for group in groups:
        open_to = set(range(len(shares)))
        for label in group:
            if left[label] <= len(without[label]):
                open_to = open_to & without[label] or open_to
        place = max(
            sorted(open_to),
            key=lambda part: sum(count * lacking[label][part] for label, count in group.items()),
        )
        for label, count in group.items():
            lacking[label][place] -= count
            without[label].discard(place)
            left[label] -= 1
        places.append(place)
    return places


def _whole_numbers(count: int, shares: list[float]) -> list[int]:
    """Divide a number of images by the shares, by the largest remainders, at least one each."""
    exact = [count * share for share in shares]
    counts = [floor(number + 1e-9) for number in exact]
    by_remainder = sorted(range(len(shares)), key=lambda part: counts[part] - exact[part])
    for part in by_remainder[: count - sum(counts)]:
        counts[part] += 1
    for part, number in enumerate(counts):
        if not number and max(counts) > 1:
            counts[counts.index(max(counts))] -= 1
            counts[part] = 1
    return counts


def _check_all_classes(
    splits: dict[str, Listing], whole: Listing, groups: list[Counter], grouped: bool
) -> None:
    """Refuse a division that leaves a split without one of the classes."""
    in_all = set.intersection(*(set(split.labels) for split in splits.values()))
    short = [label for label in range(len(whole.classes)) if label not in in_all]
    if short:
        kind = "groups" if grouped else "different images"
        have = ", ".join(
            f"{readable(whole.classes[label])} has {sum(label in group for group in groups)}"
            for label in short[:NAMED]
        )
        more = f", and {len(short) - NAMED} classes more" if len(short) > NAMED else ""
        raise ValueError(
            f"expected {kind} of each class of {readable_path(whole.root)} for each of "
            f"{', '.join(splits)}, too few to divide them: {have}{more}"
        )
