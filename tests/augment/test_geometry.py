"""Crop and mirror against torchvision, image by image with the same parameters."""

import pytest
import torch
from scipy import stats
from torch.profiler import ProfilerActivity, profile
from torchvision.transforms.v2 import functional as V

from tricks_lib import (
    Compose,
    Cutout,
    HorizontalFlip,
    RandomCrop,
    RandomErasing,
    crop,
    cut_out,
    erase,
    mirror,
)
from tricks_lib.ops import fast, pixels

SHAPES = [(64, 3, 32, 32), (9, 1, 13, 21), (5, 4, 28, 20), (7, 3, 80, 72)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
dtypes = pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])


def noise(shape, dtype):
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    return images if dtype == torch.uint8 else (images / 255).to(dtype)


# --- Crop ---


@shapes
@dtypes
@pytest.mark.parametrize("padding", [0, 1, 4, 40])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_crop_is_torchvisions(shape, dtype, padding, fill):
    images = noise(shape, dtype)
    top, left = torch.randint(2 * padding + 1, (2, shape[0]))
    found = crop(images, top, left, padding=padding, fill=fill)
    for image, y, x, mine in zip(images, top.tolist(), left.tolist(), found, strict=True):
        padded = V.pad(image, [padding], fill=fill)
        assert torch.equal(mine, V.crop(padded, y, x, *shape[-2:]))


def test_crop_fills_with_a_colour_for_each_channel():
    images = torch.full((2, 3, 4, 4), 9, dtype=torch.uint8)
    found = crop(images, torch.tensor([0, 4]), torch.tensor([2, 2]), padding=2, fill=(10, 20, 30))
    assert found[0, :, 0, 0].tolist() == [10, 20, 30]
    assert found[0, :, 2:].unique().tolist() == [9]
    assert found[1, :, :2].unique().tolist() == [9]
    assert found[1, :, 3, 1].tolist() == [10, 20, 30]


def test_crop_fills_with_the_mean_colour_of_the_batch():
    images = torch.stack([torch.full((1, 4, 4), 10), torch.full((1, 4, 4), 31)]).to(torch.uint8)
    corner = torch.zeros(2, dtype=torch.long)
    found = crop(images, corner, corner, padding=1, fill=None)
    assert found[:, 0, 0, 0].tolist() == [20, 20]  # 20.5 is rounded to even


def test_all_shifts_are_equally_likely():
    """A chi-squared test over the 81 shifts; one seed in a thousand would fail."""
    torch.manual_seed(0)
    places = torch.arange(1, 18 * 18 + 1, dtype=torch.float32).view(1, 1, 18, 18)
    count = 20_000
    shifted = RandomCrop(4)(places.expand(count, -1, -1, -1))
    seen = shifted[:, 0, 8, 8].long() - 1  # the middle never leaves the image
    frequencies = torch.bincount(seen, minlength=324).view(18, 18)
    assert int((frequencies > 0).sum()) == 81
    assert int((frequencies[4:13, 4:13] > 0).sum()) == 81
    assert stats.chisquare(frequencies[4:13, 4:13].flatten()).pvalue > 1e-3


# --- Mirror ---


@shapes
@dtypes
def test_mirror_is_torchvisions(shape, dtype):
    images = noise(shape, dtype)
    chosen = torch.rand(shape[0]) < 0.5
    found = mirror(images, chosen)
    for image, is_chosen, mine in zip(images, chosen, found, strict=True):
        assert torch.equal(mine, V.horizontal_flip(image) if is_chosen else image)


def test_mirror_is_exact_where_arithmetic_is_not():
    images = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45]).view(1, 1, 1, 5)
    for chosen in (False, True):
        found = mirror(images, torch.tensor([chosen]))
        expected = images.flip(-1) if chosen else images
        assert torch.equal(found.view(torch.int32), expected.view(torch.int32))


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 1.0])
def test_mirrored_share(p):
    torch.manual_seed(0)
    images = torch.tensor([0, 1], dtype=torch.uint8).expand(20_000, 1, 1, 2)
    mirrored = int(HorizontalFlip(p)(images)[:, 0, 0, 0].sum())
    assert stats.binomtest(mirrored, 20_000, p).pvalue > 1e-3


