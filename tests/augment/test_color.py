"""Colour against torchvision, within one level, and PCA colour against its definition."""

import math

import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional as V

from tricks_lib import (
    ColorShift,
    PCAColor,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    principal_colors,
    shift_colors,
)
from tricks_lib.augment.color import STEPS
from tricks_lib.augment.pca_color import (
    IMAGENET_EIGENVALUES,
    IMAGENET_EIGENVECTORS,
    color_shifts,
)
from tricks_lib.ops.color import pointwise

PAIRS = {
    "brightness": (adjust_brightness, V.adjust_brightness),
    "contrast": (adjust_contrast, V.adjust_contrast),
    "saturation": (adjust_saturation, V.adjust_saturation),
    "hue": (adjust_hue, V.adjust_hue),
}
adjustments = pytest.mark.parametrize("name", PAIRS)


def amounts(name, count):
    draws = torch.rand(count, dtype=torch.float64)
    return draws - 0.5 if name == "hue" else 2.5 * draws


def noise(channels, count=40, size=(16, 16)):
    return torch.randint(0, 256, (count, channels, *size), dtype=torch.uint8)


def check_within_a_level(found, expected):
    """At most one level apart, and that in one byte of five thousand: where rounding decides."""
    apart = (found.int() - expected.int()).abs()
    assert apart.max() <= 1
    assert apart.sum() <= math.ceil(apart.numel() / 5_000)


@adjustments
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (13, 21), (1, 1)], ids=str)
def test_bytes_are_torchvisions(name, channels, size):
    ours, theirs = PAIRS[name]
    torch.manual_seed(0)
    images, amount = noise(channels, size=size), amounts(name, 40)
    each = zip(images, amount.tolist(), strict=True)
    expected = torch.stack([theirs(image, value) for image, value in each])
    check_within_a_level(ours(images, amount), expected)


@adjustments
def test_photographs_are_torchvisions(name, photographs):
    ours, theirs = PAIRS[name]
    torch.manual_seed(0)
    amount = amounts(name, len(photographs))
    each = zip(photographs, amount.tolist(), strict=True)
    expected = torch.stack([theirs(image, value) for image, value in each])
    check_within_a_level(ours(photographs, amount), expected)


def test_every_colour_turns_as_in_torchvision():
    """Each pair of levels beside each third one of a few, so that ties and grey are among them."""
    levels = torch.arange(256, dtype=torch.uint8)
    thirds = torch.tensor([0, 1, 127, 128, 254, 255], dtype=torch.uint8)
    images = torch.stack(torch.meshgrid(thirds, levels, levels, indexing="ij"), dim=1)
    for shift in (-0.5, -1 / 3, -0.01, 0.0, 0.25, 0.4):
        check_within_a_level(adjust_hue(images, shift), V.adjust_hue(images, shift))


@adjustments
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_are_torchvisions(name, channels, dtype):
    ours, theirs = PAIRS[name]
    torch.manual_seed(0)
    images, amount = (noise(channels) / 255).to(dtype), amounts(name, 40)
    found = ours(images, amount)
    assert found.dtype == dtype
    for image, value, mine in zip(images, amount.tolist(), found, strict=True):
        torch.testing.assert_close(mine, theirs(image, value), rtol=0, atol=5e-6)


@adjustments
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_torchvisions_within_its_rounding(name, dtype):
    ours, theirs = PAIRS[name]
    torch.manual_seed(0)
    images, amount = (noise(3) / 255).to(dtype), amounts(name, 40)
    if name != "hue":  # above 1, a hue of half precision has too few digits in torchvision
        each = zip(images, amount.tolist(), strict=True)
        expected = torch.stack([theirs(image, value) for image, value in each]).float()
    else:
        expected = ours(images.float(), amount)
    found = ours(images, amount)
    assert found.dtype == dtype
    far = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(found.float(), expected, rtol=far, atol=far)


@adjustments
def test_one_number_is_for_all_images(name):
    for images in (noise(3), noise(3) / 255, noise(3)[0], (noise(3) / 255).double()):
        count = len(images) if images.ndim == 4 else 1
        each = torch.full((count,), 0.3, dtype=torch.float64)
        assert torch.equal(PAIRS[name][0](images, 0.3), PAIRS[name][0](images, each))


