"""Cutout and Random Erasing against torchvision, and against their distributions."""

import pytest
import torch
from scipy import stats
from torchvision import transforms as v1
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as V

from tricks_lib import Cutout, RandomCrop, RandomErasing, cut_out, erase
from tricks_lib.augment.random_erasing import rectangles


def noise(shape, dtype=torch.uint8):
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    return images if dtype == torch.uint8 else (images / 255).to(dtype)


# --- Cutout ---


@pytest.mark.parametrize("size", [0, 1, 2, 7, 16, 60])
@pytest.mark.parametrize("fill", [0, 5, (1, 2, 3)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_cutout_is_torchvisions_erase_on_the_clipped_box(size, fill, dtype):
    height, width = 20, 32
    y, x = (
        grid.flatten() for grid in torch.meshgrid(torch.arange(20), torch.arange(32), indexing="ij")
    )
    images = noise((640, 3, height, width), dtype)
    found = cut_out(images, y[:, None], x[:, None], size, fill)
    value = torch.tensor(fill, dtype=dtype).view(-1, 1, 1).expand(3, 1, 1)
    half = size // 2
    for image, row, column, mine in zip(images, y.tolist(), x.tolist(), found, strict=True):
        top, bottom = max(row - half, 0), min(row + half, height)
        left, right = max(column - half, 0), min(column + half, width)
        expected = V.erase(image, top, left, bottom - top, right - left, value)
        assert torch.equal(mine, expected)


def test_several_holes_hide_their_union():
    image = torch.ones(1, 1, 10, 10)
    found = cut_out(image, torch.tensor([[2, 3, 9]]), torch.tensor([[2, 3, 9]]), 4)
    expected = image.clone()
    expected[..., 0:4, 0:4] = expected[..., 1:5, 1:5] = expected[..., 7:, 7:] = 0
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("height", "size"), [(32, 16), (32, 8), (28, 14), (28, 9)])
def test_expected_masked_area_of_cutout(height, size):
    """All centres once, exactly; then the draws, within four standard errors."""
    half = size // 2
    expected = (2 * half - half**2 / height) ** 2
    y, x = torch.cartesian_prod(torch.arange(height), torch.arange(height)).T
    ones = torch.ones(1, 1, height, height)
    every = 1 - cut_out(ones.expand(height**2, -1, -1, -1), y[:, None], x[:, None], size)
    assert every.sum().item() / height**2 == pytest.approx(expected, rel=1e-6)
    torch.manual_seed(0)
    areas = (1 - Cutout(size, fill=0)(ones.expand(20_000, -1, -1, -1))).sum((1, 2, 3))
    assert abs(areas.mean() - expected) < 4 * areas.std() / 20_000**0.5
    assert (areas == (2 * half) ** 2).float().mean().item() == pytest.approx(
        ((height - 2 * half + 1) / height) ** 2, abs=0.015
    )


def test_every_centre_of_cutout_is_equally_likely():
    torch.manual_seed(0)
    count = 30_000
    corners = 1 - Cutout(2, fill=0)(torch.ones(1, 1, 6, 9).expand(count, -1, -1, -1))
    coverage = corners.sum((0, 1)) / count
    rows = torch.tensor([2.0, 2, 2, 2, 2, 1]) / 6
    columns = torch.tensor([2.0, 2, 2, 2, 2, 2, 2, 2, 1]) / 9
    torch.testing.assert_close(coverage, rows[:, None] * columns, rtol=0, atol=0.012)


def test_mean_colour_is_that_of_the_batch():
    images = torch.stack([torch.full((3, 8, 8), value) for value in (10, 20, 60)]).to(torch.uint8)
    hidden = cut_out(images, torch.full((3, 1), 4), torch.full((3, 1), 4), 4, None)
    assert hidden[:, :, 4, 4].unique().tolist() == [30]
    floats = cut_out(images / 255, torch.full((3, 1), 4), torch.full((3, 1), 4), 4, None)
    torch.testing.assert_close(floats[:, :, 4, 4], torch.full((3, 3), 30 / 255))


# --- Random Erasing ---


def drawn_by_torchvision(seed, height, width, area, aspect):
    """Repeat the draws of torchvision in its order, up to its first box that fits."""
    torch.manual_seed(seed)
    assert torch.rand(1) < 1
    for _ in range(10):
        share = torch.empty(1).uniform_(*area)
        ratio = torch.empty(1).uniform_(*torch.tensor(aspect).log().tolist()).exp()
        high, wide, fits = rectangles(share.double(), ratio.double(), height, width)
        if fits:
            top = torch.randint(0, height - high.item() + 1, (1,))
            left = torch.randint(0, width - wide.item() + 1, (1,))
            return top, left, high, wide
    return (torch.zeros(1, dtype=torch.long),) * 4


@pytest.mark.parametrize("library", [v1, v2], ids=["v1", "v2"])
@pytest.mark.parametrize("size", [(32, 32), (20, 41)], ids=str)
def test_erasing_is_torchvisions_from_the_same_draws(library, size):
    area, aspect = (0.02, 0.4), (0.3, 1 / 0.3)
    theirs = library.RandomErasing(1.0, area, aspect, value=0.25)
    for seed in range(150):
        image = torch.rand(3, *size, generator=torch.Generator().manual_seed(seed))
        box = drawn_by_torchvision(seed, *size, area, aspect)
        torch.manual_seed(seed)
        assert torch.equal(erase(image, *box, fill=0.25), theirs(image))


def test_areas_and_aspects_are_those_of_torchvision():
    """Two-sample Kolmogorov-Smirnov tests; one seed in a thousand would fail."""
    torch.manual_seed(0)
    area, aspect = (0.02, 0.4), (0.3, 1 / 0.3)
    image = torch.zeros(1, 64, 48)
    boxes = torch.tensor(
        [v1.RandomErasing.get_params(image, area, aspect, [0.0])[:4] for _ in range(4000)]
    )
    top, left, high, wide, _ = RandomErasing(1.0, area, aspect).draw((20_000, 3, 64, 48))
    for mine, theirs in zip((top, left, high, wide), boxes.T, strict=True):
        assert stats.ks_2samp(mine.numpy(), theirs.numpy()).pvalue > 1e-3
    assert int((high < wide).sum()) / 20_000 == pytest.approx(0.5, abs=0.12)
    shares = (high * wide) / (64 * 48)
    assert shares.min() > 0.01
    assert shares.max() < 0.42


def test_area_is_uniform_where_every_rectangle_fits():
    torch.manual_seed(0)
    _, _, high, wide, _ = RandomErasing(1.0, (0.05, 0.2), (0.5, 2.0)).draw((20_000, 3, 400, 400))
    shares = (high * wide).double() / 160_000
    assert shares.mean().item() == pytest.approx(0.125, abs=4 * 0.0433 / 20_000**0.5)
    assert stats.kstest(shares, stats.uniform(0.05, 0.15).cdf).pvalue > 1e-3
    ratios = (high / wide).double().log()
    assert stats.kstest(ratios, stats.uniform(-0.6931, 1.3863).cdf).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_share_of_erased_images(p):
    torch.manual_seed(0)
    _, _, high, _, _ = RandomErasing(p).draw((20_000, 3, 32, 32))
    assert stats.binomtest(int((high > 0).sum()), 20_000, p).pvalue > 1e-3


@pytest.mark.parametrize(
    ("area", "aspect", "size"),
    [((0.9, 0.9), (3, 4), (32, 32)), ((0.5, 0.6), (1, 1), (10, 40)), ((0.99, 1), (1, 1), (8, 8))],
)
def test_what_never_fits_is_refused(area, aspect, size):
    with pytest.raises(ValueError, match=r"no rectangle of area .* an image of"):
        RandomErasing(1.0, area, aspect).draw((5, 3, *size))


def test_what_seldom_fits_is_left_alone_now_and_then():
    top, left, high, wide, _ = RandomErasing(1.0, (0.8, 1.0), (0.8, 1.25)).draw((500, 3, 8, 8))
    assert 0 < (high > 0).sum() < 500
    assert torch.equal(high > 0, wide > 0)
    assert (top + high < 9).all()
    assert (left + wide < 9).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_noise_is_where_the_rectangle_is_and_nowhere_else(dtype):
    torch.manual_seed(0)
    images = noise((200, 3, 24, 24), dtype)
    images[:] = images[0, 0, 0, 0]
    box = (
        torch.full((200,), 4),
        torch.full((200,), 6),
        torch.full((200,), 10),
        torch.full((200,), 12),
    )
    found = erase(images, *box, fill="random")
    inside = found[:, :, 4:14, 6:18].flatten().double()
    restored = found.clone()
    restored[:, :, 4:14, 6:18] = images[0, 0, 0, 0]
    assert torch.equal(restored, images)
    if dtype == torch.uint8:
        counts = torch.bincount(inside.long(), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-3
    else:
        assert stats.kstest(inside, "norm").pvalue > 1e-3


@pytest.mark.parametrize("size", [16, 90])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_draw_has_all_of_the_noise(dtype, size):
    images, trick = noise((5, 3, size, size), dtype), RandomErasing(1.0)
    draw = trick.draw(images.shape)
    first = trick.apply(images, draw)
    torch.rand(7)
    assert torch.equal(trick.apply(images, draw), first)
    assert not torch.equal(trick.apply(images, draw._replace(seed=draw.seed + 1)), first)
    written = images.clone()
    trick.write(written, draw)
    assert torch.equal(written, first)


@pytest.mark.parametrize("fill", [300, -1, (0, 0, 256)])
def test_a_fill_is_a_value_of_a_byte(fill):
    images = noise((2, 3, 8, 8))
    for trick in (Cutout(4, fill=fill), RandomErasing(1.0, fill=fill), RandomCrop(2, fill=fill)):
        with pytest.raises(ValueError, match="for uint8 images, got"):
            trick(images)
        trick(images / 255)  # in their own units, which nobody knows


def test_a_fill_is_as_precise_as_the_images():
    images = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
    hidden = Cutout(16, fill=0.3)(images)
    assert hidden[0, 0, 4, 4].item() == 0.3  # the square reaches it from anywhere
    assert erase(images, *torch.tensor([[0], [0], [8], [8]]), fill=0.3).unique().item() == 0.3


def test_the_mean_of_bytes_is_not_painted_into_floats():
    trick = Cutout(4).with_mean(torch.tensor([0.5, 0.5, 0.5]))
    trick(noise((2, 3, 8, 8)))
    with pytest.raises(ValueError, match=r"mean colour \(128, 128, 128\) is one of uint8 images"):
        trick(noise((2, 3, 8, 8), torch.float32))


def test_each_pixel_has_noise_of_its_own():
    found = erase(torch.zeros(1, 3, 8, 8), *torch.tensor([[0], [0], [8], [8]]), fill="random")
    assert len(found.unique()) == 3 * 64


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Cutout(0), ValueError, "size must be a whole number >= 1, got 0"),
        (lambda: Cutout(1), ValueError, "size must be at least 2, got 1"),
        (lambda: Cutout(1, 16), ValueError, r"here it is Cutout\(size, holes\)"),
        (lambda: RandomErasing(area=(1, 1)), ValueError, r"area must begin below 1, got \(1, 1\)"),
        (lambda: Cutout(2.0), TypeError, "size must be a whole number >= 1, got 2.0"),
        (lambda: Cutout(4, holes=0), ValueError, "holes must be a whole number >= 1, got 0"),
        (lambda: Cutout(4, fill="random"), TypeError, "fill must be a number"),
        (lambda: RandomErasing(1.5), ValueError, "p must be a number >= 0 and <= 1, got 1.5"),
        (lambda: RandomErasing(area=(0, 0.4)), ValueError, "smallest area must be a number > 0"),
        (lambda: RandomErasing(area=(0.1, 1.1)), ValueError, "largest area .* got 1.1"),
        (lambda: RandomErasing(area=(0.4, 0.1)), ValueError, r"in this order, got \(0.4, 0.1\)"),
        (lambda: RandomErasing(area=0.4), TypeError, "area must be a pair"),
        (lambda: RandomErasing(aspect=(1, 2, 3)), TypeError, "aspect must be a pair"),
        (lambda: RandomErasing(aspect=(-1, 2)), ValueError, "smallest aspect must be a number > 0"),
        (lambda: RandomErasing(fill="noise"), TypeError, '"random" is allowed too'),
    ],
)
def test_parameters_out_of_range(build, error, message):
    with pytest.raises(error, match=message):
        build()
