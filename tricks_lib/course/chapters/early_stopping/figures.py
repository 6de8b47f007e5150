"""The pictures of chapter 16, and the linear model of its derivation.

Chapter: notebooks/16_early_stopping.ipynb
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tricks_lib.course.tables import folded, table
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREEN, GREY, ORANGE, RED, panels
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import Difference, Metric, StudyResult, paired_difference
from tricks_lib.lab.train import Run
from tricks_lib.recipe import Recipe
from tricks_lib.stopping import EarlyStopping

from .study import EPOCHS, LOW_RATES, TO_END, TRIES, learnt, recipe, stopped

__all__ = [
    "EXAMPLE",
    "Linear",
    "area",
    "best_of_many",
    "chosen_and_all",
    "draw_areas",
    "draw_example",
    "draw_learning",
    "draw_optimism",
    "draw_paths",
    "draw_recorded",
    "draw_stop",
    "folded",
    "kept_by_decay",
    "kept_by_steps",
    "learning",
    "luck",
    "table",
]

EXAMPLE = (0.90, 0.70, 0.60, 0.62, 0.61, 0.65, 0.70, 0.76)
"""Validation losses of the worked number, one for each epoch, in nats."""


# --- The rule ---


def draw_example(patience: int = 3) -> Figure:
    """Draw the losses of the worked number, where the run stops and which epoch is kept.

    Args:
        patience: epochs without improvement that are borne.
    """
    end, kept = stopped(EarlyStopping(patience), EXAMPLE)
    figure, ax = plt.subplots(figsize=(5, 2.8))
    epochs = range(1, len(EXAMPLE) + 1)
    ax.plot(epochs[:end], EXAMPLE[:end], "o-", color=BLUE)
    ax.plot(epochs[end - 1 :], EXAMPLE[end - 1 :], "o:", color=GREY)
    ax.axhline(EXAMPLE[kept - 1], color=GREEN, lw=0.8)
    ax.axvline(end, color=ORANGE, ls="--")
    note: dict[str, Any] = {"textcoords": "offset points", "ha": "center"}
    ax.annotate("kept", (kept, EXAMPLE[kept - 1]), xytext=(0, -17), color=GREEN, **note)
    ax.annotate("stop", (end, 0.86), xytext=(16, 0), color=ORANGE, **note)
    for waited, epoch in enumerate(range(kept + 1, end + 1), 1):
        ax.annotate(str(waited), (epoch, EXAMPLE[epoch - 1]), xytext=(0, 7), **note)
    ax.set(xlabel="epoch", ylabel="validation loss (nats)", ylim=(0.5, 0.95))
    return figure


def learning(run: Run, data: Data, tests: Data) -> dict[str, list[float]]:
    """Return what a run had learnt after each epoch: its training and validation losses in nats,
    the share of the test images that are right, and the shares of the labels that are learnt.

    Args:
        run: with a snapshot of every epoch.
        data: its data, with a validation split; some training labels are wrong.
        tests: the same with the test images to judge by.
    """
    networks = run.snapshots.values()
    return {
        "training": run.history.epoch_losses(),
        "validation": [evaluate(net, data, "validation").nll for net in networks],
        "tested": [evaluate(net, tests).accuracy for net in networks],
        **learnt(run, data),
    }


def draw_learning(found: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the losses of a run, and what the network had learnt after each epoch.

    Args:
        found: what `learning` returns.
    """
    losses = found["validation"]
    epochs = range(1, len(losses) + 1)
    figure, (above, below) = panels(2, columns=1, height=2.3, sharex=True)
    figure.set_figheight(figure.get_figheight() + 0.5)
    above.plot(epochs, found["training"], color=GREY, ls="--", label="training")
    above.plot(epochs, losses, color=ORANGE, label="validation")
    least = int(np.argmin(losses))
    above.plot(least + 1, losses[least], "o", color=ORANGE)
    above.set(ylabel="loss (nats)", ylim=(0, None))
    above.legend()
    for share, name, colour, style in (
        ("right_learnt", "right labels learnt", GREY, "--"),
        ("wrong_learnt", "wrong labels learnt", RED, "-"),
        ("tested", "test images right", BLUE, "-"),
    ):
        below.plot(epochs, 100 * np.array(found[share]), style, color=colour, label=name)
    below.axvline(least + 1, color=ORANGE, lw=0.8)
    below.set(xlabel="epoch", ylabel="%", ylim=(-3, 103))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*below.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_stop(losses: Sequence[float], test: Sequence[float], patience: int) -> Figure:
    """Draw where a patience stops a run, and what the network of the epoch it keeps scores.

    Args:
        losses: on validation images after each epoch, in nats.
        test: test accuracy after each epoch, as a share.
        patience: epochs without improvement that are borne.
    """
    end, kept = stopped(EarlyStopping(patience), losses)
    epochs = range(1, len(losses) + 1)
    figure, (above, below) = panels(2, columns=1, height=1.9, sharex=True)
    for ax, values, label in (
        (above, np.array(losses), "validation loss"),
        (below, 100 * np.array(test), "test accuracy (%)"),
    ):
        ax.plot(epochs, values, ":", color=GREY)
        ax.plot(epochs[:end], values[:end], color=BLUE)
        ax.axvline(end, color=ORANGE, ls="--")
        ax.plot(kept, values[kept - 1], "o", color=GREEN)
        ax.set_ylabel(label)
    above.set_title(
        f"{end} of {len(losses)} epochs trained, epoch {kept} kept:\n"
        f"{100 * test[kept - 1]:.1f} % of the test images are right"
    )
    below.set_xlabel("epoch")
    return figure


