import io
import itertools
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from tricks_lib import Recipe
from tricks_lib.lab import figures
from tricks_lib.lab.figures import (
    COLUMN,
    MARKS,
    LiveCurves,
    difference_dots,
    panels,
    reliability_diagram,
    seed_dots,
    show_images,
    smallest_letters,
    smooth,
    use_style,
)
from tricks_lib.lab.metrics import Metrics, reliability, score
from tricks_lib.lab.progress import progress
from tricks_lib.lab.study import (
    ACCURACY,
    ECE,
    NLL,
    WORDS,
    Finding,
    Metric,
    paired_difference,
)
from tricks_lib.lab.train import History, Run


@pytest.fixture(autouse=True)
def closed():
    with plt.rc_context():
        yield
    plt.close("all")


def widest(count=12):
    return {f"a long name of an arm, {n}": gap_of(ACCURACY, 0.1, 0.2) for n in range(count)}


def draw_panels():
    figure, axes = panels(3)
    for ax in axes:
        ax.semilogy([1, 100], label="a line")
        ax.set(title="a title", xlabel="step")
        ax.legend()
    return figure


def draw_live():
    curves = LiveCurves("a title")
    curves.curves = {"baseline": [1.0, 2.0], "trick": [2.0]}
    return curves.draw()


def draw_differences():
    figure, ax = plt.subplots(figsize=(9, 3))
    difference_dots(ax, widest())
    return figure


def draw_seed_dots():
    figure, ax = plt.subplots(figsize=(9, 3))
    seed_dots(ax, {"a long name of an arm": [1.0, 2.0], "trick": [3.0]})
    return figure


def draw_images():
    return show_images(torch.zeros(20, 1, 28, 28, dtype=torch.uint8), ["Ankle boot"] * 20)


def draw_many_images():
    images = torch.zeros(20, 1, 28, 28, dtype=torch.uint8)
    return show_images(images, ["Ankle boot"] * 20, columns=10, size=2.0)


def draw_bins():
    logits, labels = torch.randn(50, 4), torch.arange(50) % 4
    figure, ax = plt.subplots(figsize=(9, 3))
    reliability_diagram(ax, reliability(logits, labels, bins=10))
    return figure


DRAWN = [
    draw_panels,
    draw_live,
    draw_differences,
    draw_seed_dots,
    draw_images,
    draw_many_images,
    draw_bins,
]


@pytest.mark.parametrize("draw", DRAWN)
def test_letters_can_be_read_on_a_telephone(draw):
    use_style()
    figure = draw()
    assert figure.get_figwidth() <= COLUMN
    assert smallest_letters(figure, width=350) >= 10


def test_letters_are_measured_where_the_page_shows_them():
    """Against a picture as Jupyter makes it, and a word of which the height is measured in it."""
    use_style()
    figure, ax = plt.subplots()
    ax.text(0.2, 0.5, "small", fontsize=7)
    saved = io.BytesIO()
    figure.savefig(saved, bbox_inches="tight")
    width = Image.open(saved).width
    assert smallest_letters(figure, 350) == pytest.approx(7 / 72 * 110 * 350 / width, rel=0.01)
    assert smallest_letters(figure, 5000) == pytest.approx(7 / 72 * 110)  # no page enlarges
    ax.texts[0].set_visible(False)
    assert smallest_letters(figure, 350) == pytest.approx(11 / 72 * 110 * 350 / width, rel=0.01)
    ax.axis("off")
    with pytest.raises(ValueError, match="some text, got one without"):
        smallest_letters(figure)


def test_only_the_style_narrows_figures_and_whoever_insists_gets_a_wide_one():
    assert plt.figure(figsize=(9, 3)).get_figwidth() == 9
    use_style()
    figure = plt.figure(figsize=(9, 3))
    assert list(figure.get_size_inches()) == [COLUMN, 3]
    assert plt.figure(figsize=(2, 3)).get_figwidth() == 2
    figure.set_size_inches(9, 3)
    assert figure.get_figwidth() == 9


