"""Mixup, CutMix and RICAP against other libraries, the authors' code, and their moments."""

import inspect
import itertools
import math
import pickle
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import beta as beta_function
from torch._dynamo.testing import CompileCounter
from torchvision.transforms import v2

from tricks_lib import RICAP, CutMix, Mixup, Recipe, keep, mix_pairs, one_of, paste_box, patch
from tricks_lib.mix.cutmix import box_around
from tricks_lib.mix.ricap import patch_sizes
from tricks_lib.ops.mixing import beta

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from timm.data import Mixup as TimmMixup


def batch(count=8, size=(12, 10)):
    labels = torch.randint(5, (count,))
    return torch.rand(count, 3, *size), F.one_hot(labels, 5).float(), labels


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.7, 1.0])
def test_mixup_is_torchvisions(weight, monkeypatch):
    images, targets, labels = batch()
    theirs = v2.MixUp(num_classes=5)
    monkeypatch.setattr(theirs, "make_params", lambda _: {"lam": weight})
    partner = torch.arange(8).roll(1, 0)
    for mine, other in zip(
        mix_pairs(images, targets, partner, weight), theirs(images, labels), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("weight", [0.3, 0.9])
def test_mixup_is_timms(weight, monkeypatch):
    images, targets, labels = batch()
    theirs = TimmMixup(mixup_alpha=1.0, label_smoothing=0, num_classes=5)
    monkeypatch.setattr(theirs, "_params_per_batch", lambda: (weight, False))
    found = mix_pairs(images, targets, torch.arange(8).flip(0), weight)
    other, rows = theirs(images.clone(), labels)
    torch.testing.assert_close(found[0], other, rtol=0, atol=1e-6)
    torch.testing.assert_close(found[1], rows, rtol=0, atol=1e-6)


def test_a_weight_for_each_sample():
    images, targets, _ = batch(6)
    partner, weight = torch.randperm(6), torch.rand(6)
    mixed, rows = mix_pairs(images, targets, partner, weight)
    for i in range(6):
        one, row = mix_pairs(images[i : i + 1], targets[i : i + 1], torch.tensor([0]), 1.0)
        expected = weight[i] * one[0] + (1 - weight[i]) * images[partner[i]]
        torch.testing.assert_close(mixed[i], expected)
        torch.testing.assert_close(
            rows[i], weight[i] * row[0] + (1 - weight[i]) * targets[partner[i]]
        )


def test_mixing_targets_is_mixing_losses():
    images, targets, _ = batch()
    logits, partner = torch.randn(8, 5, dtype=torch.float64), torch.randperm(8)
    _, rows = mix_pairs(images, targets.double(), partner, 0.3)
    apart = 0.3 * F.cross_entropy(logits, targets.double()) + 0.7 * F.cross_entropy(
        logits, targets.double()[partner]
    )
    assert F.cross_entropy(logits, rows).item() == pytest.approx(apart.item(), abs=1e-14)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 8.0])
def test_moments_of_the_weights(alpha):
    torch.manual_seed(0)
    weights = np.array([beta(alpha) for _ in range(5000)])
    variance = 1 / (4 * (2 * alpha + 1))
    largest = 0.5 + 4**-alpha / (alpha * beta_function(alpha, alpha))
    error = 4 / 5000**0.5
    assert weights.mean() == pytest.approx(0.5, abs=error * variance**0.5)
    assert weights.var() == pytest.approx(variance, abs=error * 0.25)
    assert np.maximum(weights, 1 - weights).mean() == pytest.approx(largest, abs=error * 0.25)
    # Near 1 there are not enough numbers for a small alpha; the lower half says it all.
    lower = weights[weights < 0.5]
    assert stats.kstest(lower, lambda x: 2 * stats.beta(alpha, alpha).cdf(x)).pvalue > 1e-4


def test_a_tiny_alpha_mixes_nothing():
    images, targets, _ = batch()
    torch.manual_seed(0)
    for _ in range(50):
        mixed, rows = Mixup(1e-6)(images, targets)
        assert mixed.isfinite().all()
        assert set(rows.unique().tolist()) <= {0.0, 1.0}