# --- The linear model ---


def kept_by_steps(curvature: np.ndarray, lr: float, steps: float) -> np.ndarray:
    """Return which share of the way to the minimum a direction has gone after so many steps.

    Args:
        curvature: of the loss along each direction, at least 0.
        lr: learning rate, with lr times curvature below 1.
        steps: of gradient descent, from 0.
    """
    return 1 - (1 - lr * curvature) ** steps


def kept_by_decay(curvature: np.ndarray, decay: float) -> np.ndarray:
    """Return where the minimum with a weight decay lies between 0 and the one without.

    Args:
        curvature: of the loss along each direction, at least 0.
        decay: factor of half the squared weights in the loss, above 0.
    """
    return curvature / (curvature + decay)


@dataclass(frozen=True)
class Linear:
    """A linear model of the pixels with the mean squared error, in closed form.

    The loss is half the mean over the training images of the squared distance between answer and
    target row, less 1/10. Inputs are centred and divided by 28, so that the curvature stays small.

    Args:
        data: training images, which fix it, and test images.
    """

    data: Data

    def inputs(self, split: str) -> np.ndarray:
        """Return the pixels of one split, float (N, pixels)."""
        images = self.data.normalize(self.data.splits[split].images).flatten(1)
        middle = self.data.normalize(self.data.train.images).flatten(1).mean(0)
        return ((images - middle) / 28).double().cpu().numpy()

    @cached_property
    def targets(self) -> np.ndarray:
        """The target rows of the training images, less 1/10, float (N, classes)."""
        return np.eye(10)[self.data.train.labels.cpu().numpy()] - 0.1

    @cached_property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = self.inputs("train")
        left, singular, right = np.linalg.svd(x / len(x) ** 0.5, full_matrices=False)
        there = singular > 1e-9 * singular[0]
        return left[:, there], singular[there], right[there]

    @property
    def curvatures(self) -> np.ndarray:
        """Eigenvalues of the Hessian that are not 0, from the largest."""
        return self._parts[1] ** 2

    def weights(self, shares: np.ndarray) -> np.ndarray:
        """Return the weights that have gone such a share of the way in each direction.

        Args:
            shares: for each of `curvatures`.

        Returns:
            Float (pixels, classes).
        """
        left, singular, right = self._parts
        along = (shares / singular)[:, None] * (left.T @ self.targets)
        return right.T @ along / len(self.targets) ** 0.5

    def answers(self, weights: np.ndarray) -> np.ndarray:
        """Return the class that is answered for each test image."""
        return (self._tests @ weights).argmax(1)

    def accuracy(self, weights: np.ndarray) -> float:
        """Return the share of the test images that are answered right."""
        return float((self.answers(weights) == self.data.test.labels.cpu().numpy()).mean())

    @cached_property
    def _tests(self) -> np.ndarray:
        return self.inputs("test")

    def path(self, lr: float, steps: Sequence[float]) -> np.ndarray:
        """Return the test accuracy after so many steps, and at the decay that belongs to each:
        float (2, steps)."""
        return np.array(
            [
                (
                    self.accuracy(self.weights(kept_by_steps(self.curvatures, lr, count))),
                    self.accuracy(self.weights(kept_by_decay(self.curvatures, 1 / (lr * count)))),
                )
                for count in steps
            ]
        ).T


