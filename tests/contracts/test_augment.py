"""What every augmentation promises. A new one is added to AUGMENTATIONS, and nowhere else."""

import pickle

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from torchvision.transforms import v2

from tricks_lib import (
    AutoAugment,
    ColorShift,
    Compose,
    Cutout,
    HorizontalFlip,
    PCAColor,
    RandomCrop,
    RandomErasing,
    Recipe,
    Rotation,
    augment,
    identity,
)

AUGMENTATIONS = [
    identity,
    RandomCrop(padding=4),
    RandomCrop(padding=3, fill=None),
    HorizontalFlip(),
    Rotation(degrees=30, fill=7),
    Rotation(degrees=180, fill=None, interpolation="bilinear"),
    ColorShift(),
    ColorShift(brightness=1.0, contrast=0.0, saturation=0.5, hue=0.5),
    PCAColor(std=3.0),
    Cutout(size=8),
    Cutout(size=5, holes=3, fill=0),
    RandomErasing(p=0.8),
    RandomErasing(p=1.0, area=(0.1, 0.2), aspect=(0.5, 2.0), fill=None),
    AutoAugment(),
    AutoAugment("svhn", fill=128),
    AutoAugment("imagenet"),
    Compose(RandomCrop(padding=2), HorizontalFlip(), Cutout(size=6)),
]
UNCHANGING = [identity]
BYTES_ONLY = (AutoAugment,)
CHANNELS = {ColorShift: (1, 3), AutoAugment: (1, 3), PCAColor: (3,)}

every = pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=repr)
random = pytest.mark.parametrize(
    "augmentation", [a for a in AUGMENTATIONS if a not in UNCHANGING], ids=repr
)
shapes = pytest.mark.parametrize(
    "shape",
    [
        (16, 3, 32, 32),
        (5, 1, 28, 28),
        (3, 4, 16, 16),
        (1, 3, 9, 14),
        (2, 3, 30, 11),
        (3, 32, 32),
        (1, 28, 28),
    ],
    ids=str,
)


def pictures(shape, dtype=torch.uint8):
    """Blobs in colour: neighbours alike, as in photographs."""
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand((*shape[:-2], 5, 5), generator=draws)
    batch = coarse if coarse.ndim == 4 else coarse[None]
    smooth = torch.nn.functional.interpolate(batch, shape[-2:], mode="bilinear").view(shape)
    noisy = (smooth + 0.1 * torch.rand(shape, generator=draws)).clamp(0, 1)
    return (255 * noisy).to(torch.uint8) if dtype == torch.uint8 else noisy.to(dtype)


def require(augmentation, shape, dtype=torch.uint8):
    """Check the refusal of what is not defined, and skip the rest of the test."""
    if dtype != torch.uint8 and isinstance(augmentation, BYTES_ONLY):
        with pytest.raises(TypeError, match="uint8 images, got torch"):
            augmentation(pictures(shape, dtype))
        pytest.skip("floats are refused")
    allowed = CHANNELS.get(type(augmentation), (shape[-3],))
    if shape[-3] not in allowed:
        with pytest.raises(ValueError, match=f"channels, got {shape[-3]}"):
            augmentation(pictures(shape, dtype))
        pytest.skip(f"{shape[-3]} channels are refused")


def test_list_is_complete(assert_complete):
    assert_complete(augment, AUGMENTATIONS)
    assert Recipe().augment in AUGMENTATIONS


@every
@shapes
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_type_stay(augmentation, shape, dtype, device):
    require(augmentation, shape, dtype)
    augmented = augmentation(pictures(shape, dtype).to(device))
    assert augmented.shape == shape
    assert augmented.dtype == dtype
    assert augmented.device.type == device.type
    assert augmented.isfinite().all()


@every
@shapes
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_inputs_are_untouched(augmentation, shape, dtype):
    require(augmentation, shape, dtype)
    images = pictures(shape, dtype)
    for _ in range(3):
        augmentation(images)
    assert torch.equal(images, pictures(shape, dtype))


@random
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_result_has_memory_of_its_own(augmentation, dtype):
    require(augmentation, (8, 3, 32, 32), dtype)
    images = pictures((8, 3, 32, 32), dtype)
    augmentation(images).zero_()
    assert torch.equal(images, pictures((8, 3, 32, 32), dtype))


@every
def test_a_seed_of_torch_repeats_it(augmentation, repeat):
    images = pictures((16, 3, 32, 32))
    first, second = repeat(lambda: augmentation(images))
    assert torch.equal(first, second)


@random
def test_another_seed_gives_something_else(augmentation, repeat):
    images = pictures((16, 3, 32, 32))
    first, _ = repeat(lambda: augmentation(images))
    second, _ = repeat(lambda: augmentation(images), seed=1)
    assert not torch.equal(first, second)


@random
def test_each_image_has_a_draw_of_its_own(augmentation, repeat):
    images = pictures((3, 32, 32)).expand(32, -1, -1, -1)
    augmented, _ = repeat(lambda: augmentation(images))
    assert len({tuple(image.flatten().tolist()) for image in augmented}) > 1


