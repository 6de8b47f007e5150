"""AutoAugment against torchvision: policies, magnitudes, and every operation on every image."""

from collections import Counter

import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from tricks_lib import AutoAugment
from tricks_lib.augment.autoaugment import (
    GEOMETRIC,
    NAMES,
    POLICIES,
    SIGNED,
    TONAL,
    apply,
    magnitude,
)
from tricks_lib.ops import pixels

THEIRS = v2.AutoAugment()
policies = pytest.mark.parametrize("policy", POLICIES)


def blobs(shape):
    coarse = torch.rand(shape[0], shape[1], 4, 4)
    smooth = torch.nn.functional.interpolate(coarse, shape[2:], mode="bicubic")
    return (255 * (smooth + 0.05 * torch.randn(shape)).clamp(0, 1)).to(torch.uint8)


def by_torchvision(image, plan, number, policy, fill=None):
    for step in (0, 1):
        if plan.operation[number, step] < 0:
            continue
        name, _, index = POLICIES[policy][plan.sub_policy[number]][step]
        assert NAMES[plan.operation[number, step]] == name
        values, signed = THEIRS._AUGMENTATION_SPACE[name]
        values = values(10, *image.shape[-2:])
        amount = 0.0 if values is None else float(values[index])
        if signed and plan.negative[number, step]:
            amount = -amount
        image = THEIRS._apply_image_or_video_transform(
            image, name, amount, "nearest", {torch.Tensor: fill}
        )
    return image


@pytest.mark.parametrize("policy", v2.AutoAugmentPolicy)
def test_policies_are_torchvisions(policy):
    theirs = tuple(map(tuple, v2.AutoAugment(policy)._policies))
    assert POLICIES[policy.value] == theirs


@pytest.mark.parametrize("name", NAMES)
def test_magnitudes_are_torchvisions(name):
    values, signed = THEIRS._AUGMENTATION_SPACE[name]
    values = values(10, 331, 662)
    assert signed == (name in SIGNED)
    if values is None:
        assert magnitude(name, None) == 0
        return
    scale = {"TranslateX": 662, "TranslateY": 331}.get(name, 1)
    mine = torch.tensor([scale * magnitude(name, index) for index in range(10)])
    torch.testing.assert_close(mine, values.float(), rtol=1e-6, atol=0)


def test_every_operation_is_known():
    assert set(NAMES) == set(THEIRS._AUGMENTATION_SPACE)
    assert (*GEOMETRIC, *TONAL) == NAMES


@policies
@pytest.mark.parametrize(
    "shape", [(300, 3, 32, 32), (100, 1, 28, 28), (60, 3, 17, 40), (6, 3, 224, 224)], ids=str
)
def test_every_image_is_torchvisions(policy, shape):
    torch.manual_seed(0)
    images = blobs(shape)
    plan = AutoAugment(policy).draw(shape[0])
    found = apply(images, plan, policy, 0)
    for number, image in enumerate(images):
        assert torch.equal(found[number], by_torchvision(image, plan, number, policy))


@policies
def test_photographs_are_torchvisions(policy, photographs):
    torch.manual_seed(1)
    images = photographs.repeat(12, 1, 1, 1)
    plan = AutoAugment(policy).draw(len(images))
    found = apply(images, plan, policy, (10, 20, 30))
    for number, image in enumerate(images):
        expected = by_torchvision(image, plan, number, policy, [10, 20, 30])
        assert torch.equal(found[number], expected)


@pytest.mark.parametrize("name", TONAL)
@pytest.mark.parametrize("index", range(10))
def test_every_tonal_magnitude_is_torchvisions(name, index, photographs):
    flat = torch.full((1, 3, 32, 32), 90, dtype=torch.uint8)
    images = torch.cat(
        [photographs, flat, blobs((4, 3, 32, 32)), flat.new_tensor([0, 255]).repeat(1, 3, 32, 16)]
    )
    signed = name in SIGNED
    if name in ("AutoContrast", "Equalize", "Invert"):
        index = None
    for sign in (1, -1) if signed else (1,):
        amount = sign * magnitude(name, index)
        found = TONAL[name](images, torch.full((len(images),), amount, dtype=torch.float64))
        for image, mine in zip(images, found, strict=True):
            expected = THEIRS._apply_image_or_video_transform(
                image, name, amount, "nearest", {torch.Tensor: None}
            )
            assert torch.equal(mine, expected)


def test_tiny_images_pass_through_sharpness():
    images = torch.randint(0, 256, (3, 3, 2, 9), dtype=torch.uint8)
    same = TONAL["Sharpness"](images, torch.full((3,), 0.9, dtype=torch.float64))
    assert torch.equal(same, images)


@policies
def test_frequencies_are_those_of_the_policy(policy):
    """Each operation's count is binomial; one of some dozens at 1e-4 would fail by chance."""
    torch.manual_seed(0)
    count = 50_000
    plan = AutoAugment(policy).draw(count)
    drawn = Counter(NAMES[number] for number in plan.operation.flatten().tolist() if number >= 0)
    for name in NAMES:
        rates = [p for row in POLICIES[policy] for operation, p, _ in row if operation == name]
        mean = count / 25 * sum(rates)
        variance = count / 25 * sum(p * (1 - p / 25) for p in rates)
        assert abs(drawn[name] - mean) <= 4 * variance**0.5 + 1e-9
    assert stats.chisquare(torch.bincount(plan.sub_policy)).pvalue > 1e-3
    assert stats.binomtest(int(plan.negative.sum()), 2 * count, 0.5).pvalue > 1e-3
    untouched = (plan.operation < 0).all(dim=1).float().mean().item()
    expected = {"cifar10": 0.223, "svhn": 0.094, "imagenet": 0.150}[policy]
    assert untouched == pytest.approx(expected, abs=0.008)


def test_the_size_of_the_parts_does_not_matter(monkeypatch):
    images = blobs((40, 3, 32, 32))
    results = []
    for part, chunk in ((10**9, 10**9), (5000, 2000), (1, 1)):
        monkeypatch.setattr(pixels, "_PART", part)
        monkeypatch.setattr(pixels, "_CHUNK", chunk)
        torch.manual_seed(2)
        results.append(AutoAugment("imagenet")(images))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_mean_colour_comes_into_view():
    images = torch.full((400, 3, 16, 16), 40, dtype=torch.uint8)
    images[::2] = 60
    plan = AutoAugment("svhn").draw(400)
    plan.operation[plan.operation >= len(GEOMETRIC)] = -1
    assert set(apply(images, plan, "svhn", None).unique().tolist()) == {40, 50, 60}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"policy": "cifar100"}, ValueError, "one of cifar10, svhn, imagenet, got 'cifar100'"),
        ({"fill": "black"}, TypeError, "fill must be a number"),
    ],
)
def test_parameters_out_of_range(arguments, error, message):
    with pytest.raises(error, match=message):
        AutoAugment(**arguments)
