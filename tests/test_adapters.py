"""The tricks in other people's loops: torchvision's transforms, data loaders, plain loops."""

import pickle
import subprocess
import sys
from typing import NamedTuple

import pytest
import torch
from PIL import Image
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from tricks_lib import (
    RICAP,
    AutoAugment,
    ColorShift,
    Compose,
    CutMix,
    Cutout,
    HorizontalFlip,
    Mixup,
    RandomCrop,
    RandomErasing,
    constant,
    cosine_decay,
    gradual_warmup,
    identity,
    keep,
    one_of,
    step_decay,
)
from tricks_lib.adapters import as_collate, as_scheduler, as_transform
from tricks_lib.ops.written import written

AUGMENTS = [
    Cutout(8),
    RandomCrop(2),
    HorizontalFlip(),
    ColorShift(),
    RandomErasing(p=1.0),
    AutoAugment("cifar10"),
    Compose(RandomCrop(2), HorizontalFlip(), Cutout(4)),
    identity,
]


def picture(kind=torch.uint8):
    draws = torch.Generator().manual_seed(0)
    image = torch.randint(256, (3, 16, 16), generator=draws, dtype=torch.uint8)
    return image if kind == torch.uint8 else image.to(kind) / 255


def after(seed, call):
    torch.manual_seed(seed)
    return call()


# --- as_transform ---


@pytest.mark.parametrize("augment", AUGMENTS, ids=written)
def test_it_does_to_the_image_what_the_augmentation_does(augment):
    pipeline = v2.Compose([as_transform(augment), v2.ToDtype(torch.float32, scale=True)])
    for seed in range(5):
        expected = after(seed, lambda: augment(picture())).float() / 255
        found, label = after(seed, lambda: pipeline(picture(), 3))
        torch.testing.assert_close(found, expected)
        assert label == 3


class Sample(NamedTuple):
    image: torch.Tensor
    label: int


HOLDERS = {
    "alone": (lambda image: image, lambda sample: sample),
    "with a label": (lambda image: (image, 3), lambda sample: sample[0]),
    "with a label tensor": (lambda image: (image, torch.tensor(3)), lambda sample: sample[0]),
    "after a name": (lambda image: ("cat.png", image, {"age": 3}), lambda sample: sample[1]),
    "a list": (lambda image: [image, None], lambda sample: sample[0]),
    "a dictionary": (lambda image: {"label": 3, "image": image}, lambda sample: sample["image"]),
    "a nest": (lambda image: ({"views": [image]}, 3), lambda sample: sample[0]["views"][0]),
    "with names": (lambda image: Sample(image, 3), lambda sample: sample.image),
}


