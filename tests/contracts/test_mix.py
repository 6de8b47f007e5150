"""What every mixing trick promises."""

import math
import pickle

import pytest
import torch
from torch.utils.data import default_collate

from .discovery import NOTHING, each, files_of, text_of
from .parameters import idle_parameters

every = pytest.mark.parametrize("trick", each("mix"))
random = pytest.mark.parametrize("trick", each("mix", but=NOTHING))
sizes = pytest.mark.parametrize(
    "shape",
    [(16, 3, 32, 32), (5, 1, 28, 28), (3, 4, 16, 16), (1, 3, 9, 14), (6, 3, 30, 11)],
    ids=str,
)


def batch(shape, dtype=torch.float32):
    draws = torch.Generator().manual_seed(0)
    labels = torch.randint(10, shape[:1], generator=draws)
    return torch.randn(shape, generator=draws).to(dtype), torch.eye(10)[labels]


@every
@sizes
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shapes_and_types_stay(trick, shape, dtype, device):
    images, targets = (part.to(device) for part in batch(shape, dtype))
    mixed, rows = trick(images, targets)
    assert (mixed.shape, rows.shape) == (shape, (shape[0], 10)), "a shape has changed"
    assert (mixed.dtype, rows.dtype) == (dtype, torch.float32), "a type has changed"
    assert mixed.device == rows.device == images.device, "something is on another device"


@every
@sizes
def test_targets_stay_distributions(trick, shape):
    for seed in range(20):
        torch.manual_seed(seed)
        _, targets = trick(*batch(shape))
        assert (targets >= 0).all(), "a probability is below zero"
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(shape[0]))


@every
def test_soft_targets_may_be_mixed_again(trick):
    images, targets = batch((8, 3, 12, 12))
    for _ in range(4):
        images, targets = trick(images, targets)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))


@every
@sizes
def test_inputs_are_untouched(trick, shape):
    images, targets = batch(shape)
    for _ in range(3):
        trick(images, targets)
    assert torch.equal(images, batch(shape)[0]), "the images were changed in place"
    assert torch.equal(targets, batch(shape)[1]), "the targets were changed in place"


@random
def test_the_result_has_memory_of_its_own(trick):
    images, targets = batch((8, 3, 12, 12))
    for result in trick(images, targets):
        result.zero_()
    before = batch((8, 3, 12, 12))
    assert torch.equal(images, before[0]), "mixed images share memory with the images"
    assert torch.equal(targets, before[1]), "mixed targets share memory with the targets"


@every
def test_pixels_stay_between_the_darkest_and_the_brightest(trick):
    images, targets = batch((16, 3, 32, 32))
    mixed, _ = trick(images, targets)
    assert images.min() - 1e-5 <= mixed.min(), "a pixel is darker than any that was mixed"
    assert mixed.max() <= images.max() + 1e-5, "a pixel is brighter than any that was mixed"


@every
def test_memory_layout_is_kept_and_does_not_matter(trick, repeat):
    images, targets = batch((8, 3, 12, 12))
    plain, _ = repeat(lambda: trick(images, targets))
    other = images.contiguous(memory_format=torch.channels_last)
    channels_last, _ = repeat(lambda: trick(other, targets))
    torch.testing.assert_close(channels_last[0], plain[0], rtol=0, atol=1e-6)
    assert torch.equal(channels_last[1], plain[1]), "channels_last gives other targets"
    assert plain[0].is_contiguous(), "contiguous images came back in another layout"
    kept = channels_last[0].is_contiguous(memory_format=torch.channels_last)
    assert kept, "channels_last images came back in another layout"


@every
def test_a_seed_of_torch_repeats_it(trick, repeat):
    images, targets = batch((16, 3, 32, 32))
    first, second = repeat(lambda: trick(images, targets))
    same = all(map(torch.equal, first, second))
    assert same, "something is drawn from another generator than torch's"


@random
def test_another_seed_gives_something_else(trick, repeat):
    images, targets = batch((16, 3, 32, 32))
    first, _ = repeat(lambda: trick(images, targets))
    second, _ = repeat(lambda: trick(images, targets), seed=1)
    assert not torch.equal(first[0], second[0]), "nothing is drawn, or not from torch's generator"


