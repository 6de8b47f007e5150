"""AutoAugment and its kin against torchvision: policies, magnitudes, and every operation on every
image."""

import gc
from collections import Counter

import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from tricks_lib import AutoAugment, RandAugment, TrivialAugment, apply_operations
from tricks_lib.augment.autoaugment import (
    GEOMETRIC,
    NAMES,
    POLICIES,
    SIGNED,
    TONAL,
    largest,
    magnitudes,
)
from tricks_lib.augment.trivial_augment import widest
from tricks_lib.ops import pixels

THEIRS = v2.AutoAugment()
SPACES = {
    v2.AutoAugment: (largest, 10),
    v2.RandAugment: (largest, 31),
    v2.TrivialAugmentWide: (widest, 31),
}
"""Their class -> our largest magnitudes, and how many there are."""

BLENDS = ("Brightness", "Color", "Contrast", "Sharpness")
"""Operations whose sums a processor may round in another way than in torchvision."""

policies = pytest.mark.parametrize("policy", POLICIES)
defaults = pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)


def blobs(shape):
    coarse = torch.rand(shape[0], shape[1], 4, 4)
    smooth = torch.nn.functional.interpolate(coarse, shape[2:], mode="bicubic")
    return (255 * (smooth + 0.05 * torch.randn(shape)).clamp(0, 1)).to(torch.uint8)


def by_torchvision(images, draw, fill=None):
    results = []
    for image, numbers, amounts in zip(images, *map(torch.Tensor.tolist, draw), strict=True):
        for number, amount in zip(numbers, amounts, strict=True):
            image = THEIRS._apply_image_or_video_transform(
                image, NAMES[number], amount, "nearest", {torch.Tensor: fill}
            )
        results.append(image)
    return torch.stack(results)


def check_same(found, expected):
    """Check that images are the same, but for a byte in 10,000 that was rounded to another level,
    which Equalize, say, may then carry further."""
    other = (found != expected).flatten(1).float().mean(dim=1)
    assert other.mean() <= 1e-4
    assert other.max() <= 1e-2


# --- Policies and magnitudes ---


@pytest.mark.parametrize("policy", v2.AutoAugmentPolicy)
def test_policies_are_torchvisions(policy):
    theirs = tuple(map(tuple, v2.AutoAugment(policy)._policies))
    assert POLICIES[policy.value] == theirs


@pytest.mark.parametrize("bins", [10, 31, 2])
@pytest.mark.parametrize("theirs", SPACES)
def test_magnitudes_are_torchvisions(theirs, bins):
    for height, width in ((331, 662), (993, 28), (17, 40)):
        table = magnitudes(SPACES[theirs][0], bins, height, width)
        for name, (values, signed) in theirs._AUGMENTATION_SPACE.items():
            values = values(bins, height, width)
            values = torch.zeros(bins) if values is None else values
            one, other = table[:, NAMES.index(name)]
            assert torch.equal(one, values.double())
            assert torch.equal(other, -one if signed else one)
            assert signed == (name in SIGNED)


def test_translations_are_torchvisions_at_every_width():
    values = THEIRS._AUGMENTATION_SPACE["TranslateX"][0]
    for side in range(1, 1100):
        for row, name in enumerate(("TranslateY", "TranslateX")):
            size = (7, side) if row else (side, 7)
            found = magnitudes(largest, 10, *size)[0, NAMES.index(name)]
            assert found.long().tolist() == values(10, 7, side).long().tolist()


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (28, [0, 1, 2, 4, 5, 7, 8, 9, 11, 12]),
        (32, [0, 1, 3, 4, 6, 8, 9, 11, 12, 14]),
        (331, [0, 16, 33, 50, 66, 83, 100, 116, 133, 150]),  # the search's own size
        (662, [0, 33, 66, 100, 133, 166, 200, 233, 266, 300]),
        (993, [0, 50, 100, 150, 200, 250, 300, 350, 400, 450]),
    ],
)
def test_translations_in_pixels(side, expected):
    image = torch.zeros(1, 1, 1, side, dtype=torch.uint8)
    image[..., 0] = 255
    draw = torch.full((10, 1), NAMES.index("TranslateX"))
    much = magnitudes(largest, 10, 1, side)[0, NAMES.index("TranslateX")][:, None]
    moved = apply_operations(image.expand(10, -1, -1, -1), draw, much)
    assert moved.flatten(1).int().argmax(dim=1).tolist() == expected


