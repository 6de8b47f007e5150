"""The pictures and tables of chapter 05, so that its notebook can be read without them.

Chapter: notebooks/05_label_smoothing.ipynb
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from tricks_lib.course.plan import StudyPlan
from tricks_lib.course.standing import comparisons as standing
from tricks_lib.lab.data import Data
from tricks_lib.lab.figures import BLUE, GREY, ORANGE, RED, panels, reliability_diagram
from tricks_lib.lab.metrics import predict, score
from tricks_lib.lab.study import ECE, Difference, Finding, StudyResult, Table, paired_difference
from tricks_lib.lab.train import Run
from tricks_lib.objectives import from_he, smooth_targets

from .study import (
    BOTH,
    CALIBRATED,
    CLOUDS,
    DECAYED,
    EPOCHS,
    EPSILONS,
    HARD,
    LENGTHS,
    NOISY,
    OVERTRAINED,
    PLAN,
    RIVAL,
    TRICK,
    features,
    logit_gap,
)

__all__ = [
    "SETTINGS",
    "accuracies",
    "against_both",
    "better_calibrated",
    "both_tempered",
    "clouds_table",
    "decayed",
    "draw_clouds",
    "draw_in_short",
    "draw_lengths",
    "draw_margins",
    "draw_reliability",
    "draw_target",
    "gaps_table",
    "lengths_table",
    "overview",
    "predicted_gap",
    "shares_table",
    "standing_table",
]

SETTINGS: Mapping[str, StudyPlan] = {
    "memorised": PLAN,
    "overtrained": OVERTRAINED,
    "wrong labels": NOISY,
    "well calibrated": CALIBRATED,
}
"""The four settings, by what the text calls them."""

CLASSES = ("Pullover", "Coat", "Sneaker")
"""Two classes that are alike, and one that is not."""


@cache
def recorded(name: str) -> StudyResult:
    """Load the record of a setting, once."""
    return SETTINGS[name].recorded()


def predicted_gap(epsilon: float, classes: int = 10) -> float:
    """Return the gap of the logits at which the smoothed loss is smallest."""
    return math.log(1 + classes * (1 - epsilon) / epsilon) if epsilon else math.inf


# --- What is drawn without any training ---


def draw_in_short() -> None:
    """Draw a hard and a smoothed target, and what that does to two networks."""
    figure = plt.figure(figsize=(5.0, 4.6))
    grid = figure.add_gridspec(2, 2, height_ratios=(1.0, 1.05))
    for column, (title, top, rest) in enumerate((("hard", 100, 0), ("smoothed", 91, 1))):
        ax = figure.add_subplot(grid[0, column])
        bars = ax.bar(range(10), [rest] * 4 + [top] + [rest] * 5, color=BLUE)
        bars[4].set_color(ORANGE)
        ax.set(title=f"{title} target", ylim=(0, 125), yticks=(), xticks=(4,))
        ax.set_xticklabels(["Coat"])
        ax.text(4, top + 3, f"{top} %", ha="center")
        ax.text(7.5, 10, f"{rest} % each", ha="center")
        ax.grid(visible=False)
        ax.spines["left"].set_visible(False)
    _draw_number_line(figure.add_subplot(grid[1, :]))


def _draw_number_line(ax: plt.Axes) -> None:
    ax.plot([80, 80], [-0.5, 2.3], color="black", lw=1.5)
    ax.text(80, 2.5, "right answer: 80 %", ha="center")
    rows = (
        (1.7, "a network that memorised", 99, 91, "about 91 %: nearer"),
        (0.4, "a well calibrated network", 80, 73, "further away"),
    )
    for height, name, before, after, told in rows:
        ax.plot(before, height, "o", color=GREY, ms=8)
        ax.plot(after, height, "o", color=ORANGE, ms=8)
        ax.annotate(
            "",
            (after + 0.6, height),
            (before - 0.6, height),
            arrowprops={"arrowstyle": "->", "color": ORANGE, "lw": 1.8},
        )
        end = max(before, after)
        ax.text(end + 0.4, height + 0.25, name, ha="right" if end > 90 else "left")
        ax.text(after - 0.4, height - 0.6, told)
    ax.set(xlim=(71.5, 100.5), ylim=(-0.5, 3.1), yticks=(), xticks=(73, 80, 91, 99))
    ax.set_xticklabels(["73 %", "80 %", "91 %", "99 %"])
    ax.set_xlabel('what a network says for "Coat"')
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)


def draw_target(epsilon: float, definition: str) -> None:
    """Draw the smoothed target of ten classes, and say what it asks for.

    Args:
        epsilon: share of smoothing, after `definition`.
        definition: "Szegedy" or "He".
    """
    share = from_he(epsilon, 10) if definition == "He" else epsilon
    row = smooth_targets(F.one_hot(torch.tensor([3]), 10).double(), share)[0]
    own, other = row[3].item(), row[0].item()
    ax = plt.gca()
    ax.bar(range(10), row.tolist(), color=[ORANGE if k == 3 else BLUE for k in range(10)])
    ax.text(3, own + 0.02, f"{own:.3f}", ha="center")
    ax.text(7, other + 0.02, f"{other:.3f} each", ha="center")
    gap = f"{math.log(own / other):.2f}" if other else "∞"
    floor = torch.special.entr(row).sum().item()
    ax.set(ylim=(0, 1.12), xticks=range(10), xlabel="class", ylabel="target")
    ax.set_title(f"logit gap {gap}, smallest loss {floor:.3f}")


# --- What two networks do ---


def margins(run: Run, data: Data) -> list[tuple[float, float]]:
    """Return accuracy and mean logit gap on the training images, for each network that was kept."""
    found = []
    for network in run.snapshots.values():
        logits, labels = predict(network, data, "train").cpu(), data.train.labels.cpu()
        found.append((score(logits, labels).accuracy, logit_gap(logits, labels).mean().item()))
    return found


def draw_margins(runs: Mapping[str, Run], data: Data) -> dict[str, list[tuple[float, float]]]:
    """Draw accuracy and logit gap over the epochs, and return them."""
    _, (left, right) = panels(2, height=2.6)
    course = {name: margins(run, data) for name, run in runs.items()}
    for (name, found), run in zip(course.items(), runs.values(), strict=True):
        accuracy, gap = zip(*found, strict=True)
        left.plot(list(run.snapshots), [100 * a for a in accuracy], "o-", ms=4)
        right.plot(list(run.snapshots), gap, "o-", ms=4, label=name)
    right.axhline(predicted_gap(0.1), ls="--", color=GREY, lw=1.2)
    left.set(xlabel="epoch", title="training accuracy (%)")
    right.set(xlabel="epoch", title="margin of the label's logit")
    right.legend(loc="center right")
    return course


def draw_clouds(runs: Mapping[str, Run], data: Data, epoch: int, images: str) -> Figure:
    """Draw the images of three classes in the plane through their three weight vectors.

    Args:
        runs: perceptrons with snapshots, by name.
        data: where the images come from.
        epoch: which snapshot.
        images: "train" or "test".

    Returns:
        The figure.
    """
    figure, axes = panels(len(runs), height=2.7)
    chosen = [data.classes.index(name) for name in CLASSES]
    labels = data.splits[images].labels.cpu()
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        network = run.snapshots[epoch].cpu().eval()
        assert isinstance(network, nn.Sequential)
        points = features(network, data.to("cpu"), images) @ plane_of(network, chosen)
        points = points - points[torch.isin(labels, torch.tensor(chosen))].mean(0)
        for k, color in zip(chosen, (BLUE, ORANGE, RED), strict=True):
            x, y = points[labels == k][:300].T.tolist()
            ax.scatter(x, y, s=5, c=color, label=data.classes[k])
        ax.set(title=name, xticks=[], yticks=[])
        ax.set_aspect("equal", adjustable="datalim")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=3, markerscale=3, handletextpad=0.1
    )
    return figure


def plane_of(network: nn.Sequential, chosen: Sequence[int]) -> Tensor:
    """Return an orthonormal basis, (features, 2), of the plane through three weight vectors."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    rows = last.weight.detach()[list(chosen)]
    basis: Tensor = torch.linalg.qr((rows[1:] - rows[0]).T).Q
    return basis


