import gzip
import hashlib
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits
from torchvision.datasets import CIFAR10, FashionMNIST
from torchvision.datasets import utils as downloads
from torchvision.transforms import v2

from tricks_lib.lab.data import Data, DataUnavailable, Split, load_data

ORIGINALS = Path("/usr/share/datasets/fashion-mnist")
REPOSITORY = Path(__file__).parents[2]

untimed = settings(deadline=None)  # the machine may be busy with something else

needs_originals = pytest.mark.skipif(
    not ORIGINALS.exists(), reason="needs Debian's package dataset-fashion-mnist"
)

# torchvision's unpacking, on Python 3.12 and 3.13
pytestmark = pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter extracted tar")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRICKS_DATA", str(folder))

    def unplugged(*_, **__):
        raise URLError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", unplugged)
    return folder


@pytest.fixture(scope="module")
def mini():
    return load_data("fashion-mini")


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


# --- The embedded set ---


def test_fashion_mini_is_the_start_of_fashion_mnist(mini):
    # Hashes of the first bytes of the original IDX files, behind their headers.
    for tensor, expected in (
        (mini.train.images, "2929ae1c7b89e0ee6587bbe4911fd5f0a5dafe21ae6ed9b737173cbfe20c12c9"),
        (mini.test.images, "c7c2d66209217610bf8347d049b05c89ed290d13d9e0c432aeb984c411bc669e"),
        (mini.train.labels, "1022e4632874e71bb84d924c475e6a3428a2deeb8c5a0f612a015c97e4fce7f0"),
        (mini.test.labels, "aebe8004dad5b3e205df8e56cbe590cbda22479c4a1eb99d19c9482a9da8748d"),
    ):
        content = tensor.to(torch.uint8).numpy().tobytes()
        assert hashlib.sha256(content).hexdigest() == expected


