"""What every augmentation promises."""

import math
import pickle

import pytest
import torch
from PIL import Image
from torch.profiler import ProfilerActivity, profile
from torchvision.transforms import v2

from tricks_lib.ops.pixels import Fill

from .cases import pictures
from .discovery import NOTHING, declared, each, files_of, in_slot, text_of
from .parameters import idle_parameters, maker_of, parameters_of, remade

BOTH = [torch.uint8, torch.float32]
TYPES = [*BOTH, torch.float64, torch.bfloat16]
SHAPES = [
    (16, 3, 32, 32),
    (5, 1, 28, 28),
    (3, 4, 16, 16),
    (1, 3, 9, 14),
    (2, 3, 30, 11),
    (3, 32, 32),
    (1, 28, 28),
]

every = pytest.mark.parametrize("augmentation", each("augment"))
random = pytest.mark.parametrize("augmentation", each("augment", but=NOTHING))


def takes(case, shape, dtype):
    """Whether images of this shape and type are taken, by what the case says."""
    right_type = dtype == torch.uint8 or not case.bytes_only
    return right_type and (case.channels is None or shape[-3] in case.channels)


def kept(shape, augmentation):
    """What an augmentation keeps of a shape: one that resizes only the channels, and the batch."""
    resizes = any(augmentation is one for one in declared("augment", "resizes"))
    return shape[:-2] if resizes else shape


def on(shapes, dtypes, taken=True, but=()):
    """Parametrise over the augmentations and the images that they take, or refuse."""
    return pytest.mark.parametrize(
        ("augmentation", "shape", "dtype"),
        [
            pytest.param(example, shape, dtype, id=f"{text_of(example)}-{shape}-{dtype}")
            for case, example in in_slot("augment")
            for shape in shapes
            for dtype in dtypes
            if takes(case, shape, dtype) == taken and not any(example is one for one in but)
        ],
    )


@on(SHAPES, TYPES)
def test_shape_and_type_stay(augmentation, shape, dtype, device):
    augmented = augmentation(pictures(shape, dtype).to(device))
    stays = kept(shape, augmentation)
    assert augmented.shape[: len(stays)] == stays, "an augmentation keeps the shape of the images"
    assert augmented.ndim == len(shape), "(C, H, W) or (B, C, H, W) came back as the other"
    assert augmented.dtype == dtype, "an augmentation keeps the type of the images"
    assert augmented.device.type == device.type, "an augmentation keeps images on their device"
    assert augmented.isfinite().all(), "finite images became infinite or NaN"


@on(SHAPES, TYPES, taken=False)
def test_other_channels_and_types_are_refused(augmentation, shape, dtype):
    refusals = {TypeError: "uint8 images, got torch", ValueError: f"channels, got {shape[-3]}"}
    with pytest.raises((TypeError, ValueError)) as refused:
        augmentation(pictures(shape, dtype))
    assert refusals[refused.type] in str(refused.value), "the message says what was wrong"


@on(SHAPES, BOTH)
def test_inputs_are_untouched(augmentation, shape, dtype):
    images = pictures(shape, dtype)
    for _ in range(3):
        augmentation(images)
    assert torch.equal(images, pictures(shape, dtype)), "the images were changed in place"


@on([(8, 3, 32, 32)], BOTH, but=NOTHING)
def test_the_result_has_memory_of_its_own(augmentation, shape, dtype):
    images = pictures(shape, dtype)
    augmentation(images).zero_()
    same = torch.equal(images, pictures(shape, dtype))
    assert same, "what is returned shares memory with the images: who changes one changes both"


@every
def test_a_seed_of_torch_repeats_it(augmentation, repeat):
    images = pictures((16, 3, 32, 32))
    first, second = repeat(lambda: augmentation(images))
    assert torch.equal(first, second), "something is drawn from another generator than torch's"


