from dataclasses import fields, is_dataclass, replace
from functools import partial

import pytest
import torch

from tricks_lib import (
    RICAP,
    Compose,
    Cutout,
    HorizontalFlip,
    LabelSmoothingLoss,
    Mixup,
    RandomCrop,
    Recipe,
    initialized,
    sgd,
    small_resnet,
    supervised,
)
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.chapter import chapter
from tricks_lib.practice.arms import DoesNotFit, arms, arms_that_fit, strength
from tricks_lib.practice.names import trick_names

QUICK = replace(BASELINE, epochs=1, batch_size=16)


def other_network(channels, classes):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(classes))


class Learnt:
    """A network with weights that it has learnt."""

    name = "learnt"
    pretrained = True

    def __call__(self, channels, classes):
        network = small_resnet(channels, classes)
        torch.nn.init.constant_(network.stem[0].weight, 0.5)
        return network


def test_each_trick_is_switched_on_in_the_baseline(toy):
    found = arms(["mixup", "linear_scaling"], QUICK, toy())
    assert list(found) == ["baseline", "mixup", "linear_scaling"]
    assert found["baseline"] is QUICK
    assert found["mixup"] == replace(QUICK, mix=Mixup(alpha=0.2))
    assert (found["linear_scaling"].batch_size, found["linear_scaling"].lr) == (64, 0.4)


def test_a_combination_holds_all_its_tricks(toy):
    found = arms(["mixup+label_smoothing+linear_scaling"], QUICK, toy())
    recipe = found["mixup+label_smoothing+linear_scaling"]
    smooth = supervised(LabelSmoothingLoss(epsilon=0.1))
    expected = replace(QUICK, mix=Mixup(alpha=0.2), objective=smooth, batch_size=64, lr=0.4)
    assert recipe.written() == expected.written()


def test_augmentations_are_applied_one_after_the_other(toy):
    found = arms(["geometry+cutout", "cutout+geometry", "mixup+cutout"], QUICK, toy(size=32))
    move, mirror, hide = RandomCrop(4), HorizontalFlip(), Cutout(16)
    assert found["geometry+cutout"].augment == Compose(move, mirror, hide)
    assert found["cutout+geometry"].augment == Compose(hide, move, mirror)
    assert found["mixup+cutout"].augment == hide


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("mixup+ricap", "ricap would erase what mixup puts into the slot 'mix': Mixup.* RICAP"),
        ("warmup+decay", "decay would erase what warmup puts into the slot 'schedule'"),
        ("linear_scaling+adabound", "adabound would erase what linear_scaling .* 'lr': 0.4 "),
        ("mixup+label_smoothing+ricap", "ricap would erase what mixup puts"),
    ],
)
def test_a_trick_that_erases_another_is_refused(toy, arm, message):
    with pytest.raises(DoesNotFit, match=message):
        arms([arm], QUICK, toy())


def test_a_trick_that_builds_on_another_is_not_refused(toy):
    found = arms(["adabound+linear_scaling", "dropout+initialization"], QUICK, toy())
    assert found["adabound+linear_scaling"].lr == pytest.approx(4e-3)
    network = found["dropout+initialization"].model
    assert network.func is initialized
    assert network(1, 4).dropout.p == 0.5


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("weight_decay", small_resnet, "weight_decay changes nothing here"),
        ("batch_norm", small_resnet, "batch_norm changes nothing here"),
        ("batch_norm", other_network, "builds a network of its own, in place of other_network"),
        ("dropout", other_network, "dropout cannot be put into other_network: .*dropout"),
        ("initialization", Learnt(), "would erase the weights that learnt has learnt"),
        ("mixup+initialization", Learnt(), "would erase the weights that learnt has learnt"),
        ("initialization+dropout", small_resnet, "initialization.dropout cannot be put into"),
    ],
)
def test_a_trick_that_does_not_fit_is_refused_with_the_reason(toy, name, model, message):
    baseline = replace(QUICK, model=model)
    with pytest.raises(DoesNotFit, match=message):
        arms([name], baseline, toy())
    found, reasons = arms_that_fit(["mixup", name], baseline, toy())
    if "changes nothing" in message:  # then it is taken out
        assert list(found) == ["baseline", "mixup", f"no_{name}"] and not reasons
    else:
        assert list(found) == ["baseline", "mixup"]
        assert list(reasons) == [name]