def draw_paths(linear: Linear, lr: float, counts: np.ndarray, at: np.ndarray, steps: int) -> Figure:
    """Draw which share each direction keeps after so many steps, and with the decay that belongs
    to them; and the test accuracy along both paths.

    Args:
        linear: the model.
        lr: learning rate.
        counts: numbers of steps of the paths.
        at: the test accuracies along them, (2, counts).
        steps: the number that is looked at.
    """
    figure, (above, below) = panels(2, columns=1, height=2.2)
    curvatures = np.geomspace(1e-8, 1, 200) * linear.curvatures[0]
    above.semilogx(curvatures, kept_by_steps(curvatures, lr, steps), color=BLUE, label="stop")
    decay = 1 / (lr * steps)
    above.semilogx(curvatures, kept_by_decay(curvatures, decay), "--", color=RED, label="decay")
    above.axvline(decay, color=GREY, lw=0.8)
    above.set(xlabel="curvature", ylabel="share kept", ylim=(-0.03, 1.03))
    above.set_title(f"{steps:,} steps of {lr:g}: weight decay {decay:.2g}")
    above.legend(loc="upper left")
    for values, colour, style in zip(100 * at, (BLUE, RED), ("-", "--"), strict=True):
        below.semilogx(counts, values, style, color=colour)
    below.axvline(steps, color=GREY, lw=0.8)
    below.set(xlabel="steps, or 1 / (learning rate · decay)", ylabel="test accuracy (%)")
    return figure


# --- What a choice says too much ---


def luck(images: int, accuracy: float, tries: int, repeats: int = 20_000) -> float:
    """Return by how much the best of equally good tries is too high on the images that chose it.

    Args:
        images: how many choose.
        accuracy: of each try, on other images.
        tries: how many, each with its own luck.
        repeats: of the simulation.
    """
    draws = np.random.default_rng(0)
    hits = draws.binomial(images, accuracy, size=(repeats, tries)) / images
    return float(hits.max(axis=1).mean() - accuracy)


def best_of_many(
    recorded: StudyResult, tries: Iterable[str], size: int
) -> dict[int, tuple[float, float]]:
    """Choose, for each seed, the try with the highest accuracy on so many validation images.

    Args:
        recorded: a study whose runs have `validation_accuracy_of_<size>`.
        tries: the arms to choose from.
        size: how many images choose.

    Returns:
        By seed, the accuracy of the chosen try on the images that chose, and on the test images;
        the mean over the tries that share the first place.
    """
    name = f"validation_accuracy_of_{size}"
    chosen = {arm: recorded.values(arm, name) for arm in tries}
    tested = {arm: recorded.values(arm) for arm in chosen}
    found = {}
    for seed in next(iter(chosen.values())):
        top = max(values[seed] for values in chosen.values())
        first = [arm for arm, values in chosen.items() if values[seed] == top]
        found[seed] = (top, float(np.mean([tested[arm][seed] for arm in first])))
    return found


def chosen_and_all(
    recorded: StudyResult, tries: Iterable[str], size: int
) -> tuple[list[float], list[float], Difference]:
    """Return, for each seed, validation minus test accuracy: of the try that so many images choose,
    and as the mean over all tries, which nobody chose; and how much the choice adds.

    Args:
        recorded: a study whose runs have `validation_accuracy_of_<size>`.
        tries: the arms to choose from.
        size: how many images choose.
    """
    tries, name = list(tries), f"validation_accuracy_of_{size}"
    best = {s: top - test for s, (top, test) in best_of_many(recorded, tries, size).items()}
    every = {
        seed: float(
            np.mean(
                [recorded.values(arm, name)[seed] - recorded.values(arm)[seed] for arm in tries]
            )
        )
        for seed in best
    }
    return [*best.values()], [*every.values()], paired_difference(OPTIMISM, best, every)


OPTIMISM = Metric("optimism", "validation minus test accuracy", unit="points")
"""What a choice adds; neither much nor little of it is good for anybody."""