def test_every_operation_is_known():
    spaces = [space._AUGMENTATION_SPACE for space in SPACES]
    assert set(NAMES) == set().union(*spaces)
    assert ("Identity", *GEOMETRIC, *TONAL) == NAMES


# --- Results ---


@policies
@pytest.mark.parametrize(
    "shape", [(300, 3, 32, 32), (100, 1, 28, 28), (60, 3, 17, 40), (6, 3, 224, 224)], ids=str
)
def test_every_image_is_torchvisions(policy, shape):
    torch.manual_seed(0)
    images, trick = blobs(shape), AutoAugment(policy, fill=0)
    draw = trick.draw(shape)
    check_same(trick.apply(images, draw), by_torchvision(images, draw, 0))


@pytest.mark.parametrize("trick", [RandAugment(3, 30, fill=7), TrivialAugment(fill=7)], ids=repr)
@pytest.mark.parametrize("shape", [(300, 3, 32, 32), (100, 1, 28, 28), (60, 3, 17, 40)], ids=str)
def test_random_operations_are_torchvisions(trick, shape):
    torch.manual_seed(0)
    images, draw = blobs(shape), trick.draw(shape)
    check_same(trick.apply(images, draw), by_torchvision(images, draw, [7.0] * shape[1]))


@policies
def test_photographs_are_torchvisions(policy, photographs):
    torch.manual_seed(1)
    images, trick = photographs.repeat(12, 1, 1, 1), AutoAugment(policy, fill=(10, 20, 30))
    draw = trick.draw(images.shape)
    check_same(trick.apply(images, draw), by_torchvision(images, draw, [10, 20, 30]))