def test_mixup_draws_weight_then_partners():
    images, targets, _ = batch()
    torch.manual_seed(3)
    found = Mixup(0.4)(images, targets)
    torch.manual_seed(3)
    weight = beta(0.4)
    expected = mix_pairs(images, targets, torch.randperm(8), weight)
    assert all(map(torch.equal, found, expected))


# --- CutMix ---


@pytest.mark.parametrize("box", [(2, 7, 3, 9), (0, 12, 0, 10), (4, 4, 1, 5), (0, 1, 9, 10)])
def test_cutmix_is_torchvisions(box, monkeypatch):
    images, targets, labels = batch()
    top, bottom, left, right = box
    own = 1 - (bottom - top) * (right - left) / 120
    theirs = v2.CutMix(num_classes=5)
    monkeypatch.setattr(
        theirs, "make_params", lambda _: {"box": (left, top, right, bottom), "lam_adjusted": own}
    )
    found = paste_box(images, targets, torch.arange(8).roll(1, 0), box)
    other, rows = theirs(images, labels)
    assert torch.equal(found[0], other)
    torch.testing.assert_close(found[1], rows, rtol=0, atol=1e-6)


def test_boxes_are_torchvisions(monkeypatch):
    theirs = v2.CutMix(num_classes=5)
    images, _, _ = batch(2, (20, 33))
    draws = np.random.default_rng(0)
    for _ in range(200):
        y, x, weight = int(draws.integers(20)), int(draws.integers(33)), float(draws.random())
        monkeypatch.setattr(
            theirs,
            "_dist",
            type(
                "D",
                (),
                {"sample": lambda self, shape, w=weight: torch.tensor(w, dtype=torch.float64)},
            )(),
        )
        places = iter([x, y])
        with monkeypatch.context() as patched:
            patched.setattr(torch, "randint", lambda *_, p=places, **__: torch.tensor([next(p)]))
            params = theirs.make_params([images])
        left, top, right, bottom = params["box"]
        assert box_around(y, x, 1 - weight, 20, 33) == (top, bottom, left, right)


@pytest.mark.parametrize("share", [-0.1, 1.7, math.nan])
def test_a_box_has_no_more_than_the_whole_image(share):
    with pytest.raises(ValueError, match="share must be a number >= 0 and <= 1, got"):
        box_around(3, 3, share, 12, 10)


def test_own_share_of_cutmix_is_0_70(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(
        torch, "randperm", lambda count, **_: torch.tensor([1, 0])
    )  # each the other's
    images = torch.arange(2.0)[:, None, None, None].expand(-1, 1, 32, 32)
    shares = []
    for _ in range(4000):
        mixed, rows = CutMix(1.0)(images, torch.eye(2))
        assert rows[0, 0] == pytest.approx((mixed[0] == 0).float().mean().item(), abs=1e-6)
        shares.append(rows[0, 0].item())
    assert np.mean(shares) == pytest.approx(0.70, abs=0.005 + 4 * np.std(shares) / 4000**0.5)


# --- RICAP ---


def authors_ricap(images, targets, generator):
    """RICAP as in the paper's appendix: height and width are exchanged there, and a weight is
    kept for each patch. Returns the patched images, the permutations and what was drawn."""
    height, width = images.shape[2:]
    h = int(np.round(height * generator.beta(0.3, 0.3)))
    w = int(np.round(width * generator.beta(0.3, 0.3)))
    heights, widths = [h, height - h, h, height - h], [w, w, width - w, width - w]
    patches, weights, partners, origins = [], [], [], []
    for k in range(4):
        partner = torch.randperm(len(images))
        y = generator.integers(0, height - heights[k] + 1)
        x = generator.integers(0, width - widths[k] + 1)
        patches.append(images[partner][:, :, y : y + heights[k], x : x + widths[k]])
        weights.append(heights[k] * widths[k] / (height * width))
        partners.append(partner)
        origins.append((int(y), int(x)))
    left, right = torch.cat(patches[:2], 2), torch.cat(patches[2:], 2)
    rows = sum(w * targets[p] for w, p in zip(weights, partners, strict=True))
    return torch.cat((left, right), 3), rows, partners, (h, w), origins


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (9, 5)], ids=str)
def test_ricap_is_the_authors_code_up_to_the_order_of_the_patches(size):
    generator = np.random.default_rng(0)
    for seed in range(40):
        torch.manual_seed(seed)
        images, targets, _ = batch(6, size)
        expected, rows, partners, boundary, origins = authors_ricap(images, targets, generator)
        order = [0, 2, 1, 3]  # the authors go down first, the paper's figure to the right
        found = patch(
            images,
            targets,
            torch.stack([partners[k] for k in order]),
            boundary,
            [origins[k] for k in order],
        )
        assert torch.equal(found[0], expected)
        torch.testing.assert_close(found[1], rows)