@pytest.mark.parametrize(("hold", "image_of"), HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("kind", [torch.Tensor, tv_tensors.Image], ids=["plain", "tv_tensors"])
def test_whatever_holds_the_image_comes_back(hold, image_of, kind):
    sample = hold(picture().as_subclass(kind))
    found = after(0, lambda: v2.Compose([as_transform(Cutout(8)), v2.Identity()])(sample))
    assert type(found) is type(sample)
    assert type(image_of(found)) is kind
    assert torch.equal(image_of(found), after(0, lambda: Cutout(8)(picture())))
    assert torch.equal(image_of(sample), picture()), "the sample was changed in place"
    blank = picture().zero_()
    assert str(hold(blank)) == str(_with_blank(found, image_of(found))), "more than the image moved"


def _with_blank(sample, image):
    if sample is image:
        return picture().zero_()
    if isinstance(sample, dict):
        return {key: _with_blank(value, image) for key, value in sample.items()}
    if hasattr(sample, "_fields"):
        return type(sample)(*(_with_blank(part, image) for part in sample))
    if isinstance(sample, tuple | list):
        return type(sample)(_with_blank(part, image) for part in sample)
    return sample


def test_only_the_first_plain_tensor_is_an_image_as_in_torchvision():
    other = torch.rand(3, 16, 16)
    found, same = as_transform(Cutout(16))(picture(), other)
    assert not torch.equal(found, picture())
    assert same is other
    typed, plain = as_transform(Cutout(16))(tv_tensors.Image(other), picture())
    assert not torch.equal(typed, other)
    assert torch.equal(plain, picture())


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([Image.new("RGB", (16, 16))], r"an image of PIL; put v2.PILToTensor\(\) before it"),
        ([torch.zeros(3, 16, 16), Image.new("L", (16, 16))], r"v2.PILToTensor\(\)"),
        (
            [
                tv_tensors.Image(torch.zeros(3, 16, 16)),
                tv_tensors.BoundingBoxes([[0, 0, 4, 4]], format="XYXY", canvas_size=(16, 16)),
            ],
            "got BoundingBoxes beside them, which would not be moved",
        ),
        ([torch.zeros(3, 16, 16), tv_tensors.Mask(torch.zeros(16, 16))], "got Mask beside them"),
        ([tv_tensors.Video(torch.zeros(2, 3, 16, 16))], "got Video beside them"),
        (["a.png", 3], r"needs an image, a tensor \(C, H, W\), got int, str"),
        ([{}], r"needs an image, a tensor \(C, H, W\), got nothing"),
    ],
    ids=["PIL", "PIL beside", "boxes", "a mask", "a video", "no image", "nothing"],
)
def test_what_cannot_be_augmented_is_refused(others, message):
    with pytest.raises(TypeError, match=message):
        v2.Compose([as_transform(Cutout(8))])(*others)


def test_an_image_of_pil_is_augmented_after_it_is_a_tensor():
    pipeline = v2.Compose([v2.PILToTensor(), as_transform(HorizontalFlip(p=1.0))])
    pixels = torch.arange(4, dtype=torch.uint8)[None, None].expand(1, 2, 4)
    turned, label = pipeline(v2.functional.to_pil_image(pixels), 3)
    assert torch.equal(turned, pixels.flip(-1))
    assert label == 3


def test_a_batch_gets_a_draw_for_each_image():
    images = tv_tensors.Image(picture().expand(32, -1, -1, -1))
    found, _ = after(0, lambda: as_transform(Cutout(8))(images, torch.zeros(32)))
    assert len(found.flatten(1).unique(dim=0)) > 16


class Doubled:
    """Adds what it drew; as a class, so that its draws can be looked at."""

    def draw(self, shape, *, generator=None):
        return torch.rand(shape, generator=generator)

    def apply(self, images, draw):
        return images + draw

    def __call__(self, images):
        return self.apply(images, self.draw(images.shape))


def test_images_of_one_sample_share_a_draw():
    left, right = (tv_tensors.Image(torch.full((3, 8, 8), value)) for value in (1.0, 2.0))
    found = as_transform(Doubled())({"left": left, "right": right})
    torch.testing.assert_close(found["right"] - found["left"], tv_tensors.Image(right - left))
    with pytest.raises(ValueError, match=r"the same shape, got \[\(3, 4, 4\), \(3, 8, 8\)\]"):
        as_transform(Doubled())(left, tv_tensors.Image(torch.zeros(3, 4, 4)))


def test_gradients_pass_through_a_transform():
    image = picture(torch.float32).requires_grad_()
    as_transform(Compose(RandomCrop(2), identity))(image, 3)[0].sum().backward()
    assert image.grad.any()


@pytest.mark.parametrize("wrong", [Cutout, "Cutout(8)", None])
def test_a_transform_is_made_of_an_augmentation(wrong):
    with pytest.raises(TypeError, match=r"augment must be a value .* such as Cutout\(8\), got"):
        as_transform(wrong)


# --- as_collate ---


class Pictures(Dataset):
    """Image number i is full of i/100; its label is i % 4."""

    def __init__(self, count=32, transform=None):
        self.count, self.transform = count, transform

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        sample = torch.full((3, 8, 8), number / 100), number % 4
        return self.transform(*sample) if self.transform else sample


MIXES = [
    Mixup(1.0),
    CutMix(1.0, p=0.5),
    RICAP(num_classes=4),
    one_of(Mixup(0.2), CutMix(1.0), p=(0.5, 0.5)),
    keep,
]