@pytest.mark.parametrize("space", SPACES.values(), ids=["AutoAugment", "Rand", "TrivialWide"])
@pytest.mark.parametrize("name", NAMES)
def test_every_magnitude_is_torchvisions(name, space, photographs):
    flat = torch.full((1, 3, 32, 32), 90, dtype=torch.uint8)
    steps = flat.new_tensor([0, 255]).repeat(1, 3, 32, 16)
    images = torch.cat([photographs[:2], flat, blobs((2, 3, 32, 32)), steps])
    images = torch.cat([images, images[..., :19]], dim=3)[..., :45]
    function, bins = space
    much = magnitudes(function, bins, 32, images.shape[-1])[:, NAMES.index(name)].flatten().unique()
    images = images.repeat_interleave(len(much), dim=0)
    amount = much.repeat(len(images) // len(much))[:, None]
    operation = torch.full_like(amount, NAMES.index(name), dtype=torch.long)
    found = apply_operations(images, operation, amount, fill=3)
    expected = by_torchvision(images, (operation, amount), 3)
    if name in BLENDS:
        assert (found.int() - expected.int()).abs().max() <= 1
        check_same(found, expected)
    else:
        assert torch.equal(found, expected)


def test_tiny_images_pass_through_sharpness():
    images = torch.randint(0, 256, (3, 3, 2, 9), dtype=torch.uint8)
    same = TONAL["Sharpness"](images, torch.full((3,), 0.9, dtype=torch.float64))
    assert torch.equal(same, images)


# --- Draws ---


@policies
def test_frequencies_are_those_of_the_policy(policy):
    """Each operation's count is binomial; one of some dozens at 1e-4 would fail by chance."""
    torch.manual_seed(0)
    count = 50_000
    draw = AutoAugment(policy).draw((count, 3, 32, 32))
    drawn = Counter(NAMES[number] for number in draw.operation.flatten().tolist() if number)
    for name in NAMES[1:]:
        rates = [p for row in POLICIES[policy] for operation, p, _ in row if operation == name]
        mean = count / 25 * sum(rates)
        variance = count / 25 * sum(p * (1 - p / 25) for p in rates)
        assert abs(drawn[name] - mean) <= 4 * variance**0.5 + 1e-9
    signed = torch.tensor([name in SIGNED for name in NAMES])[draw.operation]
    ways = draw.amount[signed & (draw.amount != 0)] < 0
    assert stats.binomtest(int(ways.sum()), len(ways), 0.5).pvalue > 1e-3
    untouched = (draw.operation == 0).all(dim=1).float().mean().item()
    expected = {"cifar10": 0.223, "svhn": 0.094, "imagenet": 0.150}[policy]
    assert untouched == pytest.approx(expected, abs=0.008)


def test_all_pairs_are_equally_likely():
    torch.manual_seed(0)
    shares = tuple(
        (("Rotate", 1.0, index), ("Solarize", 1.0, other))
        for index in range(1, 6)
        for other in range(5)
    )
    amount = AutoAugment(shares).draw((20_000, 3, 32, 32)).amount
    first, second = (amount[:, 0].abs() * 9 / 30).round(), ((1 - amount[:, 1]) * 9).round()
    pairs = torch.bincount((5 * (first - 1) + second).long(), minlength=25)
    assert stats.chisquare(pairs).pvalue > 1e-3


@pytest.mark.parametrize(
    ("trick", "theirs"),
    [(RandAugment(3, 9), v2.RandAugment), (TrivialAugment(), v2.TrivialAugmentWide)],
)
def test_all_operations_and_magnitudes_are_equally_likely(trick, theirs):
    torch.manual_seed(0)
    draw = trick.draw((30_000, 3, 32, 48))
    assert draw.operation.shape == draw.amount.shape == (30_000, getattr(trick, "num_ops", 1))
    counts = torch.bincount(draw.operation.flatten(), minlength=len(NAMES))
    names = {name for name, count in zip(NAMES, counts.tolist(), strict=True) if count}
    assert names == set(theirs._AUGMENTATION_SPACE)
    assert stats.chisquare(counts[counts > 0]).pvalue > 1e-3
    for name, (values, signed) in theirs._AUGMENTATION_SPACE.items():
        amounts = draw.amount[draw.operation == NAMES.index(name)]
        values = values(31, 32, 48)
        values = torch.zeros(31) if values is None else values
        if theirs is v2.RandAugment:
            values = values[9:10]
        assert set(amounts.abs().tolist()) == set(values.tolist())
        if signed:
            ways = amounts[amounts != 0] < 0
            assert stats.binomtest(int(ways.sum()), len(ways), 0.5).pvalue > 1e-4
            sizes = amounts.abs().unique(return_counts=True)[1]
            assert len(sizes) == 1 or stats.chisquare(sizes).pvalue > 1e-4
        else:
            assert (amounts >= 0).all()


TRICKS = [
    AutoAugment("imagenet"),
    AutoAugment("svhn", fill=9),
    RandAugment(2, 20),
    TrivialAugment(),
]
tricks = pytest.mark.parametrize("trick", TRICKS, ids=repr)


@tricks
def test_a_draw_is_applied_again(trick):
    images = blobs((20, 3, 17, 23))
    torch.manual_seed(2)
    expected = trick(images)
    torch.manual_seed(2)
    assert torch.equal(trick.apply(images, trick.draw(images.shape)), expected)
    draws = [trick.draw(images.shape, generator=torch.Generator().manual_seed(8)) for _ in "ab"]
    assert all(map(torch.equal, *draws))
    assert len(trick.draw((3, 17, 23)).operation) == 1


@tricks
@defaults
def test_torchs_default_type_does_not_matter(trick, default):
    images = blobs((60, 3, 17, 23))
    torch.manual_seed(2)
    expected = trick(images)
    magnitudes.cache_clear()
    torch.manual_seed(2)
    torch.set_default_dtype(default)
    try:
        found = trick(images)
    finally:
        torch.set_default_dtype(torch.float32)
        magnitudes.cache_clear()
    assert torch.equal(found, expected)


@tricks
def test_the_size_of_the_parts_does_not_matter(trick, monkeypatch):
    images = blobs((40, 3, 32, 32))
    results = []
    for part, chunk in ((10**9, 10**9), (5000, 2000), (1, 1)):
        monkeypatch.setattr(pixels, "_PART", part)
        monkeypatch.setattr(pixels, "_CHUNK", chunk)
        torch.manual_seed(2)
        results.append(trick(images))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def bytes_of_tensors():
    """Add up the memory of all tensors that there are."""
    tensors = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor]
    storages = [tensor.untyped_storage() for tensor in tensors]
    return sum({one.data_ptr(): one.nbytes() for one in storages}.values())