def test_what_the_baseline_has_is_taken_out(toy):
    found = arms(["no_weight_decay", "no_batch_norm", "mixup+no_weight_decay"], QUICK, toy())
    optimizer = found["no_weight_decay"].optimizer(torch.nn.Linear(2, 2), lr=0.1)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0]
    assert not any("norm" in type(m).__name__.lower() for m in bare_of(found["no_batch_norm"]))
    assert any("norm" in type(m).__name__.lower() for m in bare_of(QUICK))
    both = found["mixup+no_weight_decay"]
    assert both.mix == Mixup(0.2) and both.optimizer.keywords == {"weight_decay": 0.0}
    told = {name: strength(recipe, QUICK) for name, recipe in found.items()}
    assert told["no_weight_decay"] == "weight_decay=0" and told["no_batch_norm"] == (
        "batch_norm=False"
    )


def bare_of(recipe):
    return recipe.model(1, 4).modules()


def plain_steps(model, lr):
    return torch.optim.SGD(model.parameters(), lr)


def test_an_optimizer_that_takes_no_weight_decay_is_refused(toy):
    with pytest.raises(DoesNotFit, match="no_weight_decay cannot be put into plain_steps: "):
        arms(["no_weight_decay"], replace(QUICK, optimizer=plain_steps), toy())
    with pytest.raises(DoesNotFit, match="chapter mixup has no trick to take out"):
        arms(["no_mixup"], QUICK, toy())


def test_what_is_not_there_cannot_be_taken_out(toy):
    bare = replace(QUICK, optimizer=partial(sgd, weight_decay=0.0))
    with pytest.raises(DoesNotFit, match=r"no_weight_decay changes .*: the baseline does not have"):
        arms(["no_weight_decay"], bare, toy())
    with pytest.raises(DoesNotFit, match="no_batch_norm cannot be put into other_network"):
        arms(["no_batch_norm"], replace(QUICK, model=other_network), toy())
    with pytest.raises(DoesNotFit, match="it already; no_weight_decay takes it out"):
        arms(["weight_decay"], QUICK, toy())


def test_a_network_without_batch_normalisation_can_be_given_it(toy):
    bare = replace(QUICK, model=partial(small_resnet, batch_norm=False, width=8))
    with pytest.raises(DoesNotFit, match="of its own"):  # another width
        arms(["batch_norm"], bare, toy())


def test_a_trick_that_trains_a_network_does_so_once(toy, monkeypatch):
    made = []
    switch = chapter("distillation").switch

    def counted(recipe, data):
        made.append(recipe)
        return switch(recipe, data)

    entry = replace(chapter("distillation"), switch=counted)
    monkeypatch.setattr(
        "tricks_lib.practice.arms.chapter",
        lambda slug: entry if slug == "distillation" else chapter(slug),
    )
    arms(["distillation", "cutout+distillation"], QUICK, toy())
    assert len(made) == 2  # alone, and with the other trick


# --- Sizes in pixels ---


def numbers(value, path=""):
    """All numbers that a recipe holds, by where they stand."""
    if isinstance(value, bool) or value is None:
        return {}
    if isinstance(value, int | float):
        return {path: value}
    if isinstance(value, partial):
        return numbers([value.func, *value.args, value.keywords], f"{path}.{value.func.__name__}")
    if isinstance(value, tuple | list):
        pairs = enumerate(value)
    elif isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, Compose):
        pairs = enumerate(value.steps)
    elif is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
    else:
        pairs = ()
    return {k: v for name, part in pairs for k, v in numbers(part, f"{path}.{name}").items()}