# --- Parts ---


@pytest.mark.parametrize("trick", [RandomCrop(3, fill=None), HorizontalFlip()])
def test_the_size_of_the_parts_does_not_matter(trick, monkeypatch):
    images = noise((7, 3, 20, 20), torch.uint8)
    results = []
    for size in (1, 2400, 10**9):
        monkeypatch.setattr(pixels, "_PART", size)
        torch.manual_seed(1)
        results.append(trick(images))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


# --- What is refused ---


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: RandomCrop(-1), ValueError, "padding must be a whole number >= 0, got -1"),
        (lambda: RandomCrop(1.5), TypeError, "padding must be a whole number >= 0, got 1.5"),
        (lambda: RandomCrop(True), TypeError, "got True"),
        (
            lambda: RandomCrop(fill="mean"),
            TypeError,
            "fill must be a number, one number per channel",
        ),
        (lambda: RandomCrop(fill=()), ValueError, "fill must have a number for each channel"),
        (lambda: RandomCrop(fill=(1, "a", 2)), TypeError, "each number of fill"),
        (lambda: RandomCrop(fill=float("nan")), ValueError, "fill must be a number that is finite"),
        (lambda: HorizontalFlip(1.1), ValueError, "p must be a number >= 0 and <= 1, got 1.1"),
        (lambda: HorizontalFlip(-0.1), ValueError, "got -0.1"),
        (lambda: HorizontalFlip("half"), TypeError, "got 'half'"),
    ],
)
def test_parameters_out_of_range(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_limits_of_the_range_are_inside():
    for trick in (RandomCrop(0), HorizontalFlip(0), HorizontalFlip(1)):
        trick(noise((2, 3, 8, 8), torch.uint8))


def test_one_parameter_for_each_image():
    images = noise((3, 1, 4, 4), torch.uint8)
    with pytest.raises(
        ValueError, match=r"expected chosen for each of 3 images, a tensor \(3,\), got \(2,\)"
    ):
        mirror(images, torch.tensor([True, False]))


@pytest.mark.parametrize("count", [1, 4, 64])
@pytest.mark.parametrize(
    "use",
    [
        lambda images, draw: crop(images, draw, draw, padding=1),
        lambda images, draw: mirror(images, draw > 0),
        lambda images, draw: erase(images, draw, draw, draw, draw),
        lambda images, draw: cut_out(images, draw[:, None], draw[:, None], 4),
    ],
    ids=["crop", "mirror", "erase", "cut_out"],
)
def test_one_draw_for_a_batch_is_refused_whatever_its_size(use, count):
    images = noise((count, 3, 8, 8), torch.uint8)
    use(images, torch.ones(count, dtype=torch.long))
    with pytest.raises(ValueError, match=f"for each of {count} images"):
        use(images, torch.ones(count + 1, dtype=torch.long))
    if count > 1:
        with pytest.raises(ValueError, match=f"for each of {count} images"):
            use(images, torch.ones(1, dtype=torch.long))


@pytest.mark.parametrize(("top", "left"), [(-1, 0), (5, 0), (0, -1), (0, 5)])
def test_a_window_stays_in_its_own_padded_image(top, left):
    with pytest.raises(ValueError, match=r"must lie in 0 \.\.\. 4, got"):
        crop(noise((2, 3, 8, 8), torch.uint8), *torch.tensor([[2, top], [2, left]]), padding=2)


@pytest.mark.parametrize(
    "box", [(-1, 0, 4, 4), (0, 5, 4, 4), (5, 0, 4, 4), (0, 0, -1, 4), (5, 5, -1, -1)]
)
def test_a_rectangle_stays_in_its_image(box):
    with pytest.raises(ValueError, match=r"must lie in 0 \.\.\. 8, got"):
        erase(noise((1, 3, 8, 8), torch.uint8), *torch.tensor([box]).T)


@pytest.mark.parametrize(
    "call",
    [
        lambda image: crop(image, 1, 1, padding=2),
        lambda image: mirror(image, True),
        lambda image: erase(image, 1, 1, 2, 2),
        lambda image: cut_out(image, 3, 3, 4),
    ],
)
def test_numbers_where_there_are_images_are_refused_by_name(call):
    with pytest.raises(TypeError, match=r"expected \w+ for each of 1 images, a tensor \(1"):
        call(noise((3, 8, 8), torch.uint8))


@pytest.mark.parametrize(
    "call",
    [
        lambda image: (
            V.erase(image, 1, 1, 2, 2, torch.zeros(1)) is None or erase(image, 1, 1, 2, 2, 0)
        ),
        lambda image: V.crop(image, 1, 1, 4, 4) is None or crop(image, 1, 1, 4, 4),
    ],
)
def test_what_torchvision_takes_by_place_is_not_taken_for_something_else(call):
    with pytest.raises(TypeError, match="positional arguments"):
        call(noise((3, 8, 8), torch.uint8))


def test_padding_is_no_size_of_a_window():
    with pytest.raises(ValueError, match="padding must be smaller than the images of 32×32"):
        RandomCrop(32)(noise((2, 3, 32, 32), torch.uint8))
    RandomCrop(31)(noise((2, 3, 32, 32), torch.uint8))


# --- Twins ---

TWINS = [
    RandomCrop(5, fill=3),
    HorizontalFlip(),
    Cutout(9, holes=2, fill=1),
    RandomErasing(1.0, fill=2),
]


@shapes
@dtypes
@pytest.mark.parametrize("trick", TWINS, ids=repr)
@pytest.mark.parametrize("least", [1, 10**9], ids=["by slices", "by masks"])
def test_the_fast_twin_is_the_plain_form(trick, shape, dtype, least, monkeypatch):
    images = noise(shape, dtype)
    if dtype != torch.uint8:
        images.view(-1)[:4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0])
    monkeypatch.setattr(fast, "LARGE", least)
    draw = trick.draw(shape)
    found = trick.apply(images, draw)
    written = images.clone()
    if hasattr(trick, "write"):
        trick.write(written, draw)
        assert torch.equal(written.view(torch.uint8), found.view(torch.uint8))
    monkeypatch.setattr(fast, "wanted", lambda images: False)
    plain = trick.apply(images, draw)
    assert torch.equal(plain.view(torch.uint8), found.view(torch.uint8))  # NaN and -0 included