@tricks
def test_nothing_worth_mentioning_is_kept(trick):
    gc.collect()
    before = bytes_of_tensors()
    for height, width in ((300, 400), (400, 300), (500, 333)):
        trick(torch.zeros(40, 1, height, width, dtype=torch.uint8))
    gc.collect()
    kept = bytes_of_tensors() - before
    assert kept < 100_000, f"{kept / 1e6:.1f} MB are kept"


# --- Arguments ---


@pytest.mark.parametrize("trick", [AutoAugment("svhn"), TrivialAugment()], ids=repr)
def test_mean_colour_comes_into_view(trick):
    images = torch.full((400, 3, 16, 16), 40, dtype=torch.uint8)
    images[::2] = 60
    operation, amount = trick.draw(images.shape)
    moves = operation.where(operation <= len(GEOMETRIC), 0)
    found = apply_operations(images, moves, amount, fill=None)
    assert set(found.unique().tolist()) == {40, 50, 60}


def test_a_policy_of_ones_own():
    mine = AutoAugment([[["Invert", 1, None], ("Posterize", 1.0, 9)]], fill=0)
    same = AutoAugment(((("Invert", 1.0, None), ("Posterize", 1.0, 9)),), fill=0)
    assert mine == same
    assert hash(mine) == hash(same)
    assert eval(repr(mine)) == mine
    images = blobs((5, 3, 8, 8))
    assert torch.equal(mine(images), (255 - images) // 16 * 16)
    never = AutoAugment(((("Invert", 0.0, None), ("Rotate", 0.0, 9)),))
    assert torch.equal(never(images), images)


def test_a_published_policy_may_be_given_as_data():
    images = blobs((64, 3, 16, 16))
    results = []
    for policy in ("svhn", POLICIES["svhn"]):
        torch.manual_seed(3)
        results.append(AutoAugment(policy)(images))
    assert torch.equal(*results)


def test_the_plainest_trivial_augment_is_all_or_nothing():
    amounts = TrivialAugment(2).draw((500, 3, 32, 32)).amount.abs()
    allowed = {0.0, 1.0, 2.0, 8.0, 32.0, 135.0, *torch.tensor([0.99]).tolist()}
    assert set(amounts.flatten().tolist()) <= allowed


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"operation": torch.zeros(3, 2).long()}, ValueError, "expected operation for each of 4"),
        ({"amount": torch.zeros(1, 2)}, ValueError, "expected amount for each of 4 images"),
        ({"amount": torch.zeros(4, 1)}, ValueError, r"one shape \(B, steps\), got \(4, 2\)"),
        ({"operation": torch.full((4, 2), 15)}, ValueError, "operation must lie in 0 ... 14"),
        ({"operation": torch.full((4, 2), -1)}, ValueError, "operation must lie in 0 ... 14"),
        ({"amount": torch.full((4, 2), torch.nan)}, ValueError, "amount must be a number"),
        ({"operation": [[1, 2]] * 4}, TypeError, "expected operation for each of 4 images"),
        ({"images": torch.zeros(4, 3, 8, 8)}, TypeError, "take uint8 images, got torch.float32"),
        ({"fill": 300}, ValueError, "fill must lie in 0 ... 255"),
    ],
)
def test_wrong_arguments(changes, error, message):
    arguments = {
        "images": torch.zeros(4, 3, 8, 8, dtype=torch.uint8),
        "operation": torch.zeros(4, 2, dtype=torch.long),
        "amount": torch.zeros(4, 2),
    }
    with pytest.raises(error, match=message):
        apply_operations(**arguments | changes)
