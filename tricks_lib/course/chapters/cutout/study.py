"""Cutout on clean and on hidden test images, with time, on digits, and where a part decides.

Chapter: notebooks/07_cutout.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor

from tricks_lib.augment import Cutout, identity
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.models import small_resnet
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

HIDDEN = (6, 10, 14, 18)
"""Sides of the squares that are hidden from test images, in pixels."""


def recipe(augment: Callable, epochs: int = 12) -> Recipe:
    """Return the recipe that all arms share, with an augmentation."""
    return Recipe(epochs=epochs, batch_size=64, augment=augment, schedule=linear_decay(epochs))


@cache
def data() -> Data:
    """Load 2,000 training and 3,000 test images."""
    return load_data("fashion-mini").subset(train=2000, test=3000)


def hide_squares(data: Data, size: int, fill: str = "mean", seed: int = 0) -> Data:
    """Hide a square in every test image: whole, anywhere inside, the same for every network.

    Args:
        data: what to copy.
        size: side of the square, in pixels.
        fill: "mean", "black", or "noise": a value for each pixel, each as likely as any other.
        seed: fixes the places, and the noise.
    """
    draws = torch.Generator().manual_seed(seed)
    images = data.test.images
    height, width = data.image_size
    y = torch.randint(height - size + 1, (len(images), 1), generator=draws)
    x = torch.randint(width - size + 1, (len(images), 1), generator=draws)
    rows, columns = torch.arange(height), torch.arange(width)
    inside = ((rows >= y) & (rows < y + size))[:, None, :, None]
    inside = inside & ((columns >= x) & (columns < x + size))[:, None, None, :]
    cover = {
        "mean": (255 * data.mean).round().to(torch.uint8).view(-1, 1, 1),
        "black": torch.tensor(0, dtype=torch.uint8),
        "noise": torch.randint(256, images.shape, generator=draws, dtype=torch.uint8),
    }[fill]
    hidden = torch.where(inside, cover, images)
    return replace(data, test=Split(hidden, data.test.labels))


def hidden_tests(data: Data) -> dict[str, Data]:
    """Return the data with squares hidden in the test images, by the name of the metric."""
    grey = {f"accuracy_hidden_{size}": hide_squares(data, size) for size in HIDDEN}
    return grey | {
        f"accuracy_hidden_14_{fill}": hide_squares(data, 14, fill) for fill in ("black", "noise")
    }


def occlusion(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracy under squares, and the share of each class that is
    recognised."""
    labels = data.test.labels.cpu()
    hits = predict(run.model, data).argmax(dim=1).cpu() == labels
    recalls = [hits[labels == label].float().mean().item() for label in range(data.num_classes)]
    return final_metrics(run, data) | {
        **{name: evaluate(run.model, d).accuracy for name, d in hidden_tests(data).items()},
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "recall_by_class": [round(recall, 5) for recall in recalls],
    }


HIDDEN_METRICS = [
    Metric(f"accuracy_hidden_{size}", f"accuracy with a square hidden, {size}", "higher", "points")
    for size in (*HIDDEN, "14_black", "14_noise")
]
METRICS = (
    *STANDARD,
    *HIDDEN_METRICS,
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
)

LONG = StudyPlan(
    path=RESULTS / "cutout-long.jsonl",
    recipes={
        "none": recipe(identity, epochs=48),
        "cutout 8": recipe(Cutout(8), epochs=48),
        "cutout 14": recipe(Cutout(14), epochs=48),
    },
    data=data,
    seeds=8,
    measure=occlusion,
    metrics=METRICS,
)
"""Four times as long."""


@cache
def digits() -> Data:
    """Load the digits that come with the package: 1,000 to train on, 797 to judge by."""
    return load_data("digits")


def on_digits(augment: Callable) -> Recipe:
    """Return the recipe for digits of 8×8 pixels: no stride at the start."""
    return Recipe(
        epochs=15,
        batch_size=50,
        lr=0.05,
        model=partial(small_resnet, stem_stride=1),
        augment=augment,
        schedule=linear_decay(15),
    )


DIGITS = StudyPlan(
    path=RESULTS / "cutout-digits.jsonl",
    recipes={"none": on_digits(identity)}
    | {f"cutout {size}": on_digits(Cutout(size)) for size in (2, 4, 6)},
    data=digits,
    seeds=10,
)
"""The same shares of the image, where half an 8 may look like a 3."""


def with_tags(split: Split, count: int, share: float, seed: int) -> Split:
    """Put a white tag, 3×3 pixels, at rows and columns 2 to 4 of some images; the label is 1 for
    an image with a tag and 0 for one without.

    Only images are taken whose corner of 8×8 pixels is black, so that nothing but the tag is there.

    Args:
        split: images (N, 1, H, W).
        count: how many to take, the first.
        share: of them that get a tag.
        seed: fixes which.
    """
    black = split.images[:, 0, :8, :8].amax(dim=(1, 2)) == 0
    images = split.images[black.nonzero()[:count, 0]].clone()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    labels = torch.zeros(count, dtype=torch.int64)
    labels[order[: round(share * count)]] = 1
    images[labels == 1, :, 2:5, 2:5] = 255
    return Split(images, labels)


@cache
def tags() -> Data:
    """Load 1,000 training images, 900 with a tag, and 1,000 test images, 500 with a tag."""
    whole = load_data("fashion-mini")
    return replace(
        whole,
        name="fashion-mini with tags",
        train=with_tags(whole.train, 1000, 0.9, seed=0),
        test=with_tags(whole.test, 1000, 0.5, seed=1),
        classes=("no tag", "tag"),
    )


def belief_in_tags(run: Run, data: Data) -> Figures:
    """Keep the final metrics and the mean probability of a tag, with and without one."""
    belief: Tensor = predict(run.model, data).softmax(dim=1)[:, 1].cpu()
    there = data.test.labels.cpu() == 1
    return final_metrics(run, data) | {
        "belief_with": belief[there].mean().item(),
        "belief_without": belief[~there].mean().item(),
    }


def on_tags(augment: Callable) -> Recipe:
    """Return the recipe for the images with tags."""
    return Recipe(epochs=10, batch_size=50, lr=0.05, augment=augment, schedule=linear_decay(10))


TAGS = StudyPlan(
    path=RESULTS / "cutout-tags.jsonl",
    recipes={"none": on_tags(identity)}
    | {f"cutout {size}, black": on_tags(Cutout(size, fill=0)) for size in (8, 14, 20)}
    | {f"cutout {size}, mean": on_tags(Cutout(size)) for size in (8, 14, 20)},
    data=tags,
    seeds=10,
    measure=belief_in_tags,
    metrics=(
        *STANDARD,
        Metric("belief_with", "mean probability of a tag, with one", unit="points"),
        Metric("belief_without", "mean probability of a tag, without one", unit="points"),
    ),
)
"""A small part decides: the square may hide it, seen (mean) or unseen (black on black)."""

PLAN = StudyPlan(
    path=RESULTS / "cutout.jsonl",
    recipes={
        "none": recipe(identity),
        "cutout 8": recipe(Cutout(8)),
        "cutout 14": recipe(Cutout(14)),
        "cutout 20": recipe(Cutout(20)),
        "cutout 14, black": recipe(Cutout(14, fill=0)),
    },
    data=data,
    seeds=10,
    measure=occlusion,
    metrics=METRICS,
    headline=Headline(
        "cutout 14",
        "accuracy",
        "whole test images, 12 epochs; after 48 epochs, and on images with such a square hidden, "
        "it helps",
    ),
    beside=(LONG, DIGITS, TAGS),
)
