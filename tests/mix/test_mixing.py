"""Mixup, CutMix and RICAP against other libraries, the authors' code, and their moments."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import beta as beta_function
from torchvision.transforms import v2

from tricks_lib import RICAP, CutMix, Mixup, mix_pairs, paste_box, patch
from tricks_lib.mix.cutmix import box_around
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


def test_own_share_of_cutmix_is_0_70(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(torch, "randperm", lambda count: torch.tensor([1, 0]))  # each the other's
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
    monkeypatch.setattr(torch, "randperm", lambda count: torch.full((count,), next(order)))
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
    monkeypatch.setattr("tricks_lib.mix.ricap.beta", lambda _: next(shares))
    images = torch.arange(4.0)[:, None, None, None].expand(-1, 1, 10, 20)
    monkeypatch.setattr(torch, "randperm", lambda n: torch.tensor([next(order)] * n))
    order = iter([0, 1, 2, 3])
    patched, rows = RICAP()(images, torch.eye(4))
    expected = torch.empty(10, 20)
    expected[:3, :15], expected[:3, 15:], expected[3:, :15], expected[3:, 15:] = 0, 1, 2, 3
    assert torch.equal(patched[0, 0], expected)
    torch.testing.assert_close(rows[0], torch.tensor([45, 15, 105, 35]) / 200)


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
    with pytest.raises(ValueError, match=r"one partner for each of 8 images, got \(7,\)"):
        mix_pairs(images, targets, partner[:7], 0.5)
    with pytest.raises(ValueError, match=r"one for each of 8 images, got \(3,\)"):
        mix_pairs(images, targets, partner, torch.rand(3))
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
    with pytest.raises(ValueError, match=r"expected partners \(4, 8\) and 4 origins"):
        patch(images, targets, four[:3], (3, 3), origins)
    with pytest.raises(ValueError, match=r"expected partners \(4, 8\) and 4 origins"):
        patch(images, targets, four, (3, 3), origins[:3])
    for boundary in ((13, 3), (3, 11), (-1, 3), (3, -1)):
        with pytest.raises(ValueError, match=r"boundary must lie in 0 \.\.\. 12, 0 \.\.\. 10"):
            patch(images, targets, four, boundary, origins)
    for origin in ((10, 0), (0, 8), (-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="reaches over an image of 12×10"):
            patch(images, targets, four, (3, 3), [origin, *origins[1:]])