@pytest.mark.parametrize("mix", MIXES, ids=written)
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_mixed_out_of_a_loader(mix, workers):
    dataset = Pictures(transform=v2.Compose([as_transform(Cutout(4))]))
    collate = as_collate(mix, num_classes=4)
    loader = DataLoader(dataset, batch_size=8, num_workers=workers, collate_fn=collate)
    for images, rows in loader:
        assert (images.shape, rows.shape) == ((8, 3, 8, 8), (8, 4))
        torch.testing.assert_close(rows.sum(dim=1), torch.ones(8))


def weights_of(loader):
    """One for each batch: the smallest share of the own class, which is its weight."""
    return [round(rows.max(dim=1).values.min().item(), 6) for _, rows in loader]


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_and_epochs_draw_other_numbers(persistent):
    loader = DataLoader(
        Pictures(64),
        batch_size=16,
        num_workers=2,
        collate_fn=as_collate(Mixup(1.0), 4),
        persistent_workers=persistent,
    )
    weights = after(0, lambda: weights_of(loader) + weights_of(loader))
    assert len(set(weights)) == 8, "two batches were mixed by the same weight"
    again = DataLoader(
        Pictures(64), batch_size=16, num_workers=2, collate_fn=as_collate(Mixup(1.0), 4)
    )
    assert after(0, lambda: weights_of(again)) == weights[:4], "a seed does not repeat the epoch"


@pytest.mark.parametrize("mix", MIXES, ids=written)
def test_a_collate_function_can_be_sent_to_a_worker(mix):
    collate = as_collate(mix, num_classes=4)
    assert pickle.loads(pickle.dumps(collate)) == collate
    samples = [Pictures()[number] for number in range(8)]
    first, again = (after(0, lambda: collate(samples)) for _ in range(2))
    assert all(map(torch.equal, first, again))


def test_a_mixed_batch_is_the_mixture_of_a_batch():
    samples = [Pictures()[number] for number in range(8)]
    images, labels = torch.stack([image for image, _ in samples]), torch.arange(8) % 4
    expected = after(0, lambda: Mixup(1.0, num_classes=4)(images, labels))
    assert all(map(torch.equal, after(0, lambda: as_collate(Mixup(1.0), 4)(samples)), expected))


def test_what_else_a_sample_holds_comes_back():
    samples = [(*Pictures()[number], number) for number in range(8)]
    _, _, numbers = as_collate(Mixup(1.0), 4)(samples)
    assert torch.equal(numbers, torch.arange(8))


def test_samples_of_another_form_need_a_collate_of_their_own():
    samples = [dict(zip(("image", "label"), Pictures()[number], strict=True)) for number in (1, 2)]

    def pairs(given):
        return torch.stack([one["image"] for one in given]), torch.tensor([1, 2])

    with pytest.raises(TypeError, match=r"samples \(image, label\), got dict; `collate=`"):
        as_collate(keep, 4)(samples)
    images, rows = as_collate(keep, 4, collate=pairs)(samples)
    assert torch.equal(images, pairs(samples)[0])
    assert torch.equal(rows, torch.eye(4)[[1, 2]])


@pytest.mark.parametrize(
    ("sample", "error", "message"),
    [
        ((Image.new("RGB", (8, 8)), 1), TypeError, r"got PIL.Image.Image; put v2.PILToTensor\(\)"),
        (
            (torch.rand(3, 8, 8), 4),
            ValueError,
            r"labels must be classes 0 \.\.\. 3 for .*, got 4 \.\.\. 4",
        ),
        ((torch.rand(3, 8, 8), "cat"), TypeError, "labels must be rows of .* got tuple"),
        ((torch.rand(3, 8, 8),), TypeError, r"samples \(image, label\), got tuple"),
        (torch.rand(3, 8, 8), TypeError, r"samples \(image, label\), got Tensor"),
        ((picture(), 1), TypeError, "floating-point numbers to be blended, got torch.uint8"),
    ],
    ids=["PIL", "no class", "a name", "no label", "no pair", "bytes"],
)
def test_what_cannot_be_mixed_is_refused(sample, error, message):
    with pytest.raises(error, match=message):
        as_collate(Mixup(0.2), 4)([sample, sample])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mix": Mixup, "num_classes": 4}, TypeError, "mix must be a value that can be called"),
        ({"mix": keep, "num_classes": None}, TypeError, "num_classes must be a whole number"),
        ({"mix": keep, "num_classes": 0}, ValueError, "num_classes must be a whole number >= 1"),
        ({"mix": keep, "num_classes": 4, "collate": 3}, TypeError, "collate must be a value"),
    ],
)
def test_a_collate_function_is_made_of_a_mixture(settings, error, message):
    with pytest.raises(error, match=message):
        as_collate(**settings)


