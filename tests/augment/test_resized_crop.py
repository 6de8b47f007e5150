"""Crops that are scaled, against torchvision image by image with the same rectangles."""

import math

import pytest
import torch
from scipy import stats
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as V

from tricks_lib import RandomResizedCrop, resized_crop
from tricks_lib.ops import resize

SHAPES = [(30, 3, 32, 32), (9, 1, 13, 21), (5, 4, 28, 20), (6, 3, 80, 72)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
sizes = pytest.mark.parametrize("size", [None, 7, (40, 9), (1, 150)], ids=str)


def noise(shape, dtype=torch.uint8):
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    return images if dtype == torch.uint8 else (images / 255).to(dtype)


def rectangles(shape):
    """Rectangles of every size from one pixel to the image, at every place."""
    torch.manual_seed(0)
    count, (rows, columns) = shape[0], shape[-2:]
    height, width = torch.randint(rows, (count,)) + 1, torch.randint(columns, (count,)) + 1
    height[0], width[0] = rows, columns
    height[1:2] = width[1:2] = 1
    top = (torch.rand(count) * (rows - height + 1)).long()
    return top, (torch.rand(count) * (columns - width + 1)).long(), height, width


def torchvisions(images, boxes, size):
    size = images.shape[-2:] if size is None else size
    size = (size, size) if isinstance(size, int) else size
    each = zip(images, *(side.tolist() for side in boxes), strict=True)
    return torch.stack([V.resized_crop(one, *box, size, antialias=True) for one, *box in each])


@shapes
@sizes
@pytest.mark.parametrize("kept", [False, True], ids=["plain or fast", "plain"])
def test_bytes_are_torchvisions_within_one_level(shape, size, kept, monkeypatch):
    if kept:
        monkeypatch.setattr(resize, "one_by_one", lambda images: False)
    images, boxes = noise(shape), rectangles(shape)
    found, expected = resized_crop(images, *boxes, size=size), torchvisions(images, boxes, size)
    assert (found.shape, found.dtype) == (expected.shape, torch.uint8)
    assert (found.int() - expected.int()).abs().max() <= 1


@shapes
@sizes
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kept", [False, True], ids=["plain or fast", "plain"])
def test_floats_are_torchvisions(shape, size, dtype, kept, monkeypatch):
    if kept:
        monkeypatch.setattr(resize, "one_by_one", lambda images: False)
    images, boxes = noise(shape, dtype), rectangles(shape)
    found, expected = resized_crop(images, *boxes, size=size), torchvisions(images, boxes, size)
    assert found.dtype == dtype
    # torchvision works in float32 for the places of pixels.
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[-1]], ids=str)
def test_half_precision_is_rounded_once(shape, dtype):
    images, boxes = noise(shape, dtype), rectangles(shape)
    found, precise = resized_crop(images, *boxes), resized_crop(images.float(), *boxes)
    assert found.dtype == dtype
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(found.float(), precise, rtol=eps, atol=1e-5)


def test_photographs_are_torchvisions(photographs):
    boxes = rectangles(photographs.shape)
    found = resized_crop(photographs, *boxes, size=24)
    assert (found.int() - torchvisions(photographs, boxes, 24).int()).abs().max() <= 1


@shapes
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_whole_image_at_its_size_is_the_image(shape, dtype):
    images, zero = noise(shape, dtype), torch.zeros(shape[0], dtype=torch.long)
    found = resized_crop(images, zero, zero, zero + shape[-2], zero + shape[-1])
    torch.testing.assert_close(found, images, rtol=0, atol=1e-6)


@shapes
def test_a_constant_image_stays_constant(shape):
    images = torch.full(shape, 100, dtype=torch.uint8)
    assert resized_crop(images, *rectangles(shape), size=(23, 50)).unique().tolist() == [100]


def test_half_the_size_is_the_mean_with_neighbours():
    """A new pixel of two old ones weighs its neighbours 1 3 3 1, and 3 3 1 at the border."""
    line = torch.tensor([0.0, 8.0, 0.0, 80.0]).view(1, 1, 1, 4)
    zero, one = torch.tensor([0]), torch.tensor([1])
    found = resized_crop(line, zero, zero, one, 4 * one, size=(1, 2)).flatten().tolist()
    assert found == pytest.approx([24 / 7, (8 + 240) / 7])


def test_nothing_outside_of_the_rectangle_is_seen():
    images = torch.full((2, 1, 12, 12), 200, dtype=torch.uint8)
    images[:, :, 3:7, 2:8] = 50
    box = [torch.tensor([value] * 2) for value in (3, 2, 4, 6)]
    assert resized_crop(images, *box, size=30).unique().tolist() == [50]


@pytest.mark.parametrize("size", [None, (5, 3)])
@pytest.mark.parametrize("shape", [(3, 2, 6, 7), (2, 3, 70, 64)], ids=str)
def test_a_gradient_goes_through(shape, size):
    images, boxes = noise(shape, torch.float64).requires_grad_(), rectangles(shape)
    torch.autograd.gradcheck(
        lambda images: resized_crop(images, *boxes, size=size), images, fast_mode=True
    )


