"""The pictures of chapter 07, and the numbers of its derivation.

Chapter: notebooks/07_cutout.ipynb
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats
from torch import Tensor, nn

from tricks_lib.augment import Cutout, cut_out
from tricks_lib.course.photographs import photographs
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREY, ORANGE, RED, panels, show_images
from tricks_lib.lab.study import StudyResult

from .study import TAG_DATA, TAG_SIZES, hidden

__all__ = [
    "activations",
    "believed",
    "chance_to_hide_tag",
    "counts",
    "coverage",
    "draw_activations",
    "draw_beliefs",
    "draw_classes",
    "draw_coverage",
    "draw_first",
    "draw_hidden",
    "draw_occlusion",
    "draw_photos",
    "draw_strip",
    "draw_tags",
    "draw_training",
    "draw_values",
    "folded",
    "mean_length",
    "moments",
    "occlusion",
    "table_of_fills",
]


def _show(ax: Axes, image: Tensor, title: str = "") -> None:
    pixels = image.permute(1, 2, 0).numpy()
    ax.imshow(pixels if pixels.shape[-1] == 3 else pixels[..., 0], vmin=0, vmax=255)
    ax.set_title(title)
    ax.axis("off")


def _centres(*places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return rows and columns of the centres, one for each image."""
    y, x = torch.tensor(places).T
    return y[:, None], x[:, None]


def _grey(data: Data) -> float:
    return 255 * data.mean.item()


# --- The recipe ---


def draw_first(data: Data, number: int) -> Figure:
    """Draw a photograph and a training image: whole, and with a square around three pixels.

    Args:
        data: whose training images, of 28 × 28 pixels.
        number: of the training image.
    """
    photo, garment = photographs(112)[:1], data.train.images[number : number + 1]
    colour = tuple(photo.float().mean(dim=(0, 2, 3)).tolist())
    figure, axes = plt.subplots(2, 4, figsize=(5, 2.9))
    places = ((14, 14), (14, 27), (0, 0))
    named = "whole", "in the\nmiddle", "at the\nright rim", "in the\ncorner"
    rows: list[tuple[Tensor, Any, Sequence[str]]] = [
        (photo, colour, named),
        (garment, _grey(data), [""] * 4),
    ]
    for row, (images, fill, titles) in zip(axes, rows, strict=True):
        scale = images.shape[-1] // 28
        y, x = _centres(*((scale * i, scale * j) for i, j in places))
        cut = cut_out(images.expand(3, -1, -1, -1), y, x, 14 * scale, fill)
        for ax, image, title in zip(row, (images[0], *cut), titles, strict=True):
            _show(ax, image, title)
    y, x = _centres(*places)
    counts = (cut_out(torch.ones(3, 1, 28, 28), y, x, 14) == 0).sum(dim=(1, 2, 3))
    for ax, count in zip(axes[1, 1:], counts.tolist(), strict=True):
        ax.set_title(f"{count} pixels")
    return figure


# --- How much is hidden ---


def mean_length(size: int, side: int) -> float:
    """Return how many pixels of an axis are hidden on average, by the formula."""
    half = size // 2
    return 2 * half - half * half / side


