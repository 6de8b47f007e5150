import gc
import hashlib
import http.server
import pickle
import re
import threading
import urllib.error
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import nn
from torchvision.models import get_model, get_model_weights

from tricks_lib import Recipe, fit
from tricks_lib.lab import networks
from tricks_lib.lab.data import Split
from tricks_lib.lab.networks import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NAMES,
    Published,
    WeightsUnavailable,
    as_pretrained,
    features,
    frozen_accuracy,
    outline,
    published,
)
from tricks_lib.lab.study.code import code_hash

SMALL = pytest.mark.filterwarnings("ignore:.*was made for images of")


def keep(network, folder, name="weights.pth"):
    file = folder / name
    torch.save(network.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """torchvision's own network with random weights, and a file of them."""
    network = get_model("resnet18").eval()
    with torch.no_grad():  # statistics that change something
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
    return network, keep(network, tmp_path_factory.mktemp("weights"))


def without_head(network, head):
    network.set_submodule(head, nn.Identity())
    return network.eval()


# --- Every network ---


FAMILIES = {
    "alexnet": "alexnet",
    "convnext": "convnext_tiny",
    "densenet": "densenet121",
    "efficientnet_b": "efficientnet_b0",
    "efficientnet_v2": "efficientnet_v2_s",
    "googlenet": "googlenet",
    "inception": "inception_v3",
    "maxvit": "maxvit_t",
    "mnasnet": "mnasnet0_5",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3": "mobilenet_v3_small",
    "regnet_x": "regnet_x_400mf",
    "regnet_y": "regnet_y_400mf",
    "resne": "resnet18",
    "shufflenet": "shufflenet_v2_x0_5",
    "squeezenet": "squeezenet1_1",
    "swin": "swin_t",
    "vgg": "vgg11",
    "vit": "vit_b_32",
    "wide_resnet": "wide_resnet50_2",
}
"""A small network of each kind, by how the names of the kind begin."""


@pytest.mark.filterwarnings("ignore:The default weight initialization of")
@pytest.mark.parametrize("name", FAMILIES.values())
def test_every_network_gets_a_last_layer_for_the_classes(name):
    network = outline(lambda: published(name)(3, 7))
    head, layer = networks._head(network)
    assert 7 in (getattr(layer, "out_features", 0), getattr(layer, "out_channels", 0))
    assert networks._stem(network)[1].in_channels == 3
    own = outline(lambda: get_model(name, weights=None)).state_dict()
    mine = network.state_dict()
    assert {key for key in mine if mine[key].shape != own[key].shape} == {
        key for key in mine if key.startswith(f"{head}.")
    }


def test_every_name_is_of_a_kind_that_is_tried():
    assert [name for name in NAMES if not name.startswith(tuple(FAMILIES))] == []


def test_the_names_are_classifiers():
    assert {"resnet18", "convnext_tiny", "efficientnet_b0", "vit_b_16", "swin_t"} <= set(NAMES)
    assert not [name for name in NAMES if "deeplab" in name or "rcnn" in name or "raft" in name]


@SMALL
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", "fc"),
        ("densenet121", "classifier"),
        ("mobilenet_v3_small", "classifier.3"),
        ("shufflenet_v2_x0_5", "fc"),
        ("regnet_x_400mf", "fc"),
    ],
)
def test_features_are_torchvisions_to_the_last_bit(name, head, tmp_path):
    theirs = get_model(name)
    file = keep(theirs, tmp_path)
    ours = published(name, file=file)(3, 5)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = without_head(theirs, head)(images)
    assert torch.equal(features(ours, images), expected)
    assert ours(images).shape == (2, 5)
    assert ours.training


@SMALL
def test_with_its_own_last_layer_the_logits_are_torchvisions(resnet):
    theirs, file = resnet
    ours = published("resnet18", file=file)(3, 1000).eval()
    ours.fc.load_state_dict(theirs.fc.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


@SMALL
def test_googlenet_makes_its_own_normalisation_as_trained(tmp_path):
    with pytest.warns(FutureWarning):
        theirs = get_model("googlenet", aux_logits=True, transform_input=True)
    ours = published("googlenet", file=keep(theirs, tmp_path))(3, 4)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = without_head(theirs, "fc")(images)
    assert torch.equal(features(ours, images), expected)
    assert ours.train()(images).shape == (2, 4)  # one answer, not three
    with pytest.raises(ValueError, match="takes 3 channels, got 1"):
        published("googlenet", file=tmp_path / "weights.pth")(1, 4)


def test_old_names_of_densenet_are_understood(tmp_path):
    state = get_model("densenet121").state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")  # that came with torch 0.4.1
    }
    assert len(old.keys() - state.keys()) > 100
    torch.save(old, tmp_path / "old.pth")
    ours = published("densenet121", file=tmp_path / "old.pth")(3, 2).state_dict()
    some = "features.denseblock1.denselayer1.norm1.weight"
    assert torch.equal(ours[some], state[some])


