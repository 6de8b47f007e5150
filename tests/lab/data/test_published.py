import gzip
import hashlib
import io
import pickle
import shutil
import struct
import tarfile
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, FashionMNIST
from torchvision.datasets import utils as downloads
from torchvision.transforms import v2

from tricks_lib.lab.data import DataUnavailable, load_data

# torchvision's unpacking, on Python 3.12 and 3.13
pytestmark = pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter extracted tar")


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


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sets_are_downloaded_once(name, kept, server):
    data = load_data(name)
    assert (len(data.train), len(data.test), data.name) == (30, 30, name)
    downloaded = len(server)
    assert downloaded == (4 if name == "fashion-mnist" else 1)
    assert load_data(name).fingerprint() == data.fingerprint()
    assert len(server) == downloaded
    assert not [path for path in kept() if ".gz" in path or "unfinished" in path]


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


def test_files_put_there_by_hand_are_used(cache):
    draws = np.random.default_rng(1)
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        images = draws.integers(0, 256, (count, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    data = load_data("fashion-mnist")
    assert (len(data.train), len(data.test)) == (20, 10)
    assert torch.equal(data.train.images[:, 0], FashionMNIST(cache, train=True).data)
    pixels = data.train.images.numpy() / 255
    assert (data.mean.item(), data.std.item()) == pytest.approx((pixels.mean(), pixels.std()))


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_network_is_told_with_the_way_out(name, cache, kept):
    with pytest.raises(DataUnavailable) as caught:
        load_data(name)
    message = str(caught.value)
    assert f"could not download {name}" in message
    assert "unreachable" in message
    assert "load_data('fashion-mini')" in message
    assert str(cache) in message
    assert kept() == []


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
    name, interruption, seen, kept, server, monkeypatch
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
    assert kept() == []
    monkeypatch.setattr(downloads, "_urlretrieve", whole)
    assert len(load_data(name).train) == 30


@pytest.mark.parametrize("name", PUBLISHED)
def test_damaged_files_are_downloaded_again(name, cache, kept, server):
    expected = load_data(name).fingerprint()
    for path in kept():
        for damaged in ((cache / path).read_bytes()[:-1], b""):
            (cache / path).write_bytes(damaged)
            assert load_data(name).fingerprint() == expected