@random
def test_another_seed_gives_something_else(augmentation, repeat):
    images = pictures((16, 3, 32, 32))
    first, _ = repeat(lambda: augmentation(images))
    second, _ = repeat(lambda: augmentation(images), seed=1)
    assert not torch.equal(first, second), "nothing is drawn, or not from torch's generator"


@random
def test_each_image_has_a_draw_of_its_own(augmentation, repeat):
    images = pictures((3, 32, 32)).expand(32, -1, -1, -1)
    augmented, _ = repeat(lambda: augmentation(images))
    different = {tuple(image.flatten().tolist()) for image in augmented}
    assert len(different) > 1, "one draw was made for all images of the batch"


@pytest.mark.parametrize("trick", files_of("augment"))
def test_every_parameter_does_something(trick, repeat):
    images = pictures((64, 3, 32, 32))
    idle = list(idle_parameters(trick, lambda value: repeat(lambda: value(images))[0]))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_the_batch_is_treated_as_a_whole(augmentation, loops_over_images):
    def prepare(count):
        images = pictures((count, 3, 8, 8))
        return lambda: augmentation(images)

    problem = loops_over_images(text_of(augmentation), prepare)
    if problem:
        pytest.fail(problem, pytrace=False)


@on([(8, 3, 32, 32)], BOTH)
def test_memory_layout_is_kept_and_does_not_matter(augmentation, shape, dtype, repeat):
    images = pictures(shape, dtype)
    plain, _ = repeat(lambda: augmentation(images))
    other = images.contiguous(memory_format=torch.channels_last)
    channels_last, _ = repeat(lambda: augmentation(other))
    assert torch.equal(plain, channels_last), "channels_last gives other images"
    assert plain.is_contiguous(), "contiguous images came back in another layout"
    kept = channels_last.is_contiguous(memory_format=torch.channels_last)
    assert kept, "channels_last images came back in another layout"
    strided, _ = repeat(lambda: augmentation(images[:, :, :, ::2]))
    compact, _ = repeat(lambda: augmentation(images[:, :, :, ::2].contiguous()))
    assert torch.equal(strided, compact), "every second column gives other images than their copy"
    assert strided.is_contiguous() or augmentation in NOTHING, "the result is not contiguous"


@every
def test_a_single_image_is_a_batch_of_one(augmentation, repeat):
    image = pictures((3, 20, 24))
    single, _ = repeat(lambda: augmentation(image))
    batch, _ = repeat(lambda: augmentation(image[None]))
    assert torch.equal(single, batch[0]), "(C, H, W) and (1, C, H, W) are treated differently"


@every
def test_it_fits_into_compose(augmentation):
    pipeline = v2.Compose([augmentation, v2.ToDtype(torch.float32, scale=True)])
    stays = kept((3, 32, 32), augmentation)
    found = pipeline(pictures((3, 32, 32))).shape
    assert (len(found), found[: len(stays)]) == (3, stays), "torchvision passes (C, H, W)"


@every
def test_it_works_in_a_worker(augmentation, treated, from_a_worker):
    images = pictures((8, 3, 32, 32))
    first, second = (torch.cat(from_a_worker(treated(augmentation, images))) for _ in range(2))
    assert len(first) == len(images)
    assert torch.equal(first, second), "the seed of torch in the main process decides in a worker"


@every
def test_it_is_a_value(augmentation, rebuild, repeat):
    images = pictures((8, 3, 32, 32))
    expected, _ = repeat(lambda: augmentation(images))
    for twin in (rebuild(augmentation), pickle.loads(pickle.dumps(augmentation))):
        assert twin == augmentation, "a value equals its copy: use @dataclass(frozen=True)"
        assert hash(twin) == hash(augmentation), "equal values have equal hashes"
        found, _ = repeat(lambda twin=twin: twin(images))
        assert torch.equal(found, expected), "a copy of the value does something else"


# --- Draws ---


def tensors_in(draw):
    if isinstance(draw, torch.Tensor):
        return [draw]
    if isinstance(draw, tuple | list):
        return [tensor for part in draw for tensor in tensors_in(part)]
    return []


