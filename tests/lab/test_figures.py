import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy import stats

from tricks_lib import Recipe
from tricks_lib.lab import figures
from tricks_lib.lab.figures import (
    LiveCurves,
    difference_dots,
    reliability_diagram,
    seed_dots,
    show_images,
    smooth,
    use_style,
)
from tricks_lib.lab.metrics import Metrics, reliability, score
from tricks_lib.lab.study import ACCURACY, NLL, Metric, paired_difference
from tricks_lib.lab.train import History, Run


@pytest.fixture(autouse=True)
def closed():
    with plt.rc_context():
        yield
    plt.close("all")


def test_style_is_opaque_and_its_colours_differ():
    use_style()
    assert plt.rcParams["figure.facecolor"] == plt.rcParams["savefig.facecolor"] == "white"
    colours = [entry["color"] for entry in plt.rcParams["axes.prop_cycle"]]
    assert len(set(colours)) == 7
    luminance = [np.dot([0.299, 0.587, 0.114], plt.matplotlib.colors.to_rgb(c)) for c in colours]
    assert max(luminance) < 0.75  # seen on white


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_shown_as_they_are(channels):
    images = torch.arange(3 * channels * 4, dtype=torch.uint8).view(3, channels, 2, 2)
    figure = show_images(images, ["a", "b", "c"], columns=2)
    assert len(figure.axes) == 4
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    for image, pixels in zip(images, shown, strict=True):
        assert np.array_equal(np.asarray(pixels).reshape(2, 2, channels), image.permute(1, 2, 0))
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", ""]
    assert figure.axes[0].images[0].get_clim() == (0, 255)  # no stretching of contrast


@pytest.mark.parametrize(
    ("images", "titles", "message"),
    [
        (torch.zeros(2, 1, 3, 3), None, r"torch.uint8 \(N, 1 or 3, H, W\), got torch.float32"),
        (torch.zeros(2, 2, 3, 3, dtype=torch.uint8), None, r"got torch.uint8 \(2, 2, 3, 3\)"),
        (torch.zeros(2, 1, 3, 3, dtype=torch.uint8), ["a"], "expected 2 titles, got 1"),
    ],
)
def test_images_say_what_they_expected(images, titles, message):
    with pytest.raises(ValueError, match=message):
        show_images(images, titles)


def test_smooth_is_a_mean_that_does_not_look_ahead():
    values = [3.0, 1.0, 4.0, 1.0, 5.0]
    wanted = [np.mean(values[max(0, n - 2) : n + 1]) for n in range(5)]
    np.testing.assert_allclose(smooth(values, 3), wanted)
    np.testing.assert_allclose(smooth(values, 1), values)


def test_seed_dots_show_every_run_and_the_interval():
    arms = {"plain": [1.0, 2.0, 4.0], "trick": [3.0]}
    ax = plt.gca()
    seed_dots(ax, arms)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["plain", "trick"]
    dots = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
    assert [list(xs) for xs in dots] == [[1, 2, 4], [3]]
    low, high = ax.collections[0].get_segments()[0][:, 0]
    wanted = stats.t.interval(0.95, 2, loc=np.mean(arms["plain"]), scale=stats.sem(arms["plain"]))
    np.testing.assert_allclose([low, high], wanted)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first arm is on top


def test_difference_dots_show_zero_and_the_interval():
    gap = paired_difference(ACCURACY, {0: 0.5, 1: 0.7, 2: 0.6}, {0: 0.4, 1: 0.5, 2: 0.6})
    ax = plt.gca()
    difference_dots(ax, {"trick": gap})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [10, 20, 0], atol=1e-9)
    np.testing.assert_allclose(
        ax.collections[0].get_segments()[0][:, 0], [100 * gap.low, 100 * gap.high]
    )
    assert list(ax.lines[-1].get_xdata()) == [0, 0]


@pytest.mark.parametrize("metric", [NLL, Metric("seconds")], ids=["nats", "no unit"])
def test_difference_dots_of_what_is_no_share_are_not_in_points(metric):
    gap = paired_difference(metric, {0: 0.5, 1: 0.7, 2: 0.6}, {0: 0.4, 1: 0.5, 2: 0.6})
    ax = plt.gca()
    difference_dots(ax, {"trick": gap})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.1, 0.2, 0], atol=1e-9)
    np.testing.assert_allclose(ax.collections[0].get_segments()[0][:, 0], [gap.low, gap.high])


