import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from tricks_lib.lab.data import Data, Split


def small_data(count=20, classes=4, channels=3):
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, 5, 7), generator=draws, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count)  # tells images apart
    labels = torch.arange(count) % classes
    return Data(
        "small",
        train=Split(images, labels),
        test=Split(images.flip(0), labels.flip(0)),
        classes=tuple("abcdefgh"[:classes]),
        mean=torch.full((channels,), 0.5),
        std=torch.full((channels,), 0.25),
    )


def ids(split):
    return split.images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(2, 1, 3, 3), torch.zeros(2, dtype=torch.int64), "images must be torch.uint8"),
        (
            torch.zeros(2, 3, 3, dtype=torch.uint8),
            torch.zeros(2, dtype=torch.int64),
            r"\(N, C, H, W\), got torch.uint8 \(2, 3, 3\)",
        ),
        (
            torch.zeros(2, 1, 3, 3, dtype=torch.uint8),
            torch.zeros(2, dtype=torch.int32),
            "labels must be torch.int64",
        ),
        (
            torch.zeros(2, 1, 3, 3, dtype=torch.uint8),
            torch.zeros(3, dtype=torch.int64),
            "got 2 images and 3 labels",
        ),
    ],
)
def test_split_says_what_it_expected(images, labels, message):
    with pytest.raises(ValueError, match=message):
        Split(images, labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("a", "b")}, "train labels from 0 to 1, got labels from 0 to 3"),
        ({"mean": torch.zeros(1)}, r"mean must be torch.float32 \(3,\)"),
        ({"std": torch.zeros(3)}, "std must be > 0"),
        ({"std": torch.ones(3, dtype=torch.float64)}, "std must be torch.float32"),
        (
            {"test": Split(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]))},
            r"test images like the training images, \(3, 5, 7\), got \(3, 4, 4\)",
        ),
        (
            {
                "validation": Split(
                    torch.zeros(0, 3, 5, 7, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)
                )
            },
            "at least one validation image",
        ),
    ],
)
def test_data_says_what_it_expected(changes, message):
    data = small_data()
    parts = {name: getattr(data, name) for name in data.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        Data(**parts | changes)


def test_repr_shows_sizes_and_classes_but_no_numbers(mini):
    assert repr(mini) == (
        "Data(fashion-mini: 10,000 train + 5,000 test images of 1×28×28, "
        "10 classes: T-shirt/top, Trouser, Pullover, ...)"
    )
    assert repr(small_data(classes=2).hold_out(5)).endswith(
        "15 train + 5 validation + 20 test images of 3×5×7, 2 classes: a, b)"
    )
    assert repr(mini.test) == "Split(5,000 images of 1×28×28)"


@pytest.mark.parametrize("channels", [1, 3])
def test_normalize_agrees_with_torchvision(channels):
    data = small_data(channels=channels)
    images = data.train.images
    oracle = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(data.mean.tolist(), data.std.tolist()),
        ]
    )
    torch.testing.assert_close(data.normalize(images), oracle(images))
    torch.testing.assert_close(data.normalize(images[3]), oracle(images[3]))


def test_normalize_gives_mean_0_and_deviation_1(mini):
    images = mini.normalize(mini.train.images)
    assert images.mean().item() == pytest.approx(0, abs=1e-4)
    assert images.std().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_normalize_takes_floats_and_leaves_them_alone(dtype):
    data = small_data()
    images = data.train.images.to(dtype)
    before = images.clone()
    normal = data.normalize(images)
    assert normal.dtype == torch.float32
    torch.testing.assert_close(normal, data.normalize(data.train.images))
    assert torch.equal(images, before)


def test_normalize_keeps_the_memory_format():
    data = small_data()
    images = data.train.images.contiguous(memory_format=torch.channels_last)
    assert data.normalize(images).is_contiguous(memory_format=torch.channels_last)


def test_denormalize_undoes_normalize_and_clips(mini):
    images = mini.train.images[:50]
    assert torch.equal(mini.denormalize(mini.normalize(images)), images)
    assert mini.denormalize(torch.tensor([[[-99.0, 99.0]]])).tolist() == [[[0, 255]]]