# --- Without an adapter ---


@pytest.mark.parametrize("mix", [Mixup(), CutMix(), RICAP(), one_of(Mixup(), CutMix())], ids=repr)
@pytest.mark.parametrize(
    "images",
    [picture(torch.float32), Image.new("RGB", (8, 8)), [picture()]],
    ids=["one", "PIL", "list"],
)
def test_what_is_no_batch_is_sent_to_the_adapter(mix, images):
    with pytest.raises((TypeError, ValueError), match=r"tricks_lib\.adapters\.as_collate"):
        v2.Compose([mix])(images, 3)


def test_a_plain_loop_takes_labels():
    """Mixed in the loop, as torchvision's documentation does it, with torch's own loss."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mix = one_of(Mixup(0.2, num_classes=4), CutMix(1.0, num_classes=4))
    before = model[1].weight.clone()
    for images, labels in DataLoader(Pictures(), batch_size=8):
        mixed, rows = v2.Compose([mix])(images, labels)
        loss = nn.functional.cross_entropy(model(mixed), rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.isfinite()
    assert not torch.equal(model[1].weight, before)


def test_a_compiled_step_takes_draws():
    """Outside draws, inside applies: one graph."""
    torch.compiler.reset()
    mix, model = Mixup(0.2, num_classes=4), nn.Linear(192, 4)

    def step(images, labels, draw):
        mixed, rows = mix.apply(images, labels, draw)
        return nn.functional.cross_entropy(model(mixed.flatten(1)), rows)

    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
    images, labels = torch.rand(8, 3, 8, 8, requires_grad=True), torch.arange(8) % 4
    for seed in range(5):
        draw = mix.draw(images.shape, generator=torch.Generator().manual_seed(seed))
        found, expected = compiled(images, labels, draw), step(images, labels, draw)
        torch.testing.assert_close(found, expected)
        gradients = [torch.autograd.grad(loss, images)[0] for loss in (found, expected)]
        torch.testing.assert_close(*gradients)


# --- as_scheduler ---

SCHEDULES = [
    constant(),
    cosine_decay(length=3),
    gradual_warmup(1, then=cosine_decay(length=3)),
    step_decay((1, 2)),
]


def an_optimizer(momentum=0.9):
    layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    groups = [{"params": layers[0].parameters()}, {"params": layers[1].parameters(), "lr": 0.3}]
    return torch.optim.SGD(groups, lr=0.1, momentum=momentum)


def rates_of(optimizer):
    return [float(group["lr"]) for group in optimizer.param_groups]


def steps(optimizer, scheduler, count):
    rates = []
    for _ in range(count):
        rates.append(rates_of(optimizer))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("schedule", SCHEDULES, ids=written)
def test_the_rates_are_those_of_lambda_lr(schedule):
    optimizer, other = an_optimizer(), an_optimizer()
    found = steps(optimizer, as_scheduler(optimizer, schedule, steps_per_epoch=5), 20)
    expected = steps(other, LambdaLR(other, lambda step: schedule(step / 5)), 20)
    assert found == expected
    assert found[7] == pytest.approx([0.1 * schedule(1.4), 0.3 * schedule(1.4)])


@pytest.mark.parametrize("schedule", SCHEDULES, ids=written)
@pytest.mark.parametrize("scheduler_first", [True, False])
def test_a_run_goes_on_from_a_file(schedule, scheduler_first, tmp_path):
    optimizer = an_optimizer()
    whole = steps(optimizer, as_scheduler(optimizer, schedule, 5), 16)
    optimizer = an_optimizer()
    scheduler = as_scheduler(optimizer, schedule, 5)
    steps(optimizer, scheduler, 7)
    torch.save([scheduler.state_dict(), optimizer.state_dict()], tmp_path / "state.pt")

    states = torch.load(tmp_path / "state.pt", weights_only=True)
    optimizer = an_optimizer()
    scheduler = as_scheduler(optimizer, schedule, 5)
    parts = list(zip((scheduler, optimizer), states, strict=True))
    for part, state in parts if scheduler_first else reversed(parts):
        part.load_state_dict(state)
    assert steps(optimizer, scheduler, 9) == whole[7:]


def test_loading_leaves_the_schedule_as_it_is():
    saved = as_scheduler(an_optimizer(), gradual_warmup(1, then=cosine_decay(9)), 5).state_dict()
    assert not [value for value in saved.values() if callable(value)]
    schedule = gradual_warmup(2, then=cosine_decay(4))
    scheduler = as_scheduler(an_optimizer(), schedule, 5)
    scheduler.load_state_dict(saved)
    assert scheduler.schedule is schedule
    assert schedule == gradual_warmup(2, then=cosine_decay(4))


def test_loading_alone_sets_the_rates():
    optimizer = an_optimizer()
    scheduler = as_scheduler(optimizer, cosine_decay(3), 5)
    steps(optimizer, scheduler, 7)
    fresh = an_optimizer()
    as_scheduler(fresh, cosine_decay(3), 5).load_state_dict(scheduler.state_dict())
    assert rates_of(fresh) == rates_of(optimizer)


def test_a_state_that_does_not_fit_is_refused():
    state = as_scheduler(an_optimizer(), constant(), 5).state_dict()
    with pytest.raises(ValueError, match="saved with steps_per_epoch=5, this scheduler has 6"):
        as_scheduler(an_optimizer(), constant(), 6).load_state_dict(state)
    one_group = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="saved of 2 groups of parameters, the optimizer has 1"):
        as_scheduler(one_group, constant(), 5).load_state_dict(state)


def test_rates_that_are_tensors_stay_tensors():
    rate = torch.tensor(0.5)
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=rate)
    scheduler = as_scheduler(optimizer, cosine_decay(2), 1)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("schedule", "per_epoch", "error", "message"),
    [
        (cosine_decay, 5, TypeError, r"schedule must be a value .* cosine_decay\(length=10\), got"),
        (0.5, 5, TypeError, "schedule must be a value that can be called"),
        (lambda time: None, 5, TypeError, "factor of schedule at time 0 must be a number"),
        (lambda time: -1.0, 5, ValueError, "factor of schedule at time 0 must be a number >= 0"),
        (lambda time: float("nan"), 5, ValueError, "factor of schedule at time 0"),
        (constant(), 0, ValueError, "steps_per_epoch must be a whole number >= 1, got 0"),
        (constant(), 2.5, TypeError, "steps_per_epoch must be a whole number >= 1, got 2.5"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule, per_epoch, error, message):
    with pytest.raises(error, match=message):
        as_scheduler(an_optimizer(), schedule, per_epoch)


# --- Torch alone ---

ALONE = """
import sys

for name in ("PIL", "numpy", "torchvision"):
    sys.modules[name] = None  # as if it were not installed

import torch
from tricks_lib import Cutout, Mixup, cosine_decay
from tricks_lib.adapters import as_collate, as_scheduler, as_transform

image, label = as_transform(Cutout(8))(torch.rand(3, 8, 8), 3)
images, rows = as_collate(Mixup(), 4)([(image, label)] * 4)
as_scheduler(torch.optim.SGD([images.requires_grad_()], lr=0.1), cosine_decay(3), 5).step
"""


def test_the_adapters_need_torch_alone():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
