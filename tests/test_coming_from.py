"""The page for those who come from torchvision or timm, held against what is installed."""

import ast
import enum
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest
import torch
from torchvision.transforms import v2

import tricks_lib
from tricks_lib import CutMix, HorizontalFlip, Mixup, RandomErasing

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kornia.augmentation
    import kornia.augmentation.auto
    from timm.data.auto_augment import _FILL
    from timm.data.mixup import Mixup as TimmMixup
    from timm.data.random_erasing import RandomErasing as TimmErasing

PAGE = (Path(tricks_lib.__file__).parents[1] / "book" / "coming-from.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.M | re.S)
TABLES = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
SHORT = {"v2": v2, "K": kornia.augmentation}


def signatures():
    """The calls in the tables, with where each leads."""
    for text in dict.fromkeys(re.findall(r"`([\w.]+\([^`]*\))`", TABLES)):
        call = ast.parse(text, mode="eval").body
        yield pytest.param(thing_at(ast.unparse(call.func)), call, id=text)


def thing_at(name):
    """Return what a name of the page stands for; a name alone is one of ours."""
    first, *steps = name.split(".")
    if not steps:
        return getattr(tricks_lib, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thing = SHORT.get(first) or importlib.import_module(first)
        for place, step in enumerate(steps):
            if not hasattr(thing, step):
                importlib.import_module(".".join([first, *steps[: place + 1]]))
            thing = getattr(thing, step)
    return thing


@pytest.mark.parametrize(("thing", "call"), list(signatures()))
def test_the_printed_defaults_are_those_of_the_signature(thing, call):
    parameters = inspect.signature(thing).parameters
    for argument in call.args:
        parameter = parameters[argument.id]
        required = parameter.default is parameter.empty
        assert required, f"{argument.id} has a default, and is printed as if it had none"
    for keyword in call.keywords:
        default = parameters[keyword.arg].default
        default = default.value if isinstance(default, enum.Enum) else default
        printed = eval(compile(ast.Expression(keyword.value), "the page", "eval"))
        assert printed == default, f"{keyword.arg} is {default!r}, printed as {printed!r}"
    printed = {argument.id for argument in call.args} | {k.arg for k in call.keywords}
    needed = {
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    assert needed <= printed, f"{sorted(needed - printed)} must be given, and the page is silent"


def test_the_tables_are_read():
    said = [param.id for param in signatures()]
    assert len(said) > 30
    for name in ("timm.data.mixup.Mixup", "v2.RandomErasing", "K.RandomMixUpV2", "RICAP"):
        assert any(text.startswith(f"{name}(") for text in said), f"{name} is not read"


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.splitlines()[-1].strip())
def test_an_example_runs(code):
    torch.compiler.reset()
    exec(compile(code, "the page", "exec"), {})


# --- What the tables say ---


def changed(images, results):
    return (images != results).flatten(1).any(dim=1).float().mean().item()


def test_torchvision_draws_once_for_a_batch_and_ours_for_each_image():
    torch.manual_seed(0)
    images = torch.rand(64, 3, 8, 8)
    theirs = {changed(images, v2.RandomHorizontalFlip(0.5)(images)) for _ in range(20)}
    assert theirs == {0.0, 1.0}
    assert 0.2 < changed(images, HorizontalFlip(0.5)(images)) < 0.8


def test_kornia_and_timm_draw_for_each_image():
    torch.manual_seed(0)
    images = torch.rand(64, 3, 8, 8)
    assert 0.2 < changed(images, kornia.augmentation.RandomHorizontalFlip(p=0.5)(images)) < 0.8
    erased = TimmErasing(0.5, device="cpu")(images.clone())
    assert 0.2 < changed(images, erased) < 0.8


def test_timm_changes_its_input_and_ours_does_not():
    images, labels = torch.rand(8, 3, 8, 8), torch.arange(8)
    before = images.clone()
    Mixup(1.0, num_classes=8)(images, labels)
    CutMix(1.0, num_classes=8)(images, labels)
    RandomErasing(p=1.0)(images)
    assert torch.equal(images, before)
    TimmErasing(1.0, device="cpu")(images)
    assert not torch.equal(images, before)
    images = before.clone()
    TimmMixup(num_classes=8)(images, labels)
    assert not torch.equal(images, before)


def test_the_weight_is_the_partners_in_kornia():
    theirs = kornia.augmentation.RandomMixUpV2(
        lambda_val=torch.tensor([0.3, 0.3]), data_keys=["input", "class"]
    )
    images, labels = torch.rand(8, 3, 8, 8), torch.arange(8)
    mixed, said = theirs(images, labels)
    partner = said[:, 1].long()
    assert said.shape == (8, 3)
    torch.testing.assert_close(mixed, 0.7 * images + 0.3 * images[partner])
    expected = Mixup(num_classes=8).apply(images, labels, Mixup.Draw(partner, 0.7))
    torch.testing.assert_close(mixed, expected[0])


def test_timm_smooths_the_labels_that_it_mixes():
    _, rows = TimmMixup(num_classes=5)(torch.rand(4, 3, 8, 8), torch.arange(4))
    assert rows.min().item() == pytest.approx(0.1 / 5)


def test_no_fill_is_black_in_torchvision_and_grey_in_timm():
    white = torch.full((3, 20, 20), 255, dtype=torch.uint8)
    assert v2.functional.rotate(white, 45.0, fill=None).min() == 0
    assert _FILL == (128, 128, 128)