def _everywhere(side: int) -> tuple[Tensor, Tensor]:
    """Return every pixel of a square image as a centre, (side², 1)."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return y.reshape(-1, 1), x.reshape(-1, 1)


def coverage(size: int, side: int, squares: int = 1) -> Tensor:
    """Return the chance of each pixel to be hidden, (side, side), by putting a square around every
    pixel in turn."""
    white = torch.ones(side * side, 1, side, side)
    once = (cut_out(white, *_everywhere(side), size) == 0).double().mean(dim=0)[0]
    return 1 - (1 - once) ** squares


def draw_strip(length: int = 10, half: int = 2) -> Figure:
    """Draw a strip of pixels once for each centre, what is hidden of it and what is cut off."""
    figure, ax = plt.subplots(figsize=(5, 3.9))
    for centre in range(length):
        for pixel in range(-half, length + half - 1):
            inside = 0 <= pixel < length
            covered = centre - half <= pixel < centre + half
            if inside or covered:
                colour = (GREY if covered else "white") if inside else ORANGE
                square = Rectangle((pixel, centre + 0.1), 1, 0.8, alpha=1 if inside else 0.5)
                square.set(facecolor=colour, edgecolor="black" if inside else ORANGE)
                ax.add_patch(square)
        ax.plot(centre + 0.5, centre + 0.5, "o", color=BLUE, ms=4)
        count = min(centre + half, length) - max(centre - half, 0)
        ax.text(length + half + 0.2, centre + 0.5, str(count), va="center")
    ax.set(xlim=(-half - 0.2, length + half + 1), ylim=(length, -0.9))
    ax.set_yticks([centre + 0.5 for centre in range(length)], [str(c) for c in range(length)])
    ax.set(xticks=[], ylabel="pixel of the centre")
    ax.text(length + half + 0.2, -0.4, "hidden", ha="center", va="center")
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    return figure


def draw_coverage(side: int, squares: int) -> Figure:
    """Draw how often each pixel of 32 × 32 is hidden.

    Args:
        side: of the squares.
        squares: how many there are in an image.
    """
    figure, ax = plt.subplots(figsize=(5, 3.4))
    chances = 100 * coverage(side, 32, squares)
    picture = ax.imshow(chances, vmin=0, vmax=100, cmap="viridis")
    figure.colorbar(picture, label="hidden in % of the images")
    ax.set_title(f"L = {side}: {chances.mean():.1f} % on average")
    ax.axis("off")
    return figure


# --- What the square is filled with ---


def moments(data: Data, fill: float | None) -> tuple[float, float]:
    """Return mean and variance of the normalised training images, with squares of half of the side;
    whole where `fill` is None."""
    torch.manual_seed(0)
    images = data.train.images
    seen = data.normalize(images if fill is None else Cutout(14, fill=fill)(images))
    return seen.mean().item(), seen.var().item()


def draw_values(data: Data, number: int) -> Figure:
    """Draw a training image whole, with a grey square and with a black one; above stands what the
    network is given in place of the pixels.

    Args:
        data: whose training images.
        number: of the image.
    """
    image = data.train.images[number : number + 1]
    black = -(data.mean / data.std).item()
    figure, axes = panels(3, columns=3, height=2.3)
    titles = ("whole\n", "mean colour:\n0.00", f"black:\n{black:.2f}".replace("-", "−"))
    for ax, title, fill in zip(axes, titles, (None, _grey(data), 0.0), strict=True):
        y, x = _centres((12, 15))
        _show(ax, image[0] if fill is None else cut_out(image, y, x, 14, fill)[0], title)
    return figure


# --- What is seen ---


def draw_photos(side: int, fill: str) -> Figure:
    """Draw the photographs, each with a square around a pixel of its own.

    Args:
        side: of the squares, of 96 pixels.
        fill: "mean colour" or "black".
    """
    photos = photographs(96)
    mean = tuple(photos.float().mean(dim=(0, 2, 3)).tolist())
    y, x = _centres((30, 48), (40, 70), (52, 58), (90, 40))
    hidden_photos = cut_out(photos, y, x, side, 0.0 if fill == "black" else mean)
    return show_images(hidden_photos, columns=4, size=1.25)


def draw_training(side: int, data: Data) -> Figure:
    """Draw ten training images, each with a square around a pixel of its own.

    Args:
        side: of the squares, of 28 pixels.
        data: whose training images.
    """
    draws = torch.Generator().manual_seed(3)
    y, x = (torch.randint(28, (10, 1), generator=draws) for _ in range(2))
    images = cut_out(data.train.images[:10], y, x, side, _grey(data))
    return show_images(images, [data.classes[k] for k in data.train.labels[:10]])


def occlusion(model: nn.Module, data: Data, number: int, size: int = 14) -> Tensor:
    """Return what is left of the right class's probability, with a grey square around every second
    pixel of a test image, (H/2, W/2).

    Source: Zeiler and Fergus 2014, section 4.2.
    """
    image, label = data.test.images[number], data.test.labels[number]
    side = image.shape[-1] // 2
    y, x = (2 * place for place in _everywhere(side))
    covered = cut_out(image.expand(side * side, -1, -1, -1), y, x, size, _grey(data))
    with torch.no_grad():
        return model(data.normalize(covered)).softmax(dim=1)[:, label].view(side, side)


def draw_occlusion(models: Mapping[str, nn.Module], data: Data, numbers: Sequence[int]) -> Figure:
    """Draw what each network's answer loses when a square is put at each place of some images.

    Args:
        models: networks on the CPU, by what to call them.
        data: whose test images.
        numbers: of the images.
    """
    figure, axes = plt.subplots(
        len(numbers), 1 + len(models), figsize=(5, 1.75 * len(numbers)), squeeze=False
    )
    for row, number in zip(axes, numbers, strict=True):
        _show(row[0], data.test.images[number], data.classes[data.test.labels[number]])
        for ax, (name, model) in zip(row[1:], models.items(), strict=True):
            left = occlusion(model, data, number)
            picture = ax.imshow(100 * left, vmin=0, vmax=100, cmap="magma")
            ax.set_title(name)
            ax.axis("off")
    figure.colorbar(picture, ax=axes, shrink=0.8, label="right class, in %")
    return figure


def activations(model: Any, data: Data, number: int) -> Tensor:
    """Return what each position of the last block of a small residual network adds to the logit of
    the right class, (h, w).

    Source: Zhou et al. 2016, equation 2.
    """
    image, label = data.test.images[number], data.test.labels[number]
    with torch.no_grad():
        features = model.blocks(model.stem(data.normalize(image[None])))[0]
    return torch.einsum("c,chw->hw", model.head.weight[label].detach(), features)


def draw_activations(models: Mapping[str, nn.Module], data: Data, numbers: Sequence[int]) -> Figure:
    """Draw the class activation map of each network for some test images.

    Args:
        models: small residual networks on the CPU, by what to call them.
        data: whose test images.
        numbers: of the images.
    """
    figure, axes = plt.subplots(
        len(numbers), 1 + len(models), figsize=(5, 1.75 * len(numbers)), squeeze=False
    )
    for row, number in zip(axes, numbers, strict=True):
        _show(row[0], data.test.images[number], data.classes[data.test.labels[number]])
        for ax, (name, model) in zip(row[1:], models.items(), strict=True):
            ax.imshow(activations(model, data, number), cmap="viridis")
            ax.set_title(name)
            ax.axis("off")
    return figure


# --- What was found ---


def draw_hidden(result: StudyResult, arms: Sequence[str], sizes: Sequence[int]) -> Figure:
    """Draw the mean accuracy of some arms against the side of the grey square that is hidden.

    Args:
        result: of a study of this chapter.
        arms: their names.
        sizes: sides of the squares.
    """
    figure, ax = plt.subplots(figsize=(5, 3.2))
    names = ["accuracy", *(hidden(size) for size in sizes)]
    for arm in arms:
        ax.plot((0, *sizes), [100 * result.mean(arm, name) for name in names], "o-", label=arm)
    ax.set(xlabel="side of the grey square in test images", ylabel="test accuracy (%)")
    ax.legend()
    return figure


def draw_classes(result: StudyResult, arm: str, classes: Sequence[str]) -> Figure:
    """Draw by how much an arm changes the share of each class that is recognised, with intervals
    of 95 % that hold for all classes at once."""
    ours, none = (
        torch.tensor(list(result.values(name, "recall_by_class").values()))
        for name in (arm, result.baseline)
    )
    change, seeds = 100 * (ours - none), len(ours)
    reach = stats.t.ppf(1 - 0.025 / len(classes), seeds - 1) * change.std(dim=0) / seeds**0.5
    figure, ax = plt.subplots(figsize=(5, 3.4))
    ax.errorbar(change.mean(dim=0), range(len(classes)), xerr=reach, fmt="o", capsize=3)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="recognised, points against none")
    return figure


def table_of_fills(result: StudyResult) -> Markdown:
    """Lay out what each arm reaches on whole test images and under squares of each fill."""
    columns = {"whole": "accuracy", "grey": hidden(14)}
    columns |= {fill: hidden(14, fill) for fill in ("black", "noise")}
    lines = [f"| trained with | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for arm in result.runs:
        cells = [f"{100 * result.mean(arm, metric):.1f}" for metric in columns.values()]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return Markdown("\n".join(lines))


def folded(summary: str, figure: Figure, alt: str) -> Markdown:
    """Lay out a figure that is seen when it is unfolded.

    Args:
        summary: what is seen before.
        figure: what is seen after; it is closed.
        alt: what it shows, for those who cannot see it.
    """
    stored = BytesIO()
    figure.savefig(stored, format="png")
    plt.close(figure)
    picture = base64.b64encode(stored.getvalue()).decode()
    image = f'<img src="data:image/png;base64,{picture}" alt="{escape(alt)}">'
    # As Markdown: what comes as HTML stands on a light ground of its own, in the dark mode too.
    return Markdown(f"<details><summary>{escape(summary)}</summary>\n\n{image}\n\n</details>")


# --- Where a part decides ---


def draw_tags() -> Figure:
    """Draw a garment without a tag and one with it: whole, under a black square, under a grey."""
    data = TAG_DATA(0)
    images, labels = data.train.images, data.train.labels
    plain, tagged = (images[(labels == label).nonzero()[0, 0]][None] for label in (0, 1))
    y, x = _centres((1, 1))
    covered = [cut_out(tagged, y, x, 14, fill) for fill in (0.0, _grey(data))]
    figure, axes = plt.subplots(1, 4, figsize=(5, 1.9))
    titles = ("no tag", "tag", "tag, hidden\nby black", "tag, hidden\nby grey")
    for ax, image, title in zip(axes, (plain, tagged, *covered), titles, strict=True):
        _show(ax, image[0], title)
    return figure


def chance_to_hide_tag(size: int) -> float:
    """Return the chance that a square hides all of rows and columns 2 to 4, of 28."""
    half = size // 2
    return (max(3 + half - max(0, 5 - half), 0) / 28) ** 2


def counts(size: int, tagged: int = 900, plain: int = 100) -> tuple[int, float]:
    """Return how many tags a square hides whole, on average, and the share of tags among all images
    that show none."""
    covered = chance_to_hide_tag(size) * tagged
    return round(covered), covered / (covered + plain)


def believed(result: StudyResult, size: int, fill: str = "black") -> float:
    """Return the mean probability of a tag that the networks give to images without one."""
    return result.mean(f"cutout {size}, {fill}", "belief_without")


def draw_beliefs(result: StudyResult) -> Figure:
    """Draw the belief in a tag, on whole test images without one, beside what counting says."""
    figure, ax = plt.subplots(figsize=(5, 3.2))
    counted = [100 * counts(size)[1] for size in TAG_SIZES]
    ax.plot(TAG_SIZES, counted, "k--", label="counted")
    for fill, color in (("black", BLUE), ("mean", ORANGE)):
        name = f"{'grey' if fill == 'mean' else fill} square"
        for size in TAG_SIZES:
            arm = f"cutout {size}, {fill}"
            if arm not in result.runs:
                continue
            beliefs = [100 * value for value in result.values(arm, "belief_without").values()]
            places = [size + 0.06 * (seed - 4.5) for seed in range(len(beliefs))]
            ax.plot(places, beliefs, "o", color=color, alpha=0.5, ms=4, label=name)
            ax.plot(size, sum(beliefs) / len(beliefs), "_", color=color, ms=24, mew=3)
            name = "_"
    ax.axhline(50, color=RED, lw=0.8)
    ax.set(xlabel="side of the square in training", ylabel="belief in a tag (%)", ylim=(-3, 103))
    ax.set_xticks(TAG_SIZES)
    ax.legend()
    return figure