def test_panels_stand_in_rows_of_two():
    figure, axes = panels(3, height=2.0, sharey=True)
    assert figure.axes == axes
    places = [ax.get_subplotspec() for ax in axes]
    assert [(p.rowspan.start, p.colspan.start) for p in places] == [(0, 0), (0, 1), (1, 0)]
    assert list(figure.get_size_inches()) == [COLUMN, 4.0]
    assert axes[0].get_shared_y_axes().joined(*axes[:2])
    assert len(panels(2, columns=1)[0].axes) == len(panels(1)[1]) + 1
    with pytest.raises(ValueError, match="at least 1, got 0 and 2"):
        panels(0)


def test_titles_of_images_are_broken_where_there_is_no_room():
    use_style()
    figure = draw_many_images()
    figure.draw_without_rendering()
    boxes = [ax.title.get_window_extent() for ax in figure.axes[:10]]
    for left, right in itertools.pairwise(boxes):
        assert left.x1 < right.x0


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


def gap_of(metric, *values, **told):
    """A difference with these values, one a seed."""
    return paired_difference(
        metric, dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0), **told
    )


def dots_of(ax):
    return [list(line.get_xdata()) for line in ax.lines if line.get_alpha() == 0.45]


def intervals_of(ax):
    return [segment[:, 0] for c in ax.collections for segment in c.get_segments()]


def numbers_of(ax):
    return [text.get_text() for text in ax.texts]


def explained(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("metric", "scale"),
    [(ACCURACY, 100), (NLL, 1), (Metric("seconds"), 1)],
    ids=["points", "nats", "no unit"],
)
def test_difference_dots_show_zero_and_the_interval(metric, scale):
    gap = gap_of(metric, 0.1, 0.2, 0.0)
    ax = plt.gca()
    difference_dots(ax, {"trick": gap})
    np.testing.assert_allclose(dots_of(ax), [[10 * scale / 100, 20 * scale / 100, 0]], atol=1e-9)
    np.testing.assert_allclose(intervals_of(ax), [[scale * gap.low, scale * gap.high]])
    assert [0, 0] in [list(line.get_xdata()) for line in ax.lines]
    assert numbers_of(ax)[0].startswith(f"{scale * gap.mean:+.1f}")


def test_what_is_too_small_to_matter_is_a_band():
    left, right = panels(2)[1]
    difference_dots(left, {"trick": gap_of(ACCURACY, 0.1, 0.2)})
    band = left.patches[0].get_bbox()
    np.testing.assert_allclose([band.x0, band.x1], [-0.3, 0.3])
    difference_dots(right, {"trick": gap_of(NLL, 0.1, 0.2)})
    assert not right.patches


def test_a_verdict_is_told_without_colours():
    assert set(MARKS) == set(WORDS)
    forms = {word: (mark.form, mark.filled) for word, mark in MARKS.items()}
    del forms["differs"]  # stands alone: of a metric of which nobody said what is better
    assert len(set(forms.values())) == len(forms)
    figure, ax = plt.subplots()
    gaps = {
        "better": gap_of(ACCURACY, 0.02, 0.021),
        "worse": Finding(gap_of(ACCURACY, -0.02, -0.021)),
        "who knows": gap_of(ACCURACY, -0.02, 0.021),
        "the same": gap_of(ACCURACY, 0.0, 0.0),
    }
    difference_dots(ax, gaps)
    told = ["helps", "hurts", "no difference seen", "makes no difference"]
    assert explained(figure) == told
    drawn = [line.get_marker() for line in ax.lines if line.get_markersize() == 7]
    assert drawn == [MARKS[word].form for word in told]
    assert ax.get_xlabel().replace("\n", " ").endswith("(points); more is better")


def test_panels_share_what_explains_the_marks():
    figure, (left, right) = panels(2)
    difference_dots(left, {"trick": gap_of(ECE, 0.02, 0.021)})
    difference_dots(right, {"trick": gap_of(ECE, -0.02, -0.021)})
    assert explained(figure) == ["helps", "hurts"]
    assert not numbers_of(left) + numbers_of(right)  # there is no room


