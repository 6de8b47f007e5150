import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tricks_lib.course.baseline import BASELINE
from tricks_lib.lab.data import StreamedImages, folder, load_data, streamed
from tricks_lib.lab.data.memory import Memory
from tricks_lib.lab.study import study
from tricks_lib.lab.train import fit


@pytest.fixture
def photos(tmp_path):
    """A folder with 40 training and 12 test images of noise, of two sizes and in two classes."""
    draws = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 6)):
        for label, name in enumerate("ab"):
            (tmp_path / "photos" / split / name).mkdir(parents=True)
            for number in range(count):
                size = (30, 40, 3) if number % 2 else (40, 30, 3)
                pixels = draws.integers(100 * label, 156 + 100 * label, size, np.uint8)
                Image.fromarray(pixels).save(
                    tmp_path / "photos" / split / name / f"{number:02}.jpg"
                )
    return tmp_path / "photos"


@pytest.fixture(params=[0, 2], ids=["no thread", "two threads"])
def both(photos, request):
    """The same data in memory and streamed."""
    options = {"image_size": 16, "decoders": request.param}
    return load_data(photos, **options), load_data(photos, stream=True, **options)


def test_streamed_data_say_the_same_of_themselves(both):
    memory, streamed = both
    assert isinstance(streamed.train.images, StreamedImages)
    assert repr(streamed) == repr(memory)
    assert streamed.train.images.shape == memory.train.images.shape
    assert streamed.train.images.size(0) == len(streamed.train) == 40
    assert torch.equal(streamed.mean, memory.mean)
    assert torch.equal(streamed.std, memory.std)
    assert torch.equal(streamed.train.labels, memory.train.labels)
    assert "40 of 3×16×16" in repr(streamed.train.images)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        torch.tensor(3),
        slice(None),
        slice(5, 1),
        slice(3, 30, 7),
        [3, 1, 2],
        torch.tensor([5, 5, -1]),
        torch.arange(0),
        torch.arange(40) % 3 == 0,
        (slice(2, 9), 1),
        (slice(2, 9), slice(None), 3, 4),
        (0, 1),
        ([4, 2], slice(None), 0),
    ],
    ids=str,
)
def test_whatever_is_asked_for_is_what_memory_holds(both, index):
    memory, streamed = (data.train.images for data in both)
    assert torch.equal(streamed[index], memory[index])


@pytest.mark.parametrize("size", [1, 7, 40, 100])
def test_batches_in_order(both, size):
    memory, streamed = (data.train.images for data in both)
    for found, expected in zip(streamed.split(size), memory.split(size), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(torch.stack(list(streamed)), memory)


@pytest.mark.parametrize("step", [1, 2])
def test_batches_of_an_epoch_in_any_order(both, step):
    memory, streamed = (data.train.images for data in both)
    for seed in range(3):
        order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
        for start in range(0, 40, 8):
            picked = order[start : start + 8][::step]
            assert torch.equal(streamed[picked], memory[picked])
        streamed[order[3:9]]
        order[9:15] = order[:6].clone()  # was being decoded, as it had been
        assert torch.equal(streamed[order[9:15]], memory[order[9:15]])


def test_the_next_batch_is_decoded_meanwhile(both):
    _, streamed = both
    images = streamed.train.images
    order = torch.randperm(40)
    images[order[0:8]]
    if images.threads:
        assert torch.equal(images._ahead.positions, order[8:16])
        ahead = images._ahead
        images[order[8:16]]
        assert images._ahead.positions.tolist() == order[16:24].tolist()
        assert ahead.images.any()
    else:
        assert images._ahead is None


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (40, IndexError, "expected positions of 40 images, got 40"),
        (torch.tensor([0, -41]), IndexError, "got -41 to 0"),
        (torch.ones(39, dtype=torch.bool), IndexError, r"a mask of 40 images, got one of \(39,\)"),
        (torch.tensor([0.5]), TypeError, r"expected positions, .* got torch.float32"),
        (torch.zeros(2, 2, dtype=torch.int64), TypeError, r"got torch.int64 \(2, 2\)"),
    ],
)
def test_what_cannot_be_asked_for(both, index, error, message):
    with pytest.raises(error, match=message):
        both[1].train.images[index]