def test_fashion_mini_sizes_and_classes(mini):
    assert mini.train.images.shape == (10_000, 1, 28, 28)
    assert mini.test.images.shape == (5_000, 1, 28, 28)
    assert (mini.channels, mini.num_classes, mini.image_size) == (1, 10, (28, 28))
    assert mini.device == torch.device("cpu")
    assert mini.validation is None
    assert mini.train.labels.bincount().tolist() == [
        942, 1027, 1016, 1019, 974, 989, 1021, 1022, 990, 1000,
    ]  # fmt: skip
    # As on https://github.com/zalandoresearch/fashion-mnist
    assert mini.classes == (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


def test_fashion_mini_statistics_are_those_of_the_training_pixels(mini):
    pixels = mini.train.images.numpy().astype(np.float64) / 255
    assert mini.mean.item() == pytest.approx(pixels.mean(), rel=1e-6)
    assert mini.std.item() == pytest.approx(pixels.std(), rel=1e-6)


def test_fashion_mini_needs_no_cache_folder(cache, mini):
    assert load_data().fingerprint() == mini.fingerprint()
    assert not cache.exists()


def test_fashion_mini_carries_its_licence():
    folder = REPOSITORY / "tricks_lib" / "lab" / "fashion_mini"
    assert "Copyright © 2017 Zalando SE" in (folder / "LICENSE").read_text(encoding="utf-8")


# --- Digits ---


def test_digits_are_those_of_scikit_learn(cache):
    digits, stored = load_data("digits"), load_digits()
    assert (digits.train.images.shape, digits.test.images.shape) == (
        (1000, 1, 8, 8),
        (797, 1, 8, 8),
    )
    images = torch.cat([digits.train.images, digits.test.images])[:, 0]
    assert np.array_equal(images.numpy(), np.round(stored.images * 255 / 16))
    labels = torch.cat([digits.train.labels, digits.test.labels])
    assert labels.tolist() == stored.target.tolist()
    assert digits.classes == tuple("0123456789") and digits.validation is None
    assert not cache.exists()


@needs_originals
def test_script_makes_the_embedded_files(tmp_path):
    script = REPOSITORY / "tools" / "make_fashion_mini.py"
    subprocess.run(
        [sys.executable, script, "--source", ORIGINALS, "--target", tmp_path], check=True
    )
    for made in tmp_path.iterdir():
        if made.suffix not in (".png", ".txt"):
            continue
        kept = REPOSITORY / "tricks_lib" / "lab" / "fashion_mini" / made.name
        if made.suffix == ".png":  # another Pillow may pack the same pixels otherwise
            assert np.array_equal(np.asarray(Image.open(made)), np.asarray(Image.open(kept)))
        else:
            assert made.read_bytes() == kept.read_bytes()


@needs_originals
def test_script_refuses_other_files(tmp_path):
    for original in ORIGINALS.iterdir():
        (tmp_path / original.name).write_bytes(gzip.compress(b"something else"))
    script = REPOSITORY / "tools" / "make_fashion_mini.py"
    done = subprocess.run(
        [sys.executable, script, "--source", tmp_path, "--target", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "expected SHA-256 c59f" in done.stderr


@needs_originals
def test_fashion_mnist_from_files_put_there_by_hand(cache, mini):
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in ORIGINALS.glob("*.gz"):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    data = load_data("fashion-mnist")
    oracle = FashionMNIST(cache, train=True)
    assert torch.equal(data.train.images[:, 0], oracle.data)
    assert torch.equal(data.train.labels, oracle.targets)
    assert len(data.test) == 10_000
    assert (data.mean.item(), data.std.item()) == pytest.approx((0.2860, 0.3530), abs=1e-4)
    few = data.subset(train=10_000, test=5_000)
    assert few.fingerprint() == mini.fingerprint()
    # A sheet cut in the wrong order would show here.
    assert np.array_equal(mini.train.images[4321, 0].numpy(), np.asarray(oracle[4321][0]))


# --- Split and Data ---


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


@untimed
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


@untimed
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


@untimed
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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_data_lives_on_a_gpu(mini):
    data = load_data(device="cuda")
    assert data.device.type == data.mean.device.type == "cuda"
    assert data.fingerprint() == mini.fingerprint()
    noisy = data.hold_out(100).with_label_noise(0.5).subset(train=64, seed=0)
    assert all(split.labels.device.type == "cuda" for split in noisy.splits.values())
    torch.testing.assert_close(
        data.normalize(data.train.images[:8]).cpu(), mini.normalize(mini.train.images[:8])
    )


# --- Downloads ---


def idx(values):
    """Write bytes as the IDX files of MNIST hold them."""
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Small stand-ins for both published sets, and a network that serves them."""
    folder = tmp_path / "server"
    folder.mkdir()
    draws = np.random.default_rng(0)
    labels = np.arange(30) % 10

    def md5(content):
        return hashlib.md5(content).hexdigest()

    resources = []
    for part in ("train", "t10k"):
        for kind, values in (
            ("images-idx3", draws.integers(0, 256, (30, 28, 28))),
            ("labels-idx1", labels),
        ):
            name = f"{part}-{kind}-ubyte.gz"
            packed = gzip.compress(idx(values))
            (folder / name).write_bytes(packed)
            resources.append((name, md5(packed)))
    monkeypatch.setattr(FashionMNIST, "resources", resources)

    def add(archive, name, content):
        member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        return [name, md5(content)]

    with tarfile.open(folder / CIFAR10.filename, "w:gz") as archive:
        batch = {"data": draws.integers(0, 256, (30, 3072), np.uint8), "labels": labels.tolist()}
        train = add(archive, "data_batch_1", pickle.dumps(batch))
        test = add(archive, "test_batch", pickle.dumps(batch))
        names = add(archive, "batches.meta", pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(CIFAR10, "train_list", [train])
    monkeypatch.setattr(CIFAR10, "test_list", [test])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": names[1]})
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5((folder / CIFAR10.filename).read_bytes()))

    served = []

    def serve(url, filename, *_, **__):
        served.append(url)
        shutil.copy(folder / url.rpartition("/")[2], filename)

    monkeypatch.setattr(downloads, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(downloads, "_urlretrieve", serve)
    return served


PUBLISHED = ["fashion-mnist", "cifar10"]


def content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sets_are_downloaded_once(name, cache, server):
    data = load_data(name)
    assert (len(data.train), len(data.test), data.name) == (30, 30, name)
    downloaded = len(server)
    assert downloaded == (4 if name == "fashion-mnist" else 1)
    assert load_data(name).fingerprint() == data.fingerprint()
    assert len(server) == downloaded
    assert not [path for path in content(cache) if ".gz" in path or "unfinished" in path]


def test_published_sets_agree_with_torchvision(cache, server):
    grey, colour = load_data("fashion-mnist"), load_data("cifar10")
    oracle = v2.PILToTensor()
    for data, dataset in ((grey, FashionMNIST), (colour, CIFAR10)):
        for split, train in ((data.train, True), (data.test, False)):
            pairs = list(dataset(cache, train=train, transform=oracle))
            assert torch.equal(split.images, torch.stack([image for image, _ in pairs]))
            assert split.labels.tolist() == [label for _, label in pairs]
    assert grey.classes == tuple(FashionMNIST.classes)
    assert colour.classes == tuple("abcdefghij")


def test_download_to_comes_before_the_environment(tmp_path, cache, server):
    load_data("cifar10", download_to=tmp_path / "here")
    assert (tmp_path / "here" / "cifar-10-batches-py" / "test_batch").exists()
    assert not cache.exists()


def test_home_is_the_last_resort(tmp_path, monkeypatch, server):
    monkeypatch.delenv("TRICKS_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    load_data("cifar10")
    assert (tmp_path / ".cache" / "tricks_lib" / "cifar-10-batches-py" / "test_batch").exists()


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_network_is_told_with_the_way_out(name, cache):
    with pytest.raises(DataUnavailable) as caught:
        load_data(name)
    message = str(caught.value)
    assert f"could not download {name}" in message
    assert "unreachable" in message
    assert "load_data('fashion-mini')" in message
    assert str(cache) in message
    assert content(cache) == []


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    ("interruption", "seen"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (URLError("connection reset"), DataUnavailable),
        (None, DataUnavailable),  # the file ends early without a word
    ],
    ids=["keyboard", "network", "short file"],
)
def test_interrupted_download_is_never_taken_for_data(
    name, interruption, seen, cache, server, monkeypatch
):
    whole = downloads._urlretrieve

    def half(url, filename, *rest, **options):
        whole(url, filename, *rest, **options)
        if name == "cifar10" or len(server) == 4:  # the only file, or the last of four
            with open(filename, "r+b") as file:
                file.truncate(100)
            if interruption is not None:
                raise interruption

    monkeypatch.setattr(downloads, "_urlretrieve", half)
    with pytest.raises(seen):
        load_data(name)
    assert content(cache) == []
    monkeypatch.setattr(downloads, "_urlretrieve", whole)
    assert len(load_data(name).train) == 30


@pytest.mark.parametrize("name", PUBLISHED)
def test_damaged_files_are_downloaded_again(name, cache, server):
    expected = load_data(name).fingerprint()
    for path in content(cache):
        for damaged in ((cache / path).read_bytes()[:-1], b""):
            (cache / path).write_bytes(damaged)
            assert load_data(name).fingerprint() == expected


def test_what_killed_runs_left_is_ignored_and_goes_after_a_day(cache, server):
    for name, age in ((".unfinished-old", 25), (".unfinished-new", 1)):
        folder = cache / name / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        (folder / "data_batch_1").write_bytes(b"half")
        then = time.time() - age * 3600
        os.utime(cache / name, (then, then))
    assert len(load_data("cifar10").train) == 30
    assert not (cache / ".unfinished-old").exists()
    assert (cache / ".unfinished-new").exists()  # perhaps of a run that is still at it


# --- Folders of pictures ---


def save(path, colour, mode="RGB", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


@pytest.fixture
def pictures(tmp_path):
    """Two training and one test picture of each of two classes, 8×8, each of one colour."""
    folder = tmp_path / "pets"
    for split, count in (("train", 2), ("test", 1)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(count):
                save(folder / split / name / f"{number}.png", (100 * label, number, 7))
    return folder


def colours(split):
    return [tuple(image[:, 0, 0].tolist()) for image in split.images]


@pytest.mark.parametrize("kind", [str, Path])
def test_folder_becomes_data(pictures, kind):
    data = load_data(kind(pictures))
    assert data.name == "pets"
    assert data.classes == ("cat", "dog")
    assert data.train.images.shape == (4, 3, 8, 8)
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert colours(data.train) == [(0, 0, 7), (0, 1, 7), (100, 0, 7), (100, 1, 7)]
    assert data.test.labels.tolist() == [0, 1]
    assert data.validation is None
    torch.testing.assert_close(data.mean, torch.tensor([50, 0.5, 7]) / 255)
    # The third channel has no contrast: it becomes 0, not infinite.
    torch.testing.assert_close(data.std, torch.tensor([50 / 255, 0.5 / 255, 1]))


@pytest.mark.parametrize("name", ["val", "validation"])
def test_folder_may_have_a_validation_split(pictures, name):
    shutil.copytree(pictures / "test", pictures / name)
    data = load_data(pictures)
    assert torch.equal(data.validation.images, data.test.images)
    assert load_data(pictures).splits.keys() == {"train", "validation", "test"}


def test_pictures_of_every_kind_become_rgb(pictures):
    folder = pictures / "train" / "cat"
    save(folder / "2-grey.png", 50, "L")
    save(folder / "3-transparent.png", (10, 20, 30, 0), "RGBA")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.save(folder / "4-palette.png")
    palette.save(folder / "5-transparent-palette.png", transparency=bytes([255, 0]))
    save(folder / "6-grey-and-alpha.png", (60, 0), "LA")
    save(folder / "7-black-or-white.png", 1, "1")
    data = load_data(pictures)
    assert colours(data.train)[2:8] == [
        (50, 50, 50),
        (10, 20, 30),
        (200, 100, 50),
        (200, 100, 50),
        (60, 60, 60),
        (255, 255, 255),
    ]


def test_grey_pictures_have_one_channel(tmp_path):
    for split in ("train", "test"):
        save(tmp_path / "grey" / split / "a" / "0.png", 10, "L")
        save(tmp_path / "grey" / split / "b" / "0.png", 1, "1")
    data = load_data(tmp_path / "grey")
    assert data.train.images.shape == (2, 1, 8, 8)
    assert colours(data.train) == [(10,), (255,)]


def test_small_pictures_keep_their_size_and_odd_ones_follow(pictures):
    save(pictures / "train" / "cat" / "9.png", (1, 2, 3), size=(40, 20))
    assert load_data(pictures).image_size == (8, 8)


def test_small_pictures_need_not_be_square(tmp_path):
    for split in ("train", "test"):
        for name in "ab":
            save(tmp_path / "wide" / split / name / "0.png", (1, 2, 3), size=(20, 10))
    assert load_data(tmp_path / "wide").image_size == (10, 20)


@pytest.mark.parametrize("size", [(65, 8), (8, 9)])
def test_large_or_mixed_pictures_become_64(pictures, size):
    save(pictures / "train" / "cat" / "0.png", (1, 2, 3), size=size)
    assert load_data(pictures).image_size == (64, 64)


def photo(height, width):
    """A smooth colour picture, uint8 (H, W, 3)."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))], axis=-1)
    return ((waves + 1) * 127).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("size", [(300, 200), (123, 457), (20, 30)])
def test_resizing_agrees_with_torchvision(pictures, suffix, size):
    path = pictures / "train" / "cat" / f"9.{suffix}"
    Image.fromarray(photo(*size)).save(path)
    data = load_data(pictures, image_size=32)
    oracle = v2.Compose([v2.Resize(32), v2.CenterCrop(32), v2.PILToTensor()])
    with Image.open(path) as image:
        expected = oracle(image)
    error = (data.train.images[2].float() - expected.float()).abs()
    assert error.mean() < 2  # of 255; torchvision rounds to whole pixels before it crops


def test_pictures_are_turned_as_the_camera_was_held(pictures):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4] = 255  # white on the left as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise: white on top
    Image.fromarray(pixels).save(pictures / "train" / "cat" / "9.png", exif=exif)
    image = load_data(pictures).train.images[2]
    assert image[:, :4].min() == 255
    assert image[:, 4:].max() == 0


def test_hidden_files_and_folders_are_no_pictures(pictures):
    expected = load_data(pictures).fingerprint()
    save(pictures / "train" / ".ipynb_checkpoints" / "0.png", (1, 2, 3))
    save(pictures / "test" / "cat" / ".ipynb_checkpoints" / "0-checkpoint.png", (1, 2, 3))
    (pictures / "train" / "cat" / "._0.png").write_bytes(b"from a Mac")
    (pictures / "train" / "cat" / "notes.txt").write_text("no picture")
    (pictures / "train" / "README.md").write_text("no class")
    assert load_data(pictures).fingerprint() == expected


def test_second_load_reads_the_cache(pictures, cache, monkeypatch):
    expected = load_data(pictures).fingerprint()
    monkeypatch.setattr(Image, "open", None)
    assert load_data(pictures).fingerprint() == expected
    assert len(content(cache)) == 1


def test_cache_notices_changes_and_keeps_one_file(pictures, cache):
    seen = [load_data(pictures).fingerprint()]
    changed = pictures / "train" / "cat" / "1.png"

    save(changed, (9, 9, 9))
    os.utime(changed, ns=(1, 1))  # file systems may be too coarse to tell two quick writes apart
    seen.append(load_data(pictures).fingerprint())

    save(pictures / "train" / "dog" / "2.png", (5, 5, 5))
    seen.append(load_data(pictures).fingerprint())

    changed.rename(changed.with_name("3.png"))
    (pictures / "train" / "dog" / "0.png").unlink()
    seen.append(load_data(pictures).fingerprint())

    assert len(set(seen)) == 4
    assert len(content(cache)) == 1
    seen.append(load_data(pictures, image_size=4).fingerprint())
    assert len(set(seen)) == 5
    assert len(content(cache)) == 2


def test_interrupted_decoding_leaves_no_cache(pictures, cache, monkeypatch):
    def half(tensors, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(KeyboardInterrupt):
            load_data(pictures)
    assert content(cache) == []
    assert len(load_data(pictures).train) == 4


# --- What can go wrong with a path ---


def test_unknown_name_gets_a_hint():
    with pytest.raises(ValueError, match="got 'cifra10'; did you mean 'cifar10'") as caught:
        load_data("cifra10")
    assert "fashion-mini" in str(caught.value)
    with pytest.raises(ValueError, match=r"or a folder, got 'zzz'$"):
        load_data("zzz")


@pytest.mark.parametrize("kind", [str, Path])
def test_missing_folder(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        load_data(kind(tmp_path / "nowhere"))


def test_known_name_as_a_path_is_a_folder(tmp_path, monkeypatch, pictures):
    monkeypatch.chdir(tmp_path)
    pictures.rename(tmp_path / "cifar10")
    assert load_data("./cifar10").classes == ("cat", "dog")
    assert load_data(Path("cifar10")).classes == ("cat", "dog")
    monkeypatch.chdir(tmp_path / "cifar10")
    assert load_data(".").name == "cifar10"


def test_file_instead_of_a_folder(pictures):
    with pytest.raises(NotADirectoryError, match=r"expected a folder .*, got .*0\.png"):
        load_data(pictures / "train" / "cat" / "0.png")


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_missing(pictures, split):
    shutil.rmtree(pictures / split)
    with pytest.raises(ValueError, match=r"expected the folders train and test in .*pets, got \["):
        load_data(pictures)


def test_no_class_folders(pictures):
    for name in ("cat", "dog"):
        shutil.rmtree(pictures / "train" / name)
    with pytest.raises(ValueError, match=r"at least two classes in .*train, got none"):
        load_data(pictures)


def test_only_one_class(pictures):
    shutil.rmtree(pictures / "test" / "dog")
    with pytest.raises(ValueError, match=r"at least two classes in .*test, got \['cat'\]"):
        load_data(pictures)


def test_empty_class(pictures):
    (pictures / "train" / "cow").mkdir()
    (pictures / "train" / "cow" / "0.heic").write_bytes(b"of a type that Pillow cannot read")
    message = r"pictures \(\.jpg, .*\) in each class of .*train, got none in \['cow'\]"
    with pytest.raises(ValueError, match=message):
        load_data(pictures)


@pytest.mark.parametrize("split", ["test", "val"])
def test_other_classes_than_in_train(pictures, split):
    if split == "val":
        shutil.copytree(pictures / "test", pictures / "val")
    (pictures / split / "dog").rename(pictures / split / "hog")
    with pytest.raises(ValueError, match=rf"{split} .*missing \['dog'\], not in train \['hog'\]"):
        load_data(pictures)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("damage", ["cut", "not a picture", "empty"])
def test_unreadable_picture_is_named(pictures, cache, suffix, damage):
    path = pictures / "test" / "dog" / f"9.{suffix}"
    Image.fromarray(photo(40, 40)).save(path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b""}.get(damage, b"hello"))
    with pytest.raises(ValueError, match=rf"cannot read the picture .*dog.9\.{suffix}: "):
        load_data(pictures)
    assert content(cache) == []


def test_sixteen_bits_are_refused(pictures):
    Image.fromarray(np.full((8, 8), 1000, np.uint16)).save(pictures / "test" / "dog" / "9.png")
    with pytest.raises(ValueError, match=r"9\.png: expected 8 bits per channel"):
        load_data(pictures)


@pytest.mark.parametrize(("source", "size"), [("fashion-mini", 32), ("folder", 0)])
def test_image_size_is_checked(pictures, source, size):
    with pytest.raises(ValueError, match="image_size must be at least 1, and is for folders"):
        load_data(pictures if source == "folder" else source, image_size=size)