def test_numbers_show_on_which_side_of_zero_an_interval_ends():
    ax = plt.gca()
    difference_dots(ax, {"trick": gap_of(ACCURACY, 0.0100, 0.0011, 0.0055)})
    assert numbers_of(ax) == ["+0.6 [−0.6, +1.7]"]
    shift = 0.0002 - gap_of(ACCURACY, -0.004, 0.0, 0.004).low
    ax = plt.figure().gca()
    difference_dots(ax, {"trick": gap_of(ACCURACY, shift - 0.004, shift, shift + 0.004)})
    assert numbers_of(ax) == ["+1.01 [+0.02, +2.01]"]


def test_a_long_name_leaves_room_for_the_mean_alone():
    ax = plt.gca()
    difference_dots(ax, {"half the learning rate and no warmup": gap_of(ACCURACY, 0.02, 0.03)})
    assert numbers_of(ax) == ["+2.5"]
    assert "\n" in ax.get_yticklabels()[0].get_text()


def test_arms_that_diverged_say_so():
    ax = plt.gca()
    gaps = {
        "one pair": gap_of(ACCURACY, 0.1, diverged=4),
        "none": gap_of(ACCURACY, diverged=5),
        "fine": gap_of(ACCURACY, 0.1, 0.2),
    }
    difference_dots(ax, gaps)
    assert numbers_of(ax)[:2] == ["4 diverged", "5 diverged"]
    assert len(intervals_of(ax)) == 1
    plt.gcf().draw_without_rendering()


def test_what_lies_outside_of_the_limits_is_an_arrow():
    ax = plt.gca()
    gaps = {"far below": (-0.5, -0.6), "inside": (0.0, 0.01), "far above": (0.5, 0.6)}
    difference_dots(ax, {k: gap_of(ACCURACY, *v) for k, v in gaps.items()}, limits=(-5, 5))
    arrows = [(line.get_marker(), *line.get_ydata()) for line in ax.lines]
    assert [arrow for arrow in arrows if arrow[0] in "<>"] == [("<", 0), (">", 2)]
    assert ax.get_xlim() == (-5, 5)


@pytest.mark.parametrize(
    ("gaps", "got"),
    [
        ({}, r"\[\]"),
        ({"a": gap_of(NLL, 1, 2), "b": gap_of(ACCURACY, 0.1, 0.2)}, r"\['nats', 'points'\]"),
    ],
    ids=["none", "two units"],
)
def test_differences_of_several_units_have_no_axis(gaps, got):
    with pytest.raises(ValueError, match=f"expected differences in one unit, got {got}"):
        difference_dots(plt.gca(), gaps)


@pytest.mark.parametrize("draw", [difference_dots, seed_dots])
@pytest.mark.parametrize("rows", [1, 25])
def test_rows_have_the_height_of_their_text(draw, rows):
    use_style()
    figure, ax = plt.subplots(figsize=(7, 2.4))
    found = (0.1, 0.2) if draw is seed_dots else gap_of(ACCURACY, 0.1, 0.2)
    draw(ax, {f"a name that is broken into lines, {n}": found for n in range(rows)})
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    for upper, lower in itertools.pairwise(boxes):
        assert upper.y0 > lower.y1
    assert (figure.get_figheight() > 2.4) == (rows > 1)


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


def test_live_curves_say_which_epoch_it_is_and_take_the_bar_away(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda figure, display_id: shown.append(figure))
    watch = LiveCurves().of("run")
    history = History(steps_per_epoch=2)
    with progress(6, "training", "step") as bar:
        hidden = []
        monkeypatch.setattr(bar, "hide", lambda: hidden.append(True))
        for _ in range(3):
            history.loss += [2.0, 2.0]
            watch(history)
    axes = [figure.axes[0] for figure in shown]
    assert [ax.get_xlabel() for ax in axes] == ["epoch 1 of 3", "epoch 2 of 3", "epoch"]
    assert [ax.get_xlim() for ax in axes[:2]] == [(0.5, 3.5)] * 2  # as wide as it will be
    assert hidden == [True] * 3


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
