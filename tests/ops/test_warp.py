"""Affine maps against a loop in double precision, and images too large for single precision."""

import math

import pytest
import torch

from tricks_lib.ops.warp import take, warp


@pytest.fixture(params=[torch.float64, torch.bfloat16], ids=str)
def another_default(request):
    """Make another type torch's default, as a caller may have done."""
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(torch.float32)


def turn(degrees):
    angle = math.radians(degrees)
    return [[math.cos(angle), -math.sin(angle), 0.5], [math.sin(angle), math.cos(angle), -1.25]]


MATRICES = torch.tensor([turn(7), turn(-64), [[1.0, 0.3, 2.0], [0.0, 0.7, 0.1]]]).double()


def blended(image, matrix, fill):
    """Bilinear interpolation pixel by pixel, as it is defined; what is outside has the fill."""
    channels, height, width = image.shape
    result = torch.empty_like(image)
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            source_x = matrix[0][0] * x + matrix[0][1] * y + matrix[0][2] + (width - 1) / 2
            source_y = matrix[1][0] * x + matrix[1][1] * y + matrix[1][2] + (height - 1) / 2
            left, top = math.floor(source_x), math.floor(source_y)
            for channel in range(channels):
                total = 0.0
                for j in (top, top + 1):
                    for i in (left, left + 1):
                        weight = (1 - abs(source_x - i)) * (1 - abs(source_y - j))
                        inside = 0 <= i < width and 0 <= j < height
                        total += weight * (image[channel, j, i].item() if inside else fill)
                result[channel, row, column] = total
    return result


@pytest.mark.parametrize("fill", [0.0, 0.75])
@pytest.mark.parametrize(("dtype", "far"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_bilinear_is_its_formula(fill, dtype, far):
    images = torch.rand(3, 2, 9, 12, dtype=torch.float64)
    found = warp(images.to(dtype), MATRICES, fill, "bilinear")
    for image, matrix, mine in zip(images, MATRICES.tolist(), found, strict=True):
        expected = blended(image, matrix, fill).to(dtype)
        torch.testing.assert_close(mine, expected, rtol=0, atol=far)


def test_bilinear_bytes_are_rounded():
    images = torch.randint(256, (3, 2, 9, 12), dtype=torch.uint8)
    found = warp(images, MATRICES, 77.0, "bilinear")
    for image, matrix, mine in zip(images.double(), MATRICES.tolist(), found, strict=True):
        assert (mine - blended(image, matrix, 77.0)).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_flat_image_with_a_fill_of_its_colour_stays_flat(dtype, interpolation):
    value = 100 if dtype == torch.uint8 else 0.375
    images = torch.full((3, 1, 21, 16), value, dtype=dtype)
    assert torch.equal(warp(images, MATRICES, value, interpolation), images)


@pytest.mark.usefixtures("another_default")
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_torchs_default_type_does_not_matter(interpolation, dtype):
    draws = torch.Generator().manual_seed(0)
    images = (255 * torch.rand(3, 2, 19, 23, dtype=torch.float32, generator=draws)).to(dtype)
    found = warp(images, MATRICES, 9.5, interpolation)
    torch.set_default_dtype(torch.float32)
    assert torch.equal(found, warp(images, MATRICES, 9.5, interpolation))


def test_every_pixel_of_a_large_image_is_found():
    """Single precision counts to 2²⁴ only, and loses half a pixel of such a width."""
    height, width = 3, 5_600_000
    assert height * width > 2**24
    by_one = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])  # what is one pixel to the right
    images = torch.randint(256, (1, 1, height, width), dtype=torch.uint8)
    found = warp(images, by_one, 0)
    assert torch.equal(found[..., :-1], images[..., 1:])
    assert not found[..., -1].any(), "nothing is to the right of the last column"


def test_pixels_are_taken_by_number():
    images = torch.arange(12.0).view(2, 1, 2, 3)
    numbers = torch.tensor([[0, 1, 2, 6, 5, 0], [6, 6, 0, 0, 1, 2]], dtype=torch.int32)
    found = take(images, numbers, torch.tensor(-1.0).view(1, 1, 1, 1))
    assert found.flatten(1).tolist() == [[-1, 0, 1, 5, 4, -1], [11, 11, -1, -1, 6, 7]]