def test_weights_are_pixel_counts():
    torch.manual_seed(0)
    images = torch.arange(7.0)[:, None, None, None].expand(-1, 1, 15, 11)
    for _ in range(60):
        patched, rows = RICAP(0.5)(images, torch.eye(7))
        counts = torch.stack([(patched == label).sum((1, 2, 3)) for label in range(7)], dim=1)
        torch.testing.assert_close(rows, counts / 165)


@pytest.mark.parametrize("beta_", [0.3, 1.0, 5.0])
def test_moments_of_the_patches(beta_, monkeypatch):
    torch.manual_seed(0)
    images, targets, calls = torch.zeros(4, 1, 64, 64), torch.eye(4), 3000
    # The patch k of every image comes from image k: the targets are the four shares.
    order = itertools.cycle(range(4))
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.full((n,), next(order)))
    shares = np.array([RICAP(beta_)(images, targets)[1][0].tolist() for _ in range(calls)])
    square = (0.25 + 1 / (4 * (2 * beta_ + 1))) ** 2
    largest = (0.5 + 4**-beta_ / (beta_ * beta_function(beta_, beta_))) ** 2
    assert shares.mean(0) == pytest.approx(
        [0.25] * 4, abs=4 * (square - 1 / 16) ** 0.5 / calls**0.5
    )
    assert shares.var(0) == pytest.approx([square - 1 / 16] * 4, abs=0.02)
    assert shares.max(1).mean() == pytest.approx(largest, abs=4 * 0.25 / calls**0.5)


def test_ricap_draws_as_documented(monkeypatch):
    """The boundary is the rounded share of each side."""
    shares = iter([0.26, 0.74])
    monkeypatch.setattr("tricks_lib.mix.ricap.beta", lambda *_: next(shares))
    images = torch.arange(4.0)[:, None, None, None].expand(-1, 1, 10, 20)
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.full((n,), next(order)))
    order = iter([0, 1, 2, 3])
    patched, rows = RICAP()(images, torch.eye(4))
    expected = torch.empty(10, 20)
    expected[:3, :15], expected[:3, 15:], expected[3:, :15], expected[3:, 15:] = 0, 1, 2, 3
    assert torch.equal(patched[0, 0], expected)
    torch.testing.assert_close(rows[0], torch.tensor([45, 15, 105, 35]) / 200)


# --- What is drawn ---


def plain(value):
    return value.tolist() if isinstance(value, torch.Tensor) else value


