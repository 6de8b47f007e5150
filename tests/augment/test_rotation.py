"""Rotation against torchvision and Pillow, image by image with the same angles."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as V

from tricks_lib import Rotation, rotate
from tricks_lib.ops import pixels

SHAPES = [(64, 3, 32, 32), (9, 1, 13, 21), (5, 4, 28, 20)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
dtypes = pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64], ids=str)
interpolations = pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])


def noise(shape, dtype=torch.uint8):
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    return images if dtype == torch.uint8 else (images / 255).to(dtype)


def some_angles(count):
    return 360 * torch.rand(count, dtype=torch.float64) - 180


# --- Against others ---


@shapes
@dtypes
@pytest.mark.parametrize("fill", [0.0, 77.0])
def test_nearest_is_torchvisions(shape, dtype, fill):
    torch.manual_seed(3)
    images, degrees = noise(shape, dtype), some_angles(shape[0])
    found = rotate(images, degrees, fill=fill)
    for image, angle, mine in zip(images, degrees.tolist(), found, strict=True):
        assert torch.equal(mine, V.rotate(image, angle, fill=[fill] * shape[1]))


@shapes
@pytest.mark.parametrize("fill", [0.0, 77.0])
def test_bilinear_is_torchvisions_inside(shape, fill):
    """At the rim torchvision weighs the pixels twice, https://github.com/pytorch/vision/issues/8083:
    w·(w·p + (1 - w)·0 - c) + c, where w is the weight of the pixels inside."""
    torch.manual_seed(3)
    images, degrees = noise(shape), some_angles(shape[0])
    found = rotate(images, degrees, fill=fill, interpolation="bilinear")
    inside = rotate(torch.ones(shape), degrees, interpolation="bilinear").double()
    for image, angle, mine, w in zip(images, degrees.tolist(), found, inside, strict=True):
        mode = InterpolationMode.BILINEAR
        theirs = V.rotate(image, angle, interpolation=mode, fill=[fill] * shape[1]).double()
        pixels = mine - (1 - w) * fill  # Σ w p
        assert (w * (pixels - fill) + fill - theirs).abs().max() <= 1 + 1e-3
        assert (mine - theirs)[w > 1 - 1e-5].abs().max() <= 1


@pytest.mark.parametrize("size", [(40, 40), (31, 46)], ids=str)
def test_bilinear_is_pillows_inside(size):
    """At its rim Pillow repeats the border, so only points between four pixels are compared."""
    torch.manual_seed(0)
    images, degrees = noise((12, 1, *size)), some_angles(12)
    found = rotate(images, degrees, interpolation="bilinear")
    inside = rotate(torch.ones(12, 1, *size), degrees, interpolation="bilinear") > 1 - 1e-4
    for image, angle, mine, compared in zip(images, degrees.tolist(), found, inside, strict=True):
        turned = Image.fromarray(image[0].numpy()).rotate(angle, Image.Resampling.BILINEAR)
        difference = (mine[0].int() - torch.from_numpy(np.array(turned)).int()).abs()
        assert difference[compared[0]].max() <= 1


# --- What is known without them ---


@dtypes
@interpolations
def test_a_flat_image_with_a_fill_of_its_colour_stays_flat(dtype, interpolation):
    value = 100 if dtype == torch.uint8 else 0.375
    images = torch.full((7, 3, 16, 19), value, dtype=dtype)
    turned = rotate(images, some_angles(7), fill=value, interpolation=interpolation)
    assert torch.equal(turned, images)


def test_rotation_goes_counter_clockwise_about_the_centre():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 4] = 1.0  # to the right of the centre
    turned = rotate(image, torch.tensor([90.0]))
    assert turned[0, 0, 0, 2] == 1.0  # above it
    assert turned.sum() == 1.0


@dtypes
@interpolations
def test_no_turn_changes_nothing(dtype, interpolation):
    images = noise((3, 2, 8, 11), dtype)
    same = rotate(images, torch.zeros(3), fill=5.0, interpolation=interpolation)
    torch.testing.assert_close(same, images, rtol=0, atol=1e-5)


def test_angles_are_uniform():
    torch.manual_seed(0)
    line = torch.zeros(1, 1, 41, 41)
    line[..., 20, 38:] = 1.0
    y, x = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing="ij")
    turned = Rotation(30, interpolation="bilinear")(line.expand(3000, -1, -1, -1))
    angles = torch.atan2(-(turned * y).sum((1, 2, 3)), (turned * x).sum((1, 2, 3)))
    degrees = angles * 180 / math.pi
    assert degrees.abs().max() < 30.5
    assert stats.kstest(degrees, stats.uniform(-30, 60).cdf).pvalue > 1e-3


# --- Arguments ---


@interpolations
@pytest.mark.parametrize("count", [1, 4])
def test_one_angle_turns_all_images(interpolation, count):
    images = noise((count, 3, 12, 9))
    expected = rotate(images, torch.full((count,), 30.0), interpolation=interpolation)
    assert torch.equal(rotate(images, 30, interpolation=interpolation), expected)
    assert torch.equal(rotate(images[0], np.float32(30), interpolation=interpolation), expected[0])


@pytest.mark.parametrize("count", [1, 4, 64])
@pytest.mark.parametrize("given", [(2,), (1, 1), (4, 1), (64, 1), (0,), ()], ids=str)
def test_an_angle_for_each_image(count, given):
    with pytest.raises(ValueError, match=rf"expected degrees for each of {count} images"):
        rotate(noise((count, 1, 4, 4)), torch.zeros(given))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"degrees": "30"}, TypeError, "degrees must be a number"),
        ({"degrees": math.nan}, ValueError, "degrees must be a number"),
        ({"degrees": torch.tensor([0, 1, math.inf])}, ValueError, "degrees must be a number"),
        ({"degrees": 30, "interpolation": "cubic"}, ValueError, '"nearest" or "bilinear", got'),
        ({"degrees": 30, "interpolation": 2}, ValueError, '"nearest" or "bilinear", got 2'),
        ({"degrees": 30, "fill": (1, 2)}, ValueError, "fill must be one number, or one for each"),
        ({"degrees": 30, "fill": 300}, ValueError, "fill must lie in 0 ... 255"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        rotate(noise((3, 1, 4, 4)), **arguments)


def test_the_order_of_torchvisions_arguments_is_refused():
    with pytest.raises(TypeError, match="positional arguments"):
        rotate(noise((3, 1, 4, 4)), 30.0, "bilinear")


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Rotation(181), ValueError, "degrees must be a number >= 0 and <= 180, got 181"),
        (lambda: Rotation(-1), ValueError, "got -1"),
        (lambda: Rotation(interpolation="cubic"), ValueError, '"nearest" or "bilinear", got'),
        (lambda: Rotation(fill=[1, float("inf")]), ValueError, "each number of fill"),
    ],
)
def test_parameters_out_of_range(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_limits_of_the_range_are_inside():
    for trick in (Rotation(0), Rotation(180)):
        trick(noise((2, 3, 8, 8)))


# --- Draws ---


def test_a_draw_is_applied_again():
    images, trick = noise((6, 3, 12, 12)), Rotation(40, fill=3)
    torch.manual_seed(2)
    expected = trick(images)
    torch.manual_seed(2)
    assert torch.equal(trick.apply(images, trick.draw(images.shape)), expected)
    draws = [trick.draw((6, 3, 12, 12), generator=torch.Generator().manual_seed(8)) for _ in "ab"]
    assert torch.equal(draws[0].degrees, draws[1].degrees)
    assert trick.draw((3, 12, 12)).degrees.shape == (1,)


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)
@interpolations
@dtypes
def test_torchs_default_type_does_not_matter(default, interpolation, dtype):
    images, trick = noise((8, 3, 20, 20), dtype), Rotation(180, None, interpolation)
    torch.manual_seed(1)
    expected, one = trick(images), rotate(images, 25, interpolation=interpolation)
    torch.manual_seed(1)
    torch.set_default_dtype(default)
    try:
        found, other = trick(images), rotate(images, 25, interpolation=interpolation)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)
    assert torch.equal(other, one)


@interpolations
def test_the_size_of_the_parts_does_not_matter(interpolation, monkeypatch):
    images = noise((7, 3, 20, 20))
    results = []
    for size in (1, 2400, 10**9):
        monkeypatch.setattr(pixels, "_PART", size)
        torch.manual_seed(1)
        results.append(Rotation(20, None, interpolation)(images))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
