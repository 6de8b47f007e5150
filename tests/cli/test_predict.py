import json
from functools import partial

import pytest
import torch
from PIL import Image

from tricks_lib import Recipe, cli, small_resnet
from tricks_lib.practice.saved import save_network


@pytest.fixture
def pets(toy, tmp_path):
    """A saved network of four classes and some images: a file and a folder of two."""
    torch.manual_seed(0)
    model = small_resnet(3, 4, width=4, depths=(1,))
    for part in model.modules():
        if hasattr(part, "running_var"):
            part.running_var.fill_(0.01)  # far from uniform
    recipe = Recipe(model=partial(small_resnet, width=4, depths=(1,)))
    save_network(tmp_path / "pets.pt", model, recipe, toy(channels=3))
    (tmp_path / "more").mkdir()
    for name, mode, colour in (
        ("one.png", "RGBA", (255, 0, 0, 99)),
        ("more/two.jpg", "L", 77),
        ("more/three.png", "RGB", (0, 0, 255)),
    ):
        Image.new(mode, (20, 10), colour).save(tmp_path / name)
    return tmp_path


def run(folder, *arguments):
    return cli.main(["predict", str(folder / "pets.pt"), *map(str, arguments)])


def test_a_line_for_each_image_also_of_a_folder(pets, capsys):
    assert run(pets, pets / "one.png", pets / "more") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        str(pets / name) for name in ("one.png", "more/three.png", "more/two.jpg")
    ]
    assert all(line.count("row ") == 3 and line.count(" %") == 3 for line in lines)
    assert shown.err == ""


def test_as_many_classes_as_asked_for(pets, capsys):
    assert run(pets, pets / "one.png", "--top", "1") == 0
    assert capsys.readouterr().out.count("row ") == 1
    assert run(pets, pets / "one.png", "--top", "9") == 0
    assert capsys.readouterr().out.count("row ") == 4


def test_lines_of_json(pets, capsys):
    assert run(pets, pets / "one.png", pets / "more", "--json", "--top", "4") == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert entries[0]["file"] == str(pets / "one.png")
    for entry in entries:
        values = [one["probability"] for one in entry["top"]]
        assert values == sorted(values, reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert entry["class"] == entry["top"][0]["class"]
        assert entry["probability"] == values[0]


def test_bad_files_are_named_and_the_rest_predicted(pets, capsys):
    (pets / "bad.jpg").write_text("no image")
    (pets / "empty").mkdir()
    places = [pets / name for name in ("bad.jpg", "absent.jpg", "empty", "one.png")]
    assert run(pets, *places) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith(f"{pets / 'one.png'}: row ")
    for place, why in zip(
        places, ("cannot identify", "No such file", "expected images"), strict=False
    ):
        assert f"{place}: {why}" in shown.err
    assert "error: cannot read 3 of 4 images, named above" in shown.err
    assert run(pets, pets / "bad.jpg", pets / "one.png", "--json") == 2
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert set(entries[1]) == {"file", "error"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["predict", "absent.pt", "one.png"],
            "there is no file absent.pt: `study",
        ),
        (["predict", __file__, "one.png"], "is no file of save_network"),
        (["predict", "pets.pt"], "the following arguments are required: IMAGE"),
        (["predict", "pets.pt", "one.png", "--top", "0"], "expected a whole number from 1"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, message, capsys):
    assert cli.main(arguments) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ") and shown.count("\n") == 1
    assert message in shown