# --- Channels ---


@SMALL
def test_grey_images_give_what_the_same_grey_in_three_colours_gives(resnet):
    _, file = resnet
    network = published("resnet18", file=file)
    grey, colour = network(1, 4), network(3, 4)
    images = torch.randn(2, 1, 64, 64)
    torch.testing.assert_close(
        features(grey, images), features(colour, images.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4
    )


@SMALL
def test_random_weights_take_any_number_of_channels():
    torch.manual_seed(0)
    for channels in (1, 2, 5):
        network = published("resnet18")(channels, 3)
        assert network.conv1.in_channels == channels
        torch.testing.assert_close(
            network.conv1.weight.std(), published("resnet18")(3, 3).conv1.weight.std(),
            rtol=0.1, atol=0,
        )  # fmt: skip
        assert network(torch.randn(2, channels, 32, 32)).shape == (2, 3)


def test_trained_weights_take_one_or_three(resnet):
    _, file = resnet
    with pytest.raises(ValueError, match=r"conv1.weight is \(64, 3, 7, 7\) there and \(64, 5, 7"):
        published("resnet18", file=file)(5, 3)


# --- Sizes ---


def test_small_images_are_said_once():
    network = published("resnet18")(3, 2).eval()
    with pytest.warns(UserWarning, match=r"224 pixels, and sees little in 32×32: .*image-size 224"):
        network(torch.zeros(1, 3, 32, 32))
    network(torch.zeros(1, 3, 32, 32))
    published("resnet18")(3, 2).eval()(torch.zeros(1, 3, 112, 112))


def test_networks_of_one_size_are_built_for_it():
    assert published("vit_b_32", image_size=64) == Published("vit_b_32", image_size=64)
    assert published("resnet18", image_size=64) == published("resnet18")
    network = outline(lambda: published("vit_b_32", image_size=64)(3, 2))
    assert network.encoder.pos_embedding.shape == (1, 5, 768)
    with pytest.raises(ValueError, match=r"built for images of 64×64 pixels, got 32×32.*=32\)"):
        network(torch.zeros(1, 3, 32, 32, device="meta"))
    with pytest.raises(ValueError, match="a multiple of 32 pixels, got 100: the nearest is 96"):
        published("vit_b_32", image_size=100)


def test_positions_are_interpolated():
    small = Published("vit_b_32", "sha256:" + 16 * "0", "file", image_size=64)
    state = outline(lambda: get_model("vit_b_32")).state_dict()
    positions = torch.arange(49.0).expand(768, 49).T[None]  # 7×7, and one for the whole
    state["encoder.pos_embedding"] = torch.cat([torch.full((1, 1, 768), 99.0), positions], dim=1)
    fitted = small._fitting(state, outline(lambda: small.untrained(3, 2)), 3)
    assert fitted["encoder.pos_embedding"][0, :, 0].tolist() == pytest.approx([99, 0, 6, 42, 48])


# --- Values ---


def test_a_recipe_writes_it_down(resnet):
    _, file = resnet
    assert Recipe(model=published("resnet18")).written() == "Recipe(model=Published('resnet18'))"
    network = published("resnet18", file=file, frozen=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    assert network.weights == f"sha256:{digest}"
    text = Recipe(model=network).written()
    assert eval(text) == Recipe(model=network)
    assert f"weights='sha256:{digest}', file={str(file)!r}, frozen=True" in text
    assert pickle.loads(pickle.dumps(network)) == network


def test_other_weights_are_another_value(resnet, tmp_path):
    theirs, file = resnet
    other = keep(get_model("resnet18"), tmp_path)
    first, second = (published("resnet18", file=at) for at in (file, other))
    assert first != second
    values = [first, second, published("resnet18"), replace(first, frozen=True)]
    assert len({code_hash(value) for value in values}) == 4
    assert code_hash(first) == code_hash(published("resnet18", file=file))
    keep(theirs, tmp_path)  # in its place
    with pytest.raises(ValueError, match="holds other weights than when it was chosen"):
        second(3, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "resnet"}, "got 'resnet'; did you mean resnet"),
        ({"name": "qqq"}, "got 'qqq'; they are: alexnet, "),
        ({"name": "resnet18", "pretrained": "V9"}, "resnet18 has the weights IMAGENET1K_V1, got"),
        ({"name": "resnet18", "frozen": True}, "resnet18 has random ones: pretrained=True"),
        ({"name": "resnet18", "file": "x", "pretrained": "V1"}, "by name or from a file, got both"),
        ({"name": "vit_b_16", "image_size": 0}, "image_size must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        published(**settings)


# --- Files ---


@pytest.mark.parametrize("nested", ["state_dict", "model", "state"])
def test_weights_beside_other_things_are_found(resnet, tmp_path, nested):
    theirs, _ = resnet
    torch.save({"epoch": 3, nested: theirs.state_dict()}, tmp_path / "checkpoint.pth")
    ours = published("resnet18", file=tmp_path / "checkpoint.pth")(3, 2)
    assert torch.equal(ours.conv1.weight, theirs.conv1.weight)


def test_weights_of_another_network_are_named(resnet):
    _, file = resnet
    with pytest.raises(ValueError, match=r"not those of resnet34: layer1.2.conv1.weight is mis"):
        published("resnet34", file=file)
    with pytest.raises(
        ValueError, match=r"layer1.0.conv1.weight is \(64, 64, 3, 3\) there and \(64, 64, 1, 1\)"
    ) as caught:
        published("resnet50", file=file)
    assert "\n" not in str(caught.value)


class Runs:
    def __reduce__(self):
        return print, ("it ran",)


def test_other_files_give_one_line_and_run_nothing(tmp_path, capsys):
    files = {name: tmp_path / name for name in ("text", "code", "list", "numbers", "cut")}
    files["text"].write_text("weights")
    torch.save({"conv1.weight": Runs()}, files["code"])
    torch.save([1, 2], files["list"])
    torch.save({"conv1.weight": 3}, files["numbers"])
    whole = keep(get_model("squeezenet1_1"), tmp_path).read_bytes()
    files["cut"].write_bytes(whole[: len(whole) // 2])
    for name, file in files.items():
        with pytest.raises(ValueError, match=f"{name} holds no weights") as caught:
            published("squeezenet1_1", file=file)
        assert "\n" not in str(caught.value)
    assert "it ran" not in capsys.readouterr().out
    with pytest.raises(FileNotFoundError):
        published("resnet18", file=tmp_path / "absent.pth")


# --- Downloads ---


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine with weights of SqueezeNet, which `_url` leads to, and an empty
    cache; the name of the file says its hash, as torchvision's do."""
    folder = tmp_path / "server"
    folder.mkdir()
    theirs = get_model("squeezenet1_1")
    plain = keep(theirs, folder)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    plain.rename(folder / f"squeezenet-{digest[:8]}.pth")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        names = {"name": f"squeezenet-{digest[:8]}.pth"}
        monkeypatch.setattr(
            networks,
            "_url",
            lambda *_: f"http://127.0.0.1:{served.server_port}/{names['name']}",
        )
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(torch.hub, "_hub_dir", None)
        yield theirs, asked, names
        served.shutdown()
        thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # torch leaves failed downloads open
        gc.collect()


def test_weights_are_downloaded_once(server, tmp_path, capsys):
    theirs, asked, names = server
    network = published("squeezenet1_1", pretrained=True)
    assert network == Published("squeezenet1_1", "IMAGENET1K_V1")
    kept = tmp_path / "cache" / "hub" / "checkpoints" / names["name"]
    assert kept.exists()
    assert f"to {kept}" in capsys.readouterr().err
    ours = network(3, 2)
    assert torch.equal(ours.features[0].weight, theirs.features[0].weight)
    published("squeezenet1_1", pretrained="IMAGENET1K_V1")
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["squeezenet-00000000.pth", "absent-00000000.pth"])
def test_what_cannot_be_downloaded_is_one_line_that_says_what_to_fetch(server, tmp_path, name):
    _, _, names = server
    good = next((tmp_path / "server").iterdir())
    good.with_name("squeezenet-00000000.pth").write_bytes(good.read_bytes())  # its hash is another
    names["name"] = name
    with pytest.raises(WeightsUnavailable) as caught:
        published("squeezenet1_1", pretrained=True)
    message = str(caught.value)
    kept = tmp_path / "cache" / "hub" / "checkpoints" / name
    assert "\n" not in message
    assert f"/{name} on a machine with a network and save it as {kept}, or say" in message
    assert "--weights FILE" in message
    assert list(kept.parent.iterdir()) == []


def test_without_a_network(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    with pytest.raises(OSError, match=r"could not download the weights of resnet18: .*not known"):
        published("resnet18", pretrained=True)


def test_damaged_weights_in_the_cache_are_named(server, tmp_path):
    _, _, names = server
    network = published("squeezenet1_1", pretrained=True)
    kept = tmp_path / "cache" / "hub" / "checkpoints" / names["name"]
    kept.write_bytes(kept.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"holds no weights, or is damaged: .* delete it and try"):
        network(3, 2)


def test_every_download_has_a_hash_in_its_name():
    for name in NAMES:
        for weights in networks._weights_of(name):
            assert re.search(r"-([0-9a-f]{8,})\.", networks._url(name, weights))


# --- Normalisation ---


def test_images_are_normalised_as_in_the_networks_training(toy):
    colour = as_pretrained(toy(channels=3))
    assert colour.mean.tolist() == pytest.approx(IMAGENET_MEAN)
    assert colour.std.tolist() == pytest.approx(IMAGENET_STD)
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    preset = get_model_weights("resnet18").DEFAULT.transforms(crop_size=8, resize_size=8)
    torch.testing.assert_close(colour.normalize(images), preset(images))
    grey = as_pretrained(toy())
    assert (grey.mean.item(), grey.std.item()) == pytest.approx((0.449, 0.226))
    other = as_pretrained(toy(channels=3), Published("efficientnet_v2_l", "IMAGENET1K_V1"))
    assert other.mean.tolist() == [0.5, 0.5, 0.5]
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        as_pretrained(toy(channels=2))


# --- Frozen networks ---


@SMALL
def test_a_frozen_network_learns_in_its_last_layer_alone(toy, resnet):
    _, file = resnet
    data = toy(channels=3, size=32, train=16)
    recipe = Recipe(
        epochs=2, batch_size=8, lr=0.1, model=published("resnet18", file=file, frozen=True)
    )
    before = recipe.model(3, 4).state_dict()
    trained = fit(recipe, data, device="cpu").model
    changed = {key for key, value in trained.state_dict().items() if not value.equal(before[key])}
    assert changed == {"fc.weight", "fc.bias"}
    fresh = recipe.model(3, 4)
    asleep = {name for name, part in fresh.named_children() if not part.training}
    assert fresh.training and asleep == {name for name, _ in fresh.named_children()} - {"fc"}


class Brightness(nn.Module):
    """Its features are the means of the rows, its last layer is of no use."""

    def __init__(self, channels, classes):
        super().__init__()
        self.last = nn.Linear(8, classes)

    def forward(self, images):
        return self.last(images.mean(dim=(1, 3)))


def test_frozen_features_that_tell_the_classes_apart(toy):
    data = toy(train=200, test=100)
    state = torch.get_rng_state()
    assert frozen_accuracy(data, Brightness, device="cpu") == 1
    assert torch.equal(torch.get_rng_state(), state)
    few = frozen_accuracy(data, Brightness, device="cpu", most=8, batch_size=3)
    assert few > 0.5
    assert few == frozen_accuracy(data, Brightness, device="cpu", most=8, batch_size=3)
    shuffled = replace(data, train=Split(data.train.images, data.train.labels[torch.randperm(200)]))
    assert frozen_accuracy(shuffled, Brightness, device="cpu") < 0.6
    assert frozen_accuracy(data.hold_out(50), Brightness, device="cpu") == 1


def test_the_regression_finds_the_smallest_loss():
    torch.manual_seed(0)
    inputs, labels = torch.randn(100, 4), torch.randint(3, (100,))
    inputs[:, 0] += labels
    x, y = inputs.double().numpy(), labels.numpy()

    def logits(flat):
        weight, bias = flat[:12].reshape(4, 3), flat[12:]
        return log_softmax(x @ weight + bias, axis=1)

    for strength in (0.001, 0.1):

        def loss(flat, strength=strength):
            return strength / 2 * (flat[:12] ** 2).sum() - logits(flat)[range(100), y].mean()

        best = torch.tensor(logits(minimize(loss, np.zeros(15), tol=1e-7).x)).float()
        weight, bias = networks._regressed(inputs, labels, 3, strength)
        ours = (inputs @ weight + bias).log_softmax(dim=1)
        torch.testing.assert_close(ours, best, rtol=0, atol=1e-3)


def test_the_penalty_is_the_one_that_helps_held_out_images():
    torch.manual_seed(0)
    inputs, labels = torch.randn(40, 30), torch.randint(2, (40,))  # nothing to learn
    strength = networks._best_strength((inputs[:20], labels[:20]), (inputs[20:], labels[20:]), 2)
    assert strength == max(networks.STRENGTHS)
    inputs[:, 0] = 8.0 * labels - 4  # plain to see
    strength = networks._best_strength((inputs[:20], labels[:20]), (inputs[20:], labels[20:]), 2)
    assert strength == min(networks.STRENGTHS)


def test_networks_without_a_last_layer_are_refused():
    with pytest.raises(ValueError, match="with a linear layer or a convolution, found none"):
        features(nn.ReLU(), torch.zeros(1, 3))
