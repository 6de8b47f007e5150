import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, features

from tricks_lib.lab.data import decoding, load_data
from tricks_lib.lab.data.decoding import Form, decode, in_threads, look, missing, suffixes

EIGHT = Form("RGB", 8, 8)


def saved(path, image, **options):
    image.save(path, **options)
    return str(path)


def plain(colour, mode="RGB", size=(8, 8)):
    return Image.new(mode, size, colour)


def colour(pixels):
    return pixels[:, 4, 4].tolist()


@pytest.mark.parametrize("suffix", ["gif", "avif", "jp2", "jfif", "jpg", "webp", "tiff", "heic"])
def test_colours_of_every_type(tmp_path, suffix):
    if suffix == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    options = {"format": "JPEG"} if suffix == "jfif" else {}
    path = saved(tmp_path / f"0.{suffix}", plain((200, 100, 50), size=(64, 64)), **options)
    assert f".{suffix}" in suffixes()
    assert np.abs(np.subtract(colour(decode(path, EIGHT)), (200, 100, 50))).max() <= 4


@pytest.mark.parametrize("kind", ["png", "tif", "pgm"])
@pytest.mark.parametrize("big", [False, True])
def test_16_bits_are_scaled_not_cut_off(tmp_path, kind, big):
    ramp = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    path = tmp_path / f"0.{kind}"
    if big and kind == "tif":
        path.write_bytes(_big_endian_tiff(ramp))
    else:
        Image.fromarray(ramp).save(path)
    expected = (ramp / 257).round()
    found = decode(str(path), Form("L", 8, 8))
    assert np.array_equal(found[0], expected)
    assert np.array_equal(decode(str(path), EIGHT), np.stack([expected] * 3))


def _big_endian_tiff(values):
    """The smallest TIFF of 16 bits, as microscopes write it."""
    height, width = values.shape
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1)]
    tags += [(278, height), (279, values.size * 2)]
    data = values.astype(">u2").tobytes()
    start = (8 + len(data)).to_bytes(4, "big")
    entries = b"".join(
        tag.to_bytes(2, "big") + b"\0\4\0\0\0\1" + value.to_bytes(4, "big") for tag, value in tags
    )
    return b"MM\0*" + start + data + len(tags).to_bytes(2, "big") + entries + bytes(4)


def test_16_bits_make_a_grey_set_and_are_said(tmp_path):
    for value, split in ((257, "train"), (65535, "test")):
        for name in "ab":
            (tmp_path / "deep" / split / name).mkdir(parents=True)
            image = Image.fromarray(np.full((8, 8), value - (name == "b") * 257, np.uint16))
            image.save(tmp_path / "deep" / split / name / "0.png")
    with pytest.warns(UserWarning, match=r"files that have 16 bits, scaled to 8: 4 × \.png"):
        data = load_data(tmp_path / "deep")
    assert data.test.images.shape == (2, 1, 8, 8)
    assert data.test.images[:, 0, 0, 0].tolist() == [255, 254]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_values_without_a_range_are_refused(tmp_path, dtype):
    path = saved(tmp_path / "0.tif", Image.fromarray(np.ones((8, 8), dtype)))
    for work in (look, lambda path: decode(path, EIGHT)):
        with pytest.raises(ValueError, match="expected 8 or 16 bits per channel, got Pillow's mod"):
            work(path)


def test_four_inks_become_rgb(tmp_path):
    path = saved(tmp_path / "0.jpg", plain((0, 255, 255, 0), "CMYK"))
    assert np.abs(np.subtract(colour(decode(path, EIGHT)), (255, 0, 0))).max() <= 3


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif", "tif"])
def test_of_several_images_the_first_is_taken(tmp_path, suffix):
    frames = [plain((250, 0, 0)), plain((0, 250, 0))]
    path = tmp_path / f"0.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert look(str(path)).several
    assert np.abs(np.subtract(colour(decode(str(path), EIGHT)), (250, 0, 0))).max() <= 4


def test_animations_are_said_and_previews_are_not(pets):
    green = plain((0, 250, 0))
    plain((250, 0, 0)).save(pets / "train" / "cat" / "7.gif", save_all=True, append_images=[green])
    with pytest.warns(
        UserWarning, match=r"files that hold several .*: 1 × \.gif, such as .*7\.gif"
    ):
        load_data(pets)
    (pets / "train" / "cat" / "7.gif").unlink()
    path = pets / "train" / "cat" / "7.jpg"  # as a phone saves it, with a preview
    plain((250, 0, 0)).save(path, format="MPO", save_all=True, append_images=[green])
    assert len(load_data(pets).train) == 5


@pytest.mark.parametrize("size", [224, 256])
def test_photographs_may_be_large(tmp_path, size):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    path = saved(tmp_path / "0.png", Image.fromarray(noise))
    found = decode(path, Form("RGB", size, size)).astype(float)
    middle = Image.fromarray(noise).crop((80, 0, 560, 480))
    expected = np.asarray(middle.resize((size, size), Image.Resampling.BILINEAR))
    error = np.abs(found - expected.transpose(2, 0, 1))
    assert error[:, 4:-4, 4:-4].max() <= 1  # at its edges the filter sees what is cut off
    # Shrinking averages: of noise with a deviation of 74 little is left.
    assert found.std() < 45


def test_a_type_that_needs_something_is_told_how_to_get_it(pets, monkeypatch):
    monkeypatch.setattr(decoding, "find_spec", lambda name: None)
    monkeypatch.setattr(features, "check", lambda name: False)
    assert missing(".heic") == "pip install pillow-heif"
    assert missing(".avif") == "pip install --upgrade pillow"
    assert missing(".png") is None
    (pets / "train" / "cat" / "phone.HEIC").write_bytes(b"")
    message = (
        r"1 × \.heic, such as .*phone\.HEIC; \.heic can be read after: pip install pillow-heif$"
    )
    with pytest.warns(UserWarning, match=message):
        load_data(pets)
    (pets / "train" / "cow").mkdir()
    (pets / "train" / "cow" / "0.heic").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got none in \['cow'\]; \.heic can be read after: pip"):
        load_data(pets)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_threads_keep_the_order_and_pass_errors_on(threads):
    assert list(in_threads(lambda x: x * x, range(50), threads)) == [x * x for x in range(50)]
    found = in_threads(lambda x: 1 // (3 - x), range(50), threads)
    assert [next(found) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_threads_of_its_own():
    program = (
        "import os\n"
        "from tricks_lib.lab.data.decoding import in_threads\n"
        "assert list(in_threads(abs, [-1], 2)) == [1]\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(list(in_threads(abs, [-2], 2))[0])\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=120)


def test_grey_and_colour(tmp_path):
    buffer = io.BytesIO()
    plain(70, "L").save(buffer, "PNG")
    path = tmp_path / "0.png"
    path.write_bytes(buffer.getvalue())
    assert decode(str(path), Form("L", 8, 8)).shape == (1, 8, 8)
    assert colour(decode(str(path), EIGHT)) == [70, 70, 70]