def test_what_only_a_tensor_can_do_says_how_to_get_one(both):
    images = both[1].train.images
    with pytest.raises(
        AttributeError, match=r"take some of them first, as in images\[:100\]\.flip"
    ):
        images.flip(-1)
    with pytest.raises(AttributeError, match=r"have no 'colour'$"):
        images.colour  # noqa: B018
    with pytest.raises(ValueError, match="expected dim=0"):
        images.index_select(1, torch.tensor([0]))


def test_parts_of_streamed_data_stay_streamed(both):
    for part in (
        lambda data: data.subset(train=10, test=5, seed=3),
        lambda data: data.hold_out(10, seed=2),
        lambda data: data.hold_out(10).subset(train=20, seed=1).subset(train=10),
        lambda data: data.with_label_noise(0.5, seed=1),
        lambda data: data.to("cpu"),
        lambda data: pickle.loads(pickle.dumps(data)),
    ):
        memory, streamed = map(part, both)
        for name, split in streamed.splits.items():
            assert isinstance(split.images, StreamedImages)
            assert torch.equal(split.images[:], memory.splits[name].images)
            assert torch.equal(split.labels, memory.splits[name].labels)


def test_images_for_another_device_are_decoded_there_and_not_before(both, monkeypatch):
    images = both[1].train.images
    moved = images.to("meta")
    assert moved[:3].device == moved.device == torch.device("meta")
    assert images.device == moved.cpu().device == torch.device("cpu")
    monkeypatch.setattr(streamed, "decode", None)
    assert images.to("meta").shape == (40, 3, 16, 16)


def test_a_recipe_does_not_know_the_difference(both):
    recipe = replace(BASELINE, epochs=2, batch_size=8)
    memory, streamed = (
        fit(recipe, data, seed=1, device="cpu", evaluate="every epoch") for data in both
    )
    assert streamed.history == memory.history
    assert streamed.final == memory.final
    for name, weights in memory.model.state_dict().items():
        assert torch.equal(streamed.model.state_dict()[name], weights)


def test_streaming_draws_no_random_number(both):
    before = torch.get_rng_state()
    both[1].train.images[torch.randperm(40, generator=torch.Generator().manual_seed(0))[:8]]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_study_in_processes_of_its_own(photos, tmp_path):
    arms = {"a": replace(BASELINE, epochs=1, batch_size=8)}
    found = [
        study(arms, load_data(photos, image_size=8, stream=stream), 2, device="cpu", jobs=jobs).runs
        for stream, jobs in ((False, 1), (True, 2))
    ]
    assert found[0] == found[1]


def test_the_fingerprint_is_cheap_and_sees_every_change(photos, monkeypatch):
    def load():
        return load_data(photos, image_size=16, stream=True)

    data = load()
    with monkeypatch.context() as patch:
        patch.setattr(streamed, "decode", None)
        seen = [data.fingerprint(), data.subset(train=30).fingerprint()]
        seen += [data.subset(train=30, seed=1).fingerprint(), data.hold_out(5).fingerprint()]
        assert load().fingerprint() == seen[0]
    moved = photos.rename(photos.with_name("moved"))
    assert load_data(moved, image_size=16, stream=True).fingerprint() == seen[0]
    moved.rename(photos)
    Image.new("RGB", (8, 8)).save(photos / "test" / "a" / "00.jpg")
    seen.append(load().fingerprint())
    seen.append(load_data(photos, image_size=8, stream=True).fingerprint())
    assert len(set(seen)) == 6