def test_rectangles_that_cannot_be_are_refused():
    for count in (1, 4, 64):
        images = noise((count, 3, 10, 8))
        good = dict(zip(("top", "left", "height", "width"), rectangles(images.shape), strict=True))
        for name in good:
            for wrong in (torch.ones(count + 1).long(), torch.ones(count, 1).long()):
                with pytest.raises(ValueError, match=f"expected {name} for each of {count} images"):
                    resized_crop(images, **good | {name: wrong})
            with pytest.raises(TypeError, match=f"expected {name} for each of {count} images"):
                resized_crop(images, **good | {name: 1})
        for name, values, says in (
            ("top", -1, "top must lie in 0 ... 9, got -1"),
            ("left", 8, "left must lie in 0 ... 7, got 8"),
            ("height", 0, "height must lie in 1 ... 10, got 0"),
            ("width", 9, "width must lie in 1 ... 8, got 9"),
        ):
            wrong = good[name].clone()
            wrong[-1] = values
            with pytest.raises(ValueError, match=says):
                resized_crop(images, **good | {name: wrong})
        whole = torch.full((count,), 10)
        with pytest.raises(ValueError, match=r"top \+ height must lie in 1 ... 10, got 11"):
            resized_crop(images, **good | {"top": whole - 9, "height": whole})


# --- What is drawn ---


def drawn_by_torchvision(transform, shape, count):
    image = torch.empty(shape)
    draws = [transform.make_params([image]) for _ in range(count)]
    names = ("top", "left", "height", "width")
    return {name: torch.tensor([draw[name] for draw in draws]) for name in names}


@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 40, 24), (3, 12, 60)], ids=str)
@pytest.mark.parametrize("area", [(0.08, 1.0), (0.5, 0.5)], ids=str)
def test_rectangles_are_drawn_as_in_torchvision(shape, area):
    """Kolmogorov and Smirnov's test for two samples; one seed in a thousand would fail for each."""
    torch.manual_seed(0)
    count = 3000
    theirs = drawn_by_torchvision(v2.RandomResizedCrop(8, scale=area), shape, count)
    ours = RandomResizedCrop(area=area).draw((count, *shape))._asdict()
    for name, expected in theirs.items():
        assert stats.ks_2samp(ours[name], expected).pvalue > 1e-4, name
    share, other = (d["height"] * d["width"] / d["top"].add(1) for d in (ours, theirs))
    assert stats.ks_2samp(share, other).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(1, 10, 100), (1, 100, 10), (1, 3, 90), (1, 31, 1)], ids=str)
@pytest.mark.parametrize("aspect", [(3 / 4, 4 / 3), (0.9, 0.95), (1.5, 3)], ids=str)
def test_what_never_fits_is_the_middle_as_in_torchvision(shape, aspect):
    """Of a whole image that is far from every aspect ratio, no rectangle has the whole area."""
    trick = RandomResizedCrop(area=(1, 1), aspect=aspect)
    theirs = drawn_by_torchvision(v2.RandomResizedCrop(8, scale=(1, 1), ratio=aspect), shape, 1)
    for name, side in trick.draw((5, *shape))._asdict().items():
        assert side.tolist() == 5 * theirs[name].tolist()


def test_some_rectangles_fit_and_others_not():
    torch.manual_seed(0)
    rows, columns = 20, 40
    draw = RandomResizedCrop(area=(0.4, 1.0), aspect=(0.9, 1.1)).draw((4000, 3, rows, columns))
    middle = (draw.height == 20) & (draw.width == 22) & (draw.top == 0) & (draw.left == 9)
    # About one in five fits: of 0.4 ... 1.0, areas up to 20.5 rows. So 0.8 to the tenth do not.
    assert 0.05 < middle.double().mean() < 0.2
    assert (draw.height * draw.width)[~middle].min() >= 0.4 * rows * columns - (rows + columns) / 2


def test_rectangles_lie_in_the_image():
    for rows, columns in ((1, 1), (1, 9), (7, 2), (33, 50)):
        draw = RandomResizedCrop(area=(0.001, 1.0), aspect=(0.1, 10)).draw((500, 3, rows, columns))
        assert draw.top.min() >= 0
        assert draw.left.min() >= 0
        assert draw.height.min() >= 1
        assert draw.width.min() >= 1
        assert (draw.top + draw.height).max() <= rows
        assert (draw.left + draw.width).max() <= columns
        assert {side.dtype for side in draw} == {torch.int64}


def test_the_size_is_that_of_the_result():
    images = noise((4, 3, 20, 30))
    assert RandomResizedCrop()(images).shape == (4, 3, 20, 30)
    assert RandomResizedCrop(size=8)(images).shape == (4, 3, 8, 8)
    assert RandomResizedCrop(size=(8, 40))(images).shape == (4, 3, 8, 40)
    assert RandomResizedCrop(size=[8, 40])(images[0]).shape == (3, 8, 40)
    large = noise((2, 3, 90, 80)).contiguous(memory_format=torch.channels_last)
    scaled = RandomResizedCrop(size=(8, 40))(large)
    assert scaled.shape == (2, 3, 8, 40)
    assert scaled.is_contiguous(memory_format=torch.channels_last)


def test_the_mean_area_is_that_of_the_draw():
    torch.manual_seed(0)
    draw = RandomResizedCrop(area=(0.1, 0.3)).draw((20_000, 3, 200, 200))
    share = (draw.height * draw.width).double() / 200**2
    # Uniform over a width of 0.2: the standard error of the mean is 0.2/sqrt(12·20000).
    assert share.mean().item() == pytest.approx(0.2, abs=4 * 0.2 / math.sqrt(12 * 20_000) + 1e-4)