@random
@pytest.mark.parametrize("shape", [(8, 3, 20, 18), (3, 20, 18)], ids=str)
def test_a_call_draws_and_applies(augmentation, shape, device):
    images = pictures(shape).to(device)
    for seed in range(5):
        torch.manual_seed(seed)
        expected = augmentation(images)
        torch.manual_seed(seed)
        draw = augmentation.draw(images.shape)
        state = torch.get_rng_state()
        for _ in range(2):  # a draw may be used again
            assert torch.equal(augmentation.apply(images, draw), expected)
        assert torch.equal(torch.get_rng_state(), state), "apply draws something of its own"
        assert all(tensor.device.type == "cpu" for tensor in tensors_in(draw))


@random
def test_a_generator_may_be_given(augmentation):
    images = pictures((8, 3, 20, 18))
    for seed in range(5):
        torch.manual_seed(seed)
        expected = augmentation.apply(images, augmentation.draw(images.shape))
        before = torch.get_rng_state()
        generator = torch.Generator().manual_seed(seed)
        draw = augmentation.draw(images.shape, generator=generator)
        found = augmentation.apply(images, draw)
        assert torch.equal(found, expected), "a generator of the same seed draws others"
        assert torch.equal(torch.get_rng_state(), before), "torch's generator was used all the same"


@on([(6, 3, 20, 18)], BOTH, but=NOTHING)
@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)
def test_the_default_type_does_not_matter(augmentation, shape, dtype, default, repeat):
    images = pictures(shape, dtype)
    expected, _ = repeat(lambda: augmentation(images))
    torch.set_default_dtype(default)
    try:
        found, _ = repeat(lambda: augmentation(images))
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected), f"a default of {default} gives other images"


@on([(4, 3, 20, 18), (3, 3, 90, 80)], [torch.float32], but=NOTHING)
def test_a_gradient_is_kept(augmentation, shape, dtype):
    images = pictures(shape, dtype).requires_grad_()
    draw = augmentation.draw(shape)
    found = augmentation.apply(images, draw)
    assert found.requires_grad, "the gradient is cut in silence"
    torch.testing.assert_close(found, augmentation.apply(images.detach(), draw))
    found.sum().backward()
    assert images.grad.isfinite().all()
    assert images.grad.any(), "no pixel has a gradient"


@random
@pytest.mark.parametrize("sample", ["a label beside", "a pair", "a dictionary"])
def test_samples_with_labels_are_sent_to_the_adapter(augmentation, sample):
    image, label = pictures((3, 20, 18)), torch.tensor(1)
    given = {"a label beside": (image, label), "a pair": ((image, label),)}
    with pytest.raises(TypeError, match=r"takes images and nothing else; .*adapters.as_transform"):
        augmentation(*given.get(sample, ({"image": image, "label": label},)))


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
        (torch.zeros(128, 28, 28, dtype=torch.uint8), ValueError, r"images\[:, None\] makes grey"),
        (torch.zeros(28, 30, 3, dtype=torch.uint8), ValueError, r"images.movedim\(-1, -3\)"),
        (torch.zeros(8, 28, 30, 1, dtype=torch.uint8), ValueError, r"images.movedim\(-1, -3\)"),
        (Image.new("RGB", (8, 8)), TypeError, r"got Image; .*PILToTensor\(\)"),
    ],
    ids=[
        "none",
        "labels",
        "a matrix",
        "a video",
        "no images",
        "no pixels",
        "grey images",
        "colours last",
        "a batch with colours last",
        "a PIL image",
    ],
)
def test_what_are_no_images_is_refused(augmentation, images, error, message):
    with pytest.raises(error, match=message):
        augmentation(images)


# --- Fills ---


def fills_of(augmentation):
    """Name the parameters that are colours to fill with."""
    parameters = parameters_of(maker_of(augmentation), "augment")
    return [n for n, p in parameters.items() if n == "fill" or p.annotation == Fill]