@given(count=st.integers(1, 20), seed=st.none() | st.integers(0, 2**32))
def test_subset_is_a_growing_choice(count, seed):
    data = small_data()
    few = data.subset(train=count, seed=seed)
    assert len(set(ids(few.train))) == len(few.train) == count
    assert few.train.labels.tolist() == [number % 4 for number in ids(few.train)]
    assert ids(few.train) == ids(data.subset(train=20, seed=seed).train)[:count]
    if seed is None:
        assert ids(few.train) == list(range(count))
    assert few.test is data.test
    assert few.mean is data.mean
    assert ids(data.train) == list(range(20))


def test_subset_cuts_every_split():
    data = small_data().hold_out(6)
    few = data.subset(train=3, test=4, validation=5, seed=1)
    assert [len(split) for split in few.splits.values()] == [3, 5, 4]
    assert set(ids(few.validation)) <= set(ids(data.validation))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train": 21}, "expected 1 to 20 train images, got 21"),
        ({"test": 0}, "expected 1 to 20 test images, got 0"),
        ({"validation": 1}, "expected 1 to 0 validation images, got 1"),
    ],
)
def test_subset_says_how_many_there_are(counts, message):
    with pytest.raises(ValueError, match=message):
        small_data().subset(**counts)


@given(count=st.integers(1, 19), seed=st.integers(0, 2**32))
def test_hold_out_parts_the_training_images(count, seed):
    data = small_data()
    parted = data.hold_out(count, seed)
    train, held = ids(parted.train), ids(parted.validation)
    assert len(held) == count
    assert sorted(train + held) == list(range(20))
    assert train == sorted(train)
    assert held == sorted(held)
    assert parted.validation.labels.tolist() == [number % 4 for number in held]
    assert ids(data.hold_out(count, seed).validation) == held
    assert parted.test is data.test


def test_hold_out_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="expected 1 to 19 validation images, got 20"):
        small_data().hold_out(20)
    with pytest.raises(ValueError, match="without a validation split, got one of 5"):
        small_data().hold_out(5).hold_out(5)


@given(rate=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_label_noise_hits_the_share_asked_for(rate, seed):
    data = small_data()
    noisy = data.with_label_noise(rate, seed)
    assert (noisy.train.labels != data.train.labels).sum() == round(20 * rate)
    assert noisy.train.labels.min() >= 0
    assert noisy.train.labels.max() < 4
    assert torch.equal(noisy.train.images, data.train.images)
    assert noisy.test is data.test
    assert data.train.labels.tolist() == [number % 4 for number in range(20)]


def test_label_noise_is_uniform_over_the_other_classes(mini):
    noisy = mini.with_label_noise(1.0, seed=3)
    shift = (noisy.train.labels - mini.train.labels) % 10
    counts = shift.bincount(minlength=10)
    assert counts[0] == 0
    # 9 classes, 10,000 draws: 1111 each, standard deviation 31
    assert (counts[1:] - 1111).abs().max() < 5 * 31
    assert noisy.name == "fashion-mini with 100% wrong labels"
    assert noisy.fingerprint() != mini.fingerprint()


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_label_noise_refuses_a_rate_out_of_range(rate):
    with pytest.raises(ValueError, match="rate must be in"):
        small_data().with_label_noise(rate)


def test_fingerprint_sees_every_change():
    data = small_data()
    assert data.fingerprint() == small_data().fingerprint()
    assert len(bytes.fromhex(data.fingerprint())) == 8
    images, labels = data.train.images.clone(), data.train.labels.clone()
    images[7, 2, 4, 6] ^= 1
    labels[0] = 1
    changed = [
        data.subset(train=19),
        data.hold_out(5),
        Data("x", Split(images, data.train.labels), data.test, data.classes, data.mean, data.std),
        Data("x", Split(data.train.images, labels), data.test, data.classes, data.mean, data.std),
        Data("x", data.train, data.test, ("a", "b", "c", "e"), data.mean, data.std),
        Data("x", data.test, data.train, data.classes, data.mean, data.std),
    ]
    assert len({other.fingerprint() for other in [data, *changed]}) == 7