def test_the_draws_are_those_of_the_first_edition():
    """Recorded studies depend on these numbers and on their order."""
    torch.manual_seed(7)
    tricks = [Mixup(0.2), Mixup(0.2), CutMix(1.0), CutMix(1.0), RICAP(0.3), RICAP(0.3)]
    found = [[plain(value) for value in trick.draw((4, 3, 12, 10))] for trick in tricks]
    assert found == [
        [[0, 1, 2, 3], pytest.approx(0.3929948589208618, rel=1e-12)],
        [[3, 1, 2, 0], pytest.approx(0.6578570496133891, rel=1e-12)],
        [[1, 3, 0, 2], (0, 8, 0, 4)],
        [[3, 0, 1, 2], (0, 7, 0, 3)],
        [
            [[2, 3, 1, 0], [3, 0, 1, 2], [2, 1, 0, 3], [0, 2, 3, 1]],
            (4, 0),
            [(7, 10), (0, 0), (3, 1), (0, 0)],
        ],
        [
            [[0, 3, 2, 1], [1, 2, 3, 0], [0, 3, 1, 2], [1, 2, 3, 0]],
            (3, 2),
            [(4, 1), (7, 2), (0, 5), (3, 2)],
        ],
    ]
    assert torch.rand(()).item() == pytest.approx(0.9072383046150208), "more or less was drawn"