@every
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_memory_layout_is_kept_and_does_not_matter(augmentation, repeat, dtype):
    require(augmentation, (8, 3, 32, 32), dtype)
    images = pictures((8, 3, 32, 32), dtype)
    plain, _ = repeat(lambda: augmentation(images))
    other = images.contiguous(memory_format=torch.channels_last)
    channels_last, _ = repeat(lambda: augmentation(other))
    assert torch.equal(plain, channels_last)
    assert plain.is_contiguous()
    assert channels_last.is_contiguous(memory_format=torch.channels_last)
    strided, _ = repeat(lambda: augmentation(images[:, :, :, ::2]))
    compact, _ = repeat(lambda: augmentation(images[:, :, :, ::2].contiguous()))
    assert torch.equal(strided, compact)
    assert strided.is_contiguous() or augmentation in UNCHANGING


@every
def test_a_single_image_is_a_batch_of_one(augmentation, repeat):
    image = pictures((3, 20, 24))
    single, _ = repeat(lambda: augmentation(image))
    batch, _ = repeat(lambda: augmentation(image[None]))
    assert torch.equal(single, batch[0])


@every
def test_it_draws_the_same_on_every_device(augmentation, repeat, device):
    noisy = augmentation in (identity,) or getattr(augmentation, "fill", None) == "random"
    if noisy:
        pytest.skip("noise is drawn where the images are")
    images = pictures((8, 3, 32, 32))
    here, _ = repeat(lambda: augmentation(images))
    there, _ = repeat(lambda: augmentation(images.to(device)).cpu())
    assert (here.int() - there.int()).abs().max() <= 1


@every
def test_nothing_waits_for_the_device(augmentation, device, without_waiting):
    images = pictures((8, 3, 32, 32)).to(device)
    assert without_waiting(lambda: augmentation(images), device).shape == images.shape


@every
def test_it_fits_into_compose(augmentation):
    pipeline = v2.Compose([augmentation, v2.ToDtype(torch.float32, scale=True)])
    assert pipeline(pictures((3, 32, 32))).shape == (3, 32, 32)


@every
def test_it_works_in_a_worker(augmentation, treated, from_a_worker):
    images = pictures((8, 3, 32, 32))
    first, second = (torch.cat(from_a_worker(treated(augmentation, images))) for _ in range(2))
    assert first.shape == images.shape
    assert torch.equal(first, second)  # seeded by torch in the main process


@every
def test_it_is_a_value(augmentation, rebuild, repeat):
    images = pictures((8, 3, 32, 32))
    expected, _ = repeat(lambda: augmentation(images))
    for twin in (rebuild(augmentation), pickle.loads(pickle.dumps(augmentation))):
        assert twin == augmentation
        assert hash(twin) == hash(augmentation)
        found, _ = repeat(lambda twin=twin: twin(images))
        assert torch.equal(found, expected)


@random
@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (None, TypeError, "images must be a tensor, got NoneType"),
        (torch.zeros(4, 3, 8, 8, dtype=torch.int64), TypeError, "got torch.int64"),
        (torch.zeros(8, 8, dtype=torch.uint8), ValueError, r"got \(8, 8\)"),
        (torch.zeros(2, 4, 3, 8, 8, dtype=torch.uint8), ValueError, r"got \(2, 4, 3, 8, 8\)"),
        (torch.zeros(0, 3, 8, 8, dtype=torch.uint8), ValueError, r"got \(0, 3, 8, 8\)"),
        (torch.zeros(3, 0, 8, dtype=torch.uint8), ValueError, r"got \(3, 0, 8\)"),
    ],
    ids=["none", "labels", "a matrix", "a video", "no images", "no pixels"],
)
def test_what_are_no_images_is_refused(augmentation, images, error, message):
    with pytest.raises(error, match=message):
        augmentation(images)


@pytest.mark.parametrize(
    "augmentation", [a for a in AUGMENTATIONS if hasattr(a, "with_mean")], ids=repr
)
def test_the_mean_colour_of_the_data_set_stands_for_none(augmentation):
    bound = augmentation.with_mean(torch.tensor([0.2, 0.4, 0.6]))
    if getattr(augmentation, "fill", 0) is None:
        assert bound.fill == (51, 102, 153)
    elif isinstance(augmentation, Compose):
        assert bound.steps[-1] == Cutout(size=6, fill=(51, 102, 153))
        assert bound.steps[:-1] == augmentation.steps[:-1]
    else:
        assert bound == augmentation
    assert augmentation in AUGMENTATIONS  # itself unchanged


def peak_memory(call):
    """The most bytes that are in use at once during a call, by torch's own book-keeping."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    used, peak = 0, 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        used += event.nbytes()
        peak = max(peak, used)
    return peak


@random
def test_no_more_than_four_times_the_images_is_put_aside(augmentation):
    images = pictures((120, 3, 160, 160))
    augmentation(images)  # maps that are worked out once
    assert 0 < peak_memory(lambda: augmentation(images)) <= 4.1 * images.numel()