def clouds_table() -> Table:
    """Lay out how tight the classes lie, on training and on test images."""
    result = CLOUDS.recorded()
    rows = [
        [arm, *(result.spread(arm, f"clouds_{split}") for split in ("train", "test"))]
        for arm in result.runs
    ]
    return Table(["", "training images", "test images"], rows)


# --- What the records say ---


def against_both() -> dict[str, Finding]:
    """Return, for each setting, what smoothing does to the calibration error against hard labels,
    and against hard labels with a temperature; both hold at once."""
    found = {}
    for name, plan in SETTINGS.items():
        alone, rival = plan.declared()
        found[f"{name}, against hard labels"] = alone
        found[f"{name}, against a temperature"] = rival
    return found


def overview() -> Table:
    """Lay out the calibration error of each setting: hard labels, smoothing, a temperature, and
    the ε that each seed would choose on its validation images."""
    header = [
        "",
        "right, hard labels",
        "sure, hard labels",
        "ECE, hard labels",
        "ECE, ε = 0.1",
        "ECE, a temperature",
        "ECE, ε chosen on validation images",
    ]
    rows = []
    for name in SETTINGS:
        found = recorded(name)
        shares = [found.mean(HARD), found.mean(HARD, "confidence")]
        errors = [found.mean(arm, "ece") for arm in (HARD, TRICK, RIVAL)]
        chosen = chosen_error(found)
        cells = [f"{100 * share:.0f} %" for share in shares]
        cells += [f"{100 * error:.1f}" for error in (*errors, sum(chosen) / len(chosen))]
        rows.append([name, *cells])
    return Table(header, rows)