@pytest.fixture
def untrained(monkeypatch, tmp_path):
    """A teacher that learns nothing, in no time: its size does not depend on the images."""
    from tricks_lib.course.chapters.distillation import teachers
    from tricks_lib.lab.train import History, Run

    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", str(tmp_path))

    def fit(recipe, data, seed):
        return Run(recipe, seed, recipe.model(data.channels, data.num_classes), History(), 0.0)

    monkeypatch.setattr(teachers, "fit", fit)


@pytest.mark.parametrize("trick", trick_names())
def test_what_is_set_in_pixels_scales_with_the_image(toy, untrained, trick):
    switch = chapter(trick).switch
    small, large = (
        numbers(switch(Recipe(), toy(train=8, test=4, channels=3, size=size))) for size in (32, 224)
    )
    assert small.keys() == large.keys()
    for path, value in small.items():
        assert large[path] in (value, 7 * value), path


def share_changed(switch, size):
    """Share of the pixels that an augmentation changes, of one picture in two sizes."""
    draws = torch.Generator().manual_seed(3)
    picture = torch.randint(0, 256, (96, 3, 16, 16), generator=draws, dtype=torch.uint8)
    images = picture.repeat_interleave(size // 16, 2).repeat_interleave(size // 16, 3)
    data = SizeOnly(size)
    augment = switch(Recipe(), data).augment
    if hasattr(augment, "with_mean"):
        augment = augment.with_mean(torch.full((3,), 0.45))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return (augment(images) != images).any(dim=1).float().mean().item()


class SizeOnly:
    channels, num_classes = 3, 4

    def __init__(self, size):
        self.image_size = (size, size)


@pytest.mark.parametrize("trick", ["cutout", "random_erasing", "autoaugment", "geometry", "color"])
def test_augmentations_change_the_same_share_of_small_and_large_images(trick):
    switch = chapter(trick).switch
    small, large = share_changed(switch, 32), share_changed(switch, 224)
    assert small > 0.05
    assert large == pytest.approx(small, abs=0.06)


def test_a_size_in_pixels_that_does_not_scale_is_seen():
    def stiff(recipe, data):
        return replace(recipe, augment=Cutout(16))

    assert share_changed(stiff, 32) - share_changed(stiff, 224) > 0.1


# --- What a table says ---


def test_strength_says_what_differs(toy):
    data = toy(size=32)
    found = arms(
        [
            "mixup",
            "cutout",
            "geometry+cutout",
            "linear_scaling",
            "label_smoothing",
            "dropout",
            "initialization",
            "adabound",
            "early_stopping",
            "distillation",
            "color",
        ],
        QUICK,
        data,
    )
    assert {name: strength(recipe, QUICK) for name, recipe in found.items()} == {
        "baseline": "",
        "mixup": "Mixup(alpha=0.2)",
        "cutout": "Cutout(size=16)",
        "geometry+cutout": "RandomCrop(padding=4) + HorizontalFlip(p=0.5) + Cutout(size=16)",
        "linear_scaling": "batch 64, lr 0.4",
        "label_smoothing": "LabelSmoothingLoss(epsilon=0.1)",
        "dropout": "dropout=0.5",
        "initialization": "initialized(init=he_)",
        "adabound": "lr 0.001, adabound(final_lr=1, weight_decay=0.0005)",
        "early_stopping": "EarlyStopping(patience=5)",
        "distillation": "Distillation(temperature=4, alpha=0.9)",
        "color": "ColorShift(brightness=0.4, contrast=0.4, saturation=0.4)",
    }


def test_strength_is_short(toy):
    found = arms(["warmup+geometry+color+random_erasing+mixup+label_smoothing"], QUICK, toy())
    assert all(len(strength(recipe, QUICK)) <= 90 for recipe in found.values())
    assert strength(replace(QUICK, epochs=3, mix=RICAP()), QUICK) == "epochs 3, RICAP(beta=0.3)"
