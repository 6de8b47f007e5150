import functools
import os

import pytest
import torch
from PIL import Image
from torch import nn

from tricks_lib import Recipe, he_, initialized, load_data, mlp, small_resnet
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.networks import published
from tricks_lib.practice import saved
from tricks_lib.practice.saved import SavedNetwork, images_in, load_network, save_network

SMALL = functools.partial(small_resnet, width=4, depths=(1, 1))


def trained(recipe, data):
    """A network as if it were trained: its batch normalisations have seen images."""
    torch.manual_seed(0)
    model = recipe.model(data.channels, data.num_classes)
    with torch.no_grad():
        model.train()(data.normalize(data.train.images[:16]))
    return model


@pytest.fixture
def kept(toy, tmp_path):
    """A small network, its data, and the file it is saved in."""
    recipe, data = Recipe(model=SMALL), toy(channels=3)
    model = trained(recipe, data)
    return model, data, save_network(tmp_path / "toy.pt", model, recipe, data)


def changed(path, **changes):
    """Write what a stranger could: other content with the right checksum."""
    content = torch.load(path, weights_only=True) | changes
    content.pop("checksum")
    torch.save(content | {"checksum": saved._checksum(content)}, path)
    return path


# --- There and back ---


@pytest.mark.filterwarnings("ignore:.*was made for images of")
@pytest.mark.parametrize(
    "model",
    [
        small_resnet,
        SMALL,
        mlp,
        functools.partial(initialized, build=SMALL, init=he_),
        published("squeezenet1_1"),
        published("mnasnet0_5"),
    ],
    ids=lambda model: getattr(model, "name", type(model).__name__),
)
def test_a_saved_network_predicts_the_same_to_the_last_bit(model, toy, tmp_path):
    recipe, data = Recipe(model=model), toy(channels=3, size=32)
    network = trained(recipe, data)
    expected = predict(network, data, batch_size=7).softmax(dim=1)
    loaded = load_network(save_network(tmp_path / "new" / "toy.pt", network, recipe, data))
    assert torch.equal(loaded.predict(data.test.images, batch_size=7), expected)
    state = loaded.network.state_dict()
    assert all(value.equal(state[name]) for name, value in network.state_dict().items())
    assert not expected[0].equal(torch.full((4,), 0.25))


def test_all_that_is_needed_comes_back(kept):
    model, data, path = kept
    loaded = load_network(path)
    assert loaded.classes == data.classes
    assert (loaded.channels, loaded.image_size) == (3, (8, 8))
    assert torch.equal(loaded.mean, data.mean) and torch.equal(loaded.std, data.std)
    assert loaded.recipe == Recipe(model=SMALL).written()
    assert loaded.scores["accuracy"] == evaluate(model, data).accuracy
    assert loaded.version.count(".") == 2
    assert not loaded.network.training
    assert repr(loaded) == (
        "SavedNetwork(SmallResNet for images of 3×8×8, trained on toy, 4 classes: "
        "row 0, row 1, row 2, ...)"
    )
    state = torch.get_rng_state()
    load_network(path)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_were_trained_need_no_file_any_more(toy, tmp_path):
    data = toy(channels=1, size=32)
    torch.save(published("squeezenet1_1")(3, 9).state_dict(), tmp_path / "weights.pth")
    recipe = Recipe(model=published("squeezenet1_1", file=tmp_path / "weights.pth", frozen=True))
    model = recipe.model(1, 4)
    path = save_network(tmp_path / "toy.pt", model, recipe, data, scores={"accuracy": 0.5})
    (tmp_path / "weights.pth").unlink()
    loaded = load_network(path)
    assert loaded.scores == {"accuracy": 0.5}
    for name, value in loaded.network.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


class Own(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.last = nn.Linear(channels, classes)

    def forward(self, images):
        return self.last(images.mean(dim=(2, 3)))


def test_a_network_of_ones_own_needs_its_code(toy, tmp_path):
    data, recipe = toy(), Recipe(model=Own)
    model = Own(1, 4)
    path = save_network(tmp_path / "own.pt", model, recipe, data)
    with pytest.raises(ValueError, match=r"load_network\(path, model=...\) with that of Recipe"):
        load_network(path)
    loaded = load_network(path, model=Own)
    assert torch.equal(
        loaded.predict(data.test.images), predict(model, data, batch_size=64).softmax(dim=1)
    )
    with pytest.raises(ValueError, match=r"own.pt cannot be used: the weights are not those"):
        load_network(path, model=mlp)


def test_another_network_than_the_recipe_builds_is_not_saved(toy, tmp_path):
    data = toy()
    with pytest.raises(ValueError, match="the weights are not those of the network that the rec"):
        save_network(tmp_path / "toy.pt", mlp(1, 4), Recipe(), data)
    with pytest.raises(ValueError, match=r" is \(5.* and should be \(4.*, and 1 more differ"):
        save_network(tmp_path / "toy.pt", small_resnet(1, 5), Recipe(), data)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_if_saving_fails(kept, monkeypatch):
    model, data, path = kept
    before = path.read_bytes()

    def full(content, file):
        file.write(b"half")
        raise RuntimeError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"cannot write .*toy.pt: no space left"):
        save_network(path, model, Recipe(model=SMALL), data)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# --- Files of strangers ---


class Runs:
    def __reduce__(self):
        return print, ("it ran",)