def draw_optimism(recorded: StudyResult, tries: Iterable[str], sizes: Sequence[int]) -> Figure:
    """Draw validation minus test accuracy, a dot a seed: of the chosen try, and of all.

    Args:
        recorded: a study whose runs have `validation_accuracy_of_<size>`.
        tries: the arms to choose from.
        sizes: how many images choose.
    """
    tries = list(tries)
    rows: dict[str, list[float]] = {}
    for size in sizes:
        best, every, _ = chosen_and_all(recorded, tries, size)
        rows |= {f"{size:,}: best of {len(tries)}": best, f"{size:,}: all {len(tries)}": every}
    figure, ax = plt.subplots(figsize=(5, 0.55 * len(rows) + 0.9))
    for row, (name, values) in enumerate(rows.items()):
        points, spread = 100 * np.array(values), np.linspace(-0.15, 0.15, len(values))
        ax.plot(points, row + spread, "o", ms=4, color=GREY, alpha=0.7)
        ax.plot(points.mean(), row, "D", color=ORANGE if "best" in name else BLUE)
        ax.annotate(
            f"{points.mean():+.1f}",
            (points.mean(), row),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
        )
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.4, -0.7)
    ax.set_xlabel("validation minus test accuracy (points)")
    return figure


# --- The record ---


def curve(recorded: StudyResult, arm: str, name: str) -> np.ndarray:
    """Return a curve by epoch, as the mean over the seeds."""
    return np.mean(list(recorded.values(arm, f"{name}_by_epoch").values()), axis=0)


def draw_recorded(recorded: StudyResult, arms: Mapping[str, str]) -> Figure:
    """Draw the validation loss and the test accuracy after each epoch, the mean over the seeds.

    Args:
        recorded: with curves.
        arms: what to call each arm in the legend.
    """
    figure, (above, below) = panels(2, columns=1, height=2.1, sharex=True)
    for (arm, name), colour in zip(arms.items(), (BLUE, ORANGE, GREEN), strict=False):
        losses = curve(recorded, arm, "validation_nll")
        test = 100 * curve(recorded, arm, "test_accuracy")
        epochs = range(1, len(losses) + 1)
        above.plot(epochs, losses, color=colour, label=name)
        below.plot(epochs, test, color=colour)
    least = min(curve(recorded, arm, "validation_nll").min() for arm in arms)
    most = max(100 * curve(recorded, arm, "test_accuracy").max() for arm in arms)
    above.set(ylabel="validation loss", ylim=(0.9 * least, 1.6 * least))
    below.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(most - 15, most + 2))
    above.legend()
    return figure


def area(arm: Recipe, epochs: float | None = None) -> float:
    """Return the sum of the learning rates over a run: the learning rate times the epochs, where it
    is constant.

    Args:
        arm: how it is trained.
        epochs: until when; to the end by default.
    """
    times = np.linspace(0, epochs or arm.epochs, 2001)[:-1]
    mean = np.mean([arm.schedule(float(time)) for time in times])
    return float(arm.lr * mean * (epochs or arm.epochs))


def draw_areas(recorded: StudyResult) -> Figure:
    """Draw the test accuracy against the sum of the learning rates, the mean over the seeds: of
    cosines, of constant learning rates, and after each number of epochs of one of them.

    Args:
        recorded: the study of the chapter.
    """
    figure, ax = plt.subplots(figsize=(5, 4.2))
    for kind, arms, colour, marker in (
        ("cosine, 4 to 24 epochs", TRIES["cosine"], BLUE, "o"),
        ("small learning rate, 60 epochs", LOW_RATES, ORANGE, "D"),
    ):
        ax.plot(
            [area(arm) for arm in arms.values()],
            [100 * recorded.mean(name) for name in arms],
            marker,
            color=colour,
            label=kind,
        )
    test = 100 * curve(recorded, TO_END, "test_accuracy")
    ax.plot(
        [area(recipe(), epoch) for epoch in range(1, EPOCHS + 1)],
        test,
        color=GREY,
        zorder=0,
        label="learning rate 0.02, by epoch",
    )
    ax.set(xscale="log", xlabel="learning rate · epochs", ylabel="test accuracy (%)")
    figure.legend(loc="outside lower center")
    return figure
