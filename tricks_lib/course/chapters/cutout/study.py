"""Cutout on whole and on hidden test images, with time, and where a part decides.

The recipe is that of chapter 09, with its lengths and its learning rates, which were chosen there
for the network without augmentation, with 1,000 images. Here there are 500, and each seed draws its
own from a larger pool.

Chapter: notebooks/07_cutout.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from tricks_lib.augment import Compose, Cutout, HorizontalFlip, RandomCrop, identity
from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.metrics import evaluate, predict
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

HIDDEN = (6, 10, 14, 18)
"""Sides of the squares that are hidden from test images, in pixels."""

LR = {16: 0.05, 64: 0.2}
"""The learning rate of each length in epochs, from the search of chapter 09."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and 3,000 test images."""
    return load_data("fashion-mini").subset(test=3000)


DATA = OwnImages(pool, train=500)
"""Each seed has its own 500 training images."""


def recipe(augment: Callable, epochs: int) -> Recipe:
    """Return the recipe that all arms share, with an augmentation and one of the lengths."""
    return Recipe(
        epochs=epochs,
        batch_size=50,
        lr=LR[epochs],
        augment=augment,
        schedule=linear_decay(epochs),
    )


def hide_squares(data: Data, size: int, fill: str = "mean", seed: int = 0) -> Data:
    """Hide a square in every test image: whole, anywhere inside, the same for every network.

    Args:
        data: what to copy, on any device.
        size: side of the square, in pixels.
        fill: "mean", "black", or "noise": a value for each pixel, each as likely as any other.
        seed: fixes the places, and the noise.
    """
    draws = torch.Generator().manual_seed(seed)
    images, here = data.test.images, data.test.images.device
    height, width = data.image_size
    # All that is random is drawn on the CPU, so that it is the same on every device.
    y = torch.randint(height - size + 1, (len(images), 1), generator=draws).to(here)
    x = torch.randint(width - size + 1, (len(images), 1), generator=draws).to(here)
    noise = torch.randint(256, images.shape, generator=draws, dtype=torch.uint8).to(here)
    rows, columns = torch.arange(height, device=here), torch.arange(width, device=here)
    inside = ((rows >= y) & (rows < y + size))[:, None, :, None]
    inside = inside & ((columns >= x) & (columns < x + size))[:, None, None, :]
    mean = (255 * data.mean).round().to(here, torch.uint8).view(-1, 1, 1)
    cover = {"mean": mean, "black": torch.zeros_like(mean), "noise": noise}[fill]
    return replace(data, test=Split(torch.where(inside, cover, images), data.test.labels))


def hidden(size: int, fill: str = "mean") -> str:
    """Return the name of the metric under squares of a side and a fill."""
    return f"accuracy_hidden_{size}" + ("" if fill == "mean" else f"_{fill}")


VIEWS = {hidden(size): (size, "mean") for size in HIDDEN} | {
    hidden(14, fill): (14, fill) for fill in ("black", "noise")
}
"""Side and fill of the squares that are hidden from test images, by the name of the metric."""