def one_line(path):
    with pytest.raises(ValueError) as caught:
        load_network(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_no_file_can_run_anything(kept, capsys):
    _, _, path = kept
    content = torch.load(path, weights_only=True)
    torch.save(content | {"recipe": Runs()}, path)
    assert "nothing of it was run" in one_line(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "network",
    [
        {"function": "eval"},
        {"function": "os.system"},
        {"function": "small_resnet", "settings": {"width": {"function": "print"}}},
        {"published": {"name": "../evil"}},
        {"published": {"name": "resnet18", "weights": "sha256:" + 16 * "0", "file": 7, "x": 1}},
        {"function": "he_"},
        {"function": ["small_resnet"]},
        "__import__('os').system('true')",
        7,
        {"function": "small_resnet", "settings": {"width": 10**7}},
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_description_names_networks_and_nothing_else(kept, network):
    _, _, path = kept
    assert "toy.pt cannot be used: " in one_line(changed(path, network=network))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": {}},
        {"state": [1]},
        {"classes": ["one", "two"]},
        {"classes": [1, 2, 3, 4]},
        {"mean": torch.zeros(1)},
        {"std": torch.zeros(3)},
        {"std": 0.5},
        {"image_size": [8]},
        {"image_size": [-8, 8]},
        {"scores": {"accuracy": "good"}},
        {"recipe": None},
    ],
    ids=lambda value: str(value)[:40],
)
def test_content_that_does_not_fit_together_is_refused(kept, changes):
    _, _, path = kept
    assert "toy.pt cannot be used: " in one_line(changed(path, **changes))


def test_damage_is_seen(kept, tmp_path):
    _, _, path = kept
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is no file of save_network, or is damaged" in one_line(path)
    content = torch.load(kept_again(path, whole), weights_only=True)
    content["state"]["stem.0.weight"].view(-1)[0] += 1
    torch.save(content, path)
    assert "is damaged: its checksum is another" in one_line(path)


def kept_again(path, content):
    path.write_bytes(content)
    return path


def test_other_files_say_what_they_are(kept, tmp_path):
    model, _, path = kept
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    assert "weights alone do not say their classes" in one_line(tmp_path / "weights.pth")
    assert "it says 'tricks_lib network 9'" in one_line(
        changed(path, format="tricks_lib network 9")
    )
    (tmp_path / "text").write_text("hello")
    assert "is no file of save_network" in one_line(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "absent.pt")


# --- Images ---


def test_images_of_another_kind_are_refused(kept):
    loaded = load_network(kept[2])
    with pytest.raises(TypeError, match=r"must be uint8.* got torch.float32: .*255"):
        loaded.predict(torch.rand(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"images \(B, 3, 8, 8\).* got \(2, 3, 9, 8\); predict_f"):
        loaded.predict(torch.zeros(2, 3, 9, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"shape \(B, C, H, W\)"):
        loaded.predict(torch.zeros(3, 8, 8, dtype=torch.uint8))


@pytest.fixture
def folder(tmp_path):
    """Photographs of every kind, in the layout of `load_data`."""
    draws = torch.Generator().manual_seed(0)
    number = 0
    for split in ("train", "test"):
        for name in ("ants", "bees"):
            inside = tmp_path / "images" / split / name
            inside.mkdir(parents=True)
            for mode, kind in (("RGB", "jpg"), ("L", "png"), ("RGBA", "png")):
                noise = torch.randint(256, (9, 12, 4), generator=draws, dtype=torch.uint8).numpy()
                image = Image.fromarray(noise, "RGBA").resize((48, 36)).convert("RGB").convert(mode)
                turn = Image.Exif()
                turn[0x0112] = 6  # held upright
                options = {"exif": turn} if kind == "jpg" else {}
                image.save(inside / f"{number}.{kind}", **options)
                number += 1
    return tmp_path / "images"


@pytest.mark.parametrize("grey", [False, True])
def test_files_are_read_as_load_data_reads_a_folder(folder, tmp_path, grey):
    if grey:
        for file in [*folder.rglob("*.jpg"), *folder.rglob("*.png")]:
            with Image.open(file) as image:
                pixels = image.convert("L")
            pixels.save(file)
    data = load_data(folder, image_size=16, download_to=tmp_path / "cache")
    assert data.channels == (1 if grey else 3)
    recipe = Recipe(model=SMALL)
    model = trained(recipe, data)
    loaded = load_network(save_network(tmp_path / "bees.pt", model, recipe, data))
    files = images_in(folder / "test")
    found = loaded.predict_files(files, batch_size=64)
    assert found.files == tuple(files)
    assert torch.equal(found.probabilities, loaded.predict(data.test.images))
    apart = loaded.predict_files(files, batch_size=2).probabilities
    torch.testing.assert_close(apart, found.probabilities)
    names = [ranks[0][0] for ranks in found.ranked()]
    assert names == [data.classes[place] for place in found.probabilities.argmax(dim=1)]


def test_files_that_cannot_be_read_are_named_and_the_rest_predicted(kept, tmp_path):
    loaded = load_network(kept[2])
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    files = [tmp_path / name for name in ("absent.png", "good.png", "bad.png")]
    found = loaded.predict_files(files)
    assert found.files == (str(tmp_path / "good.png"),)
    assert found.probabilities.shape == (1, 4)
    assert found.failures == {
        str(tmp_path / "absent.png"): "No such file or directory",
        str(tmp_path / "bad.png"): "cannot identify image file it",
    }
    text = str(found).splitlines()
    assert len(text) == 3 and "good.png: row " in text[0] and "bad.png: cannot be read" in text[2]
    assert loaded.predict_files([]).probabilities.shape == (0, 4)
    assert isinstance(loaded.to("cpu"), SavedNetwork)


def test_a_folder_gives_its_images(folder, tmp_path):
    (folder / ".hidden").mkdir()
    Image.new("L", (8, 8)).save(folder / ".hidden" / "1.png")
    (folder / "notes.txt").write_text("")
    found = images_in(folder)
    assert len(found) == 12 and found == sorted(found, key=os.path.split)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"expected images in .*empty, got none"):
        images_in(tmp_path / "empty")