@adjustments
@pytest.mark.parametrize("count", [1, 4, 64])
@pytest.mark.parametrize("size", [(16, 16), (300, 300)], ids=str)
def test_there_is_an_amount_for_each_image_or_one_for_all(name, count, size):
    images, adjust = noise(3, count, size), PAIRS[name][0]
    what = "shift" if name == "hue" else "factor"
    for wrong in (torch.ones(count + 1), torch.ones(count, 1), torch.tensor(0.5), torch.ones(0)):
        with pytest.raises(ValueError, match=f"expected {what} for each of {count} images"):
            adjust(images, wrong)
        draw = ColorShift.Draw(**dict.fromkeys(PAIRS) | {name: wrong})
        with pytest.raises(ValueError, match=f"expected {name} for each of {count} images"):
            ColorShift().apply(images, draw)
    if count > 1:
        with pytest.raises(ValueError, match=f"expected {what} for each of {count} images"):
            adjust(images, torch.ones(1))


@adjustments
@pytest.mark.parametrize("value", [-0.6, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("dtype", [None, torch.float32, torch.float64])
def test_an_amount_that_cannot_be_is_refused(name, value, dtype):
    allowed = "shift must be .* >= -0.5 and <= 0.5" if name == "hue" else "factor must be .* >= 0"
    given = value if dtype is None else torch.tensor([0.5, value, 0.2], dtype=dtype)
    with pytest.raises(ValueError, match=f"{allowed}, got {value}"):
        PAIRS[name][0](noise(3, 3), given)


@adjustments
@pytest.mark.parametrize("value", ["1", None, True, [0.1, 0.2]])
def test_an_amount_is_a_number_or_a_tensor(name, value):
    with pytest.raises(TypeError, match="must be a number"):
        PAIRS[name][0](noise(3, 2), value)


@adjustments
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)
def test_the_default_type_changes_nothing(name, channels, default):
    adjust, amount = PAIRS[name][0], amounts(name, 40)
    batches = [noise(channels), noise(channels) / 255]
    expected = [adjust(images, given) for images in batches for given in (amount, 0.4)]
    torch.set_default_dtype(default)
    try:
        found = [adjust(images, given) for images in batches for given in (amount, 0.4)]
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@adjustments
@pytest.mark.parametrize("size", [(3, 4), (400, 400)], ids=["one part", "several parts"])
def test_a_gradient_reaches_images_and_amounts(name, size):
    torch.manual_seed(0)
    adjust = PAIRS[name][0]
    images = 0.2 + 0.4 * torch.rand(3, 3, *size, dtype=torch.float64)
    amount = 0.4 * amounts(name, 3)
    images.requires_grad_(), amount.requires_grad_()
    torch.autograd.gradcheck(adjust, (images, amount), fast_mode=True)


def test_a_table_of_bytes_is_the_function(monkeypatch):
    images = noise(3)
    for name in ("brightness", "contrast"):
        expected = PAIRS[name][0](images, amounts(name, 40).fill_(0.7))
        with monkeypatch.context() as patched:
            patched.setattr(
                "tricks_lib.augment.color.pointwise", lambda plain, images: plain(images)
            )
            assert torch.equal(PAIRS[name][0](images, 0.7), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_pointwise_is_the_function(dtype):
    images, shift = noise(3).to(dtype), torch.arange(40, dtype=torch.uint8)[:, None, None, None]

    def function(pixels):
        return pixels // 2 + shift

    assert torch.equal(pointwise(function, images), function(images))


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_a_factor_of_one_changes_nothing(name):
    for images in (noise(3), noise(1), noise(3) / 255):
        same = PAIRS[name][0](images, torch.ones(40))
        torch.testing.assert_close(same, images, rtol=0, atol=1e-6)


def test_grey_pixels_have_no_hue():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(adjust_hue(images, torch.tensor([0.3])), images)


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    turned = adjust_hue(red, torch.tensor([1 / 3]))
    torch.testing.assert_close(turned.flatten(), torch.tensor([0.0, 1.0, 0.0]), rtol=0, atol=1e-6)


def test_color_shift_does_its_steps_in_order():
    trick = ColorShift(brightness=0.5, contrast=0.3, saturation=0.7, hue=0.2)
    images = noise(3)
    torch.manual_seed(4)
    found = trick(images)
    torch.manual_seed(4)
    draws = 2 * torch.rand(4, 40) - 1
    for name, amount, middle, draw in zip(
        PAIRS, (0.5, 0.3, 0.7, 0.2), (1, 1, 1, 0), draws, strict=True
    ):
        images = PAIRS[name][0](images, middle + amount * draw)
    assert torch.equal(found, images)


def test_a_large_batch_is_done_in_parts():
    images, trick = noise(3, 5, (300, 280)), ColorShift(hue=0.1)
    draw = trick.draw(images.shape)
    found = trick.apply(images, draw)
    for n, image in enumerate(images):
        single = trick.Draw(*(value[n : n + 1] for value in draw))
        assert torch.equal(trick.apply(image, single), found[n])


def test_the_steps_are_the_parameters():
    assert list(STEPS) == list(ColorShift.Draw._fields) == list(PAIRS)


@adjustments
def test_color_shift_leaves_out_what_is_zero(name):
    trick = ColorShift(**dict.fromkeys(PAIRS, 0.0) | {name: 0.3})
    images = noise(3)
    torch.manual_seed(5)
    draw = trick.draw(images.shape)
    assert [field for field, value in draw._asdict().items() if value is not None] == [name]
    torch.manual_seed(5)
    expected = (name != "hue") + 0.3 * (2 * torch.rand(4, 40) - 1)[list(PAIRS).index(name)]
    assert torch.equal(getattr(draw, name), expected)
    found = trick.apply(images, draw)
    assert torch.equal(found, PAIRS[name][0](images, expected))
    assert not torch.equal(found, images)


@adjustments
def test_a_draw_may_be_made_by_hand(name):
    images = noise(3)
    draw = ColorShift.Draw(**dict.fromkeys(PAIRS) | {name: 0.25})
    assert torch.equal(ColorShift().apply(images, draw), PAIRS[name][0](images, 0.25))


def test_no_color_shift_at_all_is_a_copy():
    images = noise(3)
    same = ColorShift(0, 0, 0, 0)(images)
    assert torch.equal(same, images)
    assert same.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_amounts_out_of_range(name, value):
    high = "0.5" if name == "hue" else "1"
    with pytest.raises(ValueError, match=f"{name} must be a number >= 0 and <= {high}, got"):
        ColorShift(**{name: value})


@adjustments
def test_other_numbers_of_channels(name):
    with pytest.raises(ValueError, match="images must have 1 or 3 channels, got 2"):
        PAIRS[name][0](noise(2), torch.ones(40))


# --- PCA colour ---


class Lighting:
    """The published reference, in the form used since fb.resnet.torch: one image in [0, 1]."""

    def __init__(self, eigenvalues, eigenvectors):
        self.eigenvalues, self.eigenvectors = eigenvalues, eigenvectors

    def __call__(self, image, alpha):
        shift = torch.zeros(3)
        for color in range(3):
            for direction in range(3):
                shift[color] += (
                    self.eigenvectors[color][direction]
                    * alpha[direction]
                    * self.eigenvalues[direction]
                )
        return image + shift.view(3, 1, 1)


def test_pca_color_is_the_reference():
    torch.manual_seed(0)
    images, alpha = torch.rand(20, 3, 5, 6), 0.1 * torch.randn(20, 3)
    values, vectors = torch.tensor(IMAGENET_EIGENVALUES), torch.tensor(IMAGENET_EIGENVECTORS)
    found = shift_colors(images, color_shifts(alpha, values, vectors))
    reference = Lighting(IMAGENET_EIGENVALUES, IMAGENET_EIGENVECTORS)
    for image, draw, mine in zip(images, alpha, found, strict=True):
        torch.testing.assert_close(mine, reference(image, draw.tolist()), rtol=0, atol=1e-6)


def test_pca_color_of_the_class_is_that_of_the_functions():
    images = torch.rand(6, 3, 5, 6)
    torch.manual_seed(2)
    found = PCAColor(std=0.5)(images)
    torch.manual_seed(2)
    alpha = 0.5 * torch.randn(6, 3)
    values, vectors = torch.tensor(IMAGENET_EIGENVALUES), torch.tensor(IMAGENET_EIGENVECTORS)
    assert torch.equal(found, images + color_shifts(alpha, values, vectors)[:, :, None, None])


def test_the_shift_is_one_colour_for_all_pixels_of_an_image():
    images = torch.rand(50, 3, 4, 4)
    shifts = PCAColor(std=1.0)(images) - images
    torch.testing.assert_close(shifts, shifts[..., :1, :1].expand_as(shifts), rtol=0, atol=1e-6)
    assert len(shifts[:, 0, 0, 0].unique()) > 40


def test_shifts_have_the_covariance_of_the_paper():
    torch.manual_seed(0)
    count = 40_000
    shifts = PCAColor(std=0.1)(torch.zeros(count, 3, 1, 1)).flatten(1).double()
    vectors = torch.tensor(IMAGENET_EIGENVECTORS, dtype=torch.float64)
    spread = 0.1 * torch.tensor(IMAGENET_EIGENVALUES, dtype=torch.float64)
    expected = vectors @ (spread**2).diag() @ vectors.T
    # The relative standard error of a variance of n normal draws is sqrt(2/n) = 0.7 %.
    torch.testing.assert_close(torch.cov(shifts.T), expected, rtol=0.04, atol=1e-7)
    along_the_first = shifts @ vectors[:, 0] / (vectors[:, 0] @ vectors[:, 0])
    assert stats.kstest(along_the_first / spread[0], "norm").pvalue > 1e-3


def test_bytes_move_255_times_as_far_and_are_clipped():
    images = torch.tensor([0, 100, 250], dtype=torch.uint8).view(1, 3, 1, 1)
    found = shift_colors(images, torch.tensor([[-0.1, 0.1, 0.1]]))
    assert found.flatten().tolist() == [0, 126, 255]  # 25.5 is rounded to even
    assert shift_colors(images, torch.tensor([[9.0, -9.0, 0.0]])).flatten().tolist() == [
        255,
        0,
        250,
    ]


def test_no_shift_changes_nothing():
    for images in (noise(3), noise(3) / 255):
        assert torch.equal(PCAColor(std=0)(images), images)


def test_principal_colors_are_those_of_numpy(photographs):
    values, vectors = principal_colors(photographs)
    pixels = photographs.movedim(1, 0).flatten(1).double() / 255
    covariance = torch.cov(pixels)
    torch.testing.assert_close(vectors @ values.diag() @ vectors.T, covariance)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(3, dtype=torch.float64))
    assert values[0] > values[1] > values[2] > 0
    same = principal_colors(photographs / 255)
    torch.testing.assert_close(same[0], values)


def test_pca_color_of_a_data_set(photographs):
    trick = PCAColor.of(photographs, std=0.2)
    values, vectors = principal_colors(photographs)
    assert trick == PCAColor(0.2, tuple(values.tolist()), tuple(map(tuple, vectors.tolist())))
    flat = PCAColor.of(torch.full((2, 3, 4, 4), 7, dtype=torch.uint8))
    assert flat.eigenvalues == (0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"std": -1}, ValueError, "std must be a number >= 0, got -1"),
        ({"eigenvalues": (1, 2)}, ValueError, "expected 3 eigenvalues"),
        ({"eigenvalues": (1, 2, -3)}, ValueError, "each of eigenvalues must be"),
        ({"eigenvectors": ((1, 0, 0), (0, 1, 0))}, ValueError, "3 rows of 3"),
        ({"eigenvectors": ((1, 0, 0), (0, 1, 0), (0, 0))}, ValueError, "3 rows of 3"),
        ({"eigenvectors": ((1, 0, 0), (0, 1, 0), (0, 0, 2))}, ValueError, "each of eigenvectors"),
    ],
)
def test_pca_parameters_out_of_range(arguments, error, message):
    with pytest.raises(error, match=message):
        PCAColor(**arguments)