@pytest.mark.parametrize(
    ("trick", "function"),
    [(Mixup(), mix_pairs), (CutMix(), paste_box), (RICAP(), patch)],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_a_draw_has_the_arguments_of_the_function(trick, function):
    images, targets, labels = batch()
    draw = trick.draw(images.shape)
    names = list(inspect.signature(function).parameters)
    assert list(draw._fields) == names[2:-1]
    expected = function(images, targets, **draw._asdict())
    assert all(map(torch.equal, trick.apply(images, targets, draw), expected))
    found = function(images, labels, **draw._asdict(), num_classes=5)
    assert all(map(torch.equal, found, expected))
    assert pickle.loads(pickle.dumps(draw))._fields == draw._fields


@pytest.mark.parametrize("build", [Mixup, CutMix, RICAP])
def test_p_is_the_share_of_batches_that_are_mixed(build):
    torch.manual_seed(0)
    mixed = [build(1.0, p=0.3).draw((4, 3, 12, 10)) is not None for _ in range(2000)]
    assert np.mean(mixed) == pytest.approx(0.3, abs=4 * (0.21 / 2000) ** 0.5)
    assert not any(build(1.0, p=0).draw((4, 3, 12, 10)) for _ in range(20))


@pytest.mark.parametrize("build", [Mixup, CutMix, RICAP])
def test_a_batch_that_is_left_alone_is_a_copy(build):
    images, _, labels = batch()
    same, rows = build(p=0, num_classes=5)(images, labels)
    assert torch.equal(same, images)
    assert torch.equal(rows, F.one_hot(labels, 5).float())
    same.zero_()
    assert images.any()


# --- One graph for all draws ---


def compiles(function, calls):
    """Count how often a function is compiled, each call with other arguments."""
    torch.compiler.reset()
    counter = CompileCounter()
    compiled = torch.compile(function, backend=counter, fullgraph=True)
    for arguments in calls:
        found, expected = compiled(*arguments), function(*arguments)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    return counter.frame_count


def test_a_new_weight_is_no_new_graph():
    images, targets, _ = batch()
    partner, weights = torch.randperm(8), [0.3, 0.4, 0.5, 0.6, 0.0, 1.0, 0.999]
    numbers = [(images, targets, partner, weight) for weight in weights]
    assert compiles(mix_pairs, numbers) == 2  # the first number is a constant, then a variable
    tensors = [(images, targets, partner, torch.tensor(weight)) for weight in weights]
    assert compiles(mix_pairs, tensors) == 1
    each = [(images, targets, partner, torch.rand(8)) for _ in weights]
    assert compiles(mix_pairs, each) == 1


def test_a_new_box_is_no_new_graph():
    images, targets, _ = batch()
    boxes = [(1, 5, 2, 6), (2, 6, 3, 7), (0, 6, 1, 10), (0, 12, 0, 10), (3, 3, 4, 4), (1, 12, 0, 1)]
    calls = [(images, targets, torch.randperm(8), box) for box in boxes]
    assert compiles(paste_box, calls) == 2


def test_a_new_boundary_is_no_new_graph():
    images, targets, _ = batch()
    points = [(3, 4), (5, 6), (0, 7), (12, 10), (11, 0), (1, 1), (6, 9)]
    calls = []
    for h, w in points:
        sizes = patch_sizes((h, w), 12, 10)
        origins = [((12 - rows) // 2, (10 - columns) // 3) for rows, columns in sizes]
        partners = torch.stack([torch.randperm(8) for _ in range(4)])
        calls.append((images, targets, partners, (h, w), origins))
    assert compiles(patch, calls) <= 4


# --- What is refused ---


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
@pytest.mark.parametrize(("build", "name"), [(Mixup, "alpha"), (CutMix, "alpha"), (RICAP, "beta")])
def test_shapes_of_the_distribution(build, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a number > 0, got {value}"):
        build(value)
    with pytest.raises(TypeError, match=f"{name} must be a number > 0, got '1'"):
        build("1")


def test_what_the_functions_refuse():
    images, targets, _ = batch()
    partner = torch.arange(8)
    with pytest.raises(TypeError, match=r"floating-point numbers to be blended, got torch.uint8"):
        mix_pairs(images.to(torch.uint8), targets, partner, 0.5)
    with pytest.raises(
        ValueError, match=r"one partner for each of 8 images, int \(8,\), got \(7,\)"
    ):
        mix_pairs(images, targets, partner[:7], 0.5)
    with pytest.raises(ValueError, match=r"one for each of 8 images, got \(3,\)"):
        mix_pairs(images, targets, partner, torch.rand(3))
    for wrong in (1.7, -0.1, math.nan, torch.tensor(1.5), torch.linspace(0, 1.1, 8)):
        with pytest.raises(ValueError, match=r"weight must be .* in \[0, 1\], got"):
            mix_pairs(images, targets, partner, wrong)
    for wrong in ("0.5", None, True, [0.5] * 8):
        with pytest.raises(TypeError, match=r"weight must be a number in \[0, 1\], got"):
            mix_pairs(images, targets, partner, wrong)
    for wrong in ((1, 2, 3), (0.0, 2.0, 0.0, 2.0), "box", 3):
        with pytest.raises(TypeError, match="box must be four whole numbers"):
            paste_box(images, targets, partner, wrong)
    for box in (
        (-1, 2, 0, 2),
        (0, 13, 0, 2),
        (3, 2, 0, 2),
        (0, 2, 0, 11),
        (0, 2, -1, 2),
        (0, 2, 5, 4),
    ):
        with pytest.raises(ValueError, match="must lie in an image of 12×10"):
            paste_box(images, targets, partner, box)
    four, origins = partner.expand(4, -1), [(0, 0)] * 4
    with pytest.raises(ValueError, match=r"int \(4, 8\), got \(3, 8\)"):
        patch(images, targets, four[:3], (3, 3), origins)
    with pytest.raises(ValueError, match="expected 4 origins, one for each patch, got 3"):
        patch(images, targets, four, (3, 3), origins[:3])
    with pytest.raises(TypeError, match=r"boundary must be two whole numbers \(row, column\)"):
        patch(images, targets, four, 3, origins)
    with pytest.raises(TypeError, match="each of the origins must be two whole numbers"):
        patch(images, targets, four, (3, 3), [0, 0, 0, 0])
    for boundary in ((13, 3), (3, 11), (-1, 3), (3, -1)):
        with pytest.raises(ValueError, match=r"boundary must lie in 0 \.\.\. 12, 0 \.\.\. 10"):
            patch(images, targets, four, boundary, origins)
    for origin in ((10, 0), (0, 8), (-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="reaches over an image of 12×10"):
            patch(images, targets, four, (3, 3), [origin, *origins[1:]])


APPLIED = {
    "mix_pairs": lambda images, targets, partner: mix_pairs(images, targets, partner, 0.5),
    "paste_box": lambda images, targets, partner: paste_box(images, targets, partner, (0, 2, 0, 2)),
    "patch": lambda images, targets, partner: patch(
        images, targets, partner.expand(4, *partner.shape), (3, 3), [(0, 0)] * 4
    ),
}


@pytest.mark.parametrize("apply", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("count", [1, 4, 64])
def test_partners_are_checked_for_any_size_of_a_batch(apply, count):
    images, targets, _ = batch(count)
    apply(images, targets, torch.arange(count))
    for wrong in (-1, count):
        with pytest.raises(ValueError, match=rf"numbers of images, 0 \.\.\. {count - 1}, got"):
            apply(images, targets, torch.full((count,), wrong))
    for shape in ((), (count + 1,), (count, 1), (1, count)):
        with pytest.raises(ValueError, match=f"one partner for each of {count} images"):
            apply(images, targets, torch.zeros(shape, dtype=torch.long))
    for kind in (torch.float32, torch.bool):
        with pytest.raises(TypeError, match="partners must be numbers of images"):
            apply(images, targets, torch.zeros(count, dtype=kind))


@pytest.mark.parametrize("count", [2, 4, 64])
def test_a_weight_is_one_number_or_one_for_each(count):
    images, targets, _ = batch(count)
    partner = torch.arange(count)
    for shape in ((1,), (count, 1), (count, 1, 1, 1), (count + 1,), (2, count)):
        with pytest.raises(ValueError, match=f"a number or one for each of {count} images, got"):
            mix_pairs(images, targets, partner, torch.full(shape, 0.5))


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16])
def test_a_weight_of_another_type_is_the_same_weight(kind):
    images, targets, _ = batch()
    expected = mix_pairs(images, targets, torch.arange(8).flip(0), 0.25)
    for weight in (torch.tensor(0.25, dtype=kind), torch.full((8,), 0.25, dtype=kind)):
        found = mix_pairs(images, targets, torch.arange(8).flip(0), weight)
        torch.testing.assert_close(found, expected)


# --- A choice for every batch ---


def test_one_of_chooses_by_its_probabilities():
    choice = one_of(Mixup(1.0), CutMix(1.0), keep, p=(0.2, 0.5, 0.3))
    torch.manual_seed(0)
    draws = [choice.draw((4, 3, 12, 10)) for _ in range(3000)]
    shares = np.bincount([draw.chosen for draw in draws], minlength=3) / 3000
    assert shares == pytest.approx(np.array(choice.p), abs=4 * 0.5 / 3000**0.5)
    kinds = {draw.chosen: type(draw.draw) for draw in draws}
    assert kinds == {0: Mixup.Draw, 1: CutMix.Draw, 2: type(None)}


def test_what_has_no_probability_is_never_chosen():
    choice = one_of(keep, Mixup(1.0), keep, p=(0, 1, 0))
    assert {choice.draw((4, 3, 12, 10)).chosen for _ in range(200)} == {1}


def test_one_of_does_what_the_chosen_one_does():
    images, targets, labels = batch()
    choice = one_of(Mixup(1.0), keep, CutMix(1.0, num_classes=5))
    for number, draw in enumerate([Mixup.Draw(torch.arange(8).flip(0), 0.3), None]):
        expected = [mix_pairs, lambda *given: given[:2]][number](images, targets, *(draw or ()))
        found = choice.apply(images, labels, one_of.Draw(number, draw))
        assert all(map(torch.equal, found, expected))


def test_one_of_is_a_value():
    text = "one_of(Mixup(alpha=0.2), keep, p=(0.25, 0.75), num_classes=5)"
    choice = eval(text)
    assert repr(choice) == text
    assert {choice: 1}[eval(repr(choice))] == 1
    assert choice != one_of(Mixup(0.2), keep, num_classes=5)
    assert repr(one_of(Mixup(0.2), CutMix())) == "one_of(Mixup(alpha=0.2), CutMix(alpha=1.0))"
    assert one_of(Mixup(), keep) == one_of(Mixup(), keep, p=(0.5, 0.5))


def test_the_text_of_a_mixture_is_that_of_recorded_recipes():
    assert repr(Mixup(0.2)) == "Mixup(alpha=0.2)"
    assert repr(Recipe(mix=CutMix(np.float64(1.0)))) == "Recipe(mix=CutMix(alpha=1.0))"
    assert repr(RICAP(num_classes=10, p=0.5)) == "RICAP(beta=0.3, num_classes=10, p=0.5)"