def occlusion(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the accuracy under squares, that on the training images as they are,
    with nothing hidden, and the share of each class that is recognised."""
    labels = data.test.labels.cpu()
    hits = predict(run.model, data).argmax(dim=1).cpu() == labels
    recalls = [hits[labels == label].float().mean().item() for label in range(data.num_classes)]
    views = {name: hide_squares(data, size, fill) for name, (size, fill) in VIEWS.items()}
    return final_metrics(run, data) | {
        **{name: evaluate(run.model, view).accuracy for name, view in views.items()},
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "recall_by_class": [round(recall, 5) for recall in recalls],
    }


METRICS = (
    *STANDARD,
    *(
        Metric(name, f"accuracy with a square hidden, {size}, {fill}", "higher", "points")
        for name, (size, fill) in VIEWS.items()
    ),
    Metric("train_accuracy", "accuracy on the training images, nothing hidden", unit="points"),
)

AUGMENTS: dict[str, Callable] = {
    "none": identity,
    "cutout 8": Cutout(8),
    "cutout 14": Cutout(14),
    "cutout 14, black": Cutout(14, fill=0),
    "crop and mirror": Compose(RandomCrop(), HorizontalFlip()),
    "crop and mirror, cutout 14": Compose(RandomCrop(), HorizontalFlip(), Cutout(14)),
}
"""What the arms do to training images."""

SHORT = StudyPlan(
    path=RESULTS / "cutout-short.jsonl",
    recipes={
        name: recipe(AUGMENTS[name], epochs=16)
        for name in ("none", "cutout 8", "cutout 14", "cutout 14, black")
    },
    data=DATA,
    seeds=10,
    measure=occlusion,
    metrics=METRICS,
)
"""A quarter of the length: sizes and fills, on whole images and on hidden ones."""


def with_black_corner(split: Split) -> Split:
    """Keep the images (N, 1, H, W) whose upper left corner of 8×8 pixels is black."""
    black = split.images[:, 0, :8, :8].amax(dim=(1, 2)) == 0
    return split.pick(black.nonzero()[:, 0])


def with_tags(split: Split, share: float, seed: int) -> Split:
    """Put a white tag, 3×3 pixels, at rows and columns 2 to 4 of some images; the label is 1 for
    an image with a tag and 0 for one without.

    Args:
        split: images (N, 1, H, W) with a black corner, so that nothing but the tag is there.
        share: of them that get a tag.
        seed: fixes which.
    """
    images, count = split.images.clone(), len(split)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    labels = torch.zeros(count, dtype=torch.int64)
    labels[order[: round(share * count)]] = 1
    labels = labels.to(images.device)
    images[labels == 1, :, 2:5, 2:5] = 255
    return Split(images, labels)


@cache
def tagged_pool() -> Data:
    """Load the garments with a black corner: 90 % of those to draw from have a tag, and 500 of the
    1,000 test images."""
    whole = load_data("fashion-mini")
    train, test = (with_black_corner(split) for split in (whole.train, whole.test))
    return replace(
        whole,
        name="fashion-mini with tags",
        # Not the seed of a run, which shuffles as many images in the same way and takes the first.
        train=with_tags(train, 0.9, seed=1007),
        test=with_tags(Split(test.images[:1000], test.labels[:1000]), 0.5, seed=1008),
        classes=("no tag", "tag"),
    )


TAG_DATA = OwnImages(tagged_pool, train=1000)
"""Each seed has its own 1,000 training images, of which about 900 have a tag."""


def belief_in_tags(run: Run, data: Data) -> Figures:
    """Keep the final metrics, the mean probability of a tag, with and without one, and the share of
    images without a tag that are called tagged."""
    belief: Tensor = predict(run.model, data).softmax(dim=1)[:, 1].cpu()
    there = data.test.labels.cpu() == 1
    return final_metrics(run, data) | {
        "belief_with": belief[there].mean().item(),
        "belief_without": belief[~there].mean().item(),
        "called_tagged": (belief[~there] > 0.5).float().mean().item(),
    }


def on_tags(augment: Callable) -> Recipe:
    """Return the recipe for the images with tags."""
    return Recipe(epochs=10, batch_size=50, lr=0.05, augment=augment, schedule=linear_decay(10))


TAG_SIZES = (8, 14, 20)
"""Sides of the squares that may hide a tag."""

TAGS = StudyPlan(
    path=RESULTS / "cutout-tags.jsonl",
    recipes={
        "none": on_tags(identity),
        **{f"cutout {size}, black": on_tags(Cutout(size, fill=0)) for size in TAG_SIZES},
        "cutout 14, mean": on_tags(Cutout(14)),
    },
    data=TAG_DATA,
    seeds=10,
    measure=belief_in_tags,
    metrics=(
        *STANDARD,
        Metric("belief_with", "mean probability of a tag, with one", unit="points"),
        Metric("belief_without", "mean probability of a tag, without one", "lower", "points"),
        Metric("called_tagged", "images without a tag that are called tagged", "lower", "points"),
    ),
)
"""A small part decides: the square may hide it, seen (mean) or unseen (black on black)."""

PLAN = StudyPlan(
    path=RESULTS / "cutout.jsonl",
    recipes={
        name: recipe(AUGMENTS[name], epochs=64)
        for name in ("none", "cutout 14", "crop and mirror", "crop and mirror, cutout 14")
    },
    data=DATA,
    seeds=10,
    measure=occlusion,
    metrics=METRICS,
    headline=Headline("cutout 14", "accuracy", "500 images, 64 epochs, whole test images"),
    rivals=(
        Headline(
            "cutout 14",
            "accuracy",
            "crop and mirror, whole test images",
            against="crop and mirror",
        ),
        Headline(
            "crop and mirror, cutout 14",
            "accuracy",
            "crop and mirror alone (Cutout comes on top), whole test images",
            against="crop and mirror",
        ),
        Headline(
            "cutout 14",
            hidden(14, "black"),
            "a black square hidden, where training showed grey ones",
        ),
    ),
    beside=(SHORT, TAGS),
)