@random
def test_each_image_has_a_partner_of_its_own(trick):
    """Every image has a class of its own: its partners' numbers are read off the targets."""
    images, numbers = torch.rand(10, 1, 32, 32), torch.arange(10)
    differences = set()
    for seed in range(5):
        torch.manual_seed(seed)
        _, targets = trick(images, torch.eye(10))
        foreign, partner = (targets - targets.diagonal().diag()).max(dim=1)
        differences |= set(((partner - numbers) % 10)[foreign > 0].tolist())
    assert len(differences) > 5, "all images have their partner at the same distance"


@pytest.mark.parametrize("trick", files_of("mix"))
def test_every_parameter_does_something(trick, repeat):
    images, rows = batch((16, 3, 12, 12))

    def behaviour(value):
        mixed = [repeat(lambda: value(images, rows), seed)[0] for seed in range(5)]
        try:
            return mixed, value(images, rows.argmax(dim=1))[1].shape
        except TypeError:
            return mixed, "labels are refused"

    idle = list(idle_parameters(trick, behaviour))
    if idle:
        pytest.fail("\n".join(idle), pytrace=False)


@every
def test_the_batch_is_treated_as_a_whole(trick, loops_over_images):
    def prepare(count):
        images, targets = batch((count, 3, 8, 8))
        return lambda: trick(images, targets)

    problem = loops_over_images(text_of(trick), prepare)
    if problem:
        pytest.fail(problem, pytrace=False)


@every
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
def test_what_is_left_out_is_left_out_whatever_it_was(trick, value, repeat):
    def mixed(first):
        images, targets = batch((8, 3, 12, 12))
        images[0] = first
        return [repeat(lambda: trick(images, targets), seed)[0][0] for seed in range(5)]

    for plain, other, found in zip(mixed(0.0), mixed(1e30), mixed(value), strict=True):
        without = plain == other  # what does not depend on the first image
        same = torch.equal(found[without], plain[without])
        assert same, f"{value} in one image reached pixels of others that have nothing of it"


class Collate:
    """A trick after the default collation; a class, so that a worker can be given it."""

    def __init__(self, trick):
        self.trick = trick

    def __call__(self, samples):
        return self.trick(*default_collate(samples))


@every
def test_it_works_as_a_collate_function_in_a_worker(trick, from_a_worker):
    pairs = list(zip(*batch((8, 3, 12, 12)), strict=True))
    first, second = (from_a_worker(pairs, Collate(trick)) for _ in range(2))
    for (mixed, rows), (others, more) in zip(first, second, strict=True):
        assert (mixed.shape, rows.shape) == ((4, 3, 12, 12), (4, 10))
        assert torch.equal(mixed, others), "the seed of the main process decides in a worker"
        assert torch.equal(rows, more), "the seed of the main process decides in a worker"


@every
def test_it_is_a_value(trick, rebuild, repeat):
    images, targets = batch((8, 3, 32, 32))
    expected, _ = repeat(lambda: trick(images, targets))
    for twin in (rebuild(trick), pickle.loads(pickle.dumps(trick))):
        assert twin == trick, "a value equals its copy: use @dataclass(frozen=True)"
        found, _ = repeat(lambda twin=twin: twin(images, targets))
        same = all(map(torch.equal, found, expected))
        assert same, "a copy of the value does something else"


@random
@pytest.mark.parametrize(
    ("images", "targets", "error", "message"),
    [
        (
            "pixels",
            torch.ones(2, 10),
            TypeError,
            r"images must be a tensor \(B, C, H, W\), got str",
        ),
        (torch.rand(3, 8, 8), torch.ones(3, 10), ValueError, r"got \(3, 8, 8\)"),
        (torch.rand(0, 3, 8, 8), torch.ones(0, 10), ValueError, r"got \(0, 3, 8, 8\)"),
        (torch.rand(2, 3, 8, 8), torch.ones(2, 10).bool(), TypeError, r"got bool \(2, 10\)"),
        (torch.rand(2, 3, 8, 8), torch.ones(2), ValueError, r"got the shape \(2,\)"),
        (torch.rand(2, 3, 8, 8), torch.ones(3, 10), ValueError, "of 2 images, got 3 rows"),
        (torch.rand(2, 3, 8, 8), [1, 2], TypeError, "got list"),
    ],
    ids=["text", "one image", "none", "truths", "a vector", "too many", "a list"],
)
def test_what_cannot_be_mixed_is_refused(trick, images, targets, error, message):
    with pytest.raises(error, match=message):
        trick(images, targets)