def test_pca_draws_what_it_is_called_with():
    trick = PCAColor(std=0.5)
    torch.manual_seed(2)
    (alpha,) = trick.draw((6, 3, 5, 6))
    torch.manual_seed(2)
    assert torch.equal(alpha, 0.5 * torch.randn(6, 3))
    images = torch.rand(6, 3, 5, 6)
    same = trick.Draw(torch.zeros(6, 3))
    assert torch.equal(trick.apply(images, same), images)


def test_a_shift_is_as_precise_as_the_images():
    images, shifts = torch.zeros(2, 3, 1, 1, dtype=torch.float64), torch.rand(2, 3).double() / 3
    assert torch.equal(shift_colors(images, shifts)[..., 0, 0], shifts)
    images.requires_grad_(), shifts.requires_grad_()
    torch.autograd.gradcheck(shift_colors, (images, shifts))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("images", [noise(3, 2), noise(3, 2) / 255], ids=["bytes", "floats"])
def test_a_shift_is_finite(images, value):
    shifts = torch.zeros(2, 3)
    shifts[1, 2] = value
    with pytest.raises(ValueError, match=f"shifts must be a number that is finite, got {value}"):
        shift_colors(images, shifts)


def test_pca_wants_colour_and_a_shift_for_each_image():
    with pytest.raises(ValueError, match="images must have 3 channels, got 1"):
        principal_colors(noise(1))
    with pytest.raises(ValueError, match=r"must have the shape \(B, C, H, W\)"):
        principal_colors(torch.zeros(3, 3, 8))
    with pytest.raises(ValueError, match=r"expected shifts \(40, 3\), got 0.1"):
        shift_colors(noise(3), 0.1)
    with pytest.raises(ValueError, match=r"expected shifts \(40, 3\), got \(1, 3\)"):
        shift_colors(noise(3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"expected shifts \(40, 3\), got \(39, 3\)"):
        shift_colors(noise(3), torch.zeros(39, 3))