def chosen_error(found: StudyResult) -> list[float]:
    """Return the test calibration error of each seed at the ε with the smallest one on its
    validation images."""
    arms = [f"ε = {epsilon:g}" for epsilon in EPSILONS]
    errors = []
    for seed in found.seeds:
        best = min(arms, key=lambda arm: found.values(arm, "ece_validation")[seed])
        errors.append(found.values(best, "ece")[seed])
    return errors


def chosen_against_temperature() -> dict[str, Difference]:
    """Compare, in each setting, the ε that is best on validation images with the temperature that
    is best on the same images; the intervals of all settings hold at once."""
    found = {}
    for name in SETTINGS:
        result = recorded(name)
        chosen = dict(zip(result.seeds, chosen_error(result), strict=True))
        found[name] = paired_difference(
            ECE, chosen, result.values(RIVAL, "ece"), comparisons=len(SETTINGS)
        )
    return found


def shares_table(metric: str, show: Callable[[float], str]) -> Table:
    """Lay out the mean of a metric for every ε and setting."""
    rows = []
    for epsilon in EPSILONS:
        arm = f"ε = {epsilon:g}"
        rows.append([arm, *(show(recorded(name).mean(arm, metric)) for name in SETTINGS)])
    return Table(["", *SETTINGS], rows)


def gaps_table() -> Table:
    """Lay out the gap of the logits that was derived, and those that were measured."""
    table = shares_table("logit_gap", lambda gap: f"{gap:.2f}")
    rows = [
        [arm, f"{predicted_gap(epsilon):.2f}".replace("inf", "∞"), *cells]
        for epsilon, (arm, *cells) in zip(EPSILONS, table.rows, strict=True)
    ]
    return Table(["", "derived", *SETTINGS], rows)


def draw_reliability(epsilon: float, where: str) -> None:
    """Draw the reliability diagram of all seeds of an arm together."""
    found = recorded(where)
    arm = f"ε = {epsilon:g}"
    pooled = {
        name: torch.tensor(list(found.values(arm, f"bin_{name}").values())).sum(0)
        for name in ("images", "hits")
    }
    ax = plt.gca()
    reliability_diagram(ax, pooled)
    ax.set_aspect("equal")
    ax.set_title(f"{arm}: calibration error {100 * found.mean(arm, 'ece'):.1f} points")


def lengths() -> list[tuple[int, Tensor, Tensor]]:
    """Return, for each length of training, how over-confident each seed's network is with hard
    labels, and what ε = 0.1 changes in its calibration error, both in points."""
    short, long = LENGTHS.recorded(), OVERTRAINED.recorded()
    pairs = [
        (epochs, short, f"{HARD}, {epochs} epochs", f"{TRICK}, {epochs} epochs")
        for epochs in EPOCHS
    ]
    found = []
    for epochs, result, hard, smoothed in [*pairs, (30, long, HARD, TRICK)]:
        sure, right = (_column(result, hard, name) for name in ("confidence", "accuracy"))
        change = _column(result, smoothed, "ece") - _column(result, hard, "ece")
        found.append((epochs, 100 * (sure - right), 100 * change))
    return found


def _column(result: StudyResult, arm: str, metric: str) -> Tensor:
    return torch.tensor([result.values(arm, metric)[seed] for seed in result.seeds])