# --- Labels ---


def takes_labels(trick):
    return "num_classes" in text_of(trick)


labelled = pytest.mark.parametrize(
    "trick", [param for param in each("mix", but=NOTHING) if takes_labels(param.values[0])]
)


@labelled
def test_labels_are_mixed_as_their_rows_are(trick, repeat):
    images, rows = batch((16, 3, 12, 12))
    for seed in range(5):
        expected, _ = repeat(lambda: trick(images, rows), seed)
        found, _ = repeat(lambda: trick(images, rows.argmax(dim=1)), seed)
        assert all(map(torch.equal, found, expected)), "labels give something else than rows"


@random
def test_labels_are_refused_with_the_way_out(trick):
    labels = torch.tensor([1, 12])
    error = ValueError if takes_labels(trick) else TypeError
    message = "must be classes 0 ... 9" if takes_labels(trick) else r"got int64 \(2,\).*as_collate"
    with pytest.raises(error, match=message):
        trick(torch.rand(2, 3, 8, 8), labels)


@labelled
def test_rows_are_held_against_the_number_of_classes(trick):
    with pytest.raises(ValueError, match=r"num_classes=10, got \(2, 7\)"):
        trick(torch.rand(2, 3, 8, 8), torch.ones(2, 7))


# --- Draws ---


def tensors_in(draw):
    if isinstance(draw, torch.Tensor):
        return [draw]
    return [tensor for part in draw for tensor in tensors_in(part)] if is_list(draw) else []


def is_list(draw):
    return isinstance(draw, tuple | list)


@random
def test_a_call_draws_and_applies(trick, device):
    images, targets = (part.to(device) for part in batch((8, 3, 12, 12)))
    for seed in range(5):
        torch.manual_seed(seed)
        expected = trick(images, targets)
        torch.manual_seed(seed)
        draw = trick.draw(images.shape)
        state = torch.get_rng_state()
        for _ in range(2):  # a draw may be used again
            assert all(map(torch.equal, trick.apply(images, targets, draw), expected))
        assert torch.equal(torch.get_rng_state(), state), "apply draws something of its own"
        assert all(tensor.device.type == "cpu" for tensor in tensors_in(draw))


@random
def test_a_generator_may_be_given(trick):
    images, targets = batch((8, 3, 12, 12))
    for seed in range(5):
        torch.manual_seed(seed)
        expected = trick.apply(images, targets, trick.draw(images.shape))
        before = torch.get_rng_state()
        generator = torch.Generator().manual_seed(seed)
        found = trick.apply(images, targets, trick.draw(images.shape, generator=generator))
        assert all(map(torch.equal, found, expected)), "a generator of the same seed draws others"
        assert torch.equal(torch.get_rng_state(), before), "torch's generator was used all the same"


@random
def test_apply_is_compiled_a_few_times_and_no_more(trick):
    """A draw in numbers is compiled as constants, then as variables; then never again."""
    torch.compiler.reset()
    images, targets = batch((8, 3, 12, 10))
    draws = [trick.draw(images.shape, generator=one) for one in generators(60)]
    compiled = torch.compile(trick.apply, backend="eager", fullgraph=True)
    for draw in draws[:30]:
        compiled(images, targets, draw)
    with torch.compiler.set_stance("fail_on_recompile"):
        for draw in draws[30:]:
            found = compiled(images, targets, draw)
            torch.testing.assert_close(found, trick.apply(images, targets, draw))


def generators(count):
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


@random
def test_gradients_reach_images_and_targets(trick):
    for seed in range(5):
        images, targets = (part.double().requires_grad_() for part in batch((4, 1, 5, 4)))
        draw = trick.draw(images.shape, generator=torch.Generator().manual_seed(seed))
        torch.autograd.gradcheck(
            lambda *inputs, draw=draw: trick.apply(*inputs, draw),
            (images, targets),
            fast_mode=True,
        )
