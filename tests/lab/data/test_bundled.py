import gzip
import hashlib
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import tricks_lib.lab.data as package
from tricks_lib.lab.data import load_data
from tricks_lib.lab.data.bundled import BUNDLED

FOLDER = Path(package.__file__).parent
TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


def hashes(data):
    """SHA-256 of images and labels of both splits, one byte each."""
    tensors = [data.train.images, data.train.labels, data.test.images, data.test.labels]
    return [hashlib.sha256(t.to(torch.uint8).numpy().tobytes()).hexdigest() for t in tensors]


# --- Garments ---


def test_fashion_mini_is_the_start_of_fashion_mnist(mini):
    # Hashes of the first bytes of the original IDX files, behind their headers.
    assert hashes(mini) == [
        "2929ae1c7b89e0ee6587bbe4911fd5f0a5dafe21ae6ed9b737173cbfe20c12c9",
        "1022e4632874e71bb84d924c475e6a3428a2deeb8c5a0f612a015c97e4fce7f0",
        "c7c2d66209217610bf8347d049b05c89ed290d13d9e0c432aeb984c411bc669e",
        "aebe8004dad5b3e205df8e56cbe590cbda22479c4a1eb99d19c9482a9da8748d",
    ]
    assert mini.fingerprint() == "a84357c7a2c46451"  # records hold it


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


# --- Digits ---


def test_digits_are_those_of_scikit_learn(digits):
    # Recorded from load_digits() of scikit-learn 1.9.1: images times 255 / 16, rounded.
    assert hashes(digits) == [
        "45f3a8d1659166449fbc92a9b05d645978d716364ef609952dfc6db4648a376b",
        "3ba1a179c78a058b323f287401fe89007a0a83f5eb43bcc164d8b564e2e35d1c",
        "dee7c0a6485c5659a85a6c8c19c5f01e1d990546f979ffebc42d64678581bc84",
        "05a5a0982c6916cac909891a100ebba83e05f6e74a91b766ec700647f791037b",
    ]
    assert digits.fingerprint() == "c66bf38a93867fa0"  # records hold it


def test_digits_sizes_and_classes(digits):
    assert digits.train.images.shape == (1000, 1, 8, 8)
    assert digits.test.images.shape == (797, 1, 8, 8)
    assert digits.classes == tuple("0123456789")
    assert digits.validation is None
    assert digits.train.labels[:10].tolist() == list(range(10))
    assert digits.train.labels.bincount().tolist() == [99, 102, 100, 104, 98, 100, 101, 99, 98, 99]


# --- Both ---


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_need_no_cache_folder(name, cache):
    assert load_data(name).name == name
    assert not cache.exists()


@pytest.mark.parametrize(
    ("folder", "holder"),
    [
        ("fashion_mini", "Copyright © 2017 Zalando SE"),
        ("digits", "Ethem Alpaydin and Cenk Kaynak"),
    ],
)
def test_licences_are_carried(folder, holder):
    assert holder in (FOLDER / folder / "LICENSE").read_text(encoding="utf-8")


# --- The scripts that made the files ---


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """Import a script of tools/; its `main` then writes into a folder and returns that."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def load(name, *arguments):
        monkeypatch.delitem(sys.modules, name, raising=False)
        module = importlib.import_module(name)
        target = tmp_path / "made"
        target.mkdir()
        monkeypatch.setattr(sys, "argv", [name, "--target", str(target), *map(str, arguments)])
        return module, target

    return load


def assert_made(target, folder):
    """Compare what a script wrote with what the package carries."""
    for split in ("train", "test"):
        sheets = [Image.open(place / f"{split}.png") for place in (target, FOLDER / folder)]
        # Another version of Pillow may pack the same pixels otherwise.
        assert np.array_equal(*map(np.asarray, sheets))
        labels = [place / f"{split}-labels.txt" for place in (target, FOLDER / folder)]
        assert labels[0].read_bytes() == labels[1].read_bytes()


def test_script_makes_fashion_mini(mini, tool, tmp_path, monkeypatch):
    script, target = tool("make_fashion_mini", "--source", tmp_path)
    for name, split in (("train", mini.train), ("t10k", mini.test)):
        images = bytes(16) + split.images.numpy().tobytes() + bytes(28 * 28)  # one image more
        labels = bytes(8) + split.labels.to(torch.uint8).numpy().tobytes() + bytes(1)
        for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
            file = f"{name}-{kind}-ubyte"
            (tmp_path / f"{file}.gz").write_bytes(gzip.compress(content, 1))
            monkeypatch.setitem(script.ORIGINALS, file, hashlib.sha256(content).hexdigest())
    script.main()
    assert_made(target, "fashion_mini")


def test_script_makes_digits(digits, tool, monkeypatch):
    # What scikit-learn returns, made from the files: whole numbers from 0 to 16.
    images = torch.cat([digits.train.images, digits.test.images])[:, 0].double() * 16 / 255
    labels = torch.cat([digits.train.labels, digits.test.labels])
    stored = SimpleNamespace(images=images.round().numpy(), target=labels.numpy())
    monkeypatch.setitem(sys.modules, "sklearn", SimpleNamespace())
    monkeypatch.setitem(
        sys.modules, "sklearn.datasets", SimpleNamespace(load_digits=lambda: stored)
    )
    script, target = tool("make_digits")
    script.main()
    assert_made(target, "digits")
    stored.images[3, 4, 5] += 1
    with pytest.raises(ValueError, match="images: expected SHA-256"):
        script.main()


def test_script_refuses_other_files_than_the_originals(tool, tmp_path):
    script, _ = tool("make_fashion_mini", "--source", tmp_path)
    for name in script.ORIGINALS:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(ValueError, match="expected SHA-256 c59f"):
        script.main()