@pytest.mark.parametrize("trick", [*TWINS, RandomErasing(1.0), Compose(*TWINS)], ids=repr)
@pytest.mark.parametrize("size", [12, 90])
def test_a_gradient_goes_through(trick, size):
    """What is seen has the gradient 1 where it came from; what is hidden has none."""
    images = torch.rand(4, 3, size, size, dtype=torch.float64).requires_grad_()
    draw = trick.draw(images.shape)
    trick.apply(images, draw).sum().backward()
    more = images.detach().clone().requires_grad_()
    weights = torch.rand(images.shape, dtype=torch.float64)
    (trick.apply(more, draw) * weights).sum().backward()
    seen = trick.apply(weights.requires_grad_(), draw)
    assert images.grad.sum() > 0
    assert set(images.grad.unique().tolist()) <= {0.0, 1.0}
    # Each value goes to one place at most, so the gradient of a weighted sum is the weight there.
    hidden = trick.apply(torch.zeros_like(images), draw)
    product = (images.detach() * more.grad).sum()
    expected = ((trick.apply(images.detach(), draw) - hidden) * weights.detach()).sum()
    torch.testing.assert_close(product, expected)
    assert seen.requires_grad


def test_backward_through_a_crop_needs_no_hundred_times_the_images():
    images = torch.rand(64, 3, 32, 32).requires_grad_()
    draw = RandomCrop(4).draw(images.shape)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        RandomCrop(4).apply(images, draw).sum().backward()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    used = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        used += event.nbytes()
        peak = max(peak, used)
    assert 0 < peak <= 12 * images.nbytes


def test_a_fill_of_another_number_of_channels():
    images = noise((3, 1, 4, 4), torch.uint8)
    with pytest.raises(ValueError, match="one for each of 1 channels, got"):
        RandomCrop(2, fill=(1, 2, 3))(images)