def draw_lengths() -> None:
    """Draw what smoothing changes against how over-confident the network was without it."""
    ax = plt.figure(figsize=(5.0, 3.4)).gca()
    ax.axhline(0, color="black", lw=1)
    ax.axvline(0, color="black", lw=1)
    for (epochs, sure, change), form in zip(lengths(), "osD^", strict=True):
        ax.plot(sure, change, form, ms=6, alpha=0.7, mew=0, label=f"{epochs} epochs")
    ax.set_xlabel("over-confidence with hard labels (points)")
    ax.set_ylabel("change of calibration\nerror by ε = 0.1 (points)")
    ax.legend(title="trained for")


def lengths_table() -> Table:
    """Lay out the lengths of training: how over-confident the network is with hard labels, by how
    much ε = 0.1 lowers the mean confidence, and what that does to the calibration error."""
    short, long = LENGTHS.recorded(), OVERTRAINED.recorded()
    rows = []
    for epochs in (*EPOCHS, 30):
        result = long if epochs == 30 else short
        ending = "" if epochs == 30 else f", {epochs} epochs"
        hard, smoothed = HARD + ending, TRICK + ending
        sure, right = result.mean(hard, "confidence"), result.mean(hard)
        lowered = sure - result.mean(smoothed, "confidence")
        gap = result.difference(smoothed, "ece", hard, comparisons=len(EPOCHS) + 1)
        shown = [f"{100 * value:+.1f}" for value in (sure - right, -lowered)]
        rows.append([str(epochs), *shown, str(gap), f"**{gap.verdict}**"])
    header = ["epochs", "over-confidence", "change of confidence", "change of ECE", ""]
    return Table(header, rows)


def better_calibrated() -> str:
    """Say what has the smaller calibration error for the network that memorised."""
    _, rival = PLAN.declared()
    return {"helps": "smoothing", "hurts": "temperature"}.get(rival.word, "neither")


def both_tempered() -> Table:
    """Compare the NLL of ε = 0.1 with that of hard labels, each with a temperature of its own."""
    gaps = {
        name: recorded(name).difference(BOTH, "nll", RIVAL, comparisons=len(SETTINGS))
        for name in SETTINGS
    }
    return _told(gaps, "NLL, simultaneous intervals")


def decayed() -> Table:
    """Lay out what smoothing does where the weights decay, against hard labels and the rival."""
    alone, rival = DECAYED.declared()
    return _told(
        {"against hard labels": alone.difference, "against a temperature": rival.difference},
        "ECE of ε = 0.1",
    )


def accuracies() -> Table:
    """Compare the accuracy of two shares of smoothing with that of hard labels."""
    arms = (TRICK, "ε = 0.2")
    gaps = {
        f"{name}, {arm}": recorded(name).difference(arm, comparisons=len(SETTINGS) * len(arms))
        for name in SETTINGS
        for arm in arms
    }
    return _told(gaps, "accuracy, simultaneous intervals")


def standing_table() -> Table:
    """Lay out what the standing settings say: two comparisons of accuracy that were declared before
    they were run, and three that were not. Each is widened for all tricks of a setting."""
    hard = standing.BASELINE
    asked = {
        "accuracy, against hard labels": ("accuracy", hard),
        "accuracy, against 1.5 times the epochs": ("accuracy", "1.5 times the epochs"),
        "NLL, against a temperature": ("nll", "a temperature"),
        "ECE, against hard labels": ("ece", hard),
        "ECE, against a temperature": ("ece", "a temperature"),
    }
    rows = []
    for title, (metric, against) in asked.items():
        gaps = [standing_gap(name, metric, against) for name in standing.SETTINGS]
        rows.append([title, *(f"**{gap.verdict}** {gap}" for gap in gaps)])
    return Table(["ε = 0.1", *standing.SETTINGS], rows)


def standing_gap(setting: str, metric: str, against: str) -> Difference:
    """Compare ε = 0.1 with another arm of a standing setting, widened for all its tricks."""
    arm, together = standing.COMPARISONS["label_smoothing"].arm, len(standing.comparisons())
    found = standing.plan(setting).recorded()
    return found.difference(arm, metric, against, comparisons=together)


def _told(gaps: Mapping[str, Difference], header: str) -> Table:
    return Table(
        ["", header, ""], [[name, str(gap), f"**{gap.verdict}**"] for name, gap in gaps.items()]
    )