def test_an_image_that_changes_meanwhile_is_an_error(photos):
    data = load_data(photos, image_size=16, stream=True)
    path = photos / "train" / "a" / "00.jpg"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(path)
    with pytest.raises(ValueError, match=r"00\.jpg has changed since it was loaded: load it again"):
        data.train.images[:3]
    path.unlink()
    with pytest.raises(ValueError, match=r"cannot read .*00\.jpg any more: "):
        data.train.images[:3]
    assert len(data.train.images[1:3]) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_bad_images_are_left_out_where_asked(photos, stream):
    bad = photos / "train" / "a" / "03.jpg"
    bad.write_bytes(bad.read_bytes()[:-300])
    other = photos / "test" / "b" / "01.jpg"
    other.write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"cannot read 2 of 52(?s:.*)\n.*leave .*: skip_bad=True"):
        load_data(photos, image_size=16, stream=stream)
    for _ in range(2):  # decoded, and from the cache
        with pytest.warns(
            UserWarning, match=r"left out 2 of 52 images that cannot be (?s:.*)03\.j"
        ):
            data = load_data(photos, image_size=16, stream=stream, skip_bad=True)
        assert (len(data.train), len(data.test)) == (39, 11)
        assert data.train.labels.bincount().tolist() == [19, 20]
    with pytest.raises(ValueError, match="cannot read 2 of 52"):
        load_data(photos, image_size=16, stream=stream)
    bad.unlink()
    other.unlink()
    expected = load_data(photos, image_size=16)
    assert torch.equal(data.train.images[:], expected.train.images)
    assert torch.equal(data.mean, expected.mean)


def test_a_class_of_bad_images_is_refused(photos):
    for path in (photos / "test" / "b").iterdir():
        path.write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"can be read in each class of test, got none in \['b'\]"):
        load_data(photos, image_size=16, skip_bad=True)


def test_images_in_two_splits_are_said_of_streamed_data(photos):
    (photos / "test" / "a" / "77.jpg").write_bytes((photos / "train" / "a" / "01.jpg").read_bytes())
    with pytest.warns(UserWarning, match="images of train are in test as well, pixel for pixel: 1"):
        load_data(photos, image_size=16, stream=True)


# --- Memory decides ---


@pytest.fixture
def room(monkeypatch):
    """Say how much memory there is."""

    def say(total, free):
        monkeypatch.setattr(folder, "memory", lambda: Memory(total, free))

    return say


def test_what_does_not_fit_is_streamed_and_said(photos, room, kept):
    needed = 52 * 3 * 16 * 16
    room(4 * needed, 4 * needed)
    assert not isinstance(load_data(photos, image_size=16).train.images, StreamedImages)
    assert len(kept()) == 1
    room(4 * needed - 4, 4 * needed)
    for _ in range(2):
        message = r"52 images of 3×16×16 take 0\.0 MB .*: they are decoded as .* \(stream=True\)"
        with pytest.warns(UserWarning, match=message):
            data = load_data(photos, image_size=16)
        assert isinstance(data.train.images, StreamedImages)
    assert len(kept()) == 2
    room(4 * needed, 4 * needed)
    assert not isinstance(load_data(photos, image_size=16).train.images, StreamedImages)


def test_what_must_be_in_memory_and_cannot_be_is_refused(photos, room):
    room(10**9, 52 * 3 * 32 * 32)
    message = r"free: that is more than is free \(stream=True, or image_size=16\)"
    with pytest.raises(ValueError, match=message):
        load_data(photos, image_size=48, stream=False)
    assert len(load_data(photos, image_size=32, stream=False).train) == 40


def test_grey_images_take_a_third(tmp_path, room):
    for split in ("train", "test"):
        for grey, name in enumerate("ab"):
            (tmp_path / "grey" / split / name).mkdir(parents=True)
            image = Image.new("L", (32, 32), grey + 10 * (split == "test"))
            image.save(tmp_path / "grey" / split / name / "0.png")
    room(4 * 4 * 32 * 32, 10**6)
    data = load_data(tmp_path / "grey")
    assert not isinstance(data.train.images, StreamedImages)
    assert data.channels == 1


def test_a_program_ends_with_work_ahead(photos):
    program = (
        "import torch\n"
        "from tricks_lib.lab.data import load_data\n"
        f"data = load_data({str(photos)!r}, image_size=16, stream=True, decoders=2)\n"
        "data.train.images[torch.randperm(40)[:8]]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