def test_reliability_bars_weigh_up_to_the_calibration_error():
    draws = torch.Generator().manual_seed(0)
    logits, labels = 2 * torch.randn(500, 4, generator=draws), torch.arange(500) % 4
    ax = plt.gca()
    reliability_diagram(ax, reliability(logits, labels, bins=10))
    confidence, predicted = logits.softmax(1).max(1)
    error = 0.0
    for bar in ax.patches:
        low = bar.get_x()
        inside = (confidence > low) & (confidence <= low + 0.1 + 1e-9)
        if inside.any():
            share = (predicted == labels)[inside].float().mean().item()
            assert bar.get_height() == pytest.approx(share)
            gap = abs(bar.get_height() - confidence[inside].mean().item())
            error += inside.float().mean().item() * gap
    assert error == pytest.approx(score(logits, labels, bins=10).ece, abs=1e-5)


def test_live_curves_grow_and_keep_one_picture(monkeypatch):
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(figure)

    def display(figure, display_id):
        shown.append(figure)
        return Handle()

    monkeypatch.setattr(figures, "display", display)
    curves = LiveCurves("title")
    watch = curves.of("run")
    history = History(loss=[2.0, 4.0], steps_per_epoch=2)
    watch(history)
    history.loss += [1.0, 2.0]
    watch(history)
    assert curves.curves == {"run": [3.0, 1.5]}
    assert len(shown) == 2
    np.testing.assert_allclose(shown[1].axes[0].lines[0].get_ydata(), [3.0, 1.5])
    assert plt.get_fignums() == []
    again = curves.of("run")  # the cell runs again, and starts again
    assert curves.curves == {}
    again(history)
    assert curves.curves["run"] == [3.0, 1.5]


def test_curves_of_a_run_in_its_first_epoch_are_empty():
    curves = LiveCurves()
    curves.of("run")(History(loss=[2.0], steps_per_epoch=2))
    assert curves.curves == {"run": []}


def test_a_script_has_no_cell_to_draw_into(monkeypatch):
    monkeypatch.delitem(figures.sys.modules, "IPython", raising=False)
    curves = LiveCurves()
    for _ in range(2):
        curves.of("run")(History(loss=[2.0]))
    assert plt.get_fignums() == []


def test_a_notebook_has_one(monkeypatch):
    shown = []
    cell = types.ModuleType("IPython.display")
    cell.display = lambda figure, display_id: shown.append((figure, display_id))
    monkeypatch.setitem(figures.sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(figures.sys.modules, "IPython.display", cell)
    LiveCurves("title").of("run")(History(loss=[2.0]))
    ((figure, kept),) = shown
    assert kept
    assert figure.axes[0].get_title() == "title"


def test_live_curves_of_a_metric(monkeypatch):
    monkeypatch.setattr(figures, "display", lambda *_, **__: None)
    curves = LiveCurves(show="nll")
    history = History(loss=[1.0], epochs=[Metrics(0.5, 1.2, 0.1), Metrics(0.6, 1.1, 0.1)])
    curves.of("run")(history)
    assert curves.curves == {"run": [1.2, 1.1]}
    assert curves.draw().axes[0].get_ylabel() == "nll"


@pytest.mark.parametrize("show", ["loss", "accuracy"])
def test_a_finished_run_is_drawn_as_if_it_had_been_watched(show):
    recipe = Recipe(epochs=3)
    losses = [3.0, 2.0, 2.0, 1.0, 1.0, 0.0]
    scores = [Metrics(share, 1.0, 0.1) for share in (0.5, 0.6, 0.7)]
    curves = LiveCurves(show=show)
    watch = curves.of("watched")
    for epoch in (1, 2, 3):
        watch(History(loss=losses[: 2 * epoch], steps_per_epoch=2, epochs=scores[:epoch]))
    history = History(loss=losses, steps_per_epoch=2, epochs=scores)
    curves.add("added", Run(recipe, 0, None, history, 1.0))
    wanted = [2.5, 1.5, 0.5] if show == "loss" else [0.5, 0.6, 0.7]
    assert curves.curves["added"] == curves.curves["watched"] == wanted
    assert len(curves.draw().axes[0].lines) == 2