def filled_with(color, dtype=torch.uint8):
    """Set the colour of the augmentations that have one and take images of this type."""
    filled = {}
    for case, augmentation in in_slot("augment"):
        fills = fills_of(augmentation)
        if fills and not (case.bytes_only and dtype != torch.uint8):
            try:
                value = remade(augmentation, "augment", **dict.fromkeys(fills, color))
            except (TypeError, ValueError):  # it takes no such colour
                continue
            filled[text_of(value)] = value
    return filled


MEAN, MEAN_AS_BYTES = torch.tensor([0.2, 0.4, 0.6]), (51, 102, 153)
EXAMPLES = {text_of(example): example for _, example in in_slot("augment")}
WITHOUT_COLOR = filled_with(None) | {
    text: example for text, example in EXAMPLES.items() if "fill=None" in text
}
WITH_COLOR = {text: example for text, example in EXAMPLES.items() if text not in WITHOUT_COLOR}


@pytest.mark.parametrize("augmentation", WITHOUT_COLOR.values(), ids=WITHOUT_COLOR)
def test_the_mean_colour_of_the_data_set_stands_for_none(augmentation, repeat):
    text = text_of(augmentation)
    if not hasattr(augmentation, "with_mean"):
        pytest.fail(
            f"{text} takes None as a colour and has no with_mean, by which `fit` gives it the data "
            "set's mean colour. Write with_mean(self, mean); tricks_lib/augment/cutout.py has one.",
            pytrace=False,
        )
    bound, expected = augmentation.with_mean(MEAN), text
    for name in {"fill", *fills_of(augmentation)}:
        expected = expected.replace(f"{name}=None", f"{name}=ByteColor({MEAN_AS_BYTES})")
    assert text_of(bound) == expected, "with_mean puts the mean colour in the place of None"
    assert text_of(augmentation) == text, "with_mean changed the value itself"
    images = torch.full((64, 3, 32, 32), 200, dtype=torch.uint8)
    painted, _ = repeat(lambda: bound(images))
    color = torch.tensor(MEAN_AS_BYTES, dtype=torch.uint8)[:, None, None]
    seen = (painted == color).all(dim=1).any()
    assert seen, f"no pixel of 64 images has the colour that with_mean set, {MEAN_AS_BYTES}"


@pytest.mark.parametrize("augmentation", WITH_COLOR.values(), ids=WITH_COLOR)
def test_a_colour_that_was_chosen_stays(augmentation):
    bound = getattr(augmentation, "with_mean", lambda mean: augmentation)(MEAN)
    assert bound == augmentation, "with_mean replaced a colour that was not None"


ON_FLOATS = {
    text_of(example): example for case, example in in_slot("augment") if not case.bytes_only
}
FILLED = filled_with(0.5, torch.float32)


@pytest.mark.parametrize("augmentation", (ON_FLOATS | FILLED).values(), ids=ON_FLOATS | FILLED)
def test_what_is_hidden_is_hidden_whatever_it_was(augmentation, repeat):
    def augmented(value):
        return repeat(lambda: augmentation(torch.full((64, 3, 32, 32), value)))[0]

    expected = augmented(0.0)
    hidden = expected == augmented(1e30)  # what does not depend on the image
    if text_of(augmentation) in FILLED:
        assert hidden.any(), "no pixel has the colour to fill with"
    for value in (math.inf, -math.inf, math.nan):
        found = augmented(value)[hidden]
        if not torch.equal(found, expected[hidden]):
            pytest.fail(
                f"A pixel that is hidden should be {expected[hidden][0].item():g}, and was "
                f"{value} before: it became {found[found != expected[hidden]][0].item()}. Choose "
                "pixels by torch.where; 0 times infinity is NaN.",
                pytrace=False,
            )


# --- Memory ---


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
    times = peak_memory(lambda: augmentation(images)) / images.numel()
    assert 0 < times <= 4.1, f"{times:.1f} times the memory of the images is needed"
